"""Orders made ahead on the pickup board: called while somebody comes for them, and no longer."""

from __future__ import annotations

from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.food.orders.calling import Called
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.online import orders
from saoma.online.calling import called
from saoma.online.model import Mode, Pay
from tests.food.test_menu import Counting
from tests.online.make import House, house


async def on_board(of: House) -> list[tuple[str, bool]]:
    """What the board is told, by one question however many orders there are."""
    async with of.db.reading() as plain:
        rows = Counting(plain.connection)
        found: list[Called] = await called(rows, of.store_id)
        assert rows.asked == 1
    return [(one.label, one.ready) for one in sorted(found, key=lambda one: one.label)]


async def test_an_order_made_ahead_is_called_from_the_kitchen_to_the_hand_that_takes_it(
    database: Database, clock: MovableClock
) -> None:
    of = await house(database, clock)
    first, second = await of.paid("tea"), await of.paid("tea", "plain")
    eaten_here = await of.begin("tea", mode=Mode.EAT_HERE)
    await of.writes(eaten_here, pay=Pay.LATER)
    async with of.db.transaction() as tx:
        await orders.promise(tx, eaten_here.id, of.clock.now())
    assert await on_board(of) == [], "what is not being made yet is nobody's number"
    await of.later(minutes=60)
    assert await on_board(of) == [("P1", False), ("P2", False)]
    async with of.db.transaction() as tx:
        await orders.make_ready(tx, first.id, of.clock.now())
        await kitchen.bump_line(tx, of.store_id, (await of.lines(second))[0].id, LineStatus.SENT)
    assert await on_board(of) == [("P1", True), ("P2", False)]
    async with of.db.transaction() as tx:
        await orders.collect(tx, first.id, "theo", of.clock.now())
    assert await on_board(of) == [("P2", False)]
