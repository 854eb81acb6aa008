"""Orders taken while the server could not be reached."""

from alembic import op

revision = "0030_offline"
down_revision = "0029_delivery"

SQL = """
-- A browser that takes orders offline. It makes its own id; the number becomes the letter of its provisional numbers.
CREATE TABLE offline_devices (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    terminal_id text NOT NULL DEFAULT '',
    number integer NOT NULL CHECK (number > 0),
    -- The last order that was dealt with; the next one is this plus one, and nothing overtakes it.
    last_seq bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    seen_at timestamptz NOT NULL,
    UNIQUE (store_id, number)
);

CREATE TABLE offline_orders (
    id text PRIMARY KEY,
    device_id text NOT NULL REFERENCES offline_devices (id),
    seq bigint NOT NULL CHECK (seq > 0),
    key text NOT NULL,
    fingerprint text NOT NULL,
    store_id text NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    content jsonb NOT NULL,
    taken_by text NOT NULL,
    sent_by text NOT NULL,
    taken_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'replayed', 'trouble', 'dropped')),
    landed_id text NOT NULL DEFAULT '',
    landed_label text NOT NULL DEFAULT '',
    landed_path text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    why_zh text NOT NULL DEFAULT '',
    settled_at timestamptz,
    settled_by text NOT NULL DEFAULT '',
    UNIQUE (device_id, seq),
    UNIQUE (device_id, key),
    CONSTRAINT what_was_replayed_landed CHECK ((state = 'replayed') = (landed_id <> '')),
    CONSTRAINT trouble_has_a_reason CHECK (state NOT IN ('trouble', 'dropped') OR why <> '')
);
CREATE INDEX offline_orders_in_trouble ON offline_orders (store_id, received_at) WHERE state IN ('waiting', 'trouble');
CREATE INDEX offline_orders_landed ON offline_orders (landed_id) WHERE landed_id <> '';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
