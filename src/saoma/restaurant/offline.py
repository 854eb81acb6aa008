"""Orders for tables that were taken without the server, made real: handed to `food.offline` in app.py.

A bill that was closed meanwhile is not opened again silently: whoever sits there now is perhaps somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from saoma.food.orders import ordering
from saoma.food.orders.offline import Landed, OfflineOrder, Place
from saoma.food.orders.offline_content import Found
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, NotFound
from saoma.restaurant import sittings
from saoma.restaurant.model import Sitting
from saoma.restaurant.moving import lives_on

BILL_CLOSED: Final = "The bill at “{place}” was closed meanwhile. Ask whether the guests are still there."


class TableOrders:
    """The `Replayer` of the kind `table`."""

    async def places(self, rows: Rows, store_id: str) -> list[Place]:
        """The tables, in the order people count, with the bill that is open at each."""
        return await rows.rows(
            Place,
            "SELECT t.id, t.name, t.area, coalesce(s.id, '') AS seen FROM dining_tables t"
            " LEFT JOIN sittings s ON s.table_id = t.id AND s.status = 'open'"
            " WHERE t.store_id = %(store)s AND t.retired_at IS NULL"
            " ORDER BY t.area, substring(t.name from '^[^0-9]*'), length(substring(t.name from '[0-9]+')) NULLS LAST,"
            " substring(t.name from '[0-9]+'), t.name",
            {"store": store_id},
        )

    async def put(
        self, tx: Transaction, of: OfflineOrder, dishes: Sequence[Found], now: datetime, *, anew: bool
    ) -> Landed:
        """Send the dishes to the kitchen as one round of the table's bill; begin the bill if there is none.

        A party that was moved, or whose bill was put together with another, is found where it is now."""
        here = None if anew else await _followed(tx, of.store_id, of.content.seen)
        if here is None:
            here = await sittings.open_for_staff(tx, of.store_id, of.content.place, now)
            if of.content.seen and of.content.seen != here.id and not anew:
                raise Conflict(BILL_CLOSED, place=of.content.place_name)
        here = await sittings.take_more(tx, here.id, now)
        # A basket of its own: what a colleague is choosing for this table at the till is not sent along.
        own = f"{of.device_id}.{of.seq}"
        # Breakfast that was taken at breakfast is breakfast, however late it arrives.
        when = now if anew else of.taken_at
        for each in dishes:
            line = each.line
            key = f"{own}.{each.number}"
            await ordering.add_line(
                tx, here.tab_id, line.item, line.options, line.quantity, own, line.note, key, at=when
            )
        await ordering.send(tx, here.tab_id, of.taken_by, own, at=when)
        await tx.run(
            "UPDATE tab_lines SET guest_id = '' WHERE tab_id = %(tab)s AND guest_id = %(own)s",
            {"tab": here.tab_id, "own": own},
        )
        await sittings.reckon(tx, await sittings.lock(tx, here.id), now)
        return Landed(id=here.id, label=of.content.place_name, path=f"/till/bills/{here.id}")


async def _followed(tx: Transaction, store_id: str, seen: str) -> Sitting | None:
    """The open bill on which the one that the device had seen lives on; None without any."""
    if not seen:
        return None
    try:
        found = await sittings.sitting(tx, await lives_on(tx, seen))
    except NotFound:
        return None
    return found if found.is_open and found.store_id == store_id else None
