"""The clock is given, never taken: whatever depends on time is handed a `Clock`.

All times are aware and in UTC inside; Alipay's day is GMT+8, whatever the shop's zone."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
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


class ShiftedClock:
    """The machine's clock, ahead by as many seconds as a file says: for drills beside a sandbox, never for real money.

    All processes that name the same file move together, within a twentieth of a second. A file that is missing, can't
    be read or goes back changes nothing."""

    _LOOK_EVERY: Final = 0.05

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = timedelta()
        self._look_at = 0.0

    def now(self) -> datetime:
        """The present as this clock sees it, aware, in UTC."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + self._LOOK_EVERY
            with contextlib.suppress(OSError, ValueError, OverflowError):
                self._ahead = max(self._ahead, timedelta(seconds=float(self._file.read_text())))
        return datetime.now(UTC) + self._ahead


def machine_clock(clock_file: str = "") -> Clock:
    """The clock of a process: the machine's own, or that one moved by what a file says."""
    return ShiftedClock(Path(clock_file)) if clock_file else SystemClock()


def beijing(moment: datetime) -> datetime:
    """The same moment on Alipay's wall clock."""
    return moment.astimezone(BEIJING)


def beijing_day(moment: datetime) -> date:
    """The calendar day at Alipay: the day of its files and of its cancel window."""
    return beijing(moment).date()
