"""The clock is given, never taken: whatever depends on time is handed a `Clock`.

All times are aware and in UTC inside; Alipay's day is GMT+8, whatever the shop's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Protocol, runtime_checkable

#: Alipay's zone: China has no summer time
#: (https://docs.antom.com/ac/globalbarcode/reconciliation).
BEIJING: Final = timezone(timedelta(hours=8), "GMT+8")


@runtime_checkable
class Clock(Protocol):
    """Whoever can tell the time."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """A clock that tests and the sandbox can push forward. It never goes back by itself.

    With `start` it stands still between pushes; without, it runs along with the machine's clock."""

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("times are aware: give the start a zone")
        self._start = start
        self._moved = timedelta()

    def now(self) -> datetime:
        """The present as this clock sees it, aware, in UTC."""
        return (self._start or datetime.now(UTC)).astimezone(UTC) + self._moved

    def advance(self, by: timedelta) -> datetime:
        """Push the clock forward and tell the new time. Raises `ValueError` for a step back."""
        if by < timedelta():
            raise ValueError("time does not go back")
        self._moved += by
        return self.now()


def beijing(moment: datetime) -> datetime:
    """The same moment on Alipay's wall clock."""
    return moment.astimezone(BEIJING)


def beijing_day(moment: datetime) -> date:
    """The calendar day at Alipay: the day of its files and of its cancel window."""
    return beijing(moment).date()
