"""The tablet: carried to a table or standing at the exit, it checks bills out, one question at a time.

It collects payments through the same interface as the till: the customer's code scanned, or a code to scan on its own
screen. Everything chosen so far is in the address; what is charged is what the last page showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import Checkout
from saoma.checkout.panes import pane_of
from saoma.checkout.receipt import receipt_path
from saoma.food.orders.discounts import discounts_of
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.ids import new_id
from saoma.kit.money import total
from saoma.kit.seal import Seal
from saoma.payments.of_payable import payment_by_key
from saoma.restaurant import showing, sittings
from saoma.restaurant.bill import NOTHING_LEFT, TOO_MUCH
from saoma.restaurant.bills import open_bills
from saoma.restaurant.rules import rules_of
from saoma.restaurant.screens.till import bill_at
from saoma.restaurant.screens.till_paying import AMOUNT_CHANGED, bill_of_code, payment_here, subject_of
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.taking import How, Step, Taking, taking_of
from saoma.restaurant.tips import percent_of
from saoma.settings import Settings
from saoma.web.page import page
from saoma.web.presses import press_key

NO_TABLE_CODE: Final = "This is not the code of a table with an open bill here. Choose the bill by hand."


def path_to(sitting_id: str) -> str:
    """Where one bill is on the tablet."""
    return f"/tablet/bills/{sitting_id}"


@get("/tablet", guards=[needs(May.SEE_BILLS)], summary="The tablet")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Open bills as large tiles; a table's code opens its bill."""
    return await _tiles(request, db)


async def _tiles(request: AnyRequest, db: Database, refusal: Refused | None = None) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        tiles = [tile for tile in await open_bills(rows, at.store.id) if tile.ordered]
    status = refusal.status if refusal else 200
    context: dict[str, Any] = {"at": at, "tiles": tiles, "refusal": refusal, "zone": at.store.zone}
    return page(request, "restaurant/tablet.html", status_code=status, **context)


@post("/tablet/scan", guards=[needs(May.SEE_BILLS)], summary="A table's code was scanned at the tablet")
async def scan(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Go to the bill of the table."""
    sitting_id = await bill_of_code(request, db, str((await request.form()).get("code", "")))
    if sitting_id is None:
        return await _tiles(request, db, Invalid(NO_TABLE_CODE))
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


async def _asked(
    rows: Rows, at: Counter, sitting_id: str, asked: Mapping[str, str], lines: list[str]
) -> tuple[dict[str, Any], Taking]:
    """The bill, and the next question about it."""
    sitting, table = await bill_at(rows, at, sitting_id)
    meal = await sittings.meal(rows, sitting)
    tips = (await rules_of(rows, at.store.id)).tips
    discounts = await discounts_of(rows, sitting.tab_id)
    taking = taking_of(asked, lines, meal.bill, tips, len(meal.guests))
    context = {
        "at": at,
        "sitting": sitting,
        "table": table,
        "meal": meal,
        "bill": meal.bill,
        "people": meal.guests,
        "discounts": discounts,
        "before": meal.bill.ordered + total((each.amount for each in discounts), sitting.currency),
        "tips": tips,
        "taking": taking,
        "zone": at.store.zone,
    }
    return context, taking


async def _bill(
    request: AnyRequest,
    db: Database,
    sitting_id: str,
    asked: Mapping[str, str],
    lines: list[str],
    refusal: Refused | None = None,
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        context, taking = await _asked(rows, at, sitting_id, asked, lines)
    bill = context["bill"]
    if not bill.left or not at.takes_payments or not context["sitting"].is_open:
        context["taking"] = taking = Taking(Step.BILL)
    return page(
        request,
        "restaurant/tablet_bill.html",
        status_code=refusal.status if refusal else 200,
        **context,
        refusal=refusal or taking.problem,
        key=new_id("tap"),
        path=path_to(sitting_id),
        by_person=showing.by_person,
        due_of=showing.due_of,
        even=bill.even_part(taking.people) if taking.step is Step.PEOPLE else None,
        percent_of=percent_of,
    )


@get("/tablet/bills/{sitting_id:str}", guards=[needs(May.SEE_BILLS)], summary="One bill on the tablet")
async def bill(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """The bill explained, or the next question on the way to its payment."""
    asked = request.query_params
    return await _bill(request, db, sitting_id, asked, [str(line) for line in asked.getall("line", [])])


@post("/tablet/bills/{sitting_id:str}/pay", guards=[needs(May.TAKE_PAYMENTS)], summary="Collect a payment")
async def pay(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], sitting_id: FromPath[str]
) -> Response[Any]:
    """Charge the scanned code, or show a code to scan (`by=code`). A repeated press shows the same payment."""
    form = await request.form()
    asked = {name: str(value) for name, value in form.items() if name != "line"}
    lines = [str(line) for line in form.getall("line", [])]
    scanned = asked.get("payment_code", "")
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        context, taking = await _asked(rows, at, sitting_id, asked, lines)
        terminal_id = await terminal_at(request, rows, at.store.id)
        key = press_key(asked, whose=at.staff.id)
        earlier = await payment_by_key(rows, KIND, sitting_id, key)
    if earlier is not None:
        return Redirect(f"{path_to(sitting_id)}/payments/{earlier}", status_code=HTTP_303_SEE_OTHER)
    try:
        portion = taking.portion
        if not context["bill"].left:
            raise Conflict(NOTHING_LEFT)
        if portion is None or taking.step is not Step.PAY or not portion.amount:
            raise Conflict(TOO_MUCH)
        if asked.get("shown", "") != str(portion.charged.minor):
            raise Conflict(AMOUNT_CHANGED)
        if taking.how is How.DISHES and len(taking.lines) != len(lines):
            raise Conflict(AMOUNT_CHANGED)
        wish: dict[str, Any] = {
            "store_id": at.store.id,
            "terminal_id": terminal_id,
            "staff": at.staff,
            "amount": portion.charged,
            "subject": subject_of(request, at, context["table"]),
            "payable_kind": KIND,
            "payable_id": sitting_id,
            "part": part_of(taking.choice, portion),
            "key": key,
        }
        if asked.get("by") == "code":
            payment = await checkout.pay_by_order_code(**wish)
        else:
            payment = await checkout.pay_by_barcode(**wish, payment_code=scanned)
    except (Invalid, Conflict) as refusal:
        return await _bill(request, db, sitting_id, asked, lines, refusal)
    return Redirect(f"{path_to(sitting_id)}/payments/{payment.id}", status_code=HTTP_303_SEE_OTHER)


@get(
    "/tablet/bills/{sitting_id:str}/payments/{payment_id:str}",
    guards=[needs(May.TAKE_PAYMENTS)],
    summary="One payment on the tablet",
)
async def payment_pane(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    sitting_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The whole screen says how the payment stands; once it is paid, the customer may scan the receipt."""
    payment = await payment_here(request, db, sitting_id, payment_id)
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        left = (await sittings.bill_of(rows, sitting)).left
    return page(
        request,
        "restaurant/tablet_payment.html",
        at=at,
        table=table,
        **await pane_of(request, checkout, payment),
        done=path_to(sitting_id) if left else "/tablet",
        receipt=settings.public_url.rstrip("/") + receipt_path(seal, payment.id),
        zone=at.store.zone,
    )


router = Router(path="/", route_handlers=[show, scan, bill, pay, payment_pane])
