"""`saoma validate`: puts sandbox, adapter, judging and reports together; nothing here decides anything."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from rich.console import Console

from saoma.kit.clock import SystemClock
from saoma.kit.errors import Invalid
from saoma.kit.i18n import texts
from saoma.validator.adapter import Adapter, CommandAdapter, Hello, HttpAdapter, meet
from saoma.validator.cases import ALL_SOLUTIONS, BY_ID, CASES
from saoma.validator.control import Control, own_sandbox
from saoma.validator.driving import drive, real_seconds
from saoma.validator.page import as_page
from saoma.validator.report import Finding, Report, as_json, as_junit
from saoma.validator.terminal import Terminal
from saoma.validator.verdict import Outcome
from saoma.validator.watching import watched

#: Where a local Alipay of this run can be.
_HERE: Final = ("localhost", "127.0.0.1")
#: A clock that is so many seconds ahead is worth a word.
_NOTICED: Final = 60.0


class Wish(msgspec.Struct, frozen=True):
    """What was asked for on the command line."""

    target: str = ""
    command: str = ""
    sandbox: str = ""
    own_sandbox: bool = False
    partner: str = "2088000000000001"
    solutions: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    once: bool = False
    seconds: float = 600
    silence: float = 6
    page: Path | None = None
    junit: Path | None = None
    json: Path | None = None
    lang: str = "en"
    strict: bool = False


def run_validate(wish: Wish) -> int:
    """Validate, write what was asked for, and tell whether the integration may go live (0) or not (1).

    Raises `Invalid` for wrong wishes, `NoSandbox` and `HookFailed` where somebody is not there."""
    _check(wish)
    console = Console(highlight=False)
    report = asyncio.run(_validate(wish, console))
    for path, content in (
        (wish.page, as_page(report, wish.lang)),
        (wish.junit, as_junit(report)),
        (wish.json, as_json(report)),
    ):
        if path is not None:
            path.write_bytes(content)
            console.print(f"[bright_black]{path}[/]", soft_wrap=True)
    return report.exit_code(strict=wish.strict)


def _check(wish: Wish) -> None:
    """Whatever can be wrong is told before the first call, for a run takes minutes. Raises `Invalid`."""
    if unknown := sorted(set(wish.cases) - set(BY_ID)):
        raise Invalid(f"there is no case {unknown[0]}: they are V1 to V14 and S1 to S19")
    if unknown := sorted(set(wish.solutions) - set(ALL_SOLUTIONS)):
        raise Invalid(f"there is no solution {unknown[0]}: they are {', '.join(ALL_SOLUTIONS)}")
    for name, address in (("--target", wish.target), ("--sandbox", wish.sandbox)):
        if address and not re.match(r"https?://[^/]", address):
            raise Invalid(f"{name} is a web address such as http://localhost:8001, not {address!r}")
    if wish.own_sandbox and wish.sandbox and urlsplit(wish.sandbox).hostname not in _HERE:
        raise Invalid("--own-sandbox starts one on this machine: --sandbox may only name another port of localhost")
    try:
        shlex.split(wish.command)
    except ValueError as wrong:
        raise Invalid(f"--command can't be read: {str(wrong).lower()}") from None
    for path in (wish.page, wish.junit, wish.json):
        if path is not None:
            _try_path(path)


def _try_path(path: Path) -> None:
    if path.is_dir():
        raise Invalid(f"{path} is a folder: name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as trouble:
        raise Invalid(f"{path} can't be written: {trouble.strerror}") from None
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise Invalid(f"{path} can't be written: permission denied")


async def _validate(wish: Wish, console: Console) -> Report:
    clock = SystemClock()
    began, text = clock.now(), texts(wish.lang)
    terminal = Terminal(console, text)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = wish.sandbox or "http://localhost:8001"
        if wish.own_sandbox:
            url = await stack.enter_async_context(own_sandbox(url))
            console.print(f"[bright_black]A local Alipay at {url}[/]")
        control = Control(url, wish.partner, session)
        await control.now()
        if wish.partner not in (known := await control.partners()):
            there = ", ".join(known) or "none"
            raise Invalid(f"the local Alipay at {url} has no partner {wish.partner}: it has {there}")
        if wish.target or wish.command:
            adapter: Adapter = CommandAdapter(wish.command) if wish.command else HttpAdapter(wish.target, session)
            hello = await meet(adapter)
            found = await _driven(wish, control, adapter, hello, terminal)
            name, mode, solutions = hello.name, "drive", wish.solutions or tuple(hello.solutions)
        else:
            found = await _watched(wish, control, terminal)
            name, mode, solutions = wish.partner, "watch", wish.solutions
        ahead = (await control.now() - clock.now()).total_seconds()
    report = Report(name, wish.partner, mode, url, solutions, began, tuple(found))
    terminal.sum(report)
    if mode == "drive" and not wish.own_sandbox and ahead > _NOTICED:
        terminal.clock_ahead(url, ahead)
    return report


async def _driven(wish: Wish, control: Control, adapter: Adapter, hello: Hello, terminal: Terminal) -> list[Finding]:
    if wait := real_seconds(hello, only=wish.cases, solutions=wish.solutions):
        terminal.real_time(wait)
    with terminal.progress:
        terminal.expect(len(wish.cases) or len(CASES))
        return await drive(
            control, adapter, hello, only=wish.cases, solutions=wish.solutions, silence=wish.silence,
            begins=terminal.begins, waiting=terminal.waiting, found=terminal.found,
        )  # fmt: skip


async def _watched(wish: Wish, control: Control, terminal: Terminal) -> list[Finding]:
    """Look again and again until everything was seen, the time is over or Ctrl-C; `once` looks once."""
    shown: dict[str, Any] = {}
    found: list[Finding] = []
    clock = asyncio.get_running_loop().time
    end = clock() + wish.seconds
    async with _interruptible():
        while True:
            found = await watched(control, only=wish.cases, solutions=wish.solutions)
            for each in found:
                now = (each.verdict.outcome, each.verdict.reason)
                if each.verdict.outcome in (Outcome.PASSED, Outcome.FAILED) and shown.get(each.case.id) != now:
                    shown[each.case.id] = now
                    terminal.line(each)
            open_ = [each for each in found if each.verdict.outcome is Outcome.NOT_SEEN]
            if wish.once or not open_ or clock() > end:
                break
            await asyncio.sleep(1)
    terminal.hints(found)
    return found


@asynccontextmanager
async def _interruptible() -> AsyncIterator[None]:
    """Ctrl-C ends the watching, not the report."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.uncancel():
            raise
