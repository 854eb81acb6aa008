"""Zones, fees, couriers and stages of delivery."""

from alembic import op

revision = "0029_delivery"
down_revision = "0028_online"

SQL = """
ALTER TABLE staff DROP CONSTRAINT staff_roles_check;
ALTER TABLE staff ADD CONSTRAINT staff_roles_check CHECK (cardinality(roles) > 0 AND
    roles <@ ARRAY['owner', 'manager', 'cashier', 'waiter', 'kitchen', 'runner', 'courier', 'operator']);

-- Places are whole millionths of a degree (WGS-84, about 0.1 m): what lies in a zone is decided without rounding.
CREATE TABLE delivery_settings (
    store_id text PRIMARY KEY REFERENCES stores (id),
    takes boolean NOT NULL DEFAULT true,
    latitude integer CHECK (latitude BETWEEN -90000000 AND 90000000),
    longitude integer CHECK (longitude BETWEEN -180000000 AND 180000000),
    capacity integer NOT NULL DEFAULT 3 CHECK (capacity BETWEEN 1 AND 20),
    nobody_there_percent integer NOT NULL DEFAULT 50 CHECK (nobody_there_percent BETWEEN 0 AND 100),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);

-- `shape` is {"metres": 1500} around the store's place, or {"corners": [[longitude, latitude], ...]}.
CREATE TABLE delivery_zones (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    shape jsonb NOT NULL,
    currency text NOT NULL,
    fee bigint NOT NULL CHECK (fee >= 0),
    minimum bigint NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    free_from bigint CHECK (free_from >= 0),
    minutes integer NOT NULL DEFAULT 15 CHECK (minutes BETWEEN 0 AND 240),
    retired boolean NOT NULL DEFAULT false,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX delivery_zones_name ON delivery_zones (store_id, name) WHERE NOT retired;

-- One for each order that is brought. Zone, fee and minutes are copies: what the office says later changes no delivery.
-- `tab_id` names the dishes, where the order has any here: then the kitchen's word decides when it is ready.
CREATE TABLE deliveries (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    order_kind text NOT NULL,
    order_id text NOT NULL,
    tab_id text REFERENCES tabs (id),
    label text NOT NULL DEFAULT '',
    status text NOT NULL CHECK (status IN ('planned', 'waiting', 'assigned', 'picked_up', 'near', 'delivered', 'failed',
                                           'returned', 'cancelled')),
    zone_id text NOT NULL REFERENCES delivery_zones (id),
    zone_name text NOT NULL,
    zone_name_zh text NOT NULL,
    currency text NOT NULL,
    fee bigint NOT NULL CHECK (fee >= 0),
    minutes integer NOT NULL CHECK (minutes >= 0),
    street text NOT NULL,
    door text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    latitude integer,
    longitude integer,
    name text NOT NULL,
    phone text NOT NULL,
    code text NOT NULL CHECK (code ~ '^[0-9]{4}$'),
    wrong_codes integer NOT NULL DEFAULT 0,
    courier_id text REFERENCES staff (id),
    promised_at timestamptz,
    begun_at timestamptz,
    ready_at timestamptz,
    assigned_at timestamptz,
    picked_up_at timestamptz,
    near_at timestamptz,
    ended_at timestamptz,
    handed_over text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    seen_latitude integer,
    seen_longitude integer,
    seen_at timestamptz,
    UNIQUE (order_kind, order_id),
    CHECK (status NOT IN ('assigned', 'picked_up', 'near', 'delivered', 'failed') OR courier_id IS NOT NULL),
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK (status = 'planned' OR status = 'cancelled' OR promised_at IS NOT NULL)
);
CREATE INDEX deliveries_open ON deliveries (store_id, promised_at)
    WHERE status IN ('waiting', 'assigned', 'picked_up', 'near', 'failed');
CREATE INDEX deliveries_ended ON deliveries (store_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX deliveries_courier ON deliveries (courier_id) WHERE status IN ('assigned', 'picked_up', 'near', 'failed');

-- What happened to one, with who and when. A press carries a key: the same person's same key is the same press.
CREATE TABLE delivery_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id text NOT NULL REFERENCES deliveries (id),
    at timestamptz NOT NULL,
    who text NOT NULL,
    event text NOT NULL,
    status text NOT NULL,
    courier_id text NOT NULL DEFAULT '',
    said text NOT NULL DEFAULT '',
    key text NOT NULL DEFAULT ''
);
CREATE INDEX delivery_events_of ON delivery_events (delivery_id, id);
CREATE UNIQUE INDEX delivery_events_key ON delivery_events (who, key) WHERE key <> '';

-- Which runner has taken a dish from the pass. `made_at` is the dish's own time of getting ready: a dish that went back
-- to the kitchen and came again is another one to carry.
CREATE TABLE carried_dishes (
    line_id text PRIMARY KEY REFERENCES tab_lines (id),
    tab_id text NOT NULL REFERENCES tabs (id),
    runner_id text NOT NULL REFERENCES staff (id),
    made_at timestamptz NOT NULL,
    taken_at timestamptz NOT NULL,
    brought_at timestamptz
);
CREATE INDEX carried_dishes_tab ON carried_dishes (tab_id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
