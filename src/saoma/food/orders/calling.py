"""Numbers called where food is handed over: whichever room took the order, one board calls them.

A room that wants its orders called hands a function over in the composition; no room looks for another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from saoma.kit.db import Rows


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """One order somebody waits for, as a board calls it: "12", "P3". `since` is when it came to be so."""

    id: str
    label: str
    ready: bool
    since: datetime


#: What a room answers for a store: its orders that are made or ready, in one question.
Calls: TypeAlias = Callable[[Rows, str], Awaitable[Sequence[Called]]]
#: The rooms whose orders a board calls beside its own, by the kind of their orders.
CallsOf: TypeAlias = Mapping[str, Calls]


@dataclass(frozen=True, slots=True)
class Wall:
    """What hangs on the wall: `making` the oldest first, `ready` the latest first."""

    making: tuple[Called, ...]
    ready: tuple[Called, ...]


def wall(of: Iterable[Called]) -> Wall:
    """All rooms' numbers in one order."""
    found = sorted(of, key=lambda one: (one.since, one.id))
    return Wall(
        tuple(one for one in found if not one.ready),
        tuple(one for one in reversed(found) if one.ready),
    )
