"""Money given back for dishes: what of it is forgiven for good, and what the kitchen is told once it is decided."""

from alembic import op

revision = "0031_given_back"
down_revision = "0030_offline"

SQL = """
-- What of `refunded` went back for dishes that this payment had paid by name. They stay on the bill and stay forgiven;
-- the rest that was forgiven named no dish, and counts for what is struck from the bill later.
ALTER TABLE bill_shares
    ADD COLUMN dishes_refunded bigint NOT NULL DEFAULT 0 CHECK (dishes_refunded >= 0),
    ADD CHECK (surplus_refunded + dishes_refunded <= refunded);

-- Dishes that the kitchen stops making when a second person agrees to their refund; gone once that is decided.
CREATE TABLE counter_stops (
    refund_id text PRIMARY KEY,
    order_id text NOT NULL REFERENCES counter_orders (id),
    lines text[] NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX counter_stops_of_order ON counter_stops (order_id);
"""


def upgrade() -> None:
    """Create the columns and the table."""
    op.execute(SQL)
