"""The gateway that speaks Alipay's own wire: questions in our words become calls, answers become reports.

A report is drawn only from a verified answer about this very order; an answer that names another order, or that could
be the answer to another question, is `Unclear`. See `codes` for why a rejection by the gateway ends nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from saoma.alipay import codes, notify, shop_codes
from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient, NoBelievableAnswer, Reply
from saoma.alipay.codes import Call, Meaning
from saoma.alipay.messages.fields import Request
from saoma.alipay.messages.paying import (
    Cancel,
    CancelAnswer,
    Create,
    OrderAnswer,
    PayAnswer,
    Precreate,
    Query,
    QueryAnswer,
    SpotPay,
    is_payment_code,
)
from saoma.alipay.messages.refunding import RefundAnswer, RefundQuery, RefundQueryAnswer, SpotRefund
from saoma.alipay.wire import Unreadable, codec
from saoma.gateway import (
    AwaitingBuyer,
    BadNotice,
    Cancelled,
    CancelRefused,
    CancelReport,
    Charge,
    Closed,
    CodeMove,
    CodeReport,
    Declined,
    Evidence,
    Method,
    Notice,
    NoTrade,
    Paid,
    PayReport,
    PrintedCode,
    QueryReport,
    RefundDeclined,
    Refunded,
    RefundReport,
    Saying,
    Trade,
    Unclear,
)
from saoma.kit.clock import BEIJING, Clock
from saoma.kit.errors import Invalid, NotSent
from saoma.kit.money import Money

_FAILED: Final = ("FAIL", "FAILED")
_PAID: Final = ("TRADE_SUCCESS", "TRADE_FINISHED")
#: After midnight in Beijing, yesterday's trades can be cancelled for this long
#: (https://docs.antom.com/ac/global/acquire_cancel).
_GRACE: Final = timedelta(minutes=15)


class Direct:
    """One account at Alipay itself. Implements `saoma.gateway.Gateway` and `saoma.gateway.MerchantCodes`."""

    def __init__(self, account: Account, client: AlipayClient, clock: Clock) -> None:
        self.account = account
        self._client = client
        self._clock = clock

    async def open(self, charge: Charge) -> PayReport:
        """Barcode: spot.pay. Wallet page: create for a known buyer, precreate (redirect to `qr_code`) without one.
        Order code: precreate. Raises `Invalid` for a method that is not opened here."""
        match charge.method:
            case Method.BARCODE:
                if not is_payment_code(charge.payment_code):
                    return _not_sent_for_good("not_a_payment_code", SpotPay.service)
                return await self._pay(charge)
            case Method.WALLET_PAGE | Method.ORDER_CODE:
                return await self._order(charge)
            case _:
                raise Invalid(f"{charge.method.value} is not opened at Alipay.")

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        """overseas.query by our order number."""
        reply = await self._ask(Query(order_number))
        if isinstance(reply, Unclear):
            return reply
        try:
            answer = QueryAnswer.read(reply.fields, amount.currency)
        except Unreadable:
            return _unclear("unreadable", Query.service, reply)
        code = (answer.status if answer.result == "SUCCESS" else answer.error or answer.result) or "unreadable"
        evidence = _evidence(Query.service, code, reply)
        if answer.result in _FAILED:
            if codes.meaning(Call.QUERY, code) is Meaning.NO_TRADE and _agree(order_number, answer.order_number):
                return NoTrade(evidence)
            return Unclear(code, evidence)
        if answer.result != "SUCCESS":
            return Unclear(code, evidence)
        if answer.order_number != order_number:
            return _unclear("other_order", Query.service, reply)
        trade = Trade(
            trade_number=answer.trade_number,
            amount=answer.amount,
            buyer_id=answer.buyer_id,
            buyer_login=answer.buyer_login,
            paid_at=answer.paid_at,
        )
        match answer.status:
            case "TRADE_SUCCESS" | "TRADE_FINISHED":
                return Paid(trade, evidence)
            case "WAIT_BUYER_PAY":
                return AwaitingBuyer(trade, evidence)
            case "TRADE_CLOSED":
                return Closed(trade, evidence)
            case _:
                return Unclear(code, evidence)

    async def cancel(self, order_number: str, trade_number: str, now: datetime) -> CancelReport:
        """acquire.cancel by our order number, the same request each time.

        Not sent at all once the day of a known trade number is over: then only a refund undoes the payment."""
        if _window_is_over(trade_number, now):
            return CancelRefused(
                "cancel_window_closed", Evidence(Cancel.service, "cancel_window_closed", signed=None, raw="")
            )
        reply = await self._ask(Cancel(order_number, now))
        if isinstance(reply, Unclear):
            return reply
        try:
            answer = CancelAnswer.read(reply.fields)
        except Unreadable:
            return _unclear("unreadable", Cancel.service, reply)
        if not _agree(order_number, answer.order_number) or not _agree(trade_number, answer.trade_number):
            return _unclear("other_order", Cancel.service, reply)
        if answer.result == "SUCCESS":
            if not answer.order_number:
                # a success that names no order could be the success of any other cancel
                return _unclear("other_order", Cancel.service, reply)
            gave_back = answer.action == "refund"
            word = "cancelled_gave_back" if gave_back else "cancelled"
            trade = Trade(trade_number=answer.trade_number or trade_number)
            return Cancelled(gave_back, trade, _evidence(Cancel.service, word, reply))
        code = answer.error or answer.result or "unreadable"
        evidence = _evidence(Cancel.service, code, reply)
        if answer.result in _FAILED:
            final = codes.meaning(Call.CANCEL, code) is Meaning.CANCEL_REFUSED
            if answer.retry == "N" or (final and answer.retry != "Y"):
                return CancelRefused(code, evidence)
        return Unclear(code, evidence)

    async def refund(
        self, order_number: str, trade_number: str, refund_number: str, amount: Money, reason: str
    ) -> RefundReport:
        """spot.refund, synchronously. Where it is refused for what is there already, refund.query is asked whether
        that is this very refund."""
        request = SpotRefund(order_number, refund_number, amount, self._one_line(reason))
        try:
            request.fields()
        except Invalid as error:
            return RefundDeclined(
                "invalid_request", Evidence(SpotRefund.service, "invalid_request", signed=None, raw=str(error))
            )
        reply = await self._ask(request)
        if isinstance(reply, Unclear):
            return reply
        try:
            answer = RefundAnswer.read(reply.fields, amount.currency)
        except Unreadable:
            return _unclear("unreadable", SpotRefund.service, reply)
        named = (
            _agree(order_number, answer.order_number)
            and _agree(refund_number, answer.refund_number)
            and _agree(trade_number, answer.trade_number)
        )
        if not named:
            return _unclear("other_order", SpotRefund.service, reply)
        if answer.result == "SUCCESS":
            if not answer.refund_number:
                return _unclear("other_order", SpotRefund.service, reply)
            if answer.amount is not None and answer.amount != amount:
                return _unclear("other_amount", SpotRefund.service, reply)
            trade = Trade(trade_number=answer.trade_number or trade_number)
            return Refunded(trade, _evidence(SpotRefund.service, "refunded", reply))
        code = answer.error or answer.result or "unreadable"
        evidence = _evidence(SpotRefund.service, code, reply)
        if answer.result in _FAILED:
            match codes.meaning(Call.REFUND, code):
                case Meaning.REFUND_DECLINED:
                    return RefundDeclined(code, evidence)
                case Meaning.REFUND_MAYBE_DONE:
                    return await self._was_refunded(order_number, trade_number, refund_number, code, evidence)
                case _:
                    pass
        return Unclear(code, evidence)

    async def create_code(self, code: PrintedCode) -> CodeReport:
        """qrcode.create; asked again, Alipay gives the same code back."""
        return await shop_codes.told(self._ask, shop_codes.to_create(code, self._clock.now()))

    async def modify_code(self, address: str, code: PrintedCode) -> CodeReport:
        """qrcode.modify."""
        return await shop_codes.told(self._ask, shop_codes.to_modify(address, code, self._clock.now()), address)

    async def move_code(self, address: str, move: CodeMove) -> CodeReport:
        """qrcode.modifyStatus."""
        return await shop_codes.told(self._ask, shop_codes.to_move(address, move, self._clock.now()), address)

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        """Verify and read one notification."""
        return notify.read_notice(self.account, fields, currency, self._clock.now())

    def say(self, code: str) -> Saying:
        """The sentences for one of Alipay's codes or one of our words."""
        return codes.say(code)

    async def _pay(self, charge: Charge) -> PayReport:
        request = SpotPay(
            order_number=charge.order_number,
            amount=charge.amount,
            subject=self._one_line(charge.subject),
            created_at=charge.created_at,
            payment_code=charge.payment_code,
            shop=charge.shop,
            seller_id=self.account.partner,
            notify_url=charge.notify_url,
        )
        reply = await self._ask_to_open(request)
        if not isinstance(reply, Reply):
            return reply
        try:
            answer = PayAnswer.read(reply.fields, charge.amount.currency)
        except Unreadable:
            return _unclear("unreadable", SpotPay.service, reply)
        if not _agree(charge.order_number, answer.order_number):
            return _unclear("other_order", SpotPay.service, reply)
        if answer.result == "SUCCESS":
            # the answers to a query or a refund of this order say SUCCESS, too, and are just as genuinely signed
            if (answer.status and answer.status not in _PAID) or answer.refund_number or not answer.trade_number:
                return _unclear("unreadable", SpotPay.service, reply)
            if answer.order_number != charge.order_number:
                return _unclear("other_order", SpotPay.service, reply)
            trade = Trade(
                trade_number=answer.trade_number,
                amount=answer.amount,
                buyer_id=answer.buyer_id,
                buyer_login=answer.buyer_login,
                paid_at=answer.paid_at,
            )
            return Paid(trade, _evidence(SpotPay.service, "TRADE_SUCCESS", reply))
        return _refusal(SpotPay.service, answer.result, answer.error, answer.trade_number, reply)

    async def _order(self, charge: Charge) -> PayReport:
        request: Create | Precreate
        if charge.method is Method.WALLET_PAGE and charge.buyer_id:
            request = Create(
                order_number=charge.order_number,
                amount=charge.amount,
                subject=self._one_line(charge.subject),
                shop=charge.shop,
                notify_url=charge.notify_url,
                sent_at=self._clock.now(),
                time_to_pay=charge.expires_at - charge.created_at,
                buyer_id=charge.buyer_id,
            )
        else:
            request = Precreate(
                order_number=charge.order_number,
                amount=charge.amount,
                subject=self._one_line(charge.subject),
                shop=charge.shop,
                notify_url=charge.notify_url,
                sent_at=self._clock.now(),
                time_to_pay=charge.expires_at - charge.created_at,
                code_valid_for=charge.expires_at - charge.created_at,
            )
        reply = await self._ask_to_open(request)
        if not isinstance(reply, Reply):
            return reply
        try:
            answer = OrderAnswer.read(reply.fields)
        except Unreadable:
            return _unclear("unreadable", request.service, reply)
        if not _agree(charge.order_number, answer.order_number):
            return _unclear("other_order", request.service, reply)
        if answer.result == "SUCCESS":
            way_to_pay = answer.trade_number if isinstance(request, Create) else answer.qr_code
            if not way_to_pay and isinstance(request, Precreate) and answer.order_number == charge.order_number:
                # published: then another order number must be tried
                return _unclear("no_code", request.service, reply)
            if not way_to_pay or answer.order_number != charge.order_number:
                return _unclear("unreadable", request.service, reply)
            trade = Trade(trade_number=answer.trade_number, buyer_id=charge.buyer_id)
            return AwaitingBuyer(trade, _evidence(request.service, "WAIT_BUYER_PAY", reply), qr_code=answer.qr_code)
        return _refusal(request.service, answer.result, answer.error, answer.trade_number, reply)

    async def _was_refunded(
        self, order_number: str, trade_number: str, refund_number: str, code: str, evidence: Evidence
    ) -> RefundReport:
        service = RefundQuery.service
        reply = await self._ask(RefundQuery(order_number, refund_number))
        if isinstance(reply, Unclear):
            return reply
        try:
            answer = RefundQueryAnswer.read(reply.fields)
        except Unreadable:
            return _unclear("unreadable", service, reply)
        if not _agree(order_number, answer.order_number) or not _agree(refund_number, answer.refund_number):
            return _unclear("other_order", service, reply)
        if answer.response in ("NOT_FOUND", "TRADE_NOT_EXIST"):
            # refused, and not among the refunds there are: it did not happen
            return RefundDeclined(code, evidence)
        if code == "DISCORDANT_REPEAT_REQUEST" or answer.response != "SUCCESS":
            # a refund of another amount under our number is nothing to conclude from
            return Unclear(code, _evidence(service, code, reply))
        match answer.result:
            case "SUCCESS" if answer.refund_number == refund_number:
                trade = Trade(trade_number=answer.trade_number or trade_number)
                return Refunded(trade, _evidence(service, "refunded", reply))
            case "FAILED" | "CANCELED":
                word = answer.error or answer.result
                return RefundDeclined(word, _evidence(service, word, reply))
            case _:
                return Unclear(answer.error or answer.result or code, _evidence(service, code, reply))

    async def _ask_to_open(self, request: SpotPay | Create | Precreate) -> Reply | Unclear | Declined:
        try:
            return await self._ask(request)
        except Invalid as error:
            # deterministic, so no earlier attempt can have left either
            return _not_sent_for_good("invalid_request", request.service, str(error))

    def _one_line(self, text: str) -> str:
        """Words for people that may be sent, without what the account's charset has no letters for."""
        name = codec(self.account.charset)
        return _one_line(text.encode(name, "ignore").decode(name), 128)

    async def _ask(self, request: Request) -> Reply | Unclear:
        """The verified answer, or why there is none that proves anything."""
        service = request.service
        try:
            reply = await self._client.call(self.account, request)
        except NotSent as error:
            return Unclear("not_sent", Evidence(service, "not_sent", signed=None, raw=str(error)))
        except NoBelievableAnswer as error:
            signed = False if error.code == "bad_signature" else None
            return Unclear(error.code, Evidence(service, error.code, signed=signed, raw=error.raw or str(error)))
        if reply.rejection:
            return Unclear(reply.rejection, Evidence(service, reply.rejection, signed=None, raw=reply.raw))
        echoed = reply.echoed.get("service", service)
        if echoed != service:
            return _unclear("other_order", service, reply)
        return reply


def _refusal(service: str, result: str, error: str, trade_number: str, reply: Reply) -> PayReport:
    """What an answer other than SUCCESS to an opening call means."""
    code = error or result or "unreadable"
    evidence = _evidence(service, code, reply)
    if result in _FAILED:
        match codes.meaning(Call.OPEN, code):
            case Meaning.DECLINED:
                return Declined(code, evidence)
            case Meaning.CLOSED:
                return Closed(Trade(trade_number=trade_number), evidence)
            case _:
                pass
    return Unclear(code, evidence)


def _not_sent_for_good(code: str, service: str, why: str = "") -> Declined:
    return Declined(code, Evidence(service, code, signed=None, raw=why))


def _unclear(code: str, service: str, reply: Reply) -> Unclear:
    return Unclear(code, _evidence(service, code, reply))


def _evidence(service: str, code: str, reply: Reply) -> Evidence:
    return Evidence(source=service, code=code, signed=True, raw=reply.raw)


def _agree(asked: str, answered: str) -> bool:
    """Whether an answer names what was asked for, or does not name it at all."""
    return not asked or not answered or asked == answered


def _one_line(text: str, most: int) -> str:
    """A subject that may be sent: one line, no control characters, no double quotes, at most `most` characters."""
    kept = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join(kept.replace('"', "'").split())[:most].strip()


def _window_is_over(trade_number: str, now: datetime) -> bool:
    """Whether the trade's day in Beijing, which its number begins with, ended more than the grace ago."""
    try:
        day = datetime.strptime(trade_number[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return False
    if len(trade_number) != 28 or not trade_number.isdecimal():
        return False
    ends = datetime.combine(day + timedelta(days=1), time(), BEIJING) + _GRACE
    return now > ends
