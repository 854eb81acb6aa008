"""The invariants of the payment core, asked of any database: each question finds the rows that break one.

The answers must be empty on a live system at any moment, except that lateness says a worker is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.kit.db import Rows
from saoma.payments.settling import LEASE


class Fault(msgspec.Struct, frozen=True):
    """One row that breaks one rule."""

    rule: str
    id: str
    detail: str


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
                < coalesce(sum(r.amount) FILTER (WHERE r.status IN ('succeeded', 'pending')), 0)""",
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
            AND (e.signed OR e.door = 'ruling' OR e.event IN ('withdrawn', 'declined')))""",
    "the payable was told what became of it": """
        SELECT id, status || ', told ' || payable_state AS detail FROM payments
        WHERE (status IN ('created', 'pending', 'cancelling') AND payable_state <> 'held')
           OR (status IN ('failed', 'cancelled') AND payable_state <> 'released')
           OR (status = 'succeeded' AND payable_state = 'held')""",
}


async def faults(rows: Rows, now: datetime) -> list[Fault]:
    """Every broken rule; an empty list is what an operator wants to see."""
    found = []
    for rule, question in _RULES.items():
        sql = f"SELECT %(rule)s AS rule, id, detail FROM ({question}) AS broken ORDER BY id LIMIT 100"  # noqa: S608
        found += await rows.rows(Fault, sql, {"rule": rule, "late": now - 2 * LEASE})
    return found
