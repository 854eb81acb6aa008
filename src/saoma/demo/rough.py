"""A rough day: many tills take money through the partner API while everything under them is broken, by seed.

    python -m saoma.demo.chaos --payments 10000 --kills 50 --seed 1

The house is its own, in a folder of its own, of real processes. At the end all is mended, time is moved until nothing
is open, and both books must agree trade by trade."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, assert_never
from urllib.parse import parse_qs, urlsplit

import aiohttp

from saoma.demo import breaking, rough_plan
from saoma.demo.house import Demo, Ways
from saoma.demo.people import Diner, Gone, PlayedWrong, Wallets
from saoma.demo.processes import Supervisor
from saoma.demo.roads import Road
from saoma.demo.rough_asking import Alipay, run_saoma
from saoma.demo.rough_books import Books, Count, compare, findings, lines_read, still_open
from saoma.demo.rough_office import Office
from saoma.demo.rough_plan import Cut, DiskFull, Hole, Kill, Misbehave, Push, PushTo, Step
from saoma.demo.tills import Shop, Street, Told, trade
from saoma.kit.clock import BEIJING, beijing, beijing_day
from saoma.kit.db import Database
from saoma.kit.errors import SaomaError
from saoma.sandbox.files.daily_files import paid_out_on

TILLS: Final = 16
_FILES_READY: Final = (10, 5)
#: How long the house may take to come back, and to end what is open, in seconds of real time.
_BACK: Final = 60.0
_END: Final = 240.0


@dataclass
class Outcome:
    """What was done, and what came of it."""

    seed: int
    mark: str
    seconds: float = 0.0
    payments: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unused: int = 0
    cuts: Counter[str] = field(default_factory=Counter)
    pushes: int = 0
    disk: list[str] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    books: Books = field(default_factory=Books)
    days: list[Count] = field(default_factory=list)
    differences: list[Count] = field(default_factory=list)
    audit: str = ""
    breaches: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled or left without an owner."""
        return not self.breaches


class Rough:
    """One rough day in `folder`, on three ports from `port` on."""

    def __init__(
        self, folder: Path, *, port: int, payments: int, kills: int, seed: int, seconds: float = math.inf
    ) -> None:
        self._folder = folder
        self._seconds = seconds
        self._closed = False
        self._ports = (port, port + 1)
        self._payments = payments
        self._steps = rough_plan.plan(payments, kills, seed)
        self.outcome = Outcome(seed, rough_plan.mark_of(self._steps, payments, seed), payments=payments)
        self._clock_file = folder / "clock"
        self._ahead = timedelta()
        self._roads = {
            "front": Road("front", ("127.0.0.1", port)),
            "gateway": Road("gateway", ("127.0.0.1", port + 1)),
            "database": Road("database"),
        }
        self._supervisor = Supervisor(folder)
        self._first_day: date | None = None

    async def run(self, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Start, break, mend, judge. Raises `SaomaError` when the house can't even start."""
        for road in self._roads.values():
            await road.open()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock_file.write_text("0")
        ways = Ways(
            front=self._roads["front"].url,
            database=self._database_way,
            settings={"SAOMA_CLOCK_FILE": str(self._clock_file), "SAOMA_API_PER_SECOND": "100000"},
            pictures=False,
        )
        demo = Demo(*self._ports, self._folder, fresh=False, ways=ways)
        try:
            self._demo = await demo.start(self._supervisor)
            self._alipay = Alipay(self._demo.sandbox_url)
            await self._use_gateway_road()
            say(f"plan {self.outcome.mark} of seed {self.outcome.seed}: {self._payments:,} payments")
            began = time.monotonic()
            await self._day(say)
            self.outcome.seconds = time.monotonic() - began
            say("all mended; waiting until nothing is open")
            await self._mend()
            await self._until_nothing_is_open()
            self.outcome.books = await compare(self._demo, self.outcome.told)
            self.outcome.breaches += self.outcome.books.breaches
            say("the daily files")
            await self._reconcile()
            await self._audit()
        finally:
            await demo.stop(self._supervisor)
            for road in self._roads.values():
                await road.close()
        return self.outcome

    def _database_way(self, url: str) -> str:
        """Through the road; the server itself listens on a socket only, or on an address of its own."""
        parts = urlsplit(url)
        host = parse_qs(parts.query).get("host", [""])[0]
        self._roads["database"].target = f"{host}/.s.PGSQL.5432" if host else (str(parts.hostname), parts.port or 5432)
        port = self._roads["database"].port
        user = parts.netloc.rpartition("@")[0]
        return f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"

    async def _use_gateway_road(self) -> None:
        """Our accounts call the local Alipay over the road from now on; who knew another way begins anew."""
        url = f"{self._roads['gateway'].url}/gateway.do"
        db = await Database.open(self._demo.database_url, max_size=1)
        try:
            async with db.reading() as rows:
                await rows.run("UPDATE accounts SET gateway_url = %(url)s, openapi_url = %(url)s", {"url": url})
        finally:
            await db.close()
        for name in ("app", "worker"):
            breaking.kill(self._supervisor.pid(name) or 0, whole=True)
        await asyncio.sleep(0.3)
        await self._all_back()

    # --- the day -----------------------------------------------------------------------------------------------------

    async def _day(self, say: Callable[[str], None]) -> None:
        keys = [each["key"] for each in self._demo.api_keys]
        shops = [Shop(self._roads["front"].url, key, self.outcome.told) for key in keys[:2]]
        street = Street(shops, Wallets(self._demo.sandbox_url), self.outcome.told, self.outcome.seed)
        self._office = Office(self._demo)
        visits = asyncio.create_task(self._visits())
        try:
            await street.fill()
            breaks = asyncio.create_task(self._break(say))
            trading = asyncio.create_task(self._trade(street))
            await asyncio.wait({breaks, trading}, return_when=asyncio.FIRST_EXCEPTION)
            for task in (breaks, trading):
                if task.done() and (error := task.exception()) is not None:
                    raise error
        except SaomaError as down:
            self.outcome.breaches.append(f"the house did not come back: {down}")
            breaks.cancel()
            trading.cancel()
        finally:
            visits.cancel()
            await asyncio.gather(visits, return_exceptions=True)
            for shop in shops:
                await shop.close()
            await street.wallets.close()

    async def _trade(self, street: Street) -> None:
        try:
            await trade(street, self._payments, TILLS, self._seconds)
        finally:
            # what was planned for orders that nobody began is not done either
            self._closed = True

    async def _visits(self) -> None:
        """Guests open a table's page in their wallets, which signs them in, again and again."""
        tables = self._demo.tables
        number = 0
        while True:
            guest = Diner(self._roads["front"].url, self._demo.sandbox_url, "amy")
            with contextlib.suppress(Gone, PlayedWrong):
                await guest.scan(tables[number % len(tables)]["code"])
            await guest.close()
            number += 1
            await asyncio.sleep(1.5)

    async def _break(self, say: Callable[[str], None]) -> None:
        tenth = self._payments / 10
        for planned in self._steps:
            while self.outcome.told.begun < planned.begun:
                if self._closed:
                    return
                if self.outcome.told.begun >= tenth:
                    say(f"{self.outcome.told.begun:,} payments, {self.outcome.kills.total()} kills")
                    tenth += self._payments / 10
                await asyncio.sleep(0.01)
            await self._take(planned.step)

    async def _take(self, step: Step) -> None:
        match step:
            case Kill():
                pid = await self._living(step.victim)
                breaking.kill(pid, whole=step.whole)
                self.outcome.kills[step.victim] += 1
            case Misbehave():
                wanted = {"service": step.service, "fault": step.kind, "times": step.times, "seconds": step.seconds}
                await self._alipay.ask("POST", "faults", wanted)
                self.outcome.faults[step.service] += step.times
            case Cut(after=None):
                self._roads[step.road].cut()
            case Cut():
                self._roads[step.road].shorten(step.after or 0)
            case Hole():
                self._roads[step.road].swallow(step.seconds)
            case DiskFull():
                await self._disk(full=step.full)
            case Push():
                await self._push(timedelta(seconds=step.seconds))
            case PushTo():
                now = beijing(self._now())
                at = datetime.combine(now.date(), step.at, BEIJING)
                await self._push((at if at > now else at + timedelta(days=1)) - now)
                if self._first_day is None:
                    self._first_day = beijing_day(self._now())
            case _:
                assert_never(step)

    async def _living(self, victim: str) -> int:
        """A process that can be killed: one that is coming back is waited for. Raises `SaomaError`."""
        until = time.monotonic() + _BACK
        while time.monotonic() < until:
            pid = self._supervisor.pid(victim)
            if pid is not None:
                return pid
            await asyncio.sleep(0.02)
        raise SaomaError(f"{victim} does not come back")

    async def _disk(self, *, full: bool) -> None:
        """Fill or free the disk under app and worker; meanwhile the office tries to keep a photo."""
        if not breaking.can_fill_disks():
            return
        for name in ("app", "worker"):
            breaking.fill_disk(await self._living(name), full=full)
        said = await self._office.keep_photo()
        self.outcome.disk.append(f"{'full' if full else 'free again'}: {said}")
        if said.startswith("5") and not said.startswith(("503", "599")):
            self.outcome.breaches.append(f"a full disk is not told in words: {said}")

    # --- clocks ------------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def _push(self, by: timedelta) -> None:
        """Set both clocks ahead. The local Alipay is brought to a time, not pushed, so that no push counts twice."""
        self._ahead += by
        self.outcome.pushes += 1
        while True:
            there = datetime.fromisoformat((await self._alipay.ask("GET", "clock"))["now"])
            behind = (self._now() - there).total_seconds()
            if behind < 0.5:
                break
            with contextlib.suppress(Gone):
                await self._alipay.ask_once("POST", "clock", {"advance_seconds": behind})
        half = self._clock_file.with_suffix(".new")
        half.write_text(str(self._ahead.total_seconds()))
        half.rename(self._clock_file)

    async def _all_back(self) -> None:
        """Wait until every process answers. Raises `TimeoutError`."""

        async def answers(url: str) -> bool:
            timeout = aiohttp.ClientTimeout(total=3)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/readyz") as answer:
                    return answer.status == 200
            return False

        async with asyncio.timeout(_BACK):
            missing = [self._demo.sandbox_url, self._demo.app_url]
            while missing or self._supervisor.pid("worker") is None:
                missing = [url for url in missing if not await answers(url)]
                await asyncio.sleep(0.1)

    # --- the end -----------------------------------------------------------------------------------------------------

    async def _mend(self) -> None:
        for road in self._roads.values():
            road.mend()
            self.outcome.cuts[road.name] = road.cuts
        await self._all_back()
        for name in ("app", "worker"):
            if breaking.can_fill_disks():
                breaking.fill_disk(await self._living(name), full=False)
        left = (await self._alipay.ask("GET", "faults"))["faults"]
        self.outcome.unused = sum(fault["times"] for fault in left)
        for fault in left:
            self.outcome.faults[fault["service"]] -= fault["times"]
        await self._alipay.ask("DELETE", "faults")
        said = await self._office.keep_photo()
        if said != "kept":
            self.outcome.breaches.append(f"a photo can't be kept after all was mended: {said}")
        await self._office.close()

    async def _until_nothing_is_open(self) -> None:
        """Move time on until everything has ended; what is open after that is stuck."""
        db = await Database.open(self._demo.database_url, max_size=1)
        until = time.monotonic() + _END
        step = 20.0
        try:
            while time.monotonic() < until:
                async with db.reading() as rows:
                    if not await still_open(rows):
                        return
                await self._push(timedelta(seconds=step))
                step = min(step * 1.5, 120.0)
                await self._quiet(db)
            async with db.reading() as rows:
                self.outcome.breaches.append(f"{await still_open(rows)} payments or refunds never end")
        finally:
            await db.close()

    async def _quiet(self, db: Database) -> None:
        """Let the worker do what is due before time moves on."""
        for _ in range(100):
            await asyncio.sleep(0.1)
            async with db.reading() as rows:
                due = await rows.value(
                    "SELECT (SELECT count(*) FROM payments WHERE due_at <= %(now)s)"
                    " + (SELECT count(*) FROM refunds WHERE due_at <= %(now)s)",
                    {"now": self._now()},
                )
            if not due:
                # claimed rows are on their way still
                await asyncio.sleep(0.3)
                return

    async def _reconcile(self) -> None:
        """Every day that was traded, and those on which it is paid out, with the local Alipay's files by SFTP."""
        assert self._first_day is not None
        last = beijing_day(self._now())
        first = day = self._first_day
        not_well = False
        while day <= paid_out_on(last):
            now = beijing(self._now())
            ready = datetime(day.year, day.month, day.day, *_FILES_READY, tzinfo=BEIJING) + timedelta(days=1)
            if ready > now:
                await self._push(ready - now)
            if day == first:
                code, said = await self._saoma("reconcile", "--date", f"{day}", full_disk=True)
                told = said.strip().splitlines()[-1] if said.strip() else ""
                self.outcome.disk.append(f"full, reconciling: exit {code}, {told}")
                if code == 0 or "Traceback" in said:
                    self.outcome.breaches.append(f"reconciling on a full disk: exit {code}: {said[-300:]}")
            code, said = await self._reconciled(day)
            not_well |= code != 0
            if code not in (0, 1):
                self.outcome.breaches.append(f"saoma reconcile --date {day} ended with {code}: {said[-500:]}")
            day += timedelta(days=1)
        db = await Database.open(self._demo.database_url, max_size=1)
        try:
            async with db.reading() as rows:
                self.outcome.differences = await findings(rows)
                self.outcome.days = await lines_read(rows)
        finally:
            await db.close()
        if not_well and not self.outcome.differences:
            self.outcome.breaches.append("a day can't be reconciled, and no difference says why")
        for found in self.outcome.differences:
            if found.name.endswith("WITHOUT A CASE"):
                self.outcome.breaches.append(f"reconciliation: {found.count} {found.name}")

    async def _reconciled(self, day: date) -> tuple[int, str]:
        """The worker may be at the same day: then its result will do, and we look again."""
        for _ in range(20):
            code, said = await self._saoma("reconcile", "--date", f"{day}")
            if "being reconciled already" not in said:
                break
            await asyncio.sleep(0.5)
        return code, said

    async def _audit(self) -> None:
        code, said = await self._saoma("audit")
        self.outcome.audit = said.strip().splitlines()[-1] if said.strip() else f"exit code {code}"
        if code != 0:
            self.outcome.breaches.append(f"saoma audit ended with {code}: {said[-3000:]}")

    async def _saoma(self, *words: str, full_disk: bool = False) -> tuple[int, str]:
        """One of our commands, as an operator would run it."""
        given = {
            "SAOMA_DATABASE_URL": self._demo.database_url,
            "SAOMA_SECRET": self._demo.secret,
            "SAOMA_CLOCK_FILE": str(self._clock_file),
        }
        return await run_saoma(*words, environment=given, full_disk=full_disk)


def machine() -> str:
    """What this ran on."""
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {os.uname().sysname}"
