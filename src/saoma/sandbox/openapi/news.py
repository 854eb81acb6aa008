"""What a partner of the Open API is told without asking: the fields of its notifications.

Only a payment is told unless the settings say otherwise: closed and finished trades are silent, as in Alipay's portal.
`fund_bill_list` writes `fundChannel` here, `fund_channel` in answers; both are as captured
(https://opendocs.alipay.com/open/270/105902)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from saoma.kit.money import Money
from saoma.sandbox.book.model import Buyer, Partner, Refund, Trade
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.mapi.news import signed_form
from saoma.sandbox.notices import Delivery, Notice, Notices
from saoma.sandbox.openapi.trade import OPENAPI, amounts, numbered
from saoma.sandbox.openapi_choices import OpenApiChoices

#: After the first try; the eighth is the last.
GAPS: Final = tuple(timedelta(minutes=minutes) for minutes in (4, 10, 10, 60, 120, 360, 900))


class OpenApiNews:
    """How notifications about trades of the Open API are worded, posted and acknowledged."""

    def __init__(self, book: Book, partners: Partners, choices: OpenApiChoices, notices: Notices) -> None:
        self._book = book
        self._partners = partners
        self._choices = choices
        notices.dialects[OPENAPI] = self
        notices.gaps[OPENAPI] = GAPS

    def pass_time(self) -> None:
        """Nothing falls due here that the book does not know of."""

    def fields(self, trade: Trade, action: str, refund: Refund | None) -> dict[str, str] | None:
        """The message, or None for a state that is not told."""
        partner = self._partners.find(trade.partner)
        return news(trade, refund, partner, self._book.buyer(trade.buyer_id), self._choices) if partner else None

    def posted(self, notice: Notice, *, spoiled: bool) -> tuple[bytes, dict[str, str]]:
        """A form as of the other gateway: `sign_type` is not signed here either."""
        return signed_form(notice, self._partners, self._book.clock, spoiled=spoiled)

    def is_acknowledged(self, delivery: Delivery) -> bool:
        """Exactly the seven letters."""
        return delivery.answer == "success"


def news(
    trade: Trade, refund: Refund | None, partner: Partner, buyer: Buyer, choices: OpenApiChoices
) -> dict[str, str] | None:
    """The fields of one notification without id, time and signature; None where this state is not told."""
    if trade.status.value not in choices.told:
        return None
    who = numbered(buyer, partner)
    fields = {
        "app_id": partner.app_id,
        "auth_app_id": partner.app_id,
        "notify_type": "trade_status_sync",
        "charset": trade.charset,
        "version": "1.0",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "trade_status": trade.status.value,
        "total_amount": trade.money.text,
        "seller_id": trade.partner,
        "seller_email": partner.email,
        "buyer_id": who.get("buyer_user_id", ""),
        "buyer_open_id": who.get("buyer_open_id", ""),
        "buyer_logon_id": buyer.login,
        "subject": trade.subject,
        "body": trade.body,
        "passback_params": trade.pass_back,
        "gmt_create": wire_date_time(trade.created_at),
        "gmt_payment": wire_date_time(trade.paid_at) if trade.paid_at else "",
        "gmt_close": wire_date_time(trade.closed_at) if trade.closed_at else "",
    }
    paid = amounts(trade)
    paid.pop("fund_bill_list", None)
    fields |= paid
    if trade.paid_at:
        bills = [{"amount": trade.cny_money.text, "fundChannel": "ALIPAYACCOUNT"}]
        fields["fund_bill_list"] = json.dumps(bills, separators=(",", ":"))
    if trade.refunded:
        fields["refund_fee"] = trade.refunded_money.text
    if refund is not None and refund.done_at:
        fields["gmt_refund"] = f"{wire_date_time(refund.done_at)}.{refund.done_at.microsecond // 1000:03d}"
        fields["refund_fee"] = Money(trade.refunded, trade.trans_currency).text
        fields["out_biz_no"] = refund.own_no
    return {name: value for name, value in fields.items() if value}
