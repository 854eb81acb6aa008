"""Money: whole, in one currency, split without loss, written and read the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.errors import Invalid
from saoma.kit.money import EXPONENTS, Money, exponent, total

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-(10**12) + 1, 10**12 - 1)
amounts = st.builds(Money, minors, currencies)


@given(amounts)
def test_what_is_written_is_read_again(amount: Money) -> None:
    assert Money.parse(amount.text, amount.currency) == amount
    assert amount.decimal == Decimal(amount.text)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1).filter(any), currencies)
def test_shares_add_up_to_the_whole_and_are_fair(minor: int, weights: list[int], currency: str) -> None:
    whole = Money(minor, currency)
    shares = whole.split(weights)
    assert total(shares, currency) == whole
    for share, weight in zip(shares, weights, strict=True):
        exact = Decimal(minor) * weight / sum(weights)
        assert abs(share.minor - exact) < 1, "nobody is a whole unit off"
        assert weight or not share, "who has no weight pays nothing"


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [-1]])
def test_shares_without_sense_are_refused(weights: list[int]) -> None:
    with pytest.raises(Invalid):
        Money(100, "USD").split(weights)


@given(minors, minors, currencies)
def test_sums_and_differences_undo_each_other(one: int, other: int, currency: str) -> None:
    a, b = Money(one, currency), Money(other, currency)
    assert a + b - b == a
    assert a - b == -(b - a)
    assert (a < b) == (one < other) and (a >= b) == (one >= other)
    assert bool(a) == (one != 0)


@given(amounts, amounts)
def test_two_currencies_are_never_reckoned_together(one: Money, other: Money) -> None:
    if one.currency == other.currency:
        return
    for reckon in (Money.__add__, Money.__sub__, Money.__lt__, Money.__ge__):
        with pytest.raises(Invalid):
            reckon(one, other)
    assert one != other


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("0.01", "CNY", 1),
        ("-3.99", "EUR", -399),
        ("1200", "JPY", 1200),
        ("100.00", "JPY", 100),
        ("36.500000", "SGD", 3650),
        (" 7.10 ", "USD", 710),
    ],
)
def test_an_amount_is_read_in_its_currency(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "1,000", "1.234", "+1", "1e3", "١٢", "１２", "0x10", "NaN", "--1", "1 2", "1" * 13],
)
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(Invalid):
        Money.parse(text, "USD")


def test_a_yen_has_no_parts() -> None:
    with pytest.raises(Invalid):
        Money.parse("0.5", "JPY")


@pytest.mark.parametrize("minor", [1.0, Decimal(1), "1", True])
def test_minor_units_are_whole_numbers_and_nothing_like_them(minor: Any) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")
    with pytest.raises(TypeError):
        Money(1, "USD") * minor


def test_a_currency_nobody_lists_is_refused() -> None:
    with pytest.raises(Invalid, match="XAU"):
        Money(1, "XAU")
    assert exponent("KRW") == 0
