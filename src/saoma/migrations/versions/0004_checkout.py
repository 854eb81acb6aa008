"""The tables of what checkout keeps."""

from alembic import op

revision = "0004_checkout"
down_revision = "0003_payments"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
