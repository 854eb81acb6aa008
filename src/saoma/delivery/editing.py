"""The office's hand on zones and rules: what was typed is read, checked and kept.

A zone is never deleted, deliveries point to it; `retired` takes it off for good. Deliveries keep their own copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from saoma.delivery.quoting import Rules, kept_shape
from saoma.delivery.zones import Point, Shape, circle, polygon
from saoma.kit.db import Transaction, json_column
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money

_CORNER: Final = re.compile(r"\s*(?P<latitude>[-+0-9.]+)\s*[,;\s]\s*(?P<longitude>[-+0-9.]+)\s*")
LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneDraft:
    """A zone as somebody typed or imported it, checked."""

    name: str
    name_zh: str
    shape: Shape
    fee: Money
    minimum: Money
    free_from: Money | None
    minutes: int


def draft(
    *,
    name: str,
    name_zh: str,
    shape: Shape,
    currency: str,
    fee: str,
    minimum: str = "",
    free_from: str = "",
    minutes: str = "",
) -> ZoneDraft:
    """Check what was typed. Raises `Invalid` with what to do."""
    name, name_zh = " ".join(name.split()), " ".join(name_zh.split())
    if not name or max(len(name), len(name_zh)) > LONGEST_NAME:
        raise Invalid("An area needs a name of at most {most} letters.", most=LONGEST_NAME)
    free = _amount(free_from, currency) if free_from.strip() else None
    return ZoneDraft(
        name=name,
        name_zh=name_zh,
        shape=shape,
        fee=_amount(fee, currency),
        minimum=_amount(minimum, currency),
        free_from=free,
        minutes=_whole(minutes or "15", 0, 240, "The way takes between {least} and {most} minutes."),
    )


def corners_typed(text: str) -> list[Point]:
    """Corners written one to a line, latitude first: `1.3521, 103.8198`. Raises `Invalid` naming the line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _CORNER.fullmatch(line)
        if match is None:
            raise Invalid(
                "Line {line}: write a corner as latitude and longitude, such as 1.3521, 103.8198.", line=number
            )
        try:
            found.append(Point.read(match["latitude"], match["longitude"]))
        except Invalid:
            raise Invalid("Line {line}: there is no such place on earth.", line=number) from None
    return found


def zone_typed(form: Mapping[str, Any], currency: str) -> ZoneDraft:
    """A zone as the office's form sends it: `metres`, or `corners` one to a line. Raises `Invalid`."""

    def said(name: str) -> str:
        return str(form.get(name, "")).strip()

    shape: Shape
    if said("shape") == "corners":
        shape = polygon(corners_typed(said("corners")))
    else:
        shape = circle(_whole(said("metres"), 50, 50_000, "The distance is between {least} and {most} metres."))
    return draft(
        name=said("name"),
        name_zh=said("name_zh"),
        shape=shape,
        currency=currency,
        fee=said("fee"),
        minimum=said("minimum"),
        free_from=said("free_from"),
        minutes=said("minutes"),
    )


def rules_typed(form: Mapping[str, Any]) -> Rules:
    """The rules as the office's form sends them. Raises `Invalid`."""

    def said(name: str) -> str:
        return str(form.get(name, "")).strip()

    point = Point.read(said("latitude"), said("longitude")) if said("latitude") or said("longitude") else None
    return Rules(
        takes=said("takes") == "on",
        latitude=point.latitude if point else None,
        longitude=point.longitude if point else None,
        capacity=_whole(said("capacity"), 1, 20, "A courier carries between {least} and {most} orders at once."),
        nobody_there_percent=_whole(
            said("nobody_there_percent"), 0, 100, "Write a share between {least} and {most} percent."
        ),
    )


async def set_rules(tx: Transaction, store_id: str, rules: Rules) -> None:
    """Keep a store's rules."""
    await tx.run(
        "INSERT INTO delivery_settings (store_id, takes, latitude, longitude, capacity, nobody_there_percent)"
        " VALUES (%(store)s, %(takes)s, %(latitude)s, %(longitude)s, %(capacity)s, %(percent)s)"
        " ON CONFLICT (store_id) DO UPDATE SET takes = excluded.takes, latitude = excluded.latitude,"
        " longitude = excluded.longitude, capacity = excluded.capacity,"
        " nobody_there_percent = excluded.nobody_there_percent",
        {
            "store": store_id,
            "takes": rules.takes,
            "latitude": rules.latitude,
            "longitude": rules.longitude,
            "capacity": rules.capacity,
            "percent": rules.nobody_there_percent,
        },
    )


_ADD: Final = """
INSERT INTO delivery_zones (id, store_id, name, name_zh, shape, currency, fee, minimum, free_from, minutes)
VALUES (%(id)s, %(store)s, %(name)s, %(name_zh)s, %(shape)s, %(currency)s, %(fee)s, %(minimum)s, %(free_from)s,
    %(minutes)s)
ON CONFLICT (store_id, name) WHERE NOT retired DO NOTHING
"""
_CHANGE: Final = """
UPDATE delivery_zones SET name = %(name)s, name_zh = %(name_zh)s, shape = %(shape)s, currency = %(currency)s,
    fee = %(fee)s, minimum = %(minimum)s, free_from = %(free_from)s, minutes = %(minutes)s
WHERE id = %(id)s AND store_id = %(store)s AND NOT retired
"""


def _written(store_id: str, zone_id: str, new: ZoneDraft) -> dict[str, Any]:
    return {
        "id": zone_id,
        "store": store_id,
        "name": new.name,
        "name_zh": new.name_zh,
        "shape": json_column(kept_shape(new.shape)),
        "currency": new.fee.currency,
        "fee": new.fee.minor,
        "minimum": new.minimum.minor,
        "free_from": None if new.free_from is None else new.free_from.minor,
        "minutes": new.minutes,
    }


async def add_zone(tx: Transaction, store_id: str, new: ZoneDraft) -> str:
    """Keep a new zone and tell its id. Raises `Conflict` for a name that is there already."""
    zone_id = new_id("zon")
    if not await tx.run(_ADD, _written(store_id, zone_id, new)):
        raise Conflict("There is an area called {name} already.", name=new.name)
    return zone_id


async def change_zone(tx: Transaction, store_id: str, zone_id: str, new: ZoneDraft) -> None:
    """Other terms or another shape, for orders from now on. Raises `NotFound`, `Conflict` for a name that is taken."""
    taken = await tx.value(
        "SELECT id FROM delivery_zones WHERE store_id = %(store)s AND name = %(name)s AND NOT retired AND id <> %(id)s",
        {"store": store_id, "name": new.name, "id": zone_id},
    )
    if taken is not None:
        raise Conflict("There is an area called {name} already.", name=new.name)
    if not await tx.run(_CHANGE, _written(store_id, zone_id, new)):
        raise NotFound(NOTHING_HERE)


async def retire_zone(tx: Transaction, store_id: str, zone_id: str) -> None:
    """No longer deliver there. Raises `NotFound`."""
    if not await tx.run(
        "UPDATE delivery_zones SET retired = true WHERE id = %(id)s AND store_id = %(store)s AND NOT retired",
        {"id": zone_id, "store": store_id},
    ):
        raise NotFound(NOTHING_HERE)


async def store_zones(tx: Transaction, store_id: str, drafts: Sequence[ZoneDraft], *, retire_others: bool) -> None:
    """Keep all of an import: zones are known by their name; the others stay, or are retired."""
    for new in drafts:
        known = await tx.value(
            "SELECT id FROM delivery_zones WHERE store_id = %(store)s AND name = %(name)s AND NOT retired",
            {"store": store_id, "name": new.name},
        )
        if known is None:
            await add_zone(tx, store_id, new)
        else:
            await change_zone(tx, store_id, str(known), new)
    if retire_others:
        await tx.run(
            "UPDATE delivery_zones SET retired = true WHERE store_id = %(store)s AND NOT name = ANY(%(names)s)",
            {"store": store_id, "names": [new.name for new in drafts]},
        )


def _amount(text: str, currency: str) -> Money:
    try:
        found = Money.parse(text.strip() or "0", currency)
    except (ValueError, Invalid):
        raise Invalid("Write an amount such as 3.50.") from None
    if found.minor < 0:
        raise Invalid("Write an amount such as 3.50.")
    return found


def _whole(text: str, least: int, most: int, sentence: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 9) or not least <= int(text) <= most:
        raise Invalid(sentence, least=least, most=most)
    return int(text)
