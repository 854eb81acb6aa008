"""`saoma doctor`: tries each thing a deployment needs and says what works, and what to do about the rest.

It changes nothing: at Alipay it asks for an order that can't exist, which proves keys, sign type, charset and clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from rich.console import Console

from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.demo.cast import read_demo
from saoma.identity.account_check import try_account
from saoma.identity.model import accounts
from saoma.kit.clock import machine_clock
from saoma.kit.db import Database
from saoma.kit.errors import SaomaError
from saoma.kit.seal import Seal
from saoma.settings import Settings, read_settings
from saoma.web.assets import assets

Finding = tuple[bool, str, str]


def run_doctor(data_dir: Path | None) -> int:
    """Examine the deployment that SAOMA_ variables or a demo's folder describe; 0 when all is well."""
    console = Console(highlight=False)
    settings = settings_for(data_dir)
    return asyncio.run(_examine(settings, console))


def settings_for(data_dir: Path | None) -> Settings | SaomaError:
    """The settings of SAOMA_ variables or of a demo's folder, or why there are none."""
    if data_dir is not None:
        demo = read_demo(data_dir)
        if demo is None:
            return SaomaError(f"no demo has run in {data_dir}: start one with  saoma demo --data-dir {data_dir}")
        return read_settings({}, database_url=demo.database_url, secret=demo.secret, public_url=demo.app_url)
    try:
        return read_settings()
    except SaomaError as error:
        return error


async def _examine(settings: Settings | SaomaError, console: Console) -> int:
    ills = 0
    async for well, what, words in _findings(settings):
        ills += not well
        mark = "[green]✓[/green]" if well else "[red]✗[/red]"
        console.print(f"{mark} {what:<22} {words}", soft_wrap=True)
    console.print("all is well" if not ills else f"{ills} thing{'s' if ills > 1 else ''} to mend", style="bold")
    return 1 if ills else 0


async def _findings(settings: Settings | SaomaError) -> AsyncIterator[Finding]:
    version = sys.version_info
    yield version >= (3, 11), "Python", f"{version.major}.{version.minor}.{version.micro}"
    yield await _try("styles and scripts", _assets, "built")
    if not isinstance(settings, Settings):
        yield False, "settings", str(settings)
        return
    yield True, "settings", f"public address {settings.public_url}"
    db = Database(settings.database_url, max_size=2)
    try:
        await db.start(wait_seconds=5)
    except Exception as error:
        yield False, "database", f"does not answer ({str(error).strip()}): is it running, is SAOMA_DATABASE_URL right?"
        return
    try:
        async with db.reading() as rows:
            shown = await rows.value("SHOW server_version")
            revision = await rows.value("SELECT version_num FROM alembic_version")
            off = await rows.value("SHOW synchronous_commit") == "off"
            found = await accounts(rows, Seal(settings.secret))
        yield True, "database", f"PostgreSQL {shown}, revision {revision}"
        yield (
            not off,
            "durability",
            "commits are durable" if not off else "synchronous_commit is off: money can be lost",
        )
    except Exception as error:
        yield False, "database", f"can't be read ({str(error).strip()}): run  saoma serve  once to migrate it"
        return
    finally:
        await db.close()
    if not found:
        yield False, "accounts", "none yet: add a gateway account"
    for account_id, account in found:
        yield await _examine_account(account_id, account, settings)


async def _try(what: str, does: Callable[[], Awaitable[None]], well: str) -> Finding:
    try:
        await does()
    except SaomaError as error:
        return False, what, str(error)
    return True, what, well


async def _assets() -> None:
    assets()


async def _examine_account(account_id: str, account: Account, settings: Settings) -> Finding:
    what = f"account {account.partner}"
    clock = machine_clock(settings.clock_file)
    async with AlipayClient(
        clock, connect_seconds=settings.connect_seconds, read_seconds=settings.read_seconds
    ) as client:
        gateway = Direct(account, client, clock)
        tried = await try_account(gateway, account.currency)
    if tried.well:
        return True, what, f"{account.environment}, {account.sign_type.value}: signed, answered, verified"
    code = f" ({tried.code})" if tried.code else ""
    return False, what, f"{account.sign_type.value} at {account.gateway_url}: {tried.sentence}{code}"
