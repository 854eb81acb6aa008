"""Counter orders: a tab with a pickup number, and the shares that payments take of it."""

from alembic import op

revision = "0020_fastfood"
down_revision = "0019_brought"

SQL = """
-- How many numbers a store has given out on a day: the row is the lock under which the next one is chosen.
CREATE TABLE pickup_numbers (
    store_id text NOT NULL REFERENCES stores (id),
    day date NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (store_id, day)
);

-- `number` is what is called out (1 to 999), `sequence` counts the orders of the day. `fired_at` is set once,
-- in the transaction that books the money; nothing reaches the kitchen without it.
CREATE TABLE counter_orders (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    tab_id text NOT NULL UNIQUE REFERENCES tabs (id),
    channel text NOT NULL CHECK (channel IN ('counter', 'takeaway', 'kiosk')),
    day date NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 999),
    key text NOT NULL,
    status text NOT NULL DEFAULT 'building' CHECK (status IN ('building', 'paying', 'paid', 'cancelled')),
    currency text NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    fired_at timestamptz,
    UNIQUE (store_id, day, sequence),
    UNIQUE (store_id, key),
    CHECK ((status = 'paid') = (fired_at IS NOT NULL))
);
CREATE INDEX counter_orders_open ON counter_orders (store_id, opened_at) WHERE status IN ('building', 'paying');
CREATE INDEX counter_orders_fired ON counter_orders (store_id, fired_at) WHERE fired_at IS NOT NULL;

CREATE TABLE counter_shares (
    payment_id text PRIMARY KEY REFERENCES payments (id),
    order_id text NOT NULL REFERENCES counter_orders (id),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    state text NOT NULL CHECK (state IN ('held', 'paid', 'released')),
    held_at timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX counter_shares_order ON counter_shares (order_id);

-- What sold today, for the board.
CREATE INDEX tab_lines_sold ON tab_lines (store_id, sent_at) WHERE sent_at IS NOT NULL;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
