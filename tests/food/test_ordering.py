"""A basket shared by several phones, sent once, paid once."""

from __future__ import annotations

import asyncio

import pytest

from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft
from saoma.food.menus.editing import retire_item, store_menu
from saoma.food.menus.menu import set_option_sold_out, set_sold_out
from saoma.food.model import LINE, LineStatus, TabStatus
from saoma.food.orders import ordering
from saoma.food.orders.pricing import tab_total
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.money import Money
from tests.food.make import STORE, Payer, added, all_lines, choices, dish, noodle_house_menu, open_tab, sent, wake


async def test_a_dish_remembers_who_ordered_it_and_what_it_cost(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    line = await added(database, tab, dish(menu, "beef"), "Large", "Egg", quantity=2, guest="guest_b")
    assert (line.guest_id, line.name, line.name_zh) == ("guest_b", "Beef noodles", "牛肉面")
    assert line.money == Money(2 * (950 + 150 + 80), "USD")
    assert [choice.name for choice in line.options] == ["Large", "Egg"]
    assert line.status is LineStatus.BASKET


async def test_a_repeated_request_adds_the_dish_once(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    first = await added(database, tab, dish(menu, "tea"), key="k1")
    again = await added(database, tab, dish(menu, "tea"), key="k1")
    assert again == first
    assert len(await all_lines(database, tab)) == 1


async def test_a_repeat_after_the_dish_was_taken_out_does_not_bring_it_back(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    line = await added(database, tab, dish(menu, "tea"), key="k1")
    async with database.transaction() as tx:
        assert await ordering.set_quantity(tx, line.id, 0, "guest_a") is None
        assert await ordering.set_quantity(tx, line.id, 0, "guest_a") is None
    assert (await added(database, tab, dish(menu, "tea"), key="k1")).status is LineStatus.VOID
    assert await all_lines(database, tab) == {}


async def test_the_same_key_with_another_dish_is_refused(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"), key="k1")
    with pytest.raises(Conflict):
        await added(database, tab, dish(menu, "plain"), key="k1")
    with pytest.raises(Conflict):
        await added(database, tab, dish(menu, "tea"), key="k1", quantity=2)


async def test_choices_are_checked_with_a_sentence(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    beef = dish(menu, "beef")
    with pytest.raises(Invalid, match="choose at least 1 of “Size”"):
        await added(database, tab, beef)
    with pytest.raises(Invalid, match="choose at most 1 of “Size”"):
        await added(database, tab, beef, "Regular", "Large")
    with pytest.raises(Invalid, match="no longer on the menu"):
        async with database.transaction() as tx:
            await ordering.add_line(tx, tab.id, dish(menu, "tea").id, choices(beef, "Egg"), 1, "guest_a", "", "k9")
    for quantity in (0, 100, -1):
        with pytest.raises(Invalid, match="between 1 and 99"):
            await added(database, tab, dish(menu, "tea"), quantity=quantity)


async def test_a_hidden_dish_and_a_dish_of_another_shop_cannot_be_ordered(database: Database) -> None:
    menu = await noodle_house_menu(database)
    other = await noodle_house_menu(database, "store_other")
    tab = await open_tab(database)
    with pytest.raises(NotFound):
        await added(database, tab, dish(menu, "secret"))
    with pytest.raises(NotFound):
        await added(database, tab, dish(other, "tea"))


async def test_sending_freezes_prices_and_counts_rounds(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "beef"), "Regular")
    first = await sent(database, tab)
    await added(database, tab, dish(menu, "tea"))
    second = await sent(database, tab)
    assert [line.round for line in first + second] == [1, 2]
    assert all(line.status is LineStatus.SENT and line.sent_at for line in first + second)
    async with database.transaction() as tx:
        await tx.run("UPDATE menu_items SET price = 99900, name = 'Gold noodles'")
        await tx.run("UPDATE menus SET version = gen_random_uuid()::text")
    lines = await all_lines(database, tab)
    assert tab_total(lines.values(), "USD") == Money(1150, "USD")
    assert {line.name for line in lines.values()} == {"Beef noodles", "Jasmine tea"}


async def test_an_empty_basket_sends_nothing_and_is_no_fault(database: Database) -> None:
    await noodle_house_menu(database)
    tab = await open_tab(database)
    assert await sent(database, tab) == []
    async with database.reading() as rows:
        assert (await ordering.tab(rows, tab.id)).round == 0


async def test_a_guest_can_send_only_the_own_dishes(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    mine = await added(database, tab, dish(menu, "tea"), guest="guest_a")
    theirs = await added(database, tab, dish(menu, "plain"), guest="guest_b")
    assert [line.id for line in await sent(database, tab, "guest_a")] == [mine.id]
    assert (await all_lines(database, tab))[theirs.id].status is LineStatus.BASKET


async def test_two_phones_pressing_send_at_once_send_each_dish_once(database: Database) -> None:
    await wake(database)
    menu = await noodle_house_menu(database)
    for _ in range(10):
        tab = await open_tab(database)
        wanted = {(await added(database, tab, dish(menu, code))).id for code in ("tea", "plain")}
        presses = await asyncio.gather(*(sent(database, tab) for _ in range(4)))
        assert sorted(line.id for press in presses for line in press) == sorted(wanted)
        assert {line.round for line in (await all_lines(database, tab)).values()} == {1}


async def test_a_second_press_waits_for_the_first_and_then_finds_nothing_to_send(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    line = await added(database, tab, dish(menu, "tea"))
    pressed, go_on = asyncio.Event(), asyncio.Event()

    async def slow_phone() -> list[str]:
        async with database.transaction() as tx:
            gone = await ordering.send(tx, tab.id, "guest_a")
            pressed.set()
            await go_on.wait()
        return [line.id for line in gone]

    first = asyncio.create_task(slow_phone())
    await pressed.wait()
    second = asyncio.create_task(sent(database, tab))
    done, _ = await asyncio.wait([second], timeout=0.2)
    assert not done
    go_on.set()
    assert (await first, await second) == ([line.id], [])
    assert (await all_lines(database, tab))[line.id].round == 1


async def test_a_dish_added_while_another_phone_sends_is_sent_or_waits_but_never_lost(database: Database) -> None:
    await wake(database)
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    await asyncio.gather(sent(database, tab), added(database, tab, dish(menu, "plain")), sent(database, tab))
    await sent(database, tab)
    lines = await all_lines(database, tab)
    assert len(lines) == 2
    assert all(line.status is LineStatus.SENT for line in lines.values())


async def test_the_same_key_on_two_connections_at_once_adds_one_dish(database: Database) -> None:
    await wake(database)
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    made = await asyncio.gather(*(added(database, tab, dish(menu, "tea"), key="same") for _ in range(4)))
    assert len({line.id for line in made}) == 1
    assert len(await all_lines(database, tab)) == 1


async def test_a_dish_that_sold_out_in_the_meantime_is_named_and_nothing_is_sent(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    await added(database, tab, dish(menu, "beef"), "Regular")
    async with database.transaction() as tx:
        await set_sold_out(tx, dish(menu, "beef").id, sold_out=True)
    with pytest.raises(ordering.SoldOut, match="“Beef noodles” is sold out") as refusal:
        await sent(database, tab)
    assert refusal.value.values["dish_zh"] == "牛肉面"
    assert all(line.status is LineStatus.BASKET for line in (await all_lines(database, tab)).values())
    with pytest.raises(ordering.SoldOut):
        await added(database, tab, dish(menu, "beef"), "Regular")
    async with database.transaction() as tx:
        await set_sold_out(tx, dish(menu, "beef").id, sold_out=False)
    assert len(await sent(database, tab)) == 2


async def test_a_choice_that_sold_out_is_named_with_its_dish(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    beef = dish(menu, "beef")
    await added(database, tab, beef, "Regular", "Egg")
    async with database.transaction() as tx:
        await set_option_sold_out(tx, choices(beef, "Egg")[0], sold_out=True)
    with pytest.raises(ordering.SoldOut, match="“Egg” for “Beef noodles” is sold out"):
        await sent(database, tab)


async def test_a_dish_taken_off_the_menu_or_changed_in_its_choices_is_not_sent(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    async with database.transaction() as tx:
        await retire_item(tx, STORE, dish(menu, "tea").id)
    with pytest.raises(ordering.SoldOut, match="“Jasmine tea” is no longer offered"):
        await sent(database, tab)


def dearer(price: int, extra: int) -> MenuDraft:
    """Plain noodles with a choice of cost."""
    soup = GroupDraft(name="Soup", max_choices=1, options=(OptionDraft(name="Bone", price_change=extra),))
    plain = ItemDraft(code="plain", name="Plain noodles", price=price, groups=(soup,))
    return MenuDraft(sections=(SectionDraft(name="Noodles", items=(plain,)),))


@pytest.mark.parametrize(("price", "extra"), [(650, 100), (600, 150), (500, 100)])
async def test_a_changed_price_is_told_before_it_is_taken(database: Database, price: int, extra: int) -> None:
    menu = await noodle_house_menu(database, draft=dearer(600, 100))
    tab = await open_tab(database)
    line = await added(database, tab, dish(menu, "plain"), "Bone", quantity=2)
    async with database.transaction() as tx:
        await store_menu(tx, STORE, dearer(price, extra))
    with pytest.raises(ordering.PriceChanged) as refusal:
        await sent(database, tab)
    assert str(refusal.value).startswith(f"“Plain noodles” now costs {Money(price + extra, 'USD')} (it was 7.00 USD)")
    waiting = (await all_lines(database, tab))[line.id]
    assert (waiting.status, waiting.unit_amount, waiting.unit_amount_before) == ("basket", price + extra, 700)
    (gone,) = await sent(database, tab)
    assert gone.money == Money(2 * (price + extra), "USD")
    assert gone.unit_amount_before is None


async def test_only_the_guest_who_added_a_dish_or_staff_may_change_it(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    line = await added(database, tab, dish(menu, "tea"), guest="guest_a")
    with pytest.raises(NotAllowed):
        async with database.transaction() as tx:
            await ordering.set_quantity(tx, line.id, 3, "guest_b")
    async with database.transaction() as tx:
        assert (changed := await ordering.set_quantity(tx, line.id, 3, "guest_a")) and changed.amount == 600
        assert (changed := await ordering.set_quantity(tx, line.id, 2, None)) and changed.amount == 400
    await sent(database, tab)
    with pytest.raises(Conflict, match="already been sent"):
        async with database.transaction() as tx:
            await ordering.set_quantity(tx, line.id, 1, "guest_a")


async def test_a_void_needs_a_reason_and_takes_the_dish_off_the_bill(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    (line,) = await sent(database, tab)
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await ordering.void_line(tx, line.id, "staff_1", "  ")
    async with database.transaction() as tx:
        assert (await ordering.void_line(tx, line.id, "staff_1", "spilled")).status is LineStatus.VOID
        assert (await ordering.void_line(tx, line.id, "staff_1", "again")).void_reason == "spilled"
    lines = await all_lines(database, tab)
    assert tab_total(lines.values(), "USD") == Money(0, "USD")
    assert lines[line.id].void_reason == "spilled"


async def test_a_line_belongs_to_one_payment_at_a_time(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    waiting = await added(database, tab, dish(menu, "plain"), guest="guest_b")
    (line,) = await sent(database, tab, "guest_a")
    one, two = Payer("pay_1"), Payer("pay_2")
    async with database.transaction() as tx:
        await ordering.hold_lines(tx, one, [line.id])
        await ordering.hold_lines(tx, one, [line.id])
    with pytest.raises(Conflict, match="Someone is paying for “Jasmine tea”"):
        async with database.transaction() as tx:
            await ordering.hold_lines(tx, two, [line.id])
    with pytest.raises(Conflict, match="“Plain noodles” is not on the bill"):
        async with database.transaction() as tx:
            await ordering.hold_lines(tx, two, [waiting.id])
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await ordering.void_line(tx, line.id, "staff_1", "cold")
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await ordering.close_tab(tx, tab.id)
    async with database.transaction() as tx:
        await ordering.release_lines(tx, one)
        await ordering.hold_lines(tx, two, [line.id])
        assert await ordering.pay_lines(tx, two, [line.id]) == [line.id]
        assert await ordering.pay_lines(tx, two, [line.id]) == [line.id]
        await ordering.release_lines(tx, two)
    with pytest.raises(Conflict, match="has been paid already"):
        async with database.transaction() as tx:
            await ordering.hold_lines(tx, one, [line.id])
    assert (await all_lines(database, tab))[line.id].paid_by == "pay_2"


async def test_late_money_takes_lines_still_free_and_names_the_rest_by_leaving_them_out(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    await added(database, tab, dish(menu, "plain"))
    tea, plain = await sent(database, tab)
    late, quick = Payer("pay_late"), Payer("pay_quick")
    async with database.transaction() as tx:
        await ordering.hold_lines(tx, late, [tea.id, plain.id])
        await ordering.release_lines(tx, late)
        await ordering.hold_lines(tx, quick, [tea.id])
        assert await ordering.pay_lines(tx, late, [tea.id, plain.id]) == [plain.id]
    lines = await all_lines(database, tab)
    assert (lines[tea.id].paid_by, lines[tea.id].paid) == ("pay_quick", False)


async def test_two_payments_holding_the_same_dishes_at_once_do_not_both_get_them(database: Database) -> None:
    await wake(database)
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    for code in ("tea", "plain", "tea"):
        await added(database, tab, dish(menu, code))
    ids = [line.id for line in await sent(database, tab)]

    async def hold(name: str, wanted: list[str]) -> bool:
        try:
            async with database.transaction() as tx:
                await ordering.hold_lines(tx, Payer(name), wanted)
        except Conflict:
            return False
        return True

    got = await asyncio.gather(hold("pay_1", ids), hold("pay_2", ids[::-1]), hold("pay_3", ids[1:]))
    assert sum(got) == 1
    assert len({line.paid_by for line in (await all_lines(database, tab)).values()} - {None}) == 1


async def test_a_settled_tab_takes_no_orders_until_it_is_opened_again(database: Database) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    with pytest.raises(Conflict, match="still in the basket"):
        async with database.transaction() as tx:
            await ordering.settle_tab(tx, tab.id)
    await sent(database, tab)
    async with database.transaction() as tx:
        assert (await ordering.settle_tab(tx, tab.id)).status is TabStatus.SETTLED
    with pytest.raises(Conflict, match="This bill is paid"):
        await added(database, tab, dish(menu, "tea"))
    async with database.transaction() as tx:
        await ordering.reopen_tab(tx, tab.id)
    await added(database, tab, dish(menu, "tea"))
    async with database.transaction() as tx:
        closed = await ordering.close_tab(tx, tab.id)
        assert (closed.status, closed.closed_at is not None) == (TabStatus.CLOSED, True)
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await ordering.reopen_tab(tx, tab.id)
    assert [line.status for line in (await all_lines(database, tab)).values()] == [LineStatus.SENT]


async def test_every_change_is_told_to_the_table_and_what_the_kitchen_must_know_to_the_kitchen(
    database: Database,
) -> None:
    menu = await noodle_house_menu(database)
    tab = await open_tab(database)
    await added(database, tab, dish(menu, "tea"))
    await sent(database, tab)
    async with database.reading() as rows:
        told = await rows.value(
            "SELECT array_agg(topic || ' ' || (data->>'why') ORDER BY id) FROM live_events"
            " WHERE topic NOT LIKE 'menu%%'"
        )
    assert told == [f"tab:{tab.id} basket", f"tab:{tab.id} sent", f"kitchen:{STORE} sent"]


def test_every_state_of_a_line_can_be_reached() -> None:
    assert LINE.reachable() == frozenset(LineStatus)
