"""A coupon's code and points on a customer's basket, before the order is placed.

Points are a buyer's: only a phone whose buyer Alipay has told us sees and spends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, NotAllowed, Refused
from saoma.online import benefits
from saoma.online.model import OnlineOrder
from saoma.online.reckoning import NOTHING_CHOSEN
from saoma.online.screens.customer import show_basket
from saoma.online.visits import AnyRequest, Visit, visit

POINTS_IN_ALIPAY: Final = "Open this page in Alipay to use your points."


async def _use(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    code: str,
    work: Callable[[Transaction, OnlineOrder, Visit], Awaitable[Any]],
    typed: str = "",
) -> Response[Any]:
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
    try:
        if seen.order is None or not seen.basket:
            raise Conflict(NOTHING_CHOSEN)
        async with db.transaction() as tx:
            await work(tx, seen.order, seen)
    except Refused as refusal:
        return await show_basket(request, db, clock, code, refusal, typed)
    return await show_basket(request, db, clock, code)


@post("/order/{code:str}/coupon", status_code=200, summary="Use a coupon's code on an order ahead")
async def coupon(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Use a code on the basket. The same code again changes nothing."""
    typed = str((await request.form()).get("coupon", ""))[:64]

    async def work(tx: Transaction, order: OnlineOrder, seen: Visit) -> None:
        await benefits.enter_coupon(tx, order.id, typed, clock.now(), seen.at, seen.buyer)

    return await _use(request, db, clock, code, work, typed)


@post("/order/{code:str}/points", status_code=200, summary="Use points on an order ahead, or keep them")
async def points(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Spend the buyer's points on the basket; with `keep` they are not spent after all. Repeats are harmless."""
    keep = bool((await request.form()).get("keep", ""))

    async def work(tx: Transaction, order: OnlineOrder, seen: Visit) -> None:
        if not seen.buyer:
            raise NotAllowed(POINTS_IN_ALIPAY)
        change = benefits.keep_points if keep else benefits.use_points
        await change(tx, order.id, clock.now(), seen.at, seen.buyer)

    return await _use(request, db, clock, code, work)


router = Router(path="/", route_handlers=[coupon, points])
