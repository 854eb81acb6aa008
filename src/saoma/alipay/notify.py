"""Notifications: Alipay tells us that a trade changed. Verified and read, without network. Pure.

The signature alone does not say whose notification it is: with RSA, Alipay signs every partner's with the same key, so
the account named inside must be ours. Whether a notification is a repeat, or fits the order, is the core's matter.
https://docs.antom.com/ac/3rdpartryqrcode/simplified_2, https://docs.antom.com/ac/wap_hk/asyncnotif"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from saoma.alipay.account import Account
from saoma.alipay.messages.fields import Incoming
from saoma.alipay.signing import Signatory, SignType, string_to_sign
from saoma.alipay.wire import Unreadable
from saoma.gateway import AwaitingBuyer, BadNotice, Closed, Evidence, Notice, Paid, Trade
from saoma.kit.money import Money

#: Under this name a printed code hands our own id of it to Alipay, which hands it back.
CODE_KEY: Final = "code"
_LONGEST_EVIDENCE: Final = 4_000
_CHARSETS: Final = ("utf-8", "gbk")


def read_notice(
    account: Account, fields: Mapping[str, str], currency: str, now: datetime | None = None
) -> Notice | BadNotice:
    """Verify the fields of one notification and read them; `currency` is the order's.

    `fields` are the decoded form fields, without the query parameters of our own address. Without `now`, an account's
    former key is not believed. The reasons of a `BadNotice`: `sign_type` (not the account's), `signature`, `account`
    (not ours), `malformed`."""
    keys = [key for key in account.verifiers(now) if key.sign_type.value == fields.get("sign_type", "")]
    if not keys:
        return BadNotice("sign_type", _evidence(fields, signed=None))
    if not any(_is_signed(key, fields) for key in keys):
        return BadNotice("signature", _evidence(fields, signed=False))
    if not _is_ours(account, fields):
        return BadNotice("account", _evidence(fields, signed=True))
    try:
        return _read(fields, currency)
    except Unreadable:
        return BadNotice("malformed", _evidence(fields, signed=True))


def _is_signed(key: Signatory, fields: Mapping[str, str]) -> bool:
    sign = fields.get("sign", "")
    if key.sign_type is not SignType.MD5:
        # some servers send base64 unescaped, and form decoding turns its + into blanks
        sign = sign.replace(" ", "+")
    text = string_to_sign(fields)
    for charset in _CHARSETS:
        try:
            data = text.encode(charset)
        except UnicodeEncodeError:
            continue
        if key.verify(data, sign):
            return True
    return False


def _is_ours(account: Account, fields: Mapping[str, str]) -> bool:
    named = [fields[name] for name in ("seller_id", "partner") if fields.get(name)]
    if not named:
        # an MD5 key belongs to one partner, so its signature names the account; Alipay's RSA key does not
        return fields.get("sign_type") == SignType.MD5
    return all(partner == account.partner for partner in named)


def _read(fields: Mapping[str, str], currency: str) -> Notice:
    evidence = _evidence(fields, signed=True)
    got = Incoming({name: value for name, value in fields.items() if name not in ("sign", "sign_type")})
    notice_id, order_number, status = got.text("notify_id"), got.text("out_trade_no"), got.text("trade_status")
    if not notice_id or not order_number:
        raise Unreadable("a notification without its id or its order")
    sent_at = got.time("notify_time")
    trade = Trade(
        trade_number=got.text("trade_no"),
        amount=_amount(got, currency),
        buyer_id=got.text("buyer_id"),
        buyer_login=got.text("buyer_email", "buyer_logon_id"),
        paid_at=got.time("gmt_payment"),
    )
    is_refund = bool(fields.get("refund_fee")) or fields.get("notify_action_type", "").startswith("refund")
    report: Paid | Closed | AwaitingBuyer
    match status:
        case "TRADE_SUCCESS" | "TRADE_FINISHED":
            report = Paid(trade, evidence)
        case "TRADE_CLOSED":
            report = Closed(trade, evidence)
        case "WAIT_BUYER_PAY" | "TRADE_PENDING":
            # pending: the buyer paid, but the seller's account is frozen; that is not money we have
            report = AwaitingBuyer(trade, evidence)
        case _:
            raise Unreadable("an unknown trade status")
    return Notice(
        notice_id=notice_id,
        order_number=order_number,
        report=report,
        sent_at=sent_at,
        settles_refund=got.text("out_biz_no") if is_refund else "",
        merchant_code=_merchant_code(got.extra.get("extra_common_param", "")),
        extra=got.extra,
    )


def _merchant_code(handed_back: str) -> str:
    """Our id of the printed code, which was handed over when it was made and comes back as a flat JSON object."""
    try:
        said = json.loads(handed_back) if handed_back.startswith("{") else {}
    except ValueError:
        return ""
    code = said.get(CODE_KEY, "") if isinstance(said, dict) else ""
    return code if isinstance(code, str) else ""


def _amount(got: Incoming, currency: str) -> Money | None:
    """The order's amount. Neighbouring products name the order's amount `forex_total_fee` and then give
    `total_fee` in CNY; a currency other than the order's stays visible, so that the core sees the difference."""
    named = got.text("currency", "forex_currency")
    foreign = got.money("forex_total_fee", named or currency)
    return foreign or got.money("total_fee", named or currency)


def _evidence(fields: Mapping[str, str], *, signed: bool | None) -> Evidence:
    raw = string_to_sign(fields)[:_LONGEST_EVIDENCE]
    return Evidence(source="notify", code=fields.get("trade_status", "")[:64], signed=signed, raw=raw)
