"""`/api/v1/payments/{id}/refunds` and `/api/v1/refunds`: give money back, and look at what went back.

A refund that is `pending` is followed by Saoma; asking for another one would give the money twice."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.api import pages, repeats
from saoma.api.answers import refund_answer
from saoma.api.bodies import NewRefund
from saoma.api.door import allows, body_of, fingerprint, idempotency_key, key_of, query_of, wait_wish
from saoma.api.payments import payment_for
from saoma.api.problems import Refusal
from saoma.api.waiting import until_ended
from saoma.identity.api_keys import ApiKey, Scope
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound, Refused
from saoma.kit.ids import check_id
from saoma.kit.live import Live
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus
from saoma.payments.model import REFUND_COLUMNS, Refund
from saoma.payments.payments import Payments
from saoma.web.page import language_of

AnyRequest = Request[Any, Any, Any]
_NOT_HERE: Final = "There is no such refund, or it is not yours to see."
_OPEN: Final = (RefundStatus.REQUESTED, RefundStatus.PENDING)
_ONE = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = %(id)s AND merchant_id = %(merchant_id)s"  # noqa: S608
_KNOWN = "SELECT true FROM refunds WHERE payment_id = %(payment_id)s AND key = %(key)s"
_PAGE = f"""
SELECT {REFUND_COLUMNS} FROM refunds WHERE payment_id = %(payment_id)s
  AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(id)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608


def _answer(request: AnyRequest, refund: Refund, status_code: int, headers: dict[str, str]) -> Response[bytes]:
    lang = language_of(request)
    return Response(
        msgspec.json.encode(refund_answer(refund, lang)),
        status_code=status_code,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Content-Language": lang, **headers},
    )


def _ended(refund: Refund) -> bool:
    return refund.status not in _OPEN


async def _refund_for(db: Database, payments: Payments, key: ApiKey, refund_id: str) -> Refund:
    async with db.reading() as rows:
        try:
            given = {"id": check_id("ref", refund_id), "merchant_id": key.merchant_id}
            refund = await rows.one(Refund, _ONE, given)
        except NotFound:
            raise NotFound(_NOT_HERE) from None
    try:
        await payment_for(payments, key, refund.payment_id)
    except NotFound:
        raise NotFound(_NOT_HERE) from None
    return refund


@post("/payments/{payment_id:str}/refunds", guards=[allows(Scope.REFUNDS_WRITE)])
async def make_refund(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    live: NamedDependency[Live],
    payment_id: FromPath[str],
) -> Response[bytes]:
    """Give money back, once, and tell the first answer."""
    key, name, wait = key_of(request), idempotency_key(request), wait_wish(request)
    body = await body_of(request, NewRefund)
    payment = await payment_for(payments, key, payment_id)
    try:
        amount = Money.parse(body.amount, payment.currency)
    except Invalid as error:
        raise Refusal("invalid", f"amount: {error}", [("amount", str(error))]) from None
    refund_key = repeats.payment_key(name)
    async with db.transaction() as tx:
        await repeats.keep(tx, clock, key.merchant_id, name, fingerprint(request, body), payment.id)
        repeated = bool(await tx.value(_KNOWN, {"payment_id": payment.id, "key": refund_key}))
    try:
        refund = await payments.refund(payment.id, amount, body.reason, f"api:{key.id}", refund_key)
    except Refused:
        if not repeated:
            async with db.transaction() as tx:
                await repeats.forget(tx, key.merchant_id, name)
        raise
    if wait and not _ended(refund):
        refund = await until_ended(live, payment.id, lambda: _refund_for(db, payments, key, refund.id), _ended, wait)
    headers = {"Location": f"/api/v1/refunds/{refund.id}"}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    if wait is not None:
        headers["Preference-Applied"] = f"wait={wait}"
    return _answer(request, refund, 202 if not _ended(refund) else 200 if repeated else 201, headers)


@get("/payments/{payment_id:str}/refunds", guards=[allows(Scope.REFUNDS_READ)])
async def list_refunds(
    request: AnyRequest,
    db: NamedDependency[Database],
    payments: NamedDependency[Payments],
    payment_id: FromPath[str],
) -> Response[bytes]:
    """The refunds of one payment, newest first."""
    query = query_of(request, "limit", "cursor", "lang")
    limit, place = pages.limit_of(query), pages.place_of(query)
    payment = await payment_for(payments, key_of(request), payment_id)
    at, last = place or (None, "")
    given = {"payment_id": payment.id, "at": at, "id": last, "limit": limit + 1}
    async with db.reading() as rows:
        found = await rows.rows(Refund, _PAGE, given)
    lang = language_of(request)
    page = pages.page_of(
        found, limit, lambda refund: refund_answer(refund, lang), lambda refund: (refund.created_at, refund.id)
    )
    return Response(
        msgspec.json.encode(page),
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Content-Language": lang},
    )


@get("/refunds/{refund_id:str}", guards=[allows(Scope.REFUNDS_READ)])
async def show_refund(
    request: AnyRequest,
    db: NamedDependency[Database],
    payments: NamedDependency[Payments],
    refund_id: FromPath[str],
) -> Response[bytes]:
    """One refund as it stands."""
    query_of(request, "lang")
    return _answer(request, await _refund_for(db, payments, key_of(request), refund_id), 200, {})


handlers: list[Any] = [make_refund, list_refunds, show_refund]
