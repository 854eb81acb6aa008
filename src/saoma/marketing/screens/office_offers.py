"""The office's offers: what runs and what it brought, a form that reads itself back as a sentence, coupon codes.

An offer is a draft until it is begun; what has begun is not changed, only paused and ended. Every step is audited."""

from __future__ import annotations

import csv
import io
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.menu import menu
from saoma.food.model import Menu
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid, NotFound, Refused
from saoma.kit.money import Money
from saoma.marketing import coupons, measuring, offer_form, offers
from saoma.marketing.model import Offer, OfferStatus
from saoma.marketing.reckoning import there
from saoma.marketing.segments import Segment, segments
from saoma.marketing.trying import tried
from saoma.marketing.words import CHANNELS, DAYS, sentence
from saoma.web.page import fragment, language_of, page

_EDIT = [needs(May.EDIT_OFFERS)]
_TURNS = {"begin": OfferStatus.RUNNING, "pause": OfferStatus.PAUSED, "end": OfferStatus.ENDED}


async def _menu(rows: Rows, store_id: str) -> Menu | None:
    try:
        return await menu(rows, store_id)
    except NotFound:
        return None


def _said(offer: Offer, currency: str, names: Any, groups: list[Segment], lang: str, zone: str) -> str:
    group = next((one.called(lang) for one in groups if one.id == offer.segment_id), "")
    return sentence(offer, currency, names, lang, zone, group)


@get("/office/offers", guards=_EDIT, summary="Offers")
async def show_offers(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Every offer with its state, what is left of its budget, and what it brought."""
    lang = language_of(request)
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        card = await _menu(rows, at.store.id)
        every = await offers.every(rows, at.store.id)
        names = await offers.names_of(rows, every)
        groups = await segments(rows, at.store.id)
        given = await measuring.given(rows, at.store.id, at.store.zone, clock.now())
        effects = {
            offer.id: await measuring.measured(rows, offer, clock.now())
            for offer in every
            if offer.status is not OfferStatus.DRAFT
        }
    currency = card.currency if card else ""
    return page(
        request,
        "marketing/office_offers.html",
        at=at,
        menu=card,
        offers=every,
        said={one.id: _said(one, currency, names, groups, lang, at.store.zone) for one in every},
        given=given,
        effects=effects,
        sum=lambda minor: Money(round(minor), currency),
    )


async def _form(
    request: AnyRequest, at: Counter, card: Menu, groups: list[Segment], values: Any, refusal: Refused | None = None
) -> Response[Any]:
    kind = str(values.get("kind", ""))
    return page(
        request,
        "marketing/office_offer_form.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        menu=card,
        groups=groups,
        kind=kind,
        recipe=offer_form.RECIPES.get(kind),
        recipes=offer_form.RECIPES,
        values=values,
        chosen=lambda name: [str(one) for one in values.getall(name, [])] if hasattr(values, "getall") else [],
        days=DAYS,
        channels=CHANNELS,
        refusal=refusal,
        currency=card.currency,
        preview=None,
    )


@get("/office/offers/new", guards=_EDIT, summary="A new offer")
async def new_offer(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The kinds of offers to choose from, then the form of the one that was chosen."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        card = await _menu(rows, at.store.id)
        groups = await segments(rows, at.store.id)
    if card is None:
        return Redirect("/office/menu", status_code=HTTP_303_SEE_OTHER)
    kind = request.query_params.get("kind", "")
    recipe = offer_form.RECIPES.get(kind)
    values = {"kind": kind, **(recipe.start if recipe else {})}
    return await _form(request, at, card, groups, values)


def _read(form: Any, at: Counter, card: Menu, groups: list[Segment]) -> Offer:
    return offer_form.read(
        form,
        store_id=at.store.id,
        currency=card.currency,
        zone=at.store.zone,
        sections=[section.id for section in card.sections],
        items=[item.id for section in card.sections for item in section.items],
        groups=[one.id for one in groups],
    )


async def _known(request: AnyRequest, rows: Rows) -> tuple[Counter, Menu, list[Segment]]:
    at = await standing_at(request, rows)
    return at, await menu(rows, at.store.id), await segments(rows, at.store.id)


def _quantity(text: object) -> int:
    number = str(text)
    return min(int(number), 99) if number.isdecimal() else 0


@post("/office/offers/preview", guards=_EDIT, status_code=200, summary="An offer as a diner reads it")
async def preview(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """The offer as a sentence in both languages, and what it does to a basket; nothing is kept."""
    form = await request.form()
    seen: dict[str, Any] = {}
    async with db.reading() as rows:
        at, card, groups = await _known(request, rows)
        try:
            offer = _read(form, at, card, groups)
            names = await offers.names_of(rows, [offer])
            wanted = {
                name.removeprefix("try-"): _quantity(value)
                for name, value in form.multi_items()
                if name.startswith("try-")
            }
            seen = {
                "offer": offer,
                "english": _said(offer, card.currency, names, groups, "en", at.store.zone),
                "chinese": _said(offer, card.currency, names, groups, "zh", at.store.zone),
                "tried": tried(offer, wanted, card, there(clock.now(), at.store.zone)),
            }
        except Invalid as refusal:
            seen = {"refused": refusal}
    return fragment(
        request, "marketing/office_offer_form.html", "preview", preview=seen, zone=at.store.zone, currency=card.currency
    )


@post("/office/offers", guards=_EDIT, status_code=200, summary="Keep an offer")
async def create(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Keep it as a draft, or begin it at once."""
    form = await request.form()
    begin = str(form.get("then", "")) == "begin"
    try:
        async with db.transaction() as tx:
            at, card, groups = await _known(request, tx)
            made = await offers.store_offer(tx, _read(form, at, card, groups), clock.now(), at.staff.id)
            if begin:
                await offers.turn(tx, at.store.id, made.id, OfferStatus.RUNNING, clock.now())
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="began_offer" if begin else "made_offer",
                subject=made.id,
                merchant_id=at.store.merchant_id,
                detail={"name": made.name, "mechanism": made.mechanism.value},
            )
    except Invalid as refusal:
        async with db.reading() as rows:
            at, card, groups = await _known(request, rows)
        return await _form(request, at, card, groups, form, refusal)
    return Redirect(f"/office/offers/{made.id}", status_code=HTTP_303_SEE_OTHER)


async def _offer(
    request: AnyRequest, db: Database, clock: Clock, offer_id: str, refusal: Refused | None = None
) -> Response[Any]:
    lang = language_of(request)
    async with db.reading() as rows:
        at, card, groups = await _known(request, rows)
        offer = await offers.offer_at(rows, at.store.id, offer_id)
        names = await offers.names_of(rows, [offer])
        given = await measuring.given(rows, at.store.id, at.store.zone, clock.now())
        effect = await measuring.measured(rows, offer, clock.now())
        made = await coupons.batches(rows, offer.id)
    return page(
        request,
        "marketing/office_offer.html",
        status_code=refusal.status if refusal else 200,
        at=at,
        offer=offer,
        said=_said(offer, card.currency, names, groups, lang, at.store.zone),
        given=given.get(offer.id),
        effect=effect,
        batches=made,
        refusal=refusal,
        zone=at.store.zone,
        sum=lambda minor: Money(round(minor), card.currency),
    )


@get("/office/offers/{offer_id:str}", guards=_EDIT, summary="One offer")
async def show_offer(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], offer_id: FromPath[str]
) -> Response[Any]:
    """Its sentence, its state, what it gave, its measured effect, its coupon codes."""
    return await _offer(request, db, clock, offer_id)


@post("/office/offers/{offer_id:str}/turn", guards=_EDIT, status_code=200, summary="Begin, pause or end an offer")
async def turn(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], offer_id: FromPath[str]
) -> Response[Any]:
    """What was given stays given; bills that are open are reckoned anew when they change."""
    to = str((await request.form()).get("to", ""))
    try:
        if to not in _TURNS:
            raise Invalid("Load the page again: it was too old for this.")
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await offers.turn(tx, at.store.id, offer_id, _TURNS[to], clock.now())
            await audit.note(
                tx, clock, who=at.staff.id, what=f"{to}_offer", subject=offer_id, merchant_id=at.store.merchant_id
            )
    except Refused as refusal:
        if isinstance(refusal, NotFound):
            raise
        return await _offer(request, db, clock, offer_id, refusal)
    return Redirect(f"/office/offers/{offer_id}", status_code=HTTP_303_SEE_OTHER)


@post("/office/offers/{offer_id:str}/coupons", guards=_EDIT, status_code=200, summary="Make coupon codes")
async def make_codes(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], offer_id: FromPath[str]
) -> Response[Any]:
    """A batch of codes, to hand out or print."""
    count = str((await request.form()).get("count", ""))
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            number = int(count) if count.isdecimal() else 0
            batch = await coupons.make_batch(tx, at.store.id, offer_id, number, clock.now())
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="made_coupons",
                subject=offer_id,
                merchant_id=at.store.merchant_id,
                detail={"batch": batch, "count": number},
            )
    except Refused as refusal:
        if isinstance(refusal, NotFound):
            raise
        return await _offer(request, db, clock, offer_id, refusal)
    return Redirect(f"/office/offers/{offer_id}", status_code=HTTP_303_SEE_OTHER)


@get("/office/offers/{offer_id:str}/coupons/{batch:str}", guards=_EDIT, summary="Coupon codes as a file")
async def export_codes(
    request: AnyRequest, db: NamedDependency[Database], offer_id: FromPath[str], batch: FromPath[str]
) -> Response[Any]:
    """The codes of one batch as CSV: the code as people read it, and whether it was used."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        await offers.offer_at(rows, at.store.id, offer_id)
        every = await coupons.codes(rows, offer_id, batch)
    if not every:
        raise NotFound(offers.NO_SUCH_OFFER)
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["code", "used"])
    table.writerows([coupons.printed(one.code), "yes" if one.tab_id else "no"] for one in every)
    return Response(
        file.getvalue().encode(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="coupons-{batch[-6:]}.csv"',
            "Cache-Control": "no-store",
        },
    )


router = Router(
    "/", route_handlers=[show_offers, new_offer, preview, create, show_offer, turn, make_codes, export_codes]
)
