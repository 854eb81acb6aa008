"""A store's zones and rules as they are kept, and what bringing a basket costs now.

The pure part is `delivery.zones`; what was once quoted is copied into the delivery and changes no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from saoma.delivery.zones import Circle, Point, Polygon, Quote, Refusal, Shape, Zone
from saoma.delivery.zones import quote as quoted
from saoma.kit.db import Rows
from saoma.kit.money import Money


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How a store delivers: whether at all, where it stands, how many orders a courier carries at once, and how many
    percent of the dishes are proposed to be given back when nobody was there."""

    takes: bool = True
    latitude: int | None = None
    longitude: int | None = None
    capacity: int = 3
    nobody_there_percent: int = 50

    @property
    def point(self) -> Point | None:
        """Where the store stands, if the office has said so."""
        if self.latitude is None or self.longitude is None:
            return None
        return Point(self.latitude, self.longitude)


class _Row(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_zh: str
    shape: dict[str, Any]
    currency: str
    fee: int
    minimum: int
    free_from: int | None
    minutes: int


_ZONES = """
SELECT id, name, name_zh, shape, currency, fee, minimum, free_from, minutes FROM delivery_zones
WHERE store_id = %(store)s AND NOT retired ORDER BY fee, minimum, name, id
"""


async def rules(rows: Rows, store_id: str) -> Rules:
    """The store's rules; the usual ones where the office has set none."""
    found = await rows.maybe(
        Rules,
        "SELECT takes, latitude, longitude, capacity, nobody_there_percent FROM delivery_settings"
        " WHERE store_id = %(store)s",
        {"store": store_id},
    )
    return found or Rules()


async def zones(rows: Rows, store_id: str) -> list[Zone]:
    """The store's zones, the cheapest first."""
    return [
        Zone(
            id=row.id,
            name=row.name,
            name_zh=row.name_zh,
            shape=shape_of(row.shape),
            fee=Money(row.fee, row.currency),
            minimum=Money(row.minimum, row.currency),
            free_from=None if row.free_from is None else Money(row.free_from, row.currency),
            minutes=row.minutes,
        )
        for row in await rows.rows(_Row, _ZONES, {"store": store_id})
    ]


def shape_of(kept: dict[str, Any]) -> Shape:
    """A shape as its row keeps it."""
    if "metres" in kept:
        return Circle(int(kept["metres"]))
    return Polygon(tuple(Point(latitude, longitude) for longitude, latitude in kept["corners"]))


def kept_shape(shape: Shape) -> dict[str, Any]:
    """A shape as its row keeps it: whole numbers, longitude first as on every map."""
    if isinstance(shape, Circle):
        return {"metres": shape.metres}
    return {"corners": [[corner.longitude, corner.latitude] for corner in shape.corners]}


async def offered(rows: Rows, store_id: str) -> list[Zone]:
    """The zones a customer can choose from now; none where the store does not deliver."""
    return await zones(rows, store_id) if (await rules(rows, store_id)).takes else []


async def quote(rows: Rows, store_id: str, where: Point | str, basket: Money) -> Quote | Refusal:
    """What bringing this basket to a place, or to the zone with this id (or name), costs; or why it can't be."""
    known = await rules(rows, store_id)
    found: Sequence[Zone] = await zones(rows, store_id) if known.takes else []
    return quoted(found, where, basket, known.point)


async def must_quote(rows: Rows, store_id: str, where: Point | str, basket: Money) -> Quote:
    """The same for whoever can't go on without. Raises `Invalid` with the refusal's sentence."""
    found = await quote(rows, store_id, where, basket)
    if isinstance(found, Refusal):
        raise found.raised()
    return found
