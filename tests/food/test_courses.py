"""Courses: later ones wait on the bill, out of the kitchen's sight, and are fired once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saoma.food.kitchen import tickets as kitchen
from saoma.food.kitchen.expediting import pass_now
from saoma.food.model import Line, LineStatus, Menu, Tab
from saoma.food.orders import courses, ordering
from saoma.food.orders.courses import STAGED, Course, Hold, Staged, must_wait, next_course
from saoma.kit.db import Database
from saoma.kit.errors import NotFound
from tests.food.make import STORE, added, all_lines, dish, noodle_house, noodle_house_menu, open_tab, sent, wake

UNDER_WAY = st.lists(st.builds(Staged, course=st.sampled_from(Course), hold=st.sampled_from(Hold)), max_size=8)


@settings(max_examples=50)
@given(UNDER_WAY)
def test_only_the_first_waiting_course_comes_and_only_when_nothing_earlier_is_under_way(
    under_way: list[Staged],
) -> None:
    found = next_course(under_way)
    waiting = [dish.course for dish in under_way if dish.hold is Hold.COURSE and dish.course in STAGED]
    if found is None:
        assert all(must_wait(course, [dish.course for dish in under_way]) for course in waiting)
    else:
        assert found in waiting
        assert all(STAGED.index(dish.course) >= STAGED.index(found) for dish in under_way if dish.course in STAGED)


async def three_courses(db: Database, firing: str = "automatic") -> Menu:
    """The noodle house, its noodles cut into courses: beef is a starter, plain the main, tea any time."""
    draft = noodle_house()
    noodles, drinks = draft.sections
    starters = msgspec.structs.replace(noodles, name="Small", items=noodles.items[:1])
    mains = msgspec.structs.replace(noodles, name="Bowls", items=noodles.items[1:])
    bottle = msgspec.structs.replace(drinks.items[1], hidden=False)
    sweet = msgspec.structs.replace(drinks, name="Sweet", items=(bottle,))
    tea = msgspec.structs.replace(drinks, items=drinks.items[:1])
    shown = await noodle_house_menu(db, draft=msgspec.structs.replace(draft, sections=(starters, mains, sweet, tea)))
    async with db.transaction() as tx:
        for name, course in (("Small", "starter"), ("Bowls", "main"), ("Sweet", "dessert"), ("Drinks", "drinks")):
            await tx.run(
                "UPDATE menu_sections SET course = %(course)s WHERE store_id = %(store)s AND name = %(name)s",
                {"store": STORE, "name": name, "course": course},
            )
        await tx.run("UPDATE menus SET firing = %(firing)s", {"firing": firing})
    return shown


async def dinner(db: Database, menu: Menu, *codes: str, channel: str = "table") -> tuple[Tab, dict[str, Line]]:
    """A tab with one round of these dishes sent."""
    tab = await open_tab(db)
    async with db.transaction() as tx:
        await tx.run("UPDATE tabs SET channel = %(channel)s WHERE id = %(tab)s", {"tab": tab.id, "channel": channel})
    for code in codes:
        await added(db, tab, dish(menu, code), *(["Regular"] if code == "beef" else []))
    return tab, dict(zip(codes, await sent(db, tab), strict=True))


async def shown(db: Database) -> list[list[str]]:
    """The names on each ticket."""
    async with db.reading() as rows:
        return [[line.name for line in ticket.lines] for ticket in await kitchen.tickets(rows, STORE)]


async def served(db: Database, line: Line) -> None:
    """The whole way of a dish to the table."""
    async with db.transaction() as tx:
        for seen in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY):
            assert await kitchen.bump_line(tx, STORE, line.id, seen) == 1


async def test_mains_wait_until_the_starters_are_served_and_then_come_as_their_own_ticket(database: Database) -> None:
    menu = await three_courses(database)
    tab, lines = await dinner(database, menu, "beef", "plain", "tea")
    assert lines["plain"].hold == "course"
    assert await shown(database) == [["Beef noodles", "Jasmine tea"]]
    async with database.reading() as rows:
        counts = {count.name: (count.quantity, count.later) for count in await kitchen.all_day(rows, STORE)}
        (at,) = await pass_now(rows, STORE)
    assert counts == {"Beef noodles": (1, 0), "Jasmine tea": (1, 0), "Plain noodles": (0, 1)}
    assert [(course.course, course.held) for course in at.courses] == [("drinks", 0), ("starter", 0), ("main", 1)]
    await served(database, lines["beef"])
    async with database.reading() as rows:
        tea, plain = await kitchen.tickets(rows, STORE)
    assert [line.name for line in tea.lines] == ["Beef noodles", "Jasmine tea"]
    assert ([line.name for line in plain.lines], plain.course, plain.firing) == (["Plain noodles"], "main", 1)
    assert plain.sent_at > tea.sent_at, "its age is counted from firing"
    async with database.transaction() as tx:
        assert await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT, firing=1) == 1, "tea is another ticket's"


async def test_a_dish_is_fired_once_whoever_presses_and_however_often(database: Database) -> None:
    await wake(database)
    menu = await three_courses(database, "person")
    tab, lines = await dinner(database, menu, "beef", "plain")
    await served(database, lines["beef"])
    assert await shown(database) == [], "a person fires here"

    async def press() -> int:
        async with database.transaction() as tx:
            return await courses.fire(tx, STORE, tab.id, Course.MAIN)

    assert sorted(await asyncio.gather(press(), press(), press())) == [0, 0, 1]
    fired = (await shown(database), await press())
    assert fired == ([["Plain noodles"]], 0)


async def test_what_a_person_holds_only_a_person_fires(database: Database) -> None:
    menu = await three_courses(database)
    tab, lines = await dinner(database, menu, "beef", "plain", "secret")
    async with database.transaction() as tx:
        assert await courses.hold(tx, STORE, tab.id, Course.MAIN) == 1
        assert await courses.hold(tx, STORE, tab.id, Course.MAIN) == 0
    await served(database, lines["beef"])
    assert await shown(database) == []
    async with database.transaction() as tx:
        assert await courses.fire(tx, STORE, tab.id, Course.MAIN) == 1
        assert await courses.hold(tx, STORE, tab.id, Course.MAIN) == 1, "nobody has begun it yet"
        assert await kitchen.bump(tx, STORE, tab.id, 1, LineStatus.SENT) == 0, "what is held can't be begun"
        await courses.fire(tx, STORE, tab.id, Course.MAIN)
        await kitchen.bump_line(tx, STORE, lines["plain"].id, LineStatus.SENT)
        assert await courses.hold(tx, STORE, tab.id, Course.MAIN) == 0, "the kitchen has begun it"


async def test_a_struck_starter_lets_the_mains_go_and_a_recall_does_not_take_them_back(database: Database) -> None:
    menu = await three_courses(database)
    tab, lines = await dinner(database, menu, "beef", "plain")
    async with database.transaction() as tx:
        await ordering.void_line(tx, lines["beef"].id, "staff_1", "sent back")
    assert (await all_lines(database, tab))[lines["plain"].id].hold == ""
    tab, lines = await dinner(database, menu, "beef", "plain")
    await served(database, lines["beef"])
    async with database.transaction() as tx:
        await kitchen.recall(tx, STORE, tab.id, 1, LineStatus.SERVED)
    assert (await all_lines(database, tab))[lines["plain"].id].hold == ""


async def test_a_held_dish_that_is_struck_never_reaches_the_kitchen(database: Database) -> None:
    menu = await three_courses(database)
    tab, lines = await dinner(database, menu, "beef", "plain")
    async with database.transaction() as tx:
        await ordering.void_line(tx, lines["plain"].id, "staff_1", "full already")
    await served(database, lines["beef"])
    assert await shown(database) == []
    assert (await all_lines(database, tab))[lines["plain"].id].status is LineStatus.VOID


@pytest.mark.parametrize(("firing", "channel"), [("off", "table"), ("automatic", "takeaway"), ("person", "counter")])
async def test_a_bag_leaves_at_once_and_so_does_everything_where_courses_are_off(
    database: Database, firing: str, channel: str
) -> None:
    menu = await three_courses(database, firing)
    await dinner(database, menu, "beef", "plain", channel=channel)
    assert await shown(database) == [["Beef noodles", "Plain noodles"]]


async def test_another_shop_fires_and_holds_nothing(database: Database) -> None:
    menu = await three_courses(database)
    tab, _ = await dinner(database, menu, "beef", "plain")
    for press in (courses.fire, courses.hold, kitchen.serve_course):
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await press(tx, "store_other", tab.id, Course.MAIN)


async def test_a_dish_is_made_at_its_own_station_when_it_has_one(database: Database) -> None:
    menu = await noodle_house_menu(database)
    wok = menu.sections[0].station_id
    async with database.transaction() as tx:
        await tx.run(
            "UPDATE menu_items SET station_id = %(wok)s WHERE id = %(tea)s", {"wok": wok, "tea": dish(menu, "tea").id}
        )
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    await sent(database, tab)
    async with database.reading() as rows:
        assert len(await kitchen.tickets(rows, STORE, wok)) == 1
