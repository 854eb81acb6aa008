"""An order's own page: how far it is, paying it, calling it off, and saying that one is here.

Whoever has its address may do all of that, as with a letter in the hand; nobody else finds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.alipay.wallet import Wallet, which_wallet
from saoma.checkout.checkout import Checkout
from saoma.delivery.following import follow
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.alike import alike
from saoma.food.orders.discounts import discounts_of
from saoma.identity.wallet_sign_in import authorize_path, buyer_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import total
from saoma.online import benefits, bringing, firing, offers, orders, slipping
from saoma.online.model import KIND, OnlineOrder, Status, stage
from saoma.online.reckoning import AMOUNT_CHANGED, PAY_AHEAD_HERE
from saoma.online.screens.customer import MODE_ICONS, MODE_NAMES, sign_in_first
from saoma.online.screens.placing import new_prices, open_payment
from saoma.online.visits import AnyRequest, order_path
from saoma.payments.of_payable import payments_for
from saoma.payments.payments import Payments
from saoma.settings import Settings
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key


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
        "lines": alike(lines),
        "discounts": taken_off,
        "before": total((line.money for line in lines), order.currency),
        "account": money,
        "stage": stage(order.status, [line.status for line in lines]).value,
        "paid": [each for each in payments if each.status == "succeeded"],
        "kept_until": max((each.give_up_at for each in payments if each.open), default=None),
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
        payment_id = await open_payment(request, db, checkout, offer, order, buyer_id, key)
    except (Invalid, Conflict) as refusal:
        await new_prices(db, order, refusal, clock.now())
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


router = Router(path="/", route_handlers=[order_page, pay_order, cancel, here, let_go])
