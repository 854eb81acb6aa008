"""The office's page of deliveries: areas added, drawn, changed, retired, imported with every fault named; GeoJSON."""

from __future__ import annotations

import json

from saoma.delivery import quoting
from saoma.delivery.editing import ZoneDraft, corners_typed
from saoma.delivery.geojson import Fault, read_zones, write_zones
from saoma.delivery.zones import Circle, Polygon
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.delivery.make import STORE, Shop, browser, shop, usd


async def _zones(here: Shop) -> dict[str, object]:
    async with here.db.reading() as rows:
        return {zone.name: zone.shape for zone in await quoting.zones(rows, here.store_id)}


async def test_an_owner_adds_draws_changes_and_retires_areas(database: Database, clock: MovableClock) -> None:
    here = await shop(database, clock)
    async with browser(here, here.manager) as office:
        page = await office.get("/office/delivery", lang="zh")
        assert "附近" in page and "1500 米以内" in page
        drawn = {
            "name": "Island",
            "shape": "corners",
            "corners": "1.30, 103.80\n1.31, 103.82\n1.29, 103.83",
            "fee": "4.50",
        }
        assert (await office.post("/office/delivery/zones", drawn)).status_code == 303
        twice = await office.post("/office/delivery/zones", drawn)
        assert twice.status_code == 409 and "already" in twice.text and "103.83" in twice.text
        crossed = drawn | {"name": "Eight", "corners": "1.30, 103.80\n1.31, 103.81\n1.31, 103.80\n1.30, 103.81"}
        assert "crosses or touches itself" in (await office.post("/office/delivery/zones", crossed)).text
        assert "Line 2" in (await office.post("/office/delivery/zones", drawn | {"corners": "1, 2\nhere"})).text
        other = {"name": "Near", "metres": "900", "fee": "2.00", "minutes": "10"}
        assert (await office.post(f"/office/delivery/zones/{here.zone_id}", other)).status_code == 303
        zones = await _zones(here)
        assert zones["Near"] == Circle(900)
        assert isinstance(zones["Island"], Polygon)
        assert (await office.post(f"/office/delivery/zones/{here.zone_id}/retire")).status_code == 303
        assert list(await _zones(here)) == ["Island"]
        rules = {"latitude": "1.3", "longitude": "103.85", "capacity": "2", "nobody_there_percent": "30"}
        assert (await office.post("/office/delivery", rules)).status_code == 303
        async with database.reading() as rows:
            assert not (await quoting.rules(rows, here.store_id)).takes
            assert await quoting.offered(rows, here.store_id) == []
        exported = await office.get("/office/delivery/zones.geojson")
        assert json.loads(exported)["features"][0]["properties"]["fee"] == "4.50"


async def test_what_is_exported_reads_back_the_same(database: Database, clock: MovableClock) -> None:
    here = await shop(database, clock)
    async with database.reading() as rows:
        zones = await quoting.zones(rows, here.store_id)
    drawn = Polygon(tuple(corners_typed("1.300001, 103.80\n1.31, 103.82\n1.29, 103.83")))
    read = read_zones(
        write_zones(
            [*zones, zones[0].__class__(id="z", name="Drawn", shape=drawn, fee=usd("1"), minimum=usd("0"))], STORE
        ),
        "USD",
    )
    assert [each.shape for each in read if isinstance(each, ZoneDraft)] == [zones[0].shape, drawn]
    assert isinstance(read[0], ZoneDraft)
    assert (read[0].fee, read[0].free_from, read[0].minimum) == (zones[0].fee, zones[0].free_from, zones[0].minimum)


def test_every_fault_of_a_file_names_its_line_and_nothing_goes_in() -> None:
    file = """{"type": "FeatureCollection", "features": [
{"type": "Feature", "properties": {"name": "A", "fee": "x"}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
{"type": "Feature", "properties": {"name": "B", "metres": 900, "fee": "2.00"}, "geometry": {"type": "Point"}},
{"type": "Feature", "properties": {"name": "C", "fee": "2"}, "geometry": {"type": "Polygon", "coordinates": [[], []]}},
{"type": "Feature", "properties": {"name": "B", "metres": 900, "fee": "two"}, "geometry": {"type": "Point"}}
]}"""
    found = read_zones(file.encode(), "USD")
    assert [(each.line, each.name) for each in found if isinstance(each, Fault)] == [(2, "A"), (4, "C"), (5, "B")]
    for wrong in (b"\xff", b"{", b"[]", b'{"type": "FeatureCollection", "features": []}', b"[" * 9000):
        (fault,) = read_zones(wrong, "USD")
        assert isinstance(fault, Fault)
