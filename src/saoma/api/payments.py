"""`/api/v1/payments`: take money, look at it, give up, page through it.

201 is a payment that has ended, 202 one that nobody can know the end of yet, 200 a repetition of a known key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.api import pages, repeats
from saoma.api.answers import payment_answer
from saoma.api.bodies import NewPayment
from saoma.api.door import (
    allows,
    body_of,
    fingerprint,
    idempotency_key,
    key_of,
    query_of,
    wait_wish,
)
from saoma.api.problems import ReferenceTaken, Refusal
from saoma.api.references import KIND
from saoma.api.waiting import until_ended
from saoma.checkout.payment_code import SENTENCES, PaymentCode, read_payment_code
from saoma.gateway import Method
from saoma.identity import model
from saoma.identity.api_keys import ApiKey, Scope
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound
from saoma.kit.ids import check_id
from saoma.kit.live import Live
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import PAYMENT_COLUMNS, Payment
from saoma.payments.model import NewPayment as PaymentWish
from saoma.payments.payments import Payments
from saoma.web.page import language_of

AnyRequest = Request[Any, Any, Any]
_NOT_HERE: Final = "There is no such payment, or it is not yours to see."
_OF_KEY = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE merchant_id = %(merchant_id)s AND key = %(key)s"  # noqa: S608
_PAGE = f"""
SELECT {PAYMENT_COLUMNS} FROM payments
WHERE merchant_id = %(merchant_id)s
  AND (%(stores)s::text[] = '{{}}' OR store_id = ANY (%(stores)s::text[]))
  AND (%(store)s = '' OR store_id = %(store)s)
  AND (%(status)s = '' OR status = %(status)s)
  AND (%(reference)s = '' OR (payable_kind = 'api' AND payable_id = %(payable_id)s))
  AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(id)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608
#: What is being begun: a caller who leaves ends nothing.
_BEGUN: Final[set[asyncio.Task[Payment]]] = set()
_POLICY: Final = {
    Method.WALLET_PAGE: "wallet_page",
    Method.ORDER_CODE: "order_code",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer about one payment, before it is put into words."""

    payment: Payment
    status_code: int
    repeated: bool = False
    waited: int | None = None


def answer(request: AnyRequest, payments: Payments, told: Told) -> Response[bytes]:
    """What the caller is told of a payment."""
    lang = language_of(request)
    payment = told.payment
    headers = {"Cache-Control": "no-store", "Content-Language": lang}
    if request.method == "POST":
        headers["Location"] = f"/api/v1/payments/{payment.id}"
    if told.repeated:
        headers["Idempotency-Replayed"] = "true"
    if told.waited is not None:
        headers["Preference-Applied"] = f"wait={told.waited}"
    shown = payment_answer(payment, payments.gateways.get(payment.account_id), lang)
    return Response(
        msgspec.json.encode(shown), status_code=told.status_code, media_type="application/json", headers=headers
    )


async def payment_for(payments: Payments, key: ApiKey, payment_id: str) -> Payment:
    """A payment that is the key's to see. Raises `NotFound` for any other."""
    try:
        payment = await payments.get(check_id("pay", payment_id))
    except NotFound:
        raise NotFound(_NOT_HERE) from None
    if payment.merchant_id != key.merchant_id or not key.reaches(payment.store_id):
        raise NotFound(_NOT_HERE)
    return payment


async def store_for(rows: Rows, key: ApiKey, store_id: str) -> str:
    """The id of the store meant. Raises `NotFound` for one out of reach, `Invalid` when none is named but many are."""
    if store_id in key.store_ids:
        # stores that a key names are its own merchant's
        return store_id
    if store_id:
        found = await model.store(rows, check_id("sto", store_id))
        if found.merchant_id != key.merchant_id or not key.reaches(found.id):
            raise NotFound(NOTHING_HERE)
        return found.id
    if len(key.store_ids) == 1:
        return key.store_ids[0]
    some = await rows.rows(
        _Id,
        """SELECT id FROM stores WHERE merchant_id = %(merchant_id)s
           AND (%(stores)s::text[] = '{}' OR id = ANY (%(stores)s::text[])) LIMIT 2""",
        {"merchant_id": key.merchant_id, "stores": key.store_ids},
    )
    if len(some) != 1:
        raise Refusal("invalid", "store: name one; this key is for several", [("store", "missing")])
    return some[0].id


class _Id(msgspec.Struct, frozen=True):
    id: str


async def _wish(db: Database, key: ApiKey, name: str, body: NewPayment, by: str) -> PaymentWish:
    code = ""
    method = Method(body.method)
    amount = _amount(body)
    if method is Method.BARCODE:
        read = read_payment_code(body.payment_code)
        if not isinstance(read, PaymentCode):
            raise Invalid(SENTENCES[read])
        code = read.digits
    elif body.payment_code:
        raise Refusal("invalid", "payment_code: only for barcode", [("payment_code", "only for barcode")])
    if body.policy != "barcode" and method is not Method.BARCODE:
        raise Refusal("invalid", "policy: only for barcode", [("policy", "only for barcode")])
    if body.buyer_id and method is not Method.WALLET_PAGE:
        raise Refusal("invalid", "buyer_id: only for wallet_page", [("buyer_id", "only for wallet_page")])
    async with db.reading() as rows:
        store_id = await store_for(rows, key, body.store)
        terminal_id = check_id("trm", body.terminal) if body.terminal else ""
        account_id, shop, merchant, _ = await model.shop_of(rows, store_id, terminal_id)
    if amount.currency != merchant.currency:
        raise Refusal(
            "invalid", f"currency: this merchant sells in {merchant.currency}", [("currency", merchant.currency)]
        )
    return PaymentWish(
        merchant_id=merchant.id,
        account_id=account_id,
        method=method,
        amount=amount,
        subject=body.subject,
        payable_kind=KIND,
        payable_id=payable_id(body.reference) if body.reference else f"key:{name}",
        part={"reference": body.reference} if body.reference else {},
        shop=shop,
        policy=body.policy if method is Method.BARCODE else _POLICY[method],
        payment_code=code,
        buyer_id=body.buyer_id,
        key=repeats.payment_key(name),
        by=by,
        store_id=store_id,
        terminal_id=terminal_id,
    )


def payable_id(reference: str) -> str:
    """Under what the payment core keeps a payment with this reference."""
    return f"ref:{reference}"


def _amount(body: NewPayment) -> Money:
    try:
        amount = Money.parse(body.amount, body.currency)
    except Invalid as error:
        name = "amount" if "currency" not in str(error) else "currency"
        raise Refusal("invalid", f"{name}: {error}", [(name, str(error))]) from None
    if amount.minor <= 0:
        raise Refusal("invalid", "amount: must be above zero", [("amount", "must be above zero")])
    return amount


@post("/payments", guards=[allows(Scope.PAYMENTS_WRITE)])
async def take_payment(
    request: AnyRequest,
    db: NamedDependency[Database],
    payments: NamedDependency[Payments],
    live: NamedDependency[Live],
) -> Response[bytes]:
    """Take money; comes back with the first answer, or as `Prefer: wait` says."""
    key, name, wait = key_of(request), idempotency_key(request), wait_wish(request)
    # Each request signs with its own id, which tells a repetition from the first.
    by = f"api:{key.id}:{request.scope['state'].get('request_id', '')}"
    wish = await _wish(db, key, name, await body_of(request, NewPayment), by)
    known = {"merchant_id": wish.merchant_id, "key": wish.key}
    began = asyncio.get_running_loop().time()
    try:
        if wait == 0:
            payment = await payments.start(wish)
        else:
            payment = await _taken(db, payments, wish, known, wait)
    except ReferenceTaken:
        raise
    except Conflict:
        raise repeats.reused() from None
    repeated = payment.opened_by != by
    if wait and payment.open:
        left = wait - (asyncio.get_running_loop().time() - began)
        payment = await until_ended(live, payment.id, lambda: payments.get(payment.id), _ended, left)
    status_code = 202 if payment.open else 200 if repeated else 201
    return answer(request, payments, Told(payment, status_code, repeated=repeated, waited=wait))


def _ended(payment: Payment) -> bool:
    return not payment.open


def _outlived(taking: asyncio.Task[Payment]) -> None:
    """Nobody waits for it any more; what it met is on the payment's record."""
    if not taking.cancelled():
        taking.exception()


async def _taken(
    db: Database, payments: Payments, wish: PaymentWish, known: dict[str, str], wait: int | None
) -> Payment:
    """Begin the payment; where the caller waits less than the first answer takes, tell what is known by then."""
    take = payments.take_by_order_code if wish.method is Method.ORDER_CODE else payments.take
    taking = asyncio.create_task(take(wish))
    _BEGUN.add(taking)
    taking.add_done_callback(_BEGUN.discard)
    done, _ = await asyncio.wait({taking}, timeout=wait)
    if not done:
        async with db.reading() as rows:
            payment = await rows.maybe(Payment, _OF_KEY, known)
        if payment is not None:
            taking.add_done_callback(_outlived)
            return payment
    return await taking


@get("/payments", guards=[allows(Scope.PAYMENTS_READ)])
async def list_payments(
    request: AnyRequest, db: NamedDependency[Database], payments: NamedDependency[Payments]
) -> Response[bytes]:
    """Payments, newest first."""
    key = key_of(request)
    query = query_of(request, "limit", "cursor", "status", "reference", "store", "lang")
    limit, place = pages.limit_of(query), pages.place_of(query)
    status = query.get("status", "")
    if "status" in query and status not in set(Status):
        raise Refusal("invalid", f"status: one of {', '.join(Status)}", [("status", "unknown")])
    given = {
        "merchant_id": key.merchant_id,
        "stores": key.store_ids,
        "store": query.get("store", ""),
        "status": status,
        "reference": query.get("reference", ""),
        "payable_id": payable_id(query.get("reference", "")),
        "at": place[0] if place else None,
        "id": place[1] if place else "",
        "limit": limit + 1,
    }
    async with db.reading() as rows:
        if given["store"]:
            # A store out of reach is said to be none: an empty list would read as a day without sales.
            await store_for(rows, key, str(given["store"]))
        found = await rows.rows(Payment, _PAGE, given)
    lang = language_of(request)
    page = pages.page_of(
        found,
        limit,
        lambda payment: payment_answer(payment, payments.gateways.get(payment.account_id), lang),
        lambda payment: (payment.created_at, payment.id),
    )
    return Response(
        msgspec.json.encode(page),
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Content-Language": lang},
    )


@get("/payments/{payment_id:str}", guards=[allows(Scope.PAYMENTS_READ)])
async def show_payment(
    request: AnyRequest,
    payments: NamedDependency[Payments],
    live: NamedDependency[Live],
    payment_id: FromPath[str],
) -> Response[bytes]:
    """One payment as it stands; with `Prefer: wait` as it ends."""
    query_of(request, "lang")
    payment, wait = await payment_for(payments, key_of(request), payment_id), wait_wish(request)
    if wait and payment.open:
        payment = await until_ended(live, payment.id, lambda: payments.get(payment.id), _ended, wait)
    return answer(request, payments, Told(payment, 200, waited=wait))


@post("/payments/{payment_id:str}/cancel", guards=[allows(Scope.PAYMENTS_WRITE)])
async def cancel_payment(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    live: NamedDependency[Live],
    payment_id: FromPath[str],
) -> Response[bytes]:
    """Give up a payment and undo it; one that was paid a moment earlier stays paid: look at the status."""
    key, name, wait = key_of(request), idempotency_key(request), wait_wish(request)
    if await request.body() not in (b"", b"{}"):
        raise Refusal("invalid", "A cancel has no body.")
    payment = await payment_for(payments, key, payment_id)
    async with db.transaction() as tx:
        marks = (key.owner, name, fingerprint(request, None))
        await repeats.keep(tx, clock, *marks, payment.id)
    payment = await payments.give_up(payment.id, f"api:{key.id}")
    if wait and payment.open:
        payment = await until_ended(live, payment.id, lambda: payments.get(payment.id), _ended, wait)
    return answer(request, payments, Told(payment, 202 if payment.open else 200, waited=wait))


handlers: list[Any] = [take_payment, list_payments, show_payment, cancel_payment]
