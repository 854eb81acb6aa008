"""Which times can be promised: opening hours, lead time, and what the kitchen makes in one interval. Pure.

A slot is full when what was promised and what is asked for together are more than the whole kitchen, or any one
station, makes in it. What was promised is counted by the clock, not by the slot's name: hours and lengths of slots may
have changed since. Whoever promises asks here again with the store's row locked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from saoma.online.model import Hours

Load = Mapping[str, int]
#: No slot is longer.
LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a store promises food and how much: `limits` per interval, "" for the whole kitchen."""

    zone: str
    every: timedelta
    hours: tuple[Hours, ...]
    limits: Load
    lead: timedelta
    days_ahead: int
    closed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that could be promised. `room` says whether this order still fits."""

    at: datetime
    room: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What was promised from `at` until `until`, the end of its slot as long as slots were then."""

    at: datetime
    until: datetime
    load: Load


class Book:
    """All that was promised, asked by time."""

    def __init__(self, taken: Iterable[Taken]) -> None:
        self._taken = sorted(taken, key=lambda each: each.at)
        self._begins = [each.at for each in self._taken]

    def beside(self, begin: datetime, end: datetime) -> Load:
        """The sum of what overlaps the time from `begin` to `end`."""
        sums: dict[str, int] = {}
        first, last = bisect_right(self._begins, begin - LONGEST), bisect_left(self._begins, end)
        for each in self._taken[first:last]:
            if each.until > begin:
                for place, size in each.load.items():
                    sums[place] = sums.get(place, 0) + size
        return sums


def opening_times(plan: Plan, day: date) -> list[datetime]:
    """Every time of a day (by the store's clock) at which food can be handed over, in UTC, ascending."""
    zone = ZoneInfo(plan.zone)
    step = int(plan.every.total_seconds()) // 60
    times: set[datetime] = set()
    if day == plan.closed_on:
        return []
    for hours in plan.hours:
        if hours.weekday != day.weekday():
            continue
        for minute in range(hours.opens, hours.closes, step):
            local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
            at = local.astimezone(UTC)
            # A time that the clocks skip in spring does not exist, so nothing is promised for it.
            if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                times.add(at)
    return sorted(times)


def fits(limits: Load, taken: Load, wanted: Load) -> bool:
    """Whether `wanted` can still be made beside what is taken."""
    return all(
        taken.get(place, 0) + wanted.get(place, 0) <= limit for place, limit in limits.items() if wanted.get(place)
    )


def ever_fits(limits: Load, wanted: Load) -> bool:
    """Whether an empty interval could take it at all."""
    return fits(limits, {}, wanted)


def earliest(plan: Plan, now: datetime, prep: timedelta) -> datetime:
    """Nothing is promised before this: the store's lead time, or what the dishes take, whichever is longer."""
    return now + max(plan.lead, prep)


def slots(
    plan: Plan, now: datetime, prep: timedelta, wanted: Load, taken: Iterable[Taken], most: int = 400
) -> list[Slot]:
    """Every slot from the earliest on, at most `days_ahead` days after today, ascending."""
    begin = earliest(plan, now, prep)
    today = now.astimezone(ZoneInfo(plan.zone)).date()
    book = Book(taken)
    found: list[Slot] = []
    for ahead in range(plan.days_ahead + 1):
        for at in opening_times(plan, today + timedelta(days=ahead)):
            if at >= begin:
                found.append(Slot(at, fits(plan.limits, book.beside(at, at + plan.every), wanted)))
    return found[:most]


def is_free(plan: Plan, now: datetime, prep: timedelta, wanted: Load, taken: Iterable[Taken], at: datetime) -> bool:
    """Whether `at` may be promised."""
    return any(slot.room for slot in slots(plan, now, prep, wanted, taken) if slot.at == at)


def soonest(found: Sequence[Slot]) -> Slot | None:
    """The first slot with room."""
    return next((slot for slot in found if slot.room), None)


def by_day(found: Iterable[Slot], zone: str) -> list[tuple[date, list[Slot]]]:
    """The slots of each day by the store's clock, in order."""
    days: dict[date, list[Slot]] = {}
    for slot in found:
        days.setdefault(slot.at.astimezone(ZoneInfo(zone)).date(), []).append(slot)
    return sorted(days.items())
