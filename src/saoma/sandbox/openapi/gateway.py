"""The JSON gateway: every check in its order, then the method, then whatever misbehaviour is planned.

Here `sign_type` is part of what is signed, refusals of the gateway stand in the method's own node (those for methods
that don't exist and for tokens in `error_response`), and what is signed in an answer is the node's text as it travels
(https://docs.antom.com/ac/global/oauth_token). The order of the checks is this sandbox's; Alipay's is not published."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from saoma.alipay.signing import Signatory, SignType, string_to_sign
from saoma.alipay.wire import codec, write_openapi_answer
from saoma.sandbox.authorizing import Authorizations
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.encryption import AES, Undecipherable, decrypted, encrypted
from saoma.sandbox.faults.faults import Fault, FaultKind, Faults, fault_of_code
from saoma.sandbox.faults.late_payers import pay_after, pay_now
from saoma.sandbox.lifetimes import read_timestamp
from saoma.sandbox.mapi.gateway import Forger, Reply
from saoma.sandbox.openapi import trade as trading
from saoma.sandbox.openapi import undoing
from saoma.sandbox.openapi.bills import Bills
from saoma.sandbox.openapi.certificates import Certificates, cert_sn
from saoma.sandbox.openapi.codes import Refusal, failed, rejected, told
from saoma.sandbox.openapi.reading import Content, charset_of, read_content, read_fields
from saoma.sandbox.openapi.token import INFO_SHARE, OAUTH_TOKEN, granted, shared
from saoma.sandbox.openapi.trade import Call
from saoma.sandbox.openapi_choices import DEFAULT, OpenApiChoices

__all__ = ["METHODS", "OAUTH_TOKEN", "OpenApi"]

_BILLS: Final = "alipay.data.dataservice.bill.downloadurl.query"
_CERTIFICATE: Final = "alipay.open.app.alipaycert.download"
#: Common parameters that can't be left out, with the name their absence goes by.
_NEEDED: Final = {
    "app_id": "app-id",
    "sign_type": "signature-type",
    "sign": "signature",
    "timestamp": "timestamp",
    "version": "version",
    "charset": "charset",
}
#: Words after which a cancel is worth repeating; one is also printed with its letters swapped.
_AGAIN: Final = frozenset({"ACQ.SYSTEM_ERROR", "AQC.SYSTEM_ERROR", "ACQ.SELLER_BALANCE_NOT_ENOUGH"})
#: Numbers of answers that are encrypted where the call was: those of the work, and none of the gateway.
_BUSINESS: Final = frozenset({"10000", "10003", "40004"})
_NO_AMOUNTS: Final = {
    "buyer_pay_amount": "0.00", "invoice_amount": "0.00", "point_amount": "0.00", "receipt_amount": "0.00",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """One method. `bare` stands in its failures, too; `echo`: they name the order; `word` is its planned no.

    `prefix` stands before its words, and `broken` is the one for a system error."""

    answer: Callable[[Call], Mapping[str, Any]]
    bare: Mapping[str, str] = field(default_factory=dict)
    echo: bool = False
    word: str = "ACCESS_FORBIDDEN"
    holds: bool = False
    prefix: str = "ACQ."
    broken: str = "SYSTEM_ERROR"


_TRADES: Final[Mapping[str, Method]] = {
    "alipay.trade.pay": Method(trading.pay, _NO_AMOUNTS, echo=True, word="PAYMENT_FAIL", holds=True),
    "alipay.trade.create": Method(trading.create),
    "alipay.trade.precreate": Method(trading.precreate),
    "alipay.trade.query": Method(trading.query, _NO_AMOUNTS, echo=True),
    "alipay.trade.cancel": Method(undoing.cancel, word="TRADE_CANCEL_TIME_OUT", holds=True),
    "alipay.trade.close": Method(undoing.close),
    "alipay.trade.refund": Method(
        undoing.refund, {"refund_fee": "0.00", "send_back_fee": "0.00"}, word="TRADE_NOT_ALLOW_REFUND"
    ),
    "alipay.trade.fastpay.refund.query": Method(undoing.refund_query),
}
#: Everything this gateway answers.
METHODS: Final = (OAUTH_TOKEN, *_TRADES, _BILLS, _CERTIFICATE, INFO_SHARE)


@dataclass(slots=True)
class _Talk:
    """What is known of a call while it is checked: enough to refuse it at any moment."""

    charset: str = "utf-8"
    fields: dict[str, str] = field(default_factory=dict)
    node: str = "error_response"
    partner: Partner | None = None
    signatory: Signatory | None = None
    number: str = ""
    cert_sn: str = ""
    aes_key: str = ""
    why: str = ""
    late: float = 0


class OpenApi:
    """Answers `method=` requests."""

    def __init__(
        self,
        book: Book,
        partners: Partners,
        faults: Faults,
        authorizations: Authorizations,
        choices: OpenApiChoices = DEFAULT,
    ) -> None:
        self._book = book
        self._partners = partners
        self._faults = faults
        self._authorizations = authorizations
        self._choices = choices
        self.certificates = Certificates(book.clock, book.store, partners)
        self.bills = Bills(book, choices)
        self._methods = {
            **_TRADES,
            _BILLS: Method(self.bills.address, word="BILL_NOT_EXIST", prefix="", broken="UNKNOW_ERROR"),
            _CERTIFICATE: Method(self._download_certificate),
            INFO_SHARE: Method(lambda call: shared(call, authorizations)),
        }

    def answer(self, query: bytes, body: bytes) -> Reply:
        """One call, from its raw query string and body."""
        talk = _Talk()
        with self._book.store.writing():
            try:
                reply = self._served(query, body, talk)
            except Refusal as no:
                talk.why = talk.why or no.why
                reply = self._reply(told(no), talk, signed=self._choices.sign_refusals)
            said = None if reply.body is None else reply.body.decode(codec(talk.charset), "replace")
            at = self._book.clock.now().isoformat()
            who = talk.partner.partner if talk.partner else ""
            method = talk.fields.get("method", "")
            self._book.store.log(at, method, who, talk.number, talk.fields, said, talk.why)
        return reply

    def _served(self, query: bytes, body: bytes, talk: _Talk) -> Reply:
        charset = charset_of(query, body)
        talk.charset = charset or "utf-8"
        fields = talk.fields = read_fields(query, body, talk.charset)
        self._check_caller(talk)
        if charset is None:
            raise Refusal("40002", "isv.invalid-charset")
        method = fields["method"]
        if method == OAUTH_TOKEN:
            return self._token(talk)
        content = read_content(_content_text(talk))
        talk.number = self._number_in(content, talk)
        assert talk.partner is not None and talk.signatory is not None
        sign_type = talk.signatory.sign_type.value
        call = Call(
            content, talk.partner, self._book, self._choices, talk.charset, sign_type, fields.get("notify_url", ""),
            auth_token=fields.get("auth_token", ""),
        )  # fmt: skip
        return self._carried_out(method, call, talk)

    # --- checks ----------------------------------------------------------------------------------------------------

    def _check_caller(self, talk: _Talk) -> None:
        fields = talk.fields
        method = fields.get("method", "")
        talk.partner = self._partners.of_app(fields.get("app_id", ""))
        talk.signatory = self._partners.app_signatory(talk.partner) if talk.partner else None
        if not method:
            raise Refusal("40001", "isv.missing-method")
        if method not in METHODS:
            raise Refusal("40002", "isv.invalid-method")
        if method != OAUTH_TOKEN:
            talk.node = f"{method.replace('.', '_')}_response"
        for name, called in _NEEDED.items():
            if not fields.get(name):
                raise Refusal("40001", f"isv.missing-{called}")
        partner = talk.partner
        if partner is None:
            raise Refusal("40002", "isv.invalid-app-id")
        self._check_signature(talk, partner)
        moment = read_timestamp(fields["timestamp"])
        if moment is None or len(fields["timestamp"]) != 19:
            raise Refusal("40002", "isv.invalid-timestamp", "timestamp is not yyyy-MM-dd HH:mm:ss")
        allowed = timedelta(minutes=self._choices.timestamp_minutes)
        if allowed and self._book.is_off(moment, allowed):
            raise Refusal("40002", "isv.invalid-timestamp", "timestamp is too far from the time in Beijing")
        if fields["version"] != "1.0":
            raise Refusal("40002", "isv.invalid-version")
        if fields.get("format", "JSON").upper() not in ("", "JSON"):
            raise Refusal("40002", "isv.invalid-format", "only JSON is spoken here")
        if fields.get("encrypt_type"):
            if fields["encrypt_type"] != AES or not partner.aes_key:
                why = "encrypt_type is AES" if partner.aes_key else "no aes_key is configured for this application"
                raise Refusal("40002", "isv.invalid-encrypt-type", why)
            talk.aes_key = partner.aes_key
        if fields.get("app_auth_token"):
            raise Refusal("20001", "aop.invalid-app-auth-token", "nobody authorized this app to act for another")
        if partner.services and method not in partner.services:
            raise Refusal("40006", "isv.insufficient-isv-permissions")

    def _check_signature(self, talk: _Talk, partner: Partner) -> None:
        fields = talk.fields
        if fields["sign_type"] not in (SignType.RSA, SignType.RSA2):
            raise Refusal("40002", "isv.invalid-signature-type")
        self._check_certificates(talk, partner)
        signatory, text = talk.signatory, string_to_sign(fields, keep_sign_type=True)
        if signatory is None:
            talk.why = "this application has no public key here"
            raise Refusal("40002", "isv.invalid-signature")
        if signatory.sign_type != fields["sign_type"]:
            talk.why = f"this application signs with {signatory.sign_type.value}"
            raise Refusal("40002", "isv.invalid-signature")
        if not signatory.verify(text.encode(codec(talk.charset)), fields["sign"]):
            talk.why = f"the text to sign is {text}"
            raise Refusal("40002", "isv.invalid-signature", text)

    def _check_certificates(self, talk: _Talk, partner: Partner) -> None:
        given = {name: talk.fields.get(name, "") for name in ("app_cert_sn", "alipay_root_cert_sn")}
        if not any(given.values()) and not partner.certificate_mode:
            return
        app = self.certificates.of_app(partner)
        wanted = {"app_cert_sn": cert_sn(app) if app else "", "alipay_root_cert_sn": self.certificates.root_sn}
        for name, number in wanted.items():
            called = name.replace("_", "-")
            if not given[name]:
                raise Refusal("40001", f"isv.missing-{called}", "this application is in certificate mode")
            if given[name] != number:
                raise Refusal("40002", f"isv.invalid-{called}", f"the number is {number or 'none: there is no key'}")
        talk.cert_sn = self.certificates.alipay_sn

    def _number_in(self, content: Content, talk: _Talk) -> str:
        try:
            number, trade_no = content.text("out_trade_no"), content.text("trade_no")
        except Refusal:
            return ""
        trade = self._book.by_trade_no.get(trade_no)
        return trade.out_trade_no if trade and talk.partner and trade.partner == talk.partner.partner else number

    # --- the work --------------------------------------------------------------------------------------------------

    def _carried_out(self, name: str, call: Call, talk: _Talk) -> Reply:
        method = self._methods[name]
        fault = self._faults.take(name, call.partner.partner, talk.number)
        if (
            fault is None
            and name == "alipay.trade.pay"
            and (call.partner.partner, talk.number) not in self._book.trades
        ):
            fault = fault_of_code(str(call.content.text("auth_code")))
        if fault is not None:
            talk.why, talk.late = fault.why, fault.late
        return self._with_fault(method, call, talk, fault)

    def _with_fault(self, method: Method, call: Call, talk: _Talk, fault: Fault | None) -> Reply:
        kind, wait = (fault.fault, fault.seconds) if fault else (None, 0.0)
        said: Mapping[str, Any]
        match kind:
            case FaultKind.SILENCE_BEFORE:
                return Reply(None, wait=wait + talk.late)
            case FaultKind.SYSTEM_ERROR_BEFORE:
                said = self._refused(method, call, failed(method.broken, prefix=method.prefix))
            case FaultKind.UNAVAILABLE_BEFORE:
                raise Refusal("20000", "isp.unknow-error")
            case FaultKind.REFUSED:
                word = fault.code if fault and fault.code else method.word
                said = self._refused(method, call, failed(word, prefix=method.prefix))
            case FaultKind.REJECTED:
                raise rejected(fault.code if fault else "")
            case FaultKind.UNKNOWN if not method.holds:
                raise Refusal("20000", "aop.unknow-error")
            case _:
                if kind is FaultKind.PAID_FIRST:
                    pay_now(self._book, call.partner.partner, talk.number, fault.who if fault else "")
                hold = kind is FaultKind.UNKNOWN or (kind is FaultKind.PAYS_LATE and method.holds)
                said = self._asked(method, replace(call, hold=hold), talk)
        match kind:
            case FaultKind.SILENCE_AFTER:
                return Reply(None, wait=wait + talk.late)
            case FaultKind.SYSTEM_ERROR_AFTER:
                said = self._refused(method, call, failed(method.broken, prefix=method.prefix))
            case FaultKind.UNAVAILABLE_AFTER:
                raise Refusal("20000", "isp.unknow-error")
            case FaultKind.BAD_SIGNATURE:
                assert talk.signatory is not None
                talk.signatory = Forger(talk.signatory)
            case FaultKind.PAYS_LATE:
                pay_after(self._book, call.partner.partner, talk.number, wait, fault.who if fault else "")
            case _:
                pass
        return self._reply(said, talk)

    def _asked(self, method: Method, call: Call, talk: _Talk) -> Mapping[str, Any]:
        try:
            return method.answer(call)
        except (Refusal, TurnedDown) as no:
            refusal = no if isinstance(no, Refusal) else failed(no.fine)
            talk.why = talk.why or refusal.why
            return self._refused(method, call, refusal)

    def _refused(self, method: Method, call: Call, no: Refusal) -> dict[str, Any]:
        said: dict[str, Any] = told(no) | dict(method.bare) | no.more
        if method.word == "TRADE_CANCEL_TIME_OUT":
            said.setdefault("retry_flag", "Y" if no.sub_code in _AGAIN else "N")
        if method.echo:
            with contextlib.suppress(Refusal):
                said["out_trade_no"] = call.content.number("out_trade_no")
        return said

    def _token(self, talk: _Talk) -> Reply:
        assert talk.partner is not None
        fault = self._faults.take(OAUTH_TOKEN, talk.partner.partner)
        kind, wait = (fault.fault, fault.seconds) if fault else (None, 0.0)
        if fault is not None:
            talk.why, talk.late = fault.why, fault.late
        match kind:
            case FaultKind.SYSTEM_ERROR_BEFORE | FaultKind.UNAVAILABLE_BEFORE | FaultKind.UNKNOWN:
                raise Refusal("20000", "isp.unknow-error")
            case FaultKind.REFUSED | FaultKind.REJECTED:
                raise rejected(fault.code if fault and fault.code else "isv.code-invalid")
            case FaultKind.SILENCE_BEFORE:
                return Reply(None, wait=wait + talk.late)
            case _:
                token = granted(self._book, self._authorizations, talk.partner, talk.fields)
        match kind:
            case FaultKind.SYSTEM_ERROR_AFTER | FaultKind.UNAVAILABLE_AFTER:
                raise Refusal("20000", "isp.unknow-error")
            case FaultKind.SILENCE_AFTER:
                return Reply(None, wait=wait + talk.late)
            case FaultKind.BAD_SIGNATURE:
                assert talk.signatory is not None
                talk.signatory = Forger(talk.signatory)
            case _:
                pass
        talk.node = "alipay_system_oauth_token_response"
        return self._reply(token, talk)

    def _download_certificate(self, call: Call) -> dict[str, str]:
        if call.content.text("alipay_cert_sn") != self.certificates.alipay_sn:
            raise Refusal("40004", "isv.invalid-alipay-cert-sn", f"the number is {self.certificates.alipay_sn}")
        pem = self.certificates.authority.alipay.encode()
        return {"code": "10000", "msg": "Success", "alipay_cert_content": base64.b64encode(pem).decode()}

    def _reply(self, said: Mapping[str, Any], talk: _Talk, *, signed: bool = True) -> Reply:
        text = json_text(said, escape_slashes=self._choices.escape_slashes)
        if talk.aes_key and said.get("code", "10000") in _BUSINESS:
            text = f'"{encrypted(text, talk.aes_key, talk.charset)}"'
        signatory = talk.signatory if signed else None
        body = write_openapi_answer(talk.node, text, signatory, talk.charset, talk.cert_sn)
        return Reply(body, f"text/html;charset={talk.charset}", talk.late)


def _content_text(talk: _Talk) -> str:
    """`biz_content` as it was meant. Raises `Refusal` for what can't be deciphered."""
    text = talk.fields.get("biz_content") or ""
    if not (text and talk.aes_key):
        return text or "{}"
    try:
        return decrypted(text, talk.aes_key, talk.charset)
    except Undecipherable:
        talk.aes_key = ""
        why = "biz_content is not base64 of AES-CBC with this application's key and a vector of zeros"
        raise Refusal("40002", "isv.decryption-error-unknown", why) from None


def json_text(said: Mapping[str, Any], *, escape_slashes: bool) -> str:
    """A node as Alipay writes it: code and message first, then by name, nothing without a value, no blanks."""
    kept = {name: value for name, value in said.items() if value not in ("", None)}
    first = ("code", "msg", "sub_code", "sub_msg")
    ordered = {name: kept[name] for name in first if name in kept} | dict(sorted(kept.items()))
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
    return text.replace("/", "\\/") if escape_slashes else text
