"""Where a daily file and our books differ: questions to the database, each finding the differences of some classes.

A line is looked at with its match on our side; what we expected and no file brought is looked for once the files of
all its possible days are in. A difference is kept under a key of its own, so finding it again adds nothing."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

#: Joins to a line `l` of account %(account)s what it is about on our side: `p` its payment, `r` its refund.
#: Refunds may be named by the order's number where the provider knows no refund numbers.
MATCH: Final = """
LEFT JOIN LATERAL (
    SELECT one.* FROM refunds AS one JOIN payments AS its ON its.id = one.payment_id
    WHERE l.kind = 'refund' AND one.refund_number = l.own_number AND its.account_id = %(account)s
) AS named ON true
LEFT JOIN LATERAL (
    SELECT one.* FROM payments AS its JOIN refunds AS one ON one.payment_id = its.id
    WHERE l.kind = 'refund' AND named.id IS NULL AND its.account_id = %(account)s AND its.order_number = l.own_number
      AND one.amount = l.amount
    ORDER BY one.status = 'succeeded' DESC, one.id LIMIT 1
) AS guessed ON true
LEFT JOIN payments AS ordered ON ordered.account_id = %(account)s AND ordered.order_number = l.own_number
    AND l.own_number <> '' AND l.kind IN ('payment', 'reversal', 'cancel')
LEFT JOIN LATERAL (
    SELECT one.* FROM payments AS one
    WHERE l.kind IN ('cancel', 'reversal') AND ordered.id IS NULL AND l.trade_number <> ''
      AND one.account_id = %(account)s AND one.trade_number = l.trade_number LIMIT 1
) AS traded ON true
LEFT JOIN payments AS paid_back ON paid_back.id = coalesce(named.payment_id, guessed.payment_id)
"""
PAYMENT: Final = "coalesce(ordered.id, traded.id, paid_back.id)"
MERCHANT: Final = "coalesce(ordered.merchant_id, traded.merchant_id, paid_back.merchant_id)"

#: A line's key: cancels are named by the provider's number alone, because files differ in what else they say.
_KEY: Final = """
CASE WHEN l.kind = 'cancel' THEN 'cancel:' || l.trade_number
     ELSE CASE WHEN l.kind = 'payment' THEN 'payment:' ELSE 'back:' END || l.own_number || ':' || l.trade_number END
"""
_FEE: Final = """
CASE WHEN %(rate)s::numeric IS NULL THEN l.fee WHEN l.kind = 'refund' AND %(kept)s THEN 0
     ELSE round(l.gross * %(rate)s::numeric) END
"""
_KEEP: Final = """
INSERT INTO recon_findings (account_id, run_id, day, class, key, pass, file_kind, file_name, row, kind, own_number,
    trade_number, payment_id, refund_id, merchant_id, theirs, theirs_currency, ours, ours_currency, what, said,
    found_at)
"""
_AGAIN: Final = """
ON CONFLICT (account_id, class, key) DO UPDATE SET gone_at = NULL, theirs = excluded.theirs, ours = excluded.ours,
    what = excluded.what, said = excluded.said,
    pass = CASE WHEN recon_findings.run_id = excluded.run_id THEN excluded.pass ELSE recon_findings.pass END
"""

_TRADES: Final = f"""
WITH met AS (
    SELECT l.row, l.kind, l.own_number, l.trade_number, l.amount, l.currency, l.gross, l.fee, l.paid_out, l.doubt,
        {_KEY} AS key, {_FEE} AS fair, {PAYMENT} AS payment_id, {MERCHANT} AS merchant_id,
        coalesce(named.id, guessed.id) AS refund_id,
        coalesce(named.amount, guessed.amount, ordered.amount, traded.amount) AS ours,
        coalesce(ordered.currency, traded.currency, paid_back.currency) AS ours_currency,
        coalesce(named.status, guessed.status, ordered.status, traded.status) AS status,
        coalesce(ordered.gave_back, traded.gave_back, false) AS gave_back,
        coalesce(ordered.trade_number, traded.trade_number, paid_back.trade_number, '') AS our_trade,
        again.times
    FROM recon_lines AS l {MATCH}
    LEFT JOIN LATERAL (
        SELECT count(*) AS times FROM recon_lines AS e JOIN recon_files AS f ON f.id = e.file_id
        WHERE l.own_number <> '' AND e.own_number = l.own_number AND e.trade_number = l.trade_number
          AND e.kind = l.kind AND f.account_id = %(account)s AND f.kind = 'trades'
          AND (e.file_id, e.place) < (l.file_id, l.place)
    ) AS again ON true
    WHERE l.file_id = %(file)s AND l.place > %(from)s AND l.place <= %(to)s
), judged AS (
    SELECT met.*, CASE
        WHEN times > 0 OR payment_id IS NULL OR (kind = 'refund' AND refund_id IS NULL) THEN 'only_theirs'
        WHEN amount <> ours OR currency <> ours_currency OR (currency = paid_out AND amount <> gross) OR doubt <> ''
            THEN 'amount_differs'
        WHEN our_trade <> '' AND trade_number <> '' AND our_trade <> trade_number THEN 'status_differs'
        WHEN kind IN ('payment', 'refund') AND status <> 'succeeded' AND NOT (kind = 'payment' AND (gave_back
            OR (status = 'cancelled' AND EXISTS (SELECT FROM recon_lines AS u JOIN recon_files AS f ON f.id = u.file_id
                WHERE u.kind IN ('cancel', 'reversal') AND u.trade_number = met.trade_number AND met.trade_number <> ''
                  AND f.account_id = %(account)s)))) THEN 'status_differs'
        WHEN kind IN ('cancel', 'reversal') AND status <> 'cancelled' THEN 'status_differs'
        WHEN abs(fee - fair) > 1 THEN 'fee_differs'
        END AS class
    FROM met
)
{_KEEP}
SELECT %(account)s, %(run)s, %(day)s, class, key || CASE WHEN times > 0 THEN ':again' || times ELSE '' END, %(pass)s,
    'trades', %(name)s, row, kind, own_number, trade_number, payment_id, refund_id, coalesce(merchant_id, ''),
    CASE WHEN class = 'fee_differs' THEN fee ELSE amount END,
    CASE WHEN class = 'fee_differs' THEN paid_out ELSE currency END,
    CASE WHEN class = 'fee_differs' THEN fair WHEN class = 'only_theirs' THEN NULL ELSE ours END,
    CASE WHEN class = 'fee_differs' THEN paid_out WHEN class = 'only_theirs' THEN NULL ELSE ours_currency END,
    CASE WHEN times > 0 THEN 'the line is there twice'
         WHEN class = 'status_differs' AND our_trade <> trade_number AND our_trade <> '' AND trade_number <> ''
             THEN 'trade_number'
         WHEN doubt <> '' THEN doubt ELSE '' END,
    coalesce(status, ''), %(now)s
FROM judged WHERE class IS NOT NULL
{_AGAIN}
"""  # noqa: S608

_SETTLED: Final = f"""
WITH met AS (
    SELECT l.row, l.kind, l.own_number, l.trade_number, l.amount, l.currency, l.gross, l.fee, l.net, l.paid_out,
        l.doubt, {_KEY} AS key, {_FEE} AS fair, {PAYMENT} AS payment_id, {MERCHANT} AS merchant_id,
        coalesce(named.id, guessed.id) AS refund_id,
        coalesce(named.amount, guessed.amount, ordered.amount, traded.amount) AS ours,
        coalesce(ordered.currency, traded.currency, paid_back.currency) AS ours_currency,
        (s.file_id, s.place) IS DISTINCT FROM (l.file_id, l.place) AS twice, l.file_id, l.place,
        t.gross AS traded_gross, t.paid_out AS traded_currency, t.fee AS traded_fee
    FROM recon_lines AS l {MATCH}
    LEFT JOIN settlements AS s ON s.account_id = %(account)s AND s.own_number = l.own_number
        AND s.trade_number = l.trade_number AND s.back = (l.kind <> 'payment')
    LEFT JOIN LATERAL (
        SELECT e.gross, e.paid_out, e.fee FROM recon_lines AS e JOIN recon_files AS f ON f.id = e.file_id
        WHERE l.own_number <> '' AND e.own_number = l.own_number AND e.trade_number = l.trade_number
          AND (e.kind = 'payment') = (l.kind = 'payment') AND f.account_id = %(account)s AND f.kind = 'trades'
        ORDER BY e.file_id, e.place LIMIT 1
    ) AS t ON true
    WHERE l.file_id = %(file)s AND l.place > %(from)s AND l.place <= %(to)s AND l.settled_at IS NOT NULL
), judged AS (
    SELECT met.*, CASE
        WHEN twice THEN 'settled_twice'
        WHEN payment_id IS NULL THEN 'only_theirs'
        WHEN traded_gross IS NULL AND ours IS NOT NULL AND (amount <> ours OR currency <> ours_currency)
            THEN 'amount_differs'
        WHEN gross <> traded_gross OR paid_out <> traded_currency OR doubt <> '' THEN 'amount_differs'
        WHEN abs(fee - coalesce(traded_fee, fair)) > CASE WHEN traded_fee IS NULL THEN 1 ELSE 0 END THEN 'fee_differs'
        WHEN abs(gross - fee - net) > 1 AND abs(gross + fee - net) > 1 THEN 'fee_differs'
        END AS class
    FROM met
)
{_KEEP}
SELECT %(account)s, %(run)s, %(day)s, class, key || CASE WHEN twice THEN ':' || %(day)s || ':' || row ELSE '' END,
    %(pass)s, 'settlement', %(name)s, row, kind, own_number, trade_number, payment_id, refund_id,
    coalesce(merchant_id, ''),
    CASE WHEN class = 'fee_differs' THEN fee WHEN class = 'only_theirs' THEN amount ELSE gross END,
    CASE WHEN class = 'only_theirs' THEN currency ELSE paid_out END,
    CASE WHEN class = 'fee_differs' THEN coalesce(traded_fee, fair) WHEN class = 'only_theirs' THEN NULL
         ELSE coalesce(traded_gross, ours) END,
    CASE WHEN class = 'fee_differs' THEN paid_out WHEN class = 'only_theirs' THEN NULL
         ELSE coalesce(traded_currency, ours_currency) END,
    doubt, '', %(now)s
FROM judged WHERE class IS NOT NULL
{_AGAIN}
"""  # noqa: S608

#: What should stand in the files of %(day)s or of its neighbours. `from_day` to `to_day` are the days on which the
#: provider may have written it: it acted between our request and our hearing of it.
_EXPECTED: Final = """
    SELECT 'payment' AS kind, p.order_number AS own_number, p.trade_number, p.id AS payment_id, NULL AS refund_id,
        p.merchant_id, p.amount, p.currency, p.status, p.created_at, p.paid_at AS heard_at
    FROM payments AS p WHERE p.account_id = %(account)s AND p.paid_at >= %(first)s AND p.paid_at < %(last)s
      AND p.method IN ('barcode', 'wallet_page', 'order_code', 'merchant_code')
      AND (p.status = 'succeeded' OR p.gave_back)
    UNION ALL
    SELECT 'cancel', p.order_number, p.trade_number, p.id, NULL, p.merchant_id, p.amount, p.currency, p.status,
        p.created_at, p.final_at
    FROM payments AS p WHERE p.account_id = %(account)s AND p.gave_back AND p.status = 'cancelled'
      AND p.final_at >= %(first)s AND p.final_at < %(last)s
    UNION ALL
    SELECT 'refund', r.refund_number, p.trade_number, p.id, r.id, r.merchant_id, r.amount, r.currency, r.status,
        r.created_at, r.final_at + interval '6 hours'
    FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
    WHERE p.account_id = %(account)s AND r.status = 'succeeded'
      AND p.method IN ('barcode', 'wallet_page', 'order_code', 'merchant_code')
      AND r.final_at >= %(first)s AND r.final_at < %(last)s
"""
#: How long after a day its trades are paid out: on the next working day.
_NEXT: Final = "(CASE extract(isodow FROM f.day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END)::int"

#: Whether a file has the line `x` expects.
_THERE: Final = """
    EXISTS (SELECT FROM recon_lines AS l JOIN recon_files AS f ON f.id = l.file_id
        WHERE f.account_id = %(account)s AND f.kind = 'trades' AND f.complete AND (
            (x.kind <> 'cancel' AND l.own_number = x.own_number AND l.kind = x.kind)
            OR (x.kind = 'refund' AND l.kind = 'refund' AND l.own_number =
                (SELECT order_number FROM payments WHERE id = x.payment_id) AND l.amount = x.ours)))
    OR (x.kind = 'cancel' AND x.trade_number <> '' AND EXISTS (
        SELECT FROM recon_lines AS l JOIN recon_files AS f ON f.id = l.file_id
        WHERE l.kind IN ('cancel', 'reversal') AND l.trade_number = x.trade_number AND f.account_id = %(account)s))
"""
_ONLY_OURS: Final = f"""
WITH expected AS ({_EXPECTED}), dated AS (
    SELECT expected.*, (created_at AT TIME ZONE interval '8 hours')::date AS from_day,
        ((heard_at + interval '5 minutes') AT TIME ZONE interval '8 hours')::date AS to_day
    FROM expected
)
{_KEEP}
SELECT %(account)s, %(run)s, to_day, 'only_ours', x.kind || ':' || x.own_number, 0, 'ours', '', NULL, x.kind,
    x.own_number, x.trade_number, x.payment_id, x.refund_id, x.merchant_id, NULL, NULL, x.amount, x.currency, '',
    x.status, %(now)s
FROM dated AS x
WHERE NOT EXISTS (
    SELECT FROM generate_series(greatest(from_day, to_day - 3, %(since)s), to_day, '1 day') AS possible
    WHERE NOT EXISTS (SELECT FROM recon_runs AS run WHERE run.account_id = %(account)s AND run.day = possible::date
        AND run.cleared_at IS NULL AND (run.status IN ('done', 'nothing') OR (run.id = %(run)s AND %(whole)s))))
  AND to_day >= %(since)s AND NOT ({_THERE.replace("x.ours", "x.amount")})
ON CONFLICT (account_id, class, key) DO NOTHING
"""  # noqa: S608

_NEVER_SETTLED: Final = f"""
WITH due AS (
    UPDATE recon_files AS f SET aged = true
    WHERE f.account_id = %(account)s AND f.kind = 'trades' AND f.complete AND NOT f.aged
      AND f.day + {_NEXT} + %(grace)s <= %(day)s
      AND EXISTS (SELECT FROM recon_files AS s WHERE s.account_id = %(account)s AND s.kind = 'settlement'
                  AND s.complete AND s.day >= f.day + {_NEXT} AND s.day <= %(day)s)
    RETURNING f.id, f.day, f.name
)
{_KEEP}
SELECT %(account)s, %(run)s, due.day, 'never_settled', {_KEY}, 0, 'trades', due.name, l.row, l.kind, l.own_number,
    l.trade_number, {PAYMENT}, coalesce(named.id, guessed.id), coalesce({MERCHANT}, ''), l.gross, l.paid_out,
    NULL, NULL, '', '', %(now)s
FROM due JOIN recon_lines AS l ON l.file_id = due.id {MATCH}
WHERE l.kind IN ('payment', 'refund')
  AND NOT EXISTS (SELECT FROM settlements AS s WHERE s.account_id = %(account)s AND s.own_number = l.own_number
                  AND s.trade_number = l.trade_number AND s.back = (l.kind <> 'payment'))
  AND NOT EXISTS (SELECT FROM recon_lines AS u JOIN recon_files AS f ON f.id = u.file_id
                  WHERE l.trade_number <> '' AND u.trade_number = l.trade_number AND u.kind IN ('cancel', 'reversal')
                    AND f.account_id = %(account)s)
ON CONFLICT (account_id, class, key) DO NOTHING
"""  # noqa: S608

_GONE: Final = f"""
UPDATE recon_findings AS x SET gone_at = %(now)s
WHERE account_id = %(account)s AND gone_at IS NULL AND (
    (run_id = %(run)s AND pass < %(pass)s AND class NOT IN ('only_ours', 'never_settled'))
    OR (class = 'only_ours' AND ({_THERE}))
    OR (class = 'never_settled' AND EXISTS (SELECT FROM settlements AS s WHERE s.account_id = %(account)s
        AND s.own_number = x.own_number AND s.trade_number = x.trade_number AND s.back = (x.kind <> 'payment'))))
"""  # noqa: S608


async def judge_trades(tx: Transaction, params: dict[str, object]) -> None:
    """Look at some lines of a transaction file."""
    await tx.run(_TRADES, params)


async def judge_settled(tx: Transaction, params: dict[str, object]) -> None:
    """Look at some lines of a settlement file, after they were entered in the book of payouts."""
    await tx.run(_SETTLED, params)


async def look_for_ours(tx: Transaction, params: dict[str, object]) -> None:
    """Find what we say happened and no file tells of, for all that must be in files we have."""
    await tx.run(_ONLY_OURS, params)


async def look_for_unsettled(tx: Transaction, params: dict[str, object]) -> None:
    """Find what should have been paid out by now. Each file is looked at once, when its time has come."""
    await tx.run(_NEVER_SETTLED, params)


async def forget_what_went_away(tx: Transaction, params: dict[str, object]) -> None:
    """Mark differences that are none any more."""
    await tx.run(_GONE, params)
