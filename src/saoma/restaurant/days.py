"""A store's day: from midnight to midnight by the clock on its wall, as moments. Pure.

A day may have 23 or 25 hours where clocks are changed; whoever adds 24 hours to a midnight misses that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from saoma.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day of a store; `ends` is no longer part of it."""

    date: date
    begins: datetime
    ends: datetime

    @property
    def before(self) -> str:
        """The day before, as a link names it."""
        return (self.date - timedelta(days=1)).isoformat()

    @property
    def after(self) -> str:
        """The day after, as a link names it."""
        return (self.date + timedelta(days=1)).isoformat()


def day_of(named: str, zone: str, now: datetime) -> Day:
    """The day a link names (`2026-03-02`), or today where `zone` is. Raises `Invalid`."""
    at = ZoneInfo(zone)
    try:
        day = date.fromisoformat(named) if named else now.astimezone(at).date()
        begins = datetime.combine(day, time(), at)
        return Day(day, begins, datetime.combine(day + timedelta(days=1), time(), at))
    except (ValueError, OverflowError):
        raise Invalid("That is not a day. Write it like 2026-03-02.") from None
