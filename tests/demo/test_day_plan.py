"""The day with every channel is drawn from the orders: each once, and the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from saoma.demo.day_plan import Channel, Way, plan
from saoma.demo.orders import CURRENCY, Order, OrderLine
from saoma.kit.money import Money

ORDERS = [Order(str(number), (OrderLine("Burrito", 1, (), Money(875 + number, CURRENCY)),)) for number in range(1, 61)]


@given(seed=st.integers(0, 10_000), count=st.integers(5, 60))
def test_every_order_is_played_once_and_every_channel_is_there(seed: int, count: int) -> None:
    day = plan(ORDERS[:count], seed)
    assert [visit.order for visit in day] == ORDERS[:count]
    assert {visit.channel for visit in day} == set(Channel)
    assert all(visit.people >= 2 for visit in day if visit.way is Way.SPLIT)


@given(seed=st.integers(0, 10_000))
def test_the_same_seed_draws_the_same_day(seed: int) -> None:
    assert plan(ORDERS, seed) == plan(ORDERS, seed)


def test_other_seeds_draw_other_days() -> None:
    assert len({tuple((visit.channel, visit.way) for visit in plan(ORDERS, seed)) for seed in range(5)}) == 5
