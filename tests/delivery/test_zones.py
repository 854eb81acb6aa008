"""Zones and fees: what lies where is decided exactly and against an independent judge; quotes say what they refuse."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saoma.delivery.zones import (
    NO_SUCH_ZONE,
    NOT_AT_ALL,
    TOO_FAR,
    TOO_LITTLE,
    Circle,
    Point,
    Polygon,
    Quote,
    Refusal,
    circle,
    holds,
    metres_between,
    polygon,
    quote,
)
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from tests.delivery.make import STORE, usd, zone

near_by = st.integers(-60, 60)
points = st.builds(Point, near_by, near_by)


def judged(corners: tuple[Point, ...], at: Point) -> bool:
    """The same question by another road: on a side, or an odd number of sides to the right, in exact fractions."""
    inside = False
    for a, b in pairwise((*corners, corners[0])):
        low, high = sorted((a, b), key=lambda each: each.latitude)
        if low.latitude == high.latitude:
            if at.latitude == low.latitude and min(a.longitude, b.longitude) <= at.longitude <= max(
                a.longitude, b.longitude
            ):
                return True
            continue
        if not low.latitude <= at.latitude <= high.latitude:
            continue
        crossing = low.longitude + Fraction(
            (at.latitude - low.latitude) * (high.longitude - low.longitude), high.latitude - low.latitude
        )
        if crossing == at.longitude:
            return True
        if at.latitude < high.latitude and crossing > at.longitude:
            inside = not inside
    return inside


@st.composite
def areas(draw: st.DrawFn) -> Polygon:
    """Areas of all shapes: what crosses itself is thrown away by `polygon`."""
    corners = draw(st.lists(points, min_size=3, max_size=7, unique=True))
    try:
        return polygon(corners)
    except Invalid:
        assume(False)
        raise


@given(areas(), points)
def test_what_lies_in_an_area_is_what_another_way_of_asking_finds(area: Polygon, at: Point) -> None:
    assert holds(area, at, None) == judged(area.corners, at)


@given(areas(), points, st.integers(0, 6))
def test_neither_the_first_corner_nor_the_direction_matters(area: Polygon, at: Point, turn: int) -> None:
    turned = area.corners[turn % len(area.corners) :] + area.corners[: turn % len(area.corners)]
    assert holds(Polygon(turned), at, None) == holds(Polygon(turned[::-1]), at, None) == holds(area, at, None)


@given(areas())
def test_every_corner_and_the_closing_one_belong_to_the_area(area: Polygon) -> None:
    assert all(holds(area, corner, None) for corner in area.corners)
    assert polygon([*area.corners, area.corners[0]]) == area


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (10, 10)],
        [(0, 0), (10, 10), (20, 20)],
        [(0, 0), (10, 10), (0, 10), (10, 0)],
        [(0, 0), (0, 10), (10, 10), (10, 0), (0, 5)],
        [(0, 0), (0, 10), (0, 4), (10, 4)],
    ],
)
def test_what_encloses_nothing_or_crosses_itself_is_refused(corners: list[tuple[int, int]]) -> None:
    with pytest.raises(Invalid):
        polygon([Point(latitude, longitude) for latitude, longitude in corners])


def test_a_minute_of_latitude_is_a_sea_mile() -> None:
    assert metres_between(Point(0, 0), Point(round(1_000_000 / 60), 0)) == pytest.approx(1853, abs=1)
    # at 60 degrees north a degree of longitude is half as long
    far = metres_between(Point(60_000_000, 0), Point(60_000_000, 1_000_000))
    assert far == pytest.approx(metres_between(Point(0, 0), Point(0, 1_000_000)) / 2, rel=1e-3)


@given(points, points)
def test_there_is_as_far_as_back(one: Point, other: Point) -> None:
    assert metres_between(one, other) == metres_between(other, one) >= 0


def test_a_circle_holds_what_is_within_its_metres_of_the_store_and_nothing_without_one() -> None:
    just, beyond = Point(STORE.latitude + 13_400, STORE.longitude), Point(STORE.latitude + 13_600, STORE.longitude)
    assert holds(Circle(1500), just, STORE)
    assert not holds(Circle(1500), beyond, STORE)
    assert not holds(Circle(1500), just, None)
    with pytest.raises(Invalid):
        circle(15)


@pytest.mark.parametrize("written", [("91", "0"), ("0", "181"), ("1,3", "2"), ("", "2"), ("nan", "1"), ("1e3", "1")])
def test_a_place_that_is_none_is_refused(written: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        Point.read(*written)


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
def test_a_place_reads_back_as_it_was_written(latitude: int, longitude: int) -> None:
    assert Point.read(*Point(latitude, longitude).written) == Point(latitude, longitude)


def test_a_quote_names_the_cheapest_zone_that_holds_the_place() -> None:
    rings = [zone("Far", Circle(3000), "5.00", minutes=25), zone("Near", Circle(1500), "3.00")]
    at = Point(STORE.latitude + 9_000, STORE.longitude)
    found = quote(rings, at, usd("20.00"), STORE)
    assert isinstance(found, Quote)
    assert (found.zone.name, found.fee, found.minutes) == ("Near", usd("3.00"), 15)


def test_a_zone_whose_minimum_is_met_comes_before_a_cheaper_one_that_refuses() -> None:
    zones = [zone("Cheap", fee="1.00", minimum="50.00"), zone("Dear", fee="6.00", minimum="10.00")]
    found = quote(zones, STORE, usd("20.00"), STORE)
    assert isinstance(found, Quote)
    assert found.zone.name == "Dear"


def test_every_refusal_is_a_sentence_with_what_to_do() -> None:
    near = zone(minimum="12.00")
    far_away = Point(STORE.latitude + 1_000_000, STORE.longitude)
    refused = [
        quote([], STORE, usd("20.00"), STORE),
        quote([near], far_away, usd("20.00"), STORE),
        quote([near], "elsewhere", usd("20.00"), STORE),
        quote([near], "Near", usd("11.99"), STORE),
        quote([near], "", usd("20.00"), STORE),
    ]
    said = [each.says for each in refused if isinstance(each, Refusal)]
    assert said == [NOT_AT_ALL, TOO_FAR, NO_SUCH_ZONE, TOO_LITTLE, NO_SUCH_ZONE]
    little = refused[3]
    assert isinstance(little, Refusal)
    assert little.missing == usd("0.01")
    assert "12.00 USD" in str(little.raised())


amounts = st.integers(0, 10_000).map(lambda minor: Money(minor, "USD"))


@given(amounts, amounts, amounts, st.none() | amounts)
def test_a_fee_is_asked_once_never_below_zero_and_not_from_the_free_amount_on(
    basket: Money, fee: Money, minimum: Money, free_from: Money | None
) -> None:
    near = zone(fee=fee.text, minimum=minimum.text, free_from=free_from.text if free_from else None)
    if free_from is not None and not free_from:
        near = zone(fee=fee.text, minimum=minimum.text, free_from="0")
    found = quote([near], "zon_Near", basket, None)
    match found:
        case Refusal(missing=missing):
            assert missing is not None
            assert basket + missing == minimum
        case Quote():
            assert basket >= minimum
            free = free_from is not None and basket >= free_from
            assert found.fee == (Money.zero("USD") if free else fee)
