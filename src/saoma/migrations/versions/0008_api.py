"""The tables of keys and webhooks of the partner API.

Keys are kept as hashes, webhook secrets sealed; an event's body is kept as it is signed and sent."""

from alembic import op

revision = "0008_api"
down_revision = "0007_methods"

SQL = """
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants (id),
    name text NOT NULL,
    -- The first letters of the key, so that people can tell their keys apart.
    hint text NOT NULL,
    hash text NOT NULL UNIQUE,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    -- Empty: every store of the merchant.
    store_ids text[] NOT NULL DEFAULT '{}',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_of_merchant ON api_keys (merchant_id, created_at);

-- What a request with an Idempotency-Key made, where the thing itself does not keep the key.
CREATE TABLE api_requests (
    merchant_id text NOT NULL REFERENCES merchants (id),
    key text NOT NULL,
    fingerprint text NOT NULL,
    made text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, key)
);

-- One reference of a store is paid once at a time: the partner's own order number.
CREATE TABLE api_references (
    store_id text NOT NULL,
    reference text NOT NULL,
    payment_id text NOT NULL,
    PRIMARY KEY (store_id, reference)
);
CREATE UNIQUE INDEX api_references_of_payment ON api_references (payment_id);

CREATE INDEX payments_of_merchant_by_birth ON payments (merchant_id, created_at DESC, id DESC);

CREATE TABLE webhooks (
    id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants (id),
    url text NOT NULL,
    events text[] NOT NULL CHECK (cardinality(events) > 0),
    -- Empty: every store of the merchant.
    store_ids text[] NOT NULL DEFAULT '{}',
    sealed_secret text NOT NULL,
    created_at timestamptz NOT NULL,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_because text NOT NULL DEFAULT '',
    deleted_at timestamptz
);
CREATE INDEX webhooks_of_merchant ON webhooks (merchant_id) WHERE deleted_at IS NULL;

CREATE TABLE webhook_events (
    id text PRIMARY KEY,
    merchant_id text NOT NULL,
    kind text NOT NULL,
    subject_id text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE webhook_deliveries (
    id text PRIMARY KEY,
    webhook_id text NOT NULL REFERENCES webhooks (id),
    event_id text NOT NULL REFERENCES webhook_events (id),
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    created_at timestamptz NOT NULL,
    -- From when the gaps are counted: the creation, or the last replay.
    begun_at timestamptz NOT NULL,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    CONSTRAINT a_pending_delivery_is_followed CHECK ((due_at IS NOT NULL) = (status = 'pending'))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id);

CREATE TABLE webhook_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id text NOT NULL REFERENCES webhook_deliveries (id),
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    http_status int,
    milliseconds int NOT NULL,
    answer text NOT NULL DEFAULT ''
);
CREATE INDEX webhook_attempts_of_delivery ON webhook_attempts (delivery_id, id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
