"""The pickup board above a counter: numbers being made, numbers that are ready, and what sells best right now.

Anybody may look: it says what hangs on the wall, numbers and dishes, never who or how much."""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.fastfood import board
from saoma.food.orders.calling import CallsOf
from saoma.identity import model
from saoma.kit.db import Database
from saoma.web.page import fragment, page

AnyRequest: TypeAlias = Request[Any, Any, Any]


@get("/board/{store_id:str}", summary="The pickup board")
async def show_board(
    request: AnyRequest, db: NamedDependency[Database], board_calls: NamedDependency[CallsOf], store_id: FromPath[str]
) -> Response[Any]:
    """The board, or its moving part alone for htmx. Raises `NotFound` for no such store."""
    async with db.reading() as rows:
        store = await model.store(rows, store_id)
        context: dict[str, Any] = {
            "store": store,
            "numbers": await board.on_the_wall(rows, store.id, board_calls),
            "best": await board.best_sellers(rows, store.id, store.zone),
            "zone": store.zone,
        }
    headers = {"Cache-Control": "no-store"}
    if request.headers.get("HX-Request") == "true":
        return fragment(request, "fastfood/board.html", "board", headers=headers, **context)
    return page(request, "fastfood/board.html", headers=headers, **context)


router = Router(path="/", route_handlers=[show_board])
