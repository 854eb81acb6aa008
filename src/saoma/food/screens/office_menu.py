"""The office's menu: everything on it at a glance, one tap to sell out, hide or move, and its sections.

Each change is noted in the audit trail and shows on every phone at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.dayparts import CHANNELS
from saoma.food.menus import arranging, editing, undo
from saoma.food.menus.drafts import SectionDraft
from saoma.food.menus.menu import menu, open_menu, set_sold_out
from saoma.food.model import Menu
from saoma.food.orders.courses import COURSE_NAMES
from saoma.food.places import Place, place
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.web.page import fragment, page

EDIT = [needs(May.EDIT_MENU)]
#: What the last change may have been, as the step back calls it.
CHANGES = {
    "added_section": "a section was added",
    "changed_section": "a section was changed",
    "removed_section": "a section was removed",
    "moved_section": "a section was moved",
    "moved_item": "a dish was moved",
    "hid_item": "a dish was hidden",
    "showed_item": "a dish was shown",
    "marked_sold_out": "a dish was marked sold out",
    "marked_back_on": "a dish was marked available",
    "added_item": "a dish was added",
    "changed_item": "a dish was changed",
    "removed_item": "a dish was removed",
    "changed_many": "many dishes were changed",
    "imported_menu": "a file was imported",
}
Work = Callable[[Transaction, Place], Awaitable[str]]


async def menu_here(rows: Rows, at: Place) -> Menu | None:
    """The store's menu, or None before its first."""
    try:
        return await menu(rows, at.store.id)
    except NotFound:
        return None


async def opened(tx: Transaction, at: Place) -> Menu:
    """The store's menu; an empty one in the merchant's currency is made when there is none."""
    merchant = await model.merchant(tx, at.store.merchant_id)
    await open_menu(tx, at.store.id, merchant.currency)
    return await menu(tx, at.store.id)


def found_by(of: Menu | None, request: AnyRequest) -> Menu | None:
    """What of the menu has the words somebody looks for (`?q=`) in a name or its code; all of it without any."""
    words = request.query_params.get("q", "").strip().lower()[:80]
    if of is None or not words:
        return of
    sections = []
    for section in of.sections:
        items = tuple(item for item in section.items if words in f"{item.name} {item.name_zh} {item.code}".lower())
        if items:
            sections.append(msgspec.structs.replace(section, items=items))
    return msgspec.structs.replace(of, sections=tuple(sections))


async def whole_page(request: AnyRequest, db: Database, refusal: Refused | None = None) -> Response[Any]:
    """The list, perhaps with the reason why the last change was refused."""
    async with db.reading() as rows:
        at = await place(request, rows)
        shown = await menu_here(rows, at)
        every = await editing.stations(rows, at.store.id)
        step = await undo.last_step(rows, at.store.id)
    return page(
        request,
        "food/office_menu.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        menu=found_by(shown, request),
        step=step,
        changes=CHANGES,
        stations={one.id: one for one in every},
        refusal=refusal,
        known_channels=CHANNELS,
        courses=COURSE_NAMES,
        zone=at.store.zone,
    )


async def changed(request: AnyRequest, db: Database, clock: Clock, what: str, work: Work) -> Response[Any]:
    """Do one thing and note who did it. htmx gets the list alone, a plain form the page; a refusal says why."""
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            await opened(tx, at)
            await undo.remember(tx, at.store.id, what, at.staff.name)
            subject = await work(tx, at)
            await audit.note(tx, clock, who=at.staff.id, what=what, subject=subject, merchant_id=at.store.merchant_id)
    except (Invalid, Conflict) as refusal:
        if request.headers.get("HX-Request") == "true":
            raise
        return await whole_page(request, db, refusal)
    if request.headers.get("HX-Request") != "true":
        return Redirect("/office/menu", status_code=HTTP_303_SEE_OTHER)
    return await show_list(request, db)


async def show_list(request: AnyRequest, db: Database) -> Response[Any]:
    """The list alone."""
    async with db.reading() as rows:
        at = await place(request, rows)
        shown = await menu_here(rows, at)
        every = await editing.stations(rows, at.store.id)
        step = await undo.last_step(rows, at.store.id)
    stations = {one.id: one for one in every}
    context: dict[str, Any] = {"stations": stations, "known_channels": CHANNELS, "courses": COURSE_NAMES}
    context |= {"step": step, "changes": CHANGES, "menu": found_by(shown, request)}
    return fragment(request, "food/office_menu.html", "list", at=at, **context)


@get("/office/menu", guards=EDIT, summary="The menu")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Every dish by section."""
    return await whole_page(request, db)


@get("/office/menu/list", guards=EDIT, summary="The menu's list alone")
async def listed(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """What the page fetches when somebody else changed the menu."""
    return await show_list(request, db)


@post("/office/menu/sections", guards=EDIT, status_code=200, summary="Add a section")
async def add_section(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """A heading with no dishes yet."""
    draft = await _section_draft(request)

    async def work(tx: Transaction, at: Place) -> str:
        return await editing.save_section(tx, at.store.id, draft)

    return await changed(request, db, clock, "added_section", work)


@post("/office/menu/sections/{section_id:str}", guards=EDIT, status_code=200, summary="Change a section")
async def edit_section(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], section_id: FromPath[str]
) -> Response[Any]:
    """Its names, its station, whether guests see it."""
    draft = await _section_draft(request)

    async def work(tx: Transaction, at: Place) -> str:
        return await editing.save_section(tx, at.store.id, draft, section_id)

    return await changed(request, db, clock, "changed_section", work)


async def _section_draft(request: AnyRequest) -> SectionDraft:
    form = await request.form()

    def text(name: str) -> str:
        return " ".join(str(form.get(name, "")).split())

    return SectionDraft(
        name=text("name"),
        name_zh=text("name_zh"),
        station=text("station"),
        hidden=form.get("hidden") == "on",
        course=text("course"),
        channels=tuple(word for word in CHANNELS if word in form.getall("channels", [])),
        dayparts=tuple(str(name) for name in form.getall("dayparts", [])),
    )


@post("/office/menu/sections/{section_id:str}/remove", guards=EDIT, status_code=200, summary="Remove a section")
async def remove_section(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], section_id: FromPath[str]
) -> Response[Any]:
    """Only an empty one goes."""

    async def work(tx: Transaction, at: Place) -> str:
        await editing.remove_section(tx, at.store.id, section_id)
        return section_id

    return await changed(request, db, clock, "removed_section", work)


@post("/office/menu/sections/{section_id:str}/move", guards=EDIT, status_code=200, summary="Move a section")
async def move_section(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], section_id: FromPath[str]
) -> Response[Any]:
    """One place up or down."""
    up = (await request.form()).get("where") == "up"

    async def work(tx: Transaction, at: Place) -> str:
        await arranging.move_section(tx, at.store.id, section_id, up=up)
        return section_id

    return await changed(request, db, clock, "moved_section", work)


@post("/office/menu/items/{item_id:str}/move", guards=EDIT, status_code=200, summary="Move a dish")
async def move_item(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """One place up or down in its section."""
    up = (await request.form()).get("where") == "up"

    async def work(tx: Transaction, at: Place) -> str:
        await arranging.move_item(tx, at.store.id, item_id, up=up)
        return item_id

    return await changed(request, db, clock, "moved_item", work)


@post("/office/menu/items/{item_id:str}/place", guards=EDIT, status_code=200, summary="Drop a dish somewhere")
async def place_item(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Before another dish, or at the end of a section."""
    form = await request.form()
    section_id, before = str(form.get("section", "")), str(form.get("before", ""))

    async def work(tx: Transaction, at: Place) -> str:
        await arranging.place_item(tx, at.store.id, item_id, section_id, before)
        return item_id

    return await changed(request, db, clock, "moved_item", work)


@post("/office/menu/items/{item_id:str}/hidden", guards=EDIT, status_code=200, summary="Hide or show a dish")
async def hide_item(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Guests see it or not; nothing else changes."""
    hidden = (await request.form()).get("hidden") == "yes"

    async def work(tx: Transaction, at: Place) -> str:
        await editing.set_hidden(tx, at.store.id, item_id, hidden=hidden)
        return item_id

    return await changed(request, db, clock, "hid_item" if hidden else "showed_item", work)


@post("/office/menu/items/{item_id:str}/sold-out", guards=EDIT, status_code=200, summary="Sell a dish out")
async def sell_out(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """One tap here, as in the kitchen."""
    gone = (await request.form()).get("sold_out") == "yes"

    async def work(tx: Transaction, at: Place) -> str:
        if (await menu(tx, at.store.id)).item(item_id) is None:
            raise NotFound("This dish is no longer on the menu.")
        await set_sold_out(tx, item_id, sold_out=gone)
        return item_id

    return await changed(request, db, clock, "marked_sold_out" if gone else "marked_back_on", work)


router = Router(
    "/",
    route_handlers=[
        show,
        listed,
        add_section,
        edit_section,
        remove_section,
        move_section,
        move_item,
        place_item,
        hide_item,
        sell_out,
    ],
)
