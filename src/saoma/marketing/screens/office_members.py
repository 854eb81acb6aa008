"""Members with points, how points are earned, and segments of buyers that offers may be for.

An Alipay user ID is personal: it is shown shortened, and lists are written by people who have them already."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.menu import menu
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound, Refused
from saoma.kit.money import Money
from saoma.marketing import points, segments
from saoma.web.page import page

_EDIT = [needs(May.EDIT_OFFERS)]


def shortened(buyer_id: str) -> str:
    """Enough of an Alipay user ID to know it again, not enough to use it."""
    return f"{buyer_id[:4]}…{buyer_id[-4:]}" if len(buyer_id) > 8 else buyer_id


async def _page(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> Response[Any]:
    now = clock.now()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        try:
            currency = (await menu(rows, at.store.id)).currency
        except NotFound:
            currency = "USD"
        every = await segments.segments(rows, at.store.id)
        sizes = {one.id: len(await segments.members(rows, one, now)) for one in every}
        rule = await points.rule(rows, at.store.id)
        known = await points.members(rows, at.store.id, now)
    return page(
        request,
        "marketing/office_members.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        segments=every,
        sizes=sizes,
        rule=rule,
        members=known,
        refusal=refusal,
        zone=at.store.zone,
        shortened=shortened,
        worth=lambda number: Money(number, currency),
    )


@get("/office/members", guards=_EDIT, summary="Members, points and segments")
async def show(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Who collects points, how, and the segments."""
    return await _page(request, db, clock)


def _whole(form: Any, name: str, least: int, most: int, refusal: str) -> int:
    text = str(form.get(name, "")).strip()
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Invalid(refusal)
    return int(text)


@post("/office/members/points", guards=_EDIT, status_code=200, summary="How points are earned")
async def set_points(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """So many percent of what is paid, good for so many days; holds for what is paid from now on."""
    form = await request.form()
    try:
        new = points.Rule(
            basis_points=100 * _whole(form, "percent", 1, 50, "Write a whole percentage from 1 to 50."),
            days=_whole(form, "days", 1, 3650, "Write whole days from 1 to 3650."),
            running=bool(form.get("running")),
        )
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await points.set_rule(tx, at.store.id, new)
            await points.expire(tx, at.store.id, clock.now())
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="changed_points",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
                detail={"basis_points": new.basis_points, "days": new.days, "running": new.running},
            )
    except Invalid as refusal:
        return await _page(request, db, clock, refusal)
    return Redirect("/office/members", status_code=HTTP_303_SEE_OTHER)


@post("/office/members/segments", guards=_EDIT, status_code=200, summary="A new segment")
async def add_segment(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """A list of buyers, or a rule over the store's own payments."""
    form = await request.form()
    try:
        rule = str(form.get("rule", ""))
        buyers = str(form.get("buyers", "")).split()
        if any(not buyer.isalnum() or len(buyer) > 40 for buyer in buyers) or len(buyers) > 10_000:
            raise Invalid("Write Alipay user IDs of digits, one on each line, at most 10000.")
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            made = await segments.add_segment(
                tx,
                at.store.id,
                str(form.get("name", "")),
                str(form.get("name_zh", "")),
                rule,
                _whole(form, "within", 1, 3650, "Write whole days from 1 to 3650."),
                _whole(form, "times", 1, 1000, "Write how many times, from 1 to 1000."),
                buyers,
            )
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="made_segment",
                subject=made.id,
                merchant_id=at.store.merchant_id,
                detail={"name": made.name, "rule": rule, "buyers": len(buyers)},
            )
    except Refused as refusal:
        return await _page(request, db, clock, refusal)
    return Redirect("/office/members", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show, set_points, add_segment])
