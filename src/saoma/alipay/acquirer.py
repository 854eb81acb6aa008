"""The gateway that pays through an acquirer: another deployment of Saoma with keys and books of its own.

The acquirer's word about a payment is final only where its own lifecycle is: `succeeded`, `failed`, `cancelled`. A
problem ends nothing by itself, for an earlier request under the same key may have begun the payment. Answers carry no
signature; `signed` in their evidence says that they came from the account's address, where our key was accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from saoma.alipay import codes
from saoma.alipay.acquirer_answers import UNDONE, Page, Payment, opened, the_one
from saoma.alipay.acquirer_client import AcquirerAccount, AcquirerClient, ApiReply
from saoma.alipay.acquirer_news import read_webhook
from saoma.alipay.client import NoBelievableAnswer
from saoma.gateway import (
    BadNotice,
    Cancelled,
    CancelRefused,
    CancelReport,
    Charge,
    Closed,
    Declined,
    Evidence,
    Method,
    Notice,
    NoTrade,
    PayReport,
    QueryReport,
    RefundDeclined,
    Refunded,
    RefundReport,
    Saying,
    Trade,
    Unclear,
)
from saoma.kit.clock import Clock
from saoma.kit.errors import Invalid, NotSent
from saoma.kit.money import Money

_METHODS: Final = (Method.BARCODE, Method.WALLET_PAGE, Method.ORDER_CODE)
#: Refused at the acquirer's door: whatever was sent before, this request did nothing.
_AT_THE_DOOR: Final = frozenset(
    {"unauthorized", "not-allowed", "too-many", "media-type", "too-large", "key-missing", "method-not-allowed"}
)


class _Refund(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    payment: str
    status: str
    amount: str
    currency: str


class _Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    store: str


class Acquirer:
    """One account at one acquirer. Implements `saoma.gateway.Gateway`.

    Our order number is the acquirer's `reference` and the Idempotency-Key of the payment; our refund number is the key
    of the refund."""

    def __init__(self, account: AcquirerAccount, client: AcquirerClient, clock: Clock) -> None:
        self.account = account
        self._client = client
        self._clock = clock

    async def open(self, charge: Charge) -> PayReport:
        """POST /payments. Raises `Invalid` for a method that is not opened here."""
        if charge.method not in _METHODS:
            raise Invalid(f"{charge.method.value} is not opened at an acquirer.")
        body = {
            "method": charge.method.value,
            "amount": charge.amount.text,
            "currency": charge.amount.currency,
            "subject": _line(charge.subject) or charge.order_number,
            "store": self.account.store,
            "reference": charge.order_number,
        }
        if charge.method is Method.BARCODE:
            body["payment_code"] = charge.payment_code
        if charge.buyer_id:
            body["buyer_id"] = charge.buyer_id
        reply = await self._post("open", charge.order_number, "/payments", body, charge.order_number)
        if isinstance(reply, Unclear):
            return reply
        if reply.problem == "invalid":
            # It did nothing, and neither did an earlier one, if the acquirer has no payment of this reference.
            found = await self._find(charge.order_number, "open")
            if isinstance(found, NoTrade):
                return Declined("invalid_request", _evidence("open", "invalid_request", reply))
            return found if isinstance(found, Unclear) else opened(found, _evidence("open", "", reply))
        payment = self._read(reply, charge.order_number, "open")
        return payment if isinstance(payment, Unclear) else opened(payment, _evidence("open", "", reply))

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        """GET /payments by our order number."""
        found = await self._find(order_number, "query")
        if isinstance(found, NoTrade | Unclear):
            return found
        report = opened(found, _seen("query", found))
        return Closed(found.trade, report.evidence) if isinstance(report, Declined) else report

    async def cancel(self, order_number: str, trade_number: str, now: datetime) -> CancelReport:
        """Undo whatever the acquirer has under our order number: spend the reference, cancel, or refund the whole."""
        found = await self._find(order_number, "cancel")
        if isinstance(found, NoTrade):
            return await self._withdraw(order_number)
        if isinstance(found, Unclear):
            return found
        if found.status not in (*UNDONE, "succeeded"):
            path = f"/payments/{found.id}/cancel"
            reply = await self._post("cancel", order_number, path, {}, f"cancel-{order_number}")
            if isinstance(reply, Unclear):
                return reply
            read = self._read(reply, order_number, "cancel")
            if isinstance(read, Unclear):
                return read
            found = read
        if trade_number and found.trade_no and trade_number != found.trade_no:
            return _unclear("cancel", "other_order")
        if found.status in UNDONE:
            return _undone(found, gave_back=found.gave_back)
        if found.status == "succeeded":
            return await self._give_all_back(order_number, found)
        return Unclear("giving_up", _seen("cancel", found, "giving_up"))

    async def refund(
        self, order_number: str, trade_number: str, refund_number: str, amount: Money, reason: str
    ) -> RefundReport:
        """POST /payments/{id}/refunds."""
        found = await self._find(order_number, "refund")
        if isinstance(found, NoTrade):
            return RefundDeclined("TRADE_NOT_EXIST", found.evidence)
        if isinstance(found, Unclear):
            return found
        if found.status in UNDONE:
            return RefundDeclined("TRADE_NOT_ALLOW_REFUND", _seen("refund", found, "TRADE_NOT_ALLOW_REFUND"))
        if found.status != "succeeded" or (trade_number and found.trade_no and trade_number != found.trade_no):
            return Unclear("fault", _seen("refund", found, "fault"))
        return await self._refunded(found, refund_number, amount, reason)

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        """Verify and read one webhook: `body` as it came, `signature` from its header."""
        return read_webhook(self.account, fields.get("body", ""), fields.get("signature", ""), self._clock.now())

    def say(self, code: str) -> Saying:
        """The sentences for a code: the acquirer hands Alipay's on, and is answered in the same words."""
        return codes.say(code)

    async def _find(self, order_number: str, call: str) -> Payment | NoTrade | Unclear:
        query = {"reference": order_number, "store": self.account.store}
        try:
            reply = await self._client.get(self.account, order_number, "/payments", query)
        except NotSent:
            return _unclear(call, "not_sent")
        except NoBelievableAnswer as error:
            return _unclear(call, error.code, error.raw)
        if reply.status != 200:
            return _problem(call, reply)
        try:
            page = msgspec.json.decode(reply.body, type=Page)
            if not page.items and page.next_cursor is None:
                return NoTrade(_evidence(call, "TRADE_NOT_EXIST", reply))
            payment = the_one(page)
            _ = payment.money, payment.money_refunded
        except (ValueError, Invalid, RecursionError):
            return _unclear(call, "unreadable", reply.raw)
        return payment if self._is(payment, order_number) else _unclear(call, "other_order", reply.raw)

    def _is(self, payment: Payment, order_number: str) -> bool:
        return payment.reference == order_number and payment.store == self.account.store

    def _read(self, reply: ApiReply, order_number: str, call: str) -> Payment | Unclear:
        if reply.status not in (200, 201, 202):
            return _problem(call, reply)
        try:
            payment = msgspec.json.decode(reply.body, type=Payment)
            _ = payment.money, payment.money_refunded
        except (ValueError, Invalid, RecursionError):
            return _unclear(call, "unreadable", reply.raw)
        return payment if self._is(payment, order_number) else _unclear(call, "other_order", reply.raw)

    async def _post(self, call: str, about: str, path: str, body: object, key: str) -> ApiReply | Unclear:
        try:
            return await self._client.post(self.account, about, path, body, key)
        except NotSent:
            return _unclear(call, "not_sent")
        except NoBelievableAnswer as error:
            return _unclear(call, error.code, error.raw)

    async def _withdraw(self, order_number: str) -> CancelReport:
        body = {"reference": order_number, "store": self.account.store}
        reply = await self._post("cancel", order_number, "/payments/withdraw", body, f"withdraw-{order_number}")
        if isinstance(reply, Unclear):
            return reply
        if reply.status != 200:
            # Where the reference is taken by now, the next cancel finds its payment.
            return _problem("cancel", reply)
        try:
            spent = msgspec.json.decode(reply.body, type=_Withdrawn)
        except (ValueError, RecursionError):
            return _unclear("cancel", "unreadable", reply.raw)
        if (spent.reference, spent.store) != (order_number, self.account.store):
            return _unclear("cancel", "other_order", reply.raw)
        return Cancelled(gave_back=False, trade=Trade(), evidence=_evidence("cancel", "cancelled", reply))

    async def _give_all_back(self, order_number: str, paid: Payment) -> CancelReport:
        if paid.money_refunded == paid.money:
            return _undone(paid, gave_back=True)
        if paid.money_refunded.minor:
            return CancelRefused("CANCEL_NOT_ALLOWED", _seen("cancel", paid, "CANCEL_NOT_ALLOWED"))
        match await self._refunded(paid, f"undo-{order_number}", paid.money, "cancelled"):
            case Refunded(_, evidence):
                return Cancelled(gave_back=True, trade=paid.trade, evidence=evidence)
            case RefundDeclined(code, evidence):
                return CancelRefused(code, evidence)
            case Unclear() as unclear:
                return unclear

    async def _refunded(self, paid: Payment, key: str, amount: Money, reason: str) -> RefundReport:
        body = {"amount": amount.text, "reason": _line(reason)}
        if amount.currency != paid.currency:
            return RefundDeclined("CURRENCY_NOT_SAME", _seen("refund", paid, "CURRENCY_NOT_SAME"))
        reply = await self._post("refund", paid.reference, f"/payments/{paid.id}/refunds", body, key)
        if isinstance(reply, Unclear):
            return reply
        if reply.problem == "invalid":
            # A known key is answered before anything is checked, so nothing was ever given back under this one.
            return RefundDeclined("REFUND_AMT_RESTRICTION", _evidence("refund", "REFUND_AMT_RESTRICTION", reply))
        if reply.status not in (200, 201, 202):
            return _problem("refund", reply)
        try:
            told = msgspec.json.decode(reply.body, type=_Refund)
            given = Money.parse(told.amount, told.currency)
        except (ValueError, Invalid, RecursionError):
            return _unclear("refund", "unreadable", reply.raw)
        if told.payment != paid.id or given != amount:
            return _unclear("refund", "other_order" if given == amount else "other_amount", reply.raw)
        match told.status:
            case "succeeded":
                return Refunded(Trade(trade_number=paid.trade_no), _evidence("refund", "refunded", reply))
            case "failed":
                return RefundDeclined("TRADE_NOT_ALLOW_REFUND", _evidence("refund", "TRADE_NOT_ALLOW_REFUND", reply))
            case _:
                return Unclear("fault", _evidence("refund", "fault", reply))


def _undone(payment: Payment, *, gave_back: bool) -> Cancelled:
    word = "cancelled_gave_back" if gave_back else "cancelled"
    return Cancelled(gave_back, payment.trade, _seen("cancel", payment, word))


def _problem(call: str, reply: ApiReply) -> Unclear:
    code = "not_sent" if reply.problem in _AT_THE_DOOR else "fault" if reply.problem else "unreadable"
    return _unclear(call, code, reply.raw)


def _unclear(call: str, code: str, raw: str = "") -> Unclear:
    return Unclear(code, Evidence(f"acquirer {call}", code, signed=None, raw=raw))


def _evidence(call: str, code: str, reply: ApiReply) -> Evidence:
    return Evidence(f"acquirer {call}", code, signed=True, raw=reply.raw)


def _seen(call: str, payment: Payment, code: str = "") -> Evidence:
    return Evidence(f"acquirer {call}", code, signed=True, raw=msgspec.json.encode(payment).decode())


def _line(text: str) -> str:
    """One line of text as the partner API takes it."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:128]
