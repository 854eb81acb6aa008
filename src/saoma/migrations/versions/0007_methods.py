"""The tables of every method of payment, limits and channels."""

from alembic import op

revision = "0007_methods"
down_revision = "0006_restaurant"

SQL = """
-- How an account reaches Alipay: on its own wire, or through another deployment that acts as the acquirer.
ALTER TABLE accounts ADD COLUMN channel text NOT NULL DEFAULT 'direct' CHECK (channel IN ('direct', 'acquirer'));

-- What staff wrote down when they took money themselves: cash with its change, a slip's number, whose account.
CREATE TABLE taken_by_staff (
    payment_id text PRIMARY KEY REFERENCES payments (id),
    given bigint NOT NULL CHECK (given > 0),
    change bigint NOT NULL CHECK (change >= 0),
    reference text NOT NULL DEFAULT '',
    CONSTRAINT change_comes_out_of_what_was_given CHECK (change < given)
);

-- Printed codes where the customer types the amount. `address` is empty until the provider has answered.
CREATE TABLE merchant_codes (
    id text PRIMARY KEY,
    merchant_id text NOT NULL,
    store_id text NOT NULL,
    account_id text NOT NULL,
    label text NOT NULL CHECK (label <> ''),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    country text NOT NULL DEFAULT '',
    place text NOT NULL DEFAULT '',
    shop jsonb NOT NULL,
    address text NOT NULL DEFAULT '',
    status text NOT NULL CHECK (status IN ('wanted', 'active', 'stopped', 'deleted')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 0,
    CONSTRAINT only_a_code_without_an_address_is_wanted CHECK ((address = '') = (status = 'wanted'))
);
CREATE INDEX merchant_codes_of_store ON merchant_codes (store_id);
CREATE UNIQUE INDEX one_living_code_per_label ON merchant_codes (store_id, label) WHERE status <> 'deleted';

-- Payments that were born from a printed code, and what became of each of them.
CREATE TABLE arrivals (
    payment_id text PRIMARY KEY REFERENCES payments (id),
    code_id text NOT NULL REFERENCES merchant_codes (id),
    store_id text NOT NULL,
    fits text NOT NULL CHECK (fits IN ('exact', 'near', 'none')),
    state text NOT NULL CHECK (state IN ('waiting', 'assigned', 'kept', 'refunded')),
    payable_kind text NOT NULL DEFAULT '',
    payable_id text NOT NULL DEFAULT '',
    arrived_at timestamptz NOT NULL,
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    CONSTRAINT what_is_assigned_says_to_what CHECK ((state = 'assigned') = (payable_id <> '')),
    CONSTRAINT what_is_decided_has_its_time CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE INDEX arrivals_waiting ON arrivals (store_id, arrived_at) WHERE state = 'waiting';

-- A refund above somebody's limit waits for a second person: nothing is due until that person has decided.
ALTER TABLE refunds ADD COLUMN approved_by text NOT NULL DEFAULT '',
    DROP CONSTRAINT an_open_refund_is_followed,
    ADD CONSTRAINT a_pending_refund_is_followed CHECK (due_at IS NOT NULL OR status <> 'pending'),
    ADD CONSTRAINT nobody_approves_their_own CHECK (approved_by = '' OR approved_by <> requested_by);
CREATE INDEX refunds_waiting ON refunds (merchant_id, created_at) WHERE status = 'requested';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
