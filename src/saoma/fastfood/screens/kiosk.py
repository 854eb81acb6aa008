"""The kiosk: a customer orders alone, one thing on the screen at a time, and pays there or at the counter.

Nobody who stands here is known: the browser is the kiosk (`kiosks`), an order belongs to the kiosk that began it, and
no link leads to a screen of the staff. Every press of a form has a key, so that a second touch does nothing twice."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import fresh_key
from saoma.fastfood import counter
from saoma.fastfood.kiosks import Kiosk, at_kiosk, kiosk_of, open_here, order_of
from saoma.fastfood.model import Channel, CounterOrder, OrderStatus
from saoma.food.forms import quantity_in
from saoma.food.menus.menu import offered as menu_offered
from saoma.food.model import ALLERGEN_NAMES, TAG_NAMES, Item, LineStatus, Menu
from saoma.food.orders import ordering, tabs
from saoma.food.orders.discounts import discounts_of
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs, signed_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key
from saoma.web.texts import pick_language

MAY: Final = [at_kiosk]


def start_path(request: AnyRequest) -> str:
    """The first screen, in the language the device itself speaks: the last customer's choice ends with them."""
    return f"/kiosk?lang={pick_language(None, None, request.headers.get('accept-language'))}"


def path_to(order: CounterOrder) -> str:
    """Where one order is on its kiosk."""
    return f"/kiosk/orders/{order.id}"


def go(where: str) -> Redirect:
    """To the next screen."""
    return Redirect(where, status_code=HTTP_303_SEE_OTHER)


async def offered(rows: Rows, store_id: str) -> Menu:
    """What a kiosk shows of the menu."""
    return await menu_offered(rows, store_id, "kiosk")


async def order_context(rows: Rows, kiosk: Kiosk, order: CounterOrder) -> dict[str, Any]:
    """What every screen of an order shows: its dishes and what they cost."""
    lines = [line for line in await ordering.lines(rows, order.tab_id) if line.status is not LineStatus.VOID]
    account = await counter.account(rows, order, lines)
    return {
        "kiosk": kiosk,
        "order": order,
        "root": path_to(order),
        "to_go": (await tabs.tab(rows, order.tab_id)).to_go,
        "lines": lines,
        "discounts": await discounts_of(rows, order.tab_id),
        "pieces": sum(line.quantity for line in lines),
        "account": account,
        "key": new_id("tap"),
        "nothing": Money.zero(order.currency),
        "zone": kiosk.store.zone,
    }


def where_it_is(order: CounterOrder) -> str:
    """The screen of an order that can't be changed any more; empty for one that can."""
    if order.left_for_counter_at is not None:
        return f"{path_to(order)}/at-counter"
    if order.status in (OrderStatus.PAYING, OrderStatus.PAID):
        return f"{path_to(order)}/payment"
    return "/kiosk" if order.status is OrderStatus.CANCELLED else ""


@get("/kiosk/open", guards=[needs(May.TAKE_ORDERS)], summary="Make this device a kiosk")
async def show_open(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Ask a member of staff whether customers shall use this device from now on."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
    return page(request, "fastfood/kiosk_open.html", at=at, zone=at.store.zone)


@post("/kiosk/open", guards=[needs(May.TAKE_ORDERS)], summary="Make this device a kiosk, now")
async def open_kiosk(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Sign the person out here and show the first screen to customers."""
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await audit.note(
            tx, clock, who=at.staff.id, what="opened_kiosk", subject=at.store.id, merchant_id=at.store.merchant_id
        )
    if not request.session.get("practice"):
        await open_here(request, at)
    return go(start_path(request))


async def _kiosk_or_staff(connection: Any, handler: Any) -> None:
    """Staff who come by the address are shown how a device becomes a kiosk."""
    try:
        await at_kiosk(connection, handler)
    except NotFound:
        db = await handler.resolve_dependencies()["db"]()
        if await signed_in(connection, db) is None:
            raise


@get("/kiosk", guards=[_kiosk_or_staff], summary="The kiosk")
async def show_start(request: AnyRequest) -> Response[Any]:
    """Language, and where it is eaten: the first touch begins an order."""
    try:
        kiosk = kiosk_of(request)
    except Refused:
        return go("/kiosk/open")
    return page(request, "fastfood/kiosk_start.html", kiosk=kiosk, key=new_id("tap"), zone=kiosk.store.zone)


@post("/kiosk/begin", guards=MAY, summary="Begin an order")
async def begin(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """An order for this touch; a second one of the same screen finds it."""
    form = await request.form()
    kiosk = kiosk_of(request)
    key = fresh_key(kiosk.by, str(form.get("key", "")) or new_id("tap"))
    async with db.transaction() as tx:
        order = await counter.begin(
            tx, kiosk.store.id, Channel.KIOSK, key, kiosk.by, clock.now(), to_go=form.get("where") == "to_go"
        )
    return go(path_to(order))


async def show_menu(request: AnyRequest, db: Database, order_id: str, refusal: Refused | None = None) -> Response[Any]:
    """The dishes of one section, large; the order's own moving part alone for htmx."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        if moved := where_it_is(order):
            return go(moved)
        shown = await offered(rows, kiosk.store.id)
        context = await order_context(rows, kiosk, order)
    wanted = request.query_params.get("section", "")
    section = next((one for one in shown.sections if one.id == wanted), next(iter(shown.sections), None))
    chosen: dict[str, int] = {}
    for line in context["lines"]:
        chosen[line.item_id] = chosen.get(line.item_id, 0) + line.quantity
    context |= {"menu": shown, "section": section, "chosen": chosen, "refusal": refusal}
    if wants_fragment(request):
        return fragment(request, "fastfood/kiosk_menu.html", "menu", **context)
    return page(request, "fastfood/kiosk_menu.html", status_code=refusal.status if refusal else 200, **context)


@get("/kiosk/orders/{order_id:str}", guards=MAY, summary="The menu on a kiosk")
async def menu_of(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """Choose dishes."""
    return await show_menu(request, db, order_id)


@get("/kiosk/orders/{order_id:str}/dishes/{item_id:str}", guards=MAY, summary="One dish on a kiosk")
async def dish_of(
    request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str], item_id: FromPath[str]
) -> Response[Any]:
    """A dish with its photo, what is in it, and its choices."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        item = (await offered(rows, kiosk.store.id)).offered(item_id)
    if item is None:
        raise NotFound("This dish is no longer on the menu.")
    return await _show_dish(request, db, order, item)


async def _show_dish(
    request: AnyRequest, db: Database, order: CounterOrder, item: Item, refusal: Refused | None = None
) -> Response[Any]:
    if moved := where_it_is(order):
        return go(moved)
    async with db.reading() as rows:
        context = await order_context(rows, kiosk_of(request), order)
    context |= {"dish": item, "refusal": refusal, "allergen_names": ALLERGEN_NAMES, "tag_names": TAG_NAMES}
    status = refusal.status if refusal else 200
    return page(request, "fastfood/kiosk_dish.html", status_code=status, change_of=_change_of, **context)


def _change_of(change: int, item: Item) -> Money:
    return Money(change, item.currency)


@post("/kiosk/orders/{order_id:str}/lines", guards=MAY, summary="Choose a dish on a kiosk")
async def add(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    order_id: FromPath[str],
) -> Response[Any]:
    """Put a dish into the order and go back to its section."""
    form = await request.form()
    kiosk = kiosk_of(request)
    item_id = str(form.get("item", ""))
    options = [str(option) for name, option in form.multi_items() if name.startswith("option")]
    key = press_key(form, whose=kiosk.by, dish=item_id)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        shown = await offered(rows, kiosk.store.id)
    item = shown.offered(item_id)
    if item is None:
        raise NotFound("This dish is no longer on the menu.")
    try:
        if moved := where_it_is(order):
            return go(moved)
        quantity = quantity_in(str(form.get("quantity", "")), 1)
        async with db.transaction() as tx:
            await counter.add(tx, order.id, item_id, options, quantity, "", key, clock.now())
    except (Conflict, Invalid) as refusal:
        return await _show_dish(request, db, order, item, refusal)
    section = next((one.id for one in shown.sections if item in one.items), "")
    return go(f"{path_to(order)}?section={section}")


@get("/kiosk/orders/{order_id:str}/basket", guards=MAY, summary="The order on a kiosk")
async def basket(request: AnyRequest, db: NamedDependency[Database], order_id: FromPath[str]) -> Response[Any]:
    """All that was chosen, to change and to pay."""
    return await show_basket(request, db, order_id)


async def show_basket(
    request: AnyRequest, db: Database, order_id: str, refusal: Refused | None = None
) -> Response[Any]:
    """The basket, with why something could not be done."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
        if moved := where_it_is(order):
            return go(moved)
        shown = await offered(rows, kiosk.store.id)
        context = await order_context(rows, kiosk, order)
    gone = {line.id for line in context["lines"] if _is_gone(shown.offered(line.item_id))}
    context |= {"gone": gone, "refusal": refusal}
    if wants_fragment(request):
        return fragment(request, "fastfood/kiosk_basket.html", "basket", **context)
    return page(request, "fastfood/kiosk_basket.html", status_code=refusal.status if refusal else 200, **context)


def _is_gone(item: Item | None) -> bool:
    return item is None or item.sold_out


@post(
    "/kiosk/orders/{order_id:str}/lines/{line_id:str}", guards=MAY, status_code=200, summary="Change a dish on a kiosk"
)
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
        order = await order_of(rows, kiosk_of(request), order_id)
    if moved := where_it_is(order):
        return go(moved)
    refusal: Refused | None = None
    try:
        async with db.transaction() as tx:
            await counter.change(tx, order.id, line_id, quantity, clock.now())
    except Conflict as why:
        refusal = why
    if refusal is None and not wants_fragment(request):
        return go(f"{path_to(order)}/basket")
    return await show_basket(request, db, order.id, refusal)


@post("/kiosk/orders/{order_id:str}/where", guards=MAY, summary="Eat here or take away, on a kiosk")
async def set_where(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Somebody thought better of it."""
    to_go = (await request.form()).get("where") == "to_go"
    async with db.reading() as rows:
        order = await order_of(rows, kiosk_of(request), order_id)
    if moved := where_it_is(order):
        return go(moved)
    try:
        async with db.transaction() as tx:
            await counter.set_channel(tx, order.id, Channel.TAKEAWAY if to_go else Channel.COUNTER, clock.now())
    except Conflict as refusal:
        return await show_basket(request, db, order.id, refusal)
    return go(f"{path_to(order)}/basket")


@post("/kiosk/orders/{order_id:str}/coupon", guards=MAY, summary="Enter a coupon at a kiosk")
async def coupon(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """A code that was typed or held to the scanner. The same code again changes nothing."""
    code = str((await request.form()).get("coupon", ""))[:64]
    async with db.reading() as rows:
        order = await order_of(rows, kiosk_of(request), order_id)
    if moved := where_it_is(order):
        return go(moved)
    try:
        async with db.transaction() as tx:
            await counter.enter_coupon(tx, order.id, code, clock.now())
    except Refused as refusal:
        return await show_basket(request, db, order.id, refusal)
    return go(f"{path_to(order)}/basket")


@post("/kiosk/orders/{order_id:str}/free", guards=MAY, summary="Nothing to pay at a kiosk")
async def free(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Send an order that discounts made free to the kitchen. Pressed twice, it is sent once."""
    kiosk = kiosk_of(request)
    async with db.reading() as rows:
        order = await order_of(rows, kiosk, order_id)
    if moved := where_it_is(order):
        return go(moved)
    try:
        async with db.transaction() as tx:
            await counter.give_free(tx, order.id, kiosk.by, clock.now())
    except Refused as refusal:
        return await show_basket(request, db, order.id, refusal)
    return go(f"{path_to(order)}/payment")


@post("/kiosk/orders/{order_id:str}/cancel", guards=MAY, summary="Begin anew on a kiosk")
async def cancel(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """The customer goes, or has gone: what was not paid is given up, what is paid or left for the counter stays."""
    async with db.reading() as rows:
        order = await order_of(rows, kiosk_of(request), order_id)
    if order.at_kiosk:
        if order.status is OrderStatus.PAYING:
            return go(f"{path_to(order)}/payment")
        try:
            async with db.transaction() as tx:
                await counter.cancel(tx, order.id, clock.now())
        except Conflict:
            return go(f"{path_to(order)}/payment")
    return go(start_path(request))


router = Router(
    path="/",
    route_handlers=[
        show_open,
        open_kiosk,
        show_start,
        begin,
        menu_of,
        dish_of,
        add,
        basket,
        change,
        set_where,
        coupon,
        free,
        cancel,
    ],
)
