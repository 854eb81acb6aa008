"""A meal from an empty basket to paid, through the HTTP a phone uses, and how soon the kitchen's screens show it.

    python bench/checkout.py [--checkouts 96] [--at-once 8] [--rounds 3] [--displays 50] [--peer] [--kitchen]

The whole demo runs for it: app, worker, PostgreSQL and the local Alipay, each a process. A checkout is a scan, eight
dishes into the basket one by one, the press that sends them, the payment, the buyer's yes in the toy wallet, the
phone's report and its looks until the page says paid. With `--peer` another shop system takes its own eight dishes to a
placed order, in turns with ours, in the same run (`peers/django_oscar.py` sets it up; it asks nobody for money). With
`--kitchen` nothing but the screens is measured."""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import aiohttp
from peers import django_oscar
from running import end, family_seconds, free_port, own_postgres

from saoma.demo.cast import PASSWORD, DemoFile, read_demo
from saoma.demo.people import Diner, PlayedWrong, Wallets
from saoma.food.menus.menu import menu
from saoma.food.model import Menu
from saoma.kit.db import Database
from saoma.kit.money import Money

DISHES = 8


@dataclass(frozen=True)
class Round:
    """What one round found: checkouts a second, the server's CPU for each in ms, and how long each took in ms."""

    rate: float
    cpu: float
    median: float
    p99: float


class House:
    """The running demo: its addresses, one restaurant's menu and tables, and which process serves the phones."""

    def __init__(self, demo: DemoFile, db: Database, server: int) -> None:
        self.demo = demo
        self.db = db
        self.server = server
        self.shop = next(one for one in demo.merchants if one["name"].startswith("Noodle"))
        self.tables = [one for one in demo.tables if one["store_id"] == self.shop["store_id"]]

    async def dishes(self) -> Menu:
        """What can be ordered."""
        async with self.db.reading() as rows:
            return (await menu(rows, self.shop["store_id"])).visible()


@contextmanager
def running_demo() -> Iterator[tuple[DemoFile, int]]:
    """A demo of its own in a folder that is gone afterwards; what it tells, and the process that serves the phones."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "saoma.cli", "demo", "--data-dir", folder, "--no-browser"]
        ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
        process = subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip().startswith("ready"):
                    break
            demo = read_demo(Path(folder))
            if demo is None:
                raise SystemExit("the demo did not start")
            yield demo, _child(process.pid, "serve")
        finally:
            end(process)


def _child(parent: int, word: str) -> int:
    """The process below `parent` that was started with `word`."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == parent and word.encode() in words:
            return int(entry.name)
    raise SystemExit(f"no process was started with the word {word!r}")


async def checkout(
    house: House, wallets: Wallets, phone: Diner, table: str, dishes: list[tuple[str, list[str]]]
) -> None:
    """One party of one: scan, choose, send, pay, until its own page says paid."""
    await phone.scan(table)
    mark = f"{time.time_ns()}"
    for number, (dish, options) in enumerate(dishes):
        await phone.add(table, dish, options, 1, "", f"{mark}-{number}")
    await phone.send(table)
    async with house.db.reading() as rows:
        owed = await rows.value(
            "SELECT sum(l.amount - l.discount)::bigint FROM tab_lines l JOIN sittings s ON s.tab_id = l.tab_id"
            " JOIN dining_tables t ON t.id = s.table_id"
            " WHERE t.code = %(code)s AND s.status = 'open' AND l.status = 'sent'",
            {"code": table},
        )
    payment_id = await phone.pay_whole(table, Money(int(owed), "USD"), mark)
    async with house.db.reading() as rows:
        number = await rows.value("SELECT order_number FROM payments WHERE id = %(id)s", {"id": payment_id})
    if not await wallets.act(str(number), "pay", phone.buyer):
        raise PlayedWrong("the wallet could not pay")
    await phone.report(payment_id, "9000")
    for _ in range(400):
        if await phone.says_paid(payment_id):
            return
        await asyncio.sleep(0.05)
    raise PlayedWrong("a paid meal never showed as paid")


async def many_checkouts(house: House, checkouts: int, at_once: int, dishes: list[tuple[str, list[str]]]) -> Round:
    """So many parties at so many tables at once. Each is somebody new, so each sits down to a bill of its own."""
    took: list[float] = []
    wallets = Wallets(house.demo.sandbox_url)
    todo = iter(range(checkouts))
    seed = time.time_ns()

    async def table(code: str) -> None:
        for number in todo:
            buyer = f"bench{seed}x{number}"
            await wallets.add_buyer(buyer)
            phone = Diner(house.demo.app_url, house.demo.sandbox_url, buyer)
            began = time.perf_counter()
            await checkout(house, wallets, phone, code, dishes)
            took.append((time.perf_counter() - began) * 1000)
            await phone.close()

    began, used = time.perf_counter(), family_seconds(house.server)
    await asyncio.gather(*(table(one["code"]) for one in house.tables[:at_once]))
    used, began = family_seconds(house.server) - used, time.perf_counter() - began
    await wallets.close()
    return _round(took, began, used)


def _round(took: list[float], seconds: float, cpu: float) -> Round:
    took.sort()
    return Round(
        rate=len(took) / seconds,
        cpu=cpu / len(took) * 1000,
        median=statistics.median(took),
        p99=took[min(len(took) - 1, int(len(took) * 0.99))],
    )


# -- the kitchen -----------------------------------------------------------------------------------------------------


class Display:
    """One kitchen screen, signed in by itself: listens as the page does, and fetches its board when it is told to."""

    def __init__(self, url: str, login: str) -> None:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._url = url
        self._login = login
        self.fetched = 0
        self.heard = asyncio.Event()
        self.shown = asyncio.Event()
        self.heard_at = self.shown_at = 0.0
        self.wanted = ""
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Sign in, open the page and listen where it says."""
        async with self._session.get(f"{self._url}/sign-in") as answer:
            token = re.search(r'name="csrf" content="([^"]+)"', await answer.text())
        assert token is not None
        form = {"login": self._login, "password": PASSWORD, "_csrf_token": token[1]}
        async with self._session.post(f"{self._url}/sign-in", data=form):
            pass
        async with self._session.get(f"{self._url}/kitchen") as answer:
            text = await answer.text()
        found = re.search(r'"(/live\?t=[^"]+)"', text)
        if answer.status != 200 or found is None:
            raise SystemExit(f"the kitchen's screen answered {answer.status}")
        self._listening = asyncio.create_task(self._listen(self._url + unescape(found[1])))

    async def _listen(self, url: str) -> None:
        async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                if self.wanted and line.startswith(b"data:") and b"tickets" in line:
                    self.heard_at = self.heard_at or time.perf_counter()
                    self.heard.set()
                    async with self._session.get(f"{self._url}/kitchen/board", headers={"HX-Request": "true"}) as board:
                        self.fetched += 1
                        if self.wanted in await board.text() and not self.shown.is_set():
                            self.shown_at = time.perf_counter()
                            self.shown.set()

    async def close(self) -> None:
        """Turn the screen off."""
        if self._listening is not None:
            self._listening.cancel()
        await self._session.close()


@dataclass(frozen=True)
class Delay:
    """How long it took to every screen, sorted, in ms; and the server's CPU for each board it answered, in ms."""

    heard: list[float]
    shown: list[float]
    cpu: float


async def kitchen_delay(house: House, displays: int, orders: int, dish: tuple[str, list[str]]) -> Delay:
    """From the press that sends to every screen: when it heard of it, and when it had the new ticket."""
    heard: list[float] = []
    shown: list[float] = []
    # The cooks have served what was ordered before: no kitchen has hundreds of tickets on its board.
    async with house.db.transaction() as tx:
        await tx.run("UPDATE tab_lines SET status = 'served' WHERE status IN ('sent', 'cooking', 'ready')")
    login = next(
        one["login"]
        for one in house.demo.staff
        if one["role"] == "kitchen" and one["store_id"] == house.shop["store_id"]
    )
    screens = [Display(house.demo.app_url, login) for _ in range(displays)]
    for screen in screens:
        await screen.open()
    await asyncio.sleep(1)
    wallets = Wallets(house.demo.sandbox_url)
    buyer = f"cook{time.time_ns()}"
    await wallets.add_buyer(buyer)
    phone = Diner(house.demo.app_url, house.demo.sandbox_url, buyer)
    table = house.tables[-1]["code"]
    await phone.scan(table)
    used, fetched = 0.0, 0
    # The first order warms up what answers fifty at once, and is not counted.
    for number in range(-1, orders):
        word = f"no onions {time.time_ns()}"
        for screen in screens:
            screen.heard.clear()
            screen.shown.clear()
            screen.heard_at, screen.wanted = 0.0, word
        await phone.add(table, dish[0], dish[1], 1, word, f"cook-{number}")
        began, before = family_seconds(house.server), sum(screen.fetched for screen in screens)
        pressed = time.perf_counter()
        await phone.send(table)
        await asyncio.gather(*(asyncio.wait_for(screen.shown.wait(), 20) for screen in screens))
        if number < 0:
            continue
        used += family_seconds(house.server) - began
        fetched += sum(screen.fetched for screen in screens) - before
        heard += [(screen.heard_at - pressed) * 1000 for screen in screens]
        shown += [(screen.shown_at - pressed) * 1000 for screen in screens]
    for screen in screens:
        await screen.close()
    await phone.close()
    await wallets.close()
    return Delay(sorted(heard), sorted(shown), used / fetched * 1000)


# -- the run ---------------------------------------------------------------------------------------------------------


def _choices(shown: Menu) -> list[tuple[str, list[str]]]:
    """Eight dishes with what they must be chosen with."""
    found = [
        (item.id, [option.id for group in item.groups for option in group.options[: group.min_choices]])
        for section in shown.sections
        for item in section.items
        if not item.sold_out
    ]
    return (found * DISHES)[:DISHES]


async def measure(words: argparse.Namespace, demo: DemoFile, server: int, peer: django_oscar.Shop | None) -> None:
    """Rounds of ours and the peer's in turns, then the kitchen."""
    db = await Database.open(demo.database_url)
    house = House(demo, db, server)
    dishes = _choices(await house.dishes())
    if not words.kitchen:
        await _compare(words, house, dishes, peer)
    delay = await kitchen_delay(house, words.displays, words.orders, dishes[0])
    print(f"\nFrom the press that sends to {words.displays} kitchen screens, {words.orders} orders, milliseconds\n")
    for name, times in (("told of it", delay.heard), ("ticket shown", delay.shown)):
        print(f"{name:14}median {statistics.median(times):7.0f}   p99 {times[int(len(times) * 0.99)]:7.0f}")
    print(f"{delay.cpu:.1f} ms of the server's CPU for each board it answered")
    await db.close()


async def _compare(
    words: argparse.Namespace, house: House, dishes: list[tuple[str, list[str]]], peer: django_oscar.Shop | None
) -> None:
    at_once = min(words.at_once, len(house.tables) - 1)
    await many_checkouts(house, at_once, at_once, dishes)
    found: dict[str, list[Round]] = {"saoma": []}
    if peer is not None:
        found["django-oscar"] = []
        # One after the other at first: its workers stumble over each other while they are cold.
        await peer.checkouts(6, 1, DISHES)
    for _ in range(words.rounds):
        found["saoma"].append(await many_checkouts(house, words.checkouts, at_once, dishes))
        if peer is not None:
            took, seconds, cpu = await peer.checkouts(words.checkouts // 2, at_once, DISHES)
            found["django-oscar"].append(_round(took, seconds, cpu))
    print(f"\nA basket of {DISHES} lines to paid, {at_once} at once (median of {words.rounds} rounds)\n")
    print(f"{'':14}{'per second':>12}{'CPU ms each':>13}{'per core-s':>12}{'median ms':>11}{'p99 ms':>9}")
    cpu_of = {}
    for name, rounds in found.items():
        cpu_of[name] = statistics.median(one.cpu for one in rounds)
        print(
            f"{name:14}{statistics.median(one.rate for one in rounds):12.1f}{cpu_of[name]:13.1f}"
            f"{1000 / cpu_of[name]:12.1f}{statistics.median(one.median for one in rounds):11.0f}"
            f"{statistics.median(one.p99 for one in rounds):9.0f}"
        )
    if peer is not None:
        print(f"{'':14}the peer's server uses {cpu_of['django-oscar'] / cpu_of['saoma']:.1f} x the CPU of ours")


def main() -> None:
    """Start what is compared, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=int, default=96)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--displays", type=int, default=50)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--kitchen", action="store_true")
    words = parser.parse_args()
    with running_demo() as (demo, server):
        if not words.peer:
            asyncio.run(measure(words, demo, server, None))
            return
        with own_postgres() as postgres, django_oscar.running(postgres.make_database("oscar"), free_port()) as shop:
            asyncio.run(measure(words, demo, server, shop))


if __name__ == "__main__":
    main()
