"""Daily files that somebody brings are kept until a worker has read them."""

from alembic import op

revision = "0019_brought"
down_revision = "0018_sources"

SQL = """
CREATE TABLE brought_files (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    day date NOT NULL,
    name text NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX brought_files_unread ON brought_files (account_id, day) WHERE read_at IS NULL;
COMMENT ON TABLE brought_files IS 'the content is in the storage under daily-files/<id> until read_at';
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
