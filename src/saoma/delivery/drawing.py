"""The small map of the office: zones around the store as SVG, without tiles. Pure.

Its units are metres from the middle, east and south; flat, which over a town is off by less than the line is wide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from saoma.delivery.zones import Circle, Point, Zone

#: Metres in a millionth of a degree of latitude.
METRES_A_MICRO = math.pi * 6_371_008.8 / 180 / 1_000_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One zone on the map: a circle's radius in metres, or 0 and a polygon's corners as an SVG `points` list."""

    radius: int
    points: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The map: its middle, half its side in metres, metres east per millionth of a degree, rings of distance, zones."""

    middle: Point
    half: int
    east: float
    north: float
    rings: tuple[int, ...]
    zones: tuple[Drawn, ...]

    @property
    def view(self) -> str:
        """The `viewBox`."""
        return f"{-self.half} {-self.half} {2 * self.half} {2 * self.half}"


def picture(zones: Sequence[Zone], store: Point | None) -> Picture:
    """The map of these zones. Without a store the middle is the first corner there is, or nowhere."""
    corners = [corner for zone in zones if not isinstance(zone.shape, Circle) for corner in zone.shape.corners]
    middle = store or (corners[0] if corners else Point(0, 0))
    east = METRES_A_MICRO * max(math.cos(math.radians(middle.latitude / 1_000_000)), 0.01)

    def placed(point: Point) -> tuple[int, int]:
        return (
            round((point.longitude - middle.longitude) * east),
            round((middle.latitude - point.latitude) * METRES_A_MICRO),
        )

    drawn, far = [], 1000
    for zone in zones:
        shape = zone.shape
        if isinstance(shape, Circle):
            drawn.append(Drawn(shape.metres, ""))
            far = max(far, shape.metres)
            continue
        places = [placed(corner) for corner in shape.corners]
        far = max(far, *(max(abs(x), abs(y)) for x, y in places))
        drawn.append(Drawn(0, " ".join(f"{x},{y}" for x, y in places)))
    half = math.ceil(far * 1.2 / 100) * 100
    step = 500 if half <= 2500 else 1000 if half <= 6000 else 5000 if half <= 25_000 else 10_000
    rings = tuple(range(step, half + 1, step))
    # The largest circle first: the smaller ones lie on top, and polygons above them.
    drawn.sort(key=lambda each: -each.radius)
    return Picture(middle, half, east, METRES_A_MICRO, rings, tuple(drawn))
