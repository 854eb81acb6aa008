"""The plan of a rough run: drawn by its seed alone, and nothing is left out of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from saoma.demo.rough_plan import (
    KINDS,
    ROADS,
    SERVICES,
    VICTIMS,
    Buyer,
    Cut,
    DiskFull,
    Hole,
    Kill,
    Misbehave,
    PushTo,
    mark_of,
    plan,
    wish,
)


def test_a_seed_draws_the_same_day_again_and_another_seed_another() -> None:
    assert plan(500, 10, seed=3) == plan(500, 10, seed=3)
    assert [wish(number, 3) for number in range(50)] == [wish(number, 3) for number in range(50)]
    marks = {mark_of(plan(500, 10, seed), 500, seed) for seed in range(20)}
    assert len(marks) == 20


@pytest.mark.parametrize(("payments", "kills"), [(150, 8), (10_000, 50)])
def test_every_way_of_breaking_is_in_every_plan(payments: int, kills: int) -> None:
    steps = [planned.step for planned in plan(payments, kills, seed=1)]
    assert Counter(step.victim for step in steps if isinstance(step, Kill)).total() == kills
    assert {step.victim for step in steps if isinstance(step, Kill)} == set(VICTIMS)
    faults = {(step.service, step.kind) for step in steps if isinstance(step, Misbehave)}
    assert faults == {(service, kind) for service in SERVICES for kind in KINDS}
    assert {step.road for step in steps if isinstance(step, Cut)} == set(ROADS)
    assert {step.road for step in steps if isinstance(step, Hole)} == set(ROADS)
    assert Counter(step.full for step in steps if isinstance(step, DiskFull)) == {True: 2, False: 2}


def test_the_day_goes_over_midnight_and_over_the_end_of_the_cancel_window_while_there_is_trade() -> None:
    times = [
        (planned.begun, planned.step.at) for planned in plan(1_000, 10, seed=1) if isinstance(planned.step, PushTo)
    ]
    assert [f"{at:%H:%M:%S}" for _, at in times] == ["18:00:00", "23:58:40", "23:59:57", "00:14:30", "00:15:01"]
    assert all(0 <= begun < 1_000 for begun, _ in times)
    assert all(one.begun <= two.begun for one, two in pairwise(plan(1_000, 10, seed=1)))


def test_the_people_of_a_large_day_do_all_that_people_do() -> None:
    orders = [wish(number, seed=1) for number in range(2_000)]
    assert {order.buyer for order in orders} == set(Buyer)
    assert {order.method for order in orders} == {"barcode", "order_code", "wallet_page"}
    assert any(order.twin for order in orders) and any(order.doubled for order in orders)
    assert any(order.cancels for order in orders)
    assert {len(order.refunds) for order in orders} == {0, 1, 2}
    assert all(sum(order.refunds) <= 100 for order in orders)
