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
from saoma.sandbox import instore, shops
from saoma.sandbox.asking import Asked, Operation, refusal, unknown
from saoma.sandbox.buyers import TurnedDown
from saoma.sandbox.faults import Fault, FaultKind, Faults, fault_of_code
from saoma.sandbox.lifetimes import TIMESTAMP_LIFETIME, read_timestamp
from saoma.sandbox.model import Partner
from saoma.sandbox.parameters import fault_in
from saoma.sandbox.partners import PARTNER_ID, Partners
from saoma.sandbox.trades import Book

OPERATIONS: Final = {operation.name: operation for operation in (*instore.OPERATIONS, *shops.OPERATIONS)}
NOTIFY_VERIFY: Final = "notify_verify"

_CHARSET: Final = re.compile(rb"(?:^|&)_input_charset=([^&]*)")
#: What the gateway assumes when nobody says (https://docs.antom.com/ac/hkapi/spot_refund).
_DEFAULT_CHARSET: Final = "GBK"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. `body` None: nothing ever does, and the connection is dropped after `wait` seconds."""

    body: bytes | None
    content_type: str = ""
    wait: float = 0
    why: str = ""


class _Stop(Exception):
    """The gateway refuses; `why` is for the developer who reads the call log."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.why = why


class Mapi:
    """Answers `service=` requests. `is_genuine` tells whether a notification id is one of ours and still open."""

    def __init__(self, book: Book, partners: Partners, faults: Faults, is_genuine: Callable[[str, str], bool]) -> None:
        self._book = book
        self._partners = partners
        self._faults = faults
        self._is_genuine = is_genuine

    def answer(self, query: bytes, body: bytes) -> Reply:
        """One call, from its raw query string and body."""
        charset = _charset_of(query, body)
        fields: dict[str, str] = {}
        with self._book.store.writing():
            why = ""
            try:
                fields = read_fields(query, body, charset)
                reply = self._served(fields, charset or _DEFAULT_CHARSET)
                why = reply.why
            except _Stop as stop:
                reply, why = _rejected(stop.code, charset), stop.why
            self._log(fields, reply, charset, why)
        return reply

    def _served(self, fields: dict[str, str], charset: str) -> Reply:
        if fields.get("service") == NOTIFY_VERIFY:
            return self._verified(fields)
        operation = OPERATIONS.get(fields.get("service", ""))
        if operation is None:
            raise _Stop("ILLEGAL_SERVICE")
        partner, signatory = self._known_caller(fields, charset)
        if partner.services and operation.name not in partner.services:
            raise _Stop("ILLEGAL_PARTNER_EXTERFACE")
        if "timestamp" in operation.rules and fields.get("timestamp"):
            self._check_fresh(fields["timestamp"])
        if why := fault_in(fields, operation.rules) or operation.check(fields):
            raise _Stop("ILLEGAL_ARGUMENT", why)
        asked = Asked(fields, partner, self._book, charset, signatory.sign_type.value)
        fault = self._faults.take(operation.name)
        if fault is None and operation.name == instore.SPOT_PAY and not instore.is_known(asked):
            fault = fault_of_code(fields["buyer_identity_code"])
        reply = self._carried_out(operation, asked, signatory, fault)
        return replace(reply, why=f"as planned: {fault.fault.value}") if fault else reply

    def _carried_out(self, operation: Operation, asked: Asked, signatory: Signatory, fault: Fault | None) -> Reply:
        kind = fault.fault if fault else None
        wait = fault.seconds if fault else 0.0
        if kind is FaultKind.SYSTEM_ERROR_BEFORE:
            return _rejected("SYSTEM_ERROR", asked.charset)
        if kind is FaultKind.SILENCE_BEFORE:
            return Reply(None, wait=wait)
        if kind is FaultKind.UNKNOWN:
            asked = Asked(asked.fields, asked.partner, asked.book, asked.charset, asked.sign_type, hold=True)
        if kind is FaultKind.REFUSED:
            said = refusal(operation.words, "TRADE_CANCEL_TIME_OUT") | {"retry_flag": "N"}
        elif kind is FaultKind.UNKNOWN and not operation.acts_when_unknown:
            said = unknown(operation.words, asked.fields)
        else:
            try:
                said = operation.answer(asked)
            except TurnedDown as no:
                said = refusal(operation.words, no.code)
        if kind is FaultKind.SYSTEM_ERROR_AFTER:
            return _rejected("SYSTEM_ERROR", asked.charset)
        if kind is FaultKind.SILENCE_AFTER:
            return Reply(None, wait=wait)
        if kind is FaultKind.BAD_SIGNATURE:
            signatory = Forger(signatory)
        answer = write_answer(operation.node, said, asked.fields, signatory, asked.charset)
        return Reply(answer, _xml(asked.charset), wait if kind is FaultKind.DELAY else 0)

    def _known_caller(self, fields: Mapping[str, str], charset: str) -> tuple[Partner, Signatory]:
        partner = self._partners.find(fields.get("partner", ""))
        if partner is None or not PARTNER_ID.fullmatch(partner.partner):
            raise _Stop("ILLEGAL_PARTNER")
        if fields.get("sign_type") not in SignType.__members__:
            raise _Stop("ILLEGAL_SIGN_TYPE")
        signatory = self._partners.signatory(partner, fields["sign_type"])
        if signatory is None:
            raise _Stop("ILLEGAL_SECURITY_PROFILE")
        signed = string_to_sign(fields).encode(codec(charset))
        if not signatory.verify(signed, fields.get("sign", "")):
            raise _Stop("ILLEGAL_SIGN", f"the text to sign is {string_to_sign(fields)}")
        return partner, signatory

    def _check_fresh(self, text: str) -> None:
        """Half an hour around this clock, or around the one it was pushed ahead of: callers keep real time."""
        moment = read_timestamp(text)
        now = self._book.clock.now()
        if moment is not None and all(
            abs(clock - moment) > TIMESTAMP_LIFETIME for clock in (now, now - self._book.ahead)
        ):
            raise _Stop("EXTERFACE_INVOKE_CONTEXT_EXPIRED")

    def _verified(self, fields: Mapping[str, str]) -> Reply:
        """https://docs.antom.com/ac/web/async : plain text, and no signature asked for."""
        partner, notify_id = fields.get("partner", ""), fields.get("notify_id", "")
        if not partner or not notify_id:
            said = b"invalid"
        else:
            said = b"true" if self._is_genuine(partner, notify_id) else b"false"
        return Reply(said, "text/plain;charset=UTF-8")

    def _log(self, fields: dict[str, str], reply: Reply, charset: str | None, why: str) -> None:
        service = fields.get("service", "")
        operation = OPERATIONS.get(service)
        number = fields.get(operation.number, "") if operation else ""
        said = None if reply.body is None else reply.body.decode(codec(charset or _DEFAULT_CHARSET), "replace")
        at = self._book.clock.now().isoformat()
        self._book.store.log(at, service, fields.get("partner", ""), number, fields, said, why)


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


def read_fields(query: bytes, body: bytes, charset: str | None) -> dict[str, str]:
    """The parameters of a call, from its URL and its body together.

    A POST names `_input_charset` in the URL and may repeat it in the body; anything else given twice is refused."""
    if charset is None:
        raise _Stop("ILLEGAL_CHARSET")
    try:
        fields, more = parse_form(query, charset), parse_form(body, charset)
    except Unreadable as wrong:
        raise _Stop("ILLEGAL_ARGUMENT", str(wrong)) from None
    if any(fields[name] != more[name] or name != "_input_charset" for name in fields.keys() & more.keys()):
        raise _Stop("ILLEGAL_ARGUMENT", "a parameter is given both in the URL and in the body")
    return fields | more


def _charset_of(query: bytes, body: bytes) -> str | None:
    """The charset as the caller spelled it; None for one Alipay does not take."""
    found = _CHARSET.search(query) or _CHARSET.search(body)
    if found is None or not found[1]:
        return _DEFAULT_CHARSET
    name = unquote_to_bytes(found[1]).decode("ascii", "replace")
    try:
        codec(name)
    except Unreadable:
        return None
    return name


def _xml(charset: str) -> str:
    return f"text/xml;charset={charset}"


def _rejected(code: str, charset: str | None) -> Reply:
    charset = charset or _DEFAULT_CHARSET
    return Reply(write_rejection(code, charset), _xml(charset))
