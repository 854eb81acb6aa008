"""What the benchmarks share: programs beside this file, each in a process of its own, and what they used.

CPU is what is compared; rates and times say as much about the machine's other work as about ours."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saoma.kit.postgres import EmbeddedPostgres

HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads, from the system's own count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family_seconds(pid: int) -> float:
    """The same of a process, its children that run and those that have ended."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) == pid:
            total += sum(int(field) for field in fields[11:15]) / _TICKS
        elif int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def memory_mb(pid: int) -> float:
    """The most memory a process has held at once so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has no memory to speak of")


def saoma(*words: str, **settings: str) -> subprocess.Popen[str]:
    """Run one of the product's own commands with these SAOMA_ settings."""
    given = {f"SAOMA_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "saoma.cli", *words]
    return subprocess.Popen(command, env=os.environ | given, stdout=subprocess.DEVNULL, text=True)


def start(script: str, port: int, given: str) -> subprocess.Popen[str]:
    """Run one of the programs beside this file; what it needs goes in by standard input."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.close()
    return process


def end(process: subprocess.Popen[str]) -> None:
    """Stop one of ours; there is nothing to lose here, so not for longer than a moment."""
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def wait_for(process: subprocess.Popen[str], port: int, seconds: float = 60) -> None:
    """Until the program listens. Ends the benchmark if it never does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit(f"{process.args!r} does not listen on port {port}")


@contextmanager
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A durable PostgreSQL that is gone with everything in it when the benchmark ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(frozen=True)
class Load:
    """What one round found: payments a second, the program's CPU for each, and how long each took; milliseconds."""

    rate: float
    cpu: float
    median: float
    p99: float


#: Floor and product in turn, several rounds, with one sign type: what was found of each by its name.
Measure = Callable[[str, EmbeddedPostgres, argparse.Namespace], Awaitable[dict[str, list[Load]]]]


async def compare_with_floor(about: str | None, what: str, product: str, measure: Measure, *, payments: int) -> None:
    """Read the command's words, measure with both kinds of signature, print the table of floor and `product`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=payments)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    print(
        f"\n{what}, {words.at_once} at once on {os.cpu_count()} cores shared with PostgreSQL, gateway and load"
        f" (median of {words.rounds} rounds)\n"
    )
    print(f"{'':12}{'payments/s':>12}{'CPU ms each':>13}{'per core-s':>12}{'median ms':>11}{'p99 ms':>8}")
    with own_postgres() as server:
        for sign_type in ("RSA2", "MD5"):
            _show(sign_type, product, await measure(sign_type, server, words))


def _show(sign_type: str, product: str, found: dict[str, list[Load]]) -> None:
    """Two lines of the table and their ratio."""
    cpu = {}
    for name, rounds in found.items():
        cpu[name] = statistics.median(each.cpu for each in rounds)
        print(
            f"{name} {sign_type:<{11 - len(name)}}{statistics.median(each.rate for each in rounds):12.0f}"
            f"{cpu[name]:13.2f}{1000 / cpu[name]:12.0f}{statistics.median(each.median for each in rounds):11.1f}"
            f"{statistics.median(each.p99 for each in rounds):8.1f}"
        )
    print(f"{'':12}CPU {cpu[product] / cpu['floor']:.2f} x the floor", flush=True)
