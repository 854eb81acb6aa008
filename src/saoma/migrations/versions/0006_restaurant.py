"""The tables of tables and sittings."""

from alembic import op

revision = "0006_restaurant"
down_revision = "0005_food"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
