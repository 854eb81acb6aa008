"""Lines of daily files are cleared when they are old, in parts; what was found in them stays, and so does open work."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.payments import cases
from saoma.payments.clearing import clear_old_lines
from saoma.payments.reconciliation import Run, RunStatus
from tests.payments.daily import Day, Row, settlement_file
from tests.payments.test_reconciliation import balances, found, run, trade

KEPT = timedelta(days=120)
#: So few at once that each day takes several parts.
PART = 3


@pytest.fixture
def day(database: Database) -> Day:
    return Day(database)


async def both_days(day: Day, clock: MovableClock, paid_out: list[Row]) -> tuple[Run, Run]:
    """A day and its payouts on the next, reconciled."""
    next_day = day.day + timedelta(days=1)
    first = await run(day, clock, day.trades)
    return first, await run(day, clock, settlement_file(next_day, paid_out), on=next_day)


async def lines(db: Database) -> int:
    async with db.reading() as rows:
        return int(await rows.value("SELECT count(*) FROM recon_lines"))


async def clear(day: Day, now: datetime) -> int:
    return await clear_old_lines(day.db, now, KEPT, part=PART)


class _Closable(msgspec.Struct, frozen=True):
    id: str


async def close_all_cases(db: Database, now: datetime) -> None:
    async with db.transaction() as tx:
        for case in await tx.rows(_Closable, "SELECT id FROM cases WHERE status <> 'closed'"):
            await cases.close_case(tx, case.id, "stf_ann", cases.Move.EXPLAINED.value, "talked to them", now)


async def counted(day: Day, made: Run) -> tuple[Any, ...]:
    """What people are shown of a day."""
    async with day.db.reading() as rows:
        stands = await rows.one(Run, "SELECT * FROM recon_runs WHERE id = %(id)s", {"id": made.id})
    return stands.status, stands.lines, stands.agree, stands.differ, await found(day, made)


async def test_old_lines_are_cleared_and_what_they_showed_stays(day: Day, clock: MovableClock) -> None:
    await trade(day)
    runs = await both_days(day, clock, list(day.rows))
    before = [await counted(day, made) for made in runs], await balances(day.db)
    there = await lines(day.db)
    assert await clear(day, clock.now() + KEPT) == 0 and await lines(day.db) == there > 2 * PART
    clock.advance(KEPT + timedelta(days=3))
    assert await clear(day, clock.now()) == there
    assert await lines(day.db) == 0
    assert ([await counted(day, made) for made in runs], await balances(day.db)) == before
    assert await clear(day, clock.now()) == 0


async def test_a_day_keeps_its_lines_while_somebody_works_on_a_difference(day: Day, clock: MovableClock) -> None:
    await trade(day)
    good = list(day.rows)
    await day.payment(ours=False)
    await both_days(day, clock, good)
    clock.advance(KEPT + timedelta(days=3))
    # the payment nobody knows differs in both files: it was never paid out either
    there = await lines(day.db)
    assert await clear(day, clock.now()) == 0 and await lines(day.db) == there
    await close_all_cases(day.db, clock.now())
    assert await clear(day, clock.now()) == there


async def test_what_was_not_yet_looked_through_for_payouts_is_kept_twice_as_long(day: Day, clock: MovableClock) -> None:
    await trade(day)
    await run(day, clock, day.trades)
    clock.advance(KEPT + timedelta(days=3))
    assert await clear(day, clock.now()) == 0
    clock.advance(KEPT)
    assert await clear(day, clock.now()) == len(day.rows)


async def test_a_cleared_day_run_again_concludes_nothing_without_its_file(day: Day, clock: MovableClock) -> None:
    await trade(day)
    first, second = await both_days(day, clock, list(day.rows))
    before = await counted(day, first), await counted(day, second)
    clock.advance(KEPT + timedelta(days=3))
    await clear(day, clock.now())
    assert (await run(day, clock)).status is RunStatus.DONE
    assert (await counted(day, first), await counted(day, second)) == before

    # with the file it is read anew and ends as it did, its neighbour's lines being gone all the while
    assert (await run(day, clock, day.trades)).cleared_at is None
    assert await counted(day, first) == before[0] and await lines(day.db) == len(day.rows)
    assert await found(day, second) == before[1][-1]


async def test_a_clearing_that_was_killed_is_finished_the_next_night(day: Day, clock: MovableClock) -> None:
    await trade(day)
    first, _ = await both_days(day, clock, list(day.rows))
    before = await counted(day, first)
    clock.advance(KEPT + timedelta(days=3))
    # killed when all was marked and a part was gone
    async with day.db.reading() as rows:
        await rows.run("UPDATE recon_runs SET cleared_at = %(now)s", {"now": clock.now()})
        await rows.run("UPDATE recon_files SET complete = false, loaded = 0, matched = 0")
        await rows.run("DELETE FROM recon_lines WHERE place <= %(part)s", {"part": PART})
    left = await lines(day.db)
    assert left > 0
    await run(day, clock, day.trades)
    assert await counted(day, first) == before, "what was left is no part of what is read anew"
    clock.advance(timedelta(days=1))
    await clear(day, clock.now())
    assert await lines(day.db) == 0
