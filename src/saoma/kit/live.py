"""Live updates: events are rows written with the change they speak of, and reach every process that listens.

PostgreSQL's NOTIFY inside a busy transaction would make commits queue behind one lock, so only a bell is rung after the
commit, many changes at once; who misses the bell still finds the rows at the next look."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection

from saoma.kit.db import Database

log = structlog.get_logger(__name__)

_CHANNEL = "saoma_live"
#: Events are for screens that are open now; a phone that slept longer reloads its page.
_KEPT = "interval '15 minutes'"


class LiveEvent(msgspec.Struct, frozen=True):
    """Something changed. `mark` orders events and is what a screen sends back as Last-Event-ID."""

    mark: str
    topic: str
    kind: str
    data: dict[str, Any]


class _Row(msgspec.Struct, frozen=True):
    id: int
    topic: str
    kind: str
    data: dict[str, Any]


# Ids are given out before their transactions commit, so a smaller id may appear after a larger one. The ids that were
# passed over are remembered and asked for again until they appear, or until nobody can still be writing them.
_NEW = """
SELECT id, topic, kind, data FROM live_events WHERE id > %(last)s OR id = ANY(%(gaps)s) ORDER BY id LIMIT 500
"""
_NEW_IDS = """
SELECT array_agg(id ORDER BY id) FROM (
    SELECT id FROM live_events WHERE id > %(last)s OR id = ANY(%(gaps)s) ORDER BY id LIMIT 500
) AS new
"""
_SINCE = """
SELECT id, topic, kind, data FROM live_events
WHERE (id > %(last)s OR id = ANY(%(gaps)s)) AND topic = ANY(%(topics)s) ORDER BY id LIMIT 500
"""
#: How long a transaction that tells something may take, in seconds; what commits later is found by the next reload.
_SLOWEST_WRITER: Final = 60.0
_MOST_GAPS: Final = 5_000
#: How many passed-over ids a mark names, the youngest first.
_GAPS_IN_MARK: Final = 20
_MARK: Final = re.compile(r"\d{1,18}(~\d{1,18}){0,20}")


class _Place:
    """How far one reader has read: the last id, and the ids below it that have not appeared yet."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.gaps: dict[int, float] = {}

    @property
    def mark(self) -> str:
        """The place as a text that `read` understands."""
        youngest = sorted(self.gaps, reverse=True)[:_GAPS_IN_MARK]
        return "~".join(str(number) for number in (self.last, *youngest))

    @classmethod
    def read(cls, mark: str) -> _Place | None:
        """The place a mark names; None when it is no mark."""
        if not _MARK.fullmatch(mark):
            return None
        last, *gaps = (int(number) for number in mark.split("~"))
        place = cls(last)
        place.gaps = dict.fromkeys(gaps, 0.0)
        return place

    def take(self, number: int, now: float) -> bool:
        """Note an id that was read; whether it is new here."""
        if number > self.last:
            begin = max(self.last + 1, number - _MOST_GAPS)
            self.gaps.update((missing, now + _SLOWEST_WRITER) for missing in range(begin, number))
            self.last = number
            return True
        return self.gaps.pop(number, None) is not None

    def forget(self, now: float) -> None:
        """Give up on ids that nobody can still be writing: their transactions were rolled back."""
        for number in [number for number, until in self.gaps.items() if until < now]:
            del self.gaps[number]


class Subscription:
    """One screen's ear. A screen that is too slow to listen is told to start over (`overrun`)."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.overrun = False
        self._events: deque[LiveEvent] = deque()
        self._bell = asyncio.Event()

    def put(self, event: LiveEvent) -> None:
        """Hand over one event."""
        if len(self._events) >= 200:
            self.overrun = True
            self._events.clear()
        self._events.append(event)
        self._bell.set()

    async def next(self, timeout: float) -> LiveEvent | None:
        """The next event, or None after `timeout` seconds of silence."""
        if not self._events:
            self._bell.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._bell.wait()
            except TimeoutError:
                return None
        return self._events.popleft() if self._events else None


class Live:
    """One listener per process, fanning out to its screens in memory."""

    def __init__(self, db: Database, *, look_every: float = 1.0) -> None:
        self._db = db
        self._look_every = look_every
        self._subscriptions: set[Subscription] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._told = asyncio.Event()
        self._rung = asyncio.Event()
        self._place = _Place(0)

    async def start(self, *, hearing: bool = True) -> None:
        """Begin to listen, from now on. A process without screens needs no `hearing`: it only rings."""
        self._db.on_told = self._told.set
        if not hearing:
            self._tasks += [asyncio.create_task(self._ring()), asyncio.create_task(self._tidy())]
            return
        async with self._db.reading() as rows:
            self._place = _Place(int(await rows.value("SELECT coalesce(max(id), 0) FROM live_events")))
        for work in (self._ring(), self._listen(), self._look(), self._tidy()):
            self._tasks.append(asyncio.create_task(work))

    @property
    def mark(self) -> str:
        """Up to where this process has read: a page rendered now asks for everything since."""
        return self._place.mark

    async def stop(self) -> None:
        """Stop listening; open subscriptions just fall silent."""
        pending = set(self._tasks)
        while pending:
            # A driver may swallow a cancellation that meets an answer from the server: ask again until it is heard.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=1)
        self._tasks.clear()

    @contextlib.contextmanager
    def subscribe(self, topics: Iterable[str]) -> Any:
        """Listen to `topics` for as long as the block lasts; yields a `Subscription`."""
        subscription = Subscription(frozenset(topics))
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def events(
        self, topics: Iterable[str], *, since: str = "", heartbeat: float = 15.0
    ) -> AsyncIterator[LiveEvent | None]:
        """Events on `topics` as they come, those after `since` first; None is a heartbeat."""
        with self.subscribe(topics) as subscription:
            for event in await self._missed(subscription.topics, since):
                yield event
            while True:
                yield await subscription.next(heartbeat)
                if subscription.overrun:
                    return

    async def _missed(self, topics: frozenset[str], since: str) -> list[LiveEvent]:
        place = _Place.read(since)
        if place is None:
            return []
        asked = {"last": place.last, "gaps": list(place.gaps), "topics": sorted(topics)}
        async with self._db.reading() as rows:
            found = await rows.rows(_Row, _SINCE, asked)
        events = []
        for row in found:
            place.take(row.id, 0.0)
            events.append(LiveEvent(place.mark, row.topic, row.kind, row.data))
        return events

    async def _ring(self) -> None:
        """Ring the bell for other processes, at most fifty times a second."""
        while True:
            await self._told.wait()
            self._told.clear()
            self._rung.set()
            with contextlib.suppress(psycopg.Error, OSError):
                async with self._db.reading() as rows:
                    await rows.run(f"NOTIFY {_CHANNEL}")
            await asyncio.sleep(0.02)

    async def _listen(self) -> None:
        while True:
            try:
                connection = await AsyncConnection.connect(**self._db.arguments, autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    self._rung.set()
                    async for _ in connection.notifies():
                        self._rung.set()
            except (psycopg.Error, OSError) as error:
                log.warning("live.deaf", error=str(error).strip())
            await asyncio.sleep(0.5)

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._look_every):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            try:
                found = await self._news()
            except (psycopg.Error, OSError) as error:
                log.warning("live.blind", error=str(error).strip())
                await asyncio.sleep(0.5)
                continue
            now = asyncio.get_running_loop().time()
            for row in found:
                if self._place.take(row.id, now) and row.topic:
                    event = LiveEvent(self._place.mark, row.topic, row.kind, row.data)
                    for subscription in self._subscriptions:
                        if row.topic in subscription.topics:
                            subscription.put(event)
            self._place.forget(now)
            if len(found) == 500:
                self._rung.set()

    async def _news(self) -> list[_Row]:
        """What came since the last look, in the order of its ids; the ids alone while no screen listens."""
        asked = {"last": self._place.last, "gaps": list(self._place.gaps)}
        async with self._db.reading() as rows:
            if not self._subscriptions:
                numbers = await rows.value(_NEW_IDS, asked) or []
                # Whoever came while we asked is told of everything since, rather than of too little.
                if not self._subscriptions:
                    return [_Row(number, "", "", {}) for number in numbers]
            return await rows.rows(_Row, _NEW, asked)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(60)
            with contextlib.suppress(psycopg.Error, OSError):
                async with self._db.reading() as rows:
                    await rows.run(f"DELETE FROM live_events WHERE at < clock_timestamp() - {_KEPT}")  # noqa: S608
