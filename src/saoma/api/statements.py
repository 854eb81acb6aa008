"""`/api/v1/statements`: what a merchant's payments, refunds and cancels of one day were, for its own books.

A day is Alipay's, GMT+8, and is told when it is over. Lines may still be added later (money that was heard of late), so
whoever compares should ask again the next morning, as with Alipay's own files."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency

from saoma.api import pages
from saoma.api.answers import json
from saoma.api.bodies import StatementLine
from saoma.api.door import allows, key_of, query_of
from saoma.api.problems import Refusal
from saoma.api.repeats import key_of_payment
from saoma.identity.api_keys import Scope
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.money import Money
from saoma.payments.reconciliation import beijing_span

_REFERENCE: Final = "CASE WHEN p.payable_kind = 'api' THEN coalesce(p.part ->> 'reference', '') ELSE '' END"
_ABOUT: Final = f"p.id AS payment, {_REFERENCE} AS reference, p.trade_number, p.currency, p.method, p.store_id"
_MINE: Final = """p.merchant_id = %(merchant_id)s AND p.method NOT IN ('cash', 'card_terminal', 'account')
      AND (%(stores)s::text[] = '{}' OR p.store_id = ANY (%(stores)s::text[]))
      AND (%(store)s = '' OR p.store_id = %(store)s)"""
_PAGE: Final = f"""
SELECT * FROM (
    SELECT 'payment' AS kind, p.id, p.paid_at AS at, p.amount, '' AS key, {_ABOUT} FROM payments AS p
    WHERE {_MINE} AND (p.booked OR p.gave_back) AND p.paid_at >= %(first)s AND p.paid_at < %(last)s
    UNION ALL
    SELECT 'cancel', 'can_' || substr(p.id, 5), p.final_at, p.amount, '', {_ABOUT} FROM payments AS p
    WHERE {_MINE} AND p.gave_back AND p.status = 'cancelled' AND p.final_at >= %(first)s AND p.final_at < %(last)s
    UNION ALL
    SELECT 'refund', r.id, r.final_at, r.amount, r.key, {_ABOUT}
    FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
    WHERE {_MINE} AND r.status = 'succeeded' AND r.final_at >= %(first)s AND r.final_at < %(last)s
) AS line
WHERE %(at)s::timestamptz IS NULL OR (at, id) < (%(at)s::timestamptz, %(id)s)
ORDER BY at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["payment", "refund", "cancel"]
    id: str
    at: datetime
    amount: int
    key: str
    payment: str
    reference: str
    trade_number: str
    currency: str
    method: str
    store_id: str


def _shown(line: _Line) -> StatementLine:
    return StatementLine(
        id=line.id,
        kind=line.kind,
        at=line.at,
        amount=Money(line.amount, line.currency).text,
        currency=line.currency,
        payment=line.payment,
        reference=line.reference,
        key=key_of_payment(line.key),
        trade_no=line.trade_number,
        method=line.method,
        store=line.store_id,
    )


def _day(text: str, now: datetime) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Refusal("invalid", "date: one day in GMT+8, such as 2026-03-02", [("date", "a day")])
    try:
        day = date.fromisoformat(text)
        over = beijing_span(day)[1] <= now
    except (ValueError, OverflowError):
        raise Refusal("invalid", "date: there is no such day", [("date", "no such day")]) from None
    if not over:
        raise Refusal("conflict", "This day is not over yet in GMT+8: ask again when it is.")
    return day


@get("/statements", guards=[allows(Scope.PAYMENTS_READ)])
async def list_statement(
    request: Request[Any, Any, Any], db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[bytes]:
    """One day's lines, newest first."""
    key = key_of(request)
    if Scope.REFUNDS_READ not in key.scopes:
        raise Refusal("not-allowed", f"This key lacks the scope {Scope.REFUNDS_READ.value}.")
    query = query_of(request, "date", "store", "limit", "cursor", "lang")
    limit, place = pages.limit_of(query), pages.place_of(query)
    first, last = beijing_span(_day(query.get("date", ""), clock.now()))
    given = {
        "merchant_id": key.merchant_id,
        "stores": key.store_ids,
        "store": query.get("store", ""),
        "first": first,
        "last": last,
        "at": place[0] if place else None,
        "id": place[1] if place else "",
        "limit": limit + 1,
    }
    async with db.reading() as rows:
        found = await rows.rows(_Line, _PAGE, given)
    return json(pages.page_of(found, limit, _shown, lambda line: (line.at, line.id)))


handlers: list[Any] = [list_statement]
