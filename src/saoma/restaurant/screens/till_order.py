"""Taking an order at the till, for people who don't scan: dishes on the left, what is chosen on the right.

Staff's dishes belong to the table, not to a guest; sending sends only what staff chose, never a guest's basket."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.forms import quantity_in
from saoma.food.menus.menu import offered
from saoma.food.model import LineStatus, Menu
from saoma.food.orders import courses, ordering
from saoma.food.orders.courses import COURSE_NAMES, Course
from saoma.food.orders.pricing import change_of
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import Money, total
from saoma.restaurant import sittings
from saoma.restaurant.screens.till import bill_again, bill_at, path_to
from saoma.restaurant.seats import add_seat
from saoma.web.page import fragment, page, wants_fragment
from saoma.web.presses import press_key

_MAY = [needs(May.TAKE_ORDERS)]
#: Whose dishes these are on the tab: nobody's at the table.
STAFF: Final = ""
NOT_AT_TABLE: Final = "This person is not at the table any more. Choose again for whom it is."


def courses_of(shown: Menu) -> dict[str, Course]:
    """The course of each dish."""
    return {item.id: Course(section.course) for section in shown.sections for item in section.items}


async def _page(
    request: AnyRequest, db: Database, sitting_id: str, *, block: str = "chosen", refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        shown = await offered(rows, at.store.id, "waiter")
        meal = await sittings.meal(rows, sitting)
    chosen = [line for line in meal.basket if line.guest_id == STAFF]
    course_of = courses_of(shown)
    waiting = {course_of.get(line.item_id, Course.NONE) for line in chosen}
    context: dict[str, Any] = {
        "at": at,
        "sitting": sitting,
        "table": table,
        "menu": shown,
        "chosen": chosen,
        "people": meal.guests,
        "choosing": sum(line.quantity for line in meal.basket if line.guest_id != STAFF),
        "for_whom": {guest.id: guest for guest in meal.guests},
        "courses": [course for course in COURSE_NAMES if course in waiting],
        "course_names": COURSE_NAMES,
        "chosen_sum": total((line.money for line in chosen), sitting.currency),
        "refusal": refusal,
        "key": new_id("tap"),
        "change_of": change_of,
        "nothing": Money.zero(sitting.currency),
        "zone": at.store.zone,
        "topics": [f"tab:{sitting.tab_id}", f"menu:{at.store.id}", sitting.topic],
    }
    if wants_fragment(request):
        return fragment(request, "restaurant/till_order.html", block, **context)
    return page(request, "restaurant/till_order.html", **context)


@get("/till/bills/{sitting_id:str}/order", guards=_MAY, summary="Take an order for a table")
async def show(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """The menu as buttons, and what staff chose so far; `?part=people` is who sits there."""
    block = "people" if request.query_params.get("part") == "people" else "chosen"
    return await _page(request, db, sitting_id, block=block)


@post("/till/bills/{sitting_id:str}/lines", guards=_MAY, status_code=200, summary="Choose a dish")
async def add(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Put a dish into the table's basket in the restaurant's name."""
    form = await request.form()
    item_id = str(form.get("item", ""))
    options = [str(option) for name, option in form.multi_items() if name.startswith("option")]
    quantity = quantity_in(str(form.get("quantity", "")), 1)
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await bill_at(tx, at, sitting_id)
            sitting = await sittings.take_more(tx, sitting_id, clock.now())
            whose = await _guest(tx, sitting.id, str(form.get("for", "")))
            key = press_key(form, whose=at.staff.id, dish=item_id)
            note = str(form.get("note", "")).strip()
            await ordering.add_line(
                tx, sitting.tab_id, item_id, options, quantity, STAFF, note, key, at=clock.now(), for_guest=whose
            )
    except (Conflict, Invalid, NotFound) as refusal:
        return await _page(request, db, sitting_id, refusal=refusal)
    return await _after(request, db, sitting_id)


async def _guest(tx: Transaction, sitting_id: str, guest_id: str) -> str:
    """Whose dish it is, or nobody's in particular. Raises `NotFound` for somebody who is not at this table."""
    if guest_id and all(guest.id != guest_id for guest in await sittings.guests(tx, sitting_id)):
        raise NotFound(NOT_AT_TABLE)
    return guest_id


@post("/till/bills/{sitting_id:str}/seats", guards=_MAY, status_code=200, summary="One more person at the table")
async def seat(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """A seat for somebody without a phone; `known` is how many the screen showed, so that a repeat adds nobody."""
    known = quantity_in(str((await request.form()).get("known", "")), 0)
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await bill_at(tx, at, sitting_id)
        await add_seat(tx, sitting_id, known, clock.now(), at.staff.id)
    if wants_fragment(request):
        return await _page(request, db, sitting_id, block="people")
    return Redirect(f"{path_to(sitting_id)}/order", status_code=HTTP_303_SEE_OTHER)


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
        course = str((await request.form()).get("course", ""))
        only = None
        if course:
            course_of = courses_of(await offered(tx, at.store.id, "waiter"))
            chosen = [line for line in await ordering.lines(tx, sitting.tab_id) if line.status is LineStatus.BASKET]
            only = {line.id for line in chosen if course_of.get(line.item_id, Course.NONE) == course}
    try:
        await ordering.order(db, sitting.tab_id, at.staff.id, STAFF, at=clock.now(), only=only)
    except Conflict as refusal:
        return await _page(request, db, sitting_id, refusal=refusal)
    async with db.transaction() as tx:
        await sittings.reckon(tx, await sittings.lock(tx, sitting_id), clock.now())
    if only is not None:
        return await _after(request, db, sitting_id)
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": path_to(sitting_id)})
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


@post("/till/bills/{sitting_id:str}/fire", guards=_MAY, status_code=200, summary="Let the kitchen begin a course")
async def fire(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """Fire a course that waits, whatever it waits for. Pressed twice, or by two people, it is fired once."""
    named = str((await request.form()).get("course", ""))
    if named not in set(Course):
        raise Invalid("Choose a course.")
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        sitting, _ = await bill_at(tx, at, sitting_id)
        await courses.fire(tx, at.store.id, sitting.tab_id, Course(named))
    return await bill_again(request, db, sitting_id)


async def _after(request: AnyRequest, db: Database, sitting_id: str) -> Response[Any]:
    if wants_fragment(request):
        return await _page(request, db, sitting_id)
    return Redirect(f"{path_to(sitting_id)}/order", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, add, seat, change, send, fire])
