"""Moving a party to another table at the till, putting two tables' bills together, and noting who waits for the bill.

A table that is taken is offered with its bill: choosing it says that the two pay together."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.restaurant import moving, sittings
from saoma.restaurant.bills import free_tables, open_bills
from saoma.restaurant.screens.till import bill_again, bill_at, path_to, show_pane

_MAY: Final = [needs(May.TAKE_ORDERS)]
CHOOSE: Final = "Choose a table."


async def _pane(request: AnyRequest, db: Database, sitting_id: str, refusal: Refused | None = None) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        context: dict[str, Any] = {
            "at": at,
            "sitting": sitting,
            "table": table,
            "bill": await sittings.bill_of(rows, sitting),
            "free": await free_tables(rows, at.store.id),
            "others": [tile for tile in await open_bills(rows, at.store.id) if tile.sitting_id != sitting_id],
            "refusal": refusal,
        }
    where = f"{path_to(sitting_id)}/move"
    status = refusal.status if refusal else 200
    return await show_pane(
        request, db, "restaurant/till_move.html", where, context, sitting_id=sitting_id, status_code=status
    )


@get("/till/bills/{sitting_id:str}/move", guards=_MAY, summary="Where a table could go")
async def show(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """Free tables, and the bills of others to put this one together with."""
    return await _pane(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/move", guards=_MAY, status_code=200, summary="Move a table, or join two")
async def move(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Do it: `to` is `table:<id>` or `bill:<id>`. Pressed twice, it is done once."""
    kind, _, id = str((await request.form()).get("to", "")).partition(":")
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            before, _ = await bill_at(tx, at, sitting_id)
            match kind:
                case "table":
                    after = await moving.move(tx, at.store.id, sitting_id, id)
                case "bill":
                    await bill_at(tx, at, id)
                    after = await moving.merge(tx, at.store.id, sitting_id, id, clock.now(), by=at.staff.id)
                case _:
                    raise Invalid(CHOOSE)
            if before.is_open and (after.id != before.id or after.table_id != before.table_id):
                await audit.note(
                    tx,
                    clock,
                    who=at.staff.id,
                    what="moved_table" if kind == "table" else "joined_bills",
                    subject=sitting_id,
                    merchant_id=at.store.merchant_id,
                    detail={"from": before.table_id, "to": after.table_id, "bill": after.id},
                )
    except (Conflict, Invalid) as refusal:
        return await _pane(request, db, sitting_id, refusal)
    return await bill_again(request, db, after.id)


@post("/till/bills/{sitting_id:str}/ask", guards=_MAY, status_code=200, summary="Somebody waits for the bill")
async def ask_for_bill(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Show every till that this table waits for its bill (`asked=yes`), or that it was brought (`asked=no`)."""
    asked = str((await request.form()).get("asked", "")) == "yes"
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await bill_at(tx, at, sitting_id)
        await sittings.ask_for_bill(tx, sitting_id, clock.now() if asked else None)
    return await bill_again(request, db, sitting_id)


router = Router(path="/", route_handlers=[show, move, ask_for_bill])
