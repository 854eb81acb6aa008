"""The tables of partner, merchants, stores, staff."""

from alembic import op

revision = "0002_identity"
down_revision = "0001_kit"

SQL = """
CREATE TABLE accounts (
    id text PRIMARY KEY,
    name text NOT NULL,
    partner text NOT NULL,
    app_id text NOT NULL DEFAULT '',
    sign_type text NOT NULL CHECK (sign_type IN ('MD5', 'RSA', 'RSA2')),
    md5_key text NOT NULL DEFAULT '',
    private_key text NOT NULL DEFAULT '',
    alipay_public_key text NOT NULL DEFAULT '',
    gateway_url text NOT NULL,
    openapi_url text NOT NULL,
    auth_url text NOT NULL,
    environment text NOT NULL CHECK (environment IN ('sandbox', 'production')),
    currency text NOT NULL,
    charset text NOT NULL DEFAULT 'utf-8',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (partner, environment)
);
COMMENT ON COLUMN accounts.md5_key IS 'sealed';
COMMENT ON COLUMN accounts.private_key IS 'sealed';
COMMENT ON COLUMN accounts.alipay_public_key IS 'sealed: nobody may swap the key that answers are checked with';

CREATE TABLE merchants (
    id text PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    currency text NOT NULL,
    account_id text NOT NULL REFERENCES accounts (id),
    industry text NOT NULL CHECK (industry ~ '^[0-9]{4}$'),
    secondary_id text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE stores (
    id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants (id),
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    zone text NOT NULL,
    address text NOT NULL DEFAULT '',
    address_zh text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX stores_merchant ON stores (merchant_id);

CREATE TABLE terminals (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES stores (id),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('till', 'kitchen', 'tablet', 'kiosk', 'gate')),
    token_hash text NOT NULL DEFAULT '',
    paired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX terminals_store ON terminals (store_id);

-- Without a merchant: the partner's own people. Without a store: every store of the merchant.
CREATE TABLE staff (
    id text PRIMARY KEY,
    merchant_id text REFERENCES merchants (id),
    store_id text REFERENCES stores (id),
    name text NOT NULL CHECK (name <> ''),
    login text NOT NULL CHECK (login = lower(login) AND login <> ''),
    password_hash text NOT NULL DEFAULT '',
    pin_hash text NOT NULL DEFAULT '',
    roles text[] NOT NULL CHECK (roles <@ ARRAY['owner', 'manager', 'cashier', 'waiter', 'kitchen', 'operator']
                                 AND cardinality(roles) > 0),
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (merchant_id IS NOT NULL OR roles = ARRAY['operator']),
    CHECK (store_id IS NULL OR merchant_id IS NOT NULL)
);
CREATE UNIQUE INDEX staff_login ON staff (login);
CREATE INDEX staff_merchant ON staff (merchant_id);

-- What may be used once leaves its number here when it is, until it would have ended anyway.
CREATE TABLE used_links (
    nonce text PRIMARY KEY,
    purpose text NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX used_links_end ON used_links (ends_at);

-- Sign-in tries by what is being tried; a row starts again when its window has passed.
CREATE TABLE sign_in_tries (
    key text PRIMARY KEY,
    tries int NOT NULL,
    window_ends_at timestamptz NOT NULL
);
CREATE INDEX sign_in_tries_end ON sign_in_tries (window_ends_at);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    merchant_id text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_subject ON audit (subject, id);
CREATE INDEX audit_merchant ON audit (merchant_id, id);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
