"""The tables of partner, merchants, stores, staff."""

from alembic import op

revision = "0002_identity"
down_revision = "0001_kit"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
