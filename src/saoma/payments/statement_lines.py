"""Brings a daily file's lines into the database, part by part, and goes on where a killed process stopped.

A file is told from another by its digest, so the same file twice is loaded once, and a corrected one takes the place
of the first. A file that turns out not to be whole leaves nothing behind."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from saoma.gateway import Statement, StatementKind, StatementLine, StatementUnreadable
from saoma.kit.clock import Clock
from saoma.kit.db import Database

#: Lines that are read, copied and remembered together: what a killed process may have to read again.
PART: Final = 20_000


@dataclass(frozen=True, slots=True)
class DailyFile:
    """One file of one day. `digest` names its content; `open` reads it from its beginning, as often as it is asked."""

    name: str
    digest: str
    open: Callable[[], Statement]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` is 0 as long as nobody knows."""

    step: str
    name: str
    done: int
    total: int


Watch = Callable[[Progress], None]


class LoadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file's row. `loaded` and `matched` count lines."""

    id: int
    run_id: str
    account_id: str
    day: date
    kind: StatementKind
    name: str
    layout: str
    digest: str
    loaded: int
    complete: bool
    matched: int
    aged: bool


FILE_COLUMNS: Final = ", ".join(LoadedFile.__struct_fields__)
_KNOWN: Final = f"SELECT {FILE_COLUMNS} FROM recon_files WHERE run_id = %(run)s AND digest = %(digest)s"  # noqa: S608
_NEW: Final = f"""
INSERT INTO recon_files (run_id, account_id, day, kind, name, layout, digest, loaded_at)
VALUES (%(run)s, %(account)s, %(day)s, %(kind)s, %(name)s, %(layout)s, %(digest)s, %(now)s)
RETURNING {FILE_COLUMNS}
"""  # noqa: S608
_COPY: Final = """
COPY recon_lines (file_id, place, row, kind, own_number, trade_number, amount, currency, gross, fee, net, paid_out, at,
                  settled_at, remark, doubt) FROM STDIN
"""
#: What a clearing that was cut short has left; nothing as a rule.
_LEFT_OVER: Final = "DELETE FROM recon_lines WHERE file_id = %(id)s AND place > %(loaded)s"
_FAR: Final = "UPDATE recon_files SET loaded = %(loaded)s, complete = %(complete)s WHERE id = %(id)s"
#: What an older file said stays in the books: its payouts are found again by the file that takes its place.
_FORGET: Final = """
WITH gone AS (DELETE FROM recon_files WHERE run_id = %(run)s AND kind = %(kind)s AND id <> %(keep)s RETURNING id)
UPDATE settlements SET file_id = NULL FROM gone WHERE settlements.file_id = gone.id
"""


async def load(db: Database, clock: Clock, run_id: str, account_id: str, day: date, file: DailyFile, partner: str,
               watch: Watch) -> LoadedFile:  # fmt: skip
    """Every line of `file` in the database; of a file that is there already nothing is read.

    Raises `StatementUnreadable`, also for a file of another partner or day."""
    async with db.reading() as rows:
        known = await rows.maybe(LoadedFile, _KNOWN, {"run": run_id, "digest": file.digest})
    if known is not None and known.complete:
        return known
    statement = await asyncio.to_thread(file.open)
    _check(statement, partner, day)
    if known is None:
        new = {"run": run_id, "account": account_id, "day": day, "kind": statement.kind.value, "name": file.name}
        new |= {"layout": statement.layout_name, "digest": file.digest, "now": clock.now()}
        async with db.transaction() as tx:
            known = await tx.one(LoadedFile, _NEW, new)
    else:
        async with db.transaction() as tx:
            await tx.run(_LEFT_OVER, {"id": known.id, "loaded": known.loaded})
    try:
        loaded = await _copy(db, known, statement, watch)
    except StatementUnreadable:
        async with db.transaction() as tx:
            await tx.run("DELETE FROM recon_files WHERE id = %(id)s", {"id": known.id})
        raise
    async with db.transaction() as tx:
        await tx.run(_FORGET, {"run": run_id, "kind": known.kind.value, "keep": known.id})
        await tx.run(_FAR, {"id": known.id, "loaded": loaded, "complete": True})
    if loaded:
        # fresh rows are unknown to the planner until somebody counts them, and it would guess badly
        async with db.reading() as rows:
            await rows.run("ANALYZE recon_lines")
    return msgspec.structs.replace(known, loaded=loaded, complete=True)


def _check(statement: Statement, partner: str, day: date) -> None:
    if statement.partner and statement.partner != partner:
        raise StatementUnreadable(f"{statement.name}: belongs to partner {statement.partner}, not to {partner}")
    if statement.day is not None and statement.day != day:
        raise StatementUnreadable(f"{statement.name}: tells of {statement.day}, not of {day}")


async def _copy(db: Database, file: LoadedFile, statement: Statement, watch: Watch) -> int:
    place = file.loaded
    # what was loaded before a kill is read again, since only the whole file can be believed, but not copied again
    for start in range(0, place, PART):
        await asyncio.to_thread(_skip, statement.lines, min(PART, place - start))
    while True:
        part, count = await asyncio.to_thread(_part, file.id, place, statement)
        if not count:
            return place
        place += count
        async with db.transaction() as tx:
            async with tx.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                await copy.write(part)
            await tx.run(_FAR, {"id": file.id, "loaded": place, "complete": False})
        watch(Progress("loading", file.name, place, statement.total_count or 0))


def _skip(lines: Iterator[StatementLine], count: int) -> None:
    for _ in itertools.islice(lines, count):
        pass


_NEEDS_CARE: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _part(file_id: int, place: int, statement: Statement) -> tuple[bytes, int]:
    """The next lines as COPY takes them. In a thread: payments must not wait for a million lines to be read."""
    made = []
    for line in itertools.islice(statement.lines, PART):
        place += 1
        settled_at = "\\N" if line.settled_at is None else line.settled_at.isoformat()
        net = "\\N" if line.net is None else line.net.minor
        own, trade, remark = (
            text.translate(_NEEDS_CARE) for text in (line.own_number, line.trade_number, line.remark[:500])
        )
        made.append(
            f"{file_id}\t{place}\t{line.row}\t{line.kind.value}\t{own}\t{trade}\t{line.amount.minor}"
            f"\t{line.amount.currency}\t{line.gross.minor}\t{line.fee.minor}\t{net}\t{line.gross.currency}"
            f"\t{line.at.isoformat()}\t{settled_at}\t{remark}\t{line.doubt}\n"
        )
    return "".join(made).encode(), len(made)
