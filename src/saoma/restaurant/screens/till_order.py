"""Taking an order at the till, for people who don't scan: dishes on the left, what is chosen on the right.

Staff's dishes belong to the table, not to a guest; sending sends only what staff chose, never a guest's basket."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food import ordering
from saoma.food.forms import quantity_in
from saoma.food.menu import offered
from saoma.food.pricing import change_of
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import Money, total
from saoma.restaurant import sittings
from saoma.restaurant.screens.till import bill_at, path_to
from saoma.web.page import fragment, page, wants_fragment

_MAY = [needs(May.TAKE_ORDERS)]
#: Whose dishes these are on the tab: nobody's at the table.
STAFF = ""


async def _page(
    request: AnyRequest, db: Database, sitting_id: str, *, block: str = "chosen", refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        shown = await offered(rows, at.store.id, "waiter")
        meal = await sittings.meal(rows, sitting)
    chosen = [line for line in meal.basket if line.guest_id == STAFF]
    context: dict[str, Any] = {
        "at": at,
        "sitting": sitting,
        "table": table,
        "menu": shown,
        "chosen": chosen,
        "chosen_sum": total((line.money for line in chosen), sitting.currency),
        "refusal": refusal,
        "key": new_id("tap"),
        "change_of": change_of,
        "nothing": Money.zero(sitting.currency),
        "zone": at.store.zone,
        "topics": [f"tab:{sitting.tab_id}", f"menu:{at.store.id}"],
    }
    if wants_fragment(request):
        return fragment(request, "restaurant/till_order.html", block, **context)
    return page(request, "restaurant/till_order.html", **context)


@get("/till/bills/{sitting_id:str}/order", guards=_MAY, summary="Take an order for a table")
async def show(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """The menu as buttons, and what staff chose so far."""
    return await _page(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/lines", guards=_MAY, status_code=200, summary="Choose a dish")
async def add(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Put a dish into the table's basket in the restaurant's name."""
    form = await request.form()
    item_id = str(form.get("item", ""))
    options = [str(option) for name, option in form.multi_items() if name.startswith("option")]
    quantity = quantity_in(str(form.get("quantity", "")), 1)
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await bill_at(tx, at, sitting_id)
        sitting = await sittings.take_more(tx, sitting_id, clock.now())
        key = f"{at.staff.id}:{str(form.get('key', ''))[:64] or new_id('tap')}:{item_id}"
        note = str(form.get("note", "")).strip()
        await ordering.add_line(tx, sitting.tab_id, item_id, options, quantity, STAFF, note, key, at=clock.now())
    return await _after(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/lines/{line_id:str}", guards=_MAY, status_code=200, summary="Change a dish")
async def change(
    request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str], line_id: FromPath[str]
) -> Response[Any]:
    """How many of a dish that staff chose; 0 takes it out."""
    form = await request.form()
    quantity = quantity_in(str(form.get("quantity", "")), 0)
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        sitting, _ = await bill_at(tx, at, sitting_id)
        line = await ordering.line_of(tx, line_id)
        if line.tab_id != sitting.tab_id or line.guest_id != STAFF:
            raise NotFound("This dish is no longer in the basket.")
        await ordering.set_quantity(tx, line_id, quantity, None)
    return await _after(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/send", guards=_MAY, status_code=200, summary="Send to the kitchen")
async def send(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Send what staff chose; pressed twice, it is sent once."""
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await bill_at(tx, at, sitting_id)
        sitting = await sittings.take_more(tx, sitting_id, clock.now())
    try:
        await ordering.order(db, sitting.tab_id, at.staff.id, STAFF, at=clock.now())
    except Conflict as refusal:
        return await _page(request, db, sitting_id, refusal=refusal)
    async with db.transaction() as tx:
        await sittings.reckon(tx, await sittings.lock(tx, sitting_id), clock.now())
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": path_to(sitting_id)})
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


async def _after(request: AnyRequest, db: Database, sitting_id: str) -> Response[Any]:
    if wants_fragment(request):
        return await _page(request, db, sitting_id)
    return Redirect(f"{path_to(sitting_id)}/order", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, add, change, send])
