"""How often one key may ask: a bucket of tokens per key, counted in this process's memory.

With several processes behind a balancer each counts for itself: the limit blunts floods, it protects no money."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_REMEMBERED: Final = 20_000
#: A key may use up at once what it may use in so many seconds.
_BURST_SECONDS: Final = 4


class Limits:
    """`per_second` requests per key, evenly, with a burst of four seconds' worth."""

    def __init__(self, per_second: float, ticks: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second * _BURST_SECONDS)
        self._ticks = ticks
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key_id: str) -> int:
        """Take a token: 0 when there was one, else the whole seconds until there is one."""
        now = self._ticks()
        left, at = self._left.pop(key_id, (self._most, now))
        left = min(self._most, left + max(0.0, now - at) * self._rate)
        short = left < 1
        self._left[key_id] = (left if short else left - 1, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return max(1, math.ceil((1 - left) / self._rate)) if short else 0
