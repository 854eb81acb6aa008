"""Offers on a diner's phone: what runs today, a field for a coupon code, and points that can be spent.

Points are a buyer's: only a phone whose buyer Alipay has told us sees and spends them."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.orders.discounts import Kind
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NotAllowed, Refused
from saoma.kit.money import Money
from saoma.marketing import points
from saoma.marketing.offers import names_of, running
from saoma.marketing.segments import segments
from saoma.marketing.words import sentence
from saoma.restaurant.coupons import enter_coupon, keep_points, use_points
from saoma.restaurant.screens.phone import table_context
from saoma.restaurant.screens.phone_bill import bill_again
from saoma.restaurant.visits import AnyRequest, Visit, at_table, visit
from saoma.web.page import fragment, language_of, page, wants_fragment

POINTS_IN_ALIPAY = "Open this table in Alipay to use your points."


async def _offers(request: AnyRequest, rows: Rows, seen: Visit) -> list[tuple[str, str]]:
    lang, place = language_of(request), seen.place
    every = [offer for offer in await running(rows, place.store_id) if not offer.needs_coupon]
    names = await names_of(rows, every)
    groups = {one.id: one.called(lang) for one in await segments(rows, place.store_id)}
    return [
        (
            offer.called(lang),
            sentence(offer, place.currency, names, lang, place.zone, groups.get(offer.segment_id or "", "")),
        )
        for offer in sorted(every, key=lambda offer: (-offer.priority, offer.id))
        if not offer.channels or "table" in offer.channels
    ]


async def _sheet(
    request: AnyRequest, db: Database, clock: Clock, code: str, refusal: Refused | None = None, typed: str = ""
) -> Response[Any]:
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
        meal, me = at_table(seen)
        known = bool(me.buyer_id) and me.buyer_id == seen.buyer_id
        have = await points.balance(rows, seen.place.store_id, seen.buyer_id, clock.now()) if known else 0
        context = table_context(seen) | {
            "offers": await _offers(request, rows, seen),
            "points": Money(have, seen.place.currency),
            "spent": next(
                (one for one in meal.discounts if one.kind is Kind.POINTS and one.source == me.buyer_id), None
            ),
            "refusal": refusal,
            "typed": typed,
        }
    if wants_fragment(request):
        return fragment(request, "restaurant/phone_offers.html", "sheet", **context)
    return page(request, "restaurant/phone_offers.html", status_code=refusal.status if refusal else 200, **context)


@get("/t/{code:str}/offers", summary="Offers, coupon and points")
async def offers_sheet(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """What runs here today, and what this guest can add to it."""
    return await _sheet(request, db, clock, code)


async def _bill(request: AnyRequest, db: Database, code: str) -> Response[Any]:
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return bill_again(request, seen)


@post("/t/{code:str}/coupon", status_code=200, summary="Enter a coupon code")
async def coupon(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Use a code on the table's bill; the bill shows what it takes off. The same code again changes nothing."""
    typed = str((await request.form()).get("coupon", ""))[:64]
    async with db.reading() as rows:
        meal, _ = at_table(await visit(request, rows, code))
    try:
        async with db.transaction() as tx:
            await enter_coupon(tx, meal.sitting.id, typed, clock.now())
    except Refused as refusal:
        return await _sheet(request, db, clock, code, refusal, typed)
    return await _bill(request, db, code)


@post("/t/{code:str}/points", status_code=200, summary="Use one's points, or don't")
async def spend(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """Take all of one's points off the bill, or (`keep`) none of them. Pressed twice, they are spent once."""
    keep = bool((await request.form()).get("keep"))
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    meal, me = at_table(seen)
    if not me.buyer_id or me.buyer_id != seen.buyer_id:
        raise NotAllowed(POINTS_IN_ALIPAY)
    try:
        async with db.transaction() as tx:
            if keep:
                await keep_points(tx, meal.sitting.id, me.buyer_id, clock.now())
            else:
                await use_points(tx, meal.sitting.id, me.buyer_id, clock.now())
    except Refused as refusal:
        return await _sheet(request, db, clock, code, refusal)
    return await _bill(request, db, code)


router = Router(path="/", route_handlers=[offers_sheet, coupon, spend])
