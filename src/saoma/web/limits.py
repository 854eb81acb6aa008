"""How often one address may ask: a guard for doors worth knocking at (sign-in, joining a table, payment codes).

Counted in this process's memory, which blunts floods; what must be exact counts in the database instead."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from saoma.kit.errors import Refused
from saoma.web.security import client_address

_REMEMBERED: Final = 20_000


class TooMany(Refused):
    """Asked too often."""

    status = 429


class Bucket:
    """Tokens by name: `times` at once, refilled evenly over `seconds`. Pure but for the clock it is given."""

    def __init__(self, times: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._times = times
        self._rate = times / seconds
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Whether there was a token left for `name`; takes it."""
        now = self._now()
        left, at = self._left.pop(name, (float(self._times), now))
        left = min(float(self._times), left + (now - at) * self._rate)
        allowed = left >= 1
        self._left[name] = (left - 1 if allowed else left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return allowed


def at_most(
    times: int, *, seconds: float, behind_proxy: bool = False
) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """A Litestar guard: one address may ask `times` times at once, refilled over `seconds`. Raises `TooMany`."""
    bucket = Bucket(times, seconds)

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        request: Request[Any, Any, Any] = Request(connection.scope)
        if not bucket.take(client_address(request, behind_proxy=behind_proxy)):
            raise TooMany("That was a lot at once. Wait a moment and try again.")

    return guard
