"""A call of the log as people look at it: what was signed, both signatures, each check in its order, and the outcome.

Everything is read anew from what came and what was answered, so nothing has to be kept for it; which check failed
follows from the word of the refusal and the gateway's order of checks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from saoma.alipay.signing import SignType, md5_signatory, string_to_sign
from saoma.alipay.wire import Unreadable, codec, read_answer, read_openapi_answer
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.store import CALLS_KEPT, Heard, HeardCall
from saoma.sandbox.calls.looks import ORDER, Check, Family, Look, Outcome, Said, Signed
from saoma.sandbox.choices import Choices
from saoma.sandbox.plus import gateway as plus
from saoma.sandbox.plus.signing import read_signature, text_to_sign

_UNSIGNED: Final = ("charset", "readable", "service", "work")
_FAILS: Final[Mapping[str, str]] = {
    "ILLEGAL_CHARSET": "charset", "ILLEGAL_SERVICE": "service", "ILLEGAL_PARTNER": "caller",
    "ILLEGAL_SIGN_TYPE": "sign_type", "ILLEGAL_SECURITY_PROFILE": "key", "ILLEGAL_SIGN": "signature",
    "ILLEGAL_PARTNER_EXTERFACE": "contract",
    "isv.invalid-encoding": "readable", "isv.invalid-parameter": "readable", "isv.invalid-method": "service",
    "isv.missing-method": "service", "isv.invalid-app-id": "caller", "isv.invalid-signature-type": "sign_type",
    "isv.invalid-signature": "signature", "isv.invalid-timestamp": "time", "isv.invalid-version": "format",
    "isv.invalid-format": "format", "isv.invalid-encrypt-type": "format", "isv.invalid-charset": "charset",
    "isv.insufficient-isv-permissions": "contract", "isv.invalid-biz-content": "content",
    "isv.invalid-app-cert-sn": "certificate", "isv.invalid-alipay-root-cert-sn": "certificate",
    "isv.missing-app-cert-sn": "certificate", "isv.missing-alipay-root-cert-sn": "certificate",
    "NO_INTERFACE_DEF": "service", "METHOD_NOT_SUPPORTED": "method", "MEDIA_TYPE_NOT_ACCEPTABLE": "media",
    "CLIENT_INVALID": "caller", "KEY_NOT_FOUND": "key", "SIGNATURE_INVALID": "signature",
}  # fmt: skip
#: What a refused authorization page says, and the check behind it.
_PAGE_FAILS: Final = (
    ("callback host", "redirect"), ("app_id", "caller"), ("scope", "scope"), ("state", "state"),
    ("redirect_uri", "redirect"),
)  # fmt: skip
#: The page of the silent authorization in the log.
AUTHORIZE: Final = "publicAppAuthorize.htm"
#: Outcomes that somebody should look at.
TROUBLE: Final = (Outcome.REFUSED, Outcome.FAILED, Outcome.SILENT)
_DECLARED: Final = re.compile(r'encoding="([^"]+)"')


class Calls:
    """Looks at calls with what this sandbox knows of its partners and its own choices."""

    def __init__(self, partners: Partners, choices: Choices) -> None:
        self.partners = partners
        self._choices = choices
        self._trouble: dict[int, bool] = {}

    def look(self, found: HeardCall) -> Look:
        """One call, taken apart."""
        call, heard = found.call, found.heard
        family = Family.TOLD if found.outward else _family(call.service, call.request, heard)
        said = self._said(family, call.response, heard)
        return Look(
            id=found.id,
            at=datetime.fromisoformat(call.at),
            family=family,
            service=call.service,
            partner=call.partner,
            number=call.out_trade_no,
            outcome=said.outcome,
            code=said.code,
            why=call.why,
            checks=self._checks(family, call.service, said, call.why),
            fields=call.request,
            request=_request(family, call.request, heard),
            answer=said.signed,
            response=call.response,
            expected=self._expected(family, call.request, call.partner),
            outward=found.outward,
            heard=heard,
        )

    def _said(self, family: Family, response: str | None, heard: Heard | None) -> Said:
        if family is Family.TOLD:
            return _said_by_partner(response, heard)
        if response is None:
            return Said(Outcome.SILENT, "")
        try:
            match family:
                case Family.MAPI:
                    return self._said_by_mapi(response)
                case Family.OPEN_API:
                    return self._said_by_openapi(response)
                case Family.PLUS:
                    return _said_by_plus(response, heard)
                case _:
                    return Said(Outcome.REFUSED if response == "refused" else Outcome.DONE, "")
        except (Unreadable, ValueError, KeyError, TypeError, AttributeError):
            # an answer in plain text, as notify_verify and the file services give it
            return Said(Outcome.DONE, response[:40] if len(response) <= 40 else "")

    def _said_by_mapi(self, response: str) -> Said:
        declared = _DECLARED.search(response[:100])
        answer = read_answer(response.encode(codec(declared[1]) if declared else "utf-8", "replace"))
        if not answer.is_success:
            known = answer.error in _FAILS or answer.error in (
                self._choices.parameter_code,
                self._choices.stale_timestamp_code,
            )
            return Said(Outcome.REFUSED if known else Outcome.FAILED, answer.error)
        signed = Signed(string_to_sign(answer.fields), answer.sign, answer.sign_type)
        result = answer.fields.get("result_code") or answer.fields.get("response_code") or ""
        if result in ("UNKNOWN", "PROCESS_EXCEPTION", "QUERY_FAILED"):
            return Said(Outcome.OPEN, result, signed)
        code = answer.fields.get("error") or answer.fields.get("detail_error_code") or ""
        failed = code or result not in ("", "SUCCESS", "ORDER_SUCCESS_PAY_SUCCESS", "ORDER_SUCCESS_PAY_INPROCESS")
        return Said(Outcome.FAILED if failed else Outcome.DONE, code or result, signed)

    def _said_by_openapi(self, response: str) -> Said:
        answer = read_openapi_answer(response.encode())
        signed = Signed(answer.text, answer.sign or "", "")
        code, sub_code = str(answer.fields.get("code", "")), str(answer.fields.get("sub_code", ""))
        if code in ("", "10000"):
            return Said(Outcome.DONE, code, signed)
        if code in ("10003", "20000"):
            return Said(Outcome.OPEN, sub_code or code, signed)
        refused = code == "40001" or sub_code in _FAILS
        return Said(Outcome.REFUSED if refused else Outcome.FAILED, sub_code or code, signed)

    def is_trouble(self, found: HeardCall) -> bool:
        """Whether a call went wrong; remembered, because a list is looked through again and again."""
        known = self._trouble.get(found.id)
        if known is None:
            family = Family.TOLD if found.outward else _family(found.call.service, found.call.request, found.heard)
            said = self._said(family, found.call.response, found.heard)
            known = self._trouble[found.id] = said.outcome in TROUBLE
            if len(self._trouble) > 2 * CALLS_KEPT:
                self._trouble.clear()
        return known

    def _checks(self, family: Family, service: str, said: Said, why: str) -> tuple[Check, ...]:
        order = _UNSIGNED if service == "notify_verify" else ORDER[family]
        failed = "work" if said.outcome is not Outcome.REFUSED else self._failing(family, said)
        if said.check:
            failed = said.check
        elif family is Family.PAGE:
            failed = next((name for word, name in _PAGE_FAILS if word in why), "work")
        if failed not in order:
            failed = order[-1]
        place = order.index(failed)
        last = {Outcome.DONE: "passed", Outcome.OPEN: "open", Outcome.SILENT: "open"}.get(said.outcome, "failed")
        if family is Family.TOLD and said.outcome is Outcome.SILENT:
            last = "failed"
        marks = ["passed"] * place + [last] + ["unreached"] * (len(order) - place - 1)
        return tuple(Check(name, mark) for name, mark in zip(order, marks, strict=True))

    def _failing(self, family: Family, said: Said) -> str:
        if family is Family.PLUS and said.code == "PARAM_ILLEGAL":
            # before the caller is known nothing is signed
            return "parameters" if said.signed.sign else "time"
        if said.code == self._choices.stale_timestamp_code:
            return "time"
        return _FAILS.get(said.code, "parameters")

    def _expected(self, family: Family, fields: Mapping[str, str], partner: str) -> str:
        known = self.partners.find(partner)
        if family is not Family.MAPI or known is None or not known.md5_key:
            return ""
        if fields.get("sign_type", SignType.MD5) != SignType.MD5:
            return ""
        try:
            charset = codec(fields.get("_input_charset") or self._choices.default_charset)
            return md5_signatory(known.md5_key).sign(string_to_sign(fields).encode(charset))
        except (Unreadable, UnicodeEncodeError):
            return ""


def _said_by_partner(response: str | None, heard: Heard | None) -> Said:
    """How a notification was taken: what stands in `answer` of an outward call is written by `notices`."""
    came = heard.answer if heard is not None else {}
    if response is None:
        return Said(Outcome.SILENT, "", check="reached")
    status = came.get("status", "")
    code = "success" if came.get("yes") else status if status != "200" else _in_short(response.strip())
    if came.get("lies"):
        return Said(Outcome.FAILED if came.get("yes") else Outcome.DONE, code, check="answer")
    if came.get("yes"):
        return Said(Outcome.DONE, code, check="answer")
    return Said(Outcome.FAILED, code, check="answer" if status == "200" else "status")


def _in_short(answer: str) -> str:
    """A wrong answer in a word: what it is rather than how it begins."""
    if "<" in answer:
        return "HTML"
    return "JSON" if answer[:1] in ("{", "[", '"') else answer[:16] or "–"


def _family(service: str, fields: Mapping[str, str], heard: Heard | None) -> Family:
    if service == AUTHORIZE:
        return Family.PAGE
    if heard is not None and heard.address.startswith("/ams/"):
        return Family.PLUS
    if heard is None and service.startswith("/ams/"):
        return Family.PLUS
    if "method" in fields and "service" not in fields:
        return Family.OPEN_API
    if "service" in fields or heard is not None:
        return Family.MAPI
    return Family.OTHER


def _request(family: Family, fields: Mapping[str, str], heard: Heard | None) -> Signed:
    match family:
        case Family.MAPI:
            return Signed(string_to_sign(fields), fields.get("sign", ""), fields.get("sign_type", ""))
        case Family.OPEN_API:
            text = string_to_sign(fields, keep_sign_type=True)
            return Signed(text, fields.get("sign", ""), fields.get("sign_type", ""))
        case Family.PLUS if heard is not None:
            came = plus.Heard(heard.method, heard.address, heard.headers, heard.body)
            header = heard.headers.get("signature", "")
            signature = read_signature(header)
            sign, kind = (signature.value, signature.algorithm) if signature else (header, "")
            return Signed(came.text.decode(errors="replace"), sign, kind)
        case Family.TOLD if heard is not None and (signature := read_signature(heard.headers.get("signature", ""))):
            parts = urlsplit(heard.address)
            address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            client, time = heard.headers.get("client-id", ""), heard.headers.get("request-time", "")
            text = text_to_sign(address, client, time, heard.body).decode(errors="replace")
            return Signed(text, signature.value, signature.algorithm)
        case Family.TOLD:
            return Signed(string_to_sign(fields), fields.get("sign", ""), fields.get("sign_type", ""))
        case _:
            return Signed()


def _said_by_plus(response: str, heard: Heard | None) -> Said:
    body: dict[str, Any] = json.loads(response)
    result = body["result"]
    code, status = str(result["resultCode"]), result["resultStatus"]
    signed = Signed()
    if heard is not None and (signature := read_signature(heard.answer.get("Signature", ""))):
        client, time = heard.answer.get("Client-Id", ""), heard.answer.get("Response-Time", "")
        text = text_to_sign(heard.address, client, time, response.encode())
        signed = Signed(text.decode(), signature.value, signature.algorithm)
    if status == "S":
        return Said(Outcome.DONE, code, signed)
    if status == "U":
        return Said(Outcome.OPEN, code, signed)
    refused = code in _FAILS or code == "PARAM_ILLEGAL"
    return Said(Outcome.REFUSED if refused else Outcome.FAILED, code, signed)


def pairs_of(heard: Heard) -> list[tuple[str, str]]:
    """The parameters of a form as they came: still percent-encoded, URL before body, a repeated name once."""
    query = heard.address.partition("?")[2]
    whole = "&".join(part for part in (query, heard.body.decode("latin-1")) if part)
    found: dict[str, str] = {}
    for part in whole.split("&"):
        name, _, value = part.partition("=")
        if name:
            found.setdefault(unquote_plus(name), value)
    return list(found.items())
