"""Paying inside the wallet: steps 4 to 8 of https://global.alipay.com/docs/ac/restaurant/restaurantintegration.

The page calls tradePay and reports what came back; what it then shows is what the server knows, never what the phone
said."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.checkout.checkout import Checkout
from saoma.checkout.panel import customer_sentence
from saoma.checkout.showing import Phone, phone_shows
from saoma.identity import model
from saoma.payments.model import Payment
from saoma.web.page import language_of, page

AnyRequest = Request[Any, Any, Any]


async def _shown(request: AnyRequest, checkout: Checkout, payment: Payment, template: str) -> Response[str]:
    report = await checkout.last_report(payment.id)
    shows = phone_shows(payment.status, payment.trade_number, report)
    gateway = checkout.payments.gateways.get(payment.account_id)
    async with checkout.db.reading() as rows:
        store = await model.store(rows, payment.store_id)
        shop = await model.merchant(rows, payment.merchant_id)
    return page(
        request,
        template,
        payment=payment,
        shop=shop,
        shows=shows.value,
        lines=await checkout.lines(payment),
        saying=customer_sentence(payment, gateway, language_of(request)),
        can_pay_again=shows is Phone.NOT_PAID and not payment.gave_back,
        begin=request.query_params.get("go") == "1" and report is None,
        zone=store.zone,
        headers={"Cache-Control": "no-store"},
    )


@get("/pay/{payment_id:str}")
async def show_pay(
    request: AnyRequest, checkout: NamedDependency[Checkout], payment_id: FromPath[str]
) -> Response[Any]:
    """What is paid for, how much, and the one button. With `?go=1` the wallet's cashier opens by itself."""
    payment = await checkout.for_payer(payment_id, request.session)
    return await _shown(request, checkout, payment, "checkout/pay.html")


@get("/pay/{payment_id:str}/state")
async def show_state(
    request: AnyRequest, checkout: NamedDependency[Checkout], payment_id: FromPath[str]
) -> Response[Any]:
    """The part of the page that changes."""
    payment = await checkout.for_payer(payment_id, request.session)
    return await _shown(request, checkout, payment, "checkout/pay_state.html")


@post("/pay/{payment_id:str}/reported", status_code=200)
async def report(request: AnyRequest, checkout: NamedDependency[Checkout], payment_id: FromPath[str]) -> Response[Any]:
    """Take what tradePay told the phone. It starts a question to Alipay and nothing else."""
    payment = await checkout.for_payer(payment_id, request.session)
    form = await request.form()
    worth_asking = await checkout.reported(payment, str(form.get("result_code", "")))
    response = await _shown(request, checkout, payment, "checkout/pay_state.html")
    if worth_asking:
        # The phone sees "confirming" at once; what Alipay answers reaches it as a live update.
        response.background = BackgroundTask(checkout.payments.nudge, payment.id)
    return response


@post("/pay/{payment_id:str}/again")
async def pay_again(
    request: AnyRequest, checkout: NamedDependency[Checkout], payment_id: FromPath[str]
) -> Response[Any]:
    """After an end without money: a new payment, with a new order number, for the same thing."""
    payment = await checkout.for_payer(payment_id, request.session)
    new = await checkout.pay_again(payment)
    return Redirect(f"/pay/{new.id}", status_code=303)


router = Router("/", route_handlers=[show_pay, show_state, report, pay_again])
