"""Barcode payments per second: the product against the bare floor, side by side in one run, durable PostgreSQL.

    python bench/barcode_payments.py [--payments 1500] [--at-once 16] [--rounds 3]

Prints payments a second on this machine, CPU of the program itself for each payment, and the ratio."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from running import Load, compare_with_floor, cpu_seconds, end, free_port, start, wait_for

from saoma.alipay.signing import new_rsa_key
from saoma.kit.postgres import EmbeddedPostgres


@dataclass(frozen=True)
class Wish:
    """One request for a payment: where to, with which body and headers."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


def plain(number: int) -> Wish:
    """What the floor and the core alone are asked."""
    return Wish("/pay", {"amount": 1250, "code": f"28{number % 10**14:016d}"}, {})


async def load(
    port: int, payments: int, at_once: int, used: Callable[[], float], wish: Callable[[int], Wish] = plain
) -> Load:
    """Send `payments` payments, `at_once` at a time; every one must succeed. `used` tells the program's CPU so far."""
    latencies: list[float] = []
    todo = iter(range(payments))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def till() -> None:
            for number in todo:
                new = wish(number)
                url = f"http://127.0.0.1:{port}{new.path}"
                began = time.perf_counter()
                async with session.post(url, json=new.body, headers=new.headers) as answer:
                    found: dict[str, Any] = await answer.json()
                    if found.get("status") != "succeeded":
                        raise SystemExit(f"a payment ended as {found}")
                latencies.append(time.perf_counter() - began)

        before = used()
        began = time.perf_counter()
        await asyncio.gather(*(till() for _ in range(at_once)))
        took = time.perf_counter() - began
    latencies.sort()
    return Load(
        rate=payments / took,
        cpu=(used() - before) / payments * 1000,
        median=latencies[len(latencies) // 2] * 1000,
        p99=latencies[int(len(latencies) * 0.99)] * 1000,
    )


async def measure(sign_type: str, server: EmbeddedPostgres, words: argparse.Namespace) -> dict[str, list[Load]]:
    """Floor and product in turn, several rounds, with one sign type."""
    private, public = new_rsa_key()
    keys = {"sign_type": sign_type, "md5_key": "m" * 32, "private": private, "public": public}
    processes: list[subprocess.Popen[str]] = []
    found: dict[str, list[Load]] = {}
    try:
        gateway_port = free_port()
        processes.append(start("stub_gateway.py", gateway_port, json.dumps(keys)))
        await wait_for(processes[0], gateway_port)
        running = {}
        for name, script in (("floor", "barcode_floor.py"), ("saoma", "barcode_product.py")):
            given = keys | {
                "database": server.make_database(f"{name}_{sign_type.lower()}"),
                "gateway": f"http://127.0.0.1:{gateway_port}/gateway.do?_input_charset=UTF-8",
                "headers": {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
            }
            port = free_port()
            process = start(script, port, json.dumps(given))
            processes.append(process)
            await wait_for(process, port)
            running[name] = (port, partial(cpu_seconds, process.pid))
            await load(port, max(200, words.payments // 5), words.at_once, running[name][1])
        for _ in range(words.rounds):
            for name, (port, used) in running.items():
                found.setdefault(name, []).append(await load(port, words.payments, words.at_once, used))
    finally:
        for process in processes:
            end(process)
    return found


if __name__ == "__main__":
    asyncio.run(compare_with_floor(__doc__, "barcode payments", "saoma", measure, payments=1500))
