"""Live updates: events are rows written with the change they speak of, and reach every process that listens.

PostgreSQL's NOTIFY inside a busy transaction would make commits queue behind one lock, so only a bell is rung after the
commit, many changes at once; who misses the bell still finds the rows at the next look."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

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
    xid: int
    topic: str
    kind: str
    data: dict[str, Any]

    def event(self) -> LiveEvent:
        return LiveEvent(f"{self.xid}-{self.id}", self.topic, self.kind, self.data)


# Rows are read in the order (xid, id) and only below the oldest running transaction: a slow writer can't slip an event
# in behind a reader's mark.
_NEW = """
SELECT id, xid::text::bigint AS xid, topic, kind, data FROM live_events
WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id LIMIT 500
"""
_SINCE = """
SELECT id, xid::text::bigint AS xid, topic, kind, data FROM live_events
WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s) AND topic = ANY(%(topics)s)
  AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id LIMIT 500
"""


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
        self._xid, self._id = 0, 0

    async def start(self) -> None:
        """Begin to listen, from now on."""
        async with self._db.reading() as rows:
            self._xid = int(await rows.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1") or 0)
            self._id = 2**62
        self._db.on_told = self._told.set
        for work in (self._ring(), self._listen(), self._look(), self._tidy()):
            self._tasks.append(asyncio.create_task(work))

    @property
    def mark(self) -> str:
        """Where this process has read to: a page rendered now and listening from here misses nothing."""
        return f"{self._xid}-{min(self._id, 10**18 - 1)}" if self._xid else ""

    async def stop(self) -> None:
        """Stop listening; open subscriptions just fall silent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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
        xid, _, number = since.partition("-")
        if not (xid.isdecimal() and number.isdecimal() and len(xid) < 20 and len(number) < 19):
            return []
        async with self._db.reading() as rows:
            found = await rows.rows(_Row, _SINCE, {"xid": xid, "id": int(number), "topics": sorted(topics)})
        return [row.event() for row in found]

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
                connection = await AsyncConnection.connect(self._db.url, autocommit=True)
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
                async with self._db.reading() as rows:
                    found = await rows.rows(_Row, _NEW, {"xid": str(self._xid), "id": self._id})
            except (psycopg.Error, OSError) as error:
                log.warning("live.blind", error=str(error).strip())
                await asyncio.sleep(0.5)
                continue
            for row in found:
                self._xid, self._id = row.xid, row.id
                event = row.event()
                for subscription in self._subscriptions:
                    if row.topic in subscription.topics:
                        subscription.put(event)
            if len(found) == 500:
                self._rung.set()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(60)
            with contextlib.suppress(psycopg.Error, OSError):
                async with self._db.reading() as rows:
                    await rows.run(f"DELETE FROM live_events WHERE at < clock_timestamp() - {_KEPT}")  # noqa: S608
