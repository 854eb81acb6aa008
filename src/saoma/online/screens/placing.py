"""Placing an order: time, name and phone, the shop's rules, and how it is paid.

What is paid is what was shown. The slot is taken when the payment opens, or when an order without one is promised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import Checkout
from saoma.delivery.model import Delivery
from saoma.delivery.zones import Refusal
from saoma.food.orders import ordering
from saoma.food.orders.ordering import PriceChanged
from saoma.identity.tries import Tries
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.online import benefits, bringing, offers, orders
from saoma.online.bringing import Terms
from saoma.online.model import KIND, Offer, OnlineOrder, Pay, Status
from saoma.online.pace import TooManyOrders, may_order_unpaid
from saoma.online.paying import part_of
from saoma.online.reckoning import (
    AMOUNT_CHANGED,
    MOST_UNPAID,
    NO_SLOT,
    NOTHING_CHOSEN,
    PAID_ALREADY,
    SLIPS,
    SLOT_MOVED,
    SLOT_TAKEN,
    TOO_MANY_UNPAID,
    UNPAID_HOURS,
    may_wait_for_money,
)
from saoma.online.screens.customer import context_of
from saoma.online.visits import AnyRequest, Visit, moment_in, order_path, placed_one, visit
from saoma.payments.of_payable import payment_by_key
from saoma.settings import Settings
from saoma.web.page import language_of, page
from saoma.web.presses import press_key


async def _place(
    request: AnyRequest, db: Database, seen: Visit, now: datetime, refusal: Refused | None, said: dict[str, str]
) -> Response[Any]:
    async with db.reading() as rows:
        known: Delivery | None = await bringing.planned(rows, seen.order) if seen.order else None
    context = context_of(seen) | {
        "refusal": refusal,
        "said": said,
        "key": new_id("tap"),
        "can_pay_here": seen.in_wallet and bool(seen.buyer_id),
        "planned": known,
        "unpaid_hours": UNPAID_HOURS,
        "may_wait": seen.at is not None and may_wait_for_money(seen.at, now),
    }
    return page(request, "online/place.html", status_code=refusal.status if refusal else 200, **context)


@get("/order/{code:str}/place", summary="Check and place the order")
async def show_place(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """What was chosen, for when, under whose name, by which rules."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    if seen.order is not None and seen.order.status is not Status.CHOOSING:
        return Redirect(order_path(seen.offer, seen.order), status_code=HTTP_303_SEE_OTHER)
    if not seen.basket or seen.order is None:
        return Redirect(seen.root, status_code=HTTP_303_SEE_OTHER)
    said = {"name": seen.order.name, "phone": seen.order.phone, "note": seen.order.note}
    terms, why = await _terms(db, seen, clock)
    if terms is Terms.NO_ADDRESS:
        return Redirect(f"{seen.root}/bring", status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    return await _place(request, db, seen, clock.now(), why.raised() if why else None, said)


async def _terms(db: Database, seen: Visit, clock: Clock) -> tuple[Terms, Refusal | None]:
    """Settle where it goes and what that costs, for the way that is meant now."""
    assert seen.order is not None
    async with db.transaction() as tx:
        await benefits.settle(tx, seen.order.id, seen.mode, clock.now(), seen.at, seen.buyer)
        return await bringing.settle(tx, seen.order.id, seen.mode, clock.now())


@post("/order/{code:str}/place", summary="Place the order")
async def place(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    settings: NamedDependency[Settings],
    code: FromPath[str],
) -> Response[Any]:
    """Write everything down; then open the payment, promise the order, or show how to pay it. Repeats are harmless."""
    form = await request.form()
    now = clock.now()
    async with db.reading() as rows:
        seen = await visit(request, rows, code, now)
    said = {name: str(form.get(name, "")).strip() for name in ("name", "phone", "note")}
    if seen.order is None:
        return Redirect(seen.root, status_code=HTTP_303_SEE_OTHER)
    if seen.order.status is not Status.CHOOSING:
        return Redirect(order_path(seen.offer, seen.order), status_code=HTTP_303_SEE_OTHER)
    pay = Pay.LATER if form.get("pay") == "later" else Pay.AHEAD
    terms, why = await _terms(db, seen, clock)
    if terms is Terms.NO_ADDRESS:
        return Redirect(f"{seen.root}/bring", status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        seen = await visit(request, rows, code, now)
    assert seen.order is not None
    try:
        if why is not None:
            raise why.raised()
        if not seen.basket:
            raise Conflict(NOTHING_CHOSEN)
        if str(form.get("shown", "")) != str(seen.account.left.minor):
            raise Conflict(AMOUNT_CHANGED)
        if pay is Pay.LATER and seen.account.left:
            await _may_wait(request, db, clock, settings, seen)
        # Nothing to pay is paid already, whichever button was pressed.
        free = not seen.account.left
        wish = _wish(seen, form.get("slot", ""), said, Pay.AHEAD if free else pay)
        async with db.transaction() as tx:
            order = await orders.write_down(tx, seen.offer, seen.order.id, wish, now)
        if free or pay is Pay.LATER:
            async with db.transaction() as tx:
                order = await orders.promise(tx, order.id, now)
        elif seen.in_wallet and seen.buyer_id:
            key = press_key(form, whose=order.id)
            payment_id = await open_payment(request, db, checkout, seen.offer, order, seen.buyer_id, key)
            placed_one(request, seen.offer, order)
            return Redirect(f"/pay/{payment_id}?go=1", status_code=HTTP_303_SEE_OTHER)
    except (Invalid, Conflict, TooManyOrders) as refusal:
        await new_prices(db, seen.order, refusal, now)
        async with db.reading() as rows:
            seen = await visit(request, rows, code, now)
        return await _place(request, db, seen, now, refusal, said)
    placed_one(request, seen.offer, order)
    return Redirect(order_path(seen.offer, order), status_code=HTTP_303_SEE_OTHER)


async def _may_wait(request: AnyRequest, db: Database, clock: Clock, settings: Settings, seen: Visit) -> None:
    """Say whether this phone may order without paying. Raises `Conflict`, and `TooManyOrders`."""
    async with db.reading() as rows:
        mine = [one for one in seen.placed if one.placed_at is not None]
        unpaid = [one for one in mine if (await orders.account(rows, one)).left]
    if len(unpaid) >= MOST_UNPAID:
        raise Conflict(TOO_MANY_UNPAID)
    await may_order_unpaid(request, Tries(db, clock), seen.buyer, settings.ahead_per_hour)


def _wish(seen: Visit, shown: Any, said: dict[str, str], pay: Pay) -> orders.Wish:
    """What the form means. A soonest time may have slipped a little since it was shown."""
    at = seen.at
    if at is None:
        raise Conflict(NO_SLOT)
    if seen.gone:
        raise Conflict(SLOT_TAKEN)
    before = moment_in(str(shown))
    if seen.slot_at is None and before is not None and at > before + SLIPS:
        raise Conflict(SLOT_MOVED)
    return orders.Wish(
        mode=seen.mode,
        asap=seen.slot_at is None,
        slot_at=at,
        pay=pay,
        name=said["name"],
        phone=said["phone"],
        note=said["note"],
        buyer_id=seen.buyer,
    )


async def open_payment(
    request: AnyRequest, db: Database, checkout: Checkout, offer: Offer, order: OnlineOrder, buyer_id: str, key: str
) -> str:
    """Open the payment of all that is left; the same press opens it once."""
    async with db.reading() as rows:
        earlier = await payment_by_key(rows, KIND, order.id, key)
        left = (await orders.account(rows, order)).left
    if earlier is not None:
        return earlier
    if not left:
        raise Conflict(PAID_ALREADY)
    lang = language_of(request)
    payment = await checkout.pay_in_wallet(
        store_id=offer.store_id,
        buyer_id=buyer_id,
        amount=left,
        subject=f"{offers.shop_name(offer, lang)} · {texts(lang)('Order ahead')}",
        payable_kind=KIND,
        payable_id=order.id,
        part=part_of(order),
        key=key,
    )
    return payment.id


async def new_prices(db: Database, order: OnlineOrder, refusal: Refused, now: datetime) -> None:
    """A price that has changed is put into the basket, so that the next press is about the new one."""
    if isinstance(refusal, PriceChanged):
        async with db.transaction() as tx:
            await ordering.requote(tx, order.tab_id, at=order.slot_at)
            await benefits.settle(tx, order.id, order.mode, now, order.slot_at)


router = Router(path="/", route_handlers=[show_place, place])
