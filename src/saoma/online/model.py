"""The rows of orders made ahead, the lifecycle they go through, and what a store offers.

An order holds its slot from the moment its payment opens (or it is promised without one) until it ends; one that is
being put together holds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from saoma.food.model import LineStatus
from saoma.kit.lifecycle import Lifecycle
from saoma.kit.money import Money

#: The kind under which payments know orders made ahead.
KIND: Final = "online_order"


class Mode(StrEnum):
    """Where the food goes."""

    EAT_HERE = "eat_here"
    PICK_UP = "pick_up"
    BRING = "bring"


class Pay(StrEnum):
    """When an order is paid: before it is promised, or when it is collected."""

    AHEAD = "ahead"
    LATER = "later"


class NoShow(StrEnum):
    """What happens to the money of food that nobody came for."""

    KEPT = "kept"
    REFUNDED = "refunded"


class Trouble(StrEnum):
    """Why a promised order can't be made as it was promised; a person decides then."""

    NONE = ""
    SOLD_OUT = "sold_out"
    CLOSED = "closed"
    FULL = "full"
    LATE_MONEY = "late_money"


class Status(StrEnum):
    """Where an order stands."""

    CHOOSING = "choosing"
    PAYING = "paying"
    PROMISED = "promised"
    FIRED = "fired"
    COLLECTED = "collected"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What happens to an order."""

    HOLD = "hold"
    RELEASE = "release"
    PROMISE = "promise"
    FIRE = "fire"
    COLLECT = "collect"
    NOBODY_CAME = "nobody_came"
    CANCEL = "cancel"


ORDER: Final = Lifecycle[Status, Event](
    "Order made ahead",
    Status.CHOOSING,
    {
        (Status.CHOOSING, Event.HOLD): Status.PAYING,
        (Status.PAYING, Event.RELEASE): Status.CHOOSING,
        (Status.PAYING, Event.PROMISE): Status.PROMISED,
        # Paid when it is collected, or with money that came after its payment had ended.
        (Status.CHOOSING, Event.PROMISE): Status.PROMISED,
        (Status.PROMISED, Event.FIRE): Status.FIRED,
        (Status.FIRED, Event.COLLECT): Status.COLLECTED,
        (Status.FIRED, Event.NOBODY_CAME): Status.NO_SHOW,
        (Status.CHOOSING, Event.CANCEL): Status.CANCELLED,
        (Status.PROMISED, Event.CANCEL): Status.CANCELLED,
    },
)
#: Orders that take something of their slot.
PROMISED: Final = (Status.PAYING, Status.PROMISED, Status.FIRED, Status.COLLECTED, Status.NO_SHOW)
#: Orders that are over.
OVER: Final = frozenset({Status.COLLECTED, Status.NO_SHOW, Status.CANCELLED})


class Stage(StrEnum):
    """What people call it: the row's status, and once it is fired what the kitchen says."""

    CHOOSING = "choosing"
    PAYING = "paying"
    RECEIVED = "received"
    COOKING = "cooking"
    READY = "ready"
    COLLECTED = "collected"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Hours(msgspec.Struct, frozen=True, order=True):
    """Open from `opens` to `closes`, minutes since midnight; Monday is 0."""

    weekday: int
    opens: int
    closes: int


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a store offers ahead, with its name and its clock; the columns of `online_stores` say what they mean."""

    store_id: str
    merchant_id: str
    account_id: str
    store_name: str
    store_name_zh: str
    merchant_name: str
    merchant_name_zh: str
    zone: str
    currency: str
    code: str
    takes: bool
    eat_here: bool
    pick_up: bool
    bring: bool
    pay: str
    every_minutes: int
    counts: str
    capacity: int
    stations: dict[str, int]
    lead_minutes: int
    days_ahead: int
    hold_minutes: int
    no_show: NoShow
    closed_on: date | None
    hours: tuple[Hours, ...]

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What may be chosen here."""
        offered = ((Mode.EAT_HERE, self.eat_here), (Mode.PICK_UP, self.pick_up), (Mode.BRING, self.bring))
        return tuple(mode for mode, on in offered if on)

    @property
    def may_pay_later(self) -> bool:
        """Whether the customer may choose to pay when collecting."""
        return self.pay == "choice"

    @property
    def limits(self) -> Mapping[str, int]:
        """What one interval can take: "" is the whole kitchen, the others single stations."""
        return {"": self.capacity, **self.stations}


class OnlineOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order made ahead: one tab, one slot, one number to call."""

    id: str
    store_id: str
    tab_id: str
    token: str
    key: str
    mode: Mode
    status: Status
    asap: bool
    slot_at: datetime | None
    slot_minutes: int
    load: dict[str, int]
    prep_seconds: int
    day: date | None
    number: int | None
    name: str
    phone: str
    note: str
    buyer_id: str
    table_name: str
    currency: str
    fee: int
    pay: Pay
    hold_minutes: int
    no_show: NoShow
    trouble: Trouble
    trouble_dish: str
    ended_by: str
    giving_back: str
    opened_at: datetime
    changed_at: datetime
    placed_at: datetime | None
    fired_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None

    @property
    def label(self) -> str:
        """The number as it is called and written, the same in every language; "" before there is one."""
        return f"P{self.number}" if self.number is not None else ""

    @property
    def fee_money(self) -> Money:
        """What bringing it costs."""
        return Money(self.fee, self.currency)

    @property
    def fires_at(self) -> datetime | None:
        """When the kitchen must begin."""
        return None if self.slot_at is None else self.slot_at - timedelta(seconds=self.prep_seconds)

    @property
    def kept_until(self) -> datetime | None:
        """How long the food waits for its customer."""
        return None if self.slot_at is None else self.slot_at + timedelta(minutes=self.hold_minutes)

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in OVER


COLUMNS: Final = ", ".join(OnlineOrder.__struct_fields__)


def stage(status: Status, dishes: list[LineStatus]) -> Stage:
    """What the order is called now; `dishes` are the states of its lines."""
    match status:
        case Status.FIRED:
            left = {dish for dish in dishes if dish not in (LineStatus.VOID, LineStatus.BASKET)}
            done = left <= {LineStatus.READY, LineStatus.SERVED}
            return Stage.READY if left and done else Stage.COOKING
        case Status.PROMISED:
            return Stage.RECEIVED
        case _:
            return Stage(status.value)
