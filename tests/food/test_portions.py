"""Counted dishes: what is left goes down as it is sold, never below nothing, and sold-out dishes are not sold."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from saoma.food.dayparts import Daypart
from saoma.food.menus.menu import menu, offered, set_option_sold_out, set_sold_out
from saoma.food.model import Item, Line, LineStatus
from saoma.food.orders import ordering, portions
from saoma.food.orders.voiding import void_pieces
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from tests.food.make import STORE, added, choices, dish, limit, noodle_house_menu, open_tab, sent, wake

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


async def _left(database: Database, code: str = "tea", at: datetime | None = None) -> int | None:
    async with database.reading() as rows:
        return dish(await offered(rows, STORE, "table", at), code).left


async def _set(database: Database, item: Item, left: int | None, day: date | None = None) -> None:
    async with database.transaction() as tx:
        today = day or await tx.value("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")
        await portions.set_left(tx, item.id, left, today)


async def test_sold_out_dishes_still_sold(database: Database) -> None:
    """Two phones; on one the page is old: the dish, a choice of it, or the last portion is gone meanwhile."""
    card = await noodle_house_menu(database)
    tea, beef = dish(card, "tea"), dish(card, "beef")
    tab, counter = await open_tab(database), await open_tab(database, label="8")
    await added(database, tab, tea, guest="mia")
    await added(database, counter, tea, guest="ben")
    async with database.transaction() as tx:
        await set_sold_out(tx, tea.id, sold_out=True)
    # The old page presses plus, another sends what it has, a third is about to pay: none of them gets it.
    with pytest.raises(ordering.SoldOut, match="“Jasmine tea” is sold out"):
        await added(database, tab, tea, guest="ben")
    with pytest.raises(ordering.SoldOut, match="“Jasmine tea” is sold out"):
        await sent(database, tab)
    with pytest.raises(ordering.SoldOut, match="“Jasmine tea” is sold out"):
        async with database.transaction() as tx:
            await ordering.check_basket(tx, counter.id)
    async with database.transaction() as tx:
        await set_sold_out(tx, tea.id, sold_out=False)
    assert len(await sent(database, tab)) == 1
    # A choice.
    await added(database, tab, beef, "Large", guest="mia")
    async with database.transaction() as tx:
        await set_option_sold_out(tx, choices(beef, "Large")[0], sold_out=True)
    with pytest.raises(ordering.SoldOut, match="“Large” for “Beef noodles” is sold out"):
        await sent(database, tab)
    # The last portion: whoever sends first has it, and the bill of what was sent is not touched.
    plain = dish(card, "plain")
    await _set(database, plain, 1)
    one, two = await open_tab(database, label="9"), await open_tab(database, label="10")
    await added(database, one, plain)
    await added(database, two, plain)
    assert len(await sent(database, one)) == 1
    with pytest.raises(ordering.SoldOut, match="“Plain noodles” is sold out"):
        await sent(database, two)
    with pytest.raises(ordering.SoldOut, match="“Plain noodles” is sold out"):
        await added(database, two, plain)
    assert [line.status for line in await _lines(database, one.id)] == [LineStatus.SENT]


async def _lines(database: Database, tab_id: str) -> list[Line]:
    async with database.reading() as rows:
        return await ordering.lines(rows, tab_id)


async def test_twelve_phones_that_press_at_once_get_the_five_that_are_left(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea, plain = dish(card, "tea"), dish(card, "plain")
    await _set(database, tea, 5)
    await _set(database, plain, 100)
    tabs = [await open_tab(database, label=str(number)) for number in range(12)]
    for number, tab in enumerate(tabs):
        # In another order on every phone: they must not wait for each other in a circle.
        for each in (tea, plain) if number % 2 else (plain, tea):
            await added(database, tab, each)
    await wake(database)
    went = await asyncio.gather(*(sent(database, tab) for tab in tabs), return_exceptions=True)
    refused = [each for each in went if isinstance(each, BaseException)]
    assert all(isinstance(each, ordering.SoldOut) for each in refused), refused
    assert len(refused) == 7
    assert await _left(database) == 0
    assert await _left(database, "plain") == 95


async def test_too_few_are_refused_with_how_many_there_are(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    await _set(database, tea, 3)
    tab = await open_tab(database)
    with pytest.raises(ordering.SoldOut, match="Only 3 of “Jasmine tea” left"):
        await added(database, tab, tea, quantity=4)
    await added(database, tab, tea, quantity=2, guest="mia")
    await added(database, tab, tea, quantity=2, guest="ben")
    with pytest.raises(ordering.SoldOut, match="Only 3 of “Jasmine tea” left"):
        await sent(database, tab)
    assert await _left(database) == 3
    assert len(await sent(database, tab, "mia")) == 1
    assert await _left(database) == 1


async def test_what_is_about_to_be_paid_is_kept_and_counted_once(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    await _set(database, tea, 2)
    tab, other = await open_tab(database), await open_tab(database, label="8")
    line = await added(database, tab, tea, quantity=2)
    for _ in range(2):
        async with database.transaction() as tx:
            await ordering.check_basket(tx, tab.id)
    assert await _left(database) == 0
    with pytest.raises(ordering.SoldOut):
        await added(database, other, tea)
    async with database.transaction() as tx:
        assert len(await ordering.fire(tx, tab.id, "till")) == 1
    assert await _left(database) == 0
    # Struck before anybody cooked it, it can be sold again.
    async with database.transaction() as tx:
        await ordering.void_line(tx, line.id, "mei", "wrong table")
    assert await _left(database) == 2


async def test_portions_are_neither_lost_nor_doubled_by_what_is_struck_given_up_or_paid_for_too_late(
    database: Database,
) -> None:
    tea = dish(await noodle_house_menu(database), "tea")
    await _set(database, tea, 3)
    tab, late, idle = [await open_tab(database, label=label) for label in "789"]
    await added(database, tab, tea, quantity=3)
    (line,) = await sent(database, tab)
    for pieces, left in ((1, 1), (1, 1), (2, 3)):  # pressed twice, then the rest
        async with database.transaction() as tx:
            await void_pieces(tx, line.id, pieces, "mei", "spilled", "one" if left == 1 else "rest")
        assert await _left(database) == left
    # Money came for two when only one was left: one was taken, so one comes back.
    wished = await added(database, late, tea, quantity=2)
    await _set(database, tea, 1)
    async with database.transaction() as tx:
        await ordering.fire(tx, late.id, "till")
    assert await _left(database) == 0
    async with database.transaction() as tx:
        await ordering.void_line(tx, wished.id, "mei", "there is only one")
    assert await _left(database) == 1
    # Kept for an order that is given up before it was paid.
    await added(database, idle, tea)
    async with database.transaction() as tx:
        await ordering.check_basket(tx, idle.id)
    assert await _left(database) == 0
    async with database.transaction() as tx:
        await ordering.close_tab(tx, idle.id)
    assert await _left(database) == 1


async def test_what_was_not_paid_after_all_is_let_go(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    await _set(database, tea, 1)
    tab, other = await open_tab(database), await open_tab(database, label="8")
    line = await added(database, tab, tea)
    await added(database, other, tea)
    async with database.transaction() as tx:
        await ordering.check_basket(tx, tab.id)
    with pytest.raises(ordering.SoldOut):
        await sent(database, other)
    async with database.transaction() as tx:
        await ordering.set_quantity(tx, line.id, 0, None)
    assert await _left(database) == 1
    again = await added(database, tab, tea)
    async with database.transaction() as tx:
        await ordering.check_basket(tx, tab.id)
        await tx.run(
            "UPDATE portion_claims SET claimed_at = claimed_at - %(by)s WHERE line_id = %(line)s",
            {"by": portions.FORGOTTEN_AFTER + timedelta(seconds=1), "line": again.id},
        )
    assert len(await sent(database, other)) == 1, "nobody came back to pay for the other one"
    async with database.transaction() as tx:
        assert len(await ordering.fire(tx, tab.id, "till")) == 1, "who pays after all is served all the same"
    assert await _left(database) == 0


async def test_a_day_begins_with_all_of_them(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    await limit(database, tea, per_day=2)
    tab = await open_tab(database)
    await added(database, tab, tea, quantity=2)
    async with database.transaction() as tx:
        await ordering.send(tx, tab.id, "mia", at=NOON)
    assert await _left(database, at=NOON) == 0
    assert await _left(database, at=NOON + timedelta(days=1)) == 2
    # What the kitchen says holds for its day only.
    await _set(database, tea, 7, NOON.date())
    assert await _left(database, at=NOON) == 7
    await _set(database, tea, None, NOON.date())
    assert await _left(database, at=NOON) == 2
    with pytest.raises(Invalid, match="from 0 to 9999"):
        await _set(database, tea, -1)


async def test_an_order_moved_to_another_day_takes_nothing_of_the_first(database: Database) -> None:
    card = await noodle_house_menu(database)
    await limit(database, dish(card, "tea"), per_day=2)
    tab = await open_tab(database)
    await added(database, tab, dish(card, "tea"))
    tomorrow = NOON + timedelta(days=1)
    for at, left in ((NOON, (1, 2)), (tomorrow, (2, 1)), (NOON, (1, 2))):
        async with database.transaction() as tx:
            await ordering.check_basket(tx, tab.id, at=at)
        assert (await _left(database, at=NOON), await _left(database, at=tomorrow)) == left


async def test_a_breakfast_dish_at_three_in_the_afternoon_says_when_it_is_served(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    morning = Daypart(id="", name="Breakfast", name_zh="早餐", starts=420, ends=660)
    await limit(database, tea, morning, dayparts=("Breakfast",))
    tab = await open_tab(database)
    async with database.transaction() as tx:
        early = await ordering.add_line(tx, tab.id, tea.id, (), 1, "mia", "", "k1", at=NOON.replace(hour=8))
    for call in ("add", "send", "pay"):
        with pytest.raises(ordering.NotNow, match="is on the menu: Breakfast, 07:00–11:00") as refusal:
            async with database.transaction() as tx:
                if call == "add":
                    await ordering.add_line(tx, tab.id, tea.id, (), 1, "mia", "", "k2", at=NOON.replace(hour=15))
                elif call == "send":
                    await ordering.send(tx, tab.id, "mia", at=NOON.replace(hour=15))
                else:
                    await ordering.check_basket(tx, tab.id, at=NOON.replace(hour=15))
        assert refusal.value.values["when_zh"] == "早餐，07:00–11:00"
    async with database.transaction() as tx:
        assert [line.id for line in await ordering.send(tx, tab.id, "mia", at=NOON.replace(hour=8))] == [early.id]


async def test_a_dish_for_the_table_is_not_delivered_and_the_waiter_may_bring_it(database: Database) -> None:
    card = await noodle_house_menu(database)
    tea = dish(card, "tea")
    await limit(database, tea, channels=("table",))
    async with database.transaction() as tx:
        away = await ordering.open_tab(tx, STORE, "delivery", "D1")
    with pytest.raises(ordering.NotNow, match="It is offered: By phone at the table") as refusal:
        await added(database, away, tea)
    assert refusal.value.values["where_zh"] == "桌上扫码点餐"
    tab = await open_tab(database)
    await added(database, tab, tea, guest="")
    assert len(await sent(database, tab)) == 1
    await limit(database, tea, channels=("waiter",))
    with pytest.raises(ordering.NotNow):
        await added(database, tab, tea, guest="mia")
    assert await added(database, tab, tea, guest="")
    async with database.reading() as rows:
        assert (await menu(rows, STORE)).offered("nothing") is None
