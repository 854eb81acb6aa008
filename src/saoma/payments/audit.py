"""The invariants of the payment core, asked of any database: each question finds the rows that break one.

The answers must be empty on a live system at any moment, except that lateness says a worker is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.payments.settling import LEASE


class Fault(msgspec.Struct, frozen=True):
    """One row that breaks one rule."""

    rule: str
    id: str
    detail: str


_NO_MORE: Final[Mapping[str, str]] = {}

_RULES: Final = {
    "a succeeded payment has its posting, of its amount": """
        SELECT p.id, p.status || ' booked ' || coalesce(sum(s.amount)::text, 'nothing') AS detail FROM payments AS p
        LEFT JOIN postings AS s ON s.payment_id = p.id AND s.kind = 'sale' AND s.currency = p.currency
        WHERE p.booked GROUP BY p.id HAVING coalesce(sum(s.amount), 0) <> p.amount""",
    "nothing but a succeeded payment has a posting": """
        SELECT p.id, p.status || ' has a ' || s.kind AS detail FROM payments AS p
        JOIN postings AS s ON s.payment_id = p.id WHERE NOT p.booked""",
    "an undone payment leaves nothing in the book": """
        SELECT p.id, p.status || ' nets to ' || n.net AS detail FROM payments AS p CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE kind WHEN 'sale' THEN amount ELSE -amount END), 0) AS net
            FROM postings WHERE payment_id = p.id) AS n
        WHERE p.status IN ('failed', 'cancelled') AND n.net <> 0""",
    "a refund is booked once if it succeeded, else never": """
        SELECT r.id, r.status || ' has ' || count(s.id) || ' postings' AS detail FROM refunds AS r
        LEFT JOIN postings AS s ON s.refund_id = r.id AND s.amount = r.amount AND s.currency = r.currency
        GROUP BY r.id HAVING count(s.id) <> (r.status = 'succeeded')::int""",
    "a payment counts its refunds": """
        SELECT p.id, p.refunded || ' of ' || p.refund_reserved || ' counted' AS detail FROM payments AS p
        LEFT JOIN refunds AS r ON r.payment_id = p.id GROUP BY p.id
        HAVING p.refunded <> coalesce(sum(r.amount) FILTER (WHERE r.status = 'succeeded'), 0)
            OR p.refund_reserved > coalesce(sum(r.amount), 0) OR p.refund_reserved
                < coalesce(sum(r.amount) FILTER (WHERE r.status IN ('succeeded', 'pending', 'requested')), 0)""",
    "staff take money, the provider tells of it": """
        SELECT p.id, p.method || ' ended by ' || coalesce(e.event, 'nothing') AS detail FROM payments AS p
        LEFT JOIN payment_events AS e ON e.payment_id = p.id AND e.event = 'recorded'
        WHERE p.booked AND (e.id IS NULL) = (p.method IN ('cash', 'card_terminal', 'account'))""",
    "what staff took is written down": """
        SELECT p.id, p.method || ' of ' || p.amount || ' from ' || coalesce(t.given::text, 'nothing') AS detail
        FROM payments AS p LEFT JOIN taken_by_staff AS t ON t.payment_id = p.id
        WHERE p.booked AND p.method IN ('cash', 'card_terminal', 'account')
        AND t.given - t.change IS DISTINCT FROM p.amount""",
    "money that came by a printed code is assigned at most once, and where it says": """
        SELECT p.id, coalesce(a.state, 'no arrival') || ' but pays ' || p.payable_kind AS detail FROM payments AS p
        LEFT JOIN arrivals AS a ON a.payment_id = p.id
        WHERE p.method = 'merchant_code' AND p.booked AND (a.payment_id IS NULL
            OR (a.state = 'assigned') <> (p.payable_kind <> 'merchant_code')
            OR (a.state = 'assigned' AND (a.payable_kind, a.payable_id) <> (p.payable_kind, p.payable_id)))""",
    "a refund that waits for a second person is not on its way": """
        SELECT r.id, r.status || ' since ' || r.created_at AS detail FROM refunds AS r
        WHERE r.status = 'requested' AND EXISTS (SELECT FROM payment_events AS e WHERE e.refund_id = r.id
            AND e.door IN ('answer', 'notice'))""",
    "nothing stays open past its end": """
        SELECT id, status || ' since ' || created_at AS detail FROM payments
        WHERE status IN ('created', 'pending') AND give_up_at < %(late)s""",
    "what is due is looked after": """
        SELECT id, status || ' was due ' || due_at AS detail FROM payments WHERE due_at < %(late)s
        UNION ALL SELECT id, status || ' was due ' || due_at FROM refunds WHERE due_at < %(late)s""",
    "an end has its evidence": """
        SELECT id, status AS detail FROM payments AS p WHERE status IN ('succeeded', 'failed', 'cancelled')
        AND NOT EXISTS (SELECT FROM payment_events AS e WHERE e.payment_id = p.id AND e.refund_id IS NULL
            AND e.status_after = p.status AND e.status_before <> p.status
            AND (e.signed OR e.door = 'ruling' OR e.event IN ('withdrawn', 'declined', 'recorded')))""",
    "the payable was told what became of it": """
        SELECT id, status || ', told ' || payable_state AS detail FROM payments
        WHERE (status IN ('created', 'pending', 'cancelling') AND payable_state <> 'held')
           OR (status IN ('failed', 'cancelled') AND payable_state <> 'released')
           OR (status = 'succeeded' AND payable_state = 'held')""",
    "a trade of the provider's belongs to one payment": """
        SELECT min(id) AS id, account_id || ' trade ' || trade_number || ' is named by ' || count(*) AS detail
        FROM payments WHERE trade_number <> '' GROUP BY account_id, trade_number HAVING count(*) > 1""",
    "refunds never exceed their payment": """
        SELECT p.id, sum(r.amount) || ' of ' || p.amount || ' given back' AS detail FROM payments AS p
        JOIN refunds AS r ON r.payment_id = p.id AND r.status = 'succeeded'
        GROUP BY p.id HAVING sum(r.amount) > p.amount""",
    "a posting speaks of its own payment": """
        SELECT p.id, s.kind || ' of ' || s.currency || ' for ' || s.merchant_id AS detail FROM postings AS s
        JOIN payments AS p ON p.id = s.payment_id
        WHERE s.currency <> p.currency OR s.merchant_id <> p.merchant_id""",
    "what needs a person is somebody's case": """
        SELECT p.id, p.code || ' without a case' AS detail FROM payments AS p WHERE p.status = 'needs_attention'
        AND NOT EXISTS (SELECT FROM cases AS c WHERE c.subject_kind = 'payment' AND c.subject_id = p.id
            AND c.status <> 'closed')
        UNION ALL
        SELECT r.id, r.code || ' without a case' FROM refunds AS r WHERE r.status = 'needs_attention'
        AND NOT EXISTS (SELECT FROM cases AS c WHERE c.subject_kind = 'refund' AND c.subject_id = r.id
            AND c.status <> 'closed')""",
    "a refund's end has its evidence": """
        SELECT id, status AS detail FROM refunds AS r WHERE status IN ('succeeded', 'failed')
        AND NOT EXISTS (SELECT FROM payment_events AS e WHERE e.refund_id = r.id AND e.status_after = r.status)""",
}


async def faults(rows: Rows, now: datetime, more: Mapping[str, str] = _NO_MORE) -> list[Fault]:
    """Every broken rule; an empty list is what an operator wants to see. Of each rule at most a hundred rows.

    `more` are other rooms' rules: a name, and a question that finds `id` and `detail` of what breaks it."""
    found = []
    for rule, question in {**_RULES, **more}.items():
        sql = f"SELECT %(rule)s AS rule, id, detail FROM ({question}) AS broken ORDER BY id LIMIT 100"  # noqa: S608
        found += await rows.rows(Fault, sql, {"rule": rule, "late": now - 2 * LEASE})
    return found


async def audited(
    tx: Transaction, now: datetime, more: Mapping[str, str] = _NO_MORE
) -> AsyncIterator[tuple[str, AsyncIterator[Fault]]]:
    """Rule by rule, what breaks it, read through the server's own cursor: memory stays small however bad it is.

    Take each rule's rows before going on to the next."""
    for rule, question in {**_RULES, **more}.items():
        yield rule, _broken(tx, rule, question, now)


async def _broken(tx: Transaction, rule: str, question: str, now: datetime) -> AsyncIterator[Fault]:
    async with tx.connection.cursor(name="audit") as cursor:
        cursor.itersize = 500
        await cursor.execute(cast(Any, question), {"late": now - 2 * LEASE})
        async for row in cursor:
            yield Fault(rule, str(row["id"]), str(row["detail"]))
