"""The console's payments: the search, one payment's whole story, and what may be done about it.

Asking Alipay again and cancelling go through the payment core like a till's own; nothing here changes a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console import searching, words
from saoma.console.scope import SEES, AnyRequest, asked_merchant, check_mine, merchants, names_of, shell, who
from saoma.identity import audit, model
from saoma.identity.guards import May, staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NotAllowed
from saoma.kit.ids import check_id
from saoma.payments.cases import cases_of
from saoma.payments.model import Payment
from saoma.payments.payments import Payments
from saoma.web.page import page

#: How many stores' tills a list listens to: their names stand in one address.
_MOST_TILLS = 50


@get("/console/payments", guards=[SEES], summary="Search payments")
async def search(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The newest payments that fit the address's filters, a page at a time."""
    staff = staff_of(request)
    wanted = searching.filter_of(request.query_params, asked_merchant(request, staff))
    async with db.reading() as rows:
        found = await searching.payments(rows, wanted, str(request.query_params.get("after", "")), searching.PAGE + 1)
        stores = await model.stores_of(rows, staff)
        choice = await merchants(rows) if staff.may(May.SEE_EVERY_MERCHANT) else []
    shown = found[: searching.PAGE]
    return page(
        request,
        "console/console_payments.html",
        **shell(request),
        wanted=wanted,
        query={name: request.query_params.get(name, "") for name in ("q", "amount", "from", "to")},
        found=shown,
        more=shown[-1].id if len(found) > searching.PAGE else "",
        stores={store.id: store for store in stores},
        tills=_tills(stores, wanted),
        each=[f"payment:{payment.id}" for payment in shown],
        store_choice=[(store.id, store.name) for store in stores],
        merchants=choice,
        words=words,
    )


def _tills(stores: Sequence[model.Store], wanted: searching.PaymentFilter) -> list[str]:
    """Where every change of the payments that are asked for is told. None if these are too many stores: then a list
    listens to each payment it shows, and finds new ones when it looks by itself."""
    fit = [
        store.id
        for store in stores
        if wanted.store_id in ("", store.id) and wanted.merchant_id in ("", store.merchant_id)
    ]
    return [f"till:{store_id}" for store_id in fit] if len(fit) <= _MOST_TILLS else []


async def _mine(request: AnyRequest, payments: Payments, payment_id: str) -> Payment:
    payment = await payments.get(check_id("pay", payment_id))
    check_mine(staff_of(request), payment.merchant_id)
    return payment


@get("/console/payments/{payment_id:str}", guards=[SEES], summary="A payment's story")
async def show(
    request: AnyRequest, db: NamedDependency[Database], payments: NamedDependency[Payments], payment_id: FromPath[str]
) -> Response[Any]:
    """Every call, answer, message and ruling: who, what, whether the signature was checked, what it did."""
    payment = await _mine(request, payments, payment_id)
    events = await payments.story(payment.id)
    refunds = await payments.refunds_of(payment.id)
    async with db.reading() as rows:
        found = await cases_of(rows, "payment", payment.id)
        for refund in refunds:
            found += await cases_of(rows, "refund", refund.id)
        names = await names_of(rows, [payment.opened_by, *(each.said_by for each in events)])
        trail = await audit.trail(rows, payment.id)
        merchant = await model.merchant(rows, payment.merchant_id)
    return page(
        request,
        "console/console_payment.html",
        **shell(request),
        payment=payment,
        merchant=merchant,
        events=events,
        refunds=refunds,
        cases=found,
        trail=trail,
        who=lambda said: who(said, names),
        say=payments.say(payment) if payment.account_id in payments.gateways else None,
        words=words,
    )


@post("/console/payments/{payment_id:str}/ask", guards=[SEES], summary="Ask Alipay now")
async def ask(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Ask the provider once more, at once."""
    payment = await _mine(request, payments, payment_id)
    await payments.nudge(payment.id)
    await _note(request, db, clock, "asked_again", payment)
    return Redirect(f"/console/payments/{payment.id}", status_code=HTTP_303_SEE_OTHER)


@post("/console/payments/{payment_id:str}/give-up", guards=[SEES], summary="Cancel a payment")
async def give_up(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Stop following it and cancel it at the provider. Of the merchant's own people: a till's button as well."""
    payment = await _mine(request, payments, payment_id)
    staff = staff_of(request)
    if not staff.may(May.TAKE_PAYMENTS):
        raise NotAllowed("Your role doesn't include this. Ask a manager, or sign in as someone else.")
    await payments.give_up(payment.id, staff.id)
    await _note(request, db, clock, "cancelled_payment", payment)
    return Redirect(f"/console/payments/{payment.id}", status_code=HTTP_303_SEE_OTHER)


async def _note(request: AnyRequest, db: Database, clock: Clock, what: str, payment: Payment) -> None:
    async with db.transaction() as tx:
        who = staff_of(request).id
        await audit.note(tx, clock, who=who, what=what, subject=payment.id, merchant_id=payment.merchant_id)


router = Router(path="/", route_handlers=[search, show, ask, give_up])
