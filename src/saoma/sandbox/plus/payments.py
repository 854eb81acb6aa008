"""The Alipay+ operations: from a checked body to the trade engine and back to the fields of the answer.

A payment here is a request with an id and a `paymentId`; the money is a trade of the same number in the book. A pay
that failed has no trade, yet keeps its id and its answer (https://docs.antom.com/ac/ams_upm/acceptpayment,
https://docs.antom.com/ac/ams/paymentc, https://docs.antom.com/ac/ams/paymentrn_online)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from saoma.kit.money import Money
from saoma.sandbox import lifetimes, parameters
from saoma.sandbox.book import undoing
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Order, Product, Refund, Trade, TradeStatus
from saoma.sandbox.book.trades import Book
from saoma.sandbox.plus import reading as plus_reading
from saoma.sandbox.plus.choices import DEFAULT, PlusChoices
from saoma.sandbox.plus.codes import code_of, result
from saoma.sandbox.plus.model import (
    API,
    PENDING,
    SIGN_TYPE,
    Answer,
    Call,
    Failed,
    Payment,
    amount,
    content_of,
    iso,
)
from saoma.sandbox.plus.reading import ENTRY_CODE, UPM, text
from saoma.sandbox.plus.records import PlusRecords

#: Where in a trade's memory the page is that the buyer comes back to.
REDIRECT_URL: Final = "redirect_url"


class Payments(PlusRecords):
    """What may be done with the records, one method per operation."""

    def __init__(self, book: Book, choices: PlusChoices = DEFAULT) -> None:
        super().__init__(book, choices)
        self.operations: Final[Mapping[str, Callable[[Call], Answer]]] = {
            "pay": self.pay,
            "inquiryPayment": self.inquire,
            "cancel": self.cancel,
            "refund": self.refund,
            "inquiryRefund": self.inquire_refund,
        }

    # --- pay ----------------------------------------------------------------------------------------------------------

    def pay(self, call: Call) -> Answer:
        """One payment; the same id again tells how it stands. Raises `Failed`."""
        body, partner = call.body, call.partner
        number, content = text(body, "paymentRequestId"), content_of(body)
        known = self._payments.get((partner.partner, number))
        if known is None and (partner.partner, number) in self._book.trades:
            raise Failed("REPEAT_REQ_INCONSISTENT", "this number was used at the XML gateway or the Open API")
        if known is not None:
            if known.content not in ("", content):
                raise Failed("REPEAT_REQ_INCONSISTENT")
            return self._repeated(known)
        order = self._order(call)
        payment = self._new(partner.partner, number, content, plus_reading.scenario_of(body), order.expires_at)
        # known before the money moves: who is told of that asks for the payment
        self._know(payment)
        try:
            trade = self._opened(payment, order, call)
        except TurnedDown as no:
            stale = payment.scenario == UPM and self._book.wallets.is_stale(text(body, "paymentMethod.paymentMethodId"))
            is_expired = stale and no.code == "SOUNDWAVE_PARSER_FAIL"
            payment.failed = "EXPIRED_CODE" if is_expired else self._choices.spelled(code_of(no.fine))
            trade = None
        self._keep(payment)
        if trade is None:
            raise Failed(payment.failed)
        if trade.is_waiting and trade.pays_at:
            self.told(trade, PENDING)
        return self._paid(payment, trade, "UNKNOWN_EXCEPTION" if call.hold else "PAYMENT_IN_PROCESS")

    def _opened(self, payment: Payment, order: Order, call: Call) -> Trade:
        if payment.scenario == UPM:
            return self._book.pay_by_code(order, text(call.body, "paymentMethod.paymentMethodId"), hold=call.hold)
        return self._book.place(order)

    def _order(self, call: Call) -> Order:
        body, now = call.body, self._book.clock.now()
        settling = text(body, "settlementStrategy.settlementCurrency") or call.partner.currency
        pricing = text(body, "paymentAmount.currency")
        if not plus_reading.is_known(pricing) or not parameters.settles(settling):
            raise Failed("CURRENCY_NOT_SUPPORT")
        is_upm = plus_reading.scenario_of(body) == UPM
        expires_at = plus_reading.moment(body, "paymentExpiryTime")
        expires_at = self._book.on_this_clock(expires_at) if expires_at else None
        if expires_at is not None and expires_at <= now:
            raise Failed("PARAM_ILLEGAL", f"paymentExpiryTime is over: it is {now:%Y-%m-%dT%H:%M:%SZ}")
        if expires_at is None:
            expires_at = now + lifetimes.BARCODE_LIFETIME if is_upm else self._choices.order_ends(now)
        return Order(
            partner=call.partner.partner,
            number=text(body, "paymentRequestId"),
            product=Product.BARCODE if is_upm else Product.ORDER_CODE,
            subject=text(body, "order.orderDescription"),
            amount=plus_reading.money(body, "paymentAmount"),
            currency=settling,
            notify_url=text(body, "paymentNotifyUrl"),
            sign_type=SIGN_TYPE,
            api=API,
            merchant=text(body, "order.merchant.merchantDisplayName") or text(body, "order.merchant.merchantName"),
            store=text(body, "order.merchant.store.storeName"),
            merchant_id=text(body, "order.merchant.referenceMerchantId"),
            industry=text(body, "order.merchant.merchantMCC"),
            expires_at=expires_at,
            code_expires_at=None if is_upm else expires_at,
            extra={REDIRECT_URL: back} if (back := text(body, "paymentRedirectUrl")) else {},
        )

    def _repeated(self, payment: Payment) -> Answer:
        if payment.failed:
            raise Failed(payment.failed)
        trade = self.trade_of(payment)
        status, code = self.status_of(payment, trade)
        if status == "CANCELLED" or (status == "FAIL" and code):
            raise Failed(code)
        return self._paid(payment, trade)

    def _paid(self, payment: Payment, trade: Trade, when_open: str = "PAYMENT_IN_PROCESS") -> Answer:
        answer = {"result": result("SUCCESS" if trade.paid_at else when_open), **self.described(payment, trade)}
        if not trade.paid_at and trade.qr_token:
            answer |= self._code(payment, trade)
        return answer

    def _code(self, payment: Payment, trade: Trade) -> Answer:
        address = self._book.code_url(trade.qr_token)
        if payment.scenario == ENTRY_CODE:
            return {"redirectActionForm": {"method": "GET", "redirectUrl": address}}
        picture = self._book.picture_url(trade.qr_token, "M")
        codes = [
            {"codeValueType": "QRCODE", "codeValue": address, "displayType": "TEXT"},
            {"codeValueType": "QRCODE", "codeValue": picture, "displayType": "MIDDLEIMAGE"},
        ]
        expires = iso(trade.code_expires_at) if trade.code_expires_at else ""
        return {"orderCodeForm": {"paymentMethodType": "CONNECT_WALLET", "codeDetails": codes, "expireTime": expires}}

    # --- inquire, cancel ----------------------------------------------------------------------------------------------

    def inquire(self, call: Call) -> Answer:
        """How a payment stands; `result` speaks of the inquiry only. Raises `Failed`."""
        payment = self._asked(call)
        trade = None if payment.failed else self.trade_of(payment)
        status, code = self.status_of(payment, trade)
        answer: Answer = {
            "result": result("SUCCESS"),
            "paymentStatus": status,
            "paymentResultCode": code,
            "paymentResultMessage": result(code)["resultMessage"],
        }
        if trade is None:
            return answer | {"paymentRequestId": payment.request_id, "paymentId": payment.payment_id}
        answer |= self.described(payment, trade)
        done = [self._transaction(refund) for refund in self._book.refunds_of(trade)]
        return answer | ({"transactions": done} if done else {})

    def cancel(self, call: Call) -> Answer:
        """Undo a payment, whole. Raises `Failed`; nothing is undone for an id nobody paid with."""
        number = text(call.body, "paymentRequestId")
        if self._choices.unknown_cancel == "SUCCESS" and not text(call.body, "paymentId"):
            self._spend(call.partner.partner, number)
        payment = self._asked(call)
        answer = {"paymentId": payment.payment_id, "paymentRequestId": payment.request_id}
        now = self._book.clock.now()
        if not payment.failed:
            try:
                undoing.cancel(self._book, payment.partner, payment.request_id)
            except TurnedDown as no:
                raise Failed("CANCEL_WINDOW_EXCEED" if no.code == "TRADE_HAS_FINISHED" else code_of(no.code)) from None
            now = self.trade_of(payment).closed_at or now
        return {"result": result("UNKNOWN_EXCEPTION" if call.hold else "SUCCESS"), **answer, "cancelTime": iso(now)}

    # --- refund -------------------------------------------------------------------------------------------------------

    def refund(self, call: Call) -> Answer:
        """Give money back, a part or all of it; the same id again moves none. Raises `Failed`."""
        body, partner = call.body, call.partner.partner
        payment, number, content = self._asked(call), text(body, "refundRequestId"), content_of(body)
        known = self._refunds.get((partner, number))
        if known is not None and known.content not in ("", content):
            raise Failed("REPEAT_REQ_INCONSISTENT")
        if known is not None and known.failed:
            raise Failed(known.failed)
        trade = None if payment.failed else self.trade_of(payment)
        if trade is None:
            raise self._refund_failed(call, payment, "ORDER_STATUS_INVALID")
        if text(body, "refundAmount.currency") != trade.trans_currency:
            raise Failed(
                "PARAM_ILLEGAL", f"refundAmount is in another currency than the payment: {trade.trans_currency}"
            )
        try:
            _, done = undoing.refund(
                self._book, partner, payment.request_id, "", number, plus_reading.money(body, "refundAmount"),
                reason=text(body, "refundReason"), sync=text(body, "isAsyncRefund") != "true",
                notify_url=text(body, "refundNotifyUrl"),
            )  # fmt: skip
        except TurnedDown as no:
            raise self._refund_failed(call, payment, _refund_word(no.code, trade)) from None
        if known is None:
            self._new_refund(call, payment)
        code = "SUCCESS" if done.state == "SUCCESS" else self._choices.accepted_refund
        return {"result": result("UNKNOWN_EXCEPTION" if call.hold else code), **self.refunded(done)}

    def inquire_refund(self, call: Call) -> Answer:
        """How a refund stands. Raises `Failed`."""
        wanted, number = text(call.body, "refundId"), text(call.body, "refundRequestId")
        partner = call.partner.partner
        known = self._refunds_by_id.get(wanted) if wanted else self._refunds.get((partner, number))
        if known is None or known.partner != partner:
            raise Failed(self._choices.unknown_refund)
        self._book.pass_time()
        if known.failed:
            return {
                "result": result("SUCCESS"), "refundStatus": "FAIL", "refundRequestId": known.refund_request_id,
                "refundId": known.refund_id, "paymentId": known.payment_id,
            }  # fmt: skip
        done = self._book.refunds[partner, known.refund_request_id]
        return {"result": result("SUCCESS"), "refundStatus": _refund_status(done), **self.refunded(done)}

    # --- a planned no -------------------------------------------------------------------------------------------------

    def refused(self, operation: str, call: Call, code: str) -> Answer:
        """A planned no of the operation itself. A final one is remembered: a repeat and an inquiry tell it again.

        Raises `Failed` for a refund of a payment nobody knows."""
        said: Answer = {"result": result(code)}
        is_final = said["result"]["resultStatus"] == "F"
        partner, number = call.partner.partner, text(call.body, "paymentRequestId")
        if operation == "pay" and is_final and number and (partner, number) not in self._payments:
            if (partner, number) not in self._book.trades:
                payment = self._new(partner, number, content_of(call.body), plus_reading.scenario_of(call.body))
                payment.failed = code
                self._know(payment)
                self._keep(payment)
        elif operation == "refund" and is_final:
            payment, refund = self._asked(call), (partner, text(call.body, "refundRequestId"))
            if refund not in self._refunds and refund not in self._book.refunds:
                self._refund_failed(call, payment, code)
        return said | {name: text(call.body, name) for name in ("paymentRequestId",) if text(call.body, name)}

    # --- what is told -------------------------------------------------------------------------------------------------

    def trade_of(self, payment: Payment) -> Trade:
        """The trade with a payment's money."""
        self._book.pass_time()
        self.pass_time()
        return self._book.trades[payment.partner, payment.request_id]

    def status_of(self, payment: Payment, trade: Trade | None) -> tuple[str, str]:
        """`paymentStatus` and `paymentResultCode`."""
        if trade is None:
            return "FAIL", payment.failed
        match trade.status:
            case TradeStatus.TRADE_CLOSED if trade.is_undone:
                return "CANCELLED", "ORDER_IS_CANCELED"
            case TradeStatus.TRADE_CLOSED if not trade.paid_at:
                return "FAIL", "ORDER_IS_CLOSED"
            case TradeStatus.WAIT_BUYER_PAY if trade.pays_at:
                return "PENDING", "PAYMENT_IN_PROCESS"
            case TradeStatus.ORDERED | TradeStatus.WAIT_BUYER_PAY:
                return "PROCESSING", "PAYMENT_IN_PROCESS"
            case _:
                return "SUCCESS", "SUCCESS"

    def described(self, payment: Payment, trade: Trade) -> Answer:
        """The fields that answers and notifications about a payment share."""
        said: Answer = {
            "paymentRequestId": payment.request_id,
            "paymentId": payment.payment_id,
            "paymentAmount": amount(trade.money),
            "paymentCreateTime": iso(payment.created_at),
        }
        if not trade.paid_at:
            return said
        buyer = self._book.buyer(trade.buyer_id)
        said |= {
            "paymentTime": iso(trade.paid_at),
            "actualPaymentAmount": amount(trade.money),
            "pspCustomerInfo": {
                "pspName": "ALIPAY_CN", "pspCustomerId": buyer.user_id, "displayCustomerId": buyer.login,
            },
            "grossSettlementAmount": amount(Money(trade.settle_amount, trade.currency)),
        }  # fmt: skip
        if trade.currency != trade.trans_currency:
            price = trade.settle_rate
            said["settlementQuote"] = {
                "quoteCurrencyPair": f"{trade.trans_currency}/{trade.currency}", "quotePrice": price,
            }  # fmt: skip
        return said

    def refunded(self, refund: Refund) -> Answer:
        """The fields that answers and notifications about a refund share."""
        known = self._of_refund(refund)
        trade = self._book.trades[refund.partner, refund.out_trade_no]
        said: Answer = {
            "refundRequestId": known.refund_request_id,
            "refundId": known.refund_id,
            "paymentId": known.payment_id,
            "refundAmount": amount(Money(refund.amount, trade.trans_currency)),
        }
        return said | ({"refundTime": iso(refund.done_at)} if refund.done_at else {})

    def _transaction(self, refund: Refund) -> Answer:
        known = self._of_refund(refund)
        trade = self._book.trades[refund.partner, refund.out_trade_no]
        return {
            "transactionResult": result(_REFUND_CODES[refund.state]),
            "transactionId": known.refund_id,
            "transactionType": "REFUND",
            "transactionStatus": _refund_status(refund),
            "transactionAmount": amount(Money(refund.amount, trade.trans_currency)),
            "transactionRequestId": known.refund_request_id,
            "transactionTime": iso(refund.done_at or refund.created_at),
        }


def _refund_word(refusal: str, trade: Trade) -> str:
    match refusal:
        case "TRADE_HAS_FINISHED":
            return "REFUND_WINDOW_EXCEED"
        case "TRADE_HAS_CLOSE" if trade.close_reason == "refunded":
            return "REFUND_AMOUNT_EXCEED"
        case "TRADE_HAS_CLOSE" if trade.is_undone:
            return "ORDER_IS_CANCELED"
        case "TRADE_NOT_EXIST":
            return "ORDER_STATUS_INVALID"
        case _:
            return code_of(refusal)


_REFUND_CODES: Final = {"SUCCESS": "SUCCESS", "PROCESSING": "REFUND_IN_PROCESS", "FAILED": "PROCESS_FAIL"}


def _refund_status(refund: Refund) -> str:
    return {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING"}.get(refund.state, "FAIL")
