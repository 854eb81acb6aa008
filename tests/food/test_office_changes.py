"""Many dishes changed at once, seen before it is done; and the step back after any change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.dayparts import Daypart
from saoma.food.menus import arranging, bulk, editing, parts_of_day, undo
from saoma.food.menus.drafts import MenuDraft, SectionDraft, drafted
from saoma.food.menus.editing import store_menu
from saoma.food.menus.menu import menu, set_option_sold_out, set_sold_out
from saoma.food.model import Menu, Section
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid
from tests.food.make import STORE, dish, item, noodle_house_menu


def card(*prices: int) -> Menu:
    """A menu with dishes of these prices."""
    items = tuple(item(str(number), price) for number, price in enumerate(prices))
    return Menu(store_id="x", currency="USD", version="v", sections=(Section(id="s", name="All", items=items),))


def after(of: Menu, kind: str, by: str = "", step: str = "1") -> list[int]:
    """The prices a wish gives."""
    ids = [each.id for each in of.sections[0].items]
    return [one.price for one in bulk.changes(of, ids, bulk.wish(kind, by, step, of.currency))]


@pytest.mark.parametrize(
    ("kind", "by", "step", "prices"),
    [
        ("percent", "10", "1", [1045, 660]),
        ("percent", "+10 %", "5", [1045, 660]),
        ("percent", "-7.5", "10", [880, 560]),
        ("percent", "−100", "1", [0, 0]),
        ("amount", "0.30", "50", [1000, 650]),
        ("amount", "-20", "1", [0, 0]),
    ],
)
def test_many_prices_change_by_percent_or_amount_and_are_rounded(
    kind: str, by: str, step: str, prices: list[int]
) -> None:
    assert after(card(950, 600), kind, by, step) == prices


@pytest.mark.parametrize(
    ("kind", "by"), [("percent", ""), ("percent", "much"), ("percent", "-101"), ("amount", "x"), ("", "")]
)
def test_a_wish_that_says_nothing_is_refused(kind: str, by: str) -> None:
    with pytest.raises(Invalid):
        after(card(950), kind, by)


@given(
    st.lists(st.integers(0, 1_000_000), min_size=1, max_size=8),
    st.decimals(-100, 900, places=2),
    st.sampled_from(bulk.STEPS),
)
def test_no_price_falls_below_zero_or_lands_between_two_steps(prices: list[int], by: Decimal, step: int) -> None:
    of = card(*prices)
    for one in bulk.changes(of, [each.id for each in of.sections[0].items], bulk.Wish("percent", by, step)):
        assert one.price >= 0
        assert one.price % step == 0
        assert abs(one.price - one.item.price * (100 + by) / 100) <= Decimal(step) / 2


def test_a_preview_stands_for_exactly_what_it_showed() -> None:
    wish = bulk.Wish("percent", Decimal(10))
    before, later = card(950), card(951)
    ids = [before.sections[0].items[0].id]
    assert bulk.signed(bulk.changes(before, ids, wish)) == bulk.signed(bulk.changes(card(950), ids, wish))
    assert bulk.signed(bulk.changes(before, ids, wish)) != bulk.signed(bulk.changes(later, ids, wish))


async def _raise(tx: Transaction, now: Menu) -> None:
    made = bulk.changes(now, [each.id for each in now.sections[0].items], bulk.Wish("percent", Decimal(10)))
    assert await bulk.carry_out(tx, STORE, made) == 2


async def _edit(tx: Transaction, now: Menu) -> None:
    beef = dish(now, "beef")
    await editing.save_item(
        tx,
        STORE,
        now.sections[1].id,
        msgspec.structs.replace(drafted(beef), code="b2", name="Veal", groups=()),
        beef.id,
    )
    # Another takes the code that is free now.
    await editing.save_item(
        tx,
        STORE,
        now.sections[0].id,
        msgspec.structs.replace(drafted(dish(now, "tea")), code="beef"),
        dish(now, "tea").id,
    )


async def _remove(tx: Transaction, now: Menu) -> None:
    for each in now.sections[1].items:
        await editing.retire_item(tx, STORE, each.id)
    await editing.remove_section(tx, STORE, now.sections[1].id)


async def _import(tx: Transaction, now: Menu) -> None:
    other = MenuDraft(
        sections=(SectionDraft(name="New", items=(drafted(item("soup", 300)),)),),
        dayparts=(Daypart(id="", name="Late", starts=0, ends=60),),
    )
    await store_menu(tx, STORE, other, retire_others=True)


async def _move(tx: Transaction, now: Menu) -> None:
    await arranging.place_item(tx, STORE, dish(now, "plain").id, now.sections[1].id, dish(now, "tea").id)
    await arranging.move_section(tx, STORE, now.sections[0].id, up=False)
    await editing.save_section(tx, STORE, SectionDraft(name="Extra"))


@pytest.mark.parametrize("change", [_raise, _edit, _remove, _import, _move])
async def test_a_step_back_brings_the_menu_back_as_it_was(
    database: Database, change: Callable[[Transaction, Menu], Awaitable[None]]
) -> None:
    before = await noodle_house_menu(database)
    async with database.transaction() as tx:
        await undo.remember(tx, STORE, "changed_many", "Mei")
        await change(tx, before)
    async with database.reading() as rows:
        assert (await menu(rows, STORE)).sections != before.sections
    async with database.transaction() as tx:
        assert (await undo.take_back(tx, STORE)).by == "Mei"
    async with database.reading() as rows:
        again = await menu(rows, STORE)
    assert (again.sections, again.dayparts) == (before.sections, before.dayparts)
    with pytest.raises(Conflict, match="no change to take back"):
        async with database.transaction() as tx:
            await undo.take_back(tx, STORE)


async def test_a_step_back_does_not_sell_again_what_the_kitchen_has_not(database: Database) -> None:
    before = await noodle_house_menu(database)
    async with database.transaction() as tx:
        await undo.remember(tx, STORE, "moved_item", "Mei")
        await arranging.move_item(tx, STORE, dish(before, "plain").id, up=True)
    async with database.transaction() as tx:
        await set_sold_out(tx, dish(before, "tea").id, sold_out=True)
        large = dish(before, "beef").groups[0].options[-1]
        await set_option_sold_out(tx, large.id, sold_out=True)
        await undo.take_back(tx, STORE)
        now = await menu(tx, STORE)
        await undo.remember(tx, STORE, "moved_item", "Mei")
        seen = await undo.last_step(tx, STORE)
    async with database.transaction() as tx:
        await undo.remember(tx, STORE, "changed_many", "Ben")
        assert seen is not None
        with pytest.raises(Conflict, match="has changed the menu since") as refusal:
            await undo.take_back(tx, STORE, seen.noted_at.isoformat())
        assert refusal.value.values == {"name": "Ben"}, "Mei meant her own change"
    assert dish(now, "tea").sold_out
    assert [each.id for each in dish(now, "beef").groups[0].options if each.sold_out] == [large.id]
    assert [each.code for each in now.sections[0].items] == ["beef", "plain"]


async def test_a_dragged_dish_lies_where_it_was_dropped(database: Database) -> None:
    before = await noodle_house_menu(database)
    tea, plain = dish(before, "tea"), dish(before, "plain")
    async with database.transaction() as tx:
        await arranging.place_item(tx, STORE, tea.id, before.sections[0].id, plain.id)
        now = await menu(tx, STORE)
    assert [each.code for each in now.sections[0].items] == ["beef", "tea", "plain"]
    async with database.transaction() as tx:
        await arranging.place_item(tx, STORE, tea.id, before.sections[1].id, "")
        now = await menu(tx, STORE)
    assert [each.code for each in now.sections[1].items] == ["secret", "tea"]


async def test_a_part_of_the_day_in_use_stays_and_names_who_uses_it(database: Database) -> None:
    before = await noodle_house_menu(database)
    lunch = Daypart(id="", name="Lunch", starts=690, ends=870)
    async with database.transaction() as tx:
        await parts_of_day.save(tx, STORE, lunch)
        (kept,) = await parts_of_day.of(tx, STORE)
        tea = msgspec.structs.replace(drafted(dish(before, "tea")), dayparts=("Lunch",))
        await editing.save_item(tx, STORE, before.sections[1].id, tea, dish(before, "tea").id)
    with pytest.raises(Conflict, match="“Jasmine tea” is limited to this part of the day"):
        async with database.transaction() as tx:
            await parts_of_day.remove(tx, STORE, kept.id)
    for faulty in (
        lunch,
        msgspec.structs.replace(lunch, name="A, B"),
        msgspec.structs.replace(lunch, name="C", days=()),
    ):
        with pytest.raises(Invalid):
            async with database.transaction() as tx:
                await parts_of_day.save(tx, STORE, faulty)
    async with database.transaction() as tx:
        await parts_of_day.save(tx, STORE, msgspec.structs.replace(kept, name="Midday"))
        now = await menu(tx, STORE)
        assert dish(now, "tea").dayparts == (kept.id,)
