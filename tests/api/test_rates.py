"""How often a key may ask: told with every answer, and the same for all processes together, at hardly a write."""

from __future__ import annotations

import asyncio

import pytest

from saoma.api import rate
from saoma.api.rate import Limits
from saoma.kit.db import Database
from tests.api.make import Deployment, Program


class Ticks:
    """A stopwatch that tests push."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def fleet(db: Database, count: int, per_second: float) -> tuple[Ticks, list[Limits]]:
    """Processes that have looked at each other once."""
    ticks = Ticks()
    made = [Limits(per_second, ticks) for _ in range(count)]
    for _ in range(2):
        for each in made:
            each.take("key")
            await each.tell(db)
    ticks.now += 100
    return ticks, made


@pytest.mark.parametrize("processes", [2, 4])
async def test_all_processes_together_keep_to_the_rate(database: Database, processes: int) -> None:
    ticks, limits = await fleet(database, processes, 10)
    passed, seconds = 0, 60
    for _ in range(seconds * 10):
        ticks.now += 0.1
        for each in limits:
            passed += sum(each.take("key").wait == 0 for _ in range(5))
            if each.want_to_be_told:
                await each.tell(database)
    alone = 10 * seconds + 40
    assert alone * 0.9 <= passed <= alone + processes * 50, "not each of them for itself"
    assert passed < processes * alone * 0.75


async def test_a_key_that_asks_one_process_alone_has_its_whole_rate(database: Database) -> None:
    ticks, (busy, idle) = await fleet(database, 2, 10)
    passed = 0
    for _ in range(600):
        ticks.now += 0.1
        passed += sum(busy.take("key").wait == 0 for _ in range(5))
        if busy.want_to_be_told:
            await busy.tell(database)
    assert 600 <= passed <= 641
    assert idle.take("other").wait == 0


async def test_a_thousand_requests_cost_a_write_a_second_and_not_one_each(
    house: Deployment, till: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = 0
    true = Limits.tell

    async def counted(self: Limits, db: Database) -> None:
        nonlocal told
        told += 1
        await true(self, db)

    monkeypatch.setattr(Limits, "tell", counted)
    ticks = Ticks()
    limits = house.rooms.door.limits = Limits(10_000, ticks)
    for second in range(3):
        ticks.now = float(second) + 0.5
        answers = await asyncio.gather(*(till.get("/merchants") for _ in range(30)))
        assert {answer.status_code for answer in answers} == {200}
    assert told == 2
    assert limits.take("x").wait == 0


async def test_every_answer_tells_what_is_left(till: Program) -> None:
    first, second = await till.get("/merchants"), await till.get("/payments/pay_nothing")
    assert (first.status_code, second.status_code) == (200, 404)
    for answer in (first, second):
        assert int(answer.headers["ratelimit-limit"]) == 10_000 * rate.BURST_SECONDS
        assert 0 <= int(answer.headers["ratelimit-remaining"]) < int(answer.headers["ratelimit-limit"])
        assert answer.headers["ratelimit-reset"].isdigit()
    assert int(second.headers["ratelimit-remaining"]) <= int(first.headers["ratelimit-remaining"])


async def test_sums_that_were_lost_in_a_crash_lock_nobody_out(database: Database) -> None:
    ticks, limits = await fleet(database, 2, 10)
    async with database.reading() as rows:
        await rows.run("TRUNCATE api_use")
    for each in limits:
        ticks.now += 2
        assert each.take("key").wait == 0
        await each.tell(database)
    assert limits[0].take("key").wait == 0
