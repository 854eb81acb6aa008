"""Where a store delivers, for how much: zones as circles and polygons, and the quote for a place or a zone. Pure.

A point on the line of a zone is inside it. Places are whole millionths of a degree, so a polygon decides exactly; only
a circle measures, in metres along the globe. Zones may overlap: the cheapest one that holds the place counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, assert_never

import msgspec

from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: Mean radius of the earth in metres (IUGG).
_EARTH: Final = 6_371_008.8
_MICRO: Final = 1_000_000
#: More corners than a map of a town's quarter needs; every quote looks at each.
MOST_CORNERS: Final = 500
#: Nobody brings noodles further, and a slip of the finger (15000 for 1500) is found.
MOST_METRES: Final = 50_000
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]{1,3}(\.[0-9]{1,15})?\s*")


class Point(msgspec.Struct, frozen=True):
    """A place on earth (WGS-84) in whole millionths of a degree."""

    latitude: int
    longitude: int

    @classmethod
    def read(cls, latitude: str, longitude: str) -> Point:
        """The place of two written numbers of degrees, as a phone or a map gives them. Raises `Invalid`."""
        try:
            if not (_NUMBER.fullmatch(latitude) and _NUMBER.fullmatch(longitude)):
                raise InvalidOperation
            found = cls(round(Decimal(latitude) * _MICRO), round(Decimal(longitude) * _MICRO))
        except InvalidOperation:
            raise Invalid("Write a place as two numbers of degrees, such as 1.3521 and 103.8198.") from None
        if abs(found.latitude) > 90 * _MICRO or abs(found.longitude) > 180 * _MICRO:
            raise Invalid("There is no such place: latitude goes up to 90 degrees, longitude up to 180.")
        return found

    @property
    def written(self) -> tuple[str, str]:
        """Latitude and longitude in degrees, as people and maps write them."""
        return degrees(self.latitude), degrees(self.longitude)


def degrees(micro: int) -> str:
    """Millionths of a degree as a plain number of degrees."""
    return format(Decimal(micro) / _MICRO, "f")


class Circle(msgspec.Struct, frozen=True, tag=False):
    """Everything within so many metres of the store, in a straight line."""

    metres: int


class Polygon(msgspec.Struct, frozen=True, tag=False):
    """The inside of a line from corner to corner, and back from the last to the first."""

    corners: tuple[Point, ...]


Shape = Circle | Polygon


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """One zone with its terms. From `free_from` on (if set) the dishes are brought for nothing."""

    id: str
    name: str
    name_zh: str = ""
    shape: Shape
    fee: Money
    minimum: Money
    free_from: Money | None = None
    minutes: int = 15

    def called(self, lang: str) -> str:
        """The name for a reader of `lang`."""
        return self.name_zh if lang == "zh" and self.name_zh else self.name

    def fee_for(self, basket: Money) -> Money:
        """What bringing this basket costs."""
        if self.free_from is not None and basket.minor >= self.free_from.minor:
            return Money.zero(self.fee.currency)
        return self.fee


@dataclass(frozen=True, slots=True)
class Quote:
    """What bringing it costs and how many minutes on the way it takes; `minimum` is what was asked for and is met."""

    zone: Zone
    fee: Money
    minimum: Money
    minutes: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why it can't be brought: a sentence (a key of the texts) with its values; `missing` is what the basket lacks."""

    says: str
    values: dict[str, Any]
    missing: Money | None = None

    def raised(self) -> Invalid:
        """The same as an error, for whoever can't go on."""
        return Invalid(self.says, **self.values)


NOT_AT_ALL: Final = "This shop doesn't deliver at the moment. You can collect the order instead."
TOO_FAR: Final = "This place is outside the area we deliver to. Choose another address, or collect the order."
NO_SUCH_ZONE: Final = "We no longer deliver to this area. Choose another one, or collect the order."
TOO_LITTLE: Final = "Orders to {zone} start at {minimum}. Add dishes for {missing} more, or collect the order."


def quote(zones: Sequence[Zone], where: Point | str, basket: Money, store: Point | None) -> Quote | Refusal:
    """What it costs to bring this basket to a place, or to the zone with this id (or exactly this name).

    `store` is where the store stands; without it no circle is known to hold any place."""
    if not zones:
        return Refusal(NOT_AT_ALL, {})
    match where:
        case Point():
            found = [zone for zone in zones if holds(zone.shape, where, store)]
            refusal = TOO_FAR
        case str():
            found = [zone for zone in zones if zone.id == where] or [
                zone for zone in zones if where and where in (zone.name, zone.name_zh)
            ]
            refusal = NO_SUCH_ZONE
        case _:
            assert_never(where)
    if not found:
        return Refusal(refusal, {})
    # A zone whose minimum this basket meets comes before a cheaper one that would refuse it.
    zone = min(found, key=lambda each: (each.minimum.minor > basket.minor, *_terms(each, basket)))
    if basket.minor < zone.minimum.minor:
        missing = zone.minimum - basket
        values = {"zone": zone.name, "zone_zh": zone.name_zh or zone.name, "minimum": zone.minimum, "missing": missing}
        return Refusal(TOO_LITTLE, values, missing)
    return Quote(zone, zone.fee_for(basket), zone.minimum, zone.minutes)


def _terms(zone: Zone, basket: Money) -> tuple[int, int, int, str]:
    return zone.fee_for(basket).minor, zone.minimum.minor, zone.minutes, zone.id


def holds(shape: Shape, point: Point, store: Point | None) -> bool:
    """Whether the place lies in the shape, or on its line."""
    match shape:
        case Circle(metres):
            return store is not None and metres_between(store, point) <= metres
        case Polygon(corners):
            return _inside(corners, point)
        case _:
            assert_never(shape)


def metres_between(one: Point, other: Point) -> float:
    """How far apart two places are, in a straight line over the globe (haversine)."""
    here, there = math.radians(one.latitude / _MICRO), math.radians(other.latitude / _MICRO)
    east = math.radians((other.longitude - one.longitude) / _MICRO)
    half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(half)))


def _turn(a: Point, b: Point, c: Point) -> int:
    """Above zero when the way a, b, c turns left; zero when the three are in line. Exact."""
    return (b.longitude - a.longitude) * (c.latitude - a.latitude) - (b.latitude - a.latitude) * (
        c.longitude - a.longitude
    )


def _between(a: Point, b: Point, c: Point) -> bool:
    """Whether `c`, in line with `a` and `b`, lies from one to the other."""
    return min(a.longitude, b.longitude) <= c.longitude <= max(a.longitude, b.longitude) and min(
        a.latitude, b.latitude
    ) <= c.latitude <= max(a.latitude, b.latitude)


def _inside(corners: Sequence[Point], point: Point) -> bool:
    """Whether the line winds around the point, counted where it crosses the point's latitude; on the line is inside."""
    winds = 0
    for a, b in _sides(corners):
        turn = _turn(a, b, point)
        if turn == 0 and _between(a, b, point):
            return True
        if a.latitude <= point.latitude < b.latitude and turn > 0:
            winds += 1
        elif b.latitude <= point.latitude < a.latitude and turn < 0:
            winds -= 1
    return winds != 0


def _sides(corners: Sequence[Point]) -> Iterable[tuple[Point, Point]]:
    return zip(corners, (*corners[1:], corners[0]), strict=True)


def polygon(corners: Iterable[Point]) -> Polygon:
    """A polygon of these corners; a last one that repeats the first is dropped. Raises `Invalid` for no proper area."""
    kept: list[Point] = []
    for corner in corners:
        if not kept or corner != kept[-1]:
            kept.append(corner)
    if len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    if len(kept) < 3:
        raise Invalid("An area needs at least three corners.")
    if len(kept) > MOST_CORNERS:
        raise Invalid("An area has at most {most} corners. Draw it with fewer.", most=MOST_CORNERS)
    if max(each.longitude for each in kept) - min(each.longitude for each in kept) > 90 * _MICRO:
        raise Invalid("This area is larger than a continent. Check the order of latitude and longitude.")
    crossing = _crossing(kept)
    if crossing is not None:
        raise Invalid(
            "The line of this area crosses or touches itself: side {one} meets side {other}.",
            one=crossing[0] + 1,
            other=crossing[1] + 1,
        )
    return Polygon(tuple(kept))


def circle(metres: int) -> Circle:
    """A circle of so many metres. Raises `Invalid` for none, or for more than anybody delivers."""
    if not 50 <= metres <= MOST_METRES:
        raise Invalid("The distance is between 50 and {most} metres.", most=MOST_METRES)
    return Circle(metres)


def _crossing(corners: Sequence[Point]) -> tuple[int, int] | None:
    """The first two sides that meet where they should not."""
    sides = list(_sides(corners))
    count = len(sides)
    for i in range(count):
        a, b = sides[i]
        for j in range(i + 1, count):
            c, d = sides[j]
            if j == i + 1 or (i == 0 and j == count - 1):
                # Neighbours share one corner; they may not run back along each other.
                shared, one, other = (b, a, d) if j == i + 1 else (a, b, c)
                if _turn(one, shared, other) == 0 and (_between(shared, one, other) or _between(shared, other, one)):
                    return i, j
            elif _meet(a, b, c, d):
                return i, j
    return None


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    turns = [_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)]
    if (turns[0] > 0) != (turns[1] > 0) and (turns[2] > 0) != (turns[3] > 0) and 0 not in turns:
        return True
    return any(
        turn == 0 and _between(*side, corner)
        for turn, side, corner in zip(turns, ((a, b), (a, b), (c, d), (c, d)), (c, d, a, b), strict=True)
    )
