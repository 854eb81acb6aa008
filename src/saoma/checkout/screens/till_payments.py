"""The pane a till shows for one payment, and its way out.

Giving up is a wish: the payment core cancels at Alipay first, and only that answer ends it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.checkout.checkout import Checkout
from saoma.checkout.panes import pane_of
from saoma.identity import audit, model
from saoma.identity.guards import May, needs, staff_of
from saoma.identity.paths import safe_path
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.payments.model import Payment
from saoma.web.page import page

AnyRequest = Request[Any, Any, Any]


async def _shown(request: AnyRequest, checkout: Checkout, payment: Payment, *, whole: bool) -> Response[Any]:
    async with checkout.db.reading() as rows:
        store = await model.store(rows, payment.store_id)
    return page(
        request,
        "checkout/till_payment.html" if whole else "checkout/payment_panel.html",
        **await pane_of(request, checkout, payment, request.query_params.get("then", "")),
        done=safe_path(request.query_params.get("done"), "/till"),
        zone=store.zone,
        headers={"Cache-Control": "no-store"},
    )


@get("/till-payments/{payment_id:str}", guards=[needs(May.TAKE_PAYMENTS)])
async def show_payment(
    request: AnyRequest, checkout: NamedDependency[Checkout], payment_id: FromPath[str]
) -> Response[Any]:
    """The pane, alone for htmx, in a page of its own for a browser."""
    payment = await checkout.for_staff(payment_id, staff_of(request))
    return await _shown(request, checkout, payment, whole=request.headers.get("HX-Request") != "true")


@post("/till-payments/{payment_id:str}/give-up", guards=[needs(May.TAKE_PAYMENTS)], status_code=200)
async def give_up(
    request: AnyRequest,
    checkout: NamedDependency[Checkout],
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Stop waiting and cancel."""
    staff = staff_of(request)
    payment = await checkout.for_staff(payment_id, staff)
    async with db.transaction() as tx:
        await audit.note(tx, clock, who=staff.id, what="gave_up", subject=payment.id, merchant_id=payment.merchant_id)
    payment = await checkout.payments.give_up(payment.id, by=staff.id)
    if request.headers.get("HX-Request") == "true":
        return await _shown(request, checkout, payment, whole=False)
    done = safe_path(request.query_params.get("done"), "/till")
    return Redirect(f"/till-payments/{payment.id}?done={done}", status_code=303)


router = Router("/", route_handlers=[show_payment, give_up])
