"""A menu read in few queries, changed without breaking what points to it."""

from __future__ import annotations

import msgspec
import pytest

from saoma.food.menus import arranging, editing
from saoma.food.menus.drafts import ItemDraft, MenuDraft, SectionDraft, menu_drafted
from saoma.food.menus.menu import menu, open_menu, set_sold_out
from saoma.food.model import Photo
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid, NotFound
from tests.food.make import STORE, choices, dish, noodle_house, noodle_house_menu


class Counting(Rows):
    """Counts the questions asked."""

    asked = 0

    async def rows(self, kind, sql, params=None):  # type: ignore[no-untyped-def]
        """Count, then ask."""
        self.asked += 1
        return await super().rows(kind, sql, params)

    async def maybe(self, kind, sql, params=None):  # type: ignore[no-untyped-def]
        """Count, then ask."""
        self.asked += 1
        return await super().maybe(kind, sql, params)


async def test_a_menu_is_read_in_four_queries_and_again_in_one(database: Database) -> None:
    await noodle_house_menu(database)
    async with database.transaction() as tx:
        await tx.run("UPDATE menus SET version = 'never seen here'")
    async with database.reading() as plain:
        rows = Counting(plain.connection)
        first = await menu(rows, STORE)
        assert rows.asked == 4
        assert await menu(rows, STORE) is first
        assert rows.asked == 5


async def test_what_is_stored_is_what_was_drafted(database: Database) -> None:
    stored = await noodle_house_menu(database)
    async with database.reading() as rows:
        names = {station.id: station.name for station in await editing.stations(rows, STORE)}
    assert menu_drafted(stored, names) == noodle_house()


async def test_a_guest_sees_no_hidden_dish_and_no_empty_section(database: Database) -> None:
    stored = await noodle_house_menu(database)
    assert [item.code for section in stored.visible().sections for item in section.items] == ["beef", "plain", "tea"]
    async with database.transaction() as tx:
        await editing.set_hidden(tx, STORE, dish(stored, "tea").id, hidden=True)
        assert [section.name for section in (await menu(tx, STORE)).visible().sections] == ["Noodles"]


async def test_sold_out_shows_at_once_and_tells_every_phone(database: Database) -> None:
    stored = await noodle_house_menu(database)
    async with database.transaction() as tx:
        assert (await set_sold_out(tx, dish(stored, "tea").id, sold_out=True)).sold_out
    async with database.reading() as rows:
        assert dish(await menu(rows, STORE), "tea").sold_out
        assert await rows.value("SELECT kind FROM live_events WHERE topic = %(t)s LIMIT 1", {"t": f"menu:{STORE}"})
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await set_sold_out(tx, "item_nobody", sold_out=True)


async def test_a_change_rolled_back_is_never_shown_to_anyone(database: Database) -> None:
    stored = await noodle_house_menu(database)
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await set_sold_out(tx, dish(stored, "tea").id, sold_out=True)
            assert dish(await menu(tx, STORE), "tea").sold_out
            raise RuntimeError("the server fell over")
    async with database.reading() as rows:
        assert not dish(await menu(rows, STORE), "tea").sold_out


async def test_ids_stay_when_a_menu_is_stored_again(database: Database) -> None:
    before = await noodle_house_menu(database)
    after = await noodle_house_menu(database)
    assert after.version != before.version
    assert msgspec.structs.replace(after, version="") == msgspec.structs.replace(before, version="")


async def test_dishes_not_in_a_stored_draft_stay_or_go_as_wished(database: Database) -> None:
    await noodle_house_menu(database)
    only_tea = MenuDraft(sections=(SectionDraft(name="Drinks", items=(ItemDraft(code="tea", name="Tea", price=250),)),))
    async with database.transaction() as tx:
        kept = await editing.store_menu(tx, STORE, only_tea)
        assert (kept.added, kept.changed, kept.retired) == (0, 1, 0)
        gone = await editing.store_menu(tx, STORE, only_tea, retire_others=True)
        assert (gone.changed, gone.retired) == (1, 3)
        codes = [item.code for section in (await menu(tx, STORE)).sections for item in section.items]
    assert codes == ["tea"]


async def test_the_code_of_a_retired_dish_can_be_used_again(database: Database) -> None:
    stored = await noodle_house_menu(database)
    async with database.transaction() as tx:
        await editing.retire_item(tx, STORE, dish(stored, "tea").id)
        again = await editing.save_item(
            tx, STORE, stored.sections[1].id, ItemDraft(code="tea", name="Iced tea", price=300)
        )
        assert dish(await menu(tx, STORE), "tea").id == again
    assert again != dish(stored, "tea").id


async def test_two_dishes_can_not_have_one_code(database: Database) -> None:
    stored = await noodle_house_menu(database)
    async with database.transaction() as tx:
        with pytest.raises(Invalid, match="has the code tea already"):
            await editing.save_item(tx, STORE, stored.sections[0].id, ItemDraft(code="tea", name="Green tea", price=1))


async def test_a_dish_keeps_the_ids_of_choices_that_keep_their_names(database: Database) -> None:
    stored = await noodle_house_menu(database)
    beef = dish(stored, "beef")
    draft = noodle_house().sections[0].items[0]
    fewer = msgspec.structs.replace(draft, groups=draft.groups[1:])
    async with database.transaction() as tx:
        await editing.save_item(tx, STORE, stored.sections[0].id, fewer, beef.id)
        now = dish(await menu(tx, STORE), "beef")
    assert [group.name for group in now.groups] == ["Extras"]
    assert choices(now, "Egg") == choices(beef, "Egg")


async def test_dishes_and_sections_move_by_one_place(database: Database) -> None:
    stored = await noodle_house_menu(database)
    async with database.transaction() as tx:
        await arranging.move_item(tx, STORE, dish(stored, "plain").id, up=True)
        await arranging.move_item(tx, STORE, dish(stored, "plain").id, up=True)
        await arranging.move_section(tx, STORE, stored.sections[0].id, up=False)
        now = await menu(tx, STORE)
    assert [section.name for section in now.sections] == ["Drinks", "Noodles"]
    assert [item.code for item in now.sections[1].items] == ["plain", "beef"]


async def test_a_section_is_removed_only_when_it_has_no_dishes(database: Database) -> None:
    stored = await noodle_house_menu(database)
    drinks = stored.sections[1]
    async with database.transaction() as tx:
        with pytest.raises(Invalid, match="still has dishes"):
            await editing.remove_section(tx, STORE, drinks.id)
        for item in drinks.items:
            await editing.retire_item(tx, STORE, item.id)
        await editing.remove_section(tx, STORE, drinks.id)
        assert [section.name for section in (await menu(tx, STORE)).sections] == ["Noodles"]
        await editing.save_section(tx, STORE, SectionDraft(name="Drinks"))


async def test_one_shop_can_not_change_the_menu_of_another(database: Database) -> None:
    stored = await noodle_house_menu(database)
    tea = dish(stored, "tea")
    async with database.transaction() as tx:
        await open_menu(tx, "store_other", "USD")
        for change in (
            editing.retire_item(tx, "store_other", tea.id),
            editing.set_hidden(tx, "store_other", tea.id, hidden=True),
            editing.set_photo(tx, "store_other", tea.id, None),
            arranging.move_item(tx, "store_other", tea.id, up=True),
            editing.remove_section(tx, "store_other", stored.sections[0].id),
            editing.save_item(tx, "store_other", stored.sections[0].id, ItemDraft(code="x", name="X", price=1)),
        ):
            with pytest.raises((NotFound, Invalid)):
                await change


async def test_a_photo_belongs_to_its_dish_until_it_is_taken_away(database: Database) -> None:
    stored = await noodle_house_menu(database)
    photo = Photo(name="0" * 32, width=1280, height=960)
    async with database.transaction() as tx:
        await editing.set_photo(tx, STORE, dish(stored, "tea").id, photo)
        assert dish(await menu(tx, STORE), "tea").photo == photo
        await editing.set_photo(tx, STORE, dish(stored, "tea").id, None)
        assert dish(await menu(tx, STORE), "tea").photo is None


async def test_a_shop_without_a_menu_says_so(database: Database) -> None:
    async with database.reading() as rows:
        with pytest.raises(NotFound, match="no menu yet"):
            await menu(rows, "store_nobody")
