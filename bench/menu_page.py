"""The diner's menu page: how soon its first byte comes, and what a page costs, beside a bare page in one run.

    python bench/menu_page.py [--pages 400] [--rounds 3]

`floor` is a minimal program of the same parts; `scanned` is a phone that has just scanned the code; `seated` one that
sits at the table, with a session, its people and its basket."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import time
from dataclasses import dataclass

import aiohttp
from running import cpu_seconds, end, free_port, own_postgres, start, wait_for

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"


@dataclass(frozen=True)
class Visitor:
    """Who opens which page of which process."""

    url: str
    pid: int
    cookie: str = ""


@dataclass(frozen=True)
class Visits:
    """What one round of visits found. Times in milliseconds."""

    median: float
    p99: float
    cpu: float
    packed: int
    size: int


async def visit(visitor: Visitor, pages: int, at_once: int) -> Visits:
    """Open the page `pages` times, `at_once` at a time."""
    first_bytes: list[float] = []
    sizes: set[int] = set()
    headers = {"User-Agent": PHONE, "Accept-Encoding": "gzip", "Accept-Language": "en"}
    if visitor.cookie:
        headers["Cookie"] = visitor.cookie
    todo = iter(range(pages))
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, headers=headers
    ) as session:

        async def phone() -> None:
            for _ in todo:
                began = time.perf_counter()
                async with session.get(visitor.url, allow_redirects=False) as answer:
                    first_bytes.append((time.perf_counter() - began) * 1000)
                    if answer.status != 200 or answer.headers.get("Content-Encoding") != "gzip":
                        raise SystemExit(f"{visitor.url} answered {answer.status}")
                    sizes.add(len(await answer.read()))

        used = cpu_seconds(visitor.pid)
        await asyncio.gather(*(phone() for _ in range(at_once)))
        used = cpu_seconds(visitor.pid) - used
    async with aiohttp.ClientSession(headers=headers) as session, session.get(visitor.url) as answer:
        size = len(await answer.read())
    first_bytes.sort()
    return Visits(
        median=statistics.median(first_bytes),
        p99=first_bytes[int(len(first_bytes) * 0.99)],
        cpu=used / pages * 1000,
        packed=max(sizes),
        size=size,
    )


async def sit_down(url: str) -> str:
    """Sit down at the table under a name, as a phone outside the wallet does; the cookies it holds then."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"User-Agent": PHONE}) as session:
        async with session.get(url) as answer:
            token = re.search(r'name="csrf" content="([^"]+)"', await answer.text())
        assert token is not None
        async with session.post(f"{url}/name", data={"name": "Mia", "_csrf_token": token[1]}) as answer:
            if answer.status != 200 or "Mia" not in await answer.text():
                raise SystemExit(f"sitting down answered {answer.status}")
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in jar)


async def main() -> None:
    """Both programs, in turn, several rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    processes: list[subprocess.Popen[str]] = []
    found: dict[tuple[str, int], list[Visits]] = {}
    with own_postgres() as server:
        try:
            visitors: dict[str, Visitor] = {}
            for name, script in (("floor", "menu_page_floor.py"), ("scanned", "menu_page_product.py")):
                port = free_port()
                process = start(script, port, json.dumps({"database": server.make_database(name)}))
                processes.append(process)
                assert process.stdout is not None
                path = process.stdout.readline().strip()
                await wait_for(process, port)
                visitors[name] = Visitor(f"http://127.0.0.1:{port}{path}", process.pid)
            scanned = visitors["scanned"]
            visitors["seated"] = Visitor(scanned.url, scanned.pid, await sit_down(scanned.url))
            for visitor in visitors.values():
                await visit(visitor, 100, 4)
            for _ in range(words.rounds):
                for at_once in (1, 16):
                    for name, visitor in visitors.items():
                        found.setdefault((name, at_once), []).append(await visit(visitor, words.pages, at_once))
        finally:
            for process in processes:
                end(process)

    print(f"\nThe menu page, 30 dishes, one server process: time to first byte (median of {words.rounds} rounds)\n")
    print(
        f"{'':9}{'one at a time, ms':>20}{'16 at once, ms':>20}{'CPU ms':>9}{'pages per':>13}{'bytes':>16}\n"
        f"{'':9}{'median':>10}{'p99':>10}{'median':>10}{'p99':>10}{'a page':>9}{'core-second':>13}"
        f"{'gzip':>8}{'plain':>8}"
    )
    cpu = {}
    for name in visitors:
        alone, together = found[name, 1], found[name, 16]
        cpu[name] = statistics.median(each.cpu for each in together)
        print(
            f"{name:9}{statistics.median(each.median for each in alone):10.1f}"
            f"{statistics.median(each.p99 for each in alone):10.1f}"
            f"{statistics.median(each.median for each in together):10.1f}"
            f"{statistics.median(each.p99 for each in together):10.1f}"
            f"{cpu[name]:9.2f}{1000 / cpu[name]:13.0f}{together[-1].packed:8d}{together[-1].size:8d}"
        )
    print(
        f"ratio    CPU of a page just scanned {cpu['scanned'] / cpu['floor']:.2f} x the floor, "
        f"of one at the table {cpu['seated'] / cpu['floor']:.2f} x"
    )


if __name__ == "__main__":
    asyncio.run(main())
