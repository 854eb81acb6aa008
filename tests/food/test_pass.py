"""The pass, the office's page about the kitchen, and what users of other kitchens complain of most, by its name."""

from __future__ import annotations

import asyncio

import pytest

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.setup import setup
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.courses import Course, Firing
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from tests.food.make import STORE, added, all_lines, dish, noodle_house_menu, open_tab, sent, wake
from tests.food.test_screens import open_house
from tests.identity.web import text_of


async def test_the_office_makes_courses_and_the_pass_fires_and_serves_them(
    database: Database, clock: MovableClock
) -> None:
    async with open_house(database, clock) as house:
        noodles, drinks = house.menu.sections
        tea, plain = dish(house.menu, "tea"), dish(house.menu, "plain")
        form = {
            f"course-{noodles.id}": "main",
            f"course-{drinks.id}": "starter",
            "firing": "person",
            "soon": "5",
            "late": "9",
            f"station-{tea.id}": noodles.station_id or "",
        }
        assert (await house.cook.post("/office/kitchen", form)).status_code == 403
        wrong = await house.owner.post("/office/kitchen?lang=en", form | {"late": "5"})
        assert wrong.status_code == 422 and "must be late later than it is late soon" in wrong.text
        assert (await house.owner.post("/office/kitchen", form)).status_code == 303
        async with database.reading() as rows:
            now = await setup(rows, house.store_id)
        assert (now.firing, now.soon_seconds, now.late_seconds) == (Firing.PERSON, 300, 540)
        assert [section.course for section in now.sections] == [Course.MAIN, Course.STARTER]
        assert {item.station_id for item in now.dishes if item.id == tea.id} == {noodles.station_id}

        tab = await open_tab(database, house.store_id, "Table 7")
        for item in (tea, plain):
            await added(database, tab, item)
        lines = {line.name: line.id for line in await sent(database, tab)}
        seen = text_of((await house.waiter.get("/kitchen/pass?lang=en")).text)
        assert "Starters" in seen and "On hold" in seen and "Plain noodles" in seen
        assert "等叫起" in (await house.waiter.get("/kitchen/pass?lang=zh")).text
        assert "Plain noodles" not in text_of((await house.cook.get("/kitchen?lang=en")).text).partition("All day")[0]
        assert (await house.waiter.get("/kitchen")).status_code == 403
        for _ in range(2):
            fired = await house.waiter.post(f"/kitchen/tabs/{tab.id}/fire", {"course": "main"})
            assert fired.status_code == 200
        assert "Plain noodles" in text_of((await house.cook.get("/kitchen/board?lang=en")).text).partition("All day")[0]
        for status in ("sent", "cooking"):
            await house.cook.post(f"/kitchen/lines/{lines['Jasmine tea']}/bump", {"seen": status})
        await house.waiter.post(f"/kitchen/tabs/{tab.id}/serve", {"course": "starter"})
        held = await house.waiter.post(f"/kitchen/tabs/{tab.id}/hold?lang=en", {"course": "main"})
        assert "Jasmine tea" not in held.text and "On hold" in held.text
        told = await house.waiter.post(f"/kitchen/tabs/{tab.id}/fire", {"course": "breakfast"})
        assert told.status_code == 422
        now_lines = await all_lines(database, tab)
        assert now_lines[lines["Jasmine tea"]].status is LineStatus.SERVED
        assert now_lines[lines["Plain noodles"]].hold == "hand"


async def test_kitchen_tickets_printed_twice(database: Database) -> None:
    """A dish is on one ticket, once, however often the round was sent, the board loaded, or a later one followed."""
    await wake(database)
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"), key="tap 1")
    await asyncio.gather(*(sent(database, tab) for _ in range(4)))
    # The phone never heard the answer and does all of it again.
    await added(database, tab, dish(menu, "tea"), key="tap 1")
    await sent(database, tab)
    await added(database, tab, dish(menu, "plain"), key="tap 2")
    await sent(database, tab)
    for _ in range(3):
        async with database.reading() as rows:
            tickets = await kitchen.tickets(rows, STORE)
        assert [[line.name for line in ticket.lines] for ticket in tickets] == [["Jasmine tea"], ["Plain noodles"]]
        assert len({ticket.id for ticket in tickets}) == 2


async def test_orders_doubled_or_lost_after_a_reconnect_in_the_kitchen(database: Database, clock: MovableClock) -> None:
    """What was pressed with no answer is pressed again: one step. What came meanwhile is on the next board, once."""
    async with open_house(database, clock) as house:
        tab = await open_tab(database, house.store_id, "Table 7")
        await added(database, tab, dish(house.menu, "tea"))
        await sent(database, tab)
        path, seen = f"/kitchen/tickets/{tab.id}/1/bump", {"seen": "sent", "station": "", "firing": "0"}
        await house.cook.post(path, seen)
        other = await open_tab(database, house.store_id, "Table 8")
        await added(database, other, dish(house.menu, "plain"))
        await sent(database, other)
        again = await house.cook.post(path, seen)
        assert again.text.count(f'id="ticket-{tab.id}-1"') == 1 == again.text.count(f'id="ticket-{other.id}-1"')
        (line,) = (await all_lines(database, tab)).values()
        assert line.status is LineStatus.COOKING
        old = await house.cook.post(path, {"seen": "sent"})
        assert old.status_code == 200, "a page from before firings were numbered still bumps"
        assert (await house.cook.post(path, seen | {"firing": "x"})).status_code == 422


async def test_sold_out_dishes_still_sold(database: Database, clock: MovableClock) -> None:
    """One tap on the board, and neither a basket from before nor a new one sells the dish; the other tables' do."""
    async with open_house(database, clock) as house:
        tea, plain = dish(house.menu, "tea"), dish(house.menu, "plain")
        cooking, before, after = [await open_tab(database, house.store_id, label) for label in "123"]
        await added(database, cooking, tea)
        await sent(database, cooking)
        await added(database, before, tea)
        await added(database, after, plain)
        board = await house.cook.get("/kitchen/board?lang=en")
        assert f"/kitchen/items/{tea.id}/sold-out?on=board" in board.text
        tapped = await house.cook.post(f"/kitchen/items/{tea.id}/sold-out?on=board&lang=en", {"sold_out": "yes"})
        assert 'id="cards"' in tapped.text and "Sold out" in text_of(tapped.text)
        with pytest.raises(ordering.SoldOut):
            await sent(database, before)
        with pytest.raises(Refused):
            await added(database, after, tea)
        assert len(await sent(database, after)) == 1
        await house.cook.post(f"/kitchen/items/{tea.id}/sold-out?on=board", {"sold_out": "no"})
        assert len(await sent(database, before)) == 1
