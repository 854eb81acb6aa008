"""What a customer sees of their delivery: stages, who brings it, when it is expected, the code to say at the door.

Only the customer's own page may show this: the code opens the hand-over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from saoma.delivery.carrying import READY
from saoma.delivery.deliveries import of_order
from saoma.delivery.expecting import expected_at, late_minutes, minutes_away
from saoma.delivery.model import Delivery, Stage
from saoma.identity import model
from saoma.kit.db import Rows

#: The road as the customer sees it; keys of the texts.
ROAD: Final = (
    ("kitchen", "Being made"),
    ("courier", "Courier found"),
    ("way", "On the way"),
    ("near", "Almost there"),
    ("delivered", "Arrived"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One stage on the customer's page: `state` is done, now or ahead."""

    key: str
    title: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Followed:
    """A delivery as its customer follows it."""

    delivery: Delivery
    ready: bool
    courier: str
    marks: tuple[Mark, ...]
    expected_at: datetime | None
    minutes_away: int | None
    late: int
    zone: str

    @property
    def shows_code(self) -> bool:
        """Whether the code is needed: from when somebody comes until it is there."""
        return self.delivery.status in (Stage.ASSIGNED, Stage.PICKED_UP, Stage.NEAR, Stage.FAILED)


def road(at: Delivery, *, ready: bool) -> tuple[Mark, ...]:
    """The stages with their times. Pure; a delivery that ended otherwise keeps what it reached."""
    done = [
        ready or at.picked_up_at is not None,
        at.courier_id is not None and at.assigned_at is not None,
        at.picked_up_at is not None,
        at.near_at is not None or at.status is Stage.DELIVERED,
        at.status is Stage.DELIVERED,
    ]
    times = [at.ready_at, at.assigned_at, at.picked_up_at, at.near_at, at.ended_at if done[4] else None]
    current = _current(at, ready=ready)
    return tuple(
        Mark(key, title, "now" if number == current else "done" if done[number] else "ahead", times[number])
        for number, (key, title) in enumerate(ROAD)
    )


def _current(at: Delivery, *, ready: bool) -> int | None:
    match at.status:
        case Stage.WAITING | Stage.ASSIGNED:
            return 1 if ready else 0
        case Stage.PICKED_UP:
            return 2
        case Stage.NEAR:
            return 3
        case _:
            return None


async def follow(rows: Rows, order_kind: str, order_id: str, now: datetime) -> Followed | None:
    """The delivery of an order as its customer sees it; None for an order that is not brought, or not begun."""
    at = await of_order(rows, order_kind, order_id)
    if at is None or at.status is Stage.PLANNED:
        return None
    ready = bool(await rows.value(f"SELECT {READY} FROM deliveries AS d WHERE d.id = %(id)s", {"id": at.id}))  # noqa: S608
    person = await model.staff_by_id(rows, at.courier_id) if at.courier_id else None
    return Followed(
        delivery=at,
        ready=ready,
        courier=person.name.split()[0] if person is not None else "",
        marks=road(at, ready=ready),
        expected_at=expected_at(at, now),
        minutes_away=minutes_away(at, now),
        late=late_minutes(at, now),
        zone=(await model.store(rows, at.store_id)).zone,
    )
