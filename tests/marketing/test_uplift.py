"""The measured effect of offers, on simulated buyers whose true effect is known."""

from __future__ import annotations

import random

from saoma.marketing.uplift import ENOUGH, Buyer, difference, uplift


def simulated(chance: random.Random, size: int, orders: float, bill: float) -> list[Buyer]:
    """Buyers who come about `orders` times and spend about `bill` each time."""
    made = []
    for number in range(size):
        times = sum(chance.random() < orders / 8 for _ in range(8))
        made.append(Buyer(f"b{number}", times, sum(max(1, round(chance.gauss(bill, 600))) for _ in range(times))))
    return made


def test_a_known_effect_is_found_and_lies_in_the_interval_about_as_often_as_promised() -> None:
    chance = random.Random(5)
    inside = found = 0
    for _ in range(200):
        seen = uplift(simulated(chance, 800, 2.6, 2000), simulated(chance, 200, 2.0, 2000))
        assert seen.orders is not None
        inside += seen.orders.low <= 0.6 <= seen.orders.high
        found += seen.orders.told and seen.orders.value > 0
    assert inside >= 184
    assert found >= 196


def test_no_effect_is_seldom_mistaken_for_one() -> None:
    chance = random.Random(6)
    mistaken = 0
    for _ in range(200):
        seen = uplift(simulated(chance, 400, 2.0, 2000), simulated(chance, 100, 2.0, 2000))
        assert seen.orders is not None
        assert seen.bill is not None
        mistaken += seen.orders.told
        mistaken += seen.bill.told
    assert mistaken <= 2 * 200 * 0.08


def test_few_buyers_tell_nothing() -> None:
    many, few = [1.0, 2.0] * ENOUGH, [1.0, 2.0] * (ENOUGH // 2 - 1)
    assert difference(many, few) is None
    assert difference(few, many) is None
    seen = uplift([Buyer("a", 1, 100)] * 100, [Buyer("b", 0, 0)] * 100)
    assert seen.bill is None
