"""Payments and refunds as programs are told of them. Pure.

What the status says wins over the provider's last word: only `succeeded` ever tells a cashier to hand over goods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from litestar import Response

from saoma.api.bodies import Message, PaymentAnswer, RefundAnswer, RefundNews
from saoma.api.repeats import key_of_payment
from saoma.gateway import Gateway
from saoma.kit.i18n import texts
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund

#: Cashier and customer by status, where the provider's word adds nothing; keys of the texts.
_SAID: Final[Mapping[Status, tuple[str, str]]] = {
    Status.CREATED: (
        "Checking the payment. Don't hand over the goods yet, and don't charge again.",
        "Checking the payment. One moment, please.",
    ),
    Status.PENDING: (
        "Checking the payment. Don't hand over the goods yet, and don't charge again.",
        "Checking the payment. One moment, please.",
    ),
    Status.SUCCEEDED: ("Paid. Hand over the goods and give the receipt.", "Paid. Thank you!"),
    Status.FAILED: (
        "Not paid. Don't hand over the goods.",
        "This way of paying did not work. Please choose another one.",
    ),
    Status.CANCELLING: (
        "Stopping the payment. Don't hand over the goods, and don't charge again yet.",
        "The payment is being stopped. One moment, please.",
    ),
    Status.CANCELLED: (
        "Cancelled: nothing of it is kept. Don't hand over the goods.",
        "The payment was cancelled. Anything that was taken goes back to you.",
    ),
    Status.NEEDS_ATTENTION: (
        "Call a manager: nobody knows yet whether this is paid. Don't charge again.",
        "We are clarifying your payment. Please don't pay again; the staff will help you.",
    ),
}
_ALL_GIVEN_BACK: Final = ("All of this money was given back.", "Your money was given back.")
_REFUND_SAID: Final[Mapping[RefundStatus, tuple[str, str]]] = {
    RefundStatus.REQUESTED: ("The refund waits for a second person.", "Your refund is being prepared."),
    RefundStatus.PENDING: ("The refund is on its way. Don't give it again.", "Your refund is on its way."),
    RefundStatus.SUCCEEDED: ("The money was given back.", "Your money was given back."),
    RefundStatus.FAILED: ("The refund was not made. No money moved.", "The refund could not be made. Ask the staff."),
    RefundStatus.NEEDS_ATTENTION: (
        "Call a manager: nobody knows yet whether this went back. Don't give it again.",
        "We are clarifying your refund. The staff will help you.",
    ),
}
#: Here the provider's word says more than the status: what is waited for, why it was refused.
_WORD_COUNTS: Final = frozenset({Status.PENDING, Status.FAILED})


def message_of(payment: Payment, gateway: Gateway | None, lang: str) -> Message:
    """The sentences for where a payment stands."""
    if payment.status in _WORD_COUNTS and payment.code and gateway is not None:
        saying = gateway.say(payment.code)
        if not saying.hand_over:
            return Message(cashier=saying.cashier[lang], customer=saying.customer[lang])
    given_back = payment.status is Status.SUCCEEDED and payment.refunded == payment.amount
    cashier, customer = _ALL_GIVEN_BACK if given_back else _SAID[payment.status]
    return Message(cashier=texts(lang)(cashier), customer=texts(lang)(customer))


def payment_answer(payment: Payment, gateway: Gateway | None, lang: str) -> PaymentAnswer:
    """A payment as programs see it."""
    return PaymentAnswer(
        id=payment.id,
        status=payment.status,
        amount=payment.money.text,
        currency=payment.currency,
        method=payment.method.value,
        trade_no=payment.trade_number,
        out_trade_no=payment.order_number,
        refunded=payment.money_refunded.text,
        message=message_of(payment, gateway, lang),
        created_at=payment.created_at,
        paid_at=payment.paid_at,
        subject=payment.subject,
        store=payment.store_id,
        terminal=payment.terminal_id,
        reference=str(payment.part.get("reference", "")) if payment.payable_kind == "api" else "",
        qr_code=payment.qr_code,
        code=payment.code,
        gave_back=payment.gave_back,
    )


def refund_answer(refund: Refund, lang: str) -> RefundAnswer:
    """A refund as programs see it."""
    cashier, customer = _REFUND_SAID[refund.status]
    return RefundAnswer(
        id=refund.id,
        payment=refund.payment_id,
        status=refund.status,
        amount=refund.money.text,
        currency=refund.currency,
        reason=refund.reason,
        message=Message(cashier=texts(lang)(cashier), customer=texts(lang)(customer)),
        created_at=refund.created_at,
        final_at=refund.final_at,
    )


def refund_news(payment: Payment, refund: Refund, key: str, lang: str) -> RefundNews:
    """A refund as webhooks tell of it; `key` as the payment core keeps it."""
    return RefundNews(
        **msgspec.structs.asdict(refund_answer(refund, lang)),
        key=key_of_payment(key),
        payment_reference=str(payment.part.get("reference", "")) if payment.payable_kind == "api" else "",
        store=payment.store_id,
    )


def json(body: object, status_code: int = 200, *, location: str = "", repeated: bool = False) -> Response[bytes]:
    """An answer with a body of this room."""
    headers = {"Cache-Control": "no-store"}
    if location:
        headers["Location"] = location
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(msgspec.json.encode(body), status_code=status_code, media_type="application/json", headers=headers)


def json_of_made(body: object, path: str, *, repeated: bool) -> Response[bytes]:
    """The answer to a request that made the thing at `path`, now or when it first came."""
    return json(body, 200 if repeated else 201, location=f"/api/v1/{path}", repeated=repeated)
