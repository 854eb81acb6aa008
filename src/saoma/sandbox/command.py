"""`saoma sandbox`: reads its words, opens its book and serves; what is wrong with either is told in one line.

Everything that can be wrong is found before the port is taken, so a sandbox that answers is whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from saoma.kit.errors import Invalid, Refused
from saoma.sandbox.book.store import Store
from saoma.sandbox.config import Config, read_config
from saoma.sandbox.scenarios.playing import check_buyers
from saoma.sandbox.scenarios.scenario import Scenario
from saoma.sandbox.server import Sandbox
from saoma.sandbox.welcome import welcome

#: How long open connections may take to end when the sandbox is told to stop, in seconds.
_PATIENCE: Final = 2.0
_PLACES: Final = 2048


def run(
    port: int,
    config: Path | None = None,
    sftp_port: int | None = None,
    state: Path | None = None,
    scenario: Scenario | None = None,
) -> None:
    """Serve until told to stop (Ctrl-C or SIGTERM), and play a scenario. `state` is the book's file, whatever the
    settings say.

    Raises `Invalid` for wrong settings, a book that can't be read or is in use, and a port in use."""
    with opened(port, config, sftp_port, state, scenario) as sandbox:
        uvloop.run(_serve(sandbox, scenario))


@contextlib.contextmanager
def opened(
    port: int | None, config: Path | None, sftp_port: int | None, state: Path | None, scenario: Scenario | None
) -> Iterator[Sandbox]:
    """A sandbox that plays a scenario and serves nobody yet; without a port it takes a free one. Raises `Invalid`."""
    settings = read_config(config)
    if sftp_port is not None:
        settings = msgspec.structs.replace(settings, sftp_port=sftp_port)
    if state is not None:
        settings = msgspec.structs.replace(settings, state=str(state))
    with _alone(Path(settings.state) if settings.state else None):
        sandbox = _opened(settings, config, port or _try_port(settings.host, 0))
        if scenario is not None:
            check_buyers(scenario, sandbox.book)
            sandbox.player.resume(scenario)
        _try_port(settings.host, sandbox.port)
        if sftp_port is not None:
            _try_port(settings.host, sftp_port, "--sftp-port")
        yield sandbox


@contextlib.contextmanager
def _alone(book: Path | None) -> Iterator[None]:
    """One sandbox at a time may use a book: each believes what it has in memory. Raises `Invalid`."""
    try:
        import fcntl
    except ImportError:
        # where files can't be locked, nobody is warned
        yield
        return
    if book is None:
        yield
        return
    if book.is_dir():
        raise Invalid(f"{book} is a folder: name a file in it, such as {book / 'book.sqlite'}.")
    try:
        book.parent.mkdir(parents=True, exist_ok=True)
        lock = book.with_name(f"{book.name}.lock").open("w")
    except OSError as trouble:
        raise Invalid(f"The book {book} can't be kept there: {trouble.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Invalid(f"Another sandbox uses the book {book}: stop it, or name another file.") from None
        yield


def _opened(settings: Config, config: Path | None, port: int) -> Sandbox:
    """The sandbox with its book. Raises `Invalid`."""
    book = Path(settings.state) if settings.state else None
    try:
        return Sandbox(settings, port=port, store=Store(book))
    except Refused as wrong:
        raise Invalid(f"The sandbox's settings {config} are wrong: {wrong}") if config else wrong from None
    except sqlite3.OperationalError as trouble:
        raise Invalid(f"The book {book} can't be used: {trouble}.") from None
    except sqlite3.DatabaseError as trouble:
        raise Invalid(f"{book} is no book of a sandbox, or is broken ({trouble}): name another file.") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as wrong:
        what = f"The book {book} was written by another version of Saoma ({wrong})"
        raise Invalid(f"{what}: begin a new one by deleting it or by naming another file.") from None


def _try_port(host: str, port: int, option: str = "--port") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return int(probe.getsockname()[1])
        except socket.gaierror as trouble:
            raise Invalid(f"The sandbox can't listen on {host!r}: {trouble.strerror}.") from None
        except OSError as trouble:
            why = f"Port {port} can't be used: {trouble.strerror}."
            raise Invalid(f"{why} Stop what uses it, or choose another with {option}.") from None


def server_of(sandbox: Sandbox) -> Server:
    """The server of a sandbox, on its port."""
    # each page that is kept open and each call that is kept silent takes a place: have plenty of them
    return Server(
        sandbox.app(),
        sandbox.config.host,
        sandbox.port,
        interface=Interfaces.ASGI,
        backlog=_PLACES,
        backpressure=_PLACES,
        log_enabled=False,
    )


async def _serve(sandbox: Sandbox, scenario: Scenario | None) -> None:
    server = server_of(sandbox)
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop.set)
    told = welcome(f"http://localhost:{sandbox.port}", sandbox.partners.all(), sandbox.book.buyers())
    if scenario is not None:
        told += f"Playing {scenario.name} (seed {scenario.seed}): /control/scenarios tells how far it is.\n"
    sys.stdout.write(told)
    sys.stdout.flush()
    serving, stopping = asyncio.create_task(server.serve()), asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await ended(sandbox, server, serving)


async def ended(sandbox: Sandbox, server: Server, serving: asyncio.Task[Any], code: int = 0) -> None:
    """Stop serving. Where somebody is still kept waiting, the process ends here, with this exit code."""
    server.stop()  # type: ignore[no-untyped-call]
    _, late = await asyncio.wait({serving}, timeout=_PATIENCE)
    if late:
        # somebody is still being kept silent, or watches a page that never ends: what they were told is written
        sandbox.store.close()
        sys.stdout.flush()
        os._exit(code)
