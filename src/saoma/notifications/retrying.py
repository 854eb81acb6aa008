"""When a webhook that was not taken is sent again, and when it has failed for good. Pure.

The gaps grow, so that a shop that comes back hears soon and one that is gone costs little."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: After the first, second, third ... attempt; the last gap repeats until the time is over.
GAPS: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200))
#: From the first attempt on, or from the last replay.
TRIED_FOR: Final = timedelta(days=3)
_SPREAD: Final = 0.1


def next_attempt(begun_at: datetime, now: datetime, attempts: int, jitter: float) -> datetime | None:
    """When to try again after `attempts` attempts, the last of them now; None when it has failed for good.

    `jitter` between 0 and 1 makes a gap up to a tenth longer, so that a shop's messages do not come back in step."""
    gap = GAPS[min(max(attempts, 1), len(GAPS)) - 1]
    at = now + gap * (1 + _SPREAD * min(max(jitter, 0.0), 1.0))
    return at if at <= begun_at + TRIED_FOR else None
