"""Where and when dishes are offered, how many there are of them, and the step back in the office."""

from alembic import op

revision = "0026_menu"
down_revision = "0025_till"

SQL = """
-- The named parts of a shop's day: [{"id", "name", "name_zh", "starts", "ends", "days"}], minutes on the shop's clock.
ALTER TABLE menus ADD COLUMN dayparts jsonb NOT NULL DEFAULT '[]';
-- Limits: empty is none. `dayparts` holds ids of those of the menu.
ALTER TABLE menu_sections ADD COLUMN channels text[] NOT NULL DEFAULT '{}';
ALTER TABLE menu_sections ADD COLUMN dayparts text[] NOT NULL DEFAULT '{}';
ALTER TABLE menu_items ADD COLUMN channels text[] NOT NULL DEFAULT '{}';
ALTER TABLE menu_items ADD COLUMN dayparts text[] NOT NULL DEFAULT '{}';
ALTER TABLE menu_items ADD COLUMN per_day integer CHECK (per_day >= 0);
ALTER TABLE menu_items ADD COLUMN photo_avif boolean NOT NULL DEFAULT false;

-- What is left of a dish on a day by the shop's clock. A day without a row has `menu_items.per_day` of it.
CREATE TABLE portions (
    item_id text NOT NULL REFERENCES menu_items (id),
    day date NOT NULL,
    left_over integer NOT NULL CHECK (left_over >= 0),
    PRIMARY KEY (item_id, day)
);
-- Which line took how many of them: sent, or about to be paid. What is given back is deleted here.
CREATE TABLE portion_claims (
    line_id text PRIMARY KEY REFERENCES tab_lines (id),
    item_id text NOT NULL,
    day date NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX portion_claims_item ON portion_claims (item_id, day);

-- The menu before the office's last change; good for one step back.
CREATE TABLE menu_undo (
    store_id text PRIMARY KEY REFERENCES menus (store_id),
    what text NOT NULL,
    by text NOT NULL,
    rows jsonb NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
