"""The office's page of deliveries: where, for how much, from when on free, and the rules around it.

Areas are drawn on a map without streets: nothing is asked of anybody outside. Hours are those of orders made ahead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.delivery.drawing import picture
from saoma.delivery.editing import (
    ZoneDraft,
    add_zone,
    change_zone,
    retire_zone,
    rules_typed,
    set_rules,
    store_zones,
    zone_typed,
)
from saoma.delivery.geojson import MOST_BYTES, Fault, read_zones, write_zones
from saoma.delivery.quoting import rules, zones
from saoma.delivery.zones import Circle, Zone
from saoma.food.places import Place, place
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.web.page import page

_MAY: Final = [needs(May.EDIT_DELIVERY)]
_PATH: Final = "/office/delivery"
_Work = Callable[[Transaction, Place, str], Awaitable[str]]


def corners_of(zone: Zone) -> str:
    """A polygon's corners as they are typed: one to a line, latitude first."""
    if isinstance(zone.shape, Circle):
        return ""
    return "\n".join(", ".join(corner.written) for corner in zone.shape.corners)


async def _page(
    request: AnyRequest,
    db: Database,
    refusal: Refused | None = None,
    faults: list[Fault] | None = None,
    file_name: str = "",
) -> Response[Any]:
    form = await request.form() if refusal and request.method == "POST" else {}
    async with db.reading() as rows:
        at = await place(request, rows)
        known = await rules(rows, at.store.id)
        found = await zones(rows, at.store.id)
        merchant = await model.merchant(rows, at.store.merchant_id)
    return page(
        request,
        "delivery/office_delivery.html",
        status_code=refusal.status if refusal else 422 if faults else 200,
        at=at,
        rules=known,
        zones=found,
        picture=picture(found, known.point),
        circle=Circle,
        corners_of=corners_of,
        currency=merchant.currency,
        refusal=refusal,
        faults=faults or [],
        file_name=file_name,
        typed={name: str(value) for name, value in form.items() if isinstance(value, str)},
        zone=at.store.zone,
    )


async def _change(request: AnyRequest, db: Database, clock: Clock, what: str, work: _Work) -> Response[Any]:
    """Do one thing and note who did it; a refusal is shown on the page it came from."""
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            currency = (await model.merchant(tx, at.store.merchant_id)).currency
            subject = await work(tx, at, currency)
            await audit.note(tx, clock, who=at.staff.id, what=what, subject=subject, merchant_id=at.store.merchant_id)
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, refusal)
    return Redirect(_PATH, status_code=HTTP_303_SEE_OTHER)


@get(_PATH, guards=_MAY, summary="Where the store delivers")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Areas, map and rules."""
    return await _page(request, db)


@post(_PATH, guards=_MAY, summary="Change the rules of delivering")
async def change_rules(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Whether at all, from where, how many at once, what to give back when nobody was there."""
    form = await request.form()

    async def work(tx: Transaction, at: Place, _: str) -> str:
        await set_rules(tx, at.store.id, rules_typed(form))
        return at.store.id

    return await _change(request, db, clock, "changed_delivery_rules", work)


@post(f"{_PATH}/zones", guards=_MAY, summary="Add an area")
async def add(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """By distance, or by its corners."""
    form = await request.form()

    async def work(tx: Transaction, at: Place, currency: str) -> str:
        return await add_zone(tx, at.store.id, zone_typed(form, currency))

    return await _change(request, db, clock, "added_delivery_zone", work)


@post(f"{_PATH}/zones/{{zone_id:str}}", guards=_MAY, summary="Change an area")
async def change(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], zone_id: FromPath[str]
) -> Response[Any]:
    """For orders from now on."""
    form = await request.form()

    async def work(tx: Transaction, at: Place, currency: str) -> str:
        await change_zone(tx, at.store.id, zone_id, zone_typed(form, currency))
        return zone_id

    return await _change(request, db, clock, "changed_delivery_zone", work)


@post(f"{_PATH}/zones/{{zone_id:str}}/retire", guards=_MAY, summary="No longer deliver to an area")
async def retire(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], zone_id: FromPath[str]
) -> Response[Any]:
    """Orders that were placed are still brought."""

    async def work(tx: Transaction, at: Place, _: str) -> str:
        await retire_zone(tx, at.store.id, zone_id)
        return zone_id

    return await _change(request, db, clock, "retired_delivery_zone", work)


@post(f"{_PATH}/import", guards=_MAY, request_max_body_size=2 * MOST_BYTES, summary="Import areas")
async def take(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """All of a GeoJSON file goes in, or the page says line by line why not."""
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return await _page(request, db, Invalid("Choose a file first."))
    content, retire_others = await file.read(), form.get("retire_others") == "on"
    async with db.reading() as rows:
        at = await place(request, rows)
        currency = (await model.merchant(rows, at.store.merchant_id)).currency
    found = read_zones(content, currency)
    faults = [each for each in found if isinstance(each, Fault)]
    if faults:
        return await _page(request, db, None, faults, file.filename)
    drafts = [each for each in found if isinstance(each, ZoneDraft)]

    async def work(tx: Transaction, at: Place, _: str) -> str:
        await store_zones(tx, at.store.id, drafts, retire_others=retire_others)
        return at.store.id

    return await _change(request, db, clock, "imported_delivery_zones", work)


@get(f"{_PATH}/zones.geojson", guards=_MAY, summary="The areas as GeoJSON")
async def export(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """What maps open and the import reads back."""
    async with db.reading() as rows:
        at = await place(request, rows)
        content = write_zones(await zones(rows, at.store.id), (await rules(rows, at.store.id)).point)
    return Response(
        content,
        media_type="application/geo+json",
        headers={"Content-Disposition": 'attachment; filename="zones.geojson"', "Cache-Control": "no-store"},
    )


router = Router("/", route_handlers=[show, change_rules, add, change, retire, take, export])
