"""The staff's list of orders made ahead: by time, with what is to be done about each, and taking the money at pickup.

What is taken is all that is left, and only if that is what the screen showed. Whatever is about money is audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout import drawer
from saoma.checkout.by_hand import by_hand
from saoma.checkout.checkout import Checkout
from saoma.checkout.panes import pane_of
from saoma.food.model import Line, LineStatus, called
from saoma.food.orders import ordering
from saoma.food.orders.shares import Account
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotAllowed, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.online import firing, offers, orders
from saoma.online.model import COLUMNS, KIND, OnlineOrder, Status, stage
from saoma.online.paying import part_of
from saoma.online.reckoning import AMOUNT_CHANGED, BEING_PAID, NOT_YET_MADE, ORDER_OVER, PAID_ALREADY, may_give_back
from saoma.online.screens.customer import MODE_ICONS, MODE_NAMES
from saoma.payments.model import Payment
from saoma.payments.of_payable import payment_by_key, payment_of
from saoma.payments.payments import Payments
from saoma.settings import Settings
from saoma.web.page import fragment, language_of, moved_to, page, wants_fragment
from saoma.web.presses import press_key

_MAY: Final = [needs(May.TAKE_ORDERS)]
_MAY_TAKE: Final = [needs(May.TAKE_PAYMENTS)]
#: What has ended stays on the list for so long.
_LINGERS: Final = timedelta(hours=12)
_LIST: Final = f"""
SELECT {COLUMNS} FROM online_orders WHERE store_id = %(store)s
    AND ((status IN ('paying', 'promised', 'fired')) OR (trouble <> '' AND status = 'choosing')
         OR (status IN ('collected', 'no_show') AND ended_at > %(since)s)
         OR (status = 'cancelled' AND placed_at IS NOT NULL AND ended_at > %(since)s))
ORDER BY slot_at, number
"""  # noqa: S608


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One order on the list: with its dishes, its money and what it is called now."""

    order: OnlineOrder
    lines: list[Line]
    account: Account
    stage: str


async def cards(rows: Rows, store_id: str, clock: Clock) -> list[Card]:
    """The orders that staff still care about, by time."""
    found = await rows.rows(OnlineOrder, _LIST, {"store": store_id, "since": clock.now() - _LINGERS})
    made = []
    for order in found:
        lines = [line for line in await ordering.lines(rows, order.tab_id) if line.status is not LineStatus.VOID]
        account = await orders.account(rows, order, lines)
        named = stage(order.status, [line.status for line in lines]).value
        made.append(Card(order=order, lines=lines, account=account, stage=named))
    return made


async def _context(rows: Rows, at: Counter, clock: Clock) -> dict[str, Any]:
    every = await cards(rows, at.store.id, clock)
    today = clock.now().astimezone(ZoneInfo(at.store.zone)).date()
    offer = await offers.offer_if_any(rows, at.store.id)
    return {
        "at": at,
        "offer": offer,
        "open_cards": [card for card in every if not card.order.over],
        "over_cards": [card for card in reversed(every) if card.order.over],
        "today": today,
        "now": clock.now(),
        "zone": at.store.zone,
        "key": new_id("tap"),
        "mode_names": MODE_NAMES,
        "mode_icons": MODE_ICONS,
        "may_refund": at.gives_back,
    }


async def show(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> Response[Any]:
    """The list, or its moving part for htmx."""
    async with db.reading() as rows:
        context = await _context(rows, await standing_at(request, rows), clock) | {"refusal": refusal}
    if wants_fragment(request):
        return fragment(request, "online/inbox.html", "list", **context)
    return page(request, "online/inbox.html", status_code=refusal.status if refusal else 200, **context)


@get("/online", guards=_MAY, summary="Orders made ahead")
async def inbox(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Every order that is promised or being made, by time."""
    return await show(request, db, clock)


async def _do(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    order_id: str,
    what: str,
    work: Callable[[Transaction, Counter, OnlineOrder], Awaitable[OnlineOrder]],
) -> OnlineOrder | Response[Any]:
    """Do one thing to one order of this store and note who did it; a refusal is shown on the list."""
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            order = await orders.order_at(tx, at.store.id, order_id)
            after = await work(tx, at, order)
            await audit.note(tx, clock, who=at.staff.id, what=what, subject=order.id, merchant_id=at.store.merchant_id)
    except (Conflict, Invalid, NotAllowed) as refusal:
        return await show(request, db, clock, refusal)
    return after


async def _shown(request: AnyRequest, db: Database, clock: Clock, done: OnlineOrder | Response[Any]) -> Response[Any]:
    if isinstance(done, Response):
        return done
    if wants_fragment(request):
        return await show(request, db, clock)
    return Redirect("/online", status_code=HTTP_303_SEE_OTHER)


@post("/online/{order_id:str}/arrived", guards=_MAY, status_code=200, summary="The customer is here")
async def arrived(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """The food waits as long as it takes; who eats here is seated at the table that is named."""
    table = str((await request.form()).get("table", ""))

    async def work(tx: Transaction, _: Counter, order: OnlineOrder) -> OnlineOrder:
        return await orders.arrive(tx, order.id, clock.now(), table)

    done = await _do(request, db, clock, order_id, "order_ahead_arrived", work)
    return await _shown(request, db, clock, done)


@post("/online/{order_id:str}/ready", guards=_MAY, status_code=200, summary="It can be handed over")
async def ready(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """For shops without a screen in the kitchen."""

    async def work(tx: Transaction, _: Counter, order: OnlineOrder) -> OnlineOrder:
        return await orders.make_ready(tx, order.id, clock.now())

    done = await _do(request, db, clock, order_id, "order_ahead_ready", work)
    return await _shown(request, db, clock, done)


@post("/online/{order_id:str}/collected", guards=_MAY, status_code=200, summary="The customer has it")
async def collected(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Handed over; it must be paid."""

    async def work(tx: Transaction, at: Counter, order: OnlineOrder) -> OnlineOrder:
        return await orders.collect(tx, order.id, at.staff.id, clock.now())

    done = await _do(request, db, clock, order_id, "order_ahead_collected", work)
    return await _shown(request, db, clock, done)


@post("/online/{order_id:str}/no-show", guards=_MAY, status_code=200, summary="Nobody came")
async def no_show(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    order_id: FromPath[str],
) -> Response[Any]:
    """End it by its rule, once the food was kept for as long as was told. Again changes nothing."""

    async def work(tx: Transaction, at: Counter, order: OnlineOrder) -> OnlineOrder:
        locked = await orders.lock(tx, order.id)
        if locked.status is Status.NO_SHOW:
            return locked
        if locked.status is not Status.FIRED:
            raise Conflict(ORDER_OVER if locked.over else NOT_YET_MADE)
        if locked.kept_until is not None and clock.now() < locked.kept_until:
            raise Conflict("The food is kept until {time}: that was told to the customer.", time=_hour(locked, at))
        return await firing.nobody_came(tx, locked, at.staff.id, clock.now())

    done = await _do(request, db, clock, order_id, "order_ahead_no_show", work)
    if isinstance(done, OnlineOrder) and done.giving_back:
        await firing.give_back(db, payments, done)
    return await _shown(request, db, clock, done)


def _hour(order: OnlineOrder, at: Counter) -> str:
    assert order.kept_until is not None
    return order.kept_until.astimezone(ZoneInfo(at.store.zone)).strftime("%H:%M")


@post("/online/{order_id:str}/make", guards=_MAY, status_code=200, summary="Make it now")
async def make(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """The kitchen begins now: earlier than planned, or although a dish was sold out. Again changes nothing."""

    async def work(tx: Transaction, at: Counter, order: OnlineOrder) -> OnlineOrder:
        locked = await orders.lock(tx, order.id)
        if locked.status is Status.FIRED:
            return locked
        if locked.status is not Status.PROMISED:
            raise Conflict(ORDER_OVER)
        return await firing.fire(tx, locked, at.staff.id, clock.now(), anyway=True)

    done = await _do(request, db, clock, order_id, "order_ahead_made", work)
    return await _shown(request, db, clock, done)


@post("/online/{order_id:str}/call-off", guards=_MAY, status_code=200, summary="Cancel it, all money back")
async def call_off(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    order_id: FromPath[str],
) -> Response[Any]:
    """The shop can't make it: the customer gets everything back. Again changes nothing."""

    async def work(tx: Transaction, at: Counter, order: OnlineOrder) -> OnlineOrder:
        if kept := (await orders.account(tx, order)).kept:
            may_give_back(at.staff, Money(kept, order.currency))
        return await orders.call_off(tx, order.id, at.staff.id, clock.now())

    done = await _do(request, db, clock, order_id, "order_ahead_called_off", work)
    if isinstance(done, OnlineOrder) and done.giving_back:
        await firing.give_back(db, payments, done)
    return await _shown(request, db, clock, done)


@post("/online/{order_id:str}/scan", guards=_MAY_TAKE, status_code=200, summary="Charge the scanned code")
async def scan(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    order_id: FromPath[str],
) -> Response[Any]:
    """The customer shows a payment code when collecting."""
    code = str((await request.form()).get("payment_code", ""))[:256]

    async def take(wish: dict[str, Any]) -> Payment:
        return await checkout.pay_by_barcode(**wish, payment_code=code)

    return await _taken(request, db, clock, checkout, order_id, take)


@post("/online/{order_id:str}/taken", guards=_MAY_TAKE, status_code=200, summary="Write down cash, card, account")
async def write_down(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    settings: NamedDependency[Settings],
    order_id: FromPath[str],
) -> Response[Any]:
    """Record money that staff have taken; cash opens the drawer."""
    form = await request.form()
    now: list[Payment] = []

    async def take(wish: dict[str, Any]) -> Payment:
        now.append(await checkout.take_by_staff(**wish, **by_hand(form, wish["amount"].currency)))
        return now[-1]

    answer = await _taken(request, db, clock, checkout, order_id, take)
    return await drawer.and_open(answer, db, now, loopback=settings.loopback_printers)


async def _taken(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    checkout: Checkout,
    order_id: str,
    take: Callable[[dict[str, Any]], Awaitable[Payment]],
) -> Response[Any]:
    """Take all that is left by `take` and show the payment. A repeated submit shows the same one."""
    form = await request.form()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await orders.order_at(rows, at.store.id, order_id)
        account = await orders.account(rows, order)
        terminal_id = await terminal_at(request, rows, at.store.id)
        key = press_key(form, whose=at.staff.id)
        earlier = await payment_by_key(rows, KIND, order.id, key)
    if earlier is None:
        try:
            if not account.left:
                raise Conflict(BEING_PAID if account.held else PAID_ALREADY)
            if str(form.get("shown", "")) != str(account.left.minor):
                raise Conflict(AMOUNT_CHANGED)
            lang = language_of(request)
            number = texts(lang)("Order {number}", number=order.label)
            payment = await take(
                {
                    "store_id": at.store.id,
                    "terminal_id": terminal_id,
                    "staff": at.staff,
                    "amount": account.left,
                    "subject": f"{called(at.store.name, at.store.name_zh, lang)} · {number}",
                    "payable_kind": KIND,
                    "payable_id": order.id,
                    "part": part_of(order),
                    "key": key,
                }
            )
        except (Conflict, Invalid) as refusal:
            return await show(request, db, clock, refusal)
        earlier = payment.id
    return await _payment(request, db, checkout, order_id, earlier)


async def _payment(
    request: AnyRequest, db: Database, checkout: Checkout, order_id: str, payment_id: str
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        order = await orders.order_at(rows, at.store.id, order_id)
        payment = await payment_of(rows, KIND, order.id, payment_id)
    context: dict[str, Any] = {
        **await pane_of(request, checkout, payment, "order"),
        "at": at,
        "order": order,
        "done": "/online",
        "zone": at.store.zone,
    }
    where = f"/online/{order.id}/payments/{payment.id}"
    if wants_fragment(request):
        return fragment(request, "online/payment.html", "whole", headers=moved_to(request, where), **context)
    return page(request, "online/payment.html", **context)


@get("/online/{order_id:str}/payments/{payment_id:str}", guards=_MAY_TAKE, summary="One payment at pickup")
async def payment_pane(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    order_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The pane of a payment: waiting, paid, failed."""
    return await _payment(request, db, checkout, order_id, payment_id)


router = Router(
    path="/",
    route_handlers=[inbox, arrived, ready, collected, no_show, make, call_off, scan, write_down, payment_pane],
)
