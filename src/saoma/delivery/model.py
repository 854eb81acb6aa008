"""A delivery's row, its lifecycle, and who wants it where.

Whether the food is ready is no state: the kitchen finishes before or after a courier is found, so it stands beside."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.delivery.zones import Point
from saoma.kit.errors import Invalid
from saoma.kit.lifecycle import Lifecycle
from saoma.kit.money import Money


class Stage(StrEnum):
    """Where a delivery stands."""

    #: Its order is not paid yet.
    PLANNED = "planned"
    #: Nobody brings it yet.
    WAITING = "waiting"
    ASSIGNED = "assigned"
    PICKED_UP = "picked_up"
    NEAR = "near"
    DELIVERED = "delivered"
    #: The courier stands there with it, and nobody takes it.
    FAILED = "failed"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What happens to a delivery."""

    BEGIN = "begin"
    ASSIGN = "assign"
    GIVE_BACK = "give_back"
    PICK_UP = "pick_up"
    COME_NEAR = "come_near"
    DELIVER = "deliver"
    FAIL = "fail"
    TRY_AGAIN = "try_again"
    RETURN = "return"
    CANCEL = "cancel"


DELIVERY: Final = Lifecycle[Stage, Step](
    "Delivery",
    Stage.PLANNED,
    {
        (Stage.PLANNED, Step.BEGIN): Stage.WAITING,
        (Stage.WAITING, Step.BEGIN): Stage.WAITING,
        (Stage.WAITING, Step.ASSIGN): Stage.ASSIGNED,
        (Stage.ASSIGNED, Step.ASSIGN): Stage.ASSIGNED,
        (Stage.ASSIGNED, Step.GIVE_BACK): Stage.WAITING,
        (Stage.WAITING, Step.GIVE_BACK): Stage.WAITING,
        (Stage.ASSIGNED, Step.PICK_UP): Stage.PICKED_UP,
        (Stage.PICKED_UP, Step.PICK_UP): Stage.PICKED_UP,
        (Stage.PICKED_UP, Step.COME_NEAR): Stage.NEAR,
        (Stage.NEAR, Step.COME_NEAR): Stage.NEAR,
        (Stage.PICKED_UP, Step.DELIVER): Stage.DELIVERED,
        (Stage.NEAR, Step.DELIVER): Stage.DELIVERED,
        (Stage.DELIVERED, Step.DELIVER): Stage.DELIVERED,
        (Stage.PICKED_UP, Step.FAIL): Stage.FAILED,
        (Stage.NEAR, Step.FAIL): Stage.FAILED,
        (Stage.FAILED, Step.FAIL): Stage.FAILED,
        # The customer has called back: the courier is still at the door.
        (Stage.FAILED, Step.TRY_AGAIN): Stage.NEAR,
        (Stage.FAILED, Step.RETURN): Stage.RETURNED,
        (Stage.RETURNED, Step.RETURN): Stage.RETURNED,
        (Stage.PLANNED, Step.CANCEL): Stage.CANCELLED,
        (Stage.WAITING, Step.CANCEL): Stage.CANCELLED,
        (Stage.ASSIGNED, Step.CANCEL): Stage.CANCELLED,
        (Stage.CANCELLED, Step.CANCEL): Stage.CANCELLED,
    },
)

#: With a courier: these count against what one person carries at once.
WITH_COURIER: Final = frozenset({Stage.ASSIGNED, Stage.PICKED_UP, Stage.NEAR, Stage.FAILED})
#: Not over yet: the dispatcher's list.
OPEN: Final = WITH_COURIER | {Stage.WAITING}

#: What people call the stages; keys of the texts.
STAGE_NAMES: Final = {
    Stage.PLANNED: "Not paid yet",
    Stage.WAITING: "Waiting for a courier",
    Stage.ASSIGNED: "Courier found",
    Stage.PICKED_UP: "On the way",
    Stage.NEAR: "Almost there",
    Stage.DELIVERED: "Arrived",
    Stage.FAILED: "Nobody opens",
    Stage.RETURNED: "Back at the shop",
    Stage.CANCELLED: "Cancelled",
}


class Reason(StrEnum):
    """Why something could not be delivered."""

    NOBODY_THERE = "nobody_there"
    WRONG_ADDRESS = "wrong_address"
    REFUSED = "refused"
    DAMAGED = "damaged"


#: What a courier's phone says for each; keys of the texts.
REASON_NAMES: Final = {
    Reason.NOBODY_THERE: "Nobody opens",
    Reason.WRONG_ADDRESS: "Can't find the address",
    Reason.REFUSED: "They don't want it",
    Reason.DAMAGED: "Something broke on the way",
}

_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{4,23}")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to: street and number, floor or door, what helps to find it, and the place if the phone has told it."""

    street: str
    door: str = ""
    note: str = ""
    point: Point | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask for and to call."""

    name: str
    phone: str


def address(street: str, door: str = "", note: str = "", point: Point | None = None) -> Address:
    """An address as somebody typed it. Raises `Invalid` where it can't be one."""
    street, door, note = (" ".join(text.split()) for text in (street, door, note))
    if len(street) < 3:
        raise Invalid("Write the street and the number.")
    if max(len(street), len(note)) > 200 or len(door) > 80:
        raise Invalid("This is too long. Use at most 200 letters.")
    return Address(street=street, door=door, note=note, point=point)


def contact(name: str, phone: str) -> Contact:
    """Whom to call, as somebody typed it. Raises `Invalid` where the courier could not call."""
    name, phone = " ".join(name.split()), phone.strip()
    if not name or len(name) > 60:
        raise Invalid("Write the name the courier should ask for.")
    if not _PHONE.fullmatch(phone):
        raise Invalid("Write a phone number the courier can call, such as +65 9123 4567.")
    return Contact(name=name, phone=phone)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One order that is brought. `code` is what the customer says at the door; couriers never see it."""

    id: str
    store_id: str
    order_kind: str
    order_id: str
    tab_id: str | None
    label: str
    status: Stage
    zone_id: str
    zone_name: str
    zone_name_zh: str
    currency: str
    fee: int
    minutes: int
    street: str
    door: str
    note: str
    latitude: int | None
    longitude: int | None
    name: str
    phone: str
    code: str
    wrong_codes: int
    courier_id: str | None
    promised_at: datetime | None
    begun_at: datetime | None
    ready_at: datetime | None
    assigned_at: datetime | None
    picked_up_at: datetime | None
    near_at: datetime | None
    ended_at: datetime | None
    handed_over: str
    reason: str
    seen_latitude: int | None
    seen_longitude: int | None
    seen_at: datetime | None

    @property
    def money(self) -> Money:
        """What bringing it costs the customer."""
        return Money(self.fee, self.currency)

    @property
    def point(self) -> Point | None:
        """Where to, if the customer's phone has told it."""
        if self.latitude is None or self.longitude is None:
            return None
        return Point(self.latitude, self.longitude)

    @property
    def seen(self) -> Point | None:
        """Where the courier was last."""
        if self.seen_latitude is None or self.seen_longitude is None:
            return None
        return Point(self.seen_latitude, self.seen_longitude)

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.status in OPEN

    @property
    def stage_name(self) -> str:
        """What people call where it stands; a key of the texts."""
        return STAGE_NAMES[self.status]

    def zone(self, lang: str) -> str:
        """The zone's name for a reader of `lang`."""
        return self.zone_name_zh if lang == "zh" and self.zone_name_zh else self.zone_name


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what happened to a delivery; `name` is the person's where it was one."""

    at: datetime
    who: str
    name: str
    event: Step
    status: Stage
    said: str
