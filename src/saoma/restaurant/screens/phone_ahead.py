"""A guest who ordered ahead scans a table: their food is offered to be brought there, to their own phone only.

It stays an order of its own, paid on its own page; the table's bill knows nothing of it."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NOTHING_HERE, NotFound
from saoma.restaurant.ordered_ahead import AheadOrders
from saoma.restaurant.screens.phone import back_to_table, follow, ordered_before
from saoma.restaurant.visits import AnyRequest, Moved, visit


@post("/t/{code:str}/ahead/{order_id:str}", status_code=200, summary="Bring what was ordered ahead to this table")
async def bring(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    ordered_ahead: NamedDependency[AheadOrders],
    code: FromPath[str],
    order_id: FromPath[str],
) -> Response[Any]:
    """The kitchen's ticket and the staff's list name the table now. Another table may be named later the same way."""
    async with db.transaction() as tx:
        seen = await visit(request, tx, code)
        mine = await ordered_before(request, tx, ordered_ahead, seen, clock.now())
        if order_id not in {one.id for one in mine}:
            raise NotFound(NOTHING_HERE)
        await ordered_ahead.bring(tx, order_id, seen.place.table_name, clock.now())
    return back_to_table(request, code)


router = Router(path="/", route_handlers=[bring], exception_handlers={Moved: follow})
