"""Counter orders that were taken while the server could not be reached: handed to `food.offline` in app.py.

They become open orders with a number of their own; nothing is paid, so nothing goes to the kitchen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from saoma.fastfood import counter
from saoma.fastfood.forms import channel_in
from saoma.food.orders.offline import Landed, OfflineOrder, Place
from saoma.food.orders.offline_content import Found
from saoma.kit.db import Rows, Transaction


class CounterOrders:
    """The `Replayer` of the kind `counter`."""

    async def places(self, rows: Rows, store_id: str) -> list[Place]:
        """A counter order needs no place."""
        return []

    async def put(
        self, tx: Transaction, of: OfflineOrder, dishes: Sequence[Found], now: datetime, *, anew: bool
    ) -> Landed:
        """Begin an order that waits to be paid; its customer knows it by the provisional number."""
        own = f"{of.device_id}.{of.seq}"
        begun = await counter.begin(tx, of.store_id, channel_in(of.content.channel), own, of.taken_by, now)
        for each in dishes:
            line = each.line
            key = f"{own}.{each.number}"
            await counter.add(tx, begun.id, line.item, line.options, line.quantity, line.note, key, now)
        return Landed(id=begun.id, label=begun.label, path=f"/counter/orders/{begun.id}")
