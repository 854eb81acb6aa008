"""What practice mode keeps: lessons of each cashier."""

from alembic import op

revision = "0013_practice"
down_revision = "0012_acquirer"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
