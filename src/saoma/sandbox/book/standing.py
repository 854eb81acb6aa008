"""A clock that can be told to stand still, so that a validator can measure to the tenth of a second.

While it stands only pushes move it; when it runs again it shows what it would show had it never stood."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from saoma.kit.clock import MovableClock
from saoma.sandbox.book.trades import Book


class StandingClock(MovableClock):
    """A movable clock that runs, until it is told to stand."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(start)
        self._still: datetime | None = None

    def now(self) -> datetime:
        """The present as this clock sees it."""
        return self._still or super().now()

    def advance(self, by: timedelta) -> datetime:
        """Push it, standing or not. Raises `ValueError` for a step back."""
        super().advance(by)
        if self._still is not None:
            self._still += by
        return self.now()

    def stand(self, *, still: bool) -> None:
        """Stand still from now on, or run on."""
        self._still = self.now() if still else None


class Stand(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the clock stands still between pushes."""

    still: bool


@post("/control/clock/stand", status_code=200, tags=["control"], sync_to_thread=False)
def stand(data: JSONBody[Stand], book: NamedDependency[Book]) -> Stand:
    """Let the clock stand still between pushes, or run again."""
    if isinstance(book.clock, StandingClock):
        book.clock.stand(still=data.still)
    return data
