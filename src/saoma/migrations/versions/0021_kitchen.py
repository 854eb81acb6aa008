"""Courses that wait for each other, a station of its own for a dish, and what preparation times are learned from."""

from alembic import op

revision = "0021_kitchen"
down_revision = "0020_fastfood"

SQL = """
-- When the dishes of a section are cooked at a table: '' and drinks at once, the others one course after the other.
ALTER TABLE menu_sections ADD COLUMN course text NOT NULL DEFAULT ''
    CHECK (course IN ('', 'drinks', 'starter', 'main', 'dessert'));
-- Null: where its section is made.
ALTER TABLE menu_items ADD COLUMN station_id text REFERENCES stations (id);
-- Who fires the next course: nobody (it goes by itself when the earlier one is served), a person, or there are none.
ALTER TABLE menus ADD COLUMN firing text NOT NULL DEFAULT 'automatic' CHECK (firing IN ('automatic', 'person', 'off'));

-- A line on hold was sent (it is on the bill) and is not the kitchen's business yet: 'course' waits for its turn,
-- 'hand' for a person. `firing` counts the times that dishes of its tab were fired later than sent, so that what is
-- fired together makes one ticket. `load` is how many pieces its station had to make when it was begun.
ALTER TABLE tab_lines ADD COLUMN course text NOT NULL DEFAULT '';
ALTER TABLE tab_lines ADD COLUMN hold text NOT NULL DEFAULT '' CHECK (hold IN ('', 'course', 'hand'));
ALTER TABLE tab_lines ADD COLUMN firing integer NOT NULL DEFAULT 0;
ALTER TABLE tab_lines ADD COLUMN fired_at timestamptz;
ALTER TABLE tab_lines ADD COLUMN load integer;
ALTER TABLE tab_lines ADD CONSTRAINT tab_lines_hold CHECK (hold = '' OR status IN ('sent', 'void'));
CREATE INDEX tab_lines_facts ON tab_lines (store_id, item_id, ready_at) WHERE load IS NOT NULL AND ready_at IS NOT NULL;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
