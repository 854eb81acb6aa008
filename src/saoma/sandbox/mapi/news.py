"""What a partner of the XML gateway is told without asking: the fields of its notifications, and their signed form.

The answer must be the seven letters and nothing else (https://docs.antom.com/ac/web/async)."""

from __future__ import annotations

import json

from saoma.alipay.signing import string_to_sign
from saoma.alipay.wire import codec, form
from saoma.kit.clock import Clock
from saoma.kit.money import Money
from saoma.sandbox.book.model import Product, Refund, Trade
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.mapi import forex
from saoma.sandbox.mapi.gateway import Forger
from saoma.sandbox.notices import Delivery, Notice, Notices


class MapiNews:
    """How notifications about trades of the XML gateway are worded, posted and acknowledged."""

    def __init__(self, book: Book, partners: Partners, notices: Notices) -> None:
        self._book = book
        self._partners = partners
        notices.dialects[""] = self

    def pass_time(self) -> None:
        """Nothing falls due here that the book does not know of."""

    def fields(self, trade: Trade, action: str, refund: Refund | None) -> dict[str, str] | None:
        """The message; None for a partner nobody knows any more."""
        partner = self._partners.find(trade.partner)
        if partner is None:
            return None
        if trade.product is Product.WEB:
            return forex.news(trade, refund)
        buyer = self._book.buyer(trade.buyer_id)
        choices = self._book.choices
        paid = [{"ALIPAYACCOUNT": trade.cny_money.text}]
        fields = {
            "notify_type": "trade_status_sync",
            "notify_action_type": action if choices.notify_action_type else "",
            "out_trade_no": trade.out_trade_no,
            "subject": trade.subject,
            "trade_no": trade.trade_no,
            "trade_status": trade.status.value,
            "gmt_create": wire_date_time(trade.created_at),
            "gmt_payment": wire_date_time(trade.paid_at) if trade.paid_at else "",
            "seller_email": partner.email,
            "buyer_email": buyer.login,
            "seller_id": trade.partner,
            "buyer_id": buyer.user_id,
            "price": trade.price or trade.money.text,
            "quantity": trade.quantity if trade.price else "1",
            "total_fee": trade.money.text,
            "body": trade.body,
            "paytools_pay_amount": json.dumps(paid, separators=(",", ":")) if trade.paid_at else "",
            "extra_common_param": trade.pass_back,
        }
        if choices.notify_currency:
            fields["currency"] = trade.currency
            fields["forex_total_fee"] = Money(trade.settle_amount, trade.currency).text
        if refund is not None:
            fields["refund_fee"] = Money(refund.amount, trade.trans_currency).text
            fields["out_biz_no"] = refund.refund_no
        return {name: value for name, value in fields.items() if value}

    def posted(self, notice: Notice, *, spoiled: bool) -> tuple[bytes, dict[str, str]]:
        """A form in the trade's charset."""
        return signed_form(notice, self._partners, self._book.clock, spoiled=spoiled)

    def is_acknowledged(self, delivery: Delivery) -> bool:
        """The seven letters, whatever their case."""
        return delivery.answer.lower() == "success"


def signed_form(notice: Notice, partners: Partners, clock: Clock, *, spoiled: bool) -> tuple[bytes, dict[str, str]]:
    """Body and headers as they are posted now: the send time is of this try, the id of the event."""
    partner = partners.find(notice.partner)
    signatory = partners.signatory(partner, notice.sign_type) if partner else None
    name_of = codec(notice.charset)
    kind = {"notify_type": notice.fields["notify_type"]} if "notify_type" in notice.fields else {}
    now = wire_date_time(clock.now())
    fields = {"notify_time": now, **kind, "notify_id": notice.id, **notice.fields}
    fields = {name: value.encode(name_of, "replace").decode(name_of) for name, value in fields.items()}
    if signatory is not None:
        signatory = Forger(signatory) if spoiled else signatory
        signature = signatory.sign(string_to_sign(fields).encode(name_of))
        fields |= {"sign_type": notice.sign_type, "sign": signature}
    head = {"Content-Type": f"application/x-www-form-urlencoded; charset={notice.charset}"}
    return form(fields, notice.charset), head
