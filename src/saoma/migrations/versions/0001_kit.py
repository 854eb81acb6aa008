"""What the kit keeps: live events and web sessions."""

from alembic import op

revision = "0001_kit"
down_revision = None

SQL = """
CREATE TABLE live_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX live_events_age ON live_events (at);

CREATE TABLE sessions (
    id text PRIMARY KEY,
    data bytea NOT NULL,
    expires_at timestamptz
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
