"""Who sits where: one sitting per table, everyone joins it, and it ends by itself or by staff."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from saoma.food.model import TabStatus
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.restaurant import lingering, sittings
from saoma.restaurant.bill import Whole
from saoma.restaurant.tables import add_table, place, rename_table, renew_code, retire_table, tables
from tests.restaurant.make import ANNA, BEN, Restaurant, restaurant


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def test_everyone_who_scans_a_table_joins_the_same_sitting(house: Restaurant) -> None:
    first, anna = await house.sit(ANNA)
    second, ben = await house.sit(BEN)
    assert first.id == second.id
    assert (anna.seat, ben.seat) == (1, 2)
    assert anna.colour != ben.colour


async def test_scanning_again_is_the_same_guest(house: Restaurant) -> None:
    _, anna = await house.sit(ANNA)
    _, again = await house.sit(ANNA)
    assert anna.id == again.id


async def test_ten_phones_that_scan_at_once_open_one_sitting_with_ten_seats(house: Restaurant) -> None:
    joined = await asyncio.gather(*(house.sit(f"20880000000002{number:02d}") for number in range(10)))
    assert len({sitting.id for sitting, _ in joined}) == 1
    assert sorted(guest.seat for _, guest in joined) == list(range(1, 11))


async def test_two_tables_have_two_sittings(house: Restaurant) -> None:
    here, _ = await house.sit(ANNA, table=0)
    there, _ = await house.sit(BEN, table=1)
    assert here.id != there.id
    assert here.tab_id != there.tab_id


async def test_a_code_that_is_not_in_use_opens_nothing(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        with pytest.raises(NotFound):
            await sittings.join(tx, "nosuchcode", ANNA, "", house.clock.now())


async def test_a_phone_outside_the_wallet_joins_with_a_nickname_and_may_change_it(house: Restaurant) -> None:
    _, guest = await house.sit(None, name="  Mia \n")
    assert (guest.name, guest.initial, guest.buyer_id) == ("Mia", "M", None)
    async with house.db.transaction() as tx:
        _, renamed = await sittings.join(tx, house.tables[0].code, None, "Mio", house.clock.now(), guest.id)
    assert (renamed.id, renamed.name) == (guest.id, "Mio")


async def test_a_nickname_becomes_a_buyer_when_the_same_phone_comes_back_in_the_wallet(house: Restaurant) -> None:
    _, guest = await house.sit(None, name="Mia")
    async with house.db.transaction() as tx:
        _, known = await sittings.join(tx, house.tables[0].code, ANNA, "", house.clock.now(), guest.id)
    assert (known.id, known.buyer_id, known.name) == (guest.id, ANNA, "Mia")


async def test_a_phone_that_changed_hands_is_another_guest(house: Restaurant) -> None:
    _, anna = await house.sit(ANNA)
    async with house.db.transaction() as tx:
        _, ben = await sittings.join(tx, house.tables[0].code, BEN, "", house.clock.now(), anna.id)
    assert ben.id != anna.id


async def test_a_nickname_of_half_a_page_is_refused(house: Restaurant) -> None:
    with pytest.raises(Invalid):
        await house.sit(None, name="x" * 21)


async def test_a_stranger_who_scans_after_the_bill_was_paid_begins_a_new_sitting(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.money_arrives(await house.pays(sitting, Whole()))
    same, _ = await house.sit(ANNA)
    assert same.id == sitting.id
    new, _ = await house.sit(BEN)
    assert new.id != sitting.id
    assert not (await house.again(sitting)).is_open


async def test_a_friend_who_scans_while_the_table_orders_dessert_joins_the_table(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.money_arrives(await house.pays(sitting, Whole()))
    async with house.db.transaction() as tx:
        await sittings.take_more(tx, sitting.id, house.clock.now())
        await sittings.ordering.add_line(tx, sitting.tab_id, house.dish("plain").id, [], 1, anna.id, "", "dessert")
    joined, _ = await house.sit(BEN)
    assert joined.id == sitting.id


async def test_a_paid_table_is_free_after_twenty_minutes(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.money_arrives(await house.pays(sitting, Whole()))
    works = lingering.works(house.db, house.clock)
    house.clock.advance(timedelta(minutes=19))
    await drive_due(house.db, works, house.clock)
    assert (await house.again(sitting)).is_open
    house.clock.advance(timedelta(minutes=2))
    await drive_due(house.db, works, house.clock)
    assert not (await house.again(sitting)).is_open
    async with house.db.reading() as rows:
        assert (await sittings.ordering.tab(rows, sitting.tab_id)).status is TabStatus.CLOSED


async def test_a_table_that_owes_money_is_never_closed_by_time_or_by_staff(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    works = lingering.works(house.db, house.clock)
    for _ in range(5):
        house.clock.advance(timedelta(hours=3))
        await drive_due(house.db, works, house.clock)
    assert (await house.again(sitting)).is_open
    with pytest.raises(Conflict):
        async with house.db.transaction() as tx:
            await sittings.close(tx, sitting.id, house.clock.now(), by="staff")


async def test_a_table_where_nobody_ordered_is_forgotten(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    house.clock.advance(timedelta(hours=2, minutes=1))
    await drive_due(house.db, lingering.works(house.db, house.clock), house.clock)
    assert not (await house.again(sitting)).is_open


async def test_closing_twice_is_harmless(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    async with house.db.transaction() as tx:
        first = await sittings.close(tx, sitting.id, house.clock.now(), by="staff")
        second = await sittings.close(tx, sitting.id, house.clock.now(), by="time")
    assert first.closed_at == second.closed_at


async def test_nothing_can_be_ordered_once_the_sitting_is_closed(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    async with house.db.transaction() as tx:
        await sittings.close(tx, sitting.id, house.clock.now(), by="staff")
    with pytest.raises(Conflict):
        async with house.db.transaction() as tx:
            await sittings.take_more(tx, sitting.id, house.clock.now())


async def test_a_round_after_paying_reopens_the_bill_for_that_round_only(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.money_arrives(await house.pays(sitting, Whole()))
    assert (await house.again(sitting)).covered_at is not None
    await house.eats(sitting, anna, "plain")
    assert (await house.again(sitting)).covered_at is None
    assert (await house.bill(sitting)).left.minor == 600


async def test_codes_are_long_random_and_never_repeat(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        made = [await add_table(tx, house.store_id, f"B{number}", house.clock.now()) for number in range(20)]
    codes = {table.code for table in made}
    assert len(codes) == 20
    assert all(len(code) == 16 for code in codes)


async def test_a_new_code_makes_the_old_one_worthless(house: Restaurant) -> None:
    old = house.tables[0]
    async with house.db.transaction() as tx:
        new = await renew_code(tx, house.store_id, old.id)
        assert (await place(tx, new.code)).table_id == old.id
        with pytest.raises(NotFound):
            await place(tx, old.code)


async def test_tables_are_listed_as_people_count(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        await add_table(tx, house.store_id, "10", house.clock.now(), area="Terrace")
    async with house.db.reading() as rows:
        assert [table.name for table in await tables(rows, house.store_id)] == ["1", "2", "3", "10"]


async def test_two_tables_cannot_have_one_name(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        await rename_table(tx, house.store_id, house.tables[0].id, "Window", "")
    with pytest.raises(Conflict):
        async with house.db.transaction() as tx:
            await rename_table(tx, house.store_id, house.tables[1].id, "window", "")


async def test_another_shop_cannot_touch_a_table(house: Restaurant) -> None:
    async with house.db.transaction() as tx:
        with pytest.raises(NotFound):
            await rename_table(tx, "sto_other", house.tables[0].id, "Mine", "")
        with pytest.raises(NotFound):
            await renew_code(tx, "sto_other", house.tables[0].id)


async def test_a_table_with_people_at_it_cannot_be_taken_away(house: Restaurant) -> None:
    await house.sit(ANNA)
    async with house.db.transaction() as tx:
        with pytest.raises(Conflict):
            await retire_table(tx, house.store_id, house.tables[0].id, house.clock.now())
        await retire_table(tx, house.store_id, house.tables[1].id, house.clock.now())
        with pytest.raises(NotFound):
            await place(tx, house.tables[1].code)
