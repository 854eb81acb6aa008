"""The local Alipay: how soon it answers after it was started, and what one core of it takes, beside a bare server.

    python bench/sandbox.py [--starts 9] [--calls 600] [--at-once 16] [--rounds 3]

Payments by barcode and queries are signed with MD5 and go through real HTTP, in turns with the floor; server and load
each have a core of their own. A start counts from the program's execution to the first answer of `/readyz`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from running import HERE, Load, cpu_seconds, end, free_port

from saoma.alipay.signing import md5_signatory, string_to_sign

PARTNER, KEY = "2088000000000001", "abcdefghijklmnopqrstuvwxyz123456"
SHOP = {
    "secondary_merchant_id": "SM_1",
    "secondary_merchant_name": "Noodles",
    "secondary_merchant_industry": "5812",
    "store_id": "ST_1",
    "store_name": "Main street",
}
HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
FLOOR, PAY, QUERY = "a bare server", "payments", "queries"


def started(command: list[str], port: int) -> tuple[subprocess.Popen[str], float]:
    """The process, and the seconds until it answered."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True)
    while time.perf_counter() - began < 60:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return process, time.perf_counter() - began
        if process.poll() is not None:
            break
        time.sleep(0.005)
    raise SystemExit(f"{command} does not answer")


def sandbox(port: int, *words: str) -> list[str]:
    """The command as a user gives it."""
    return [sys.executable, "-m", "saoma.cli", "sandbox", "--port", str(port), *words]


@contextlib.contextmanager
def own_core(core: int) -> Iterator[None]:
    """What is started inside stays on one core; this process goes back to the others."""
    every = os.sched_getaffinity(0)
    if len(every) < 2:
        yield
        return
    mine = sorted(every)[core]
    os.sched_setaffinity(0, {mine})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every - {mine})


def payment(number: str) -> dict[str, str]:
    """A till's request; the code is one that the buyer of the published samples could show."""
    return {
        "service": "alipay.acquire.overseas.spot.pay",
        "partner": PARTNER,
        "_input_charset": "UTF-8",
        "alipay_seller_id": PARTNER,
        "trans_name": "Noodles",
        "partner_trans_id": number,
        "currency": "USD",
        "trans_amount": "0.01",
        "buyer_identity_code": f"28{int(hashlib.md5(number.encode()).hexdigest(), 16) % 10**14:014d}11",
        "identity_code_type": "barcode",
        "trans_create_time": time.strftime("%Y%m%d%H%M%S"),
        "biz_product": "OVERSEAS_MBARCODE_PAY",
        "extend_info": json.dumps(SHOP),
    }


def query(number: str) -> dict[str, str]:
    """What became of it."""
    return {
        "service": "alipay.acquire.overseas.query",
        "partner": PARTNER,
        "_input_charset": "UTF-8",
        "partner_trans_id": number,
    }


def signed(fields: dict[str, str]) -> str:
    """As it is posted."""
    sign = md5_signatory(KEY).sign(string_to_sign(fields).encode())
    return urlencode(fields | {"sign_type": "MD5", "sign": sign})


async def load(port: int, bodies: list[str], at_once: int, used: Callable[[], float]) -> Load:
    """Post all of them; each must be answered as a success. `used` tells the server's CPU so far."""
    latencies: list[float] = []
    todo = iter(bodies)
    url = f"http://127.0.0.1:{port}/gateway.do?_input_charset=UTF-8"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once), headers=HEADERS) as session:

        async def till() -> None:
            for body in todo:
                began = time.perf_counter()
                async with session.post(url, data=body) as answer:
                    said = await answer.text()
                    if "<is_success>T</is_success>" not in said or ">FAILED<" in said:
                        raise SystemExit(f"a call was answered {said}")
                latencies.append(time.perf_counter() - began)

        before, began = used(), time.perf_counter()
        await asyncio.gather(*(till() for _ in range(at_once)))
        took = time.perf_counter() - began
    latencies.sort()
    return Load(
        rate=len(bodies) / took,
        cpu=(used() - before) / len(bodies) * 1000,
        median=latencies[len(latencies) // 2] * 1000,
        p99=latencies[int(len(latencies) * 0.99)] * 1000,
    )


def show_starts(starts: int, folder: Path) -> None:
    """Start it again and again, and tell how long that took."""
    print(f"\nThe local Alipay: seconds from its execution to its first answer, {starts} starts each\n")
    print(f"{'':28}{'median':>8}{'slowest':>9}{'CPU':>7}")
    book = folder / "old.sqlite"
    for name, words in (("in memory", []), ("with a book in a file", ["--state", str(book)])):
        took, cpu = [], []
        for counted in range(starts + 1):
            port = free_port()
            process, seconds = started(sandbox(port, *words), port)
            # the first one compiles what was never run here, as pip does when it installs
            if counted:
                took.append(seconds)
                cpu.append(cpu_seconds(process.pid))
            process.terminate()
            process.wait()
        print(f"{name:28}{statistics.median(took):8.2f}{max(took):9.2f}{statistics.median(cpu):7.2f}", flush=True)


async def show_load(words: argparse.Namespace, folder: Path) -> None:
    """Both kinds of book and the floor in turns, and their table."""
    found: dict[str, list[Load]] = {}
    running: dict[str, tuple[int, subprocess.Popen[str]]] = {}
    numbers = itertools.count()
    try:
        with own_core(0):
            ports = [free_port() for _ in range(3)]
            commands = {
                FLOOR: [sys.executable, str(HERE / "sandbox_floor.py"), str(ports[0])],
                "in memory": sandbox(ports[1]),
                "in a file": sandbox(ports[2], "--state", str(folder / "book.sqlite")),
            }
            for port, (name, command) in zip(ports, commands.items(), strict=True):
                running[name] = (port, started(command, port)[0])
        for round_ in range(-1, words.rounds):
            for name, (port, process) in running.items():
                calls = words.calls if round_ >= 0 else words.calls // 3
                orders = [f"B-{next(numbers)}" for _ in range(calls)]
                for kind, fields in ((PAY, payment), (QUERY, query)):
                    if name == FLOOR and kind == QUERY:
                        continue
                    bodies = [signed(fields(order)) for order in orders]
                    one = await load(port, bodies, words.at_once, partial(cpu_seconds, process.pid))
                    if round_ >= 0:
                        found.setdefault(name if name == FLOOR else f"{kind}, book {name}", []).append(one)
    finally:
        for _, process in running.values():
            end(process)
    print(f"\nCalls of one core, {words.at_once} at once, the load on another (median of {words.rounds} rounds)\n")
    print(f"{'':28}{'calls/s':>9}{'CPU ms each':>13}{'per core-s':>12}{'median ms':>11}{'p99 ms':>8}{'x floor':>9}")
    floor = statistics.median(one.cpu for one in found[FLOOR])
    for name, rounds in found.items():
        rate, cpu, median, p99 = (
            statistics.median(getattr(one, of) for one in rounds) for of in ("rate", "cpu", "median", "p99")
        )
        print(f"{name:28}{rate:9.0f}{cpu:13.2f}{1000 / cpu:12.0f}{median:11.1f}{p99:8.1f}{cpu / floor:9.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as temporary:
        show_starts(given.starts, Path(temporary))
        asyncio.run(show_load(given, Path(temporary)))
