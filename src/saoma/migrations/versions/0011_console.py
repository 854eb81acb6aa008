"""What the console needs: an index for its search within one merchant, another for the provider's trade numbers.

Ids sort by birth, so the search pages by id and needs no index on times."""

from alembic import op

revision = "0011_console"
down_revision = "0010_cases"

SQL = """
CREATE INDEX payments_of_merchant ON payments (merchant_id, id);
CREATE INDEX payments_by_trade ON payments (trade_number) WHERE trade_number <> '';
CREATE INDEX payments_by_order ON payments (order_number);
CREATE INDEX refunds_of_merchant ON refunds (merchant_id, id);
CREATE INDEX notices_seen_of_payment ON notices_seen (payment_id);
"""


def upgrade() -> None:
    """Create the indexes."""
    op.execute(SQL)
