"""Where an order is brought: the area with its fee, the address, whom to call. Before placing it.

Nobody looks an address up: the area is picked by name, or found from the place that the phone shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.delivery.asking import asked
from saoma.delivery.quoting import offered
from saoma.delivery.zones import Point
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.online import bringing
from saoma.online.model import Mode, Status
from saoma.online.screens.customer import context_of
from saoma.online.visits import AnyRequest, Visit, keep, order_path, visit
from saoma.web.page import page


@dataclass(frozen=True)
class Typed:
    """What was typed and refused, to be shown again as it was."""

    zone_id: str
    street: str
    door: str
    note: str
    name: str
    phone: str

    @property
    def point(self) -> Point | None:
        """The phone's place is asked for again."""
        return None


async def _page(
    request: AnyRequest, rows: Rows, seen: Visit, refusal: Refused | None = None, typed: Typed | None = None
) -> Response[Any]:
    assert seen.order is not None
    known = await bringing.planned(rows, seen.order)
    context = context_of(seen) | {
        "zones": await offered(rows, seen.offer.store_id),
        "cost": await bringing.dishes_cost(rows, seen.order),
        "planned": typed or known,
        "refusal": refusal,
    }
    return page(request, "online/bring.html", status_code=refusal.status if refusal else 200, **context)


@get("/order/{code:str}/bring", summary="Where to bring it")
async def show_bring(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Areas with their fees, and the address."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code, clock.now())
        if seen.order is None or not seen.basket or Mode.BRING not in seen.offer.modes:
            return Redirect(seen.root, status_code=HTTP_303_SEE_OTHER)
        if seen.order.status is not Status.CHOOSING:
            return Redirect(order_path(seen.offer, seen.order), status_code=HTTP_303_SEE_OTHER)
        return await _page(request, rows, seen)


@post("/order/{code:str}/bring", summary="Keep where to bring it")
async def keep_bring(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The address and what it costs; then on to the page that places the order. Nothing is promised yet."""
    form, now = await request.form(), clock.now()
    said = {name: str(value) for name, value in form.items() if isinstance(value, str)}
    async with db.reading() as rows:
        seen = await visit(request, rows, code, now)
        if seen.order is None or not seen.basket or Mode.BRING not in seen.offer.modes:
            return Redirect(seen.root, status_code=HTTP_303_SEE_OTHER)
        try:
            wanted = await asked(rows, seen.offer.store_id, said, await bringing.dishes_cost(rows, seen.order))
            async with db.transaction() as tx:
                await bringing.lay_plan(tx, seen.order.id, wanted, now)
        except (Invalid, Conflict) as refusal:
            fields = ("street", "door", "note", "name", "phone")
            typed = Typed(zone_id=said.get("zone", ""), **{field: said.get(field, "") for field in fields})
            return await _page(request, rows, seen, refusal, typed)
    keep(request, seen.offer.store_id, mode=Mode.BRING.value)
    return Redirect(f"{seen.root}/place", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show_bring, keep_bring])
