"""The tables of reconciliation: where daily files come from, what they said, and where they differ from our books.

Lines never change once they are read; what is found out about them stands in tables of its own."""

from alembic import op

revision = "0009_reconciliation"
down_revision = "0008_api"

SQL = """
-- Where an account's daily files come from, and what its contract says about fees and payouts.
CREATE TABLE statement_sources (
    account_id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sftp', 'folder', 'upload')),
    folder text NOT NULL DEFAULT '',
    host text NOT NULL DEFAULT '',
    port int NOT NULL DEFAULT 22 CHECK (port BETWEEN 1 AND 65535),
    username text NOT NULL DEFAULT '',
    password text NOT NULL DEFAULT '',
    private_key text NOT NULL DEFAULT '',
    host_key text NOT NULL DEFAULT '',
    fee_rate numeric(9, 6) CHECK (fee_rate >= 0 AND fee_rate < 1),
    refund_fee text NOT NULL DEFAULT 'returned' CHECK (refund_fee IN ('returned', 'kept')),
    grace_days int NOT NULL DEFAULT 4 CHECK (grace_days BETWEEN 0 AND 60),
    since date NOT NULL,
    CONSTRAINT sftp_names_its_server CHECK (kind <> 'sftp' OR (host <> '' AND username <> '' AND host_key <> '')),
    CONSTRAINT a_folder_has_a_name CHECK (kind <> 'folder' OR folder <> '')
);
COMMENT ON COLUMN statement_sources.password IS 'sealed';
COMMENT ON COLUMN statement_sources.private_key IS 'sealed';

-- One day of one account, however often it is run. `pass` counts the times it was matched.
CREATE TABLE recon_runs (
    id text PRIMARY KEY,
    account_id text NOT NULL,
    day date NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'loading', 'matching', 'done', 'nothing', 'failed')),
    pass int NOT NULL DEFAULT 0,
    problem text NOT NULL DEFAULT '',
    lines bigint NOT NULL DEFAULT 0,
    agree bigint NOT NULL DEFAULT 0,
    differ bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    CONSTRAINT a_day_is_one_run UNIQUE (account_id, day)
);
CREATE INDEX recon_runs_due ON recon_runs (due_at) WHERE due_at IS NOT NULL;

-- `loaded` and `matched` are how far we came: a process that dies is followed by one that goes on there.
CREATE TABLE recon_files (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL REFERENCES recon_runs (id),
    account_id text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('trades', 'settlement')),
    name text NOT NULL,
    layout text NOT NULL,
    digest text NOT NULL,
    loaded int NOT NULL DEFAULT 0,
    complete boolean NOT NULL DEFAULT false,
    matched int NOT NULL DEFAULT 0,
    aged boolean NOT NULL DEFAULT false,
    loaded_at timestamptz NOT NULL,
    CONSTRAINT a_run_reads_a_file_once UNIQUE (run_id, kind, digest)
);
CREATE INDEX recon_files_of_day ON recon_files (account_id, kind, day);

-- `place` counts a file's lines from 1; `row` is where the line stands in the file.
CREATE TABLE recon_lines (
    file_id bigint NOT NULL REFERENCES recon_files (id) ON DELETE CASCADE,
    place int NOT NULL,
    row int NOT NULL,
    kind text NOT NULL,
    own_number text NOT NULL,
    trade_number text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    gross bigint NOT NULL,
    fee bigint NOT NULL,
    net bigint,
    paid_out text NOT NULL,
    at timestamptz NOT NULL,
    settled_at timestamptz,
    remark text NOT NULL,
    doubt text NOT NULL,
    PRIMARY KEY (file_id, place)
);
COMMENT ON COLUMN recon_lines.paid_out IS 'the currency of gross, fee and net';
CREATE INDEX recon_lines_own ON recon_lines (own_number);
CREATE INDEX recon_lines_undone ON recon_lines (trade_number) WHERE kind IN ('cancel', 'reversal');

-- Every line that was ever paid out, once: what stands here is in the ledger if it is `posted`.
CREATE TABLE settlements (
    account_id text NOT NULL,
    back boolean NOT NULL,
    kind text NOT NULL,
    own_number text NOT NULL,
    trade_number text NOT NULL,
    payment_id text,
    merchant_id text,
    file_id bigint,
    place int NOT NULL,
    day date NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    gross bigint NOT NULL,
    net bigint NOT NULL,
    paid_out text NOT NULL,
    posted boolean NOT NULL,
    PRIMARY KEY (account_id, own_number, trade_number, back)
);
CREATE INDEX settlements_unposted ON settlements (account_id) WHERE NOT posted;
CREATE INDEX settlements_of_file ON settlements (file_id, place);

-- A difference, found once however often it is looked for. It is over when `gone_at` is set.
CREATE TABLE recon_findings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    run_id text NOT NULL REFERENCES recon_runs (id),
    day date NOT NULL,
    class text NOT NULL CHECK (class IN ('only_theirs', 'only_ours', 'amount_differs', 'status_differs',
                                         'fee_differs', 'settled_twice', 'never_settled')),
    key text NOT NULL,
    pass int NOT NULL,
    file_kind text NOT NULL,
    file_name text NOT NULL DEFAULT '',
    row int,
    kind text NOT NULL,
    own_number text NOT NULL,
    trade_number text NOT NULL,
    payment_id text,
    refund_id text,
    merchant_id text NOT NULL DEFAULT '',
    theirs bigint,
    theirs_currency text,
    ours bigint,
    ours_currency text,
    what text NOT NULL DEFAULT '',
    said text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL,
    gone_at timestamptz,
    case_id text,
    UNIQUE (account_id, class, key)
);
CREATE INDEX recon_findings_of_run ON recon_findings (run_id, class, id);
CREATE INDEX recon_findings_without_case ON recon_findings (account_id, id) WHERE case_id IS NULL;
CREATE INDEX recon_findings_of_payment ON recon_findings (payment_id) WHERE payment_id IS NOT NULL;

-- A payout is booked per merchant and file; the same part of the same file can't be booked twice.
ALTER TABLE postings ADD COLUMN payout text;
CREATE UNIQUE INDEX one_posting_per_payout ON postings (payout, kind, merchant_id, source, destination, currency)
    WHERE payout IS NOT NULL;

-- Files name trades by Alipay's number and days by Alipay's clock.
CREATE INDEX payments_trade ON payments (account_id, trade_number) WHERE trade_number <> '';
CREATE INDEX payments_paid ON payments (account_id, paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX payments_given_back ON payments (account_id, final_at) WHERE gave_back;
CREATE INDEX refunds_done ON refunds (final_at) WHERE status = 'succeeded';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
