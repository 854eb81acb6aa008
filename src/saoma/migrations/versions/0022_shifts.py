"""Shifts and their cash, receipt printers, and how often receipts were put on paper."""

from alembic import op

revision = "0022_shifts"
down_revision = "0021_kitchen"

SQL = """
-- One person's time at one drawer. An empty terminal_id is the drawer of a store's devices that aren't paired.
CREATE TABLE shifts (
    id text PRIMARY KEY,
    merchant_id text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL DEFAULT '',
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    float_amount bigint NOT NULL CHECK (float_amount >= 0),
    closed_by text NOT NULL DEFAULT '',
    closed_at timestamptz,
    expected bigint,
    counted bigint CHECK (counted >= 0),
    counts jsonb NOT NULL DEFAULT '{}',
    explanation text NOT NULL DEFAULT '',
    CONSTRAINT a_closed_shift_is_counted CHECK ((closed_at IS NULL) = (counted IS NULL)
        AND (closed_at IS NULL) = (expected IS NULL) AND (closed_at IS NULL) = (closed_by = '')),
    CONSTRAINT a_difference_is_explained CHECK (closed_at IS NULL OR counted = expected OR explanation <> '')
);
CREATE UNIQUE INDEX one_open_shift_per_drawer ON shifts (store_id, terminal_id) WHERE closed_at IS NULL;
CREATE INDEX shifts_of_store ON shifts (store_id, opened_at);

-- The drawer's book: what was taken and given back at a till, in the shift that was open there. Only ever added to.
-- Without a shift: nobody had opened one. Cash there is nobody's to answer for until a manager has looked.
CREATE TABLE drawer_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id text NOT NULL,
    terminal_id text NOT NULL DEFAULT '',
    shift_id text REFERENCES shifts (id),
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('sale', 'refund', 'pay_in', 'pay_out')),
    method text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_id text REFERENCES payments (id),
    refund_id text REFERENCES refunds (id),
    by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    key text NOT NULL DEFAULT '',
    CONSTRAINT an_entry_says_what_it_is_of CHECK ((payment_id IS NOT NULL) = (kind IN ('sale', 'refund'))
        AND (refund_id IS NOT NULL) = (kind = 'refund')),
    CONSTRAINT cash_put_in_or_out_has_a_reason_and_a_shift
        CHECK (kind IN ('sale', 'refund') OR (reason <> '' AND by <> '' AND shift_id IS NOT NULL AND method = 'cash'))
);
CREATE UNIQUE INDEX one_entry_per_sale ON drawer_entries (payment_id) WHERE kind = 'sale';
CREATE UNIQUE INDEX one_entry_per_refund ON drawer_entries (refund_id) WHERE kind = 'refund';
CREATE UNIQUE INDEX one_entry_per_key ON drawer_entries (shift_id, key) WHERE key <> '';
CREATE INDEX drawer_entries_of_shift ON drawer_entries (shift_id);
CREATE INDEX drawer_entries_without_shift ON drawer_entries (store_id, at) WHERE shift_id IS NULL AND method = 'cash';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON drawer_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();

-- At which device a refund was asked for: its drawer gives the cash back, wherever it was taken.
CREATE TABLE refunds_asked_at (
    payment_id text NOT NULL REFERENCES payments (id),
    key text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL,
    PRIMARY KEY (payment_id, key)
);

CREATE TABLE printers (
    store_id text NOT NULL,
    terminal_id text NOT NULL DEFAULT '',
    address text NOT NULL CHECK (address <> ''),
    millimetres int NOT NULL CHECK (millimetres IN (58, 80)),
    letters text NOT NULL CHECK (letters IN ('gbk', 'cp858')),
    has_drawer boolean NOT NULL DEFAULT false,
    PRIMARY KEY (store_id, terminal_id)
);

-- How often the receipt of a payment or refund was put on paper: number 0 is the original.
CREATE TABLE receipt_prints (
    subject_id text NOT NULL,
    number int NOT NULL CHECK (number >= 0),
    by text NOT NULL,
    how text NOT NULL CHECK (how IN ('printer', 'browser', 'pdf', 'escpos')),
    at timestamptz NOT NULL,
    PRIMARY KEY (subject_id, number)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
