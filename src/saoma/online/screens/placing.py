"""Placing an order: time, name and phone, the shop's rules, and how it is paid; then the order's own page.

What is paid is what was shown. The slot is taken when the payment opens, or when an order without one is promised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.alipay.wallet import Wallet, which_wallet
from saoma.checkout.checkout import Checkout
from saoma.delivery.following import follow
from saoma.delivery.model import Delivery
from saoma.delivery.zones import Refusal
from saoma.food import ordering
from saoma.food.discounts import discounts_of
from saoma.food.model import LineStatus
from saoma.food.ordering import PriceChanged
from saoma.identity.wallet_sign_in import authorize_path, buyer_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.kit.money import total
from saoma.online import benefits, bringing, firing, offers, orders, slipping
from saoma.online.bringing import Terms
from saoma.online.model import KIND, Offer, OnlineOrder, Pay, Status, stage
from saoma.online.paying import part_of
from saoma.online.reckoning import (
    AMOUNT_CHANGED,
    NO_SLOT,
    NOTHING_CHOSEN,
    PAID_ALREADY,
    PAY_AHEAD_HERE,
    SLIPS,
    SLOT_MOVED,
    SLOT_TAKEN,
)
from saoma.online.screens.customer import MODE_ICONS, MODE_NAMES, context_of, sign_in_first
from saoma.online.visits import AnyRequest, Visit, moment_in, order_path, placed_one, visit
from saoma.payments.of_payable import payment_by_key, payments_for
from saoma.payments.payments import Payments
from saoma.settings import Settings
from saoma.web.page import fragment, language_of, page, wants_fragment
from saoma.web.presses import press_key


async def _place(
    request: AnyRequest, db: Database, seen: Visit, refusal: Refused | None, said: dict[str, str]
) -> Response[Any]:
    async with db.reading() as rows:
        known: Delivery | None = await bringing.planned(rows, seen.order) if seen.order else None
    context = context_of(seen) | {
        "refusal": refusal,
        "said": said,
        "key": new_id("tap"),
        "can_pay_here": seen.in_wallet and bool(seen.buyer_id),
        "planned": known,
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
    return await _place(request, db, seen, why.raised() if why else None, said)


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
            payment_id = await _open(request, db, checkout, seen.offer, order, seen.buyer_id, key)
            placed_one(request, seen.offer, order)
            return Redirect(f"/pay/{payment_id}?go=1", status_code=HTTP_303_SEE_OTHER)
    except (Invalid, Conflict) as refusal:
        await _new_prices(db, seen.order, refusal, now)
        async with db.reading() as rows:
            seen = await visit(request, rows, code, now)
        return await _place(request, db, seen, refusal, said)
    placed_one(request, seen.offer, order)
    return Redirect(order_path(seen.offer, order), status_code=HTTP_303_SEE_OTHER)


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


async def _open(
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


async def _new_prices(db: Database, order: OnlineOrder, refusal: Refused, now: datetime) -> None:
    """A price that has changed is put into the basket, so that the next press is about the new one."""
    if isinstance(refusal, PriceChanged):
        async with db.transaction() as tx:
            await ordering.requote(tx, order.tab_id, at=order.slot_at)
            await benefits.settle(tx, order.id, order.mode, now, order.slot_at)


async def show_order(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    settings: Settings,
    code: str,
    token: str,
    refusal: Refused | None = None,
) -> Response[Any]:
    """The order's page, or its moving part."""
    async with db.reading() as rows:
        offer = await offers.offer_of_code(rows, code)
        order = await orders.order_of_token(rows, offer.store_id, token)
        lines = [line for line in await ordering.lines(rows, order.tab_id) if line.status is not LineStatus.VOID]
        money = await orders.account(rows, order, lines)
        taken_off = await discounts_of(rows, order.tab_id)
        payments = await payments_for(rows, KIND, order.id)
        followed = await follow(rows, KIND, order.id, clock.now())
        # Heard from the beginning: a page that is open when the courier is sent must not have to be loaded again.
        known = await bringing.planned(rows, order)
    in_wallet = which_wallet(request.headers.get("user-agent", "")) is Wallet.ALIPAY
    buyer_id = buyer_in(request.session, offer.account_id)
    back = order_path(offer, order)
    first = sign_in_first(request, clock, offer, in_wallet=in_wallet, buyer_id=buyer_id, back=back)
    if first is not None and request.method == "GET" and not wants_fragment(request):
        return first
    context: dict[str, Any] = {
        "offer": offer,
        "order": order,
        "root": f"/order/{offer.code}",
        "mine": back,
        "lines": lines,
        "discounts": taken_off,
        "before": total((line.money for line in lines), order.currency),
        "account": money,
        "stage": stage(order.status, [line.status for line in lines]).value,
        "paid": [each for each in payments if each.status == "succeeded"],
        "running": [each for each in payments if each.open and each.buyer_id == buyer_id],
        "attention": any(each.status == "needs_attention" for each in payments),
        "can_pay_here": in_wallet and bool(buyer_id),
        "in_wallet": in_wallet,
        "address": settings.public_url.rstrip("/") + back,
        "authorize": authorize_path(back, offer.account_id),
        "zone": offer.zone,
        "now": clock.now(),
        "key": new_id("tap"),
        "refusal": refusal,
        "mode_names": MODE_NAMES,
        "mode_icons": MODE_ICONS,
        "followed": followed,
        "topics": [
            *(f"ahead:{order.id}", f"tab:{order.tab_id}"),
            *([f"delivery:{known.id}"] if known else []),
        ],
    }
    headers = {"Cache-Control": "no-store"}
    if wants_fragment(request):
        return fragment(request, "online/placed.html", "state", headers=headers, **context)
    status = refusal.status if refusal else 200
    return page(request, "online/placed.html", status_code=status, headers=headers, **context)


@get("/order/{code:str}/o/{token:str}", summary="One order")
async def order_page(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    code: FromPath[str],
    token: FromPath[str],
) -> Response[Any]:
    """How far it is, its number, its receipt, and what the customer may still do."""
    return await show_order(request, db, clock, settings, code, token)


@post("/order/{code:str}/o/{token:str}/pay", summary="Pay an order in the wallet")
async def pay_order(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    settings: NamedDependency[Settings],
    code: FromPath[str],
    token: FromPath[str],
) -> Response[Any]:
    """Open the payment of all that is left. Pressing twice opens one."""
    form = await request.form()
    async with db.reading() as rows:
        offer = await offers.offer_of_code(rows, code)
        order = await orders.order_of_token(rows, offer.store_id, token)
    buyer_id = buyer_in(request.session, offer.account_id)
    if not buyer_id or which_wallet(request.headers.get("user-agent", "")) is not Wallet.ALIPAY:
        raise NotAllowed(PAY_AHEAD_HERE)
    key = press_key(form, whose=order.id)
    try:
        async with db.transaction() as tx:
            order = await slipping.renewed(tx, order.id, clock.now())
            await benefits.settle(tx, order.id, order.mode, clock.now(), order.slot_at, buyer_id)
            left = (await orders.account(tx, order)).left
        if str(form.get("shown", "")) != str(left.minor):
            raise Conflict(AMOUNT_CHANGED)
        if not left and order.status is Status.CHOOSING:
            async with db.transaction() as tx:
                await orders.promise(tx, order.id, clock.now())
            return Redirect(order_path(offer, order), status_code=HTTP_303_SEE_OTHER)
        payment_id = await _open(request, db, checkout, offer, order, buyer_id, key)
    except (Invalid, Conflict) as refusal:
        await _new_prices(db, order, refusal, clock.now())
        async with db.transaction() as tx:
            await slipping.slipped(tx, order.id, clock.now())
        return await show_order(request, db, clock, settings, code, token, refusal)
    return Redirect(f"/pay/{payment_id}?go=1", status_code=HTTP_303_SEE_OTHER)


async def _move(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    settings: Settings,
    code: str,
    token: str,
    work: Callable[[OnlineOrder], Awaitable[None]],
) -> Response[Any]:
    async with db.reading() as rows:
        offer = await offers.offer_of_code(rows, code)
        order = await orders.order_of_token(rows, offer.store_id, token)
    try:
        await work(order)
    except Conflict as refusal:
        return await show_order(request, db, clock, settings, code, token, refusal)
    if wants_fragment(request):
        return await show_order(request, db, clock, settings, code, token)
    return Redirect(order_path(offer, order), status_code=HTTP_303_SEE_OTHER)


@post("/order/{code:str}/o/{token:str}/cancel", status_code=200, summary="Cancel an order")
async def cancel(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    settings: NamedDependency[Settings],
    code: FromPath[str],
    token: FromPath[str],
) -> Response[Any]:
    """Call it off before the kitchen begins; what was paid goes back in full."""

    async def work(order: OnlineOrder) -> None:
        async with db.transaction() as tx:
            after = await orders.call_off(tx, order.id, "customer", clock.now())
        if after.giving_back:
            await firing.give_back(db, payments, after)

    return await _move(request, db, clock, settings, code, token, work)


@post("/order/{code:str}/o/{token:str}/here", status_code=200, summary="The customer is here")
async def here(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    code: FromPath[str],
    token: FromPath[str],
) -> Response[Any]:
    """Tell the staff, and keep the food for as long as it takes."""

    async def work(order: OnlineOrder) -> None:
        async with db.transaction() as tx:
            await orders.arrive(tx, order.id, clock.now())

    return await _move(request, db, clock, settings, code, token, work)


@post("/order/{code:str}/o/{token:str}/let-go", status_code=200, summary="Give up one's own open payment")
async def let_go(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    settings: NamedDependency[Settings],
    code: FromPath[str],
    token: FromPath[str],
) -> Response[Any]:
    """End a payment that is still open, so that the order can be changed or paid otherwise."""

    async def work(order: OnlineOrder) -> None:
        async with db.reading() as rows:
            open_ones = [each for each in await payments_for(rows, KIND, order.id) if each.open]
        for payment in open_ones:
            await payments.give_up(payment.id, by="customer")

    return await _move(request, db, clock, settings, code, token, work)


router = Router(path="/", route_handlers=[show_place, place, order_page, pay_order, cancel, here, let_go])
