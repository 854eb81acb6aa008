"""What the acquirer channel keeps beside its accounts."""

from alembic import op

revision = "0016_acquirer_more"
down_revision = "0015_api_more"

SQL = """
-- Phones that learn through our application who their buyer is, for partners who have none: begun, come back from
-- Alipay (arrived_at, then code_hash), gone when the partner exchanges the code.
CREATE TABLE passed_sign_ins (
    state_hash text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants (id),
    account_id text NOT NULL REFERENCES accounts (id),
    return_url text NOT NULL,
    state text NOT NULL,
    arrived_at timestamptz,
    code_hash text UNIQUE,
    buyer_id text NOT NULL DEFAULT '',
    ends_at timestamptz NOT NULL
);
CREATE INDEX passed_sign_ins_end ON passed_sign_ins (ends_at);

-- Stores in Alipay's register of sub-merchants; one row per store, asked for again when its data change.
CREATE TABLE store_registrations (
    id text PRIMARY KEY,
    store_id text NOT NULL UNIQUE REFERENCES stores (id),
    account_id text NOT NULL REFERENCES accounts (id),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    status text NOT NULL CHECK (status IN ('wanted', 'in_review', 'registered', 'refused')),
    why text NOT NULL DEFAULT '',
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_at timestamptz,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    CONSTRAINT what_is_open_is_followed CHECK (due_at IS NOT NULL OR status IN ('registered', 'refused'))
);
CREATE INDEX store_registrations_due ON store_registrations (due_at) WHERE due_at IS NOT NULL;

-- An account at an acquirer is compared with the acquirer's own statement, which its API tells.
ALTER TABLE statement_sources DROP CONSTRAINT statement_sources_kind_check,
    ADD CONSTRAINT statement_sources_kind_check CHECK (kind IN ('sftp', 'folder', 'upload', 'acquirer'));
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
