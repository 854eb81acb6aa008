"""The tables of what checkout keeps."""

from alembic import op

revision = "0004_checkout"
down_revision = "0003_payments"

SQL = """
-- What phones said after tradePay. Part of a payment's story; never a reason to book money.
CREATE TABLE wallet_reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments (id),
    result_code text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX wallet_reports_payment ON wallet_reports (payment_id, id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
