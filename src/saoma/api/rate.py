"""How often one key may ask: a bucket of tokens per key, shared by all processes without a write per request.

Each process counts in memory, and about once a second it tells the database what it let pass and takes off what the
others did: for a moment a key may so get a little more than its due. It blunts floods, it protects no money."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from saoma.kit.db import Database

_ROUNDING: Final = 1e-6
_REMEMBERED: Final = 20_000
#: A key may use up at once what it may use in so many seconds.
BURST_SECONDS: Final = 4
#: How often a process tells the others, in seconds.
SHARED_EVERY: Final = 1.0
#: One statement for all keys of a process; the sums only ever grow, so that nobody needs to know when others looked.
_TELL: Final = """
INSERT INTO api_use AS u (key_id, taken) SELECT * FROM unnest(%(keys)s::text[], %(taken)s::bigint[])
ON CONFLICT (key_id) DO UPDATE SET taken = u.taken + excluded.taken RETURNING key_id, taken
"""


class _Sum(msgspec.Struct, frozen=True):
    key_id: str
    taken: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What became of one request: 0 to `wait` for, or the whole seconds until the next is let in."""

    limit: int
    remaining: int
    reset: int
    wait: int

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told (the RateLimit fields of the IETF draft), with every answer."""
        found = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return found | ({"Retry-After": str(self.wait)} if self.wait else {})


class Limits:
    """`per_second` requests per key, evenly, with a burst of four seconds' worth."""

    def __init__(self, per_second: float, ticks: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second * BURST_SECONDS)
        self._ticks = ticks
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._untold: dict[str, int] = {}
        self._sums: OrderedDict[str, int] = OrderedDict()
        self._told_at = ticks()

    def take(self, key_id: str) -> Allowance:
        """Take a token, if there is one."""
        now = self._ticks()
        left, at = self._left.pop(key_id, (self._most, now))
        left = min(self._most, left + max(0.0, now - at) * self._rate)
        # Who comes back after just the seconds that were said has one again, though fractions do not add up exactly.
        short = left < 1 - _ROUNDING
        if not short:
            left -= 1
            self._untold[key_id] = self._untold.get(key_id, 0) + 1
        self._left[key_id] = (left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return Allowance(
            limit=int(self._most),
            remaining=max(0, int(left)),
            reset=math.ceil((self._most - left) / self._rate),
            wait=max(1, math.ceil((1 - left) / self._rate)) if short else 0,
        )

    @property
    def want_to_be_told(self) -> bool:
        """Whether it is time to tell the other processes, and hear of them."""
        return bool(self._untold) and self._ticks() - self._told_at >= SHARED_EVERY

    async def tell(self, db: Database) -> None:
        """Tell what was let pass here, and take off what the others let pass meanwhile."""
        self._told_at = self._ticks()
        told, self._untold = self._untold, {}
        keys = sorted(told)
        async with db.reading() as rows:
            sums = await rows.rows(_Sum, _TELL, {"keys": keys, "taken": [told[key] for key in keys]})
        self._hear(sums, told)

    def _hear(self, sums: Sequence[_Sum], told: dict[str, int]) -> None:
        for each in sums:
            known = self._sums.pop(each.key_id, None)
            self._sums[each.key_id] = each.taken
            if len(self._sums) > _REMEMBERED:
                self._sums.popitem(last=False)
            # The first look says nothing of when the others' were; after a crash of the server the sums begin anew.
            others = 0 if known is None else max(0, each.taken - known - told[each.key_id])
            if others and each.key_id in self._left:
                left, at = self._left[each.key_id]
                self._left[each.key_id] = (max(-self._most, left - others), at)
