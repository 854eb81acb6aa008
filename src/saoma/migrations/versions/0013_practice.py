"""What practice mode keeps: who somebody is in practice, the lesson that runs, and the lessons passed.

A double is a row of `staff` in a practice merchant: it may do what its person may, among practice's things only."""

from alembic import op

revision = "0013_practice"
down_revision = "0012_acquirer"

SQL = """
ALTER TABLE staff ADD COLUMN double_of text REFERENCES staff (id);
CREATE UNIQUE INDEX staff_one_double ON staff (double_of) WHERE double_of IS NOT NULL;
ALTER TABLE merchants ADD COLUMN practice_of text REFERENCES merchants (id);
CREATE UNIQUE INDEX merchants_one_practice ON merchants (practice_of) WHERE practice_of IS NOT NULL;

CREATE TABLE practice_runs (
    staff_id text PRIMARY KEY REFERENCES staff (id),
    double_id text NOT NULL REFERENCES staff (id),
    store_id text NOT NULL REFERENCES stores (id),
    lesson text NOT NULL,
    sittings text[] NOT NULL,
    stems text[] NOT NULL,
    acts jsonb NOT NULL DEFAULT '[]',
    outcome text NOT NULL DEFAULT 'going' CHECK (outcome IN ('going', 'passed', 'again')),
    began_at timestamptz NOT NULL
);
CREATE INDEX practice_runs_of_store ON practice_runs (store_id);

CREATE TABLE practice_lessons (
    staff_id text NOT NULL REFERENCES staff (id),
    lesson text NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    passed_at timestamptz,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (staff_id, lesson)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
