"""One change to many dishes: choose them, see what would happen, do it; and the step back.

Pressed twice it is done once: what a preview promised no longer fits the menu that has it already."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.dayparts import CHANNELS
from saoma.food.menus import bulk, undo
from saoma.food.menus.menu import menu, offered
from saoma.food.places import place
from saoma.food.screens.office_menu import EDIT, opened, whole_page
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.money import exponent
from saoma.web.page import page


async def _page(
    request: AnyRequest,
    db: Database,
    *,
    said: dict[str, Any],
    made: list[bulk.Change] | None = None,
    refusal: Refused | None = None,
) -> Response[Any]:
    async with db.transaction() as tx:
        at = await place(request, tx)
        of = await opened(tx, at)
    return page(
        request,
        "food/office_many.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        menu=of,
        kinds=bulk.KINDS,
        steps=[(step, f"{step / 10 ** exponent(of.currency):.{exponent(of.currency)}f}") for step in bulk.STEPS],
        said=said,
        made=made,
        seen=bulk.signed(made) if made is not None else "",
        refusal=refusal,
    )


@get("/office/menu/many", guards=EDIT, summary="Change many dishes")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Choose dishes, and what to do to them."""
    return await _page(request, db, said={"ids": [], "kind": "percent", "by": "", "step": "5"})


@post("/office/menu/many", guards=EDIT, status_code=200, summary="See and make a change to many dishes")
async def change(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """The first time it shows what would happen; with what was seen (`seen`) it does it."""
    form = await request.form()
    said: dict[str, Any] = {name: str(form.get(name, "")) for name in ("kind", "by", "step")}
    said["ids"] = [str(one) for one in form.getall("ids", [])]
    seen = str(form.get("seen", ""))
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            await opened(tx, at)
            if seen:
                await undo.remember(tx, at.store.id, "changed_many", at.staff.name)
            of = await menu(tx, at.store.id)
            made = bulk.changes(of, said["ids"], bulk.wish(said["kind"], said["by"], said["step"], of.currency))
            if not said["ids"]:
                raise Invalid("Choose at least one dish.")
            if not made:
                raise Invalid("This changes nothing: the dishes are like that already.")
            if seen and seen != bulk.signed(made):
                raise Conflict("The menu changed meanwhile. Look at what would happen now, then press again.")
            if seen:
                count = await bulk.carry_out(tx, at.store.id, made)
                await audit.note(
                    tx,
                    clock,
                    who=at.staff.id,
                    what="changed_many",
                    subject=at.store.id,
                    merchant_id=at.store.merchant_id,
                    detail={"kind": said["kind"], "by": said["by"], "dishes": count},
                )
    except Invalid as refusal:
        return await _page(request, db, said=said, refusal=refusal)
    except Conflict as refusal:
        return await _page(request, db, said=said, made=made, refusal=refusal)
    if seen:
        return Redirect("/office/menu?saved=many", status_code=HTTP_303_SEE_OTHER)
    return await _page(request, db, said=said, made=made)


@post("/office/menu/undo", guards=EDIT, summary="Take the last change back")
async def take_back(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """The menu as it was before it. Only the change that was seen: not one that somebody made since."""
    seen = str((await request.form()).get("seen", ""))[:40]
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            step = await undo.take_back(tx, at.store.id, seen)
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="took_back_change",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
                detail={"change": step.what, "by": step.by},
            )
    except Conflict as refusal:
        return await whole_page(request, db, refusal)
    return Redirect("/office/menu?saved=undone", status_code=HTTP_303_SEE_OTHER)


@get("/office/menu/preview", guards=EDIT, summary="The menu as a diner sees it")
async def preview(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Through one channel, at one hour of today; nothing can be ordered here."""
    asked = request.query_params.get("channel", "table")
    channel = asked if asked in CHANNELS else "table"
    async with db.reading() as rows:
        at = await place(request, rows)
        whole = await menu(rows, at.store.id)
        local = whole.local(clock.now())
        hour = request.query_params.get("hour", "")
        if hour.isascii() and hour.isdecimal() and int(hour) < 24:
            local = local.replace(hour=int(hour), minute=0)
        shown = await offered(rows, at.store.id, channel, local)
    return page(
        request,
        "food/office_preview.html",
        at=at,
        menu=shown,
        channel=channel,
        channels=CHANNELS,
        hour=hour,
        local=local,
        key="preview",
    )


router = Router("/", route_handlers=[show, change, take_back, preview])
