"""What the benchmarks share: programs beside this file, each in a process of its own, and what they used.

CPU is what is compared; rates and times say as much about the machine's other work as about ours."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

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
