"""The demo's processes: start them, wait until they answer, bring back those that die, stop them together.

Children end when the demo ends, even when it is killed: each holds the reading end of a pipe that closes with us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from saoma.kit.errors import SaomaError


class DidNotStart(SaomaError):
    """A process ended or stayed silent; the text names its log."""


@dataclass
class Child:
    """One process of the house: how it is started, and the address that answers 200 once it is ready."""

    name: str
    words: Sequence[str]
    ready_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    starts: int = 0


def port_is_taken(port: int) -> bool:
    """Whether something already listens on `port` of this machine."""
    import socket

    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Supervisor:
    """Keeps children running; their output goes to `<folder>/<name>.log`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.children: list[Child] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._kept: dict[str, Callable[[], int | None]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._pipe = os.pipe()

    async def start(self, child: Child, *, seconds: float = 40) -> None:
        """Start a child and wait until it answers. Raises `DidNotStart`."""
        self.children.append(child)
        await self._spawn(child)
        await self._ready(child, seconds)
        self._watchers.append(asyncio.create_task(self._watch(child)))

    def keep(self, name: str, pid: Callable[[], int | None], start: Callable[[], object]) -> None:
        """Look after a process that starts itself otherwise: `start`, in a thread, whenever `pid` finds it gone."""
        self._kept[name] = pid
        self._keepers.append(asyncio.create_task(self._keep(pid, start)))

    async def _keep(self, pid: Callable[[], int | None], start: Callable[[], object]) -> None:
        while not self._stopping:
            if pid() is None:
                with contextlib.suppress(SaomaError):
                    await asyncio.to_thread(start)
                self.write_pids()
            await asyncio.sleep(0.2)

    async def _spawn(self, child: Child) -> None:
        with (self._folder / f"{child.name}.log").open("ab") as log:
            child.process = await asyncio.create_subprocess_exec(
                *child.words,
                stdin=self._pipe[0],
                stdout=log,
                stderr=log,
                env={**os.environ, **child.environment, "SAOMA_FOLLOW_STDIN": "1"},
                start_new_session=True,
            )
        child.starts += 1
        self.write_pids()

    def pid(self, name: str) -> int | None:
        """The living process of that name; None while it is on its way back."""
        if name in self._kept:
            return self._kept[name]()
        process = next(child.process for child in self.children if child.name == name)
        return process.pid if process is not None and process.returncode is None else None

    def write_pids(self) -> None:
        """Note who runs under which process id, for tests that pull plugs."""
        lines = [f"{child.name} {child.process.pid}\n" for child in self.children if child.process is not None]
        lines += [f"{name} {number}\n" for name, pid in self._kept.items() if (number := pid()) is not None]
        (self._folder / "pids").write_text("".join(lines))

    async def _ready(self, child: Child, seconds: float) -> None:
        if not child.ready_url:
            return
        until = time.monotonic() + seconds
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while time.monotonic() < until:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with session.get(child.ready_url) as answer:
                        if answer.status == 200:
                            return
                if child.process is not None and child.process.returncode is not None:
                    break
                await asyncio.sleep(0.05)
        raise DidNotStart(
            f"{child.name} did not start; its log {self._folder / child.name}.log ends:\n{self._tail(child)}"
        )

    def _tail(self, child: Child) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / f"{child.name}.log").read_text(errors="replace")[-1500:]
        return ""

    async def _watch(self, child: Child) -> None:
        while not self._stopping:
            assert child.process is not None
            await child.process.wait()
            await asyncio.sleep(0.2)
            if not self._stopping:
                await self._spawn(child)

    async def stop(self) -> None:
        """Stop all children, the last started first: politely, then not."""
        self._stopping = True
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for child in reversed(self.children):
            if child.process is None or child.process.returncode is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(8):
                    await child.process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)


def saoma(*words: str) -> list[str]:
    """The command line of our own program under the same Python."""
    return [sys.executable, "-m", "saoma.cli", *words]
