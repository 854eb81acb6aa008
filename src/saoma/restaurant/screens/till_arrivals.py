"""The till's inbox: money that came by a printed shop code and no bill claims, and refunds that wait for somebody.

Nothing here takes money: it is there already. Somebody says what it was for, keeps it, or gives it back."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import Checkout
from saoma.checkout.giving_back import GIVE_A_REASON
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.payments import refund as refunding
from saoma.payments.arrivals import Arrival, Arrivals
from saoma.payments.matching import Exact, Near, OpenOrder
from saoma.payments.model import Payment, Refund
from saoma.restaurant.screens.till import path_to, tiles_context
from saoma.restaurant.shares import KIND
from saoma.web.page import page
from saoma.web.presses import press_key


async def _arrival(rows: Rows, arrivals: Arrivals, at: Counter, payment_id: str) -> Arrival:
    arrival = await arrivals.get(rows, payment_id)
    if arrival.store_id != at.store.id:
        raise NotFound(NOTHING_HERE)
    return arrival


async def _show(
    request: AnyRequest, db: Database, checkout: Checkout, payment_id: str, refusal: Refused | None = None
) -> Response[Any]:
    arrivals = checkout.payments.arrivals
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        arrival = await _arrival(rows, arrivals, at, payment_id)
        found = await arrivals.suggestions(rows, arrival)
        every = await arrivals.open_orders(rows, at.store.id)
        tiles = await tiles_context(rows, at, payment_id)
    likely: tuple[OpenOrder, ...] = ()
    if isinstance(found, Exact):
        likely = (found.order,)
    elif isinstance(found, Near):
        likely = found.orders
    return page(
        request,
        "restaurant/till_arrival.html",
        status_code=refusal.status if refusal else 200,
        **tiles | {"arrival": arrival, "refusal": refusal, "key": new_id("tap")},
        likely=likely,
        others=[order for order in every if order not in likely],
    )


@get("/till/arrivals/{payment_id:str}", guards=[needs(May.TAKE_PAYMENTS)], summary="Money that came by a shop code")
async def show(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], payment_id: FromPath[str]
) -> Response[Any]:
    """One payment of the inbox, with the bills it may belong to."""
    return await _show(request, db, checkout, payment_id)


@post("/till/arrivals/{payment_id:str}/assign", guards=[needs(May.TAKE_PAYMENTS)], summary="Assign it to a bill")
async def assign(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    payment_id: FromPath[str],
) -> Response[Any]:
    """This money was for that bill."""
    form = await request.form()
    sitting_id, kind = str(form.get("bill", "")), str(form.get("kind", KIND))
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        await _arrival(rows, checkout.payments.arrivals, at, payment_id)
    try:
        payment = await checkout.payments.arrivals.assign(payment_id, kind, sitting_id, at.staff.id)
    except (Conflict, NotFound) as refusal:
        return await _show(request, db, checkout, payment_id, refusal)
    await _note(db, clock, at, "assigned_payment", payment, {"bill": sitting_id})
    # What belongs to another room's order is shown by that room's own screens.
    where = path_to(sitting_id) if kind == KIND else f"/till/arrivals/{payment_id}"
    return Redirect(where, status_code=HTTP_303_SEE_OTHER)


@post("/till/arrivals/{payment_id:str}/keep", guards=[needs(May.TAKE_PAYMENTS)], summary="Keep it without a bill")
async def keep(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    payment_id: FromPath[str],
) -> Response[Any]:
    """A sale that no bill stands for, such as something from the counter, or a tip."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        await _arrival(rows, checkout.payments.arrivals, at, payment_id)
    try:
        payment = await checkout.payments.arrivals.keep(payment_id, at.staff.id)
    except Conflict as refusal:
        return await _show(request, db, checkout, payment_id, refusal)
    await _note(db, clock, at, "kept_payment", payment, {})
    return Redirect("/till", status_code=HTTP_303_SEE_OTHER)


@post(
    "/till/arrivals/{payment_id:str}/refund",
    guards=[needs(May.REFUND, May.ASK_REFUNDS)],
    summary="Give it back",
)
async def give_back(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    payment_id: FromPath[str],
) -> Response[Any]:
    """All of it goes back; above the person's own limit it waits for a second one."""
    form = await request.form()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        await _arrival(rows, checkout.payments.arrivals, at, payment_id)
    payment = await checkout.payments.get(payment_id)
    reason = " ".join(str(form.get("reason", "")).split())[:128]
    try:
        if not reason:
            raise Invalid(GIVE_A_REASON)
        await _note(db, clock, at, "asked_refund", payment, {"amount": str(payment.money), "reason": reason})
        key = press_key(form)
        await checkout.give_back(payment, payment.money_refundable, reason, at.staff, key, [])
    except (Invalid, Conflict) as refusal:
        return await _show(request, db, checkout, payment_id, refusal)
    return Redirect(f"/till/arrivals/{payment_id}", status_code=HTTP_303_SEE_OTHER)


async def _note(db: Database, clock: Clock, at: Counter, what: str, payment: Payment, detail: dict[str, str]) -> None:
    async with db.transaction() as tx:
        await audit.note(
            tx, clock, who=at.staff.id, what=what, subject=payment.id, merchant_id=payment.merchant_id, detail=detail
        )


async def _waiting_refund(rows: Rows, at: Counter, refund_id: str) -> Refund:
    for refund in await refunding.waiting(rows, at.store.merchant_id, at.store.id):
        if refund.id == refund_id:
            return refund
    raise NotFound(refunding.ALREADY_DECIDED)


@get("/till/refunds", guards=[needs(May.REFUND, May.ASK_REFUNDS)], summary="Refunds that wait for a second person")
async def waiting_refunds(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout]
) -> Response[Any]:
    """Each refund that waits, with who asked and why; a manager decides here."""
    return await _refunds(request, db, checkout)


async def _refunds(
    request: AnyRequest, db: Database, checkout: Checkout, refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        waiting = await refunding.waiting(rows, at.store.merchant_id, at.store.id)
        names = await model.staff_names(rows, [one.requested_by for one in waiting])
        tiles = await tiles_context(rows, at, "refunds")
    payments = {one.payment_id: await checkout.payments.get(one.payment_id) for one in waiting}
    return page(
        request,
        "restaurant/till_refunds.html",
        status_code=refusal.status if refusal else 200,
        **tiles | {"refusal": refusal, "waiting": waiting, "payments": payments},
        names=names,
    )


@post("/till/refunds/{refund_id:str}/approve", guards=[needs(May.APPROVE_REFUNDS)], summary="Agree to a refund")
async def approve(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    refund_id: FromPath[str],
) -> Response[Any]:
    """Be the second person: the money goes back now."""
    return await _decide(request, db, clock, checkout, refund_id, agreed=True)


@post(
    "/till/refunds/{refund_id:str}/refuse",
    guards=[needs(May.APPROVE_REFUNDS, May.ASK_REFUNDS)],
    summary="Turn a refund down",
)
async def refuse(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    refund_id: FromPath[str],
) -> Response[Any]:
    """It is not given back; who asked may take their wish back this way."""
    return await _decide(request, db, clock, checkout, refund_id, agreed=False)


async def _decide(
    request: AnyRequest, db: Database, clock: Clock, checkout: Checkout, refund_id: str, *, agreed: bool
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        try:
            refund = await _waiting_refund(rows, at, refund_id)
        except NotFound as gone:
            refund, refusal = None, gone
    if refund is None:
        return await _refunds(request, db, checkout, refusal)
    payment = await checkout.payments.get(refund.payment_id)
    try:
        if agreed:
            await checkout.approve_refund(refund, at.staff)
        else:
            await checkout.refuse_refund(refund, at.staff, "")
    except Refused as refused:
        return await _refunds(request, db, checkout, refused)
    what = "approved_refund" if agreed else "refused_refund"
    await _note(db, clock, at, what, payment, {"refund": refund.id, "amount": str(refund.money)})
    return Redirect("/till/refunds", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, assign, keep, give_back, waiting_refunds, approve, refuse])
