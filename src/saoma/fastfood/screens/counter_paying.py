"""Taking the money of a counter order: the scanned code, a code to scan, cash, card, account; and the pane meanwhile.

What is taken is all that is left, and only if that is what the screen showed. The pane says when nothing may be handed
over: until Alipay has answered, for a minute at most (policy `fast_food`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.checkout import drawer
from saoma.checkout.by_hand import by_hand
from saoma.checkout.checkout import Checkout
from saoma.checkout.panes import pane_of
from saoma.fastfood import counter
from saoma.fastfood.model import KIND
from saoma.fastfood.reckoning import NOTHING_CHOSEN
from saoma.fastfood.screens.counter import (
    add_dish,
    order_of_form,
    path_to,
    show,
    waiting_context,
)
from saoma.fastfood.wishes import Wish, wish_of
from saoma.food.menus.menu import menu
from saoma.food.model import Item
from saoma.food.orders import ordering
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid
from saoma.payments.model import Payment
from saoma.payments.of_payable import payment_by_key, payment_of
from saoma.settings import Settings
from saoma.web.page import fragment, language_of, moved_to, page, wants_fragment
from saoma.web.presses import press_key

_MAY = [needs(May.TAKE_PAYMENTS)]


@post("/counter/scan", guards=_MAY, status_code=200, summary="A scan at the counter")
async def scan(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
) -> Response[Any]:
    """A dish's code adds the dish; a payment code charges the order. A repeated submit shows the same payment."""
    form = await request.form()
    scanned = str(form.get("payment_code", ""))[:256]
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        item = _dish_of((await menu(rows, at.store.id)).visible().sections, scanned)
    if item is not None:
        return await add_dish(request, db, clock, item_id=item.id, options=[], block="whole")
    order_id = await order_of_form(request, db)
    if not order_id:
        return await show(request, db, block="whole", refusal=Conflict(NOTHING_CHOSEN))

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_barcode(**wish.of_order(), payment_code=scanned, policy="fast_food")

    return await taken(request, db, checkout, order_id, take)


def _dish_of(sections: Any, scanned: str) -> Item | None:
    wanted = scanned.strip().casefold()
    every = (item for section in sections for item in section.items)
    return next((item for item in every if wanted and item.code.casefold() == wanted), None)


@post("/counter/orders/{order_id:str}/code", guards=_MAY, status_code=200, summary="Show a code")
async def show_code(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], order_id: FromPath[str]
) -> Response[Any]:
    """Place an order at Alipay and show its code, here and on the customers' screen."""

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_order_code(**wish.of_order())

    return await taken(request, db, checkout, order_id, take)


@post("/counter/orders/{order_id:str}/taken", guards=_MAY, status_code=200, summary="Write down cash, card, account")
async def write_down(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    settings: NamedDependency[Settings],
    order_id: FromPath[str],
) -> Response[Any]:
    """Record money that staff have taken; cash opens the drawer. A repeated submit records it once."""
    form = await request.form()
    now: list[Payment] = []

    async def take(wish: Wish) -> Payment:
        now.append(await checkout.take_by_staff(**wish.of_order(), **by_hand(form, wish.amount.currency)))
        return now[-1]

    answer = await taken(request, db, checkout, order_id, take)
    return await drawer.and_open(answer, db, now, loopback=settings.loopback_printers)


async def taken(
    request: AnyRequest,
    db: Database,
    checkout: Checkout,
    order_id: str,
    take: Callable[[Wish], Awaitable[Payment]],
) -> Response[Any]:
    """Take what the form says by `take` and show the payment; a refusal shows the order again with its sentence.

    A repeated submit shows the same payment."""
    form = await request.form()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await counter.order_at(rows, at.store.id, order_id)
        earlier = await payment_by_key(rows, KIND, order_id, press_key(form, whose=at.staff.id))
    if earlier is not None:
        return await show_payment(request, db, checkout, order_id, earlier)
    try:
        async with db.reading() as rows:
            terminal_id = await terminal_at(request, rows, at.store.id)
            wish = await wish_of(rows, at, order, form, language_of(request), terminal_id)
        payment = await take(wish)
    except ordering.PriceChanged as refusal:
        async with db.transaction() as tx:
            await ordering.requote(tx, order.tab_id)
        return await show(request, db, order_id, block="whole", refusal=refusal)
    except (Invalid, Conflict) as refusal:
        return await show(request, db, order_id, block="whole", refusal=refusal)
    return await show_payment(request, db, checkout, order_id, payment.id)


async def show_payment(
    request: AnyRequest, db: Database, checkout: Checkout, order_id: str, payment_id: str
) -> Response[Any]:
    """The pane of one payment of this order; when it is paid, its number in large letters."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await counter.order_at(rows, at.store.id, order_id)
        payment = await payment_of(rows, KIND, order.id, payment_id)
        waiting = await waiting_context(rows, at)
    where = f"{path_to(order)}/payments/{payment.id}"
    context: dict[str, Any] = {
        **waiting,
        **await pane_of(request, checkout, payment, "kitchen"),
        "order": order,
        # What is paid is done with: the next customer begins. What is not goes back to the order.
        "done": f"{path_to(order)}/next",
    }
    if wants_fragment(request):
        headers = moved_to(request, where)
        return fragment(request, "fastfood/counter_payment.html", "whole", headers=headers, **context)
    return page(request, "fastfood/counter_payment.html", **context)


@get("/counter/orders/{order_id:str}/payments/{payment_id:str}", guards=_MAY, summary="One payment at the counter")
async def payment_pane(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    order_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The pane of a payment: waiting, paid, failed."""
    return await show_payment(request, db, checkout, order_id, payment_id)


@get("/counter/orders/{order_id:str}/next", guards=_MAY, summary="What comes after a payment")
async def next_one(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """A new order after a paid one; the same order again after one that is not."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await counter.order_at(rows, at.store.id, order_id)
    return Redirect("/counter" if order.fired_at is not None else path_to(order))


router = Router(path="/", route_handlers=[scan, show_code, write_down, payment_pane, next_one])
