"""The tables of payments, refunds, evidence, ledger and notices.

What can be a constraint is one: the code above may be wrong, the book may not."""

from alembic import op

revision = "0003_payments"
down_revision = "0002_identity"

SQL = """
CREATE TABLE payments (
    id text PRIMARY KEY,
    merchant_id text NOT NULL,
    store_id text NOT NULL DEFAULT '',
    terminal_id text NOT NULL DEFAULT '',
    account_id text NOT NULL,
    order_number text NOT NULL,
    method text NOT NULL CHECK (method IN
        ('barcode', 'wallet_page', 'order_code', 'merchant_code', 'cash', 'card_terminal', 'account')),
    status text NOT NULL CHECK (status IN
        ('created', 'pending', 'succeeded', 'failed', 'cancelling', 'cancelled', 'needs_attention')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subject text NOT NULL,
    payable_kind text NOT NULL,
    payable_id text NOT NULL,
    part jsonb NOT NULL,
    policy text NOT NULL,
    shop jsonb NOT NULL,
    buyer_id text NOT NULL DEFAULT '',
    buyer_login text NOT NULL DEFAULT '',
    payment_code text NOT NULL DEFAULT '',
    opened_by text NOT NULL,
    version int NOT NULL DEFAULT 0,
    key text NOT NULL,
    fingerprint text NOT NULL,
    trade_number text NOT NULL DEFAULT '',
    qr_code text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    refunded bigint NOT NULL DEFAULT 0,
    refund_reserved bigint NOT NULL DEFAULT 0,
    gave_back boolean NOT NULL DEFAULT false,
    trade_closed boolean NOT NULL DEFAULT false,
    booked boolean NOT NULL DEFAULT false,
    payable_state text NOT NULL DEFAULT 'held' CHECK (payable_state IN ('held', 'paid', 'released')),
    sends smallint NOT NULL DEFAULT 0 CHECK (sends >= 0),
    sending_until timestamptz,
    created_at timestamptz NOT NULL,
    opened_at timestamptz,
    looked_at timestamptz,
    give_up_at timestamptz NOT NULL,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    paid_at timestamptz,
    final_at timestamptz,
    CONSTRAINT refunds_never_exceed_the_payment
        CHECK (refunded >= 0 AND refunded <= refund_reserved AND refund_reserved <= amount),
    CONSTRAINT a_final_state_has_its_time
        CHECK ((final_at IS NULL) = (status NOT IN ('succeeded', 'failed', 'cancelled'))),
    CONSTRAINT only_open_payments_keep_a_payment_code
        CHECK (payment_code = '' OR status IN ('created', 'pending')),
    CONSTRAINT what_succeeded_is_booked CHECK (booked OR status <> 'succeeded'),
    CONSTRAINT nothing_else_is_booked CHECK (NOT booked OR status IN ('succeeded', 'needs_attention', 'cancelled')),
    CONSTRAINT an_open_payment_is_followed
        CHECK (due_at IS NOT NULL OR status NOT IN ('created', 'pending', 'cancelling')),
    CONSTRAINT order_numbers_are_used_once UNIQUE (account_id, order_number),
    CONSTRAINT a_key_names_one_payment UNIQUE (merchant_id, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX payments_of_payable ON payments (payable_kind, payable_id);
CREATE INDEX payments_of_store ON payments (store_id, created_at);

CREATE TABLE refunds (
    id text PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments (id),
    merchant_id text NOT NULL,
    refund_number text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'pending', 'succeeded', 'failed', 'needs_attention')),
    reason text NOT NULL,
    requested_by text NOT NULL,
    lines jsonb NOT NULL DEFAULT '[]',
    key text NOT NULL,
    fingerprint text NOT NULL,
    code text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    final_at timestamptz,
    CONSTRAINT an_ended_refund_has_its_time CHECK ((final_at IS NULL) = (status NOT IN ('succeeded', 'failed'))),
    CONSTRAINT an_open_refund_is_followed CHECK (due_at IS NOT NULL OR status NOT IN ('requested', 'pending')),
    CONSTRAINT refund_numbers_are_used_once UNIQUE (refund_number),
    CONSTRAINT a_key_names_one_refund UNIQUE (payment_id, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;

-- Evidence: what reached a payment, by which door, with which signature, and what it did.
CREATE TABLE payment_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments (id),
    refund_id text REFERENCES refunds (id),
    at timestamptz NOT NULL,
    door text NOT NULL CHECK (door IN ('start', 'answer', 'query', 'notice', 'clock', 'person', 'ruling')),
    event text NOT NULL,
    status_before text NOT NULL,
    status_after text NOT NULL,
    source text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    signed boolean,
    said_by text NOT NULL DEFAULT '',
    raw text NOT NULL DEFAULT ''
);
CREATE INDEX payment_events_of_payment ON payment_events (payment_id, id);

-- The ledger: double entry, append only; an account's balance is a sum.
CREATE TABLE postings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('sale', 'refund', 'reversal', 'settlement', 'fee')),
    merchant_id text NOT NULL,
    source text NOT NULL,
    destination text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_id text REFERENCES payments (id),
    refund_id text REFERENCES refunds (id),
    CONSTRAINT money_moves_between_two_accounts CHECK (source <> destination),
    CONSTRAINT a_sale_or_refund_names_its_payment
        CHECK (payment_id IS NOT NULL OR kind NOT IN ('sale', 'refund', 'reversal')),
    CONSTRAINT a_refund_names_itself CHECK ((refund_id IS NOT NULL) = (kind = 'refund'))
);
CREATE UNIQUE INDEX one_sale_per_payment ON postings (payment_id) WHERE kind = 'sale';
CREATE UNIQUE INDEX one_reversal_per_payment ON postings (payment_id) WHERE kind = 'reversal';
CREATE UNIQUE INDEX one_posting_per_refund ON postings (refund_id) WHERE kind = 'refund';
CREATE INDEX postings_of_merchant ON postings (merchant_id, at);

-- Notices that were acted upon: the provider repeats them until it hears "success".
CREATE TABLE notices_seen (
    account_id text NOT NULL,
    notice_id text NOT NULL,
    payment_id text NOT NULL REFERENCES payments (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, notice_id)
);

-- Notices that changed nothing because a check failed or nobody knows their order: cases in waiting.
CREATE TABLE notices_refused (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account_id text NOT NULL,
    why text NOT NULL,
    order_number text NOT NULL DEFAULT '',
    payment_id text REFERENCES payments (id),
    digest text NOT NULL,
    times int NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL,
    raw text NOT NULL,
    UNIQUE (account_id, digest)
);

CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payment_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
