"""The tables of reconciliation."""

from alembic import op

revision = "0009_reconciliation"
down_revision = "0008_api"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
