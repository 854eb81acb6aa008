"""A question that many ask at the same moment is asked once, and all of them get its answer.

This is no cache: an answer is only given to those who came before its question was put. Whoever comes while it is
being asked shares the next one, so nobody is told what was true before they asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

T = TypeVar("T")
K = TypeVar("K")


class Together:
    """The questions that are being asked now, and for each the one that waits its turn. Keeps no answers."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}
        self._wanted: dict[Hashable, dict[Any, None]] = {}

    async def ask(self, what: Hashable, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to `what`, put by `question` for everybody who waits for it by then.

        `what` must name everything the answer depends on: of those who share a turn one asks for all. What the
        question raises is raised for each of them; somebody who stops waiting takes nothing from the others."""
        turn = self._next.get(what)
        if turn is None:
            turn = asyncio.create_task(self._turn(what, question, self._asked.get(what)))
            self._next[what] = turn
        return cast(T, await asyncio.shield(turn))

    async def each(self, kind: str, key: K, question: Callable[[list[K]], Awaitable[Mapping[K, T]]]) -> T | None:
        """What `question` finds for `key`, or None; whoever waits for others of the same kind is asked for with it."""
        self._wanted.setdefault(kind, {})[key] = None

        async def for_all() -> Mapping[K, T]:
            return await question(list(self._wanted.pop(kind)))

        return (await self.ask(("each", kind), for_all)).get(key)

    async def _turn(self, what: Hashable, question: Callable[[], Awaitable[T]], before: asyncio.Task[Any] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        # From here on whoever comes is too late for this turn.
        mine = self._asked[what] = self._next.pop(what)
        try:
            return await question()
        finally:
            if self._asked[what] is mine:
                del self._asked[what]

    @property
    def open(self) -> int:
        """How many questions are being asked or wait: at most two of each kind, none when nobody asks."""
        return len(self._asked) + len(self._next)
