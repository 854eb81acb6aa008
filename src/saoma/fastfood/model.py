"""A counter order's row and its lifecycle.

Making, ready and collected are the kitchen's words: they are read from the dishes (`reckoning.stage`), never copied
here, so that a bump or a recall in the kitchen and a touch at the counter can't disagree."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.lifecycle import Lifecycle

#: The kind under which `app.py` hands a `CounterBill` to the payments.
KIND: Final = "counter_order"


class Channel(StrEnum):
    """Where the order was placed, and whether it is eaten here."""

    COUNTER = "counter"
    TAKEAWAY = "takeaway"
    KIOSK = "kiosk"


class OrderStatus(StrEnum):
    """Where the money of an order stands; dishes go to the kitchen on the way into `paid`, and on no other."""

    BUILDING = "building"
    PAYING = "paying"
    PAID = "paid"
    CANCELLED = "cancelled"


class OrderEvent(StrEnum):
    """What happens to an order."""

    HOLD = "hold"
    RELEASE = "release"
    COVER = "cover"
    CANCEL = "cancel"


ORDER: Final = Lifecycle[OrderStatus, OrderEvent](
    "Counter order",
    OrderStatus.BUILDING,
    {
        (OrderStatus.BUILDING, OrderEvent.HOLD): OrderStatus.PAYING,
        (OrderStatus.PAYING, OrderEvent.HOLD): OrderStatus.PAYING,
        (OrderStatus.PAYING, OrderEvent.RELEASE): OrderStatus.BUILDING,
        (OrderStatus.BUILDING, OrderEvent.RELEASE): OrderStatus.BUILDING,
        (OrderStatus.PAYING, OrderEvent.COVER): OrderStatus.PAID,
        # Late money: its payment had ended without any, and the order was free again.
        (OrderStatus.BUILDING, OrderEvent.COVER): OrderStatus.PAID,
        (OrderStatus.BUILDING, OrderEvent.CANCEL): OrderStatus.CANCELLED,
        (OrderStatus.CANCELLED, OrderEvent.CANCEL): OrderStatus.CANCELLED,
    },
)


class Stage(StrEnum):
    """What staff and customers call it: the row's status, and once it is paid what the kitchen says."""

    BUILDING = "building"
    PAYING = "paying"
    MAKING = "making"
    READY = "ready"
    COLLECTED = "collected"
    CANCELLED = "cancelled"


class CounterOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order at a counter: one tab, one number to call."""

    id: str
    store_id: str
    tab_id: str
    channel: Channel
    day: date
    number: int
    key: str
    status: OrderStatus
    currency: str
    opened_by: str
    opened_at: datetime
    fired_at: datetime | None = None
    left_for_counter_at: datetime | None = None

    @property
    def at_kiosk(self) -> bool:
        """Whether a customer is still putting it together: until it is paid, or left for the counter."""
        waits = self.status in (OrderStatus.BUILDING, OrderStatus.PAYING)
        return self.channel is Channel.KIOSK and waits and self.left_for_counter_at is None

    @property
    def label(self) -> str:
        """The number as it is written on tickets and screens, the same in every language."""
        return f"#{self.number}"
