"""The table of accounts at an acquirer: another deployment, reached through its partner API."""

from alembic import op

revision = "0012_acquirer"
down_revision = "0011_console"

SQL = """
-- What an account with channel 'acquirer' needs; its row in accounts holds its name, currency and environment.
CREATE TABLE acquirers (
    account_id text PRIMARY KEY REFERENCES accounts (id),
    url text NOT NULL,
    api_key text NOT NULL,
    webhook_secret text NOT NULL DEFAULT '',
    -- Which store of the acquirer's takes the money.
    store text NOT NULL CHECK (store <> '')
);
COMMENT ON COLUMN acquirers.api_key IS 'sealed';
COMMENT ON COLUMN acquirers.webhook_secret IS 'sealed';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(SQL)
