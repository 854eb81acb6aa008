"""The courier's phone: take the next order, pick it up, find the door, hand over by the customer's code.

Addresses and phone numbers are shown to the one who brings the order, and only while they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.delivery import carrying
from saoma.delivery.carrying import Ended, WrongCode
from saoma.delivery.expecting import late_minutes
from saoma.delivery.model import REASON_NAMES, Delivery, Reason
from saoma.delivery.quoting import rules
from saoma.delivery.zones import Point
from saoma.food.places import Place, place
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Invalid, Refused
from saoma.kit.ids import new_id
from saoma.web.page import fragment, page
from saoma.web.presses import press_key

_MAY: Final = [needs(May.DELIVER)]
_Work = Callable[[Transaction, Place], Awaitable[Delivery]]


async def _shown(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> dict[str, Any]:
    now = clock.now()
    async with db.reading() as rows:
        at = await place(request, rows)
        cards = await carrying.cards_of(rows, at.store.id, at.staff.id)
        waiting = [card for card in await carrying.open_cards(rows, at.store.id) if card.courier_id is None]
        known = await rules(rows, at.store.id)
    return {
        "at": at,
        "cards": cards,
        "waiting": len(waiting),
        "waiting_ready": sum(card.ready for card in waiting),
        "free": known.capacity - len(cards),
        "late": {card.id: late_minutes(card, now) for card in cards},
        "reasons": [(reason.value, REASON_NAMES[reason]) for reason in Reason],
        "on_the_way": any(card.picked_up_at for card in cards),
        "key": new_id("tap"),
        "refusal": refusal,
        "zone": at.store.zone,
    }


async def _answer(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> Response[Any]:
    return fragment(request, "delivery/courier.html", "list", **await _shown(request, db, clock, refusal))


async def _pressed(request: AnyRequest, db: Database, clock: Clock, work: _Work) -> Response[Any]:
    """Do one thing to one delivery; a refusal is said above the list as it stands now."""
    try:
        async with db.transaction() as tx:
            await work(tx, await place(request, tx))
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return await _answer(request, db, clock, refusal)
    return await _answer(request, db, clock)


@get("/courier", guards=_MAY, summary="Orders to bring")
async def show(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """The whole screen."""
    return page(request, "delivery/courier.html", **await _shown(request, db, clock))


@get("/courier/list", guards=_MAY, summary="Orders to bring, alone")
async def show_list(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """What the screen fetches when something changed."""
    return await _answer(request, db, clock)


@post("/courier/next", guards=_MAY, status_code=200, summary="Take the next order")
async def take_next(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """What waits longest; a finger that presses twice takes one."""
    key = press_key(await request.form())
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            found = await carrying.take_next(tx, at.store.id, at.staff, key, clock.now())
    except Refused as refusal:
        return await _answer(request, db, clock, refusal)
    refused = Refused("Nothing waits any more: somebody else was quicker.") if found is None else None
    return await _answer(request, db, clock, refused)


@post("/courier/place", guards=_MAY, status_code=204, summary="Where the courier is")
async def tell_place(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> None:
    """The phone's place, while something is on the way; the customer sees minutes, never the place."""
    form = await request.form()
    point = Point.read(str(form.get("latitude", "")), str(form.get("longitude", "")))
    async with db.transaction() as tx:
        at = await place(request, tx)
        await carrying.seen_at(tx, at.store.id, at.staff, point, clock.now())


@post("/courier/{delivery_id:str}/picked-up", guards=_MAY, status_code=200, summary="It is picked up")
async def picked_up(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """It leaves the shop."""
    return await _pressed(
        request,
        db,
        clock,
        lambda tx, at: carrying.pick_up(tx, at.store.id, delivery_id, at.staff, clock.now()),
    )


@post("/courier/{delivery_id:str}/near", guards=_MAY, status_code=200, summary="Almost there")
async def near(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """The customer can come to the door."""
    return await _pressed(
        request,
        db,
        clock,
        lambda tx, at: carrying.come_near(tx, at.store.id, delivery_id, at.staff, clock.now()),
    )


@post("/courier/{delivery_id:str}/delivered", guards=_MAY, status_code=200, summary="It is delivered")
async def delivered(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    brought_orders: NamedDependency[Ended],
    delivery_id: FromPath[str],
) -> Response[Any]:
    """With the customer's four digits, or with a word about whom it was left with."""
    form = await request.form()
    code, left = str(form.get("code", ""))[:12], str(form.get("left", ""))
    try:
        async with db.transaction() as tx:
            at = await place(request, tx)
            found = await carrying.hand_over(
                tx, at.store.id, delivery_id, at.staff, clock.now(), brought_orders, code=code, left=left
            )
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return await _answer(request, db, clock, refusal)
    wrong = None
    if isinstance(found, WrongCode):
        wrong = Refused("That is not the code. Ask the customer to read it from their phone.")
    return await _answer(request, db, clock, wrong)


@post("/courier/{delivery_id:str}/nobody", guards=_MAY, status_code=200, summary="It can't be delivered")
async def nobody(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """Nobody takes it: the customer's page calls them, the shop sees it."""
    try:
        reason = Reason(str((await request.form()).get("reason", "")))
    except ValueError:
        raise Invalid("Load the page again: it was too old for this.") from None
    return await _pressed(
        request,
        db,
        clock,
        lambda tx, at: carrying.fail(tx, at.store.id, delivery_id, at.staff, reason, clock.now()),
    )


@post("/courier/{delivery_id:str}/again", guards=_MAY, status_code=200, summary="Somebody is there after all")
async def again(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], delivery_id: FromPath[str]
) -> Response[Any]:
    """The customer called back."""
    return await _pressed(
        request,
        db,
        clock,
        lambda tx, at: carrying.try_again(tx, at.store.id, delivery_id, at.staff, clock.now()),
    )


@post("/courier/{delivery_id:str}/back", guards=_MAY, status_code=200, summary="It is back at the shop")
async def back(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    brought_orders: NamedDependency[Ended],
    delivery_id: FromPath[str],
) -> Response[Any]:
    """The delivery is over; a person decides about the money."""
    return await _pressed(
        request,
        db,
        clock,
        lambda tx, at: carrying.bring_back(tx, at.store.id, delivery_id, at.staff, clock.now(), brought_orders),
    )


router = Router(
    "/", route_handlers=[show, show_list, take_next, tell_place, picked_up, near, delivered, nobody, again, back]
)
