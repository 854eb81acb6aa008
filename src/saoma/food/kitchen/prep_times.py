"""How long a dish takes, learned from how long it took: pure.

A fact is one line from its start to its finish, with the load its station had then. A cook who presses start and done
in one go teaches nothing, and a ticket forgotten on the screen little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

#: With fewer facts nobody is told a time.
ENOUGH: Final = 3
#: What a dish takes that nobody has cooked yet.
UNKNOWN_SECONDS: Final = 480
#: Two presses closer together than this were made after the dish was done.
_PRESSED_AT_ONCE: Final = 5
#: Nothing counts for more than this many times the usual.
_FORGOTTEN: Final = 4
#: How much less each fact counts than the next newer one.
_FADES: Final = 0.97
#: So many pieces of difference in load, squared, are as likely chance as not.
_DOUBT: Final = 4.0


@dataclass(frozen=True, slots=True)
class Fact:
    """It took this many seconds while the station had `load` other pieces to make."""

    load: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Habit:
    """What was learned: seconds with nothing else to do, and how many more each other piece costs (never below 0)."""

    alone: float
    per_piece: float
    busiest: int
    facts: int

    @property
    def known(self) -> bool:
        """Whether there is enough to tell anybody."""
        return self.facts >= ENOUGH

    def seconds(self, load: int) -> int:
        """How long it takes at this load. Never falls as the load grows; far beyond what was ever seen it stays."""
        seen = min(max(load, 0), 2 * self.busiest + 5)
        return max(1, round(self.alone + self.per_piece * seen))


def learn(facts: Sequence[Fact]) -> Habit:
    """The habit these facts show, the newest fact first; newer ones count for more."""
    told = [fact for fact in facts if fact.seconds >= _PRESSED_AT_ONCE]
    if not told:
        return Habit(UNKNOWN_SECONDS, 0.0, 0, 0)
    most = _FORGOTTEN * median(fact.seconds for fact in told)
    rows = [(_FADES**age, max(fact.load, 0), min(fact.seconds, most)) for age, fact in enumerate(told)]
    weight = sum(w for w, _, _ in rows)
    load = sum(w * at for w, at, _ in rows) / weight
    took = sum(w * seconds for w, _, seconds in rows) / weight
    together = sum(w * (at - load) * (seconds - took) for w, at, seconds in rows)
    spread = sum(w * (at - load) ** 2 for w, at, _ in rows)
    per_piece = max(0.0, together / (spread + _DOUBT))
    return Habit(max(0.0, took - per_piece * load), per_piece, max(at for _, at, _ in rows), len(told))


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a dish will be ready, and by how many seconds it is over its usual time (0: it is not late)."""

    ready_at: datetime
    usual_seconds: int
    over_seconds: int
    known: bool


def forecast(
    cooking: Habit, waiting: Habit, load: int, fired_at: datetime, started_at: datetime | None, now: datetime
) -> Forecast:
    """What to expect of one dish. `waiting` is how long such dishes stand before a cook begins them.

    The time told is never in the past: what is overdue is expected now."""
    usual = cooking.seconds(load)
    stands = waiting.seconds(load) if waiting.known else 0
    begins = started_at or max(now, fired_at + timedelta(seconds=stands))
    ready = begins + timedelta(seconds=usual)
    # A dish a little over is no news: a quarter more than usual, and at least a minute.
    grace = max(60, usual // 4)
    over = 0 if started_at is None else int((now - ready).total_seconds()) - grace
    return Forecast(max(ready, now), usual, over + grace if cooking.known and over > 0 else 0, cooking.known)
