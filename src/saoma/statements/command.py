"""`saoma reconcile`: one day of every account, or of one, with a progress bar and a table at the end.

The exit code is 0 when all agrees, 1 when something differs, is missing or could not be read."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import date
from pathlib import Path

import psycopg
import sqlalchemy.exc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from saoma.alipay.sftp import FilesUnreachable
from saoma.gateway import StatementUnreadable
from saoma.kit.clock import Clock, machine_clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid, SaomaError
from saoma.kit.seal import Seal
from saoma.kit.telemetry import start_logging
from saoma.migrations import migrate
from saoma.payments import findings
from saoma.payments.reconciliation import Busy, Run, RunStatus
from saoma.payments.statement_lines import Progress as Step
from saoma.settings import Settings
from saoma.statements.daily import run_day
from saoma.statements.sources import Source, daily_file, sources

#: Rows of differences that a terminal is given; the rest is in the console and its export.
_SHOWN = 20


def run_reconcile(settings: Settings, day: date, file: Path | None, account: str) -> int:
    """Reconcile and print. Raises `Invalid` for an account nobody knows, or a file without saying whose it is."""
    start_logging(level="WARNING")
    return asyncio.run(_run(settings, day, file, account, Console(highlight=False)))


async def _run(settings: Settings, day: date, file: Path | None, account: str, console: Console) -> int:
    try:
        await asyncio.to_thread(migrate, settings.database_url)
        db = await Database.open(settings.database_url, max_size=4)
    except (sqlalchemy.exc.OperationalError, psycopg.OperationalError) as error:
        raise SaomaError(f"the database does not answer ({str(error).partition(chr(10))[0].strip()})") from None
    try:
        async with db.reading() as rows:
            known = await sources(rows)
        # one that was stopped is asked only by its name, or for a file that somebody has
        chosen = [
            one
            for one in known
            if account in (one.account_id, one.partner) or (not account and (file or one.stopped_at is None))
        ]
        if not chosen:
            raise Invalid("No account has a source of daily files yet." if not known else f"No account is {account!r}.")
        if file is not None and len(chosen) > 1:
            raise Invalid("Several accounts have daily files: say whose this is with --account.")
        with _spool() as spool:
            clock, seal = machine_clock(settings.clock_file), Seal(settings.secret)
            good = [await _one(db, clock, seal, Path(spool), source, day, file, console) for source in chosen]
        return 0 if all(good) else 1
    finally:
        await db.close()


def _spool() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="saoma-files-")
    except OSError as error:
        raise SaomaError(f"there is no room for the daily files while they are read ({error.strerror})") from None


async def _one(
    db: Database, clock: Clock, seal: Seal, spool: Path, source: Source, day: date, file: Path | None, console: Console
) -> bool:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        tasks = {}

        def watch(step: Step) -> None:
            name = f"{step.step} {step.name}"
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=step.total or None)
            bar.update(tasks[name], completed=step.done)

        try:
            files = None if file is None else [await asyncio.to_thread(daily_file, file, spool)]
            run = await run_day(db, clock, seal, spool, source, day, files=files, watch=watch)
        except (FilesUnreachable, StatementUnreadable, Busy, OSError) as error:
            console.print(f"{source.partner} {day}: {error}", soft_wrap=True)
            return False
    async with db.reading() as rows:
        await _tell(rows, run, source, console)
        # what is over counts no more, wherever it was found
        return run.status in (RunStatus.DONE, RunStatus.NOTHING) and not any(
            (await findings.counts(rows, run.id)).values()
        )


async def _tell(rows: Rows, run: Run, source: Source, console: Console) -> None:
    shown = await findings.run(rows, run.id)
    console.print(f"{source.partner} {run.day}: {run.status.value}", soft_wrap=True)
    if run.problem:
        console.print(run.problem, soft_wrap=True)
    table = Table("", "lines")
    found = await findings.counts(rows, run.id)
    table.add_row("read", str(shown.lines))
    table.add_row("agree", str(shown.agree))
    for name in findings.CLASSES:
        table.add_row(name.replace("_", " "), str(found[name]))
    console.print(table)
    lines = await findings.lines(rows, run.id, limit=_SHOWN + 1)
    if not lines:
        return
    each = Table("what", "number", "Alipay says", "we say", "line")
    for one in lines[:_SHOWN]:
        name = one.class_.replace("_", " ")
        where = f"{one.file_name}:{one.row}" if one.row else ""
        number = one.own_number or one.trade_number
        each.add_row(name, number, str(one.their_money or ""), str(one.our_money or one.said), where)
    console.print(each)
    if len(lines) > _SHOWN:
        console.print("… and more: the console shows and exports them all.")
