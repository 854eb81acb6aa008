"""Daily files that somebody brings in the console, whatever the account's source is: kept until a worker has read them.

A file of a million lines takes a minute to read, so a worker does it and not the page; what can be told at once (no
such layout, another account's, another day's) is told to whoever brought it, and nothing is kept then."""

from __future__ import annotations

import asyncio
import re
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from saoma.gateway import Statement, StatementUnreadable
from saoma.identity import audit
from saoma.kit.clock import Clock, beijing_day
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from saoma.kit.ids import new_id
from saoma.kit.storage import Storage
from saoma.payments.reconciliation import DailyFile
from saoma.statements.sources import Source, daily_file

#: A day of a million lines is a fifth of this as ZIP.
MOST_BYTES: Final = 64_000_000
_DAY: Final = re.compile(r"(?<!\d)20\d{6}(?!\d)")

_KEEP: Final = """
INSERT INTO brought_files (id, account_id, day, name, brought_by, brought_at)
VALUES (%(id)s, %(account)s, %(day)s, %(name)s, %(by)s, %(now)s)
"""
_DUE: Final = """
INSERT INTO recon_runs (id, account_id, day, status, created_at, due_at)
VALUES (%(id)s, %(account)s, %(day)s, 'waiting', %(now)s, %(now)s)
ON CONFLICT (account_id, day) DO UPDATE SET due_at = %(now)s RETURNING id
"""


class Brought(msgspec.Struct, frozen=True):
    """A file that waits to be read."""

    id: str
    name: str


async def bring(
    db: Database,
    clock: Clock,
    storage: Storage,
    source: Source,
    name: str,
    content: bytes,
    day: date | None,
    *,
    by: str,
) -> str:
    """Keep a file and have its day reconciled; the id of that day's run. `day` is needed where the file tells none.

    Raises `Invalid` in words about the file, `StorageAway`; nothing is changed then."""
    if not content:
        raise Invalid("Choose a file first.")
    if len(content) > MOST_BYTES:
        raise Invalid("This file is too large. Bring it as a ZIP, or let saoma reconcile --file read it.")
    name = re.sub(r"[^\w.\-]", "_", Path(name).name, flags=re.ASCII)[-100:] or "file"
    told = await asyncio.to_thread(_look, name, content)
    if told.partner and told.partner != source.partner:
        raise Invalid(
            "This is a file of {theirs}; the account here is {ours}.", theirs=told.partner, ours=source.partner
        )
    stated = told.day or _day_in(name)
    if day and stated and day != stated:
        raise Invalid("The file is of {stated}, not of {day}.", stated=str(stated), day=str(day))
    of = day or stated
    if of is None:
        raise Invalid("Say which day this file is of: neither its first line nor its name tells.")
    if not source.since - timedelta(days=400) <= of <= beijing_day(clock.now()):
        raise Invalid("There can be no file of {day}.", day=str(of))
    file_id = new_id("brf")
    kept = {"id": file_id, "account": source.account_id, "day": of, "name": name, "by": by, "now": clock.now()}
    await storage.put(_key(file_id), content)
    async with db.transaction() as tx:
        await tx.run(_KEEP, kept)
        run_id = str(await tx.value(_DUE, kept | {"id": new_id("rec")}))
        detail = {"file": name, "day": str(of)}
        await audit.note(tx, clock, who=by, what="source_file_brought", subject=source.account_id, detail=detail)
        await tx.tell("reconciliation", "run", {"run_id": run_id, "status": "waiting"})
    return run_id


class _Told(msgspec.Struct, frozen=True):
    partner: str
    day: date | None


def _look(name: str, content: bytes) -> _Told:
    """What the file says of itself, once its first line could be read."""
    with tempfile.TemporaryDirectory(prefix="saoma-brought-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            opened: Statement = daily_file(path, Path(folder)).open()
            next(opened.lines, None)
        except StatementUnreadable as error:
            raise Invalid("This is no daily file that can be read: {why}", why=str(error)) from None
        return _Told(opened.partner, opened.day)


def _day_in(name: str) -> date | None:
    found = _DAY.search(name)
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def _key(file_id: str) -> str:
    return f"daily-files/{file_id}"


async def unread(db: Database, account_id: str, day: date) -> list[Brought]:
    """What was brought for that day and not read yet, the oldest first."""
    async with db.reading() as rows:
        return await rows.rows(
            Brought,
            """SELECT id, name FROM brought_files WHERE account_id = %(account)s AND day = %(day)s AND read_at IS NULL
               ORDER BY brought_at, id""",
            {"account": account_id, "day": day},
        )


async def files(storage: Storage, waiting: list[Brought], spool: Path) -> list[DailyFile]:
    """Fetch what was brought into `spool`. Raises `NotFound`, `StorageAway`, `StatementUnreadable`."""
    found = []
    for one in waiting:
        folder = spool / one.id
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / one.name
        path.write_bytes(await storage.get(_key(one.id)))
        found.append(await asyncio.to_thread(daily_file, path, folder))
    return found


async def forget(db: Database, clock: Clock, storage: Storage, waiting: list[Brought]) -> None:
    """They have been read: what counts is in the database now."""
    async with db.reading() as rows:
        sql = "UPDATE brought_files SET read_at = %(now)s WHERE id = ANY(%(ids)s)"
        await rows.run(sql, {"now": clock.now(), "ids": [one.id for one in waiting]})
    for one in waiting:
        await storage.delete(_key(one.id))
