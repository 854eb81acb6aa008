"""notifyPayment and notifyRefund: what Alipay+ tells a merchant, signed in headers over the merchant's own path.

They run on the same schedule as all notifications here; Alipay+'s own is not printed in what could be read. Only
HTTP 200 with `resultStatus` S acknowledges (https://docs.antom.com/ac/ams/paymentrn_online)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from saoma.sandbox.book.model import Refund, Trade
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.mapi.gateway import Forger
from saoma.sandbox.notices import Delivery, Notice, Notices
from saoma.sandbox.plus.choices import DEFAULT, PlusChoices
from saoma.sandbox.plus.codes import RESULTS, result
from saoma.sandbox.plus.gateway import CONTENT_TYPE
from saoma.sandbox.plus.model import API, PENDING, iso
from saoma.sandbox.plus.payments import Payments
from saoma.sandbox.plus.signing import text_to_sign, write_signature


class PlusNotices:
    """How notifications about trades of Alipay+ are worded, posted and acknowledged."""

    def __init__(
        self,
        book: Book,
        partners: Partners,
        payments: Payments,
        notices: Notices,
        choices: PlusChoices = DEFAULT,
    ) -> None:
        self._book = book
        self._choices = choices
        self._partners = partners
        self._payments = payments
        notices.dialects[API] = self
        payments.told = lambda trade, action: notices.write(trade, action, None)

    def pass_time(self) -> None:
        """Let the order codes lapse that nobody scanned."""
        self._payments.pass_time()

    def fields(self, trade: Trade, action: str, refund: Refund | None) -> dict[str, str] | None:
        """The message, or None for what Alipay+ does not tell: cancels, and the end of the refund window."""
        payment = self._payments.of_trade(trade)
        if payment is None:
            return None
        if refund is not None:
            if not refund.notify_url:
                return None
            said = {
                "notifyType": "REFUND_RESULT", "result": result("SUCCESS"), "refundStatus": "SUCCESS",
                **self._payments.refunded(refund),
            }  # fmt: skip
        elif action == PENDING and self._choices.tell_pending:
            said = {
                "notifyType": "PAYMENT_PENDING", "result": result("SUCCESS"),
                **self._payments.described(payment, trade),
            }  # fmt: skip
        elif action in self._final_actions(trade):
            _, code = self._payments.status_of(payment, trade)
            said = {
                "notifyType": "PAYMENT_RESULT", "result": result(code), **self._payments.described(payment, trade),
            }  # fmt: skip
        else:
            return None
        return {"body": json.dumps(said, ensure_ascii=False, separators=(",", ":"))}

    def _final_actions(self, trade: Trade) -> tuple[str, ...]:
        """What is told as a payment's result: that it was paid or closed, and a cancel where the settings say so."""
        if not trade.is_undone:
            return ("payByAccountAction", "closeTradeAction")
        cancelled = ("closeTradeAction", "reverseAction") if self._choices.tell_cancel else ()
        return ("payByAccountAction", *cancelled)

    def posted(self, notice: Notice, *, spoiled: bool) -> tuple[bytes, dict[str, str]]:
        """Body and headers of one try; a forged one is changed field by field at the top of the body."""
        changes = {name: value for name, value in notice.fields.items() if name != "body"}
        text = notice.fields["body"]
        if changes:
            message: dict[str, Any] = json.loads(text) | changes
            text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        body, time = text.encode(), iso(self._book.clock.now())
        partner = self._partners.find(notice.partner)
        signatory = self._partners.client_signatory(partner) if partner else None
        headers = {"Content-Type": CONTENT_TYPE, "Request-Time": time}
        if partner is not None and signatory is not None:
            parts = urlsplit(notice.url)
            address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            signed = text_to_sign(address, partner.client_id, time, body)
            headers |= {
                "Client-Id": partner.client_id,
                "Signature": write_signature(Forger(signatory) if spoiled else signatory, signed),
            }
        return body, headers

    def is_acknowledged(self, delivery: Delivery) -> bool:
        """Whether the merchant said that it has understood."""
        if delivery.status != 200:
            return False
        try:
            said = json.loads(delivery.answer)
            return bool(said["result"]["resultStatus"] == RESULTS["SUCCESS"][0])
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
