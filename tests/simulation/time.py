"""Time and chance of a simulated world: a clock that is pushed, a loop that lives by it, and loaded dice.

A loop whose time stands still never waits: whoever drives it pushes the clock once nothing is left to run."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from saoma.kit.clock import MovableClock

T = TypeVar("T")


class WorldClock(MovableClock):
    """Stands still until it is pushed; asked thousands of times between two pushes."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._present = start.astimezone(UTC)

    def now(self) -> datetime:
        """The present of the world."""
        return self._present

    def advance(self, by: timedelta) -> datetime:
        """Push it forward."""
        self._present += by
        return self._present


class WorldLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are the world's: a timeout ends when the clock was pushed past it."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    def time(self) -> float:
        """Seconds that have passed in the worlds of this loop."""
        return self._seconds

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass; what was waiting for it runs at the next turns."""
        self._seconds += seconds

    async def settle(self) -> None:
        """Let everything run that can run. What still waits then, waits for time or for a message."""
        await asyncio.sleep(0)
        while self._ready:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)


class Chance:
    """While entered, every random number of the process comes from a seed, and ids are born at the world's time."""

    def __init__(self, seed: str, clock: WorldClock) -> None:
        dice = random.Random(seed)
        self._clock = clock
        self._loaded: list[tuple[Any, dict[str, Callable[..., Any]]]] = [
            (
                secrets,
                {
                    "randbits": dice.getrandbits,
                    "randbelow": dice.randrange,
                    "choice": lambda letters: _one(dice, letters),
                    "token_hex": lambda size: f"{dice.getrandbits(8 * size):0{2 * size}x}",
                },
            ),
            (time, {"time_ns": lambda: int(self._clock.now().timestamp() * 1000) * 1_000_000}),
        ]
        self._honest: list[tuple[Any, dict[str, Callable[..., Any]]]] = []

    def __enter__(self) -> None:
        self._honest = [(module, {name: getattr(module, name) for name in names}) for module, names in self._loaded]
        _set(self._loaded)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(self._honest)


def _one(dice: random.Random, letters: Sequence[T]) -> T:
    return letters[dice.randrange(len(letters))]


def _set(modules: list[tuple[Any, dict[str, Callable[..., Any]]]]) -> None:
    for module, functions in modules:
        for name, function in functions.items():
            setattr(module, name, function)
