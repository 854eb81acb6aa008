"""Receipts: for the payer, the merchant's staff, and whoever was shown the code on the till.

The code carries a signature: a payment's id alone opens nothing."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.checkout.checkout import Checkout
from saoma.checkout.showing import masked
from saoma.gateway import Method
from saoma.identity import model
from saoma.identity.guards import signed_in
from saoma.kit.db import Database
from saoma.kit.errors import NotFound
from saoma.kit.i18n import texts
from saoma.kit.seal import Seal
from saoma.payments.lifecycle import Status
from saoma.settings import Settings
from saoma.web.page import language_of, page

_PURPOSE: Final = "receipt"

#: How people call the ways to pay; keys of the texts.
METHODS: Final = {
    Method.BARCODE: "Alipay, payment code",
    Method.WALLET_PAGE: "Alipay, in the app",
    Method.ORDER_CODE: "Alipay, order code",
    Method.MERCHANT_CODE: "Alipay, shop code",
    Method.CASH: "Cash",
    Method.CARD_TERMINAL: "Card",
    Method.ACCOUNT: "Account",
}

_STATES: Final = {
    Status.CREATED: "Not paid yet",
    Status.PENDING: "Not paid yet",
    Status.CANCELLING: "Being cancelled",
    Status.CANCELLED: "Cancelled. No money was kept.",
    Status.FAILED: "Not paid",
    Status.NEEDS_ATTENTION: "A person is looking at this payment",
    Status.SUCCEEDED: "Paid",
}


def receipt_path(seal: Seal, payment_id: str) -> str:
    """The path of a receipt that its holder may open without being known."""
    return f"/receipt/{payment_id}?k={seal.sign(_PURPOSE, payment_id)}"


@get("/receipt/{payment_id:str}")
async def show_receipt(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    payment_id: FromPath[str],
) -> Response[Any]:
    """One payment's receipt, with what was given back since."""
    staff = await signed_in(request, db)
    key = request.query_params.get("k", "")
    if key and seal.unsign(_PURPOSE, key) == payment_id:
        payment = await checkout.payments.get(payment_id)
        staff = None
        if payment.status is not Status.SUCCEEDED:
            raise NotFound("There is no receipt for this payment.")
    else:
        payment = await checkout.for_either(payment_id, request.session, staff)
    async with db.reading() as rows:
        merchant = await model.merchant(rows, payment.merchant_id)
        store = await model.store(rows, payment.store_id)
    said = texts(language_of(request))
    return page(
        request,
        "checkout/receipt.html",
        payment=payment,
        merchant=merchant,
        store=store,
        lines=await checkout.lines(payment),
        refunds=await checkout.refunds(payment.id),
        method=said(METHODS[payment.method]),
        buyer=masked(payment.buyer_login, payment.buyer_id),
        state_words=said(_STATES[payment.status]),
        share=settings.public_url.rstrip("/") + receipt_path(seal, payment.id)
        if staff is not None and payment.status is Status.SUCCEEDED
        else "",
        zone=store.zone,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


router = Router("/", route_handlers=[show_receipt])
