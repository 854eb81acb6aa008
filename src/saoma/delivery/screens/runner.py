"""The runner's phone: what is ready at the pass for which table, taken once, brought, and then served.

It shows only what can be carried; what still cooks is the pass's business."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.delivery import running
from saoma.food.places import place
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.web.page import fragment, page

_MAY: Final = [needs(May.CARRY_DISHES)]


async def _shown(request: AnyRequest, db: Database) -> dict[str, Any]:
    async with db.reading() as rows:
        at = await place(request, rows)
        tables = await running.at_the_pass(rows, at.store.id)
    mine = at.staff.id
    return {
        "at": at,
        "mine": [table for table in tables if table.runner_id == mine],
        "ready": [table for table in tables if not table.runner_id],
        "others": [table for table in tables if table.runner_id not in ("", mine)],
        "zone": at.store.zone,
    }


async def _answer(request: AnyRequest, db: Database) -> Response[Any]:
    return fragment(request, "delivery/runner.html", "tables", **await _shown(request, db))


@get("/runner", guards=_MAY, summary="Dishes to carry")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The whole screen."""
    return page(request, "delivery/runner.html", **await _shown(request, db))


@get("/runner/tables", guards=_MAY, summary="The tables to carry to, alone")
async def show_tables(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """What the screen fetches when something changed."""
    return await _answer(request, db)


@post("/runner/tabs/{tab_id:str}/take", guards=_MAY, status_code=200, summary="Take a table's dishes")
async def take(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], tab_id: FromPath[str]
) -> Response[Any]:
    """The dishes this press saw; whoever was quicker has them."""
    lines = [str(line) for line in (await request.form()).getall("line", [])]
    async with db.transaction() as tx:
        at = await place(request, tx)
        await running.take(tx, at.store.id, tab_id, lines, at.staff, clock.now())
    return await _answer(request, db)


@post("/runner/tabs/{tab_id:str}/brought", guards=_MAY, status_code=200, summary="They are on the table")
async def brought(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], tab_id: FromPath[str]
) -> Response[Any]:
    """What this runner carried there is served."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        await running.brought(tx, at.store.id, tab_id, at.staff, clock.now())
    return await _answer(request, db)


@post("/runner/tabs/{tab_id:str}/put-back", guards=_MAY, status_code=200, summary="Put them back")
async def put_back(request: AnyRequest, db: NamedDependency[Database], tab_id: FromPath[str]) -> Response[Any]:
    """They stand at the pass again."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        await running.put_back(tx, at.store.id, tab_id, at.staff)
    return await _answer(request, db)


router = Router("/", route_handlers=[show, show_tables, take, brought, put_back])
