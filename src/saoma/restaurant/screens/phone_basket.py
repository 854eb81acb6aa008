"""The shared basket on a diner's phone: adding, changing one's own dishes, sending the round to the kitchen.

The first dish sits the phone down at the table; a repeated press carries the same key and changes nothing."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.forms import quantity_in
from saoma.food.menus.menu import menu
from saoma.food.orders import ordering
from saoma.food.orders.ordering import PriceChanged, SoldOut
from saoma.food.orders.quoting import Quoted, quote_line
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, NotAllowed, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.restaurant import admission, sittings
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.screens.phone import back_to_table, bar_again, follow, table_context
from saoma.restaurant.visits import AnyRequest, Moved, Visit, at_table, sit_down, visit
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key


async def _seated(request: AnyRequest, db: Database, clock: Clock, code: str) -> tuple[Visit, Sitting, Guest]:
    """The guest this phone is, sitting down now if it has not yet. What is seen of the meal are its people alone."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, dishes=False)
    if seen.me is not None and seen.meal is not None and not seen.must_sit_down:
        return seen, seen.meal.sitting, seen.me
    sitting, me = await sit_down(request, db, clock, seen, "")
    return seen, sitting, me


async def _told(tx: Transaction, sitting: Sitting) -> None:
    await tx.tell(f"till:{sitting.store_id}", "bill", {"sitting": sitting.id})


async def show_basket(
    request: AnyRequest, db: Database, clock: Clock, code: str, *, refusal: Refused | None = None
) -> Response[Any]:
    """The basket as it stands, alone for htmx, with what a press was refused.

    That a round is on its way is read from the round itself and not from the press: an answer which was asked for
    before the press and comes after it says the same."""
    async with db.reading() as rows:
        seen, at = await visit(request, rows, code), clock.now()
        basket = seen.meal.basket if seen.meal else ()
        sent = None
        if seen.meal is not None and seen.me is not None and seen.meal.ordered:
            sent = await ordering.just_sent(rows, seen.meal.sitting.tab_id, seen.me.id)
        now = await menu(rows, seen.place.store_id) if basket else None
    gone = {
        line.id for line in basket if now is not None and not isinstance(quote_line(line, now, "table", at), Quoted)
    }
    context = table_context(seen) | {"refusal": refusal, "sent": sent, "gone": gone, "key": new_id("tap")}
    if wants_fragment(request):
        return fragment(request, "restaurant/phone_basket.html", "sheet", **context)
    return page(request, "restaurant/phone_basket.html", **context)


@get("/t/{code:str}/basket", summary="What the table has chosen and ordered")
async def basket_sheet(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The basket by person, and below it what was ordered and how far it is."""
    return await show_basket(request, db, clock, code)


@post("/t/{code:str}/add", status_code=200, summary="Put a dish into the basket")
async def add(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Add a dish for whoever holds this phone; answers the bar."""
    form = await request.form()
    item_id = str(form.get("item", ""))
    options = [str(option) for name, option in form.multi_items() if name.startswith("option")]
    quantity = quantity_in(str(form.get("quantity", "")), 1)
    note = str(form.get("note", "")).strip()
    before, sitting, me = await _seated(request, db, clock, code)
    key = press_key(form, whose=me.id, dish=item_id)
    async with db.transaction() as tx:
        await sittings.take_more(tx, sitting.id, clock.now())
        await ordering.add_line(tx, sitting.tab_id, item_id, options, quantity, me.id, note, key, at=clock.now())
        await _told(tx, sitting)
    if not wants_fragment(request):
        return back_to_table(request, code)
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return bar_again(request, seen, joined=before.me is None)


@post("/t/{code:str}/lines/{line_id:str}", status_code=200, summary="Change how many of one's own dish")
async def change(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    code: FromPath[str],
    line_id: FromPath[str],
) -> Response[Any]:
    """Set the quantity of a dish in the basket; 0 takes it out. Only its own guest may."""
    form = await request.form()
    quantity = quantity_in(str(form.get("quantity", "")), 0)
    async with db.reading() as rows:
        meal, me = at_table(await visit(request, rows, code))
    line = next((line for line in meal.lines if line.id == line_id), None)
    if line is None:
        raise NotFound("This dish is no longer in the basket.")
    if line.guest_id != me.id:
        raise NotAllowed("Only the person who chose a dish can change it.")
    async with db.transaction() as tx:
        await ordering.set_quantity(tx, line_id, quantity, me.id)
        await _told(tx, meal.sitting)
    return await show_basket(request, db, clock, code)


@post("/t/{code:str}/send", status_code=200, summary="Send the round to the kitchen")
async def send(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Send everything in the basket (`who=mine`: only one's own). Pressing twice, or two people at once, sends once."""
    form = await request.form()
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    meal, me = at_table(seen)
    if seen.must_be_let_in:
        return await _ask_to_order(request, db, clock, seen)
    async with db.transaction() as tx:
        await sittings.take_more(tx, meal.sitting.id, clock.now())
    try:
        rounds = [me.id] if form.get("who") == "mine" else admission.whose_round(meal, me, seen.place.strength)
        if not rounds:
            raise Conflict(admission.LET_THEM_IN)
        for who in rounds:
            await ordering.order(db, meal.sitting.tab_id, me.id, who, at=clock.now())
    except (SoldOut, PriceChanged, Conflict) as refusal:
        if not wants_fragment(request):
            raise
        return await show_basket(request, db, clock, code, refusal=refusal)
    async with db.transaction() as tx:
        held = await sittings.lock(tx, meal.sitting.id)
        await sittings.reckon(tx, held, clock.now())
    return await show_basket(request, db, clock, code)


async def _ask_to_order(request: AnyRequest, db: Database, clock: Clock, seen: Visit) -> Response[Any]:
    """The dishes stay in the basket; staff and the table are asked to let this phone in, once."""
    meal, me = at_table(seen)
    try:
        async with db.transaction() as tx:
            await admission.knock(tx, meal.sitting, me, clock.now())
    except NotAllowed as refusal:
        if not wants_fragment(request):
            raise
        return await show_basket(request, db, clock, seen.place.code, refusal=refusal)
    return await show_basket(request, db, clock, seen.place.code)


@post("/t/{code:str}/name", status_code=200, summary="Say one's name at the table")
async def name(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Sit down under a nickname, or change it."""
    form = await request.form()
    nickname = sittings.tidy_name(str(form.get("name", "")))
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    await sit_down(request, db, clock, seen, nickname)
    return back_to_table(request, code)


router = Router(path="/", route_handlers=[basket_sheet, add, change, send, name], exception_handlers={Moved: follow})
