"""The bill on a diner's phone: what is left, every way to pay it with or without a tip, and the way to the wallet.

What is paid is what was shown: when the bill changed in between, the phone sees the new amount and presses again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import Checkout
from saoma.food.model import called
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.payments.of_payable import payment_by_key
from saoma.payments.payments import Payments
from saoma.restaurant.bill import NOTHING_LEFT, PART_CHANGED, OwnDishes, ShareState, Whole
from saoma.restaurant.screens.phone import follow, table_context
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tables import path_of
from saoma.restaurant.visits import AnyRequest, Moved, Visit, at_table, visit
from saoma.restaurant.ways import ways_of
from saoma.web.page import fragment, language_of, page, wants_fragment
from saoma.web.presses import press_key

PAY_IN_ALIPAY = "Open this table in Alipay to pay here, or pay at the till."
AMOUNT_CHANGED = PART_CHANGED
OWN_TIP = "Other"


def _context(seen: Visit, refusal: Refused | None) -> dict[str, Any]:
    meal, me = at_table(seen)
    bill = meal.bill
    return table_context(seen) | {
        "refusal": refusal,
        "whole": bill.portion(Whole()),
        "mine": bill.portion(OwnDishes(me.id)),
        "open_shares": [share for share in meal.shares if share.state == ShareState.HELD],
        "key": new_id("tap"),
    }


def _answer(request: AnyRequest, seen: Visit, refusal: Refused | None = None) -> Response[Any]:
    context = _context(seen, refusal)
    if wants_fragment(request):
        return fragment(request, "restaurant/phone_bill.html", "sheet", **context)
    return page(request, "restaurant/phone_bill.html", **context)


def bill_again(request: AnyRequest, seen: Visit) -> Response[Any]:
    """The bill, after something else changed it."""
    return _answer(request, seen)


def _ways_context(seen: Visit, form: Mapping[str, str], refusal: Refused | None) -> dict[str, Any]:
    meal, me = at_table(seen)
    if not me.buyer_id or me.buyer_id != seen.buyer_id:
        raise NotAllowed(PAY_IN_ALIPAY)
    ways = ways_of(form, meal.bill, me.id, meal.sitting.split_ways, len(meal.guests))
    return table_context(seen) | {
        "refusal": refusal,
        "ways": ways,
        "tip_words": [*((str(percent), f"{percent}%") for percent in seen.place.tips), ("own", OWN_TIP)],
        "key": new_id("tap"),
    }


def _ways(request: AnyRequest, seen: Visit, form: Mapping[str, str], refusal: Refused | None = None) -> Response[Any]:
    context = _ways_context(seen, form, refusal)
    words = texts(language_of(request))
    context["tip_words"] = [(value, words(text)) for value, text in context["tip_words"]]
    if wants_fragment(request):
        return fragment(request, "restaurant/phone_ways.html", "sheet", **context)
    return page(request, "restaurant/phone_ways.html", **context)


@get("/t/{code:str}/ways", summary="The ways to pay")
async def ways_sheet(request: AnyRequest, db: NamedDependency[Database], code: FromPath[str]) -> Response[Any]:
    """What each way comes to now: an even part, one's own dishes, the rest, an amount; and the tip on top."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return _ways(request, seen, request.query_params)


@get("/t/{code:str}/bill", summary="The bill of a table")
async def bill_sheet(request: AnyRequest, db: NamedDependency[Database], code: FromPath[str]) -> Response[Any]:
    """What was ordered by whom, what is paid, who is paying now, and what this phone may pay."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return _answer(request, seen)


@post("/t/{code:str}/pay", status_code=200, summary="Pay in the wallet")
async def pay(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], code: FromPath[str]
) -> Response[Any]:
    """Open a payment for a part of the bill, with its tip, and go to its page. Pressing twice opens one payment."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    meal, me = at_table(seen)
    if not me.buyer_id or me.buyer_id != seen.buyer_id:
        raise NotAllowed(PAY_IN_ALIPAY)
    key = press_key(form, whose=me.id)
    async with db.reading() as rows:
        earlier = await payment_by_key(rows, KIND, meal.sitting.id, key)
    if earlier is not None:
        return _to_payment(request, earlier)
    wish = ways_of({"choice": "none"} | form, meal.bill, me.id, meal.sitting.split_ways, len(meal.guests))
    portion = wish.portion
    try:
        if wish.problem is not None:
            raise wish.problem
        if not portion.amount:
            raise Conflict(NOTHING_LEFT)
        if form.get("amount", "") != str(portion.charged.minor):
            raise Conflict(AMOUNT_CHANGED)
        payment = await checkout.pay_in_wallet(
            store_id=seen.place.store_id,
            buyer_id=me.buyer_id,
            amount=portion.charged,
            subject=_subject(request, seen),
            payable_kind=KIND,
            payable_id=meal.sitting.id,
            part=part_of(wish.choice, portion, me.id),
            key=key,
        )
    except (Conflict, Invalid) as refusal:
        if not wants_fragment(request) and form.get("sheet") != "ways":
            raise
        async with db.reading() as rows:
            seen = await visit(request, rows, code)
        if form.get("sheet") == "ways":
            return _ways(request, seen, form, refusal)
        return _answer(request, seen, refusal)
    return _to_payment(request, payment.id)


def _subject(request: AnyRequest, seen: Visit) -> str:
    """What the wallet says the money is for, in the language of whoever pays."""
    lang, place = language_of(request), seen.place
    merchant = called(place.merchant_name, place.merchant_name_zh, lang)
    table = texts(lang)("Table {name}", name=place.table_name) if place.table_name.isdecimal() else place.table_name
    return f"{merchant} · {table}"


def _to_payment(request: AnyRequest, payment_id: str) -> Response[Any]:
    where = f"/pay/{payment_id}"
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": where})
    return Redirect(where, status_code=HTTP_303_SEE_OTHER)


@post("/t/{code:str}/payments/{payment_id:str}/let-go", status_code=200, summary="Give up one's own open payment")
async def let_go(
    request: AnyRequest,
    db: NamedDependency[Database],
    payments: NamedDependency[Payments],
    code: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Cancel one's own payment that is still open, so that its part of the bill is free again."""
    async with db.reading() as rows:
        meal, me = at_table(await visit(request, rows, code))
    share = next((share for share in meal.shares if share.payment_id == payment_id), None)
    if share is None or share.guest_id != me.id:
        raise NotFound("There is no such payment of yours here.")
    if share.state == ShareState.HELD:
        await payments.give_up(payment_id, by=me.id)
    if not wants_fragment(request):
        return Redirect(path_of(code) + "/bill", status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return _answer(request, seen)


router = Router(path="/", route_handlers=[bill_sheet, ways_sheet, pay, let_go], exception_handlers={Moved: follow})
