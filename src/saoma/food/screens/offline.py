"""Taking orders while the server can't be reached: the page that a browser keeps, what it must know, its queue's door.

The page is the same for everybody and holds nothing of a person, a bill or a payment; what a store sells comes as data,
which the browser forgets when somebody signs out. The orders themselves it keeps until they were taken here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.menu import menu
from saoma.food.model import Item, Menu
from saoma.food.orders import offline
from saoma.food.orders.offline import Replayers
from saoma.food.orders.offline_content import examine, tidy
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.money import Money
from saoma.web.installing import SHELL_HEADER
from saoma.web.page import language_of, page
from saoma.web.texts import money

_MAY = [needs(May.TAKE_ORDERS)]
#: The largest order our page writes, with room to spare: 200 dishes with 60 choices and a wish each.
_LARGEST = 2 * 1024 * 1024
_PRIVATE = {"Cache-Control": "no-store"}


class _Begin(msgspec.Struct, frozen=True):
    device: str
    begins: Annotated[int, msgspec.Meta(ge=0, le=10**12)] = 1


def _json(answer: Any) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), media_type="application/json", headers=_PRIVATE)


@get("/offline", guards=_MAY, summary="Take orders without the server")
async def show(request: AnyRequest) -> Response[Any]:
    """The page that a browser keeps. In practice it may not: a practice store is gone tomorrow."""
    kept = {} if request.session.get("practice") else {SHELL_HEADER: "page"}
    return page(request, "food/offline.html", headers=kept)


@get("/offline/data", guards=_MAY, summary="What a till must know to take orders without the server")
async def data(
    request: AnyRequest, db: NamedDependency[Database], replayers: NamedDependency[Replayers]
) -> Response[Any]:
    """The menu as guests see it, the places orders can go to, and who asks."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        shown = (await menu(rows, at.store.id)).visible()
        places = {kind: await one.places(rows, at.store.id) for kind, one in replayers.items()}
        waiting = await offline.count_in_trouble(rows, at.store.id)
    return _json(
        {
            "store": {"id": at.store.id, "name": at.store.name, "name_zh": at.store.name_zh},
            "staff": at.staff.id,
            "currency": shown.currency,
            "format": {lang: money(Money.zero(shown.currency), lang) for lang in ("en", "zh")},
            "places": places,
            "menu": _menu(shown),
            "waiting": waiting,
            "practice": bool(request.session.get("practice")),
        }
    )


def _menu(shown: Menu) -> list[dict[str, Any]]:
    return [
        {"name": section.name, "name_zh": section.name_zh, "items": [_item(item) for item in section.items]}
        for section in shown.sections
    ]


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "name_zh": item.name_zh,
        "price": item.price,
        "sold_out": item.sold_out,
        "photo": item.photo.url(160) if item.photo else "",
        "groups": [
            {
                "name": group.name,
                "name_zh": group.name_zh,
                "least": group.min_choices,
                "most": group.max_choices,
                "options": [
                    {
                        "id": option.id,
                        "name": option.name,
                        "name_zh": option.name_zh,
                        "change": option.price_change,
                        "sold_out": option.sold_out,
                    }
                    for option in group.options
                ],
            }
            for group in item.groups
        ],
    }


@post(
    "/offline/device",
    guards=_MAY,
    status_code=200,
    request_max_body_size=4096,
    summary="Make a device known that takes orders offline",
)
async def begin(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Answers the letter of its provisional numbers; a repeat answers the same."""
    try:
        asked = msgspec.json.decode(await request.body(), type=_Begin)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("Load the page again: it was too old for this.") from None
    if not (8 <= len(asked.device) <= 64 and asked.device.isascii() and asked.device.replace("_", "").isalnum()):
        raise Invalid("Load the page again: it was too old for this.")
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        paired = await terminal_at(request, tx, at.store.id)
        device = await offline.register(tx, at.store.id, asked.device, paired, asked.begins, clock.now())
    return _json({"id": device.id, "letter": device.letter, "done": device.last_seq})


@post(
    "/offline/orders",
    guards=_MAY,
    status_code=200,
    request_max_body_size=_LARGEST,
    summary="An order that was taken without the server",
)
async def take(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    replayers: NamedDependency[Replayers],
) -> Response[Any]:
    """Take one order of a device's queue; the same one again changes nothing and answers the same."""
    sent = offline.read(await request.body())
    async with db.reading() as rows:
        at = await standing_at(request, rows)
    taken = await offline.receive(db, clock, replayers, at.store.id, at.staff, sent)
    return _json(offline.answer(taken, language_of(request)))


async def _list(
    request: AnyRequest, db: Database, *, refusal: Refused | None = None, refused_id: str = ""
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        orders = await offline.in_trouble(rows, at.store.id)
        now = await menu(rows, at.store.id) if orders else None
    return page(
        request,
        "food/offline_orders.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        orders=[(one, examine(one.content, now)) for one in orders] if now is not None else [],
        money_of=lambda minor, currency: Money(minor, currency),
        refusal=refusal,
        refused_id=refused_id,
        zone=at.store.zone,
    )


@get("/till/offline", guards=_MAY, summary="Orders taken offline that wait for a person")
async def troubles(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Each with what is wrong and what can be done."""
    return await _list(request, db)


@post("/till/offline/{order_id:str}/again", guards=_MAY, summary="Order it as things stand now")
async def again(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    replayers: NamedDependency[Replayers],
    order_id: FromPath[str],
) -> Response[Any]:
    """Today's prices, without what can't be had; pressed twice, it is ordered once."""
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            done = await offline.order_anew(tx, replayers, at.store.id, order_id, at.staff.id, clock.now())
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="ordered_offline_anew",
                subject=done.id,
                merchant_id=at.store.merchant_id,
                detail={"order": done.landed_id, "why": done.why},
            )
    except (Conflict, Invalid) as refusal:
        return await _list(request, db, refusal=refusal, refused_id=order_id)
    return Redirect(done.landed_path or "/till/offline", status_code=HTTP_303_SEE_OTHER)


@post("/till/offline/{order_id:str}/drop", guards=_MAY, summary="Drop an order that nobody wants any more")
async def drop(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], order_id: FromPath[str]
) -> Response[Any]:
    """With a reason; the order stays in the book of orders taken offline."""
    reason = tidy(str((await request.form()).get("reason", "")), 200)
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            gone = await offline.drop(tx, at.store.id, order_id, at.staff.id, reason, clock.now())
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="dropped_offline_order",
                subject=gone.id,
                merchant_id=at.store.merchant_id,
                detail={"reason": reason},
            )
    except (Conflict, Invalid) as refusal:
        return await _list(request, db, refusal=refusal, refused_id=order_id)
    return Redirect("/till/offline", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show, data, begin, take, troubles, again, drop])
