"""Inside the wallet: recognising it, the address that signs a buyer in, and what `tradePay` reports. Pure.

The User-Agent and the result of `tradePay` are hints that anybody can send: the first picks a page, the second
starts a query, neither proves anything (https://docs.antom.com/ac/global/jsapitradepay)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from saoma.alipay.account import Account
from saoma.kit.errors import Invalid


class Wallet(StrEnum):
    """Who is looking at the page."""

    ALIPAY = "alipay"
    ALIPAY_HK = "alipay_hk"
    WECHAT = "wechat"
    OTHER = "other"


_ALIPAY_HK: Final = re.compile(r"alipayclienthk/|aliapp\(aphk/", re.IGNORECASE)
_ALIPAY: Final = re.compile(r"alipayclient/|aliapp\(ap/", re.IGNORECASE)
_WECHAT: Final = re.compile(r"micromessenger/", re.IGNORECASE)
_VERSION: Final = re.compile(r"(?:alipayclient(?:hk)?/|aliapp\(ap(?:hk)?/)(\d+(?:\.\d+){0,3})", re.IGNORECASE)


def which_wallet(user_agent: str) -> Wallet:
    """The wallet a User-Agent names.

    Hong Kong first: its strings may hold the mainland token too. The slash matters: `AlipayClient` is part of
    `AlipayClientHK`."""
    if _ALIPAY_HK.search(user_agent):
        return Wallet.ALIPAY_HK
    if _ALIPAY.search(user_agent):
        return Wallet.ALIPAY
    if _WECHAT.search(user_agent):
        return Wallet.WECHAT
    return Wallet.OTHER


def wallet_version(user_agent: str) -> tuple[int, ...]:
    """The version of an Alipay wallet such as `(10, 1, 68, 7434)`; empty for anything else. `tradePay` needs 8.0."""
    found = _VERSION.search(user_agent)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def authorization_url(account: Account, redirect_uri: str, state: str) -> str:
    """Where to send a buyer's browser to be signed in silently (`auth_base`); comes back with `auth_code` and `state`.

    The host of `redirect_uri` must be the one configured for the application
    (https://docs.antom.com/ac/common/obtain_uid). Raises `Invalid` where the account can't sign anyone in."""
    if not account.app_id or not account.auth_url:
        raise Invalid("This account has no application id or no authorization address: signing in is not set up.")
    if not redirect_uri.startswith(("http://", "https://")):
        raise Invalid("The address to come back to must be a full http or https address.")
    if not state.isascii() or not state:
        raise Invalid("A sign-in needs an unpredictable ASCII state.")
    query = {"app_id": account.app_id, "scope": "auth_base", "redirect_uri": redirect_uri, "state": state}
    return f"{account.auth_url}?{urlencode(query)}"


class PageStep(StrEnum):
    """What the page does after `tradePay`, while the server asks Alipay."""

    CONFIRMING = "confirming"
    PAY_AGAIN = "pay_again"


#: `resultCode` of `tradePay` (https://docs.antom.com/ac/global/jsapitradepay). None of them decides a payment.
_TRADE_PAY: Final[Mapping[str, PageStep]] = {
    "9000": PageStep.CONFIRMING,  # paid, says the phone
    "8000": PageStep.CONFIRMING,  # being processed
    "6004": PageStep.CONFIRMING,  # unknown, may have succeeded
    "5000": PageStep.CONFIRMING,  # asked twice
    "4000": PageStep.PAY_AGAIN,  # failed
    "6001": PageStep.PAY_AGAIN,  # the buyer went back: the same trade may be paid again
    "6002": PageStep.PAY_AGAIN,  # no network: likewise
    "99": PageStep.PAY_AGAIN,  # the buyer left for "forgot password"
    "4": PageStep.PAY_AGAIN,  # the frame has no right to pay
}


def after_trade_pay(result_code: str) -> PageStep:
    """What the page shows next. An unknown code means "confirming": the server finds out."""
    return _TRADE_PAY.get(result_code.strip(), PageStep.CONFIRMING)
