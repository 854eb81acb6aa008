"""What hangs above a counter: the numbers being made and ready, and what sells best today.

Nothing on it says who ordered what. A number leaves when its dishes are handed over, at the counter or by the kitchen.
Numbers of orders made ahead hang there, too: `on_the_wall` asks the rooms that the composition names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from saoma.fastfood.model import Channel, OrderStatus, Stage
from saoma.fastfood.reckoning import stage
from saoma.food.model import LineStatus, Photo, called
from saoma.food.orders.calling import Called, CallsOf, Wall, wall
from saoma.kit.db import Rows
from saoma.kit.money import Money

#: Best sellers that fit on a screen people look at in passing.
SHOWN: Final = 5

_WAITED_FOR: Final = """
SELECT o.id, o.number, o.channel, o.fired_at, array_agg(l.status) AS dishes, max(l.ready_at) AS ready_at,
    sum(l.quantity)::int AS pieces
FROM counter_orders AS o JOIN tab_lines AS l ON l.tab_id = o.tab_id
WHERE o.tab_id IN (SELECT tab_id FROM tab_lines WHERE store_id = %(store)s AND status IN ('sent', 'cooking', 'ready'))
    AND o.status = 'paid'
GROUP BY o.id ORDER BY o.fired_at, o.id
"""
_OPEN: Final = """
SELECT o.id, o.number, o.channel, o.status, o.currency, o.opened_at,
    coalesce(sum(l.amount - l.discount), 0)::bigint AS amount
FROM counter_orders AS o JOIN tab_lines AS l ON l.tab_id = o.tab_id AND l.status = 'basket'
WHERE o.store_id = %(store)s AND o.status IN ('building', 'paying')
    AND (o.channel <> 'kiosk' OR o.left_for_counter_at IS NOT NULL OR o.status = 'paying')
GROUP BY o.id ORDER BY o.opened_at, o.id
"""
_BEST: Final = """
SELECT l.item_id, i.name, i.name_zh, i.photo, i.photo_width, i.photo_height, i.sold_out,
    sum(l.quantity)::int AS sold
FROM tab_lines AS l JOIN menu_items AS i ON i.id = l.item_id
WHERE l.store_id = %(store)s AND l.status NOT IN ('basket', 'void')
    AND l.sent_at >= date_trunc('day', clock_timestamp() AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s
    AND NOT i.hidden AND NOT i.retired
GROUP BY i.id, l.item_id ORDER BY sold DESC, i.name LIMIT %(most)s
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One order that is paid and not yet collected."""

    id: str
    number: int
    channel: Channel
    fired_at: datetime
    dishes: list[LineStatus]
    ready_at: datetime | None
    pieces: int

    @property
    def stage(self) -> Stage:
        """Being made, or ready."""
        return stage(OrderStatus.PAID, self.dishes)


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """One order whose money is not here yet."""

    id: str
    number: int
    channel: Channel
    status: OrderStatus
    currency: str
    opened_at: datetime
    amount: int

    @property
    def money(self) -> Money:
        """What its dishes cost, after discounts."""
        return Money(self.amount, self.currency)


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """A dish that people order today."""

    item_id: str
    name: str
    name_zh: str
    photo: str
    photo_width: int
    photo_height: int
    sold_out: bool
    sold: int

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)

    @property
    def picture(self) -> Photo | None:
        """Its photo, if it has one."""
        if not self.photo:
            return None
        return Photo(name=self.photo, width=self.photo_width, height=self.photo_height)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The counter's own: `making` the oldest first, `ready` the latest first."""

    making: tuple[Waiting, ...]
    ready: tuple[Waiting, ...]


async def numbers(rows: Rows, store_id: str) -> Numbers:
    """The orders of a store that somebody waits for."""
    found = await rows.rows(Waiting, _WAITED_FOR, {"store": store_id})
    ready = [one for one in found if one.stage is Stage.READY]
    return Numbers(
        tuple(one for one in found if one.stage is Stage.MAKING),
        tuple(sorted(ready, key=lambda one: (one.ready_at or one.fired_at, one.id), reverse=True)),
    )


async def on_the_wall(rows: Rows, store_id: str, others: CallsOf) -> Wall:
    """What the board calls: the counter's numbers, and those of other rooms that are collected at it as well."""
    own = await numbers(rows, store_id)
    found = [
        Called(
            id=one.id,
            label=str(one.number),
            ready=ready,
            since=one.ready_at if ready and one.ready_at else one.fired_at,
        )
        for ready, group in ((False, own.making), (True, own.ready))
        for one in group
    ]
    for calls in others.values():
        found += await calls(rows, store_id)
    return wall(found)


async def open_orders(rows: Rows, store_id: str) -> list[Open]:
    """The orders of a store that are being put together or paid, the oldest first."""
    return await rows.rows(Open, _OPEN, {"store": store_id})


async def best_sellers(rows: Rows, store_id: str, zone: str, most: int = SHOWN) -> list[Seller]:
    """What sold most since midnight by the store's clock, over every channel."""
    return await rows.rows(Seller, _BEST, {"store": store_id, "zone": zone, "most": most})
