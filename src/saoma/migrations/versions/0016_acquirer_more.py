"""What the acquirer channel keeps beside its accounts."""

from alembic import op

revision = "0016_acquirer_more"
down_revision = "0015_api_more"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
