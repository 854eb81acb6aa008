"""Receipts as paper: of a payment, and of what was given back of it. Pure.

What is printed again says that it is a copy, and which one: two originals of one payment are two claims on somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from saoma.checkout.paper import Code, Heading, Paper, Part, Row, Rule, Stamp, Words
from saoma.checkout.receipt import ReceiptLines
from saoma.gateway import Method
from saoma.identity.model import Merchant, Store
from saoma.kit.i18n import texts
from saoma.kit.money import Money
from saoma.payments.by_staff import Taken
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund
from saoma.web.texts import date_and_time, money

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a receipt is made of. `copy` is 0 for an original; `share` is the address of the customer's own page."""

    merchant: Merchant
    store: Store
    payment: Payment
    lines: ReceiptLines
    refunds: tuple[Refund, ...] = ()
    taken: Taken | None = None
    buyer: str = ""
    share: str = ""
    copy: int = 0
    lang: str = "en"

    def either(self, english: str, chinese: str) -> str:
        """The one in the receipt's language, or the other where that is missing."""
        return (chinese or english) if self.lang == "zh" else (english or chinese)

    def sum(self, amount: Money) -> str:
        """An amount as people read it."""
        return money(amount, self.lang)


def receipt_paper(facts: Facts) -> Paper:
    """The receipt of one payment, with what was given back since. One in cash opens the drawer, a copy does not."""
    said = texts(facts.lang)
    payment = facts.payment
    paid = payment.status is Status.SUCCEEDED
    parts = _head(facts)
    lines = facts.lines
    if lines.lines:
        for line in lines.lines:
            name = facts.either(line.name, line.name_zh)
            times = f"{line.quantity} × " if line.quantity != 1 else ""
            parts.append(Row(times + name, facts.sum(line.amount), facts.either(line.note, line.note_zh)))
        if part := facts.either(lines.part, lines.part_zh):
            parts.append(Words(part, soft=True))
    parts.append(Rule())
    if lines.tip:
        parts.append(Row(said("For the bill"), facts.sum(payment.money - lines.tip)))
        parts.append(Row(said("Tip"), facts.sum(lines.tip)))
    parts.append(Row(said("Paid") if paid else said("Amount"), facts.sum(payment.money), strong=True))
    for refund in facts.refunds:
        done = refund.status is RefundStatus.SUCCEEDED
        when = date_and_time(refund.final_at or refund.created_at, facts.store.zone, facts.lang)
        name = f"{said('Given back') if done else said('Being given back')} · {when}"
        parts.append(Row(name, facts.sum(-refund.money), refund.reason))
    if payment.refunded:
        left = payment.money - payment.money_refunded
        parts.append(Row(said("After refunds"), facts.sum(left), strong=True))
    parts.append(Rule())
    parts += _particulars(facts)
    if facts.share and paid:
        parts.append(Code(facts.share, said("Receipt for the customer's phone")))
    title = f"{said('Receipt')} {payment.order_number}"
    in_cash = payment.method is Method.CASH and paid and not facts.copy
    return Paper(title, facts.lang, tuple(parts), drawer=in_cash)


def refund_paper(facts: Facts, refund: Refund) -> Paper:
    """What a customer is handed when money goes back: how much, of which payment, why."""
    said = texts(facts.lang)
    payment = facts.payment
    done = refund.status is RefundStatus.SUCCEEDED
    parts = _head(facts, said("Refund"))
    parts.append(Rule())
    parts.append(Row(said("Given back") if done else said("Being given back"), facts.sum(refund.money), strong=True))
    if refund.reason:
        parts.append(Row(said("Reason"), refund.reason, soft=True))
    when = date_and_time(refund.final_at or refund.created_at, facts.store.zone, facts.lang)
    parts.append(Row(said("Time"), when, soft=True))
    parts.append(Row(said("Refund number"), refund.refund_number, soft=True, code=True))
    parts.append(Rule())
    parts.append(Row(said("Of the payment"), facts.sum(payment.money), soft=True))
    parts += _particulars(facts)
    title = f"{said('Refund')} {refund.refund_number}"
    in_cash = payment.method is Method.CASH and done and not facts.copy
    return Paper(title, facts.lang, tuple(parts), drawer=in_cash)


def _head(facts: Facts, heading: str = "") -> list[Part]:
    said = texts(facts.lang)
    store, lines = facts.store, facts.lines
    parts: list[Part] = []
    if facts.copy:
        parts.append(Stamp(said("COPY {number}", number=facts.copy)))
    parts.append(Heading(facts.either(facts.merchant.name, facts.merchant.name_zh)))
    parts.append(Words(facts.either(store.name, store.name_zh), soft=True))
    if address := facts.either(store.address, store.address_zh):
        parts.append(Words(address, soft=True))
    if heading:
        parts.append(Stamp(heading))
    if title := facts.either(lines.title, lines.title_zh):
        parts.append(Words(title))
    return parts


def _particulars(facts: Facts) -> list[Part]:
    said = texts(facts.lang)
    payment, taken = facts.payment, facts.taken
    parts: list[Part] = [Row(said("Paid with"), said(METHODS[payment.method]), soft=True)]
    if taken is not None and taken.change:
        parts.append(Row(said("Cash received"), facts.sum(taken.money_given), soft=True))
        parts.append(Row(said("Change given"), facts.sum(taken.money_change), soft=True))
    if taken is not None and taken.reference:
        parts.append(Row(said("Reference"), taken.reference, soft=True))
    if facts.buyer:
        parts.append(Row(said("Alipay user"), facts.buyer, soft=True))
    if payment.paid_at:
        when = date_and_time(payment.paid_at, facts.store.zone, facts.lang)
        parts.append(Row(said("Time"), when, soft=True))
    parts.append(Row(said("Order number"), payment.order_number, soft=True, code=True))
    if payment.trade_number:
        parts.append(Row(said("Alipay number"), payment.trade_number, soft=True, code=True))
    return parts
