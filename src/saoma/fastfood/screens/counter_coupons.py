"""A coupon at the counter: the code a customer shows, used on the order that stands on the screen.

An order that costs nothing any more needs no payment: it is sent to the kitchen by a press of its own."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.fastfood import counter
from saoma.fastfood.screens.counter import MAY, after, show
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Refused


@post("/counter/orders/{order_id:str}/coupon", guards=MAY, status_code=200, summary="Enter a coupon at the counter")
async def coupon(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Use a code that a customer shows. The same code again changes nothing."""
    async with db.reading() as rows:
        order = await counter.order_at(rows, (await standing_at(request, rows)).store.id, order_id)
    try:
        async with db.transaction() as tx:
            code = str((await request.form()).get("coupon", ""))[:64]
            await counter.enter_coupon(tx, order.id, code, clock.now())
    except Refused as refusal:
        return await show(request, db, order.id, refusal=refusal)
    return await after(request, db, order)


@post("/counter/orders/{order_id:str}/free", guards=MAY, status_code=200, summary="Nothing to pay: to the kitchen")
async def free(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """Send an order that discounts made free to the kitchen. Pressed twice, it is sent once."""
    async with db.reading() as rows:
        order = await counter.order_at(rows, (await standing_at(request, rows)).store.id, order_id)
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            if await counter.give_free(tx, order.id, at.staff.id, clock.now()):
                await audit.note(
                    tx, clock, who=at.staff.id, what="gave_free", subject=order.id, merchant_id=at.store.merchant_id
                )
    except Refused as refusal:
        return await show(request, db, order.id, refusal=refusal)
    return await after(request, db, order)


router = Router(path="/", route_handlers=[coupon, free])
