"""Deliveries: begun once, carried by one courier, delivered at most once; what came back calls a person."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from saoma.delivery import carrying, deliveries
from saoma.delivery.carrying import MOST_WRONG_CODES, Handed, WrongCode
from saoma.delivery.expecting import expected_at, late_minutes, minutes_away, proposed_refund
from saoma.delivery.following import follow, road
from saoma.delivery.model import Reason, Stage, address, contact
from saoma.delivery.zones import Point
from saoma.food.orders.tabs import locked
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound
from tests.delivery.make import KIND, STORE, shop, usd


async def test_an_order_is_planned_changed_until_it_is_paid_and_then_begun_once(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    quote = await here.quote()
    amy, promised = contact("Amy", "+65 9123 4567"), clock.now() + timedelta(minutes=40)
    async with database.transaction() as tx:
        first = await deliveries.plan(tx, KIND, "one", here.store_id, address("1 Short Street"), amy, quote)
        again = await deliveries.plan(tx, KIND, "one", here.store_id, address("2 Short Street"), amy, quote)
        assert (again.id, again.code, again.street) == (first.id, first.code, "2 Short Street")
        assert await deliveries.fee_of(tx, KIND, "one") == usd("3.00")
        begun = await deliveries.start(tx, KIND, "one", promised, clock.now(), label="#7")
        twice = await deliveries.start(tx, KIND, "one", promised + timedelta(hours=1), clock.now())
        assert begun == twice
        assert begun is not None
        assert (begun.status, begun.label) == (Stage.WAITING, "#7")
        late = await deliveries.plan(tx, KIND, "one", here.store_id, address("3 Short Street"), amy, quote)
        assert late.street == "2 Short Street", "what is paid for goes where it was paid for"
        await deliveries.unplan(tx, KIND, "one")
        assert await deliveries.of_order(tx, KIND, "one") == begun
        assert await deliveries.start(tx, KIND, "collected at the shop", promised, clock.now()) is None
    async with database.reading() as rows:
        assert [each.event.value for each in await deliveries.happenings(rows, first.id)] == ["begin"]


async def test_who_picks_up_and_who_hands_over_never_wait_for_each_other_in_a_circle(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei, order = here.couriers[0], await here.order("tea")
    await here.cook(order)
    async with database.transaction() as tx:
        await carrying.take_next(tx, here.store_id, mei, "a", clock.now())
        await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())
    assert order.tab_id is not None
    tab_id = order.tab_id

    async def ended(tx: Transaction, order_id: str, stage: Stage, by: str, now: datetime) -> None:
        await locked(tx, tab_id)

    async def hands_over() -> Handed | WrongCode:
        async with database.transaction() as tx:
            return await carrying.hand_over(
                tx, here.store_id, order.id, mei, clock.now(), {KIND: ended}, code=order.code
            )

    async with database.transaction() as tx, database.reading() as rows:
        await locked(tx, tab_id)
        handing = asyncio.create_task(hands_over())
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not await rows.value(waiting):  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0.01)
        await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())  # pressed again, a moment late
    assert isinstance(await handing, Handed)


async def test_a_courier_takes_what_waits_longest_finished_food_first_and_no_more_than_they_can_carry(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei = here.couriers[0]
    first, second, third = await here.order("beef"), await here.order("tea"), await here.order("tea")
    await here.cook(second)

    async def take(key: str) -> str:
        async with database.transaction() as tx:
            found = await carrying.take_next(tx, here.store_id, mei, key, clock.now())
        return found.id if found else ""

    assert await take("a") == second.id
    assert await take("a") == second.id, "the same press takes the same order"
    assert await take("b") == first.id
    with pytest.raises(Conflict):
        await take("c")
    assert (await here.again(third)).status is Stage.WAITING


async def test_two_couriers_who_press_at_once_never_get_the_same_order(database: Database, clock: MovableClock) -> None:
    here = await shop(database, clock)
    await here.order("tea")

    async def take(number: int) -> str | None:
        async with database.transaction() as tx:
            found = await carrying.take_next(tx, here.store_id, here.couriers[number % 2], f"k{number}", clock.now())
        return found.id if found else None

    found = await asyncio.gather(*(take(number) for number in range(4)))
    assert sorted(each is None for each in found) == [False, True, True, True]


async def test_food_is_picked_up_when_the_kitchen_has_finished_it_and_leaves_the_pass(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei, theo = here.couriers
    order = await here.order("beef")
    async with database.transaction() as tx:
        await carrying.assign(tx, here.store_id, order.id, mei.id, here.manager.id, clock.now())
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())
    await here.cook(order)
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await carrying.pick_up(tx, here.store_id, order.id, theo, clock.now())
    for _ in range(2):
        async with database.transaction() as tx:
            gone = await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())
    assert gone.status is Stage.PICKED_UP
    async with database.reading() as rows:
        assert await rows.value(
            "SELECT array_agg(status) FROM tab_lines WHERE tab_id = %(t)s", {"t": order.tab_id}
        ) == ["served"]
        with pytest.raises(NotFound):
            await deliveries.delivery_at(rows, "another store", order.id)
    for what in (carrying.assign, carrying.give_back):
        with pytest.raises(Conflict):
            async with database.transaction() as tx:
                args = (theo.id,) if what is carrying.assign else ()
                await what(tx, here.store_id, order.id, *args, here.manager.id, clock.now())  # type: ignore[call-arg]
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await deliveries.cancel(tx, KIND, order.order_id, "amy", clock.now())


async def test_it_is_handed_over_by_the_customers_code_once_and_nobody_guesses_it(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei = here.couriers[0]
    first, second = await here.order(), await here.order()
    async with database.transaction() as tx:
        for each in (first, second):
            await carrying.packed(tx, here.store_id, each.id, clock.now())
            await carrying.assign(tx, here.store_id, each.id, mei.id, here.manager.id, clock.now())
            await carrying.pick_up(tx, here.store_id, each.id, mei, clock.now())

    async def hand(which: str, code: str = "", left: str = "") -> Handed | WrongCode:
        async with database.transaction() as tx:
            return await carrying.hand_over(tx, here.store_id, which, mei, clock.now(), {}, code=code, left=left)

    with pytest.raises(Invalid):
        await hand(first.id)
    wrong = f"{(int(first.code) + 1) % 10000:04}"
    assert await hand(first.id, wrong) == WrongCode(MOST_WRONG_CODES - 1)
    done = await hand(first.id, first.code)
    assert isinstance(done, Handed)
    assert (done.delivery.status, done.delivery.handed_over) == (Stage.DELIVERED, "code")
    assert await hand(first.id, wrong) == done, "a press that is repeated changes nothing"
    for _ in range(MOST_WRONG_CODES):
        assert isinstance(await hand(second.id, f"{(int(second.code) + 1) % 10000:04}"), WrongCode)
    with pytest.raises(Conflict):
        await hand(second.id, second.code)
    left = await hand(second.id, left="with the porter")
    assert isinstance(left, Handed)
    assert left.delivery.handed_over == "left"
    async with database.reading() as rows:
        story = await deliveries.happenings(rows, first.id)
        assert [each.event.value for each in story] == ["begin", "assign", "pick_up", "deliver"]
        assert story[-1].name == mei.name


async def test_who_is_not_there_can_still_be_reached_and_what_comes_back_is_over(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei, theo = here.couriers
    order = await here.order()
    async with database.transaction() as tx:
        await carrying.packed(tx, here.store_id, order.id, clock.now())
        await carrying.assign(tx, here.store_id, order.id, mei.id, here.manager.id, clock.now())
        await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())
        await carrying.fail(tx, here.store_id, order.id, mei, Reason.NOBODY_THERE, clock.now())
        again = await carrying.try_again(tx, here.store_id, order.id, mei, clock.now())
        assert (again.status, again.reason) == (Stage.NEAR, "")
        await carrying.fail(tx, here.store_id, order.id, mei, Reason.REFUSED, clock.now())
        with pytest.raises(Conflict):
            await carrying.give_back(tx, here.store_id, order.id, here.manager.id, clock.now())
        back = await carrying.bring_back(tx, here.store_id, order.id, here.manager, clock.now(), {})
        assert await carrying.bring_back(tx, here.store_id, order.id, here.manager, clock.now(), {}) == back
        assert (await carrying.cards_of(tx, here.store_id, mei.id)) == []
        ended = await carrying.ended_cards(tx, here.store_id, clock.now() - timedelta(hours=1))
        assert [(each.id, each.status) for each in ended] == [(order.id, Stage.RETURNED)]
    assert [each.load for each in await _couriers(database, here.store_id)] == [0, 0]
    assert {each.id for each in await _couriers(database, here.store_id)} == {mei.id, theo.id}


async def _couriers(database: Database, store_id: str) -> list[carrying.Courier]:
    async with database.reading() as rows:
        return await carrying.couriers(rows, store_id)


async def test_a_courier_who_nears_the_door_is_almost_there_and_the_customer_reads_minutes(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    mei = here.couriers[0]
    door = Point(STORE.latitude + 9_000, STORE.longitude)
    order = await here.order("tea", point=door)
    await here.cook(order)
    async with database.transaction() as tx:
        await carrying.assign(tx, here.store_id, order.id, mei.id, here.manager.id, clock.now())
        assert await carrying.seen_at(tx, here.store_id, mei, STORE, clock.now()) == 0, "not while it stands here"
        await carrying.pick_up(tx, here.store_id, order.id, mei, clock.now())
        assert await carrying.seen_at(tx, here.store_id, mei, STORE, clock.now()) == 1
    async with database.reading() as rows:
        seen = await follow(rows, KIND, order.order_id, clock.now())
    assert seen is not None
    assert (seen.courier, seen.minutes_away, seen.shows_code) == (mei.name.split()[0], 5, True)
    assert [mark.state for mark in seen.marks] == ["done", "done", "now", "ahead", "ahead"]
    async with database.transaction() as tx:
        await carrying.seen_at(tx, here.store_id, mei, Point(door.latitude - 1000, door.longitude), clock.now())
    near = await here.again(order)
    assert near.status is Stage.NEAR
    clock.advance(timedelta(minutes=6))
    assert minutes_away(near, clock.now()) is None, "an old place says nothing"


async def test_what_is_expected_follows_what_happens_and_the_promise_stays(
    database: Database, clock: MovableClock
) -> None:
    here = await shop(database, clock)
    order = await here.order()
    promised = order.promised_at
    assert promised is not None
    assert expected_at(order, clock.now()) == promised
    assert expected_at(order, promised - timedelta(minutes=5)) == promised + timedelta(minutes=10)
    assert late_minutes(order, promised + timedelta(minutes=7)) == 7
    assert road(order, ready=False)[0].state == "now"
    assert road(order, ready=True)[1].state == "now"
    async with database.transaction() as tx:
        await deliveries.ready(tx, KIND, order.order_id, clock.now())
        await deliveries.cancel(tx, KIND, order.order_id, "amy", clock.now())
        await deliveries.cancel(tx, KIND, order.order_id, "amy", clock.now())
    off = await here.again(order)
    assert (off.status, expected_at(off, clock.now()), late_minutes(off, promised + timedelta(hours=1))) == (
        Stage.CANCELLED,
        None,
        0,
    )


@pytest.mark.parametrize(
    ("reason", "percent", "proposed"),
    [
        (Reason.DAMAGED, 0, "23.00"),
        (Reason.NOBODY_THERE, 50, "10.00"),
        (Reason.REFUSED, 0, "0"),
        (Reason.WRONG_ADDRESS, 100, "20.00"),
    ],
)
def test_the_rule_proposes_all_where_the_shop_is_to_blame_and_a_share_of_the_dishes_where_not(
    reason: Reason, percent: int, proposed: str
) -> None:
    assert proposed_refund(reason, usd("23.00"), usd("3.00"), percent) == usd(proposed)
