"""`saoma doctor`: tries each thing a deployment needs and says what works, and what to do about the rest.

It changes nothing: at Alipay it asks for orders that can't exist. What it does with an account's keys is in
`alipay.examining`; here its findings become lines, in Chinese where LANG says so."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from psycopg_pool import PoolTimeout
from rich.console import Console
from rich.markup import escape

from saoma.alipay.findings import Mark, words_of
from saoma.alipay.key_texts import KeyText, read_key
from saoma.demo.cast import read_demo
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity.account_check import Doctor
from saoma.identity.accounts import AccountView, account_views
from saoma.identity.model import account
from saoma.kit.clock import machine_clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, SaomaError
from saoma.kit.i18n import texts
from saoma.kit.seal import Seal
from saoma.settings import Settings, read_settings
from saoma.web.assets import assets

#: Whether it is well (None: can't be told yet), what was looked at, and in words.
Finding = tuple[bool | None, str, str]


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
        ills += well is False
        mark = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}[well]
        console.print(f"{mark} {escape(what):<22} {escape(words)}", soft_wrap=True)
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
            found = [view for view in await account_views(rows) if view.stopped_at is None]
            practice = await rows.value("SELECT count(*) FROM accounts WHERE id = %(id)s", {"id": PRACTICE_ACCOUNT})
        yield True, "database", f"PostgreSQL {shown}, revision {revision}"
        yield (
            not off,
            "durability",
            "commits are durable" if not off else "synchronous_commit is off: money can be lost",
        )
    except Exception as error:
        await db.close()
        yield False, "database", f"can't be read ({str(error).strip()}): run  saoma serve  once to migrate it"
        return
    try:
        if not found:
            yield False, "accounts", "none yet: add a gateway account in the console"
        if practice:
            yield True, "practice", "the practice account is left out: no money can move there"
        for view in found:
            async for finding in _examine_account(db, view, settings):
                yield finding
    finally:
        await db.close()


# --- saoma keys show ------------------------------------------------------------------------------------------------


def public_key(settings: Settings, wanted: str) -> KeyText:
    """The public half of an account's own key; `wanted` is its id, PID or name, or empty where there is one only.

    Raises `Invalid` where it does not say which, or that account has no key pair."""
    return asyncio.run(_public_key(settings, wanted))


async def _public_key(settings: Settings, wanted: str) -> KeyText:
    db = Database(settings.database_url, max_size=1)
    try:
        await db.start(wait_seconds=5)
        async with db.reading() as rows:
            views = [view for view in await account_views(rows) if view.channel == "direct"]
            mine = [view for view in views if wanted in ("", view.id, view.partner, view.name)]
            mine = [view for view in mine if view.has_private or wanted]
            if len(mine) != 1:
                known = ", ".join(f"{view.id} ({view.name}, {view.environment})" for view in mine or views) or "none"
                raise Invalid(f"name one account; there {'is' if known == 'none' else 'are'}: {known}")
            if not mine[0].has_private:
                raise Invalid(f"{mine[0].name} has no key pair: it signs with MD5 only")
            return read_key((await account(rows, Seal(settings.secret), mine[0].id)).private_key, "private")
    except PoolTimeout:
        raise SaomaError("the database does not answer: is it running, is SAOMA_DATABASE_URL right?") from None
    finally:
        await db.close()


async def _try(what: str, does: Callable[[], Awaitable[None]], well: str) -> Finding:
    try:
        await does()
    except SaomaError as error:
        return False, what, str(error)
    return True, what, well


async def _assets() -> None:
    assets()


async def _examine_account(db: Database, view: AccountView, settings: Settings) -> AsyncIterator[Finding]:
    """One account, every check of it: `?` where something else must be mended first."""
    say = texts("zh" if os.environ.get("LANG", "").startswith("zh") else "en")
    shown = view.gateway_url if view.channel == "acquirer" else f"{view.partner}, {view.sign_type}"
    yield True, "account", f"{view.name}: {shown}, {view.environment}"
    doctor = Doctor(db, Seal(settings.secret), machine_clock(), settings.public_url)
    async for found in doctor.look_at(view.id):
        name, what, todo = words_of(found)
        told = " ".join(say(text, **found.values) for text in (what, todo) if text)
        well = {Mark.WELL: True, Mark.WRONG: False, Mark.UNKNOWN: None}[found.mark]
        tried = f" [{'; '.join(found.tried)}]" if found.tried and well is False else ""
        yield well, f"  {say(name)}", told + tried
