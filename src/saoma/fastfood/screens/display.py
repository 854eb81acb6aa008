"""The customers' screen at a counter: what was chosen, what it costs, the code to scan, the number to wait for.

It follows the cashier who opened it, on whatever device: it shows the order that person touched last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency

from saoma.fastfood import counter
from saoma.fastfood.model import KIND, CounterOrder, OrderStatus
from saoma.fastfood.screens.counter import MAY
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.discounts import discounts_of
from saoma.identity.counters import AnyRequest, standing_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.payments.of_payable import payments_for
from saoma.web.page import fragment, page, wants_fragment

#: An order that nobody touched for so long is no longer the customer's who stands there.
FORGOTTEN: Final = timedelta(minutes=10)
#: For so long the number stays, unless the next order begins.
THANKS: Final = timedelta(minutes=2)

_LAST: Final = f"""
SELECT {counter.COLUMNS} FROM counter_orders
WHERE store_id = %(store)s AND opened_by = %(staff)s AND opened_at > %(today)s AND changed_at > %(since)s
ORDER BY changed_at DESC, sequence DESC LIMIT 1
"""  # noqa: S608


@get("/counter/display", guards=MAY, summary="The customers' screen at the counter")
async def show_display(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """The screen, or its moving part alone for htmx."""
    now = clock.now()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        asked = {"store": at.store.id, "staff": at.staff.id, "since": now - FORGOTTEN, "today": now - timedelta(days=1)}
        order = await rows.maybe(CounterOrder, _LAST, asked)
        if order is not None and (
            order.status is OrderStatus.CANCELLED or (order.fired_at is not None and order.fired_at < now - THANKS)
        ):
            order = None
        context: dict[str, Any] = {"at": at, "order": order, "lines": [], "running": None, "zone": at.store.zone}
        if order is not None:
            lines = await ordering.lines(rows, order.tab_id)
            context["lines"] = [line for line in lines if line.status is not LineStatus.VOID]
            context["discounts"] = await discounts_of(rows, order.tab_id)
            context["account"] = await counter.account(rows, order, lines)
            context["running"] = next((one for one in await payments_for(rows, KIND, order.id) if one.open), None)
    if wants_fragment(request):
        return fragment(request, "fastfood/display.html", "display", **context)
    return page(request, "fastfood/display.html", **context)


router = Router(path="/", route_handlers=[show_display])
