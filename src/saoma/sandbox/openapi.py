"""The JSON gateway: `alipay.system.oauth.token`, which turns a silent authorization into a buyer's number.

Here `sign_type` is part of what is signed, the business parameters stand beside the common ones (not in
`biz_content`), success has no `code`, and every failure is an `error_response`
(https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from saoma.alipay.signing import Signatory, SignType, string_to_sign
from saoma.alipay.wire import Unreadable, codec, parse_form, write_openapi_answer
from saoma.sandbox.authorizing import Authorizations, NoGrant
from saoma.sandbox.faults import FaultKind, Faults
from saoma.sandbox.lifetimes import read_timestamp, wire_date_time
from saoma.sandbox.mapi import Forger, Reply
from saoma.sandbox.model import Partner
from saoma.sandbox.partners import Partners
from saoma.sandbox.trades import Book

OAUTH_TOKEN: Final = "alipay.system.oauth.token"
#: As observed for silent authorizations; a client reads the fields and relies on neither.
TOKEN_LIFETIME: Final = timedelta(days=15)
REFRESH_LIFETIME: Final = timedelta(days=30)

_CHARSET: Final = re.compile(rb"(?:^|&)charset=([^&]*)")
_COMMON: Final = ("app_id", "charset", "sign_type", "sign", "timestamp", "version")
_MESSAGES: Final = {"20000": "Service Currently Unavailable", "40001": "Missing Required Arguments"}
_SAID: Final = {
    "isv.code-invalid": "授权码code无效",
    "isv.refresh-token-invalid": "刷新令牌refresh_token无效",
    "isv.refresh-token-time-out": "刷新令牌refresh_token已过期",
    "isv.refreshed-token-invalid": "刷新令牌refresh_token已被替换",
    "isv.grant-type-invalid": "授权类型grant_type无效",
    "isv.invalid-app-id": "无效的AppID参数",
    "isv.invalid-signature": "无效签名",
    "isv.invalid-signature-type": "无效签名类型",
    "isv.invalid-timestamp": "非法的时间戳参数",
    "isv.invalid-method": "不存在的方法名",
    "isp.unknow-error": "系统繁忙",
}


class _Stop(Exception):
    def __init__(self, code: str, sub_code: str) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code


class OpenApi:
    """Answers `method=` requests."""

    def __init__(self, book: Book, partners: Partners, faults: Faults, authorizations: Authorizations) -> None:
        self._book = book
        self._partners = partners
        self._faults = faults
        self._authorizations = authorizations

    def answer(self, query: bytes, body: bytes) -> Reply:
        """One call; parameters may be split between URL and body as the SDKs like."""
        charset = _charset_of(query, body)
        fields: dict[str, str] = {}
        partner: Partner | None = None
        signatory: Signatory | None = None
        with self._book.store.writing():
            try:
                fields = _read(query, body, charset)
                partner = self._partners.of_app(fields.get("app_id", ""))
                signatory = self._partners.app_signatory(partner) if partner else None
                reply = self._served(fields, charset, partner, signatory)
            except _Stop as stop:
                signs = signatory if stop.sub_code != "isv.invalid-signature" else None
                reply = _error(stop.code, stop.sub_code, charset, signs)
            said = None if reply.body is None else reply.body.decode(errors="replace")
            at = self._book.clock.now().isoformat()
            self._book.store.log(at, fields.get("method", ""), partner.partner if partner else "", "", fields, said)
        return reply

    def _served(
        self, fields: dict[str, str], charset: str, partner: Partner | None, signatory: Signatory | None
    ) -> Reply:
        if not fields.get("method"):
            raise _Stop("40001", "isv.missing-method")
        if fields["method"] != OAUTH_TOKEN:
            raise _Stop("40002", "isv.invalid-method")
        if missing := [name for name in _COMMON if not fields.get(name)]:
            raise _Stop("40001", f"isv.missing-{missing[0].replace('_', '-')}")
        if partner is None:
            raise _Stop("40002", "isv.invalid-app-id")
        if fields["sign_type"] not in (SignType.RSA, SignType.RSA2):
            raise _Stop("40002", "isv.invalid-signature-type")
        if signatory is None or signatory.sign_type != fields["sign_type"]:
            raise _Stop("40002", "isv.invalid-signature")
        signed = string_to_sign(fields, keep_sign_type=True).encode(codec(charset))
        if not signatory.verify(signed, fields["sign"]):
            raise _Stop("40002", "isv.invalid-signature")
        if read_timestamp(fields["timestamp"]) is None or len(fields["timestamp"]) != 19:
            raise _Stop("40002", "isv.invalid-timestamp")
        return self._carried_out(fields, charset, partner, signatory)

    def _carried_out(self, fields: dict[str, str], charset: str, partner: Partner, signatory: Signatory) -> Reply:
        fault = self._faults.take(OAUTH_TOKEN)
        kind = fault.fault if fault else None
        wait = fault.seconds if fault else 0.0
        match kind:
            case FaultKind.SYSTEM_ERROR_BEFORE | FaultKind.UNKNOWN:
                return _error("20000", "isp.unknow-error", charset, signatory)
            case FaultKind.SILENCE_BEFORE:
                return Reply(None, wait=wait)
            case _:
                pass
        token = self._granted(fields, partner)
        match kind:
            case FaultKind.SYSTEM_ERROR_AFTER:
                return _error("20000", "isp.unknow-error", charset, signatory)
            case FaultKind.SILENCE_AFTER:
                return Reply(None, wait=wait)
            case FaultKind.BAD_SIGNATURE:
                signatory = Forger(signatory)
            case _:
                pass
        body = write_openapi_answer("alipay_system_oauth_token_response", _json(token, charset), signatory)
        return Reply(body, _content_type(charset), wait if kind is FaultKind.DELAY else 0)

    def _granted(self, fields: Mapping[str, str], partner: Partner) -> dict[str, Any]:
        try:
            match fields.get("grant_type"):
                case "authorization_code":
                    buyer_id = self._authorizations.spend(fields.get("code", ""), partner.app_id)
                case "refresh_token":
                    buyer_id = self._authorizations.refresh(fields.get("refresh_token", ""), partner.app_id)
                case _:
                    raise _Stop("40002", "isv.grant-type-invalid")
        except NoGrant as no:
            raise _Stop("40002", no.sub_code) from None
        buyer = self._book.buyer(buyer_id)
        now = self._book.clock.now()
        refresh = self._authorizations.new_refresh_token(partner.app_id, buyer.id, now + REFRESH_LIFETIME)
        who = {"open_id": f"o{refresh.token[-30:]}"} if partner.open_id_only else {"user_id": buyer.user_id}
        return {
            "access_token": self._authorizations.new_token_text(),
            "alipay_user_id": f"2088{refresh.token[-28:]}",
            "auth_start": wire_date_time(now),
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
            "re_expires_in": int(REFRESH_LIFETIME.total_seconds()),
            "refresh_token": refresh.token,
            **who,
        }


def _charset_of(query: bytes, body: bytes) -> str:
    found = _CHARSET.search(query) or _CHARSET.search(body)
    name = unquote_to_bytes(found[1]).decode("ascii", "replace") if found else ""
    try:
        codec(name)
    except Unreadable:
        return "utf-8"
    return name


def _read(query: bytes, body: bytes, charset: str) -> dict[str, str]:
    try:
        fields, more = parse_form(query, charset), parse_form(body, charset)
    except Unreadable:
        raise _Stop("40002", "isv.invalid-encoding") from None
    if any(fields[name] != more[name] for name in fields.keys() & more.keys()):
        raise _Stop("40002", "isv.invalid-parameter")
    return fields | more


def _json(data: Mapping[str, Any], charset: str) -> str:
    # the writer speaks UTF-8 only: for callers that asked for GBK everything beyond ASCII is escaped
    return json.dumps(data, ensure_ascii=codec(charset) != "utf-8", separators=(",", ":"))


def _error(code: str, sub_code: str, charset: str, signatory: Signatory | None) -> Reply:
    said = {
        "code": code,
        "msg": _MESSAGES.get(code, "Invalid Arguments"),
        "sub_code": sub_code,
        "sub_msg": _SAID.get(sub_code, sub_code),
    }
    return Reply(write_openapi_answer("error_response", _json(said, charset), signatory), _content_type(charset))


def _content_type(charset: str) -> str:
    return f"text/html;charset={charset}"
