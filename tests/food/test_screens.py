"""The kitchen's board and the office's menu over HTTP: what each person sees and may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from saoma.food.menus.menu import menu
from saoma.food.model import Item, Menu
from saoma.food.orders import ordering
from saoma.food.screens import kitchen, kitchen_pass, office_dish, office_import, office_kitchen, office_menu, photos
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.storage import Storage
from tests.food.make import added, dish, noodle_house_menu, open_tab, sent
from tests.food.test_photos import picture
from tests.identity import make
from tests.identity.web import Browser, app, browsers, text_of

ROUTERS = [
    *(kitchen.router, kitchen_pass.router),
    *(office_menu.router, office_dish.router, office_import.router, office_kitchen.router, photos.router),
]


@dataclass
class House:
    """A store with a menu, a server, and a browser each for owner, cook and waiter."""

    db: Database
    store_id: str
    menu: Menu
    owner: Browser
    cook: Browser
    waiter: Browser

    async def now(self) -> Menu:
        """The menu as it is now."""
        async with self.db.reading() as rows:
            return await menu(rows, self.store_id)

    async def dish(self, code: str) -> Item:
        """A dish as it is now."""
        return dish(await self.now(), code)


@asynccontextmanager
async def open_house(db: Database, clock: MovableClock) -> AsyncIterator[House]:
    """Set it all up and sign everybody in."""
    shop = await make.shop(db)
    shown = await noodle_house_menu(db, shop.store.id)
    server = app(ROUTERS, db, clock, storage=Storage.at("memory:"))
    async with browsers(server, 3) as found:
        for browser, role in zip(found, (Role.OWNER, Role.KITCHEN, Role.WAITER), strict=True):
            await browser.plant(staff_id=(await make.staff(db, shop, role)).id)
        yield House(db, shop.store.id, shown, *found)


async def test_the_board_shows_what_was_sent_with_choices_and_notes_in_both_languages(
    database: Database, clock: MovableClock
) -> None:
    async with open_house(database, clock) as house:
        tab = await open_tab(database, house.store_id, "Table 7")
        async with database.transaction() as tx:
            beef = dish(house.menu, "beef")
            size = [option.id for option in beef.groups[0].options if option.name == "Large"]
            await ordering.add_line(tx, tab.id, beef.id, size, 2, "guest_a", "No <peanuts>", "k")
        assert "Beef noodles" not in (await house.cook.get("/kitchen/board?lang=en")).text
        await sent(database, tab)
        english = (await house.cook.get("/kitchen?lang=en")).text
        assert "No &lt;peanuts&gt;" in english
        assert "Table 7 0 min 2 × Beef noodles Large No" in text_of(english).replace("just now", "0 min")
        chinese = text_of((await house.cook.get("/kitchen?lang=zh")).text)
        assert "牛肉面" in chinese and "大份" in chinese and "开做" in chinese and "Beef" not in chinese


async def test_a_ticket_is_bumped_served_and_brought_back(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        tab = await open_tab(database, house.store_id, "Table 7")
        await added(database, tab, dish(house.menu, "tea"))
        (line,) = await sent(database, tab)
        path = f"/kitchen/tickets/{tab.id}/1"
        for seen, then in (("sent", "cooking"), ("cooking", "ready")):
            answer = await house.cook.post(f"{path}/bump", {"seen": seen})
            assert answer.status_code == 200 and f'data-state="{then}"' in answer.text
            again = await house.cook.post(f"{path}/bump", {"seen": seen})
            assert f'data-state="{then}"' in again.text, "a second press finds the work done"
        gone = await house.cook.post(f"{path}/bump", {"seen": "ready"})
        assert "Jasmine tea" not in gone.text
        assert "Table 7" in (await house.cook.get("/kitchen/served?lang=en")).text
        back = await house.cook.post(f"{path}/recall", {"seen": "served"})
        assert 'data-state="ready"' in back.text
        assert (await house.cook.post(f"/kitchen/lines/{line.id}/bump", {"seen": "ready"})).status_code == 200
        assert (await house.cook.post(f"{path}/bump", {"seen": "nonsense"})).status_code == 422


async def test_one_tap_in_the_kitchen_sells_a_dish_out_everywhere(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        tea = await house.dish("tea")
        answer = await house.cook.post(f"/kitchen/items/{tea.id}/sold-out", {"sold_out": "yes"})
        assert 'aria-pressed="true"' in answer.text
        assert (await house.dish("tea")).sold_out
        await house.cook.post(f"/kitchen/items/{tea.id}/sold-out", {"sold_out": "no"})
        assert not (await house.dish("tea")).sold_out
        async with database.reading() as rows:
            assert await rows.value("SELECT count(*) FROM audit WHERE subject = %(id)s", {"id": tea.id}) == 2


async def test_each_role_sees_only_its_own_screens(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        assert (await house.owner.get("/office/menu")).status_code == 200
        assert (await house.owner.get("/kitchen")).status_code == 200
        for path in ("/office/menu", "/office/menu/import", "/office/menu/export.csv", "/office/menu/items/new"):
            assert (await house.cook.get(path)).status_code == 403
        assert (await house.waiter.get("/kitchen")).status_code == 403
        tea = await house.dish("tea")
        assert (await house.waiter.post(f"/kitchen/items/{tea.id}/sold-out", {"sold_out": "yes"})).status_code == 403
        assert (await house.cook.post(f"/office/menu/items/{tea.id}/remove")).status_code == 403
        assert not (await house.dish("tea")).sold_out


async def test_nobody_touches_another_shops_menu_or_kitchen(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        other = await noodle_house_menu(database, (await make.shop(database, name="Other")).store.id)
        tab = await open_tab(database, other.store_id)
        await added(database, tab, dish(other, "tea"))
        await sent(database, tab)
        tea = dish(other, "tea")
        for path, data in (
            (f"/kitchen/tickets/{tab.id}/1/bump", {"seen": "sent"}),
            (f"/kitchen/items/{tea.id}/sold-out", {"sold_out": "yes"}),
            (f"/office/menu/items/{tea.id}/sold-out", {"sold_out": "yes"}),
            (f"/office/menu/items/{tea.id}", {"name": "Mine", "price": "1", "section_id": house.menu.sections[0].id}),
            (f"/office/menu/items/{tea.id}/remove", {}),
            (f"/office/menu/items/{tea.id}/photo/remove", {}),
        ):
            assert (await house.owner.post(path, data)).status_code == 404, path
        assert (await house.owner.get(f"/kitchen?store={other.store_id}")).status_code == 404


async def test_an_owner_adds_changes_and_removes_a_dish(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        section = house.menu.sections[1].id
        wrong = await house.owner.post("/office/menu/items?lang=en", {"name": "Soy milk", "price": "two"})
        assert wrong.status_code == 422
        assert "“two” is not a price" in wrong.text and 'value="Soy milk"' in wrong.text
        made = await house.owner.post(
            "/office/menu/items",
            {"name": "Soy milk", "name_zh": "豆浆", "price": "3", "section_id": section, "g0-name": "Sugar",
             "g0-least": "0", "g0-most": "1", "g0-o0-name": "None"},
        )  # fmt: skip
        assert made.status_code == 303
        milk = await house.dish("soy-milk")
        assert (milk.price, milk.name_zh, milk.groups[0].options[0].name) == (300, "豆浆", "None")
        page = made.headers["location"].partition("?")[0]
        assert "豆浆" in (await house.owner.get(page)).text
        saved = await house.owner.post(page, {"name": "Soy milk", "price": "3.50", "section_id": section})
        assert saved.status_code == 303
        assert (await house.dish("soy-milk")).price == 350
        await house.owner.post(f"{page}/remove")
        assert [item.code for item in (await house.now()).sections[1].items] == ["tea", "secret"]


async def test_the_list_hides_moves_and_sells_out(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        tea, drinks = await house.dish("tea"), house.menu.sections[1].id
        hidden = await house.owner.post(
            f"/office/menu/items/{tea.id}/hidden", {"hidden": "yes"}, **{"HX-Request": "true"}
        )
        assert hidden.status_code == 200 and "<section" in hidden.text and "<html" not in hidden.text
        await house.owner.post(f"/office/menu/items/{tea.id}/sold-out", {"sold_out": "yes"})
        await house.owner.post(f"/office/menu/sections/{drinks}/move", {"where": "up"})
        now = await house.now()
        assert [section.name for section in now.sections] == ["Drinks", "Noodles"]
        assert dish(now, "tea").hidden and dish(now, "tea").sold_out
        await house.owner.post("/office/menu/sections", {"name": "Sweets", "name_zh": "甜品", "station": "Cold"})
        twice = await house.owner.post("/office/menu/sections?lang=en", {"name": "Sweets"})
        assert twice.status_code == 422 and "There is a section “Sweets” already" in twice.text
        refused = await house.owner.post(f"/office/menu/sections/{drinks}/remove?lang=en")
        assert refused.status_code == 422 and "still has dishes" in refused.text


async def test_a_photo_goes_in_and_is_shown_in_every_size(database: Database, clock: MovableClock) -> None:
    async with open_house(database, clock) as house:
        tea = await house.dish("tea")
        client = house.owner.client
        await house.owner.get("/session")
        answer = await client.post(
            f"/office/menu/items/{tea.id}/photo",
            data={"_csrf_token": client.cookies["saoma_csrf"]},
            files={"photo": ("tea.jpg", picture(), "image/jpeg")},
        )
        assert answer.status_code == 303
        photo = (await house.dish("tea")).photo
        assert photo is not None
        copy = await house.waiter.get(photo.url(320))
        assert (copy.status_code, copy.headers["content-type"]) == (200, "image/webp")
        assert "immutable" in copy.headers["cache-control"]
        for path in ("/photos/nothing.webp", f"/photos/{photo.name}-321.webp", f"/photos/{photo.name}-320.png"):
            assert (await house.waiter.get(path)).status_code == 404
        page = (await house.owner.get(f"/office/menu/items/{tea.id}")).text
        assert 'width="1280" height="960"' in page and f"{photo.name}-640.webp 640w" in page
        bad = await client.post(
            f"/office/menu/items/{tea.id}/photo?lang=en",
            data={"_csrf_token": client.cookies["saoma_csrf"]},
            files={"photo": ("tea.jpg", b"not a photo", "image/jpeg")},
        )
        assert bad.status_code == 422 and "This is not a photo" in bad.text
        assert (await house.dish("tea")).photo == photo


async def test_an_import_says_line_by_line_what_is_wrong_and_changes_nothing(
    database: Database, clock: MovableClock
) -> None:
    async with open_house(database, clock) as house:
        before = await house.now()
        client = house.owner.client
        await house.owner.get("/session")

        async def put(content: bytes, name: str = "menu.csv", lang: str = "en"):  # type: ignore[no-untyped-def]
            return await client.post(
                f"/office/menu/import?lang={lang}",
                data={"_csrf_token": client.cookies["saoma_csrf"]},
                files={"file": (name, content, "text/csv")},
            )

        bad = b"section,name,price\nNoodles,New,1.00\nNoodles,Newer,much\n"
        answer = await put(bad)
        assert answer.status_code == 422
        assert "3 price “much” is not a price" in text_of(answer.text)
        assert "“much”不是价格" in text_of((await put(bad, lang="zh")).text)
        assert await house.now() is before
        export = await house.owner.get("/office/menu/export.csv")
        assert export.headers["content-disposition"] == 'attachment; filename="menu.csv"'
        good = await put(export.content)
        assert good.headers["location"] == "/office/menu?added=0&changed=4&retired=0"
        assert (await house.now()).sections == before.sections
        as_json = (await house.owner.get("/office/menu/export.json")).content
        assert (await put(as_json, "menu.json")).status_code == 303


@pytest.mark.parametrize("path", ["/office/menu", "/office/menu/items/new", "/office/menu/import", "/kitchen"])
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_screen_has_a_title_and_no_inline_code(
    database: Database, clock: MovableClock, path: str, lang: str
) -> None:
    async with open_house(database, clock) as house:
        text = (await house.owner.get(f"{path}?lang={lang}")).text
        assert "<title>" in text and "· Saoma</title>" in text
        assert 'style="' not in text and "onclick" not in text


async def test_an_owner_without_a_menu_is_told_how_to_begin(database: Database, clock: MovableClock) -> None:
    shop = await make.shop(database)
    owner = await make.staff(database, shop, Role.OWNER)
    server = app(ROUTERS, database, clock, storage=Storage.at("memory:"))
    async with browsers(server) as (browser,):
        await browser.plant(staff_id=owner.id)
        assert "This menu is empty" in (await browser.get("/office/menu?lang=en")).text
        assert "Add a section first" in (await browser.get("/office/menu/items/new?lang=en")).text
        assert (await browser.post("/office/menu/sections", {"name": "Noodles"})).status_code == 303
        assert (await browser.get("/office/menu/items/new")).status_code == 200
        assert "Nothing to cook" in (await browser.get("/kitchen?lang=en")).text
