"""The office's page about the kitchen: courses, stations of single dishes, who fires, when a ticket is late.

A station is made by naming it at a section of the menu; here dishes are sent to another one."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.kitchen.setup import set_up, setup
from saoma.food.menus.editing import stations
from saoma.food.orders.courses import COURSE_NAMES, Course, Firing
from saoma.food.places import place
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound, Refused
from saoma.web.page import page

_EDIT = [needs(May.EDIT_MENU)]
_TOO_OLD = "Load the page again: it was too old for this."


async def _page(request: AnyRequest, db: Database, refusal: Refused | None = None) -> Response[Any]:
    async with db.reading() as rows:
        at = await place(request, rows)
        try:
            now = await setup(rows, at.store.id)
        except NotFound:
            now = None
        every = await stations(rows, at.store.id)
    return page(
        request,
        "food/office_kitchen.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        setup=now,
        stations=every,
        courses=COURSE_NAMES,
        refusal=refusal,
        zone=at.store.zone,
    )


@get("/office/kitchen", guards=_EDIT, summary="How the kitchen works")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The form as it stands."""
    return await _page(request, db)


def _minutes(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        raise Invalid("Write whole minutes, such as 8.") from None


@post("/office/kitchen", guards=_EDIT, status_code=200, summary="Change how the kitchen works")
async def save(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """All of it at once."""
    form = await request.form()
    try:
        try:
            firing = Firing(str(form.get("firing", "")))
            courses = {
                name.removeprefix("course-"): Course(str(value))
                for name, value in form.multi_items()
                if name.startswith("course-")
            }
        except ValueError:
            raise Invalid(_TOO_OLD) from None
        made_at = {
            name.removeprefix("station-"): str(value) or None
            for name, value in form.multi_items()
            if name.startswith("station-")
        }
        soon, late = _minutes(form.get("soon")), _minutes(form.get("late"))
        async with db.transaction() as tx:
            at = await place(request, tx)
            await set_up(tx, at.store.id, firing, soon, late, courses, made_at)
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="changed_kitchen",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
            )
    except Invalid as refusal:
        return await _page(request, db, refusal)
    return Redirect("/office/kitchen?saved=1", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show, save])
