"""What accounts keep beside their keys: pairs made here, the former key, examinations, and the way to production."""

from alembic import op

revision = "0014_accounts"
down_revision = "0013_practice"

SQL = """
-- A stopped account takes no new payments; what was begun with it is followed to its end.
ALTER TABLE accounts ADD COLUMN stopped_at timestamptz;
-- The sandbox account whose merchants this production account takes over.
ALTER TABLE accounts ADD COLUMN goes_live_for text REFERENCES accounts (id);
CREATE UNIQUE INDEX accounts_go_live_for ON accounts (goes_live_for);
-- After keys were replaced, messages that are still on their way are signed with the former one.
ALTER TABLE accounts ADD COLUMN former_sign_type text NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN former_key text NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN former_until timestamptz;
COMMENT ON COLUMN accounts.former_key IS 'sealed: the MD5 key or Alipay''s public key that was replaced';

-- Key pairs made in the console: the public half is uploaded at Alipay before the private half signs anything.
CREATE TABLE key_pairs (
    id text PRIMARY KEY,
    private_key text NOT NULL,
    public_key text NOT NULL,
    fingerprint text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    used_for text REFERENCES accounts (id),
    used_at timestamptz
);
COMMENT ON COLUMN key_pairs.private_key IS 'sealed; empty once an account has it';

-- The last time the key doctor looked at an account, line by line as it goes.
CREATE TABLE examinations (
    account_id text PRIMARY KEY REFERENCES accounts (id),
    by text NOT NULL,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    findings jsonb NOT NULL DEFAULT '[]'
);

-- Points of the list for going live that only a person can see to.
CREATE TABLE go_live_ticks (
    account_id text NOT NULL REFERENCES accounts (id),
    point text NOT NULL,
    note text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, point)
);

-- Goes up with each change of an account, in the same transaction, so that running processes notice at the price of one
-- small question. (A sequence would be seen before the change is.)
CREATE TABLE accounts_mark (version bigint NOT NULL);
INSERT INTO accounts_mark VALUES (1);
CREATE FUNCTION mark_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_mark SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_changed AFTER INSERT OR UPDATE OR DELETE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION mark_accounts();
CREATE TRIGGER acquirers_changed AFTER INSERT OR UPDATE OR DELETE ON acquirers
    FOR EACH STATEMENT EXECUTE FUNCTION mark_accounts();

-- Somebody asked for the switch and waits for a second person.
CREATE TABLE go_live_wishes (
    account_id text PRIMARY KEY REFERENCES accounts (id),
    by text NOT NULL,
    at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
