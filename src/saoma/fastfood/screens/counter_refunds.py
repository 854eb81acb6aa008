"""Today's orders at the counter, found again, and their money given back: whole, by dish, or an amount, with a reason.

What is above a person's own limit waits for a second one. The kitchen is told to stop when that is ticked and decided;
dishes that were handed over stay as they are."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.checkout import giving_back
from saoma.checkout.checkout import Checkout
from saoma.fastfood import counter
from saoma.fastfood.finding import find
from saoma.fastfood.model import KIND
from saoma.fastfood.screens.counter import after, show, waiting_context
from saoma.fastfood.stopping import stop
from saoma.food.menus.menu import menu
from saoma.food.orders import ordering
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid
from saoma.payments.lifecycle import RefundStatus
from saoma.payments.of_payable import payment_of
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key


@get("/counter/today", guards=[needs(May.SEE_PAYMENTS)], summary="Today's orders")
async def today(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """What was sold since midnight, found by number, amount, or what stands on the receipt."""
    wanted = request.query_params.get("q", "")
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        day = clock.now().astimezone(ZoneInfo(at.store.zone)).date().isoformat()
        currency = (await menu(rows, at.store.id)).currency
        found = await find(rows, at.store.id, day, currency, wanted)
        waiting = await waiting_context(rows, at)
    context = waiting | {"found": found, "wanted": wanted}
    if wants_fragment(request):
        return fragment(request, "fastfood/counter_today.html", "found", **context)
    return page(request, "fastfood/counter_today.html", **context)


@post(
    "/counter/orders/{order_id:str}/payments/{payment_id:str}/refund",
    guards=[needs(May.REFUND, May.ASK_REFUNDS)],
    status_code=200,
    summary="Give money of an order back",
)
async def refund(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    order_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Give back, or ask for it; once it is decided, tell the kitchen what it need not make. A repeat does both once."""
    form = await request.form()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await counter.order_at(rows, at.store.id, order_id)
        payment = await payment_of(rows, KIND, order.id, payment_id)
        every = [line for line in await ordering.lines(rows, order.tab_id) if line.round is not None]
        device = await terminal_at(request, rows, at.store.id)
    draft = giving_back.draft_of(form, payment.id)
    chosen = [(line.id, line.due) for line in every if line.id in draft.lines]
    key = press_key(form)
    try:
        asked = await giving_back.ask(checkout, at.staff, payment, draft, chosen, key, device)
    except (Invalid, Conflict) as refusal:
        return await show(request, db, order.id, refusal=refusal, draft=draft)
    whole = not chosen and asked.money == payment.money
    stopped = [line for line, _ in chosen] if chosen else [line.id for line in every] if whole else []
    if draft.stop and stopped and asked.status is not RefundStatus.FAILED:
        async with db.transaction() as tx:
            locked = await checkout.payments.hall.lock(tx, payment.id)
            await stop(tx, clock, locked, asked.id, stopped, at.staff.id, draft.reason)
    return await after(request, db, order)


router = Router(path="/", route_handlers=[today, refund])
