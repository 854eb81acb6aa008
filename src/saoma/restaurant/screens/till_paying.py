"""Taking money and giving it back at the till: the scanned code, the pane while Alipay thinks, refunds.

What is taken is what the screen showed: everything that is left, the dishes ticked, or the amount typed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout import giving_back
from saoma.checkout.checkout import Checkout
from saoma.checkout.panes import pane_of
from saoma.food.model import called
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.i18n import texts
from saoma.kit.money import Money
from saoma.payments.model import Payment
from saoma.payments.of_payable import payment_by_key
from saoma.restaurant import moving, sittings
from saoma.restaurant.bill import NOTHING_LEFT, TOO_MUCH, AnyAmount, Bill, Choice, Even, Portion, TheseDishes, Whole
from saoma.restaurant.model import Sitting, Table
from saoma.restaurant.screens.till import (
    NO_SUCH_BILL,
    bill_at,
    path_to,
    show_bill,
    tiles_context,
)
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tips import TIP, tip_on
from saoma.web.page import fragment, language_of, moved_to, page, wants_fragment
from saoma.web.presses import press_key

AMOUNT_CHANGED: Final = "The bill changed meanwhile. Check the amount and scan again."
MORE_THAN_LEFT: Final = "That is more than what is left on this bill."
CHOOSE_A_BILL: Final = "Choose the bill first, then scan the customer's payment code."

_TABLE_CODE: Final = re.compile(r"/t/([0-9a-z]{8,32})")


def wanted(bill: Bill, lines: list[str], typed: str, ways: str = "") -> Choice:
    """What the cashier chose: a typed amount before an even part, ticked dishes, everything. Raises `Invalid`."""
    if typed.strip():
        amount = Money.parse(typed, bill.currency)
        if amount > bill.left:
            raise Invalid(MORE_THAN_LEFT)
        return AnyAmount(amount)
    if ways.strip():
        return Even(int(ways) if ways.isascii() and ways.isdecimal() and len(ways) < 4 else 0)
    return TheseDishes(frozenset(lines)) if lines else Whole()


async def bill_of_code(request: AnyRequest, db: Database, scanned: str) -> str | None:
    """The open bill of a table whose own code was scanned at the till."""
    code = _TABLE_CODE.search(scanned)
    if code is None:
        return None
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        return await rows.value(  # type: ignore[no-any-return]
            "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id"
            " WHERE t.code = %(code)s AND s.store_id = %(store)s AND s.status = 'open'",
            {"code": code[1], "store": at.store.id},
        )


@post("/till/scan", guards=[needs(May.SEE_BILLS)], status_code=200, summary="A scan while no bill is chosen")
async def scan(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """A table's code opens its bill; a payment code needs a bill first."""
    scanned = str((await request.form()).get("payment_code", ""))
    sitting_id = await bill_of_code(request, db, scanned)
    if sitting_id is None:
        raise Invalid(CHOOSE_A_BILL)
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": path_to(sitting_id)})
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


@post("/till/bills/{sitting_id:str}/pay", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Charge a scan")
async def pay(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], sitting_id: FromPath[str]
) -> Response[Any]:
    """Charge the scanned payment code and show the pane. A repeated submit shows the same payment."""
    form = await request.form()
    scanned = str(form.get("payment_code", ""))
    other = await bill_of_code(request, db, scanned)
    if other is not None:
        return _go(request, path_to(other))

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_barcode(**wish.of_bill(), payment_code=scanned)

    return await taken(request, db, checkout, sitting_id, take)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a cashier wants to take of one bill, checked against what the screen showed."""

    at: Counter
    sitting: Sitting
    subject: str
    choice: Choice
    portion: Portion
    terminal_id: str
    key: str

    def of_bill(self) -> dict[str, Any]:
        """What every way to pay at the till is told."""
        return {
            "store_id": self.at.store.id,
            "terminal_id": self.terminal_id,
            "staff": self.at.staff,
            "amount": self.portion.charged,
            "subject": self.subject,
            "payable_kind": KIND,
            "payable_id": self.sitting.id,
            "part": part_of(self.choice, self.portion),
            "key": self.key,
        }


async def taken(
    request: AnyRequest,
    db: Database,
    checkout: Checkout,
    sitting_id: str,
    take: Callable[[Wish], Awaitable[Payment]],
) -> Response[Any]:
    """Take what the form says by `take` and show the payment; a refusal shows the bill again with its sentence.

    A repeated submit shows the same payment."""
    form = await request.form()
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        bill = await sittings.bill_of(rows, sitting)
        terminal_id = await terminal_at(request, rows, at.store.id)
        key = press_key(form, whose=at.staff.id)
        earlier = await payment_by_key(rows, KIND, sitting_id, key)
    if earlier is not None:
        return await show_payment(request, db, checkout, sitting_id, earlier)
    try:
        ticked = [str(line) for line in form.getall("line", [])]
        choice = wanted(bill, ticked, str(form.get("typed", "")), str(form.get("ways", "")))
        portion = bill.portion(choice)
        if not portion.amount:
            raise Conflict(TOO_MUCH if bill.owed else NOTHING_LEFT)
        shown = str(form.get("shown", ""))
        if shown and shown != str(portion.amount.minor):
            raise Conflict(AMOUNT_CHANGED)
        portion = replace(portion, tip=tip_on(portion.amount, "own", str(form.get("tip", "")), bill).minor)
        subject = subject_of(request, at, table)
        payment = await take(Wish(at, sitting, subject, choice, portion, terminal_id, key))
    except (Invalid, Conflict) as refusal:
        return await show_bill(request, db, sitting_id, status_code=refusal.status, refusal=refusal)
    return await show_payment(request, db, checkout, sitting_id, payment.id)


def subject_of(request: AnyRequest, at: Counter, table: Table) -> str:
    """What the customer's wallet says the money is for."""
    lang = language_of(request)
    seat = texts(lang)("Table {name}", name=table.name) if table.name.isdecimal() else table.name
    return f"{called(at.store.name, at.store.name_zh, lang)} · {seat}"


def _go(request: AnyRequest, where: str) -> Response[Any]:
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": where})
    return Redirect(where, status_code=HTTP_303_SEE_OTHER)


async def payment_here(request: AnyRequest, db: Database, sitting_id: str, payment_id: str) -> Payment:
    """A payment of this bill, or of one that was put together with it. Raises `NotFound` for any other."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        await bill_at(rows, at, sitting_id)
        for payment in await moving.payments_on(rows, KIND, sitting_id):
            if payment.id == payment_id:
                return payment
    raise NotFound(NO_SUCH_BILL)


async def show_payment(
    request: AnyRequest, db: Database, checkout: Checkout, sitting_id: str, payment_id: str
) -> Response[Any]:
    """The pane of one payment of this bill, alone for htmx; what staff took shows its change."""
    payment = await payment_here(request, db, sitting_id, payment_id)
    where = f"{path_to(sitting_id)}/payments/{payment_id}"
    context = await pane_of(request, checkout, payment) | {"done": path_to(sitting_id)}
    if wants_fragment(request):
        return fragment(request, "restaurant/till_payment.html", "pane", headers=moved_to(request, where), **context)
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        tiles = await tiles_context(rows, at, sitting_id)
    return page(request, "restaurant/till_payment.html", **context | tiles)


@get(
    "/till/bills/{sitting_id:str}/payments/{payment_id:str}",
    guards=[needs(May.TAKE_PAYMENTS)],
    summary="One payment on the till",
)
async def payment_pane(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    sitting_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The pane of a payment: waiting, paid, failed."""
    return await show_payment(request, db, checkout, sitting_id, payment_id)


@post(
    "/till/bills/{sitting_id:str}/payments/{payment_id:str}/refund",
    guards=[needs(May.REFUND, May.ASK_REFUNDS)],
    status_code=200,
    summary="Give money back",
)
async def refund(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    sitting_id: FromPath[str],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Refund a payment in full, by dishes, or by an amount, with a reason. A repeated submit refunds once.

    What is above the person's own limit waits for a second one."""
    payment = await payment_here(request, db, sitting_id, payment_id)
    form = await request.form()
    draft = giving_back.draft_of(form, payment.id)
    refusal: Refused | None = None
    try:
        async with db.reading() as rows:
            at = await standing_at(request, rows)
            sitting, _ = await bill_at(rows, at, sitting_id)
            meal = await sittings.meal(rows, sitting)
            device = await terminal_at(request, rows, at.store.id)
        named = set(payment.part.get("lines", []))
        chosen = [(line.id, line.due) for line in meal.ordered if line.id in draft.lines & named]
        if TIP in draft.lines and payment.part.get("tip"):
            chosen.append((TIP, Money(int(payment.part["tip"]), payment.currency)))
        key = press_key(form)
        await giving_back.ask(checkout, at.staff, payment, draft, chosen, key, device)
    except (Invalid, Conflict) as refused:
        refusal = refused
    if refusal is not None:
        return await show_bill(request, db, sitting_id, status_code=refusal.status, refusal=refusal, draft=draft)
    if wants_fragment(request):
        return await show_bill(request, db, sitting_id)
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[scan, pay, payment_pane, refund])
