"""The office's parts of the day: breakfast, lunch, late evening, each with hours and days.

What dishes are limited to can't be removed here; the refusal names one of them."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.dayparts import EVERY_DAY, Daypart, at_clock, days_spoken, minute_of
from saoma.food.menus import parts_of_day
from saoma.food.places import place
from saoma.food.screens.office_menu import EDIT, opened
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.web.page import language_of, page


async def _page(
    request: AnyRequest, db: Database, clock: Clock, typed: Daypart | None = None, refusal: Refused | None = None
) -> Response[Any]:
    async with db.transaction() as tx:
        at = await place(request, tx)
        of = await opened(tx, at)
    return page(
        request,
        "food/office_times.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        parts=list(of.dayparts),
        typed=typed,
        refusal=refusal,
        clock=at_clock,
        local=of.local(clock.now()),
        day_names=[days_spoken((day,), language_of(request)) for day in EVERY_DAY],
    )


@get("/office/menu/times", guards=EDIT, summary="Parts of the day")
async def show(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """All of them, each with its form."""
    return await _page(request, db, clock)


@post("/office/menu/times", guards=EDIT, summary="Save a part of the day")
async def save(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Add one, or change one: its dishes follow."""
    form = await request.form()
    starts, ends = (minute_of(str(form.get(name, ""))[:5]) for name in ("starts", "ends"))
    days = tuple(day for day in EVERY_DAY if str(day) in form.getall("days", []))
    typed = Daypart(
        id=str(form.get("id", "")),
        name=" ".join(str(form.get("name", "")).split()),
        name_zh=" ".join(str(form.get("name_zh", "")).split()),
        starts=starts or 0,
        ends=ends or 0,
        days=days,
    )
    try:
        if starts is None or ends is None:
            raise Invalid("Write from when until when, such as 07:00 and 11:00.")
        async with db.transaction() as tx:
            at = await place(request, tx)
            await opened(tx, at)
            await parts_of_day.save(tx, at.store.id, typed)
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="changed_daypart",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
                detail={"name": typed.name, "is": typed.spoken("en")},
            )
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, clock, typed, refusal)
    return Redirect("/office/menu/times", status_code=HTTP_303_SEE_OTHER)


@post("/office/menu/times/{part_id:str}/remove", guards=EDIT, summary="Remove a part of the day")
async def remove(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], part_id: FromPath[str]
) -> Response[Any]:
    """Only one that nothing is limited to."""
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            await parts_of_day.remove(tx, at.store.id, part_id)
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="removed_daypart",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
                detail={"part": part_id},
            )
    except Conflict as refusal:
        return await _page(request, db, clock, None, refusal)
    return Redirect("/office/menu/times", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show, save, remove])
