"""Dishes to the table: one runner takes a dish once, brings it, and then it is served."""

from __future__ import annotations

import asyncio

from saoma.delivery import running
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.alike import alike
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.restaurant import showing, sittings
from saoma.restaurant.tables import add_table
from tests.delivery.make import browser, shop
from tests.food import make as food
from tests.identity import make as identity


async def test_one_runner_takes_a_dish_once_and_what_is_brought_is_served(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock, couriers=0)
    runners = [await identity.staff(database, here.of, Role.RUNNER) for _ in range(2)]
    async with database.transaction() as tx:
        tab = await ordering.open_tab(tx, here.store_id, "table", "12")
        counter = await ordering.open_tab(tx, here.store_id, "counter", "#3")
        for number, (where, code) in enumerate([(tab, "tea"), (tab, "tea"), (counter, "tea")]):
            item = food.dish(here.menu, code)
            await ordering.add_line(tx, where.id, item.id, food.choices(item, "Regular"), 1, "", "", str(number))
        first, second = await ordering.send(tx, tab.id, "test")
        await ordering.send(tx, counter.id, "test")
        for at in (tab, counter):
            for seen in (LineStatus.SENT, LineStatus.COOKING):
                await kitchen.bump(tx, here.store_id, at.id, 1, seen)

    async def shown() -> list[running.Table]:
        async with database.reading() as rows:
            return await running.at_the_pass(rows, here.store_id)

    assert [(table.label, table.pieces, table.runner_id) for table in await shown()] == [("12", 2, "")], "no counter's"

    async def take(who: int) -> int:
        async with database.transaction() as tx:
            return await running.take(tx, here.store_id, tab.id, [first.id], runners[who], clock.now())

    assert sorted(await asyncio.gather(take(0), take(1), take(0))) == [0, 0, 1]
    async with database.reading() as rows:
        assert await running.on_its_way(rows, tab.id) == {first.id}
    carrier = next(table.runner_id for table in await shown() if table.runner_id)
    mine = next(each for each in runners if each.id == carrier)
    other = next(each for each in runners if each.id != carrier)
    async with database.transaction() as tx:
        assert await running.brought(tx, here.store_id, tab.id, other, clock.now()) == 0
        assert await running.brought(tx, here.store_id, tab.id, mine, clock.now()) == 1
        assert await running.brought(tx, here.store_id, tab.id, mine, clock.now()) == 0
        assert (await ordering.line_of(tx, first.id)).status is LineStatus.SERVED
        assert (await ordering.line_of(tx, second.id)).status is LineStatus.READY

    # it went back to the kitchen and was made anew: another dish to carry, for whoever is there
    async with database.transaction() as tx:
        await kitchen.recall(tx, here.store_id, tab.id, 1, LineStatus.SERVED)
        await kitchen.recall(tx, here.store_id, tab.id, 1, LineStatus.READY)
        await kitchen.bump(tx, here.store_id, tab.id, 1, LineStatus.COOKING)
        assert await running.take(tx, here.store_id, tab.id, [first.id, second.id], other, clock.now()) == 2
        assert await running.put_back(tx, here.store_id, tab.id, other) == 2

    async with browser(here, runners[0]) as phone:
        page = await phone.get("/runner", lang="zh")
        assert "取走 2 份" in page
        answer = await phone.post(f"/runner/tabs/{tab.id}/take", {"line": [first.id, second.id]})
        assert 'data-testid="mine"' in answer.text
        answer = await phone.post(f"/runner/tabs/{tab.id}/brought")
        assert "Nothing to carry" in answer.text


async def test_a_guest_reads_on_the_phone_that_a_dish_is_on_its_way(database: Database, clock: MovableClock) -> None:
    here = await shop(database, clock, couriers=0)
    runner = await identity.staff(database, here.of, Role.RUNNER)
    async with database.transaction() as tx:
        table = await add_table(tx, here.store_id, "5", clock.now())
        sitting = await sittings.open_for_staff(tx, here.store_id, table.id, clock.now())
        tea = food.dish(here.menu, "tea")
        for key in "ab":
            await ordering.add_line(tx, sitting.tab_id, tea.id, food.choices(tea, "Regular"), 1, "", "", key)
        first, _ = await ordering.send(tx, sitting.tab_id, "test")
        for seen in (LineStatus.SENT, LineStatus.COOKING):
            await kitchen.bump(tx, here.store_id, sitting.tab_id, 1, seen)
        await running.take(tx, here.store_id, sitting.tab_id, [first.id], runner, clock.now())
        meal = await sittings.meal(tx, sitting)
        assert showing.stages(meal.ordered, meal.carried) == [("carried", 1), ("ready", 1)]
        assert [each.quantity for each in alike(meal.ordered, meal.carried)] == [1, 1]
        await running.brought(tx, here.store_id, sitting.tab_id, runner, clock.now())
        meal = await sittings.meal(tx, sitting)
        assert showing.stages(meal.ordered, meal.carried) == [("ready", 1), ("served", 1)]
