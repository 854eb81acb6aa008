"""Every account's every day, reconciled without being asked: a due row from ten in the morning after, Beijing time.

Missed days are caught up with, the oldest first; a day whose file is missing or wrong is tried again every hour for a
week, and a person is told the first time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from saoma.alipay.sftp import FilesUnreachable
from saoma.gateway import StatementUnreadable
from saoma.kit.clock import BEIJING, Clock, beijing_day
from saoma.kit.db import Database
from saoma.kit.due import DueWork
from saoma.kit.errors import NotFound
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage, StorageAway
from saoma.payments.alarms import raise_alarm
from saoma.payments.reconciliation import Busy, DailyFile, Run, RunStatus, expects_file, reconcile
from saoma.payments.statement_lines import Watch
from saoma.statements import brought
from saoma.statements.looks import keep_look
from saoma.statements.sources import Source, collect, sources

log = structlog.get_logger(__name__)

#: Files are ready between nine and ten (https://docs.antom.com/ac/globalbarcode/reconciliation).
READY: Final = time(10)
_AGAIN: Final = timedelta(hours=1)
#: Alipay keeps files for a week.
_KEPT: Final = timedelta(days=7)
#: A million lines take minutes; the day's own lock keeps a second worker away should this be too short.
_LEASE: Final = timedelta(minutes=30)

_PLAN: Final = """
INSERT INTO recon_runs (id, account_id, day, status, created_at, due_at)
VALUES (%(id)s, %(account)s, %(day)s, 'waiting', %(now)s, %(due)s) ON CONFLICT (account_id, day) DO NOTHING
"""
_LAST: Final = "SELECT max(day) FROM recon_runs WHERE account_id = %(account)s"
_DUE: Final = """
UPDATE recon_runs SET due_at = CASE
    WHEN status IN ('done', 'nothing') AND NOT %(unfinished)s THEN NULL ELSE %(due)s::timestamptz END
WHERE id = %(id)s
"""


class _Day(msgspec.Struct, frozen=True):
    account_id: str
    day: date
    created_at: datetime
    tries: int


def ready_at(day: date) -> datetime:
    """When a day's files should be there."""
    return datetime.combine(day + timedelta(days=1), READY, BEIJING)


async def plan(db: Database, clock: Clock) -> int:
    """Make the rows of all days up to yesterday that have none; how many that were. A worker calls it now and then."""
    now = clock.now()
    yesterday = beijing_day(now) - timedelta(days=1)
    made = 0
    async with db.transaction() as tx:
        for source in await sources(tx):
            if source.stopped_at is not None:
                continue
            last = await tx.value(_LAST, {"account": source.account_id})
            day = max(source.since, last - timedelta(days=7) if last else source.since)
            while day <= yesterday:
                row = {"id": new_id("rec"), "account": source.account_id, "day": day, "now": now, "due": ready_at(day)}
                made += await tx.run(_PLAN, row)
                day += timedelta(days=1)
    return made


async def source_of(db: Database, account_id: str) -> Source:
    """An account's source. Raises `NotFound` where nobody said where its files come from."""
    async with db.reading() as rows:
        found = await sources(rows, account_id)
    if not found:
        raise NotFound("Nobody said yet where this account's daily files come from.")
    return found[0]


async def run_day(
    db: Database, clock: Clock, seal: Seal, spool: Path, source: Source, day: date, *,
    files: Sequence[DailyFile] | None = None, watch: Watch = lambda _: None,
) -> Run:  # fmt: skip
    """Reconcile one day with `files`, or with those that the source has now. Raises `Busy`, `FilesUnreachable`.

    Files that can't be fetched ring only where our books say there must be some."""
    account_id = source.account_id

    async def ring(rule: str, key: str, text: str) -> None:
        await raise_alarm(db, rule, key, text, now=clock.now())

    if files is None:
        try:
            files = await collect(source, seal, day, spool)
            await keep_look(db, clock, account_id, by="", trouble=None, names=[each.name for each in files])
        except StatementUnreadable as error:
            await ring("file_wrong", f"{account_id}:{day}", str(error))
            raise FilesUnreachable(str(error)) from None
        except FilesUnreachable as error:
            await keep_look(db, clock, account_id, by="", trouble=error)
            if await expects_file(db, account_id, day):
                await ring("file_missing", f"{account_id}:{day}", f"The files of {day} can't be fetched: {error}")
            raise
    return await reconcile(db, clock, day, account_id, files, source.terms(), ring=ring, watch=watch)


def works(db: Database, clock: Clock, seal: Seal, spool: Path, storage: Storage) -> list[DueWork]:
    """What a worker must drive."""

    async def day(run_id: str) -> None:
        async with db.reading() as rows:
            row = await rows.one(
                _Day, "SELECT account_id, day, created_at, tries FROM recon_runs WHERE id = %(id)s", {"id": run_id}
            )
        waiting, unfinished = await brought.unread(db, row.account_id, row.day), False
        try:
            source = await source_of(db, row.account_id)
            files = await brought.files(storage, waiting, spool) if waiting else None
            await run_day(db, clock, seal, spool, source, row.day, files=files)
            if waiting:
                await brought.forget(db, clock, storage, waiting)
        except (Busy, StorageAway) as error:
            log.info("reconciliation.busy", run=run_id, error=str(error))
            unfinished = bool(waiting)
        except (FilesUnreachable, StatementUnreadable, NotFound) as error:
            log.warning("reconciliation.no_files", run=run_id, day=str(row.day), error=str(error))
        due = clock.now() + _AGAIN
        async with db.transaction() as tx:
            again = unfinished or due < ready_at(row.day) + _KEPT
            await tx.run(_DUE, {"id": run_id, "due": due if again else None, "unfinished": unfinished})

    # One day holds a connection and reads a million lines: after a long pause they are not all begun together.
    return [DueWork("daily_files", "recon_runs", _LEASE, day, at_once=2)]


__all__ = ["READY", "Run", "RunStatus", "plan", "ready_at", "run_day", "source_of", "works"]
