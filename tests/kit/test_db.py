"""The database door: transactions are whole, live events reach other processes, due rows are taken once."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from datetime import timedelta

import msgspec
import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import DueWork, claim, drive_due
from saoma.kit.errors import NotFound
from saoma.kit.live import Live


class Number(msgspec.Struct):
    """One row of the tests' own table."""

    n: int


async def test_a_transaction_that_raises_leaves_nothing_behind(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run("CREATE TABLE t (n int)")
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await tx.run("INSERT INTO t VALUES (%(n)s)", {"n": 1})
            raise RuntimeError
    async with database.reading() as rows:
        assert await rows.rows(Number, "SELECT n FROM t") == []
        with pytest.raises(NotFound):
            await rows.one(Number, "SELECT n FROM t")


async def test_a_live_event_reaches_another_process_only_after_its_commit(database: Database) -> None:
    other = await Database.open(database.url)
    live = Live(other, look_every=0.05)
    mine = Live(database, look_every=0.05)
    await live.start()
    await mine.start()
    with live.subscribe(["table:7"]) as heard:
        async with database.transaction() as tx:
            await tx.tell("table:7", "changed", {"n": 1})
            await tx.tell("table:8", "changed")
            assert await heard.next(0.2) is None
        event = await heard.next(5)
        assert event is not None
        assert (event.topic, event.kind, event.data) == ("table:7", "changed", {"n": 1})
    await live.stop()
    await mine.stop()
    await other.close()


async def test_events_missed_while_away_are_told_on_return(database: Database) -> None:
    live = Live(database, look_every=0.05)
    await live.start()
    with live.subscribe(["a"]) as heard:
        async with database.transaction() as tx:
            await tx.tell("a", "one")
        first = await heard.next(5)
    assert first is not None
    async with database.transaction() as tx:
        await tx.tell("a", "two")
    returned = live.events(["a"], since=first.mark, heartbeat=0.2)
    event = await anext(returned)
    assert event is not None
    assert event.kind == "two"
    await live.stop()


async def test_an_event_of_a_slow_writer_is_not_lost_behind_a_quick_one(database: Database) -> None:
    live = Live(database, look_every=0.02)
    await live.start()
    with live.subscribe(["a"]) as heard:
        async with database.transaction() as slow:
            await slow.tell("a", "slow")
            async with database.transaction() as quick:
                await quick.tell("a", "quick")
            first = await heard.next(5)
            assert first is not None
            assert first.kind == "quick", "a quick change does not wait for a slow one"
            page_mark = live.mark
        second = await heard.next(5)
        assert second is not None
        assert second.kind == "slow"
    returned = live.events(["a"], since=page_mark, heartbeat=0.2)
    missed = await anext(returned)
    assert missed is not None
    assert missed.kind == "slow", "a page rendered in between hears of it too"
    await live.stop()


async def test_a_screen_that_opens_while_a_slow_writer_writes_hears_it_and_nothing_older(database: Database) -> None:
    live = Live(database, look_every=0.02)
    await live.start()
    before = live.mark
    async with database.transaction() as tx:
        await tx.tell("a", "while nobody listened")
    with contextlib.ExitStack() as screen:
        async with database.transaction() as slow:
            await slow.tell("a", "slow")
            async with database.transaction() as quick:
                await quick.tell("b", "quick")
            async with asyncio.timeout(30):
                while "~" not in live.mark:  # noqa: ASYNC110 - a place in the news has no bell
                    await asyncio.sleep(0.01)
            assert live.mark != before, "what nobody listens to is passed over all the same"
            heard = screen.enter_context(live.subscribe(["a"]))
        event = await heard.next(5)
        assert event is not None
        assert event.kind == "slow"
    await live.stop()


async def test_a_change_that_was_taken_back_holds_nobody_up(database: Database) -> None:
    live = Live(database, look_every=0.02)
    await live.start()
    with live.subscribe(["a"]) as heard:
        with pytest.raises(RuntimeError):
            async with database.transaction() as tx:
                await tx.tell("a", "never")
                raise RuntimeError
        async with database.transaction() as tx:
            await tx.tell("a", "after")
        event = await heard.next(5)
        assert event is not None
        assert event.kind == "after"
        assert await heard.next(0.1) is None
    await live.stop()


@pytest.mark.parametrize("mark", ["", "x", "1-2", "9" * 40, "1~", "~1", "1~2~x"])
async def test_a_mark_that_is_none_brings_nothing_and_breaks_nothing(database: Database, mark: str) -> None:
    live = Live(database)
    async with database.transaction() as tx:
        await tx.tell("a", "old")
    assert await anext(live.events(["a"], since=mark, heartbeat=0.01)) is None


async def test_two_drivers_never_take_the_same_row_and_a_dead_ones_rows_come_back(
    database: Database, clock: MovableClock
) -> None:
    seen: list[str] = []

    async def handle(row_id: str) -> None:
        seen.append(row_id)

    work = DueWork("test", "jobs", timedelta(seconds=30), handle)
    async with database.transaction() as tx:
        await tx.run("CREATE TABLE jobs (id text PRIMARY KEY, due_at timestamptz, tries int NOT NULL DEFAULT 0)")
        await tx.run(
            "INSERT INTO jobs SELECT 'job_' || n, %(now)s FROM generate_series(1, 100) AS n", {"now": clock.now()}
        )
    taken = await asyncio.gather(*(claim(database, work, clock.now(), 30) for _ in range(5)))
    ids = [row.id for rows in taken for row in rows]
    assert sorted(ids) == sorted(set(ids))
    assert len(ids) == 100
    assert await drive_due(database, [work], clock) == 0
    clock.advance(timedelta(seconds=31))
    assert await drive_due(database, [work], clock) == 100
    assert sorted(seen) == sorted(ids)


_FAILS_AT_ITS_START = """
import asyncio, socket, sys
from saoma.kit.db import Database

async def main(url, how):
    # a server that lets in and never says a word: the pool's tasks are in the middle of connecting
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    db = Database(f"postgresql://saoma@127.0.0.1:{silent.getsockname()[1]}/x", min_size=3)
    if how == "waiting":
        await db.start(wait_seconds=0.3)
    db._pool.wait = lambda timeout: asyncio.sleep(0.3)
    async with db.opened():
        raise RuntimeError("something else went wrong")

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("how", ["waiting", "later"])
def test_a_process_that_fails_at_its_start_ends_though_its_pool_is_connecting(how: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _FAILS_AT_ITS_START, "", how], capture_output=True, text=True, timeout=25, check=False
    )
    assert asked.returncode == 1
    assert ("PoolTimeout" if how == "waiting" else "something else went wrong") in asked.stderr
