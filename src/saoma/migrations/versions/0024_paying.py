"""Splits and tips of a bill; table codes that rotate."""

from alembic import op

revision = "0024_paying"
down_revision = "0023_discounts"

SQL = """
-- A tip is paid with a share and belongs to no bill.
ALTER TABLE bill_shares
    ADD COLUMN tip bigint NOT NULL DEFAULT 0 CHECK (tip >= 0),
    ADD COLUMN tip_refunded bigint NOT NULL DEFAULT 0,
    ADD CHECK (tip_refunded BETWEEN 0 AND tip),
    -- What of `refunded` nobody had owed: it never was on the bill, so it pays for nothing that is ordered later.
    ADD COLUMN surplus_refunded bigint NOT NULL DEFAULT 0,
    ADD CHECK (surplus_refunded BETWEEN 0 AND refunded);

-- What shifts and takings ask for.
CREATE INDEX bill_shares_tips ON bill_shares (settled_at) WHERE tip > 0;

-- By how many people the table last said it splits evenly.
ALTER TABLE sittings ADD COLUMN split_ways int CHECK (split_ways BETWEEN 2 AND 50);

-- The turn of a table counts the parties: codes and words of an earlier turn are refused; one without a row is at 1.
-- Locked after a sitting, while the table itself is locked before it: that is why these are rows of their own.
CREATE TABLE table_turns (
    table_id text PRIMARY KEY,
    turn int NOT NULL DEFAULT 1 CHECK (turn > 0),
    wrong_words int NOT NULL DEFAULT 0
);

-- Who may send dishes to the kitchen, where a store asks for more than a scan.
ALTER TABLE guests
    ADD COLUMN admitted_at timestamptz,
    ADD COLUMN admitted_by text NOT NULL DEFAULT '',
    ADD COLUMN knocked_at timestamptz,
    ADD COLUMN turned_away_at timestamptz;

CREATE TABLE dining_rules (
    store_id text PRIMARY KEY REFERENCES stores (id),
    strength text NOT NULL DEFAULT 'open' CHECK (strength IN ('open', 'staff', 'code')),
    tips int[] NOT NULL DEFAULT '{5,10,15}',
    changed_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
