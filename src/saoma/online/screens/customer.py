"""The customer's phone before an order is placed: when and how, the menu for that time, the basket.

Every page and button works without JavaScript too, so a handler answers a fragment (htmx asks) or a whole page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.forms import quantity_in
from saoma.food.menus.menu import menu
from saoma.food.model import Menu
from saoma.food.orders.alike import alike
from saoma.food.orders.discounts import Kind
from saoma.food.orders.pricing import change_of
from saoma.identity.tries import Tries
from saoma.identity.wallet_sign_in import authorize_path
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import Money, total
from saoma.marketing import points
from saoma.online import benefits, offers, orders, pace
from saoma.online.model import Offer
from saoma.online.slots import by_day
from saoma.online.visits import AnyRequest, Visit, keep, mode_in, moment_in, order_path, path_of, visit
from saoma.settings import Settings
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key

_ASKED: Final = "alipay_asked"
#: A wallet that gave no buyer is not asked again this soon: the page opens without one instead of going in circles.
_ASK_AGAIN_AFTER: Final = timedelta(seconds=30)
#: How people call the ways; keys of the texts.
MODE_NAMES: Final = {"eat_here": "Eat here", "pick_up": "Pick up", "bring": "Delivery"}
MODE_ICONS: Final = {"eat_here": "utensils", "pick_up": "shopping-bag", "bring": "bike"}


def sign_in_first(
    request: AnyRequest, clock: Clock, offer: Offer, *, in_wallet: bool, buyer_id: str, back: str
) -> Response[Any] | None:
    """Inside the wallet an unknown buyer is sent to the silent authorization first, once in a while."""
    asked = request.session.get(f"{_ASKED}:{offer.account_id}")
    lately = isinstance(asked, float) and clock.now().timestamp() - asked < _ASK_AGAIN_AFTER.total_seconds()
    if not in_wallet or buyer_id or lately:
        return None
    request.session[f"{_ASKED}:{offer.account_id}"] = clock.now().timestamp()
    return Redirect(authorize_path(back, offer.account_id), status_code=HTTP_303_SEE_OTHER)


async def dishes_of(rows: Rows, seen: Visit, clock: Clock) -> Menu:
    """What can be had in this way at the time that is meant."""
    shown = await menu(rows, seen.offer.store_id)
    return shown.offered_to(offers.CHANNELS[seen.mode], seen.at or clock.now())


def context_of(seen: Visit) -> dict[str, Any]:
    """What every page before placing shows."""
    counts: dict[str, int] = {}
    for line in seen.basket:
        counts[line.item_id] = counts.get(line.item_id, 0) + line.quantity
    return {
        "seen": seen,
        "offer": seen.offer,
        "root": seen.root,
        "basket": alike(seen.basket),
        "count": sum(line.quantity for line in seen.basket),
        "counts": counts,
        "account": seen.account,
        "discounts": seen.discounts,
        "before": total((line.money for line in seen.basket), seen.offer.currency),
        "nothing": Money.zero(seen.offer.currency),
        "zone": seen.offer.zone,
        "topics": [f"menu:{seen.offer.store_id}", *([f"tab:{seen.order.tab_id}"] if seen.order else [])],
        "mode_names": MODE_NAMES,
        "mode_icons": MODE_ICONS,
        "change_of": change_of,
        "path_to": lambda order: order_path(seen.offer, order),
    }


@get("/order/{code:str}", name="order_ahead", summary="Order ahead")
async def landing(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The menu for the time and way that are meant. Inside the wallet an unknown buyer signs in first."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
        first = sign_in_first(
            request, clock, seen.offer, in_wallet=seen.in_wallet, buyer_id=seen.buyer_id, back=seen.root
        )
        if first is not None:
            return first
        shown = await dishes_of(rows, seen, clock)
    return page(request, "online/order.html", menu=shown, key=new_id("tap"), **context_of(seen))


@get("/order/{code:str}/menu", summary="The dishes again, after one sold out")
async def menu_again(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The list of dishes as it is now."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
        shown = await dishes_of(rows, seen, clock)
    return fragment(request, "online/order.html", "dishes", menu=shown, key=new_id("tap"), **context_of(seen))


@get("/order/{code:str}/bar", summary="The bar at the foot")
async def bar(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The basket's total, and the way to the basket."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    return fragment(request, "online/bar.html", "bar", **context_of(seen))


@get("/order/{code:str}/dish/{item_id:str}", summary="One dish with its choices")
async def dish(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    code: FromPath[str],
    item_id: FromPath[str],
) -> Response[Any]:
    """Photo, words, choices and quantity of one dish."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
        item = (await dishes_of(rows, seen, clock)).item(item_id)
    if item is None:
        raise NotFound("This dish is no longer on the menu.")
    context = context_of(seen) | {"dish": item, "key": new_id("tap")}
    if wants_fragment(request):
        return fragment(request, "online/dish.html", "sheet", **context)
    return page(request, "online/dish.html", **context)


@post("/order/{code:str}/add", status_code=200, summary="Put a dish into the basket")
async def add(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    code: FromPath[str],
) -> Response[Any]:
    """The first dish begins the order; answers the bar."""
    form = await request.form()
    item_id = str(form.get("item", ""))
    options = [str(option) for name, option in form.multi_items() if name.startswith("option")]
    quantity = quantity_in(str(form.get("quantity", "")), 1)
    note = str(form.get("note", "")).strip()
    now = clock.now()
    async with db.reading() as rows:
        before = await visit(request, rows, code, now)
    if before.order is None:
        await pace.may_begin(request, Tries(db, clock), before.buyer, settings.ahead_per_hour)
    async with db.transaction() as tx:
        begun = await orders.begin(tx, before.offer, before.key, before.mode, now)
        key = press_key(form, dish=item_id)
        await orders.add(tx, begun.id, item_id, options, quantity, note, key, now, before.at or now, before.buyer)
    if not wants_fragment(request):
        return Redirect(path_of(code), status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        seen = await visit(request, rows, code, now)
    return fragment(request, "online/bar.html", "update", **context_of(seen))


async def show_basket(
    request: AnyRequest, db: Database, clock: Clock, code: str, refusal: Refused | None = None, typed: str = ""
) -> Response[Any]:
    """The basket's sheet, or its page; `typed` is a coupon's code that was refused."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
        offered = await dishes_of(rows, seen, clock)
        have = await points.balance(rows, seen.offer.store_id, seen.buyer, clock.now()) if seen.buyer else 0
    spent = next((one for one in seen.discounts if one.kind is Kind.POINTS and one.source == seen.buyer), None)
    gone = {line.id for line in seen.basket if (item := offered.item(line.item_id)) is None or item.sold_out}
    context = context_of(seen) | {
        "gone": gone,
        "refusal": refusal,
        "typed": typed,
        "spent": spent,
        "points": Money(have, seen.offer.currency),
        "reduced": total((line.due for line in seen.basket), seen.offer.currency),
    }
    if wants_fragment(request):
        return fragment(request, "online/basket.html", "sheet", **context)
    return page(request, "online/basket.html", **context)


@get("/order/{code:str}/basket", summary="What was chosen")
async def basket(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The basket, and the way on."""
    return await show_basket(request, db, clock, code)


@post("/order/{code:str}/lines/{line_id:str}", status_code=200, summary="Change how many of a dish")
async def change(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    code: FromPath[str],
    line_id: FromPath[str],
) -> Response[Any]:
    """Set the quantity of a dish in the basket; 0 takes it out."""
    quantity = quantity_in(str((await request.form()).get("quantity", "")), 0)
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    if seen.order is None:
        raise NotFound("This dish is no longer in the basket.")
    try:
        async with db.transaction() as tx:
            await orders.change(tx, seen.order.id, line_id, quantity, clock.now(), seen.at or clock.now(), seen.buyer)
    except Conflict as refusal:
        return await show_basket(request, db, clock, code, refusal)
    return await show_basket(request, db, clock, code)


@get("/order/{code:str}/when", summary="When and how")
async def when(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Every time that can be promised, day by day, and the ways the shop offers."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    context = context_of(seen) | {
        "days": by_day(seen.slots, seen.offer.zone),
        "today": clock.now().astimezone(ZoneInfo(seen.offer.zone)).date(),
    }
    if wants_fragment(request):
        return fragment(request, "online/when.html", "sheet", **context)
    return page(request, "online/when.html", **context)


@post("/order/{code:str}/when", status_code=200, summary="Choose when and how")
async def choose_when(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Remember the choice; the menu for it is shown next. Nothing is promised yet."""
    form = await request.form()
    async with db.reading() as rows:
        offer = await offers.offer_of_code(rows, code)
    slot = moment_in(str(form.get("slot", "")))
    keep(
        request,
        offer.store_id,
        mode=mode_in(str(form.get("mode", "")), offer).value,
        slot=slot.isoformat() if slot else "",
    )
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    if seen.order is not None:
        async with db.transaction() as tx:
            await benefits.settle(tx, seen.order.id, seen.mode, clock.now(), seen.at, seen.buyer)
    back = f"{path_of(code)}/place" if form.get("back") == "place" else path_of(code)
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": back})
    return Redirect(back, status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[landing, menu_again, bar, dish, add, basket, change, when, choose_when])
