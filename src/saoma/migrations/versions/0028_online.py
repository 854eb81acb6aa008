"""Orders made ahead, to eat here, to take away or to be brought: what a store offers, the orders, and their money."""

from alembic import op

revision = "0028_online"
down_revision = "0027_kiosk"

SQL = """
-- What a store offers ahead. `capacity` is what its kitchen makes in one interval, in dishes or in minutes of cooking
-- (`counts`); `stations` says the same for single stations, {"sta_1": 12}. `closed_on` is the day (the store's own)
-- on which nothing more is made. Strangers order without paying only where the owner has said so (`pay`).
CREATE TABLE online_stores (
    store_id text PRIMARY KEY REFERENCES menus (store_id),
    code text NOT NULL UNIQUE,
    takes boolean NOT NULL DEFAULT false,
    eat_here boolean NOT NULL DEFAULT true,
    pick_up boolean NOT NULL DEFAULT true,
    bring boolean NOT NULL DEFAULT false,
    pay text NOT NULL DEFAULT 'ahead' CHECK (pay IN ('ahead', 'choice')),
    every_minutes integer NOT NULL DEFAULT 15 CHECK (every_minutes IN (5, 10, 15, 20, 30, 60)),
    counts text NOT NULL DEFAULT 'dishes' CHECK (counts IN ('dishes', 'minutes')),
    capacity integer NOT NULL DEFAULT 12 CHECK (capacity BETWEEN 1 AND 1000),
    stations jsonb NOT NULL DEFAULT '{}',
    lead_minutes integer NOT NULL DEFAULT 15 CHECK (lead_minutes BETWEEN 0 AND 1440),
    days_ahead integer NOT NULL DEFAULT 2 CHECK (days_ahead BETWEEN 0 AND 30),
    hold_minutes integer NOT NULL DEFAULT 30 CHECK (hold_minutes BETWEEN 5 AND 240),
    no_show text NOT NULL DEFAULT 'kept' CHECK (no_show IN ('kept', 'refunded')),
    closed_on date
);

-- Minutes since midnight by the store's clock; Monday is 0.
CREATE TABLE online_hours (
    store_id text NOT NULL REFERENCES online_stores (store_id),
    weekday integer NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    opens integer NOT NULL CHECK (opens BETWEEN 0 AND 1439),
    closes integer NOT NULL CHECK (closes BETWEEN 1 AND 1440),
    PRIMARY KEY (store_id, weekday, opens),
    CHECK (opens < closes)
);

-- `load` is what the order takes of its slot: {"": pieces or minutes, "sta_1": ...}, for `slot_minutes` from `slot_at`
-- on: the length of a slot when it was promised. Hold time and no-show rule are copies: what was told before paying
-- holds. `token` is the address of the customer's own page.
CREATE TABLE online_orders (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES online_stores (store_id),
    tab_id text NOT NULL UNIQUE REFERENCES tabs (id),
    token text NOT NULL UNIQUE,
    key text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('eat_here', 'pick_up', 'bring')),
    status text NOT NULL DEFAULT 'choosing' CHECK (status IN ('choosing', 'paying', 'promised', 'fired', 'collected',
                                                              'no_show', 'cancelled')),
    asap boolean NOT NULL DEFAULT true,
    slot_at timestamptz,
    slot_minutes integer NOT NULL DEFAULT 15 CHECK (slot_minutes BETWEEN 1 AND 60),
    load jsonb NOT NULL DEFAULT '{}',
    prep_seconds integer NOT NULL DEFAULT 0,
    day date,
    number integer,
    name text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    buyer_id text NOT NULL DEFAULT '',
    table_name text NOT NULL DEFAULT '',
    currency text NOT NULL,
    fee bigint NOT NULL DEFAULT 0 CHECK (fee >= 0),
    pay text NOT NULL DEFAULT 'ahead' CHECK (pay IN ('ahead', 'later')),
    hold_minutes integer NOT NULL DEFAULT 30,
    no_show text NOT NULL DEFAULT 'kept' CHECK (no_show IN ('kept', 'refunded')),
    trouble text NOT NULL DEFAULT '' CHECK (trouble IN ('', 'sold_out', 'closed', 'full', 'late_money')),
    trouble_dish text NOT NULL DEFAULT '',
    ended_by text NOT NULL DEFAULT '',
    giving_back text NOT NULL DEFAULT '',
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    placed_at timestamptz,
    fired_at timestamptz,
    arrived_at timestamptz,
    ended_at timestamptz,
    due_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    UNIQUE (store_id, key),
    UNIQUE (store_id, day, number),
    CHECK (status = 'choosing' OR status = 'cancelled' OR (slot_at IS NOT NULL AND number IS NOT NULL))
);
CREATE INDEX online_orders_due ON online_orders (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX online_orders_slot ON online_orders (store_id, slot_at) WHERE slot_at IS NOT NULL;

CREATE TABLE online_shares (
    payment_id text PRIMARY KEY REFERENCES payments (id),
    order_id text NOT NULL REFERENCES online_orders (id),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    state text NOT NULL CHECK (state IN ('held', 'paid', 'released')),
    held_at timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX online_shares_order ON online_shares (order_id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
