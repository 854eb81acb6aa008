"""Tables that are moved and bills that are put together: every dish once, every guest kept, every payment known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.delivery import running
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.restaurant import moving, sittings
from saoma.restaurant.bill import AnyAmount, OwnDishes, Whole
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.moving import Side, joining
from saoma.restaurant.receipts import receipt_lines
from saoma.restaurant.shares import KIND, SittingBill
from saoma.restaurant.tables import place
from tests.identity import make as identity
from tests.restaurant.make import ANNA, BEN, Restaurant, app, phone, restaurant, wallet_phone

CARLA = "2088000000000103"


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def merge(house: Restaurant, source: Sitting, target: Sitting) -> Sitting:
    async with house.db.transaction() as tx:
        return await moving.merge(tx, house.store_id, source.id, target.id, house.clock.now(), "someone")


async def move(house: Restaurant, sitting: Sitting, table: int) -> Sitting:
    async with house.db.transaction() as tx:
        return await moving.move(tx, house.store_id, sitting.id, house.tables[table].id)


# -- the plan --------------------------------------------------------------------------------------------------------

_buyers = st.sampled_from(["", "anna", "ben", "carla", "dora"])


@st.composite
def sides(draw: st.DrawFn, name: str) -> Side:
    buyers = draw(st.lists(_buyers, max_size=6, unique_by=lambda buyer: buyer or object()))
    seats = draw(st.permutations(range(1, len(buyers) + 1)))
    guests = tuple(
        Guest(f"{name}{number}", name, seat, buyer or None)
        for number, (buyer, seat) in enumerate(zip(buyers, seats, strict=True))
    )
    keys = draw(st.lists(st.sampled_from(["k1", "k2", "k3", "k4"]), unique=True))
    return Side(guests, draw(st.integers(0, 5)), {f"{name}-{key}": key for key in keys})


@given(sides("a"), sides("b"))
def test_two_tables_together_keep_every_guest_once_and_no_seat_key_or_ticket_twice(source: Side, target: Side) -> None:
    change = joining(source, target)
    assert set(change.seats) | set(change.same) == {guest.id for guest in source.guests}
    assert not set(change.seats) & set(change.same)
    seats = [guest.seat for guest in target.guests] + list(change.seats.values())
    assert len(set(seats)) == len(seats)
    buyers = {guest.id: guest.buyer_id for guest in source.guests + target.guests}
    assert all(buyers[here] == buyers[there] for here, there in change.same.items())
    stay = [guest.buyer_id for guest in target.guests if guest.buyer_id]
    come = [buyer for id, seat in change.seats.items() if (buyer := buyers[id])]
    assert len(set(stay + come)) == len(stay + come), "one Alipay user is one guest"
    keys = [*target.keys.values(), *(change.keys.get(line, key) for line, key in source.keys.items())]
    assert len(set(keys)) == len(keys)
    assert all(change.rounds + number > target.round for number in range(1, source.round + 1))


# -- moving ----------------------------------------------------------------------------------------------------------


async def test_a_moved_table_keeps_dishes_guests_basket_and_an_open_payment(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "tea")
    async with house.db.transaction() as tx:
        await ordering.add_line(tx, sitting.tab_id, house.dish("plain").id, [], 1, anna.id, "", "later")
    payment = await house.pays(sitting, OwnDishes(anna.id), guest_id=anna.id)
    before = await house.bill(sitting)
    moved = await move(house, sitting, 2)
    assert moved.table_id == house.tables[2].id
    assert await house.bill(sitting) == before
    await house.money_arrives(payment)
    assert (await house.bill(sitting)).covered
    async with house.db.reading() as rows:
        meal = await sittings.meal(rows, moved)
        assert [ticket.label for ticket in await kitchen.tickets(rows, house.store_id)] == ["3"]
        assert (await receipt_lines(rows, payment)).title == "Table 3"
    assert [guest.id for guest in meal.guests] == [anna.id]
    assert [line.key for line in meal.basket] == ["later"]
    another, _ = await house.sit(BEN)
    assert another.id != sitting.id, "the old table is free"


async def test_a_table_moved_twice_by_one_press_moves_once_and_never_onto_others(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    other, _ = await house.sit(BEN, table=1)
    await move(house, sitting, 2)
    await move(house, sitting, 2)
    with pytest.raises(Conflict, match="Somebody sits at table 2 already"):
        await move(house, sitting, 1)
    assert (await house.again(other)).table_id == house.tables[1].id


# -- putting together ------------------------------------------------------------------------------------------------


async def dinner_for_two_tables(house: Restaurant) -> tuple[Sitting, Sitting]:
    one, anna = await house.sit(ANNA)
    await house.eats(one, anna, "beef", "tea")
    two, ben = await house.sit(BEN, table=1)
    _, same = await house.sit(ANNA, table=1)
    await house.eats(two, ben, "plain")
    await house.eats(two, same, "tea")
    return one, two


async def test_two_bills_together_come_to_their_sum_and_no_ticket_is_fired_again(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    both = (await house.bill(one)).ordered + (await house.bill(two)).ordered
    async with house.db.reading() as rows:
        before = sorted(line.id for ticket in await kitchen.tickets(rows, house.store_id) for line in ticket.lines)
        count = len(await kitchen.tickets(rows, house.store_id))
    for _ in range(2):
        target = await merge(house, one, two)
    assert target.id == two.id
    bill = await house.bill(two)
    assert bill.ordered == both
    assert len({dish.line_id for dish in bill.dishes}) == len(bill.dishes) == 4
    async with house.db.reading() as rows:
        tickets = await kitchen.tickets(rows, house.store_id)
        people = await sittings.guests(rows, two.id)
        assert sorted(line.id for ticket in tickets for line in ticket.lines) == before
        assert len(tickets) == count, "two tables' tickets never become one"
        assert {ticket.label for ticket in tickets} == {"2"}
        assert (await sittings.sitting(rows, one.id)).merged_into == two.id
    assert [guest.buyer_id for guest in people] == [BEN, ANNA]
    annas = next(guest for guest in people if guest.buyer_id == ANNA)
    assert sum(dish.guest_id == annas.id for dish in bill.dishes) == 3, "what she ordered at both tables is hers"


async def test_a_bill_that_is_being_paid_is_not_put_together_before_that_has_ended(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    payment = await house.pays(one, Whole())
    with pytest.raises(Conflict, match="A payment is open on this bill"):
        await merge(house, one, two)
    await house.money_arrives(payment)
    await merge(house, one, two)
    bill = await house.bill(two)
    assert bill.paid == payment.money
    assert bill.left == bill.ordered - payment.money


async def test_money_and_refunds_of_a_bill_that_went_into_another_are_booked_there(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    early = await house.pays(one, AnyAmount(Money.parse("5.00", "USD")))
    early = await house.money_arrives(early)
    await merge(house, one, two)
    payment = await house.payments.get(early.id)
    await house.payments.refund(payment.id, Money.parse("1.00", "USD"), "cold", "someone", "once")
    bill = await house.bill(two)
    assert (bill.paid.minor, bill.refunded.minor) == (500, 100)
    async with house.db.reading() as rows:
        assert [found.id for found in await moving.payments_on(rows, KIND, two.id)] == [early.id]
        assert sum(line.quantity for line in (await receipt_lines(rows, payment)).lines) == 4


async def test_what_a_runner_carries_is_brought_to_the_bill_it_went_into(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    runner = await identity.staff(house.db, house.shop, Role.RUNNER)
    async with house.db.transaction() as tx:
        for seen in (LineStatus.SENT, LineStatus.COOKING):
            await kitchen.bump(tx, house.store_id, one.tab_id, 1, seen)
        ready = [line.id for line in await ordering.lines(tx, one.tab_id) if line.status is LineStatus.READY]
        assert await running.take(tx, house.store_id, one.tab_id, ready, runner, house.clock.now()) == len(ready) > 0
    await merge(house, one, two)
    async with house.db.transaction() as tx:
        assert await running.on_its_way(tx, two.tab_id) == set(ready)
        assert await running.brought(tx, house.store_id, two.tab_id, runner, house.clock.now()) == len(ready)


async def test_late_money_for_a_bill_that_went_into_another_counts_on_that_one(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    payment = await house.pays(one, Whole())
    payable = SittingBill(house.clock)
    async with house.db.transaction() as tx:
        await payable.released(tx, payment)
    await merge(house, one, two)
    async with house.db.transaction() as tx:
        await payable.paid(tx, payment)
    assert (await house.bill(two)).paid == payment.money


async def test_bills_are_not_put_together_while_money_that_nobody_owed_is_on_one(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    late, payable = await house.pays(one, Whole()), SittingBill(house.clock)
    async with house.db.transaction() as tx:
        await payable.released(tx, late)
    await house.money_arrives(await house.pays(one, Whole(), BEN))
    async with house.db.transaction() as tx:
        await payable.paid(tx, late)
    assert (await house.bill(one)).surplus == late.money
    for source, target in ((one, two), (two, one)):
        with pytest.raises(Conflict, match="nobody owed"):
            await merge(house, source, target)


async def test_a_third_table_follows_through_two_merges(house: Restaurant) -> None:
    one, two = await dinner_for_two_tables(house)
    three, carla = await house.sit(CARLA, table=2)
    await house.eats(three, carla, "tea")
    all_three = sum([(await house.bill(each)).ordered.minor for each in (one, two, three)])
    await merge(house, one, two)
    await merge(house, two, three)
    assert (await house.bill(three)).ordered.minor == all_three
    async with house.db.reading() as rows:
        assert await moving.lives_on(rows, one.id) == three.id
        assert sorted(await moving.bill_ids(rows, three.id)) == sorted([one.id, two.id, three.id])


# -- the phones ------------------------------------------------------------------------------------------------------


async def test_the_phones_of_both_tables_follow_and_are_the_guests_they_were(house: Restaurant) -> None:
    server = app(house)
    old, new = (f"/t/{house.tables[number].code}" for number in (0, 2))
    async with phone(server) as nina, wallet_phone(server, house, BEN) as ben:
        await nina.post(f"{old}/name", {"name": "Nina"})
        await nina.post(f"{old}/add", {"item": house.dish("tea").id, "key": "one", "quantity": "1"})
        await ben.get(f"/t/{house.tables[1].code}")
        [one, two] = await both_sittings(house)
        await move(house, one, 2)
        led = await nina.get(f"{old}/bar", htmx=True)
        assert led.headers["HX-Redirect"] == new
        assert (await nina.get(old)).headers["location"] == new
        assert house.dish("tea").name in (await nina.get(f"{new}/basket")).text
        await merge(house, one, two)
        joined = f"/t/{house.tables[1].code}"
        assert (await nina.get(f"{new}/bar", htmx=True)).headers["HX-Redirect"] == joined
        sent = await nina.post(f"{joined}/send", {"who": "mine"})
        assert sent.status_code == 200
        assert (await ben.get(f"{joined}/bar", htmx=True)).status_code == 200
    [dish] = (await house.bill(two)).dishes
    async with house.db.reading() as rows:
        assert {guest.id: guest.name for guest in await sittings.guests(rows, two.id)}[dish.guest_id or ""] == "Nina"


async def both_sittings(house: Restaurant) -> list[Sitting]:
    async with house.db.reading() as rows:
        found = [(await place(rows, house.tables[number].code)).sitting for number in (0, 1)]
    return [sitting for sitting in found if sitting is not None]
