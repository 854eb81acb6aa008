"""The tables of tables and sittings."""

from alembic import op

revision = "0006_restaurant"
down_revision = "0005_food"

SQL = """
CREATE TABLE dining_tables (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    code text NOT NULL UNIQUE,
    name text NOT NULL CHECK (name <> ''),
    area text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE UNIQUE INDEX dining_tables_name ON dining_tables (store_id, lower(name)) WHERE retired_at IS NULL;

CREATE TABLE sittings (
    id text PRIMARY KEY,
    table_id text NOT NULL REFERENCES dining_tables (id),
    store_id text NOT NULL REFERENCES stores (id),
    tab_id text NOT NULL UNIQUE REFERENCES tabs (id),
    currency text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    covered_at timestamptz,
    closed_at timestamptz,
    closed_by text NOT NULL DEFAULT '',
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX sittings_one_open ON sittings (table_id) WHERE status = 'open';
CREATE INDEX sittings_open ON sittings (store_id) WHERE status = 'open';
CREATE INDEX sittings_due ON sittings (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE guests (
    id text PRIMARY KEY,
    sitting_id text NOT NULL REFERENCES sittings (id),
    seat int NOT NULL CHECK (seat > 0),
    buyer_id text,
    name text NOT NULL DEFAULT '',
    joined_at timestamptz NOT NULL,
    UNIQUE (sitting_id, seat)
);
CREATE UNIQUE INDEX guests_buyer ON guests (sitting_id, buyer_id) WHERE buyer_id IS NOT NULL;

CREATE TABLE bill_shares (
    payment_id text PRIMARY KEY REFERENCES payments (id) DEFERRABLE INITIALLY DEFERRED,
    sitting_id text NOT NULL REFERENCES sittings (id),
    guest_id text REFERENCES guests (id),
    choice text NOT NULL CHECK (choice IN ('whole', 'mine', 'dishes', 'amount', 'even')),
    lines text[] NOT NULL DEFAULT '{}',
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    state text NOT NULL CHECK (state IN ('held', 'paid', 'released')),
    held_at timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX bill_shares_sitting ON bill_shares (sitting_id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
