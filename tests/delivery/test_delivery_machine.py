"""Random couriers, dispatchers and customers: delivered at most once, by one courier, who never carries too much."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saoma.delivery import carrying, deliveries
from saoma.delivery.model import DELIVERY, WITH_COURIER, Reason, Stage
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from tests import kept
from tests.delivery.make import KIND, shop

_WHAT = ("take", "assign", "give_back", "pick_up", "near", "code", "wrong", "left", "fail", "again", "back", "cancel")
presses = st.lists(
    st.tuples(st.sampled_from(_WHAT), st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=8, max_size=30
)


async def pressed(here: Any, orders: list[Any], what: str, which: int, who: int, key: int) -> None:
    """One press of one person; what is refused changes nothing."""
    order, courier, store, now = orders[which], here.couriers[who], here.store_id, here.clock.now()
    try:
        async with here.db.transaction() as tx:
            match what:
                case "take":
                    await carrying.take_next(tx, store, courier, f"k{key}", now)
                case "assign":
                    await carrying.assign(tx, store, order.id, courier.id, here.manager.id, now)
                case "give_back":
                    await carrying.give_back(tx, store, order.id, here.manager.id, now)
                case "pick_up":
                    await carrying.pick_up(tx, store, order.id, courier, now)
                case "near":
                    await carrying.come_near(tx, store, order.id, courier, now)
                case "code":
                    await carrying.hand_over(tx, store, order.id, courier, now, {}, code=order.code)
                case "wrong":
                    await carrying.hand_over(tx, store, order.id, courier, now, {}, code="none")
                case "left":
                    await carrying.hand_over(tx, store, order.id, courier, now, {}, left="with the porter")
                case "fail":
                    await carrying.fail(tx, store, order.id, courier, Reason.NOBODY_THERE, now)
                case "again":
                    await carrying.try_again(tx, store, order.id, courier, now)
                case "back":
                    await carrying.bring_back(tx, store, order.id, courier, now, {})
                case _:
                    await deliveries.cancel(tx, KIND, order.order_id, "amy", now)
    except Refused:
        return


@pytest.fixture
def of_the_room(database_url: str, clock: MovableClock) -> tuple[str, MovableClock]:
    return database_url, clock


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=presses)
def test_whatever_is_pressed_an_order_is_delivered_once_by_one_courier(
    walk: list[tuple[str, int, int, int]], of_the_room: tuple[str, MovableClock]
) -> None:
    asyncio.run(_walk(walk, *of_the_room))


async def _walk(walk: list[tuple[str, int, int, int]], url: str, clock: MovableClock) -> None:
    db = kept.keep(Database(url, max_size=4))
    await db.start()
    try:
        here = await shop(db, clock)
        orders = [await here.order() for _ in range(3)]
        async with db.transaction() as tx:
            for order in orders:
                await carrying.packed(tx, here.store_id, order.id, clock.now())
        for number in range(0, len(walk), 2):
            # Two people press at once: whichever comes first, every rule holds.
            await asyncio.gather(*(pressed(here, orders, *press) for press in walk[number : number + 2]))
            await _holds(here, orders)
    finally:
        await db.close()


async def _holds(here: Any, orders: list[Any]) -> None:
    loads: dict[str, int] = {}
    async with here.db.reading() as rows:
        for order in orders:
            at = await deliveries.delivery_at(rows, here.store_id, order.id)
            story = await deliveries.happenings(rows, order.id)
            state = Stage.PLANNED
            for each in story:
                state = DELIVERY.next(state, each.event)
                assert state is each.status
            assert state is at.status, "the story ends where the row stands"
            ended = [each for each in story if each.event.value in ("deliver", "return", "cancel")]
            assert len(ended) == (at.ended_at is not None) <= 1
            if at.status is Stage.DELIVERED:
                assert story[-1].who == at.courier_id
            if at.status in WITH_COURIER:
                assert at.courier_id is not None
                loads[at.courier_id] = loads.get(at.courier_id, 0) + 1
        assert all(load <= 2 for load in loads.values())
        keys = "SELECT count(*) FROM delivery_events WHERE key <> '' GROUP BY who, key HAVING count(*) > 1"
        assert await rows.value(keys) is None
