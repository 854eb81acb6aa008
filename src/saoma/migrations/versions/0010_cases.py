"""The tables of cases, alarms, chores and heartbeats.

A case and an alarm are found again by their keys, so that the same trouble twice is one of each."""

from alembic import op

revision = "0010_cases"
down_revision = "0009_reconciliation"

SQL = """
CREATE TABLE cases (
    id text PRIMARY KEY,
    merchant_id text NOT NULL DEFAULT '',
    kind text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    title text NOT NULL,
    at_risk bigint,
    currency text,
    proposed text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    key text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'proposed', 'closed')),
    times int NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    move text NOT NULL DEFAULT '',
    moved_by text NOT NULL DEFAULT '',
    moved_at timestamptz,
    reason text NOT NULL DEFAULT '',
    confirmed_by text NOT NULL DEFAULT '',
    closed_at timestamptz,
    CONSTRAINT a_key_names_one_case UNIQUE (key),
    CONSTRAINT an_amount_has_its_currency CHECK ((at_risk IS NULL) = (currency IS NULL)),
    CONSTRAINT a_closed_case_says_why CHECK ((closed_at IS NOT NULL) = (status = 'closed')
        AND (status = 'open' OR (move <> '' AND moved_by <> '' AND reason <> ''))),
    CONSTRAINT nobody_confirms_their_own_ruling CHECK (confirmed_by = '' OR confirmed_by <> moved_by)
);
CREATE INDEX cases_not_closed ON cases (opened_at, id) WHERE status <> 'closed';
CREATE INDEX cases_of_merchant ON cases (merchant_id, opened_at, id);
CREATE INDEX cases_of_subject ON cases (subject_kind, subject_id);

-- What happened to a case: opened, seen again, proposed, withdrawn, ruled, confirmed.
CREATE TABLE case_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id text NOT NULL REFERENCES cases (id),
    at timestamptz NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    move text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX case_events_of_case ON case_events (case_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON case_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();

-- One row per group (rule and key) as long as it is not over.
CREATE TABLE alarms (
    id text PRIMARY KEY,
    rule text NOT NULL,
    key text NOT NULL,
    merchant_id text NOT NULL DEFAULT '',
    text text NOT NULL,
    times int NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    level smallint NOT NULL DEFAULT 0,
    acknowledged_by text NOT NULL DEFAULT '',
    acknowledged_at timestamptz,
    over_at timestamptz,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX one_alarm_per_group ON alarms (rule, key) WHERE over_at IS NULL;
CREATE INDEX alarms_due ON alarms (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alarms_by_time ON alarms (last_at, id);

-- Who is told. `url` is an Apprise address and holds secrets.
CREATE TABLE alarm_targets (
    id text PRIMARY KEY,
    merchant_id text NOT NULL DEFAULT '',
    name text NOT NULL CHECK (name <> ''),
    url text NOT NULL,
    level smallint NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 3),
    quiet_from time,
    quiet_to time,
    zone text NOT NULL DEFAULT 'Asia/Shanghai',
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
COMMENT ON COLUMN alarm_targets.url IS 'sealed';

CREATE TABLE alarm_deliveries (
    id text PRIMARY KEY,
    alarm_id text NOT NULL REFERENCES alarms (id),
    target_id text NOT NULL REFERENCES alarm_targets (id),
    round int NOT NULL,
    at timestamptz NOT NULL,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    sent_at timestamptz,
    trouble text NOT NULL DEFAULT '',
    CONSTRAINT a_target_is_told_once_a_round UNIQUE (alarm_id, target_id, round)
);
CREATE INDEX alarm_deliveries_due ON alarm_deliveries (due_at) WHERE due_at IS NOT NULL;

-- An empty key silences the whole rule. There is no silence without an end.
CREATE TABLE alarm_silences (
    id text PRIMARY KEY,
    rule text NOT NULL,
    key text NOT NULL DEFAULT '',
    until timestamptz NOT NULL,
    said_by text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX alarm_silences_of_rule ON alarm_silences (rule, until);

-- What has to be done again and again, by whichever worker comes first.
CREATE TABLE chores (
    id text PRIMARY KEY,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    done_at timestamptz,
    said text NOT NULL DEFAULT ''
);
CREATE INDEX chores_due ON chores (due_at) WHERE due_at IS NOT NULL;
INSERT INTO chores (id, due_at) VALUES ('watch', '2000-01-01Z'), ('audit', '2000-01-01Z');

-- Each process says every few seconds that it lives.
CREATE TABLE heartbeats (
    process text PRIMARY KEY,
    kind text NOT NULL,
    started_at timestamptz NOT NULL,
    at timestamptz NOT NULL
);

CREATE INDEX notices_refused_by_time ON notices_refused (account_id, last_at);
-- The last minutes of a table that only grows are found by block ranges: next to no cost for whoever writes.
CREATE INDEX payment_events_by_time ON payment_events USING brin (at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX payments_by_time ON payments USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
