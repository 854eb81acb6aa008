"""Discounts by role, moved and merged tables, voids."""

from alembic import op

revision = "0025_till"
down_revision = "0024_paying"

SQL = """
-- A bill that was put together with another lives on in that one: dishes, guests, shares and payments are found there.
ALTER TABLE sittings
    ADD COLUMN merged_into text REFERENCES sittings (id),
    ADD COLUMN bill_asked_at timestamptz,
    ADD CONSTRAINT a_bill_that_was_merged_is_closed
    CHECK (merged_into IS NULL OR (status = 'closed' AND merged_into <> id));
CREATE INDEX sittings_merged ON sittings (merged_into) WHERE merged_into IS NOT NULL;

-- The till shows the last bills that were closed, each time anything changes.
CREATE INDEX sittings_closed ON sittings (store_id, closed_at DESC, id) WHERE status = 'closed';

-- For whom a waiter chose a dish; it becomes that guest's when it is sent, not before: baskets stay apart.
ALTER TABLE tab_lines ADD COLUMN for_guest text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
