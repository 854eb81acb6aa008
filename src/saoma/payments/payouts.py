"""The book of payouts: each settled line once, and the ledger's postings from Alipay's clearing to bank and fees.

Entering lines and posting their sums is one statement, so a line that is in the book is in the ledger, whoever dies. A
line that is nobody's yet is entered and not posted; it is posted once its payment is known."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction
from saoma.payments.differences import MATCH, MERCHANT, PAYMENT
from saoma.payments.ledger import ALIPAY_CLEARING, BANK, EXCHANGE, FEES

#: Sums of `entered` per merchant, direction and currencies become postings; a negative one is turned round.
_POST: Final = f"""
sums AS (
    SELECT merchant_id, back, currency, paid_out, sum(amount) AS amount, sum(net) AS net, sum(gross - net) AS fee
    FROM entered WHERE posted GROUP BY merchant_id, back, currency, paid_out
), legs AS (
    SELECT merchant_id, kind, leg.currency, giver, taker, CASE WHEN back THEN -minor ELSE minor END AS minor
    FROM sums CROSS JOIN LATERAL (VALUES
        ('settlement', sums.currency, '{ALIPAY_CLEARING}', '{EXCHANGE}',
            CASE WHEN sums.currency = paid_out THEN 0 ELSE amount END),
        ('settlement', paid_out, CASE WHEN sums.currency = paid_out THEN '{ALIPAY_CLEARING}' ELSE '{EXCHANGE}' END,
            '{BANK}', net),
        ('fee', paid_out, CASE WHEN sums.currency = paid_out THEN '{ALIPAY_CLEARING}' ELSE '{EXCHANGE}' END,
            '{FEES}', fee)
    ) AS leg (kind, currency, giver, taker, minor)
)
INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payout)
SELECT %(now)s, kind, merchant_id, CASE WHEN sum(minor) > 0 THEN giver ELSE taker END,
    CASE WHEN sum(minor) > 0 THEN taker ELSE giver END, abs(sum(minor)), currency, %(payout)s
FROM legs GROUP BY merchant_id, kind, currency, giver, taker HAVING sum(minor) <> 0
"""  # noqa: S608

_ENTER: Final = f"""
WITH entered AS (
    INSERT INTO settlements (account_id, back, kind, own_number, trade_number, payment_id, merchant_id, file_id, place,
                             day, amount, currency, gross, net, paid_out, posted)
    SELECT %(account)s, l.kind <> 'payment', l.kind, l.own_number, l.trade_number, {PAYMENT}, {MERCHANT}, l.file_id,
        l.place, %(day)s, l.amount, l.currency, l.gross, l.net, l.paid_out, {PAYMENT} IS NOT NULL
    FROM recon_lines AS l {MATCH}
    WHERE l.file_id = %(file)s AND l.place > %(from)s AND l.place <= %(to)s AND l.settled_at IS NOT NULL
      AND l.net IS NOT NULL
    ORDER BY l.place
    ON CONFLICT DO NOTHING RETURNING *
), {_POST}
"""  # noqa: S608
#: A corrected file takes the place of the one before: what both say is the same payout.
_ADOPT: Final = """
UPDATE settlements AS s SET file_id = l.file_id, place = l.place FROM (
    SELECT DISTINCT ON (own_number, trade_number, kind <> 'payment') * FROM recon_lines
    WHERE file_id = %(file)s AND place > %(from)s AND place <= %(to)s AND settled_at IS NOT NULL
    ORDER BY own_number, trade_number, kind <> 'payment', place
) AS l
WHERE s.account_id = %(account)s AND s.file_id IS NULL AND s.day = %(day)s AND s.own_number = l.own_number
  AND s.trade_number = l.trade_number AND s.back = (l.kind <> 'payment')
"""
_LATE: Final = f"""
WITH known AS (
    SELECT l.own_number, l.trade_number, l.back, {PAYMENT} AS payment_id, {MERCHANT} AS merchant_id
    FROM settlements AS l {MATCH} WHERE l.account_id = %(account)s AND NOT l.posted AND {PAYMENT} IS NOT NULL
), entered AS (
    UPDATE settlements AS s SET posted = true, payment_id = known.payment_id, merchant_id = known.merchant_id
    FROM known WHERE s.account_id = %(account)s AND NOT s.posted AND s.own_number = known.own_number
      AND s.trade_number = known.trade_number AND s.back = known.back
    RETURNING s.*
), {_POST}
"""  # noqa: S608


async def enter(tx: Transaction, params: dict[str, object]) -> None:
    """Enter some lines of a settlement file and post what is new."""
    await tx.run(_ADOPT, params)
    await tx.run(_ENTER, params | {"payout": f"{params['file']}:{params['from']}"})


async def post_late(tx: Transaction, params: dict[str, object]) -> None:
    """Post what was paid out before we knew whose it was."""
    await tx.run(_LATE, params | {"payout": f"late:{params['run']}:{params['pass']}"})
