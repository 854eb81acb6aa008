"""Paying at a kiosk: a code on its screen, the customer's own code held to its scanner, or at the counter.

Whatever is pressed twice, or again after a browser was killed, comes to the one payment of the order; the screen shows
what the payment core knows, and the number to wait for only once the money is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.checkout.checkout import Checkout
from saoma.checkout.panel import customer_sentence
from saoma.checkout.printing import printer_of
from saoma.checkout.receipt import receipt_path
from saoma.checkout.receipt_printing import print_once
from saoma.checkout.showing import till_shows
from saoma.fastfood import counter
from saoma.fastfood.kiosks import Kiosk, kiosk_of, order_of
from saoma.fastfood.model import KIND, CounterOrder
from saoma.fastfood.screens.kiosk import MAY, go, order_context, path_to, show_basket, start_path, where_it_is
from saoma.fastfood.wishes import Wish, wish_of
from saoma.food.orders import ordering
from saoma.identity.counters import AnyRequest
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.seal import Seal
from saoma.payments.model import Payment
from saoma.payments.of_payable import payment_by_key, payment_of, payments_for
from saoma.settings import Settings
from saoma.web.page import fragment, language_of, page, wants_fragment
from saoma.web.presses import press_key


@get("/kiosk/orders/{order_id:str}/pay", guards=MAY, summary="How to pay at a kiosk")
async def ways(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """The ways to pay; a payment code held to the scanner here pays at once."""
    return await _show_ways(request, db, order_id)


async def _show_ways(request: AnyRequest, db: Database, order_id: str, refusal: Refused | None = None) -> Response[Any]:
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        if moved := where_it_is(order):
            return go(moved)
        context = await order_context(rows, kiosk, order)
    if not context["account"].left:
        return go(f"{path_to(order)}/basket")
    status = refusal.status if refusal else 200
    return page(request, "fastfood/kiosk_pay.html", status_code=status, refusal=refusal, **context)


@post("/kiosk/orders/{order_id:str}/code", guards=MAY, summary="Show a code on a kiosk")
async def show_code(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], order_id: FromPath[str]
) -> Response[Any]:
    """Place an order at Alipay and show its code for the customer to scan."""

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_order_code(**wish.of_order())

    return await _taken(request, db, order_id, take)


@post("/kiosk/orders/{order_id:str}/scan", guards=MAY, summary="A code held to a kiosk's scanner")
async def scan(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], order_id: FromPath[str]
) -> Response[Any]:
    """Charge the code on the customer's phone, as the published fast-food path says: 5 s, 60 s, cancel."""
    scanned = str((await request.form()).get("payment_code", ""))[:256]

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_barcode(**wish.of_order(), payment_code=scanned, policy="fast_food")

    return await _taken(request, db, order_id, take)


async def _taken(
    request: AnyRequest, db: Database, order_id: str, take: Callable[[Wish], Awaitable[Payment]]
) -> Response[Any]:
    """Take all that is left and go to the payment's screen; an order that is being paid already goes there too."""
    form = await request.form()
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        earlier = await payment_by_key(rows, KIND, order_id, press_key(form, whose=kiosk.at.staff.id))
    if earlier is not None or where_it_is(order):
        return go(where_it_is(order) or f"{path_to(order)}/payment")
    try:
        async with db.reading() as rows:
            wish = await wish_of(rows, kiosk.at, order, form, language_of(request), kiosk.terminal_id)
        await take(wish)
    except ordering.PriceChanged as refusal:
        async with db.transaction() as tx:
            await ordering.requote(tx, order.tab_id)
        return await show_basket(request, db, order_id, refusal)
    except ordering.SoldOut as refusal:
        return await show_basket(request, db, order_id, refusal)
    except (Invalid, Conflict) as refusal:
        return await _show_ways(request, db, order_id, refusal)
    return go(f"{path_to(order)}/payment")


async def _last_payment(rows: Rows, order: CounterOrder) -> Payment | None:
    """The payment that the screen is about: one that took or may take money before one that ended without any."""
    every = await payments_for(rows, KIND, order.id)
    moving = [one for one in every if one.open or one.paid_at is not None or till_shows(one.status) == "call_manager"]
    return next(iter(reversed(moving or every)), None)


@get("/kiosk/orders/{order_id:str}/payment", guards=MAY, summary="The payment on a kiosk")
async def payment_screen(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    order_id: FromPath[str],
) -> Response[Any]:
    """Waiting, paid with the number to wait for, not paid; its moving part alone for htmx."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        payment = await _last_payment(rows, order)
        context = await order_context(rows, kiosk, order)
        if payment is None:
            if order.fired_at is None:
                return go(path_to(order))
            # Discounts paid for all of it.
            return page(request, "fastfood/kiosk_at_counter.html", free=True, start=start_path(request), **context)
        prints = await printer_of(rows, kiosk.store.id, kiosk.terminal_id) is not None
    gateway = checkout.payments.gateways.get(payment.account_id)
    shows = till_shows(payment.status).value
    paid = shows == "paid" and order.fired_at is not None
    context |= {
        "payment": payment,
        "shows": "paid" if paid else "call_manager" if shows == "paid" else shows,
        "saying": customer_sentence(payment, gateway, language_of(request)),
        "receipt": _receipt_address(seal, settings, payment) if paid else "",
        "prints": prints,
        "start": start_path(request),
        "patience": max(1, round((payment.give_up_at - payment.created_at).total_seconds())),
    }
    headers = {"Cache-Control": "no-store"}
    if wants_fragment(request):
        return fragment(request, "fastfood/kiosk_payment.html", "state", headers=headers, **context)
    return page(request, "fastfood/kiosk_payment.html", headers=headers, **context)


def _receipt_address(seal: Seal, settings: Settings, payment: Payment) -> str:
    return settings.public_url.rstrip("/") + receipt_path(seal, payment.id)


async def _payment_here(rows: Rows, kiosk: Kiosk, order_id: str, payment_id: str) -> Payment:
    order = await order_of(rows, kiosk, order_id)
    return await payment_of(rows, KIND, order.id, payment_id)


@post("/kiosk/orders/{order_id:str}/payments/{payment_id:str}/stop", guards=MAY, summary="Stop paying at a kiosk")
async def stop(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    order_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The customer thought better of it, or has gone: the payment is undone; one that was paid meanwhile stays paid."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        payment = await _payment_here(rows, kiosk, order_id, payment_id)
    if payment.open:
        await checkout.payments.give_up(payment.id, kiosk.by)
    return go(f"/kiosk/orders/{order_id}/payment")


@post(
    "/kiosk/orders/{order_id:str}/payments/{payment_id:str}/print",
    guards=MAY,
    status_code=200,
    summary="Print the receipt at a kiosk",
)
async def print_receipt(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    order_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The original comes out once, by itself; a printer out of reach is a sentence, the code on the screen stays."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        payment = await _payment_here(rows, kiosk, order_id, payment_id)
    came_out = await print_once(
        checkout,
        payment,
        kiosk.terminal_id,
        language_of(request),
        kiosk.by,
        share=_receipt_address(seal, settings, payment),
        loopback=settings.loopback_printers,
    )
    return fragment(request, "fastfood/kiosk_payment.html", "printed", came_out=came_out)


@post("/kiosk/orders/{order_id:str}/at-counter", guards=MAY, summary="Pay at the counter instead")
async def leave(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """The order appears at the counter under its number; nothing is cooked before it is paid there."""
    async with db.reading() as rows:
        order = await order_of(rows, kiosk_of(request), order_id)
    try:
        async with db.transaction() as tx:
            await counter.leave_for_counter(tx, order.id, clock.now())
    except ordering.PriceChanged as refusal:
        async with db.transaction() as tx:
            await ordering.requote(tx, order.tab_id)
        return await show_basket(request, db, order_id, refusal)
    except Conflict as refusal:
        return await show_basket(request, db, order_id, refusal)
    return go(f"{path_to(order)}/at-counter")


@get("/kiosk/orders/{order_id:str}/at-counter", guards=MAY, summary="The number to say at the counter")
async def at_counter(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """Large enough to remember, with what it costs."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        context = await order_context(rows, kiosk, order)
    if order.left_for_counter_at is None:
        return go(where_it_is(order) or path_to(order))
    return page(request, "fastfood/kiosk_at_counter.html", free=False, start=start_path(request), **context)


router = Router(
    path="/", route_handlers=[ways, show_code, scan, payment_screen, stop, print_receipt, leave, at_counter]
)
