"""The bill on a diner's phone: what is left, the whole of it or one's own dishes, and the way to the wallet.

What is paid is what was shown: when the bill changed in between, the phone sees the new amount and presses again."""

from __future__ import annotations

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
from saoma.restaurant.bill import NOTHING_LEFT, Choice, OwnDishes, ShareState, Whole
from saoma.restaurant.screens.phone import table_context
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tables import path_of
from saoma.restaurant.visits import AnyRequest, Visit, at_table, visit
from saoma.web.page import fragment, language_of, page, wants_fragment

PAY_IN_ALIPAY = "Open this table in Alipay to pay here, or pay at the till."
AMOUNT_CHANGED = "The bill changed while you were looking. Check the amount and press again."


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


def _choice(text: str, guest_id: str) -> Choice:
    match text:
        case "whole":
            return Whole()
        case "mine":
            return OwnDishes(guest_id)
        case _:
            raise Invalid("Choose what to pay: the whole bill or your own dishes.")


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
    """Open a payment for the whole bill or one's own dishes and go to its page. Pressing twice opens one payment."""
    form = await request.form()
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    meal, me = at_table(seen)
    if not me.buyer_id or me.buyer_id != seen.buyer_id:
        raise NotAllowed(PAY_IN_ALIPAY)
    choice = _choice(str(form.get("choice", "")), me.id)
    key = f"{me.id}:{str(form.get('key', ''))[:64] or new_id('tap')}"
    async with db.reading() as rows:
        earlier = await payment_by_key(rows, KIND, meal.sitting.id, key)
    if earlier is not None:
        return _to_payment(request, earlier)
    portion = meal.bill.portion(choice)
    shown = str(form.get("amount", ""))
    try:
        if not portion.amount:
            raise Conflict(NOTHING_LEFT)
        if shown != str(portion.amount.minor):
            raise Conflict(AMOUNT_CHANGED)
        payment = await checkout.pay_in_wallet(
            store_id=seen.place.store_id,
            buyer_id=me.buyer_id,
            amount=portion.amount,
            subject=_subject(request, seen),
            payable_kind=KIND,
            payable_id=meal.sitting.id,
            part=part_of(choice, portion, me.id),
            key=key,
        )
    except Conflict as refusal:
        if not wants_fragment(request):
            raise
        async with db.reading() as rows:
            seen = await visit(request, rows, code)
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


router = Router(path="/", route_handlers=[bill_sheet, pay, let_go])
