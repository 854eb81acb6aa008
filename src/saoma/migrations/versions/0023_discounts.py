"""What was taken off lines and why; offers, coupons, points."""

from alembic import op

revision = "0023_discounts"
down_revision = "0022_shifts"

SQL = """
-- What is taken off a line, in all: the sum of its rows in line_discounts, kept by the trigger below.
ALTER TABLE tab_lines ADD COLUMN discount bigint NOT NULL DEFAULT 0;
ALTER TABLE tab_lines ADD CONSTRAINT tab_lines_discount CHECK (discount BETWEEN 0 AND unit_amount * quantity);

-- One row per reason. `source` is what gave it (an offer, a coupon), `by` the person who decided it.
CREATE TABLE tab_discounts (
    id text PRIMARY KEY,
    tab_id text NOT NULL REFERENCES tabs (id),
    kind text NOT NULL CHECK (kind IN ('offer', 'coupon', 'points', 'manual')),
    source text NOT NULL DEFAULT '',
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    why_zh text NOT NULL DEFAULT '',
    by text NOT NULL DEFAULT '',
    key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tab_id, key)
);

CREATE TABLE line_discounts (
    discount_id text NOT NULL REFERENCES tab_discounts (id) ON DELETE CASCADE,
    line_id text NOT NULL REFERENCES tab_lines (id),
    amount bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (discount_id, line_id)
);
CREATE INDEX line_discounts_line ON line_discounts (line_id);

CREATE FUNCTION reckon_line_discount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE tab_lines SET discount = discount - OLD.amount WHERE id = OLD.line_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE tab_lines SET discount = discount + NEW.amount WHERE id = NEW.line_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_discounts_reckoned AFTER INSERT OR UPDATE OR DELETE ON line_discounts
    FOR EACH ROW EXECUTE FUNCTION reckon_line_discount();
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
