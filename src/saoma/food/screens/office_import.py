"""A whole menu from a file and to a file. A faulty file is shown line by line, and nothing of it goes in."""

from __future__ import annotations

from typing import Any, assert_never

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.editing import Stored
from saoma.food.menus.example import EXAMPLE
from saoma.food.menus.importing import COLUMNS, MOST_BYTES, Unreadable, export_menu, import_menu
from saoma.food.menus.menu_csv import write_csv
from saoma.food.places import place
from saoma.food.screens.office_menu import EDIT, opened
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.web.page import page


async def _page(
    request: AnyRequest, db: Database, found: Unreadable | None = None, file_name: str = "", problem: str = ""
) -> Response[Any]:
    async with db.reading() as rows:
        at = await place(request, rows)
    return page(
        request,
        "food/office_import.html",
        status_code=422 if found or problem else 200,
        at=at,
        found=found,
        file_name=file_name,
        problem=problem,
        columns=COLUMNS,
        zone=at.store.zone,
    )


@get("/office/menu/import", guards=EDIT, summary="Import a menu")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Choose a file."""
    return await _page(request, db)


@post("/office/menu/import", guards=EDIT, request_max_body_size=2 * MOST_BYTES, summary="Import a file")
async def take(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """All of it goes in, or the page says line by line why not."""
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return await _page(request, db, problem="Choose a file first.")
    content = await file.read()
    async with db.transaction() as tx:
        at = await place(request, tx)
        await opened(tx, at)
    retire = form.get("retire_others") == "on"
    found = await import_menu(db, at.store.id, content, file.filename, retire_others=retire, by=at.staff.name)
    match found:
        case Unreadable():
            return await _page(request, db, found, file.filename)
        case Stored():
            counts = {"added": found.added, "changed": found.changed, "retired": found.retired}
            async with db.transaction() as tx:
                await audit.note(
                    tx,
                    clock,
                    who=at.staff.id,
                    what="imported_menu",
                    subject=at.store.id,
                    merchant_id=at.store.merchant_id,
                    detail={"file": file.filename, **counts},
                )
            query = "&".join(f"{name}={count}" for name, count in counts.items())
            return Redirect(f"/office/menu?{query}", status_code=HTTP_303_SEE_OTHER)
        case _:
            assert_never(found)


@get("/office/menu/export.csv", guards=EDIT, summary="The menu as CSV")
async def as_csv(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """What a spreadsheet opens and the import reads back."""
    return await _export(request, db, as_json=False)


@get("/office/menu/export.json", guards=EDIT, summary="The menu as JSON")
async def as_json(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """The same for programs."""
    return await _export(request, db, as_json=True)


@get("/office/menu/example.csv", guards=EDIT, summary="An example of a file")
async def example(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """A small menu in the shop's currency with every column in use; it can be imported as it is."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        currency = (await opened(tx, at)).currency
    return _file(write_csv(EXAMPLE, currency).encode("utf-8-sig"), "text/csv; charset=utf-8", "menu-example.csv")


async def _export(request: AnyRequest, db: Database, *, as_json: bool) -> Response[bytes]:
    async with db.transaction() as tx:
        at = await place(request, tx)
        await opened(tx, at)
        content = await export_menu(tx, at.store.id, as_json=as_json)
    kind, form = ("application/json", "json") if as_json else ("text/csv; charset=utf-8", "csv")
    return _file(content, kind, f"menu.{form}")


def _file(content: bytes, kind: str, name: str) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


router = Router("/", route_handlers=[show, take, as_csv, as_json, example])
