"""Prices are (dish + choices) x quantity, and tax is inside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.orders.pricing import choose, line_price, tax_included
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from tests.food.make import group, item, option

CHANGES = st.lists(st.integers(-2_000, 5_000), max_size=6)


@given(st.integers(0, 100_000), CHANGES, st.integers(1, 99))
def test_a_line_costs_the_dish_and_its_choices_times_the_quantity(
    price: int, changes: list[int], quantity: int
) -> None:
    options = [option(f"o{place}", change) for place, change in enumerate(changes)]
    got = line_price(item(price=price), options, quantity)
    assert got == Money(max(price + sum(changes), 0) * quantity, "USD")


@given(st.integers(0, 100_000), CHANGES, st.integers(1, 49), st.integers(1, 49))
def test_two_lines_cost_what_one_line_of_both_costs(price: int, changes: list[int], some: int, more: int) -> None:
    options = [option(f"o{place}", change) for place, change in enumerate(changes)]
    dish = item(price=price)
    assert line_price(dish, options, some) + line_price(dish, options, more) == line_price(dish, options, some + more)


@given(st.integers(0, 6), st.integers(0, 4), st.integers(1, 6))
def test_choices_pass_exactly_when_their_number_is_within_the_limits(chosen: int, least: int, most: int) -> None:
    most = max(least, most)
    options = [option(f"o{place}", 10 * place) for place in range(6)]
    dish = item(groups=[group(options, least, most)])
    wanted = [one.id for one in options[:chosen]]
    if least <= chosen <= most:
        assert [choice.id for choice in choose(dish, wanted)] == wanted
    else:
        with pytest.raises(Invalid, match=r"choose at (least|most)"):
            choose(dish, wanted)


def test_a_choice_named_twice_or_not_of_this_dish_is_refused() -> None:
    dish = item(groups=[group([option("Egg"), option("Greens")], 0, 2, "Extras")])
    with pytest.raises(Invalid, match="twice"):
        choose(dish, ["option_Egg", "option_Egg"])
    with pytest.raises(Invalid, match="no longer on the menu"):
        choose(dish, ["option_Bacon"])


@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 10_000))
def test_the_tax_inside_an_amount_is_within_half_a_unit_of_the_rate(minor: int, basis_points: int) -> None:
    tax = tax_included(Money(minor, "USD"), basis_points).minor
    assert abs(tax * (10_000 + basis_points) - minor * basis_points) * 2 <= 10_000 + basis_points
    assert tax_included(Money(-minor, "USD"), basis_points).minor == -tax


def test_nine_percent_of_a_bill_of_10_90_is_90() -> None:
    assert tax_included(Money(1090, "USD"), 900) == Money(90, "USD")
    assert tax_included(Money(1090, "USD"), 0) == Money(0, "USD")
