"""Sources of daily files are kept, tried and stopped in the console; each remembers what it last did."""

from alembic import op

revision = "0018_sources"
down_revision = "0017_waiting"

SQL = """
-- The host key is seen and accepted after the server was named; until then nothing is fetched from it.
ALTER TABLE statement_sources
    ADD COLUMN stopped_at timestamptz,
    ADD COLUMN offered_key text NOT NULL DEFAULT '',
    DROP CONSTRAINT sftp_names_its_server,
    ADD CONSTRAINT sftp_names_its_server CHECK (kind <> 'sftp' OR (host <> '' AND username <> ''));
COMMENT ON COLUMN statement_sources.offered_key IS 'what the server shows as its host key, before somebody accepted it';

-- What came of the last look at an account's source, a worker's or a person's. `trouble` is empty where all was well.
CREATE TABLE statement_looks (
    account_id text PRIMARY KEY,
    at timestamptz NOT NULL,
    said_by text NOT NULL,
    trouble text NOT NULL,
    said text NOT NULL,
    files int NOT NULL,
    newest text NOT NULL
);
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
