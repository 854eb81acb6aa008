"""Many payments that wait for their buyers at once: each is asked about when it is due, once, however many workers.

The clock is moved in quarters of a second; what real workers do in real time is measured by
`bench/waiting_payments.py`."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from saoma.gateway import QueryReport
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import Driver, DueWork, drive_due
from saoma.kit.money import Money
from saoma.payments.patience import POLICIES
from saoma.payments.payments import Payments
from tests.payments.make import ACCOUNT, Bills, FakeAlipay, House, new_payment

WAITING = 200
STEP = timedelta(seconds=0.25)
BARCODE = POLICIES["barcode"]
WHO: ContextVar[str] = ContextVar("WHO", default="")


@dataclass(frozen=True)
class Question:
    """One query that reached Alipay."""

    order_number: str
    at: datetime
    worker: str


@dataclass
class Listening(FakeAlipay):
    """An Alipay that remembers who asked about what, and when. With `full` it answers nobody before so many asked."""

    questions: list[Question] = field(default_factory=list)
    full: int = 0
    asked_by_all: asyncio.Event = field(default_factory=asyncio.Event)

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        self.questions.append(Question(order_number, self.clock.now(), WHO.get()))
        if self.full:
            if len(self.questions) >= self.full:
                self.asked_by_all.set()
            await self.asked_by_all.wait()
        return await super().query(order_number, amount)


@dataclass
class Crowd:
    """A house in which many buyers look at their phones."""

    house: House
    alipay: Listening

    def process(self, db: Database, seed: int) -> Payments:
        """A worker's own payment core, with its own dice."""
        notify = "https://pos.example.com/alipay/notify/"
        dice = random.Random(seed).random
        return Payments(db, self.house.clock, {ACCOUNT: self.alipay}, {"bill": Bills()}, notify.__add__, jitter=dice)


@pytest.fixture
async def crowd(database: Database, clock: MovableClock) -> Crowd:
    """`WAITING` payments that were sent and of which Alipay only knows that their buyers think."""
    house = House(database, clock)
    await house.bill("2500.00")
    crowd = Crowd(house, Listening(clock, buyer="thinks"))
    first = crowd.process(database, seed=0)
    for _ in range(WAITING):
        await first.start(new_payment())
    while await drive_due(database, first.works(), clock):
        pass
    assert crowd.alipay.count("open") == WAITING
    return crowd


@asynccontextmanager
async def driving(db: Database, works: list[DueWork], clock: MovableClock) -> AsyncIterator[Driver]:
    """A worker's loop, for as long as the block lasts."""
    driver = Driver(db, works, clock)
    running = asyncio.create_task(driver.run(idle=0.01))
    try:
        yield driver
    finally:
        driver.stop()
        await running


async def test_two_workers_share_what_waits_and_ask_about_each_once_and_in_time(
    crowd: Crowd, database_url: str
) -> None:
    clock, alipay = crowd.house.clock, crowd.alipay
    others = await Database.open(database_url, max_size=8)
    works = {
        "one": (crowd.house.db, crowd.process(crowd.house.db, seed=1).works()),
        "two": (others, crowd.process(others, seed=2).works()),
    }

    async def look(name: str) -> None:
        WHO.set(name)
        # Fewer at once than wait, so that there is something to share.
        db, own = works[name]
        await drive_due(db, own, clock, limit=WAITING // 8)

    began = clock.now()
    while clock.now() - began < timedelta(seconds=16):
        clock.advance(STEP)
        await asyncio.gather(look("one"), look("two"))
    await others.close()

    moments: dict[str, list[datetime]] = defaultdict(list)
    for question in alipay.questions:
        moments[question.order_number].append(question.at)
    assert len(moments) == WAITING
    second = timedelta(seconds=1)
    for asked in moments.values():
        assert BARCODE.first_query - BARCODE.spread <= asked[0] - began <= BARCODE.first_query + second
        gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert min(gaps) >= BARCODE.gap - BARCODE.spread, "asked twice"
        assert max(gaps) <= BARCODE.gap + second, "asked late"
    by_worker = Counter(question.worker for question in alipay.questions)
    assert by_worker.keys() == {"one", "two"} and min(by_worker.values()) > len(alipay.questions) // 10


async def test_a_slow_gateway_keeps_no_other_payment_waiting(crowd: Crowd) -> None:
    alipay, house = crowd.alipay, crowd.house
    alipay.full = WAITING
    house.clock.advance(BARCODE.first_query)
    async with driving(house.db, crowd.process(house.db, seed=1).works(), house.clock), asyncio.timeout(20):
        await alipay.asked_by_all.wait()
    assert len({question.order_number for question in alipay.questions}) == WAITING == len(alipay.questions)


async def test_what_came_due_long_ago_is_found_while_much_else_is_due(database: Database, clock: MovableClock) -> None:
    async with database.reading() as rows:
        await rows.run("CREATE TABLE chores_of_mine (id text PRIMARY KEY, due_at timestamptz, tries int DEFAULT 0)")
    done: asyncio.Queue[str] = asyncio.Queue()
    work = DueWork("mine", "chores_of_mine", timedelta(minutes=1), done.put)

    async def due(name: str, since: timedelta) -> None:
        async with database.reading() as rows:
            await rows.run(
                "INSERT INTO chores_of_mine (id, due_at) VALUES (%(id)s, %(at)s)",
                {"id": name, "at": clock.now() - since},
            )

    async with driving(database, [work], clock), asyncio.timeout(20):
        await due("now", timedelta())
        assert await done.get() == "now"
        await due("an hour ago", timedelta(hours=1))
        clock.advance(timedelta(seconds=6))
        assert await done.get() == "an hour ago"


async def test_heavy_work_is_not_begun_all_together(database: Database, clock: MovableClock) -> None:
    async with database.reading() as rows:
        await rows.run("CREATE TABLE chores_of_mine (id text PRIMARY KEY, due_at timestamptz, tries int DEFAULT 0)")
        await rows.run(
            "INSERT INTO chores_of_mine (id, due_at) SELECT 'c' || i, %(at)s FROM generate_series(1, 5) AS i",
            {"at": clock.now()},
        )
    at_work: set[str] = set()
    most = 0
    done: asyncio.Queue[str] = asyncio.Queue()

    async def heavy(name: str) -> None:
        nonlocal most
        at_work.add(name)
        most = max(most, len(at_work))
        await asyncio.sleep(0.02)
        at_work.discard(name)
        await done.put(name)

    work = DueWork("mine", "chores_of_mine", timedelta(minutes=1), heavy, at_once=2)
    async with driving(database, [work], clock), asyncio.timeout(20):
        assert len({await done.get() for _ in range(5)}) == 5
    assert most == 2
