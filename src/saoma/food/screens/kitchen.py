"""The kitchen's board: tickets by age, one touch or key each to move them on, live without a reload.

Every answer to a press is the whole board as it is then: a screen can be behind for a moment, never wrong for long."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.prep_facts import forecasts
from saoma.food.kitchen.tickets import lateness
from saoma.food.menus.editing import Station, stations
from saoma.food.menus.menu import menu, set_sold_out
from saoma.food.model import LineStatus
from saoma.food.orders import portions
from saoma.food.orders.courses import COURSE_NAMES, Course
from saoma.food.places import place, store_of_screen
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.identity.model import Store
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid, NotFound
from saoma.web.page import fragment, page
from saoma.web.shared import shared_fragment

_SEE = [needs(May.SEE_KITCHEN)]


def course_name(course: str) -> str:
    """What people call a course; a key of the texts."""
    return COURSE_NAMES[Course(course)]


async def _shown(rows: Rows, store: Store, station: Station | None) -> dict[str, Any]:
    """What the board shows now: the same for everybody who looks at this station."""
    station_id = station.id if station else None
    return {
        "station": station,
        "tickets": await kitchen.tickets(rows, store.id, station_id),
        "counts": await kitchen.all_day(rows, store.id, station_id),
        "forecasts": await forecasts(rows, store.id),
        "course_name": course_name,
        "pace": await kitchen.pace(rows, store.id),
        "lateness": lateness,
        "zone": store.zone,
    }


async def _station(request: AnyRequest, rows: Rows, store: Store) -> tuple[list[Station], Station | None]:
    every = await stations(rows, store.id)
    asked = request.query_params.get("station", "")
    return every, next((one for one in every if one.id == asked), None)


async def _answer(request: AnyRequest, db: Database) -> Response[Any]:
    """The board as it is after this request came: drawn once for all the screens that fetch it at the same moment."""
    store = await store_of_screen(request, db)

    asked = request.query_params.get("station", "")

    async def read() -> dict[str, Any]:
        async with db.reading() as rows:
            station = (await _station(request, rows, store))[1] if asked else None
            return await _shown(rows, store, station)

    which = (store.id, store.zone, asked)
    return await shared_fragment(request, db.together, "food/kitchen.html", "board", which, read)


def _number(text: object) -> int:
    try:
        return int(str(text or 0))
    except ValueError:
        raise Invalid("Load the page again: it was too old for this.") from None


def _state(text: object) -> LineStatus:
    try:
        return LineStatus(str(text))
    except ValueError:
        raise Invalid("Load the page again: it was too old for this.") from None


@get("/kitchen", guards=_SEE, summary="The kitchen's board")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The whole screen."""
    async with db.reading() as rows:
        at = await place(request, rows)
        every, station = await _station(request, rows, at.store)
        board = await _shown(rows, at.store, station)
    return page(request, "food/kitchen.html", at=at, stations=every, **board)


@get("/kitchen/board", guards=_SEE, summary="The tickets alone")
async def show_board(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """What the screen fetches when something changed."""
    return await _answer(request, db)


@post("/kitchen/tickets/{tab_id:str}/{number:int}/bump", guards=_SEE, status_code=200, summary="Move a ticket on")
async def bump(
    request: AnyRequest, db: NamedDependency[Database], tab_id: FromPath[str], number: FromPath[int]
) -> Response[Any]:
    """One step on from the state that was seen; when somebody was quicker nothing happens."""
    form = await request.form()
    async with db.transaction() as tx:
        at = await place(request, tx)
        seen, station = _state(form.get("seen")), str(form.get("station", "")) or None
        await kitchen.bump(tx, at.store.id, tab_id, number, seen, station, _number(form.get("firing")))
    return await _answer(request, db)


@post("/kitchen/tickets/{tab_id:str}/{number:int}/recall", guards=_SEE, status_code=200, summary="Bring a ticket back")
async def recall(
    request: AnyRequest, db: NamedDependency[Database], tab_id: FromPath[str], number: FromPath[int]
) -> Response[Any]:
    """One step back from the state that was seen."""
    form = await request.form()
    async with db.transaction() as tx:
        at = await place(request, tx)
        seen, station = _state(form.get("seen")), str(form.get("station", "")) or None
        await kitchen.recall(tx, at.store.id, tab_id, number, seen, station, _number(form.get("firing")))
    return await _answer(request, db)


@post("/kitchen/lines/{line_id:str}/bump", guards=_SEE, status_code=200, summary="Move one dish on")
async def bump_line(request: AnyRequest, db: NamedDependency[Database], line_id: FromPath[str]) -> Response[Any]:
    """One dish ahead of its ticket."""
    form = await request.form()
    async with db.transaction() as tx:
        at = await place(request, tx)
        await kitchen.bump_line(tx, at.store.id, line_id, _state(form.get("seen")))
    return await _answer(request, db)


@get("/kitchen/served", guards=_SEE, summary="Tickets that can be brought back")
async def served(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The last hour's tickets, for the recall sheet."""
    async with db.reading() as rows:
        at = await place(request, rows)
        _, station = await _station(request, rows, at.store)
        gone = await kitchen.lately_served(rows, at.store.id, station.id if station else None)
    return fragment(
        request,
        "food/kitchen.html",
        "served",
        gone=gone,
        station=station,
        zone=at.store.zone,
        course_name=course_name,
    )


@get("/kitchen/dishes", guards=_SEE, summary="Dishes to mark sold out")
async def dishes(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Every dish with its switch and how many are left, for the sold-out sheet."""
    async with db.reading() as rows:
        at = await place(request, rows)
        shown = (await menu(rows, at.store.id)).visible()
    day = shown.local(clock.now()).date()
    return fragment(request, "food/kitchen.html", "dishes", menu=shown, day=day)


@post("/kitchen/items/{item_id:str}/left", guards=[needs(May.MARK_SOLD_OUT)], status_code=200, summary="How many left")
async def left(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Count a dish down from this number today; empty counts no more. Zero is sold out."""
    said = str((await request.form()).get("left", "")).strip()
    if said and not (said.isascii() and said.isdecimal() and len(said) < 6):
        raise Invalid("Write how many are left: a number from 0 to {most}.", most=portions.MOST_PORTIONS)
    async with db.transaction() as tx:
        at = await place(request, tx)
        of = await menu(tx, at.store.id)
        if of.item(item_id) is None:
            raise NotFound("This dish is no longer on the menu.")
        day = of.local(clock.now()).date()
        item = await portions.set_left(tx, item_id, int(said) if said else None, day)
        detail = {"left": int(said) if said else None}
        await audit.note(
            tx,
            clock,
            who=at.staff.id,
            what="counted_portions",
            subject=item_id,
            merchant_id=at.store.merchant_id,
            detail=detail,
        )
    return fragment(request, "food/kitchen.html", "dish", item=item, day=day)


@post("/kitchen/items/{item_id:str}/sold-out", guards=[needs(May.MARK_SOLD_OUT)], status_code=200, summary="Sold out")
async def sold_out(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """One tap: no phone can order this dish from now on; another tap brings it back.

    Tapped on the board (`?on=board`) it answers the board, tapped in the sheet the dish's row."""
    form = await request.form()
    async with db.transaction() as tx:
        at = await place(request, tx)
        if (await menu(tx, at.store.id)).item(item_id) is None:
            raise NotFound("This dish is no longer on the menu.")
        gone = form.get("sold_out") == "yes"
        item = await set_sold_out(tx, item_id, sold_out=gone)
        what = "marked_sold_out" if gone else "marked_back_on"
        await audit.note(tx, clock, who=at.staff.id, what=what, subject=item_id, merchant_id=at.store.merchant_id)
        day = (await menu(tx, at.store.id)).local(clock.now()).date()
    if request.query_params.get("on") == "board":
        return await _answer(request, db)
    return fragment(request, "food/kitchen.html", "dish", item=item, day=day)


router = Router("/", route_handlers=[show, show_board, bump, recall, bump_line, served, dishes, left, sold_out])
