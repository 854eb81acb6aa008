"""Many screens of one kitchen: what they fetch at the same moment is drawn once, is right for each, and never old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.food.screens import kitchen as screen
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Rows
from tests.food.make import added, dish, noodle_house_menu, open_tab, sent
from tests.food.test_menu import Counting
from tests.identity import make
from tests.identity.web import Browser, app, browsers

SCREENS = 16


class CountingDatabase(Database):
    """Counts the questions that are asked outside of transactions."""

    asked = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Rows]:
        """Count what is asked, then ask."""
        async with super().reading() as plain:
            rows = Counting(plain.connection)
            try:
                yield rows
            finally:
                self.asked += rows.asked


async def test_what_many_screens_fetch_at_once_is_asked_a_few_times_and_is_right_for_each_of_them(
    database_url: str, clock: MovableClock
) -> None:
    db = CountingDatabase(database_url, max_size=8)
    async with db.opened():
        shop, other = await make.shop(db), await make.shop(db)
        menu = await noodle_house_menu(db, shop.store.id)
        await noodle_house_menu(db, other.store.id)
        tab = await open_tab(db, shop.store.id, label="Window")
        await added(db, tab, dish(menu, "beef"), "Regular")
        await added(db, tab, dish(menu, "tea"))
        await sent(db, tab)
        cook = await make.staff(db, shop, Role.KITCHEN)
        async with browsers(app([screen.router], db, clock), SCREENS + 2) as found:
            *cooks, waiter, neighbour = found
            for browser in cooks:
                await browser.plant(staff_id=cook.id)
            await waiter.plant(staff_id=(await make.staff(db, shop, Role.WAITER)).id)
            await neighbour.plant(staff_id=(await make.staff(db, other, Role.KITCHEN)).id)
            db.asked = 0
            await cooks[0].get("/kitchen/board?lang=en")
            alone, db.asked = db.asked, 0
            station = f"&station={menu.sections[0].station_id}"
            asked = [
                *(one.get("/kitchen/board?lang=en") for one in cooks[: SCREENS - 2]),
                cooks[-2].get("/kitchen/board?lang=zh"),
                cooks[-1].get(f"/kitchen/board?lang=en{station}"),
                neighbour.get("/kitchen/board?lang=en"),
                waiter.get("/kitchen/board?lang=en"),
            ]
            *english, chinese, wok, elsewhere, refused = await asyncio.gather(*asked)
            together = db.asked
        assert {answer.status_code for answer in (*english, chinese, wok, elsewhere)} == {200}
        assert all("Beef noodles" in answer.text and "Jasmine tea" in answer.text for answer in english)
        assert "牛肉面" in chinese.text and "Beef noodles" not in chinese.text
        assert "Beef noodles" in wok.text and "Jasmine tea" not in wok.text
        assert "Window" not in elsewhere.text and "Nothing to cook" in elsewhere.text
        assert refused.status_code == 403 and "Beef" not in refused.text, "a right is asked of each, shared or not"
        assert alone <= 8, "session, person, stores, and five questions about the kitchen"
        # Sessions, people, stores and three boards, in a few turns each: fewer questions than there are screens.
        assert together < 2 * len(asked)
        assert db.together.open == 0


async def test_who_fetches_after_a_press_sees_what_it_did_however_many_are_fetching(
    database: Database, clock: MovableClock
) -> None:
    shop = await make.shop(database)
    menu = await noodle_house_menu(database, shop.store.id)
    tab = await open_tab(database, shop.store.id, label="Window")
    await added(database, tab, dish(menu, "tea"))
    await sent(database, tab)
    cook = await make.staff(database, shop, Role.KITCHEN)
    async with browsers(app([screen.router], database, clock), 4) as found:
        for browser in found:
            await browser.plant(staff_id=cook.id)
        *busy, mine = found
        done = asyncio.Event()

        async def fetching(one: Browser) -> None:
            while not done.is_set():
                await one.get("/kitchen/board?lang=en")

        others = [asyncio.create_task(fetching(one)) for one in busy]
        for seen, then in ((LineStatus.SENT, "cooking"), (LineStatus.COOKING, "ready")):
            await asyncio.sleep(0.05)
            # Another process's press: nothing in this one knows of it.
            async with database.transaction() as tx:
                await kitchen.bump(tx, shop.store.id, tab.id, 1, seen)
            assert f'data-state="{then}"' in (await mine.get("/kitchen/board?lang=en")).text
        done.set()
        await asyncio.gather(*others)
