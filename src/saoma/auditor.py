"""`saoma audit`: asks every rule of the books of any database, streams what breaks one, ends with a table.

It reads in one repeatable-read transaction, so that a busy house looks as it did at one moment; nothing is changed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from saoma.app import AUDIT_RULES
from saoma.doctor import settings_for
from saoma.kit.clock import machine_clock
from saoma.kit.db import Database
from saoma.kit.errors import SaomaError
from saoma.payments.audit import audited

#: Rows printed of each broken rule; the table counts them all.
_SHOWN = 20


def run_audit(data_dir: Path | None) -> int:
    """Audit the database that SAOMA_ variables or a demo's folder name; 0 when every rule holds, else 1."""
    settings = settings_for(data_dir)
    if isinstance(settings, SaomaError):
        raise settings
    return asyncio.run(
        _audit(settings.database_url, machine_clock(settings.clock_file).now(), Console(highlight=False))
    )


async def _audit(database_url: str, now: datetime, console: Console) -> int:
    db = Database(database_url, max_size=1)
    table = Table(title="The books and their rules")
    table.add_column("rule")
    table.add_column("broken by", justify="right")
    ills = 0
    try:
        # Somebody waits at a terminal: one try says at once what a pool would go on trying.
        await (await psycopg.AsyncConnection.connect(database_url, connect_timeout=5)).close()
        await db.start(wait_seconds=5)
    except Exception as error:
        raise SaomaError(f"the database does not answer ({str(error).strip().splitlines()[0]})") from None
    try:
        async with db.transaction() as tx:
            await tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            async for rule, found in audited(tx, now, AUDIT_RULES):
                count = 0
                async for fault in found:
                    count += 1
                    if count <= _SHOWN:
                        console.print(f"[red]✗[/red] {rule}: {fault.id} {fault.detail}", soft_wrap=True)
                ills += count
                table.add_row(rule, f"[red]{count:,}[/red]" if count else "[green]✓[/green]")
    finally:
        await db.close()
    console.print(table)
    console.print("every rule holds" if not ills else f"{ills:,} rows break a rule", style="bold")
    return 1 if ills else 0
