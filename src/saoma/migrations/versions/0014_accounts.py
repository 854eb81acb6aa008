"""What going live keeps of an account: its checks and its switch."""

from alembic import op

revision = "0014_accounts"
down_revision = "0013_practice"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
