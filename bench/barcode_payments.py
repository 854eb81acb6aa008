"""Barcode payments per second: the product against the bare floor, side by side in one run, durable PostgreSQL.

    python bench/barcode_payments.py [--payments 2000] [--at-once 16] [--rounds 3]

Prints payments a second on this machine, CPU of the program itself for each payment, and the ratio."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from saoma.alipay.signing import new_rsa_key
from saoma.kit.postgres import EmbeddedPostgres

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads, from the system's own count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start(script: str, port: int, given: str) -> subprocess.Popen[str]:
    """Run one of the programs beside this file; what it needs goes in by standard input."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), str(port)], stdin=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.close()
    return process


async def wait_for(port: int, seconds: float = 30) -> None:
    """Until something listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


async def load(port: int, payments: int, at_once: int, pid: int) -> dict[str, float]:
    """Send `payments` payments, `at_once` at a time; every one must succeed."""
    latencies: list[float] = []
    todo = iter(range(payments))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def till() -> None:
            for number in todo:
                body = {"amount": 1250, "code": f"28{number % 10**14:016d}"}
                began = time.perf_counter()
                async with session.post(f"http://127.0.0.1:{port}/pay", json=body) as answer:
                    found: dict[str, Any] = await answer.json()
                    if found.get("status") != "succeeded":
                        raise SystemExit(f"a payment ended as {found}")
                latencies.append(time.perf_counter() - began)

        used = cpu_seconds(pid)
        began = time.perf_counter()
        await asyncio.gather(*(till() for _ in range(at_once)))
        took = time.perf_counter() - began
    latencies.sort()
    return {
        "rate": payments / took,
        "cpu_ms": (cpu_seconds(pid) - used) / payments * 1000,
        "median_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
    }


async def main() -> None:
    """Both programs, in turn, several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    private, public = new_rsa_key()
    processes: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            gateway_port, ports = free_port(), {"floor": free_port(), "saoma": free_port()}
            processes.append(start("stub_gateway.py", gateway_port, private))
            pids = {}
            for name, script in (("floor", "barcode_floor.py"), ("saoma", "barcode_product.py")):
                given = {
                    "private": private,
                    "public": public,
                    "database": server.make_database(name),
                    "gateway": f"http://127.0.0.1:{gateway_port}/gateway.do?_input_charset=UTF-8",
                    "headers": {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
                }
                process = start(script, ports[name], json.dumps(given))
                processes.append(process)
                pids[name] = process.pid
            for port in (gateway_port, *ports.values()):
                await wait_for(port)
            for name, port in ports.items():
                await load(port, max(100, words.payments // 10), words.at_once, pids[name])
            found: dict[str, list[dict[str, float]]] = {"floor": [], "saoma": []}
            for _ in range(words.rounds):
                for name, port in ports.items():
                    found[name].append(await load(port, words.payments, words.at_once, pids[name]))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
            server.stop()
    print(
        f"Barcode payments, RSA2, {words.at_once} at once, {os.cpu_count()} cores shared with PostgreSQL, stub and load"
    )
    print(f"{'':8}{'payments/s':>12}{'CPU ms each':>13}{'per core/s':>12}{'median ms':>11}{'p99 ms':>8}")
    middle = {}
    for name, rounds in found.items():
        row = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        middle[name] = row
        print(
            f"{name:8}{row['rate']:12.0f}{row['cpu_ms']:13.2f}{1000 / row['cpu_ms']:12.0f}"
            f"{row['median_ms']:11.1f}{row['p99_ms']:8.1f}"
        )
    print(
        f"ratio   rate {middle['saoma']['rate'] / middle['floor']['rate']:.2f}, "
        f"CPU {middle['saoma']['cpu_ms'] / middle['floor']['cpu_ms']:.2f} x the floor"
    )
    print(f"(load generator: {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} s CPU)")


if __name__ == "__main__":
    asyncio.run(main())
