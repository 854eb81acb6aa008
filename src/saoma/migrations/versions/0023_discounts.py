"""What was taken off lines and why; offers, coupons, points."""

from alembic import op

revision = "0023_discounts"
down_revision = "0022_shifts"

SQL = """
-- What is taken off a line, in all: the sum of its rows in line_discounts, kept by the trigger below.
ALTER TABLE tab_lines ADD COLUMN discount bigint NOT NULL DEFAULT 0;
ALTER TABLE tab_lines ADD CONSTRAINT tab_lines_discount CHECK (discount BETWEEN 0 AND unit_amount * quantity);

-- One row per reason. `source` is what gave it (an offer, a coupon), `by` the person who decided it.
CREATE TABLE tab_discounts (
    id text PRIMARY KEY,
    tab_id text NOT NULL REFERENCES tabs (id),
    kind text NOT NULL CHECK (kind IN ('offer', 'coupon', 'points', 'manual')),
    source text NOT NULL DEFAULT '',
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    why_zh text NOT NULL DEFAULT '',
    by text NOT NULL DEFAULT '',
    key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tab_id, key)
);

CREATE INDEX tab_discounts_day ON tab_discounts (created_at);

CREATE TABLE line_discounts (
    discount_id text NOT NULL REFERENCES tab_discounts (id) ON DELETE CASCADE,
    line_id text NOT NULL REFERENCES tab_lines (id),
    amount bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (discount_id, line_id)
);
CREATE INDEX line_discounts_line ON line_discounts (line_id);

CREATE FUNCTION reckon_line_discount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE tab_lines SET discount = discount - OLD.amount WHERE id = OLD.line_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE tab_lines SET discount = discount + NEW.amount WHERE id = NEW.line_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_discounts_reckoned AFTER INSERT OR UPDATE OR DELETE ON line_discounts
    FOR EACH ROW EXECUTE FUNCTION reckon_line_discount();

-- Named buyers (a list, or what an analysis found), or a rule over the store's own payments.
CREATE TABLE segments (
    id text PRIMARY KEY,
    store_id text NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    rule text NOT NULL CHECK (rule IN ('list', 'recent', 'frequent', 'lapsed')),
    days integer NOT NULL DEFAULT 30 CHECK (days BETWEEN 1 AND 3650),
    times integer NOT NULL DEFAULT 1 CHECK (times BETWEEN 1 AND 1000),
    UNIQUE (store_id, name)
);
CREATE TABLE segment_buyers (
    segment_id text NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    buyer_id text NOT NULL CHECK (buyer_id <> ''),
    PRIMARY KEY (segment_id, buyer_id)
);

CREATE TABLE offers (
    id text PRIMARY KEY,
    store_id text NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    name_zh text NOT NULL DEFAULT '',
    status text NOT NULL CHECK (status IN ('draft', 'running', 'paused', 'ended')),
    mechanism text NOT NULL CHECK (mechanism IN ('percent', 'amount', 'spend_save', 'buy_get')),
    percent integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    threshold bigint NOT NULL DEFAULT 0 CHECK (threshold >= 0),
    buy integer NOT NULL DEFAULT 0 CHECK (buy BETWEEN 0 AND 20),
    sections text[] NOT NULL DEFAULT '{}',
    items text[] NOT NULL DEFAULT '{}',
    days smallint[] NOT NULL DEFAULT '{}',
    from_time time,
    until_time time,
    starts_at timestamptz,
    ends_at timestamptz,
    channels text[] NOT NULL DEFAULT '{}',
    audience text NOT NULL DEFAULT 'everyone' CHECK (audience IN ('everyone', 'first_order', 'segment')),
    segment_id text REFERENCES segments (id),
    needs_coupon boolean NOT NULL DEFAULT false,
    exclusive boolean NOT NULL DEFAULT false,
    stack_group text NOT NULL DEFAULT '',
    priority integer NOT NULL DEFAULT 0,
    most_per_bill bigint NOT NULL DEFAULT 0 CHECK (most_per_bill >= 0),
    most_uses_each integer NOT NULL DEFAULT 0 CHECK (most_uses_each >= 0),
    budget bigint NOT NULL DEFAULT 0 CHECK (budget >= 0),
    budget_daily bigint NOT NULL DEFAULT 0 CHECK (budget_daily >= 0),
    holdout integer NOT NULL DEFAULT 0 CHECK (holdout BETWEEN 0 AND 50),
    made_by text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL,
    begun_at timestamptz,
    ended_at timestamptz,
    CHECK ((audience = 'segment') = (segment_id IS NOT NULL)),
    CHECK (mechanism <> 'percent' OR percent > 0),
    CHECK (mechanism NOT IN ('amount', 'spend_save') OR amount > 0),
    CHECK (mechanism <> 'buy_get' OR buy > 0)
);
CREATE INDEX offers_running ON offers (store_id) WHERE status = 'running';

-- What each bill has of each offer, changed in the transaction that changes the bill: the sum of what a budget gave.
CREATE TABLE offer_uses (
    offer_id text NOT NULL REFERENCES offers (id),
    tab_id text NOT NULL REFERENCES tabs (id),
    buyer_id text NOT NULL DEFAULT '',
    day date NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    at timestamptz NOT NULL,
    PRIMARY KEY (offer_id, tab_id)
);
CREATE INDEX offer_uses_tab ON offer_uses (tab_id);
CREATE INDEX offer_uses_buyer ON offer_uses (offer_id, buyer_id) WHERE buyer_id <> '';

-- Codes that are good for one bill. `tab_id` is the bill that has it; a bill that is given up lets it go again.
CREATE TABLE coupons (
    code text PRIMARY KEY,
    offer_id text NOT NULL REFERENCES offers (id),
    batch text NOT NULL,
    made_at timestamptz NOT NULL,
    tab_id text REFERENCES tabs (id),
    buyer_id text NOT NULL DEFAULT '',
    entered_at timestamptz,
    CHECK ((tab_id IS NULL) = (entered_at IS NULL))
);
CREATE INDEX coupons_offer ON coupons (offer_id, batch);
CREATE INDEX coupons_tab ON coupons (tab_id) WHERE tab_id IS NOT NULL;

-- Who collects points: so many hundredths of what is paid, good for so many days. A point is one minor unit of money.
CREATE TABLE points_rules (
    store_id text PRIMARY KEY,
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 0 AND 5000),
    days integer NOT NULL CHECK (days BETWEEN 1 AND 3650),
    running boolean NOT NULL
);
-- What was earned and how much of it is left; the oldest is spent first.
CREATE TABLE points_earned (
    id text PRIMARY KEY,
    store_id text NOT NULL,
    buyer_id text NOT NULL CHECK (buyer_id <> ''),
    payment_id text NOT NULL UNIQUE,
    points bigint NOT NULL CHECK (points > 0),
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND points),
    at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX points_earned_buyer ON points_earned (store_id, buyer_id, expires_at) WHERE remaining > 0;
-- Every movement, never changed: earned above zero; spent, taken back and expired below; returned above.
CREATE TABLE points_moves (
    id text PRIMARY KEY,
    earned_id text NOT NULL REFERENCES points_earned (id),
    kind text NOT NULL CHECK (kind IN ('earned', 'spent', 'returned', 'taken_back', 'expired')),
    points bigint NOT NULL CHECK (points <> 0),
    tab_id text NOT NULL DEFAULT '',
    refund_id text NOT NULL DEFAULT '',
    at timestamptz NOT NULL
);
CREATE INDEX points_moves_earned ON points_moves (earned_id);
CREATE INDEX points_moves_tab ON points_moves (tab_id) WHERE tab_id <> '';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
