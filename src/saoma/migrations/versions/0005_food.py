"""The tables of menus, orders, kitchen."""

from alembic import op

revision = "0005_food"
down_revision = "0004_checkout"

SQL = """
-- What a store's food is reckoned in. `version` is random, so that no two contents ever share one, not even those of
-- two databases or of a restored backup: processes keep menus by it.
CREATE TABLE menus (
    store_id text PRIMARY KEY,
    currency text NOT NULL,
    version text NOT NULL DEFAULT gen_random_uuid()::text,
    tax_basis_points integer NOT NULL DEFAULT 0 CHECK (tax_basis_points BETWEEN 0 AND 10000),
    soon_seconds integer NOT NULL DEFAULT 480 CHECK (soon_seconds > 0),
    late_seconds integer NOT NULL DEFAULT 900 CHECK (late_seconds > 0)
);

CREATE TABLE stations (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES menus (store_id),
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    position integer NOT NULL DEFAULT 0,
    UNIQUE (store_id, name)
);

CREATE TABLE menu_sections (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES menus (store_id),
    station_id text REFERENCES stations (id),
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    position integer NOT NULL DEFAULT 0,
    hidden boolean NOT NULL DEFAULT false,
    removed boolean NOT NULL DEFAULT false,
    UNIQUE (store_id, name)
);

-- An item is never deleted: old orders point to it. `retired` takes it off the menu for good.
CREATE TABLE menu_items (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES menus (store_id),
    section_id text NOT NULL REFERENCES menu_sections (id),
    code text NOT NULL,
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    description_zh text NOT NULL DEFAULT '',
    price bigint NOT NULL CHECK (price >= 0),
    allergens text[] NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    photo text NOT NULL DEFAULT '',
    photo_width integer NOT NULL DEFAULT 0,
    photo_height integer NOT NULL DEFAULT 0,
    position integer NOT NULL DEFAULT 0,
    hidden boolean NOT NULL DEFAULT false,
    sold_out boolean NOT NULL DEFAULT false,
    retired boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX menu_items_code ON menu_items (store_id, code) WHERE NOT retired;
CREATE INDEX menu_items_section ON menu_items (section_id);

CREATE TABLE option_groups (
    id text PRIMARY KEY,
    item_id text NOT NULL REFERENCES menu_items (id),
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    min_choices integer NOT NULL DEFAULT 0 CHECK (min_choices >= 0),
    max_choices integer NOT NULL DEFAULT 1 CHECK (max_choices >= 1),
    position integer NOT NULL DEFAULT 0,
    CHECK (min_choices <= max_choices)
);
CREATE INDEX option_groups_item ON option_groups (item_id);

CREATE TABLE options (
    id text PRIMARY KEY,
    group_id text NOT NULL REFERENCES option_groups (id) ON DELETE CASCADE,
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    price_change bigint NOT NULL DEFAULT 0,
    position integer NOT NULL DEFAULT 0,
    sold_out boolean NOT NULL DEFAULT false
);
CREATE INDEX options_group ON options (group_id);

CREATE TABLE tabs (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES menus (store_id),
    channel text NOT NULL,
    label text NOT NULL,
    currency text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'settled', 'closed')),
    round integer NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX tabs_open ON tabs (store_id, opened_at) WHERE status <> 'closed';

-- Names, choices and price are copies: what the menu says later never changes what somebody ordered.
CREATE TABLE tab_lines (
    id text PRIMARY KEY,
    tab_id text NOT NULL REFERENCES tabs (id),
    store_id text NOT NULL,
    item_id text NOT NULL REFERENCES menu_items (id),
    station_id text REFERENCES stations (id),
    name text NOT NULL,
    name_zh text NOT NULL DEFAULT '',
    options jsonb NOT NULL DEFAULT '[]',
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    unit_amount bigint NOT NULL CHECK (unit_amount >= 0),
    unit_amount_before bigint,
    amount bigint GENERATED ALWAYS AS (unit_amount * quantity) STORED,
    currency text NOT NULL,
    status text NOT NULL DEFAULT 'basket'
        CHECK (status IN ('basket', 'sent', 'cooking', 'ready', 'served', 'void')),
    guest_id text NOT NULL DEFAULT '',
    round integer,
    note text NOT NULL DEFAULT '',
    paid_by text,
    paid boolean NOT NULL DEFAULT false,
    key text NOT NULL,
    fingerprint text NOT NULL,
    sent_by text NOT NULL DEFAULT '',
    void_reason text NOT NULL DEFAULT '',
    void_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    started_at timestamptz,
    ready_at timestamptz,
    served_at timestamptz,
    voided_at timestamptz,
    UNIQUE (tab_id, key),
    CHECK (status IN ('basket', 'void') OR (round IS NOT NULL AND sent_at IS NOT NULL)),
    CHECK (NOT paid OR paid_by IS NOT NULL),
    CHECK (paid_by IS NULL OR status NOT IN ('basket', 'void'))
);
CREATE INDEX tab_lines_payment ON tab_lines (paid_by) WHERE paid_by IS NOT NULL;
CREATE INDEX tab_lines_kitchen ON tab_lines (store_id, sent_at) WHERE status IN ('sent', 'cooking', 'ready');
CREATE INDEX tab_lines_void ON tab_lines (store_id, voided_at) WHERE status = 'void' AND round IS NOT NULL;
CREATE INDEX tab_lines_served ON tab_lines (store_id, served_at) WHERE status = 'served';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
