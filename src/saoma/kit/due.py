"""Rows that need attention carry `due_at`; a driver claims them with a lease and acts.

The claim is the reschedule: a driver that dies needs no clean-up, its rows simply come due again when the lease ends.
Every handler must be safe to run twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg import sql

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.telemetry import DUE_HANDLED, DUE_LATENESS

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DueWork:
    """One kind of work: `table` has columns `id text`, `due_at timestamptz null`, `tries int` and an index on `due_at`.

    `lease` must be longer than the slowest handling, network limits included."""

    name: str
    table: str
    lease: timedelta
    handle: Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Claimed:
    """A row taken for attention, and when it asked for it."""

    id: str
    was_due: datetime


async def claim(db: Database, work: DueWork, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` due rows, oldest first; nobody else gets them before the lease ends."""
    command = sql.SQL(
        """
        WITH ready AS (
            SELECT id, due_at FROM {table} WHERE due_at <= %(now)s
            ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE {table} AS row SET due_at = %(until)s, tries = row.tries + 1
        FROM ready WHERE row.id = ready.id RETURNING row.id AS id, ready.due_at AS was_due
        """
    ).format(table=sql.Identifier(work.table))
    async with db.reading() as rows:
        cursor = await rows.connection.execute(command, {"now": now, "limit": limit, "until": now + work.lease})
        return [Claimed(row["id"], row["was_due"]) for row in await cursor.fetchall()]


async def _next_due(db: Database, works: Sequence[DueWork]) -> datetime | None:
    moments = []
    async with db.reading() as rows:
        for work in works:
            command = sql.SQL("SELECT min(due_at) AS due FROM {}").format(sql.Identifier(work.table))
            cursor = await rows.connection.execute(command)
            row = await cursor.fetchone()
            if row is not None and row["due"] is not None:
                moments.append(row["due"])
    return min(moments, default=None)


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
    """Drives several kinds of work until told to stop. Any number of drivers may run side by side."""

    def __init__(self, db: Database, works: Sequence[DueWork], clock: Clock, *, at_once: int = 64) -> None:
        self._db = db
        self._works = list(works)
        self._clock = clock
        self._at_once = at_once
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

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
                busy = await self._round()
            except (psycopg.Error, OSError) as error:
                log.warning("driver.database_away", error=str(error).strip())
                await asyncio.sleep(0.5)
                continue
            if not busy:
                self._wake.clear()
                try:
                    async with asyncio.timeout(await self._pause(idle)):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        if self._running:
            await asyncio.wait(self._running, timeout=30)

    async def _pause(self, idle: float) -> float:
        if self._running:
            return min(idle, 0.02)
        due = await _next_due(self._db, self._works)
        if due is None:
            return idle
        return min(idle, max(0.005, (due - self._clock.now()).total_seconds()))

    async def _round(self) -> bool:
        busy = False
        for work in self._works:
            room = self._at_once - len(self._running)
            if room <= 0:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                return True
            now = self._clock.now()
            for row in await claim(self._db, work, now, room):
                busy = True
                task = asyncio.create_task(_handle(work, row, now))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        return busy
