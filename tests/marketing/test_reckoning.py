"""Offers over baskets: what is given, exactly, and what can never happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.marketing.model import Audience, Mechanism, Offer
from saoma.marketing.reckoning import Facts, Granted, Piece, in_time, missing, reckon

#: A Wednesday.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FACTS = Facts(channel="table", currency="USD", host="buyer_a")


def offer(mechanism: Mechanism, name: str = "one", **values: object) -> Offer:
    return msgspec.convert({"id": name, "store_id": "s", "name": name, "mechanism": mechanism, **values}, Offer)


def piece(name: str, unit: int, quantity: int = 1, section: str = "noodles", **values: object) -> Piece:
    one = Piece(
        id=name, item_id=f"item_{name}", section_id=section, unit=unit, quantity=quantity, cost=unit * quantity, at=NOON
    )
    return replace(one, **values)  # type: ignore[arg-type]


def off(granted: Sequence[Granted]) -> dict[str, dict[str, int]]:
    return {each.offer.id: dict(each.shares) for each in granted}


def test_a_percentage_is_rounded_once_and_spread_to_the_cent() -> None:
    got = reckon([offer(Mechanism.PERCENT, percent=15)], [piece("a", 333), piece("b", 333), piece("c", 333)], FACTS)
    assert sorted(got[0].shares.values()) == [50, 50, 50]
    assert off(reckon([offer(Mechanism.PERCENT, percent=10)], [piece("a", 5)], FACTS)) == {"one": {"a": 1}}


def test_spend_thirty_save_five_counts_only_its_own_dishes() -> None:
    save = offer(Mechanism.SPEND_SAVE, threshold=3000, amount=500, sections=["noodles"])
    basket = [piece("a", 2000), piece("b", 2000, section="drinks")]
    assert reckon([save], basket, FACTS) == []
    assert missing(save, basket, FACTS) == 1000
    assert off(reckon([save], [piece("a", 3000), basket[1]], FACTS)) == {"one": {"a": 500}}


def test_buy_two_get_one_gives_the_cheapest() -> None:
    get = offer(Mechanism.BUY_GET, buy=2)
    assert off(reckon([get], [piece("a", 900, 2), piece("b", 300)], FACTS)) == {"one": {"b": 300}}
    assert off(reckon([get], [piece("a", 900, 5), piece("b", 300)], FACTS)) == {"one": {"a": 900, "b": 300}}
    assert reckon([get], [piece("a", 900, 2)], FACTS) == []


def test_one_of_a_stack_group_is_given_and_it_is_the_better_one() -> None:
    ten = offer(Mechanism.PERCENT, "ten", percent=10, stack_group="lunch")
    five = offer(Mechanism.AMOUNT, "five", amount=500, stack_group="lunch")
    assert list(off(reckon([ten, five], [piece("a", 2000)], FACTS))) == ["five"]
    assert list(off(reckon([ten, five], [piece("a", 9000)], FACTS))) == ["ten"]


def test_an_exclusive_offer_stands_alone_or_not_at_all() -> None:
    half = offer(Mechanism.PERCENT, "half", percent=50, exclusive=True)
    ten = offer(Mechanism.PERCENT, "ten", percent=10)
    small = offer(Mechanism.AMOUNT, "small", amount=100, exclusive=True)
    assert list(off(reckon([ten, half], [piece("a", 1000)], FACTS))) == ["half"]
    assert list(off(reckon([ten, small], [piece("a", 2000)], FACTS))) == ["ten"]


def test_a_dish_ordered_in_the_happy_hour_stays_one() -> None:
    happy = offer(Mechanism.PERCENT, percent=20, from_time=time(15), until_time=time(18))
    early = piece("a", 1000, at=NOON.replace(hour=17, minute=59))
    late = piece("b", 1000, at=NOON.replace(hour=18))
    assert off(reckon([happy], [early, late], FACTS)) == {"one": {"a": 200}}


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (NOON.replace(hour=23), True),
        (NOON.replace(day=5, hour=1), True),
        (NOON.replace(day=5, hour=3), False),
        (NOON.replace(hour=1), False),
        (NOON.replace(day=5, hour=23), False),
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(at: datetime, *, holds: bool) -> None:
    night = offer(Mechanism.PERCENT, percent=20, days=[2], from_time=time(22), until_time=time(2))
    assert in_time(night, at) is holds


def test_a_first_order_offer_is_for_the_newcomer_s_own_dishes() -> None:
    first = offer(Mechanism.PERCENT, percent=50, audience=Audience.FIRST_ORDER)
    facts = replace(FACTS, newcomers=frozenset({"buyer_b"}))
    basket = [piece("a", 1000, buyer="buyer_a"), piece("b", 1000, buyer="buyer_b"), piece("c", 1000)]
    assert off(reckon([first], basket, facts)) == {"one": {"b": 500}}


def test_held_out_buyers_do_not_get_it_unless_they_brought_a_coupon() -> None:
    ten = offer(Mechanism.PERCENT, percent=10)
    facts = replace(FACTS, held_out=frozenset({("one", "buyer_a")}), coupons=frozenset({"one"}))
    assert reckon([ten], [piece("a", 1000)], facts) == []
    with_code = msgspec.structs.replace(ten, needs_coupon=True)
    assert reckon([with_code], [piece("a", 1000)], facts)
    assert reckon([with_code], [piece("a", 1000)], replace(facts, coupons=frozenset())) == []


def test_what_is_left_of_a_budget_is_given_and_no_more() -> None:
    ten = offer(Mechanism.PERCENT, percent=10, budget=10_000)
    got = reckon([ten], [piece("a", 1000)], replace(FACTS, left={"one": 30}))
    assert (got[0].amount, got[0].cut) == (30, True)
    assert reckon([ten], [piece("a", 1000)], replace(FACTS, left={"one": 0})) == []


def test_what_a_paid_dish_has_of_an_offer_is_not_given_twice() -> None:
    five = offer(Mechanism.AMOUNT, amount=500)
    paid = piece("a", 1000, frozen=True, has={"one": 200})
    assert off(reckon([five], [paid, piece("b", 1000)], FACTS)) == {"one": {"b": 300}}


def test_a_bill_never_falls_below_what_was_paid_of_it_without_dishes() -> None:
    half = offer(Mechanism.PERCENT, percent=50)
    assert reckon([half], [piece("a", 1000)], replace(FACTS, at_least=800))[0].amount == 200


SECTIONS = ("noodles", "drinks")
BUYERS = ("", "buyer_a", "buyer_b")


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        made.append(
            offer(
                draw(st.sampled_from(Mechanism)),
                f"offer_{number}",
                percent=draw(st.integers(1, 100)),
                amount=draw(st.integers(1, 3000)),
                threshold=draw(st.integers(0, 4000)),
                buy=draw(st.integers(1, 3)),
                sections=draw(st.sampled_from([[], ["noodles"], ["drinks"]])),
                audience=draw(st.sampled_from([Audience.EVERYONE, Audience.EVERYONE, Audience.FIRST_ORDER])),
                exclusive=draw(st.booleans()),
                stack_group=draw(st.sampled_from(["", "", "lunch"])),
                priority=draw(st.integers(0, 3)),
                most_per_bill=draw(st.sampled_from([0, 0, 250])),
                budget=draw(st.sampled_from([0, 0, 400])),
                needs_coupon=draw(st.booleans()),
            )
        )
    return made


@st.composite
def baskets(draw: st.DrawFn) -> list[Piece]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        unit, quantity = draw(st.integers(0, 2000)), draw(st.integers(1, 4))
        cost = draw(st.integers(0, unit * quantity))
        spent = draw(st.integers(0, cost))
        frozen = draw(st.booleans())
        made.append(
            piece(
                f"line_{number}",
                unit,
                quantity,
                draw(st.sampled_from(SECTIONS)),
                cost=cost,
                spent=spent,
                buyer=draw(st.sampled_from(BUYERS)),
                frozen=frozen,
                has={"offer_0": draw(st.integers(0, cost - spent))} if frozen else {},
            )
        )
    return made


@given(offers(), baskets(), st.randoms(use_true_random=False), st.integers(0, 3000))
def test_no_offers_take_more_than_a_line_or_the_bill_and_their_order_never_matters(
    every: list[Offer], basket: list[Piece], chance: object, at_least: int
) -> None:
    facts = replace(
        FACTS,
        newcomers=frozenset({"buyer_b"}),
        coupons=frozenset({"offer_0", "offer_2"}),
        left={one.id: 333 for one in every if one.budget},
        at_least=at_least,
    )
    granted = reckon(every, basket, facts)
    lines = {one.id: one for one in basket}
    taken: dict[str, int] = dict.fromkeys(lines, 0)
    for each in granted:
        had = sum(one.has.get(each.offer.id, 0) for one in basket)
        assert each.amount > 0
        assert min(each.shares.values()) > 0
        if each.offer.budget:
            assert each.amount + had <= max(333, had)
        if each.offer.most_per_bill:
            assert each.amount + had <= max(each.offer.most_per_bill, had)
        assert not each.offer.needs_coupon or each.offer.id in facts.coupons
        for line, share in each.shares.items():
            assert not lines[line].frozen
            taken[line] += share
    assert all(taken[one.id] <= one.cost - one.spent for one in basket)
    before = sum(one.cost - one.spent - sum(one.has.values()) for one in basket)
    assert before - sum(taken.values()) >= min(before, at_least)
    names = [each.offer.id for each in granted]
    assert len(set(names)) == len(names)
    grouped = [each.offer.stack_group for each in granted if each.offer.stack_group]
    assert len(set(grouped)) == len(grouped)
    assert len(granted) == 1 or not any(each.offer.exclusive for each in granted)
    chance.shuffle(every)  # type: ignore[attr-defined]
    chance.shuffle(basket)  # type: ignore[attr-defined]
    assert off(reckon(every, basket, facts)) == off(granted)
