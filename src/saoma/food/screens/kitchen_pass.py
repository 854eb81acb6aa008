"""The pass: where the expeditor sees every table's courses, fires the next one, keeps one back, sends dishes out.

Waiters see it too; what they may not do is cook: tickets are moved on the board."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.expediting import pass_now
from saoma.food.kitchen.prep_facts import forecasts
from saoma.food.kitchen.tickets import lateness
from saoma.food.orders import courses
from saoma.food.orders.courses import Course
from saoma.food.places import place, store_of_screen
from saoma.food.screens.kitchen import course_name
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.identity.model import Store
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Invalid
from saoma.web.page import page
from saoma.web.shared import shared_fragment

_SEE = [needs(May.SEE_KITCHEN, May.TAKE_ORDERS)]
_Work = Callable[[Transaction, str, str, Course], Awaitable[int]]


async def _shown(rows: Rows, store: Store) -> dict[str, Any]:
    """What stands at the pass now: the same for everybody who looks."""
    return {
        "tabs": await pass_now(rows, store.id),
        "pace": await kitchen.pace(rows, store.id),
        "forecasts": await forecasts(rows, store.id),
        "lateness": lateness,
        "course_name": course_name,
        "zone": store.zone,
    }


async def _answer(request: AnyRequest, db: Database) -> Response[Any]:
    """The tables, drawn once for all the screens that fetch them at the same moment."""
    store = await store_of_screen(request, db)

    async def read() -> dict[str, Any]:
        async with db.reading() as rows:
            return await _shown(rows, store)

    return await shared_fragment(request, db.together, "food/kitchen_pass.html", "tables", (store.id, store.zone), read)


@get("/kitchen/pass", guards=_SEE, summary="The pass")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The whole screen."""
    async with db.reading() as rows:
        at = await place(request, rows)
        shown = await _shown(rows, at.store)
    return page(request, "food/kitchen_pass.html", at=at, cooks=at.staff.may(May.SEE_KITCHEN), **shown)


@get("/kitchen/pass/tables", guards=_SEE, summary="The tables at the pass alone")
async def show_tables(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """What the screen fetches when something changed."""
    return await _answer(request, db)


async def _pressed(
    request: AnyRequest, db: Database, clock: Clock, tab_id: str, what: str, work: _Work
) -> Response[Any]:
    form = await request.form()
    try:
        course = Course(str(form.get("course", "")))
    except ValueError:
        raise Invalid("Load the page again: it was too old for this.") from None
    async with db.transaction() as tx:
        at = await place(request, tx)
        if await work(tx, at.store.id, tab_id, course):
            await audit.note(tx, clock, who=at.staff.id, what=what, subject=tab_id, merchant_id=at.store.merchant_id)
    return await _answer(request, db)


@post("/kitchen/tabs/{tab_id:str}/fire", guards=_SEE, status_code=200, summary="Fire a course")
async def fire(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], tab_id: FromPath[str]
) -> Response[Any]:
    """The kitchen begins it now; pressed twice, or on two screens, it is fired once."""
    return await _pressed(request, db, clock, tab_id, "fired_course", courses.fire)


@post("/kitchen/tabs/{tab_id:str}/hold", guards=_SEE, status_code=200, summary="Keep a course back")
async def hold(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], tab_id: FromPath[str]
) -> Response[Any]:
    """What has not been begun waits until a person fires it."""
    return await _pressed(request, db, clock, tab_id, "held_course", courses.hold)


@post("/kitchen/tabs/{tab_id:str}/serve", guards=_SEE, status_code=200, summary="A course is on the table")
async def serve(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], tab_id: FromPath[str]
) -> Response[Any]:
    """What is ready of it was carried; the next course may follow."""
    return await _pressed(request, db, clock, tab_id, "served_course", kitchen.serve_course)


router = Router("/", route_handlers=[show, show_tables, fire, hold, serve])
