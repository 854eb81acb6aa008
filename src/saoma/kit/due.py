"""Rows that need attention carry `due_at`; a driver claims them with a lease and acts.

The claim is the reschedule: a driver that dies needs no clean-up, its rows simply come due again when the lease ends.
Every handler must be safe to run twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog
from psycopg import sql

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.telemetry import DUE_HANDLED, DUE_LATENESS

log = structlog.get_logger(__name__)

#: Rows that are claimed by one statement at most.
BATCH: Final = 200
#: Rows that come due within this time are claimed together; nothing is later than this for the sake of others.
_TICK: Final = 0.05
#: Between looks at all that is due, a driver looks back no further than this.
_LOOK_BACK: Final = timedelta(seconds=5)
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DueWork:
    """One kind of work: `table` has columns `id text`, `due_at timestamptz null`, `tries int` and an index on `due_at`.

    `lease` must be longer than the slowest handling, network limits included. `at_once` bounds how many rows one
    driver handles at the same time: few for work that does not just wait for somebody else's answer."""

    name: str
    table: str
    lease: timedelta
    handle: Callable[[str], Awaitable[None]]
    at_once: int = 1_000


@dataclass(frozen=True)
class Claimed:
    """A row taken for attention, and when it asked for it."""

    id: str
    was_due: datetime


async def claim(db: Database, work: DueWork, now: datetime, limit: int, since: datetime = _EVER) -> list[Claimed]:
    """Take up to `limit` due rows, oldest first; nobody else gets them before the lease ends.

    With `since` rows that came due before it are left out."""
    command = sql.SQL(
        """
        WITH ready AS (
            SELECT id, due_at FROM {table} WHERE due_at <= %(now)s AND due_at >= %(since)s
            ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE {table} AS row SET due_at = %(until)s, tries = row.tries + 1
        FROM ready WHERE row.id = ready.id RETURNING row.id AS id, ready.due_at AS was_due
        """
    ).format(table=sql.Identifier(work.table))
    async with db.reading() as rows:
        cursor = await rows.connection.execute(
            command, {"now": now, "since": since, "limit": limit, "until": now + work.lease}
        )
        return [Claimed(row["id"], row["was_due"]) for row in await cursor.fetchall()]


async def _first_due(db: Database, works: Sequence[DueWork], since: datetime) -> dict[str, datetime]:
    """By work, when its first row that asks for attention at `since` or later does so: one question for all."""
    parts = [
        sql.SQL("SELECT {name} AS name, min(due_at) AS due FROM {table} WHERE due_at >= %(since)s").format(
            name=sql.Literal(work.name), table=sql.Identifier(work.table)
        )
        for work in works
    ]
    async with db.reading() as rows:
        cursor = await rows.connection.execute(sql.SQL(" UNION ALL ").join(parts), {"since": since})
        return {row["name"]: row["due"] for row in await cursor.fetchall() if row["due"] is not None}


async def _handle(work: DueWork, row: Claimed, now: datetime) -> None:
    DUE_LATENESS.labels(work.name).observe(max(0.0, (now - row.was_due).total_seconds()))
    try:
        await work.handle(row.id)
        DUE_HANDLED.labels(work.name, "done").inc()
    except psycopg.OperationalError as error:
        # The database went away in mid-work: the lease brings the row back.
        DUE_HANDLED.labels(work.name, "database").inc()
        log.warning("due.database_away", work=work.name, id=row.id, error=str(error).strip())
    except Exception:
        DUE_HANDLED.labels(work.name, "failed").inc()
        log.exception("due.failed", work=work.name, id=row.id)


async def drive_due(db: Database, works: Sequence[DueWork], clock: Clock, *, limit: int = 200) -> int:
    """Claim and handle all that is due now, once; how many rows that were. Tests move the clock and call this."""
    handled = 0
    for work in works:
        now = clock.now()
        claimed = await claim(db, work, now, limit)
        await asyncio.gather(*(_handle(work, row, now) for row in claimed))
        handled += len(claimed)
    return handled


class Driver:
    """Drives several kinds of work until told to stop. Any number of drivers may run side by side.

    Many rows of each kind are handled at the same time: nearly all of them wait for somebody else's answer, and with
    a thousand payments to ask about every three seconds, a gateway that takes a second has 300 questions open."""

    def __init__(self, db: Database, works: Sequence[DueWork], clock: Clock) -> None:
        self._db = db
        self._works = list(works)
        self._clock = clock
        self._running: dict[str, set[asyncio.Task[None]]] = {work.name: set() for work in self._works}
        self._wake = asyncio.Event()
        self._stopping = False
        self._looked_at_all = _EVER

    def wake(self) -> None:
        """Look now instead of at the next tick."""
        self._wake.set()

    def stop(self) -> None:
        """Take no more work; `run` returns when what is running has ended."""
        self._stopping = True
        self._wake.set()

    async def run(self, *, idle: float = 0.25) -> None:
        """Drive until `stop()`. While nothing is due it looks every `idle` seconds, an index look-up each time."""
        while not self._stopping:
            try:
                pause = await self._round(idle)
            except (psycopg.Error, OSError) as error:
                log.warning("driver.database_away", error=str(error).strip())
                await asyncio.sleep(0.5)
                continue
            if pause:
                self._wake.clear()
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        running = [task for tasks in self._running.values() for task in tasks]
        if running:
            await asyncio.wait(running, timeout=30)

    async def _round(self, idle: float) -> float:
        """Claim what is due and begin it; how many seconds there is nothing to do after that."""
        now = self._clock.now()
        # While somebody's long transaction (a backup) keeps PostgreSQL from clearing the index of rows that have moved
        # on, each look from its beginning passes all of them: hence most looks begin a few seconds ago.
        back = now - _LOOK_BACK
        since = back if abs(now - self._looked_at_all) < _LOOK_BACK else _EVER
        pause = idle
        first_due = await _first_due(self._db, self._works, since)
        if since is _EVER and all(due >= back for due in first_due.values()):
            self._looked_at_all = now
        for work in self._works:
            due, room = first_due.get(work.name), work.at_once - len(self._running[work.name])
            if due is None:
                continue
            if due > now or room <= 0:
                pause = min(pause, max(_TICK, (due - now).total_seconds()))
                continue
            limit = min(room, BATCH)
            claimed = await claim(self._db, work, now, limit, since)
            for row in claimed:
                self._begin(work, row, now)
            pause = 0 if len(claimed) == limit else min(pause, _TICK)
        return pause

    def _begin(self, work: DueWork, row: Claimed, now: datetime) -> None:
        running = self._running[work.name]
        task = asyncio.create_task(_handle(work, row, now))
        running.add(task)
        task.add_done_callback(running.discard)
