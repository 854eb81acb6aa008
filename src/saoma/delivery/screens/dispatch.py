"""The dispatcher's list at the store: what waits, who brings what, what is late, what came back.

Everybody at a till may dispatch; couriers see their own only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.delivery import carrying
from saoma.delivery.carrying import Ended
from saoma.delivery.deliveries import delivery_at, happenings
from saoma.delivery.expecting import expected_at, late_minutes
from saoma.delivery.model import REASON_NAMES, STAGE_NAMES
from saoma.food.places import Place, place
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Refused
from saoma.web.page import fragment, page

_MAY: Final = [needs(May.DISPATCH)]
_Work = Callable[[Transaction, Place], Awaitable[object]]
#: What ended is shown for so long.
_SHOWN: Final = timedelta(hours=12)


async def _shown(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> dict[str, Any]:
    now = clock.now()
    async with db.reading() as rows:
        at = await place(request, rows)
        cards = await carrying.open_cards(rows, at.store.id)
        return {
            "at": at,
            "waiting": [card for card in cards if card.courier_id is None],
            "moving": [card for card in cards if card.courier_id is not None],
            "ended": await carrying.ended_cards(rows, at.store.id, now - _SHOWN),
            "couriers": await carrying.couriers(rows, at.store.id),
            "late": {card.id: late_minutes(card, now) for card in cards},
            "expected": {card.id: expected_at(card, now) for card in cards},
            "reason_names": {reason.value: name for reason, name in REASON_NAMES.items()},
            "refusal": refusal,
            "zone": at.store.zone,
        }


async def _answer(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> Response[Any]:
    return fragment(request, "delivery/dispatch.html", "list", **await _shown(request, db, clock, refusal))


@get("/deliveries", guards=_MAY, summary="All deliveries")
async def show(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """The whole screen."""
    return page(request, "delivery/dispatch.html", **await _shown(request, db, clock))


@get("/deliveries/list", guards=_MAY, summary="All deliveries, the list alone")
async def show_list(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """What the screen fetches when something changed."""
    return await _answer(request, db, clock)


@get("/deliveries/{delivery_id:str}", guards=_MAY, summary="One delivery's story")
async def show_one(request: AnyRequest, db: NamedDependency[Database], delivery_id: FromPath[str]) -> Response[Any]:
    """What happened to it, who did it and when."""
    async with db.reading() as rows:
        at = await place(request, rows)
        found = await delivery_at(rows, at.store.id, delivery_id)
        story = await happenings(rows, found.id)
    return page(
        request,
        "delivery/dispatch_one.html",
        at=at,
        it=found,
        story=story,
        stage_names=STAGE_NAMES,
        reason_names={reason.value: name for reason, name in REASON_NAMES.items()},
        zone=at.store.zone,
    )


async def _pressed(
    request: AnyRequest, db: Database, clock: Clock, delivery_id: str, what: str, work: _Work
) -> Response[Any]:
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            await work(tx, at)
            await audit.note(
                tx, clock, who=at.staff.id, what=what, subject=delivery_id, merchant_id=at.store.merchant_id
            )
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return await _answer(request, db, clock, refusal)
    return await _answer(request, db, clock)


@post("/deliveries/{delivery_id:str}/assign", guards=_MAY, status_code=200, summary="Send a courier")
async def assign(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """This one brings it; as long as it has not left, another one can."""
    courier_id = str((await request.form()).get("courier", ""))

    async def work(tx: Transaction, at: Place) -> object:
        return await carrying.assign(tx, at.store.id, delivery_id, courier_id, at.staff.id, clock.now())

    return await _pressed(request, db, clock, delivery_id, "sent_courier", work)


@post("/deliveries/{delivery_id:str}/give-back", guards=_MAY, status_code=200, summary="Take it from its courier")
async def give_back(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """It waits again."""

    async def work(tx: Transaction, at: Place) -> object:
        return await carrying.give_back(tx, at.store.id, delivery_id, at.staff.id, clock.now())

    return await _pressed(request, db, clock, delivery_id, "took_from_courier", work)


@post("/deliveries/{delivery_id:str}/packed", guards=_MAY, status_code=200, summary="It is packed")
async def packed(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """For shops without a screen in the kitchen."""

    async def work(tx: Transaction, at: Place) -> object:
        await carrying.packed(tx, at.store.id, delivery_id, clock.now())
        return None

    return await _pressed(request, db, clock, delivery_id, "packed_delivery", work)


@post("/deliveries/{delivery_id:str}/back", guards=_MAY, status_code=200, summary="It is back at the shop")
async def back(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    brought_orders: NamedDependency[Ended],
    delivery_id: FromPath[str],
) -> Response[Any]:
    """The delivery is over; a person decides about the money."""

    async def work(tx: Transaction, at: Place) -> object:
        return await carrying.bring_back(tx, at.store.id, delivery_id, at.staff, clock.now(), brought_orders)

    return await _pressed(request, db, clock, delivery_id, "brought_back", work)


router = Router("/", route_handlers=[show, show_list, show_one, assign, give_back, packed, back])
