"""What the sandbox remembers of Alipay+: payment requests and refunds under both sides' numbers, in the store.

An id is spent by its first final answer, also a no: a request that failed is remembered without any trade, and so is
a refund that moved no money (https://docs.antom.com/ac/ams/paymentc)."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime

from saoma.sandbox import lifetimes
from saoma.sandbox.book.model import Refund, Trade, TradeStatus
from saoma.sandbox.book.trades import Book
from saoma.sandbox.plus.choices import PlusChoices
from saoma.sandbox.plus.codes import result
from saoma.sandbox.plus.model import Call, Failed, Payment, PaymentRefund, content_of
from saoma.sandbox.plus.reading import UPM, text


class PlusRecords:
    """All Alipay+ payments and refunds. `told` is called with a trade and what happened to it that the book has no
    action for: it ended before anybody scanned its code, or its buyer has done their part."""

    def __init__(self, book: Book, choices: PlusChoices) -> None:
        self._book = book
        self._choices = choices
        self._payments: dict[tuple[str, str], Payment] = {}
        self._by_id: dict[str, Payment] = {}
        self._refunds: dict[tuple[str, str], PaymentRefund] = {}
        self._refunds_by_id: dict[str, PaymentRefund] = {}
        self._lapsing: list[tuple[datetime, str]] = []
        self.told: Callable[[Trade, str], None] = lambda trade, action: None
        for payment in sorted(book.store.read("plus", Payment), key=lambda one: one.payment_id):
            self._know(payment)
        for refund in book.store.read("plus_refund", PaymentRefund):
            self._know_refund(refund)

    def of_trade(self, trade: Trade) -> Payment | None:
        """The payment a trade of the book belongs to."""
        return self._payments.get((trade.partner, trade.out_trade_no))

    def pass_time(self) -> None:
        """Close the order codes that nobody scanned in their time; scanned ones the book closes itself."""
        now = self._book.clock.now()
        while self._lapsing and self._lapsing[0][0] <= now:
            at_, payment_id = heapq.heappop(self._lapsing)
            payment = self._by_id[payment_id]
            trade = self._book.trades.get((payment.partner, payment.request_id))
            if trade is not None and trade.status is TradeStatus.ORDERED:
                with self._book.store.writing():
                    self._book.shut(trade, "timeout", at_)
                    self.told(trade, "closeTradeAction")

    def by_id(self, payment_id: str) -> Payment | None:
        """By Alipay+'s number, whosever it is."""
        return self._by_id.get(payment_id)

    def is_known(self, partner: str, request_id: str) -> bool:
        """Whether a request of this id came before: then its code asks for no misbehaviour."""
        return (partner, request_id) in self._payments

    def _asked(self, call: Call) -> Payment:
        payment_id, number = text(call.body, "paymentId"), text(call.body, "paymentRequestId")
        partner = call.partner.partner
        payment = self._by_id.get(payment_id) if payment_id else self._payments.get((partner, number))
        if payment is None or payment.partner != partner:
            raise Failed("ORDER_NOT_EXIST")
        return payment

    def _know(self, payment: Payment) -> None:
        self._payments[payment.partner, payment.request_id] = payment
        self._by_id[payment.payment_id] = payment
        if payment.expires_at and payment.scenario != UPM and not payment.failed:
            heapq.heappush(self._lapsing, (payment.expires_at, payment.payment_id))

    def _new(
        self, partner: str, number: str, content: str, scenario: str = "", expires_at: datetime | None = None
    ) -> Payment:
        now = self._book.pass_time()
        number_here = f"{lifetimes.wire_time(now)}{len(self._payments) + 1:016d}"
        return Payment(partner, number, number_here, scenario, content, now, expires_at)

    def _spend(self, partner: str, number: str) -> None:
        """A cancel of an id nobody paid with succeeds: whatever comes under it later is cancelled."""
        if (partner, number) not in self._payments and (partner, number) not in self._book.trades:
            payment = self._new(partner, number, "")
            payment.failed = "ORDER_IS_CANCELED"
            self._know(payment)
            self._keep(payment)

    def _new_refund(self, call: Call, payment: Payment, failed: str = "") -> None:
        partner, number = call.partner.partner, text(call.body, "refundRequestId")
        place, now = len(self._refunds) + 1, self._book.clock.now()
        made = f"{lifetimes.wire_time(now)}{place:016d}"
        refund = PaymentRefund(partner, number, made, payment.payment_id, content_of(call.body), failed)
        self._know_refund(refund)
        self._book.store.keep("plus_refund", f"{partner}|{number}", refund)

    def _refund_failed(self, call: Call, payment: Payment, code: str) -> Failed:
        """A refund's final no, which is what its id is told from now on."""
        if code != "REPEAT_REQ_INCONSISTENT" and result(code)["resultStatus"] == "F":
            self._new_refund(call, payment, code)
        return Failed(code)

    def _of_refund(self, refund: Refund) -> PaymentRefund:
        """What is known of a refund here; of one asked for at another gateway its own number stands for ours."""
        known = self._refunds.get((refund.partner, refund.refund_no))
        if known is not None:
            return known
        payment = self._payments[refund.partner, refund.out_trade_no]
        return PaymentRefund(refund.partner, refund.own_no, refund.own_no, payment.payment_id)

    def _know_refund(self, refund: PaymentRefund) -> None:
        self._refunds[refund.partner, refund.refund_request_id] = refund
        self._refunds_by_id[refund.refund_id] = refund

    def _keep(self, payment: Payment) -> None:
        self._book.store.keep("plus", f"{payment.partner}|{payment.request_id}", payment)
