"""Tickets: fired once, bumped once, brought back, late in time."""

from __future__ import annotations

import asyncio

import pytest

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.tickets import Lateness, Pace, lateness
from saoma.food.model import Line, LineStatus, Menu, Tab
from saoma.food.orders import ordering
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, NotFound
from tests.food.make import STORE, added, all_lines, dish, noodle_house_menu, open_tab, sent, wake


async def ordered(db: Database, menu: Menu, *codes: str, label: str = "7") -> tuple[Tab, list[Line]]:
    """A tab with one round of these dishes sent."""
    tab = await open_tab(db, label=label)
    for code in codes:
        options = ["Regular"] if code == "beef" else []
        await added(db, tab, dish(menu, code), *options)
    return tab, await sent(db, tab)


async def shown(db: Database, station: str | None = None) -> list[kitchen.Ticket]:
    """What the kitchen's screen shows."""
    async with db.reading() as rows:
        return await kitchen.tickets(rows, STORE, station)


async def test_one_round_makes_one_ticket_and_the_next_round_another(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab, _ = await ordered(database, menu, "beef", "tea")
    await added(database, tab, dish(menu, "plain"))
    assert [len(ticket.lines) for ticket in await shown(database)] == [2], (
        "a basket is nobody's business but the table's"
    )
    await sent(database, tab)
    first, second = await shown(database)
    assert [(ticket.round, ticket.label) for ticket in (first, second)] == [(1, "7"), (2, "7")]
    assert [line.name for line in first.lines] == ["Beef noodles", "Jasmine tea"]
    assert first.sent_at < second.sent_at


async def test_a_bump_moves_a_ticket_from_sent_to_served_and_off_the_screen(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab, _ = await ordered(database, menu, "beef", "tea")
    for seen in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY):
        (ticket,) = await shown(database)
        assert ticket.status is seen
        async with database.transaction() as tx:
            assert await kitchen.bump(tx, STORE, tab.id, 1, seen) == 2
    assert await shown(database) == []
    async with database.reading() as rows:
        (gone,) = await kitchen.lately_served(rows, STORE)
    assert gone.id == f"{tab.id}-1"


async def test_two_screens_bumping_the_same_ticket_at_once_move_it_one_step(database: Database) -> None:
    await wake(database)
    menu = await noodle_house_menu(database)
    tab, _ = await ordered(database, menu, "beef", "tea")

    async def press() -> int:
        async with database.transaction() as tx:
            return await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT)

    assert sorted(await asyncio.gather(press(), press(), press())) == [0, 0, 2]
    (ticket,) = await shown(database)
    assert ticket.status is LineStatus.COOKING


async def test_a_recall_brings_a_served_ticket_back(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab, _ = await ordered(database, menu, "tea")
    async with database.transaction() as tx:
        for seen in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY):
            await kitchen.bump(tx, STORE, tab.id, 1, seen)
        assert await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.SERVED) == 1
    (ticket,) = await shown(database)
    assert (ticket.status, ticket.lines[0].served_at) == (LineStatus.READY, None)
    async with database.transaction() as tx:
        await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.READY)
        await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.COOKING)
        with pytest.raises(Conflict):
            await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.SENT)


async def test_one_dish_can_run_ahead_and_the_ticket_waits_for_the_slowest(database: Database) -> None:
    menu = await noodle_house_menu(database)
    _, lines = await ordered(database, menu, "beef", "tea")
    async with database.transaction() as tx:
        assert await kitchen.bump_line(tx, STORE, lines[1].id, LineStatus.SENT) == 1
        assert await kitchen.bump_line(tx, STORE, lines[1].id, LineStatus.SENT) == 0
    (ticket,) = await shown(database)
    assert ticket.status is LineStatus.SENT
    assert [line.status for line in ticket.lines] == [LineStatus.SENT, LineStatus.COOKING]


async def test_a_station_sees_and_bumps_only_its_own_dishes(database: Database) -> None:
    menu = await noodle_house_menu(database)
    wok = menu.sections[0].station_id
    tab, lines = await ordered(database, menu, "beef", "tea")
    (ticket,) = await shown(database, wok)
    assert [line.name for line in ticket.lines] == ["Beef noodles"]
    async with database.transaction() as tx:
        assert await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT, wok) == 1
    now = await all_lines(database, tab)
    assert [now[line.id].status for line in lines] == [LineStatus.COOKING, LineStatus.SENT]


async def test_a_struck_dish_stays_in_sight_so_that_nobody_goes_on_cooking_it(database: Database) -> None:
    menu = await noodle_house_menu(database)
    _, lines = await ordered(database, menu, "tea")
    async with database.transaction() as tx:
        await ordering.void_line(tx, lines[0].id, "staff_1", "changed their mind")
    (ticket,) = await shown(database)
    assert ticket.status is LineStatus.VOID
    async with database.transaction() as tx:
        await tx.run("UPDATE tab_lines SET voided_at = voided_at - interval '4 minutes'")
    assert await shown(database) == []


async def test_another_shops_kitchen_sees_and_moves_nothing(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab, lines = await ordered(database, menu, "tea")
    async with database.transaction() as tx:
        assert await kitchen.tickets(tx, "store_other") == []
        with pytest.raises(NotFound):
            await kitchen.bump(tx, "store_other", tab.id, 1, LineStatus.SENT)
        with pytest.raises(NotFound):
            await kitchen.bump_line(tx, "store_other", lines[0].id, LineStatus.SENT)


async def test_the_all_day_count_adds_up_what_is_still_to_be_made(database: Database) -> None:
    menu = await noodle_house_menu(database)
    await ordered(database, menu, "tea", "beef")
    tab, _ = await ordered(database, menu, "tea", label="8")
    async with database.reading() as rows:
        counts = {count.name: count.quantity for count in await kitchen.all_day(rows, STORE)}
    assert counts == {"Jasmine tea": 2, "Beef noodles": 1}
    async with database.transaction() as tx:
        await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT)
        await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.COOKING)
        counts = {count.name: count.quantity for count in await kitchen.all_day(tx, STORE)}
    assert counts == {"Jasmine tea": 1, "Beef noodles": 1}


@pytest.mark.parametrize(
    ("age", "looks"),
    [(0, "fresh"), (479, "fresh"), (480, "soon"), (899, "soon"), (900, "late"), (90_000, "late")],
)
def test_a_ticket_gets_late_at_the_stores_own_limits(age: int, looks: str) -> None:
    assert lateness(age, Pace(soon_seconds=480, late_seconds=900)) is Lateness(looks)


async def test_the_age_of_a_ticket_is_counted_from_sending(database: Database) -> None:
    menu = await noodle_house_menu(database)
    await ordered(database, menu, "tea")
    async with database.transaction() as tx:
        await tx.run("UPDATE tab_lines SET sent_at = sent_at - interval '10 minutes'")
    (ticket,) = await shown(database)
    assert 600 <= ticket.age_seconds < 630
