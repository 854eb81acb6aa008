"""The counter: dishes as tiles, the order beside them with its total, the numbers that people wait for above.

One field takes whatever the scanner or a keyboard gives: a dish's own code adds the dish, a payment code pays."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.giving_back import RefundDraft, given_back
from saoma.fastfood import board, counter
from saoma.fastfood.forms import channel_in
from saoma.fastfood.model import KIND, Channel, CounterOrder, OrderStatus
from saoma.fastfood.reckoning import may_change, stage
from saoma.food.forms import quantity_in
from saoma.food.menus.menu import menu, offered
from saoma.food.model import Item, LineStatus
from saoma.food.orders import offline, ordering
from saoma.food.orders.discounts import discounts_of
from saoma.food.orders.shares import Account
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.identity.roles import refund_limit
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments import arrivals, refund
from saoma.payments.lifecycle import Status
from saoma.payments.of_payable import payments_for, refunds_for
from saoma.web.page import fragment, moved_to, page, wants_fragment
from saoma.web.presses import press_key

MAY: Final = [needs(May.TAKE_ORDERS)]


def path_to(order: CounterOrder) -> str:
    """Where one order is on the counter."""
    return f"/counter/orders/{order.id}"


async def waiting_context(rows: Rows, at: Counter) -> dict[str, Any]:
    """What stands above the dishes: numbers, open orders, money that came by a printed code."""
    open_orders = await board.open_orders(rows, at.store.id)
    return {
        "at": at,
        "numbers": await board.numbers(rows, at.store.id),
        "open_orders": open_orders,
        "taken_as": await offline.labels_of(rows, [one.id for one in open_orders]),
        "offline_waiting": await offline.count_in_trouble(rows, at.store.id),
        "arrived": await arrivals.waiting_at(rows, at.store.id) if at.takes_payments else [],
        "refunds_waiting": len(await refund.waiting(rows, at.store.merchant_id, at.store.id)) if at.asks_refunds else 0,
        "zone": at.store.zone,
    }


async def order_context(
    rows: Rows, at: Counter, order: CounterOrder | None, channel: Channel, order_key: str
) -> dict[str, Any]:
    """What stands beside the dishes: the order, or an empty one that the first dish begins."""
    lines, payments, struck, discounts = [], [], [], []
    note, back = "", frozenset[str]()
    account = Account((await menu(rows, at.store.id)).currency, 0)
    if order is not None:
        every = await ordering.lines(rows, order.tab_id)
        lines = [line for line in every if line.status is not LineStatus.VOID]
        struck = [line for line in every if line.status is LineStatus.VOID]
        discounts = await discounts_of(rows, order.tab_id)
        account = await counter.account(rows, order, lines)
        payments = await payments_for(rows, KIND, order.id)
        tab = await ordering.tab(rows, order.tab_id)
        channel, note = Channel.TAKEAWAY if tab.to_go else Channel.COUNTER, tab.note
        back = given_back(await refunds_for(rows, KIND, order.id))
    taken = [payment for payment in payments if payment.status is Status.SUCCEEDED]
    return {
        "order": order,
        "order_key": order.key if order else order_key,
        "taken_offline_as": (await offline.labels_of(rows, [order.id])).get(order.id, "") if order else "",
        "channel": channel,
        "note": note,
        "lines": lines,
        "account": account,
        "struck": struck,
        "discounts": discounts,
        "back": back,
        "stage": stage(order.status, [line.status for line in [*lines, *struck]]).value if order else "building",
        "changing": order is None or _changing(order.status, account),
        "taken": taken,
        "too_much": next((one for one in reversed(taken) if one.money_refundable >= account.surplus), None),
        "waiting_for": {one.payment_id for one in await refund.waiting(rows, at.store.merchant_id, at.store.id)},
        "refund_alone": refund_limit(at.staff.roles if at.gives_back else (), account.currency),
        "draft": None,
        "running": [payment for payment in payments if payment.open or payment.status is Status.NEEDS_ATTENTION],
        "key": new_id("tap"),
        "nothing": Money.zero(account.currency),
        "price_of": price_of,
    }


def price_of(change: int, item: Item) -> Money:
    """What an option adds to a dish."""
    return Money(change, item.currency)


def _changing(status: OrderStatus, account: Account) -> bool:
    try:
        may_change(status, account)
    except Conflict:
        return False
    return True


async def show(
    request: AnyRequest,
    db: Database,
    order_id: str = "",
    *,
    block: str = "order",
    refusal: Refused | None = None,
    draft: RefundDraft | None = None,
) -> Response[Any]:
    """The order's side alone for htmx (or another `block`), the whole counter otherwise."""
    form = await request.form() if request.method == "POST" else {}
    channel = channel_in(str(form.get("channel", "")))
    order_key = press_key(form, field="order_key")
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await counter.order_at(rows, at.store.id, order_id) if order_id else None
        context = await order_context(rows, at, order, channel, order_key) | {"refusal": refusal, "draft": draft}
        headers = moved_to(request, path_to(order)) if order is not None else {}
        if wants_fragment(request) and block == "order":
            return fragment(request, "fastfood/counter.html", block, headers=headers, at=at, **context)
        context |= await waiting_context(rows, at) | {
            "menu": await offered(rows, at.store.id, context["channel"].value)
        }
    if wants_fragment(request):
        return fragment(request, "fastfood/counter.html", block, headers=headers, **context)
    return page(request, "fastfood/counter.html", status_code=refusal.status if refusal else 200, **context)


@get("/counter", guards=MAY, summary="The counter")
async def show_counter(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Dishes, and an order that the first one begins."""
    return await show(request, db)


@get("/counter/waiting", guards=MAY, summary="The numbers people wait for")
async def waiting(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The strip above the dishes again, after something changed."""
    async with db.reading() as rows:
        context = await waiting_context(rows, await standing_at(request, rows))
    return fragment(request, "fastfood/counter.html", "waiting", **context)


@get("/counter/orders/{order_id:str}", guards=MAY, summary="One order on the counter")
async def show_order(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """An order in whatever state it is."""
    return await show(request, db, order_id)


@post("/counter/lines", guards=MAY, status_code=200, summary="Choose a dish")
async def add(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Put a dish into the order that this page began; the first one gives it its number."""
    form = await request.form()
    return await add_dish(
        request,
        db,
        clock,
        item_id=str(form.get("item", "")),
        options=[str(option) for name, option in form.multi_items() if name.startswith("option")],
        quantity=quantity_in(str(form.get("quantity", "")), 1),
        note=str(form.get("note", "")).strip(),
    )


async def add_dish(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    *,
    item_id: str,
    options: list[str],
    quantity: int = 1,
    note: str = "",
    block: str = "order",
) -> Response[Any]:
    """Begin the order of the page that sent this form if need be, and put the dish in; both or neither."""
    form = await request.form()
    channel = channel_in(str(form.get("channel", "")))
    order_key = press_key(form, field="order_key")
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            order = await counter.begin(tx, at.store.id, channel, order_key, at.staff.id, clock.now())
            key = press_key(form, whose=at.staff.id, dish=item_id)
            await counter.add(tx, order.id, item_id, options, quantity, note, key, clock.now())
    except (Conflict, Invalid) as refusal:
        return await show(request, db, await order_of_form(request, db), block=block, refusal=refusal)
    return await after(request, db, order, block)


async def order_of_form(request: AnyRequest, db: Database) -> str:
    """The id of the order that this form's page began; empty while no dish has begun it."""
    order_key = str((await request.form()).get("order_key", ""))[:64]
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        found = await rows.value(
            "SELECT id FROM counter_orders WHERE store_id = %(store)s AND key = %(key)s",
            {"store": at.store.id, "key": order_key},
        )
    return str(found or "")


async def after(request: AnyRequest, db: Database, order: CounterOrder, block: str = "order") -> Response[Any]:
    """The order's side (or another block) for htmx, its page for a browser without."""
    if wants_fragment(request):
        return await show(request, db, order.id, block=block)
    return Redirect(path_to(order), status_code=HTTP_303_SEE_OTHER)


async def _here(request: AnyRequest, rows: Rows, order_id: str) -> tuple[Counter, CounterOrder]:
    at = await standing_at(request, rows)
    return at, await counter.order_at(rows, at.store.id, order_id)


@post("/counter/orders/{order_id:str}/lines/{line_id:str}", guards=MAY, status_code=200, summary="Change a dish")
async def change(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    order_id: FromPath[str],
    line_id: FromPath[str],
) -> Response[Any]:
    """How many of a dish; 0 takes it out."""
    quantity = quantity_in(str((await request.form()).get("quantity", "")), 0)
    async with db.reading() as rows:
        _, order = await _here(request, rows, order_id)
    try:
        async with db.transaction() as tx:
            await counter.change(tx, order.id, line_id, quantity, clock.now())
    except Conflict as refusal:
        return await show(request, db, order.id, refusal=refusal)
    return await after(request, db, order)


@post("/counter/orders/{order_id:str}/channel", guards=MAY, status_code=200, summary="Eat here or take away")
async def set_channel(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Where it is eaten; the kitchen packs it accordingly."""
    channel = channel_in(str((await request.form()).get("channel", "")))
    async with db.reading() as rows:
        _, order = await _here(request, rows, order_id)
    try:
        async with db.transaction() as tx:
            await counter.set_channel(tx, order.id, channel, clock.now())
    except Conflict as refusal:
        return await show(request, db, order.id, refusal=refusal)
    return await after(request, db, order)


@post("/counter/orders/{order_id:str}/note", guards=MAY, status_code=200, summary="A note for the kitchen")
async def set_note(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """What the kitchen should know of the whole order."""
    note = str((await request.form()).get("order_note", ""))
    async with db.reading() as rows:
        _, order = await _here(request, rows, order_id)
    try:
        async with db.transaction() as tx:
            await counter.set_note(tx, order.id, note, clock.now())
    except (Conflict, Invalid) as refusal:
        return await show(request, db, order.id, refusal=refusal)
    return await after(request, db, order)


@post("/counter/orders/{order_id:str}/cancel", guards=MAY, summary="Give an order up")
async def cancel(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """The customer went away before paying."""
    async with db.transaction() as tx:
        at, order = await _here(request, tx, order_id)
        await counter.cancel(tx, order.id, clock.now())
        await audit.note(
            tx, clock, who=at.staff.id, what="cancelled_order", subject=order.id, merchant_id=at.store.merchant_id
        )
    return Redirect("/counter", status_code=HTTP_303_SEE_OTHER)


@post("/counter/orders/{order_id:str}/ready", guards=MAY, status_code=200, summary="It stands on the counter")
async def ready(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """Call the number: for counters without a screen in the kitchen."""
    async with db.transaction() as tx:
        _, order = await _here(request, tx, order_id)
        await counter.make_ready(tx, order.id)
    return await _waiting_again(request, db)


@post("/counter/orders/{order_id:str}/collected", guards=MAY, status_code=200, summary="The customer has it")
async def collected(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """Handed over: the number leaves the board."""
    async with db.transaction() as tx:
        _, order = await _here(request, tx, order_id)
        await counter.collect(tx, order.id)
    return await _waiting_again(request, db)


async def _waiting_again(request: AnyRequest, db: Database) -> Response[Any]:
    if not wants_fragment(request):
        return Redirect("/counter", status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        context = await waiting_context(rows, await standing_at(request, rows))
    return fragment(request, "fastfood/counter.html", "waiting", **context)


router = Router(
    path="/",
    route_handlers=[
        show_counter,
        waiting,
        show_order,
        add,
        change,
        set_channel,
        set_note,
        cancel,
        ready,
        collected,
    ],
)
