"""When a delivery is expected, whether it is late, and what follows for the money when it could not be delivered. Pure.

A promise is never moved: what is expected may be later than what was promised, and then the page says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, assert_never

from saoma.delivery.model import Delivery, Reason, Stage
from saoma.delivery.zones import metres_between
from saoma.kit.money import Money

#: A place older than this says nothing about where the courier is now.
FRESH: Final = timedelta(minutes=5)
#: From here on it is "almost there": a street's length, a few minutes with the stairs.
NEAR_METRES: Final = 250
#: Metres a minute through a town: 15 km/h by bicycle, and streets are longer than straight lines by a third.
_METRES_A_MINUTE: Final = 15_000 / 60 / 1.33


def expected_at(at: Delivery, now: datetime) -> datetime | None:
    """When it is likely to be there; None before it is paid and once it is over."""
    if at.promised_at is None or not at.open:
        return None
    away = minutes_away(at, now)
    if away is not None:
        return now + timedelta(minutes=away)
    on_the_way = timedelta(minutes=at.minutes)
    if at.picked_up_at is not None:
        return max(at.picked_up_at + on_the_way, now)
    return max(at.promised_at, now + on_the_way)


def minutes_away(at: Delivery, now: datetime) -> int | None:
    """About how many minutes the courier is away, from the last place they were seen; None where that is not known."""
    if at.status not in (Stage.PICKED_UP, Stage.NEAR) or at.seen_at is None or now - at.seen_at > FRESH:
        return None
    if at.point is None or at.seen is None:
        return None
    return max(1, round(metres_between(at.seen, at.point) / _METRES_A_MINUTE))


def late_minutes(at: Delivery, now: datetime) -> int:
    """For how many minutes it should have been there; 0 when it is in time, or over."""
    if at.promised_at is None or not at.open or now <= at.promised_at:
        return 0
    return int((now - at.promised_at).total_seconds() // 60)


def proposed_refund(reason: Reason, paid: Money, fee: Money, nobody_there_percent: int) -> Money:
    """What the rule proposes to give back for an order that came back.

    All where the shop is to blame; where nobody took it, the store's own share of the dishes (the fee stays: the way
    was made)."""
    match reason:
        case Reason.DAMAGED:
            return paid
        case Reason.NOBODY_THERE | Reason.WRONG_ADDRESS | Reason.REFUSED:
            dishes = max(paid.minor - fee.minor, 0)
            return Money(dishes * nobody_there_percent // 100, paid.currency)
        case _:
            assert_never(reason)
