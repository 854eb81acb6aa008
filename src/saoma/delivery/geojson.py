"""Zones from a GeoJSON file and to one (RFC 7946): what maps draw can be taken over. Pure.

A file with one fault goes in not at all; each fault names the line where its feature begins. A circle is a Point with
`metres` in its properties: GeoJSON knows none, and the point itself is where the store stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from saoma.delivery.editing import ZoneDraft, draft
from saoma.delivery.zones import Circle, Point, Shape, Zone, circle, polygon
from saoma.kit.errors import Invalid

MOST_BYTES: Final = 2_000_000
_FEATURE: Final = re.compile(r'"type"\s*:\s*"Feature"')


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one feature: where it begins, what it is called, and a sentence (a key of the texts)."""

    line: int
    name: str
    msgid: str
    values: Mapping[str, Any]


def read_zones(content: bytes, currency: str) -> list[ZoneDraft] | list[Fault]:
    """The zones of a file, or all its faults; never both."""
    try:
        text = content.decode("utf-8-sig")
        whole = json.loads(text, parse_float=str, parse_int=str)
    except UnicodeDecodeError:
        return [Fault(0, "", "This is not a text file in UTF-8.", {})]
    except json.JSONDecodeError as wrong:
        return [
            Fault(wrong.lineno, "", "This is not JSON: the mistake is near column {column}.", {"column": wrong.colno})
        ]
    except RecursionError:
        return [Fault(0, "", "This is not a GeoJSON FeatureCollection.", {})]
    features = whole.get("features") if isinstance(whole, dict) and whole.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        return [Fault(0, "", "This is not a GeoJSON FeatureCollection.", {})]
    if not features:
        return [Fault(0, "", "There is no area in this file.", {})]
    lines = [text.count("\n", 0, match.start()) + 1 for match in _FEATURE.finditer(text)]
    drafts, faults, seen = [], [], set()
    for number, feature in enumerate(features):
        line = lines[number] if number < len(lines) else 0
        properties = feature.get("properties") if isinstance(feature, dict) else None
        said = properties if isinstance(properties, dict) else {}
        name = str(said.get("name") or "")
        try:
            new = _zone(feature, said, currency)
            if new.name in seen:
                raise Invalid("There is an area called {name} already.", name=new.name)
            seen.add(new.name)
            drafts.append(new)
        except Invalid as wrong:
            faults.append(Fault(line, name, wrong.msgid, wrong.values))
    return faults or drafts


def _zone(feature: Any, said: Mapping[str, Any], currency: str) -> ZoneDraft:
    def word(name: str) -> str:
        value = said.get(name)
        return value if isinstance(value, str) else ""

    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return draft(
        name=word("name"),
        name_zh=word("name_zh"),
        shape=_shape(geometry, word("metres")),
        currency=currency,
        fee=word("fee"),
        minimum=word("minimum"),
        free_from=word("free_from"),
        minutes=word("minutes"),
    )


def _shape(geometry: Any, metres: str) -> Shape:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    rings = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind == "Point":
        if not (metres.isascii() and metres.isdigit() and len(metres) < 9):
            raise Invalid("A circle needs its distance in whole metres, in the property metres.")
        return circle(int(metres))
    if kind == "MultiPolygon" and isinstance(rings, list) and len(rings) == 1:
        kind, rings = "Polygon", rings[0]
    if kind != "Polygon" or not isinstance(rings, list) or not rings:
        raise Invalid("An area is one Polygon, or a Point with metres. Split what has several parts.")
    if len(rings) > 1:
        raise Invalid("An area can't have holes. Draw what is delivered to.")
    return polygon(_corners(rings[0]))


def _corners(ring: Any) -> Iterator[Point]:
    for place in ring if isinstance(ring, list) else []:
        if not isinstance(place, list) or len(place) < 2 or not all(isinstance(each, str) for each in place[:2]):
            raise Invalid("A corner is a pair of numbers: longitude, then latitude.")
        yield Point.read(_plain(place[1]), _plain(place[0]))


def _plain(number: str) -> str:
    """Digits after the fifteenth are noise of a program; degrees have none that far."""
    return number[:18]


def write_zones(zones: Sequence[Zone], store: Point | None) -> bytes:
    """The zones as a file that `read_zones` and every map read."""
    features = [_feature(zone, store) for zone in zones]
    # One feature to a line, so that a fault's line is the feature's.
    body = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    return ('{"type": "FeatureCollection", "features": [\n' + body + "\n]}\n").encode()


def _feature(zone: Zone, store: Point | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": zone.name,
        "name_zh": zone.name_zh,
        "fee": zone.fee.text,
        "minimum": zone.minimum.text,
        "free_from": "" if zone.free_from is None else zone.free_from.text,
        "minutes": str(zone.minutes),
    }
    if isinstance(zone.shape, Circle):
        at = store or Point(0, 0)
        geometry = {"type": "Point", "coordinates": _degrees(at)}
        said["metres"] = str(zone.shape.metres)
    else:
        ring = [_degrees(corner) for corner in (*zone.shape.corners, zone.shape.corners[0])]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": said, "geometry": geometry}


def _degrees(point: Point) -> list[float]:
    # A float of six decimals writes and reads back as the same six decimals.
    return [point.longitude / 1_000_000, point.latitude / 1_000_000]
