"""The XML gateway: every check in its order, then the operation, then whatever misbehaviour is planned.

The order of checks is this sandbox's; Alipay's own is not published. Whatever the answer says has been written to
the store before it leaves (https://docs.antom.com/ac/gr/apispec, https://docs.antom.com/ac/gr/globalgs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_to_bytes

from saoma.alipay.signing import Signatory, SignType, string_to_sign
from saoma.alipay.wire import Unreadable, codec, parse_form, write_answer, write_rejection
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import PARTNER_ID, Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import NOTIFY_VERIFY, Fault, FaultKind, Faults, fault_of_code
from saoma.sandbox.faults.late_payers import pay_after, pay_now
from saoma.sandbox.lifetimes import TIMESTAMP_LIFETIME, read_timestamp
from saoma.sandbox.mapi import autodebit, forex, forex_files, hongkong, instore, reversing, shops
from saoma.sandbox.mapi.asking import Asked, Bare, Operation, Plain, Rejected, Words, failure, refusal, unknown
from saoma.sandbox.parameters import fault_in

_ROOMS: Final = (instore, reversing, shops, autodebit, forex, forex_files)
OPERATIONS: Final = {operation.name: operation for room in _ROOMS for operation in room.OPERATIONS}

#: Services that take the money at once, unless the buyer is to think about it.
_AT_ONCE: Final = (instore.SPOT_PAY, "alipay.acquire.createandpay")
#: After these a cancel may work when it is asked for again.
_WORTH_A_REPEAT: Final = ("SYSTEM_ERROR", "SELLER_BALANCE_NOT_ENOUGH")
_CHARSET: Final = re.compile(rb"(?:^|&)_input_charset=([^&]*)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. `body` None: nothing ever does, and the connection is dropped after `wait` seconds."""

    body: bytes | None
    content_type: str = ""
    wait: float = 0
    why: str = ""


class Mapi:
    """Answers `service=` requests. `is_genuine` says what notify_verify says of a partner's notification id."""

    def __init__(self, book: Book, partners: Partners, faults: Faults, is_genuine: Callable[[str, str], str]) -> None:
        self._book = book
        self._partners = partners
        self._faults = faults
        self._is_genuine = is_genuine

    def answer(self, query: bytes, body: bytes) -> Reply:
        """One call, from its raw query string and body."""
        default = self._book.choices.default_charset
        charset = _charset_of(query, body, default)
        fields: dict[str, str] = {}
        with self._book.store.writing():
            why = ""
            try:
                fields = read_fields(query, body, charset, self._book.choices.parameter_code)
                reply = self._served(fields, charset or default)
                why = reply.why
            except Rejected as no:
                reply, why = self._rejected(no.code, charset or default, fields), no.why
            self._log(fields, reply, charset or default, why)
        return reply

    def _served(self, fields: dict[str, str], charset: str) -> Reply:
        if fields.get("service") == NOTIFY_VERIFY:
            return self.verified(fields, charset)
        operation = OPERATIONS.get(fields.get("service", ""))
        if operation is None:
            raise Rejected("ILLEGAL_SERVICE")
        partner, signatory = self._known_caller(fields, charset)
        if partner.services and operation.name not in partner.services:
            raise Rejected("ILLEGAL_PARTNER_EXTERFACE")
        rules, choices = operation.rules_for(partner), self._book.choices
        if "timestamp" in rules and fields.get("timestamp"):
            self._check_fresh(fields["timestamp"])
        why = fault_in(fields, rules, strict=choices.refuse_undocumented) or operation.check(fields)
        if not why and choices.hk_refuse_quotes and partner.is_hk:
            why = hongkong.quote_fault(fields)
        if why:
            raise Rejected(choices.parameter_code, why)
        asked = Asked(fields, partner, self._book, charset, signatory.sign_type.value)
        number = self._number(operation, asked)
        fault = self._faults.take(operation.name, partner.partner, number)
        if fault is None and operation.name == instore.SPOT_PAY and not instore.is_known(asked):
            fault = fault_of_code(fields["buyer_identity_code"])
        reply = self._carried_out(operation, asked, signatory, fault, number)
        return replace(reply, wait=reply.wait + fault.late, why=fault.why) if fault else reply

    def _number(self, operation: Operation, asked: Asked) -> str:
        """The order that a call is about, also where it is named by Alipay's number only."""
        if number := asked.get(operation.number):
            return number
        trade = self._book.by_trade_no.get(asked.get("trade_no") or asked.get("alipay_trans_id"))
        return trade.out_trade_no if trade and trade.partner == asked.partner.partner else ""

    def _carried_out(
        self, operation: Operation, asked: Asked, signatory: Signatory, fault: Fault | None, number: str
    ) -> Reply:
        kind = fault.fault if fault else None
        wait = fault.seconds if fault else 0.0
        out_of_order = _out_of_order(operation, asked.charset)
        match kind:
            case FaultKind.SYSTEM_ERROR_BEFORE:
                return out_of_order
            case FaultKind.SILENCE_BEFORE:
                return Reply(None, wait=wait)
            case FaultKind.REJECTED:
                raise Rejected(fault.code if fault else "", fault.why if fault else "")
            case FaultKind.UNKNOWN:
                asked = replace(asked, hold=True)
            case FaultKind.PAYS_LATE if operation.name in _AT_ONCE:
                asked = replace(asked, hold=True)
            case FaultKind.PAID_FIRST:
                pay_now(self._book, asked.partner.partner, number, fault.who if fault else "")
            case _:
                pass
        said, why = _said(operation, asked, fault)
        match kind:
            case FaultKind.SYSTEM_ERROR_AFTER:
                return out_of_order
            case FaultKind.SILENCE_AFTER:
                return Reply(None, wait=wait)
            case FaultKind.BAD_SIGNATURE:
                signatory = Forger(signatory)
            case FaultKind.PAYS_LATE:
                pay_after(self._book, asked.partner.partner, number, wait, fault.who if fault else "")
            case _:
                pass
        match said:
            case Plain(text):
                return Reply(text.encode(codec(asked.charset), "replace"), f"text/plain;charset={asked.charset}")
            case Bare():
                return Reply(_yes(asked.charset), _xml(asked.charset))
            case _:
                answer = write_answer(operation.node, said, asked.fields, signatory, asked.charset)
                return Reply(answer, _xml(asked.charset), why=why)

    def _known_caller(self, fields: Mapping[str, str], charset: str) -> tuple[Partner, Signatory]:
        partner = self._partners.find(fields.get("partner", ""))
        if partner is None or not PARTNER_ID.fullmatch(partner.partner):
            raise Rejected("ILLEGAL_PARTNER")
        if fields.get("sign_type") not in hongkong.sign_types(partner, fields["service"]):
            raise Rejected("ILLEGAL_SIGN_TYPE")
        signatory = self._partners.signatory(partner, fields["sign_type"])
        if signatory is None:
            why = (
                f"no {fields['sign_type']} key of {partner.partner} is known here; keys in memory end with the sandbox"
            )
            raise Rejected("ILLEGAL_SECURITY_PROFILE", why)
        signed = string_to_sign(fields).encode(codec(charset))
        if not signatory.verify(signed, fields.get("sign", "")):
            raise Rejected("ILLEGAL_SIGN", f"the text to sign is {string_to_sign(fields)}")
        return partner, signatory

    def _check_fresh(self, text: str) -> None:
        moment = read_timestamp(text)
        if moment is not None and self._book.is_off(moment, TIMESTAMP_LIFETIME):
            raise Rejected(self._book.choices.stale_timestamp_code)

    def verified(self, fields: Mapping[str, str], charset: str = "UTF-8") -> Reply:
        """https://docs.antom.com/ac/web/async : plain text, and no signature asked for."""
        partner, notify_id = fields.get("partner", ""), fields.get("notify_id", "")
        said = self._is_genuine(partner, notify_id) if partner and notify_id else "invalid"
        reply = Reply(said.encode(), "text/plain;charset=UTF-8")
        if said == "invalid" or (fault := self._faults.take(NOTIFY_VERIFY, partner)) is None:
            return reply
        match fault.fault:
            case FaultKind.SILENCE_BEFORE | FaultKind.SILENCE_AFTER:
                reply = Reply(None, wait=fault.seconds)
            case FaultKind.SYSTEM_ERROR_BEFORE | FaultKind.SYSTEM_ERROR_AFTER:
                reply = Reply(write_rejection("SYSTEM_ERROR", charset), _xml(charset))
            case FaultKind.REFUSED:
                reply = replace(reply, body=(fault.code or "false").encode())
            case _:
                pass
        return replace(reply, wait=reply.wait + fault.late, why=fault.why)

    def _rejected(self, code: str, charset: str, fields: Mapping[str, str]) -> Reply:
        body = write_rejection(code, charset)
        partner = self._partners.find(fields.get("partner", ""))
        if self._book.choices.sign_rejections and partner is not None:
            signatory = self._partners.signatory(partner, fields.get("sign_type", ""))
            if signatory is not None:
                sign = signatory.sign(f"error={code}".encode(codec(charset)))
                signed = f"<sign>{sign}</sign><sign_type>{signatory.sign_type.value}</sign_type></alipay>"
                body = body.removesuffix(b"</alipay>") + signed.encode(codec(charset))
        return Reply(body, _xml(charset))

    def _log(self, fields: dict[str, str], reply: Reply, charset: str, why: str) -> None:
        service = fields.get("service", "")
        operation = OPERATIONS.get(service)
        number = fields.get(operation.number, "") if operation else ""
        said = None if reply.body is None else reply.body.decode(codec(charset), "replace")
        at = self._book.clock.now().isoformat()
        self._book.store.log(at, service, fields.get("partner", ""), number, fields, said, why)


def _said(operation: Operation, asked: Asked, fault: Fault | None) -> tuple[dict[str, str] | Bare | Plain, str]:
    """What is answered, and for the call log why it is a no."""
    if fault is not None and fault.fault is FaultKind.REFUSED:
        return _refused(operation, fault.code or "TRADE_CANCEL_TIME_OUT", asked.book.choices), ""
    if asked.hold and not operation.acts_when_unknown:
        return unknown(operation.words, asked.fields), ""
    try:
        return operation.answer(asked), ""
    except TurnedDown as no:
        return _refused(operation, no.code, asked.book.choices), no.why


def _refused(operation: Operation, code: str, choices: Choices) -> dict[str, str] | Plain:
    no = refusal(operation.words, code)
    if isinstance(no, Plain):
        return no
    if operation.words is Words.FAIL_ERROR and choices.query_detail_error:
        no |= {name: text for name, text in failure(code).items() if name != "result_code"}
    if operation.name == instore.CANCEL:
        no["retry_flag"] = "Y" if code in _WORTH_A_REPEAT else "N"
    return no


def _out_of_order(operation: Operation, charset: str) -> Reply:
    if operation.words is Words.TEXT:
        return Reply(forex_files.OUT_OF_ORDER.encode(), f"text/plain;charset={charset}")
    return Reply(write_rejection("SYSTEM_ERROR", charset), _xml(charset))


def _yes(charset: str) -> bytes:
    text = f'<?xml version="1.0" encoding="{charset}"?><alipay><is_success>T</is_success></alipay>'
    return text.encode(codec(charset))


class Forger:
    """Signs like its model, and then spoils the signature: one digit of it is another."""

    def __init__(self, model: Signatory) -> None:
        self._model = model

    @property
    def sign_type(self) -> SignType:
        """Its model's."""
        return self._model.sign_type

    def sign(self, data: bytes) -> str:
        """A signature that does not hold."""
        good = self._model.sign(data)
        return ("0" if good[0] != "0" else "1") + good[1:]

    def verify(self, data: bytes, signature: str) -> bool:
        """As its model does."""
        return self._model.verify(data, signature)


def read_fields(query: bytes, body: bytes, charset: str | None, code: str) -> dict[str, str]:
    """The parameters of a call, from its URL and its body together.

    A POST names `_input_charset` in the URL and may repeat it in the body; anything else given twice is refused with
    `code`."""
    if charset is None:
        raise Rejected("ILLEGAL_CHARSET")
    try:
        fields, more = parse_form(query, charset), parse_form(body, charset)
    except Unreadable as wrong:
        raise Rejected(code, str(wrong)) from None
    if any(fields[name] != more[name] or name != "_input_charset" for name in fields.keys() & more.keys()):
        raise Rejected(code, "a parameter is given both in the URL and in the body")
    return fields | more


def _charset_of(query: bytes, body: bytes, default: str) -> str | None:
    """The charset as the caller spelled it; None for one Alipay does not take."""
    found = _CHARSET.search(query) or _CHARSET.search(body)
    if found is None or not found[1]:
        return default
    name = unquote_to_bytes(found[1]).decode("ascii", "replace")
    try:
        codec(name)
    except Unreadable:
        return None
    return name


def _xml(charset: str) -> str:
    return f"text/xml;charset={charset}"
