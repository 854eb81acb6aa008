"""What the partner API keeps beside keys and webhooks."""

from alembic import op

revision = "0015_api_more"
down_revision = "0014_accounts"

SQL = """
-- How often each key asked, of all processes together. Only sums that grow: losing them in a crash costs nothing.
CREATE UNLOGGED TABLE api_use (key_id text PRIMARY KEY, taken bigint NOT NULL);

-- A partner key belongs to an account instead of a merchant: it adds merchants to that account, and sees them.
ALTER TABLE api_keys ALTER COLUMN merchant_id DROP NOT NULL;
ALTER TABLE api_keys ADD COLUMN account_id text REFERENCES accounts (id);
ALTER TABLE api_keys ADD CONSTRAINT a_key_is_a_merchants_or_a_partners
    CHECK ((merchant_id IS NULL) <> (account_id IS NULL));
CREATE INDEX api_keys_of_partner ON api_keys (created_at) WHERE merchant_id IS NULL;
-- The requests of a partner key are kept under its own id.
ALTER TABLE api_requests DROP CONSTRAINT api_requests_merchant_id_fkey;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
