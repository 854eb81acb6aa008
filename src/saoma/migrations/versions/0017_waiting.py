"""The lines of daily files are cleared when they are old; each day remembers when that was."""

from alembic import op

revision = "0017_waiting"
down_revision = "0016_acquirer_more"

SQL = """
ALTER TABLE recon_runs ADD COLUMN cleared_at timestamptz;
COMMENT ON COLUMN recon_runs.cleared_at IS 'since when its lines are gone';
INSERT INTO chores (id, due_at) VALUES ('lines', '2000-01-01Z');
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
