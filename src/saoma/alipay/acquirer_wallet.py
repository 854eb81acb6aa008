"""Asking an acquirer who a phone's buyer is: its application at Alipay is asked, for we have none there.

The address we send the phone to is the acquirer's word, so it is looked at before a phone is sent anywhere."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount, AcquirerClient
from saoma.alipay.client import NoBelievableAnswer

_SCHEMES: Final = {"sandbox": ("http", "https"), "production": ("https",)}


class _Begun(msgspec.Struct, frozen=True):
    url: str


class _Buyer(msgspec.Struct, frozen=True):
    buyer_id: str


async def authorization_at(client: AcquirerClient, account: AcquirerAccount, return_url: str, state: str) -> str:
    """Where to send the phone; it comes back to `return_url` with `state` and `auth_code`.

    Raises `NotSent`, or `NoBelievableAnswer` where the acquirer gave no address."""
    body = {"return_url": return_url, "state": state, "store": account.store}
    reply = await client.post(account, "", "/authorizations", body, secrets.token_urlsafe(24))
    if reply.status == 201:
        try:
            url = msgspec.json.decode(reply.body, type=_Begun).url
            if urlsplit(url).scheme in _SCHEMES[account.environment] and url.isprintable():
                return url
        except (ValueError, RecursionError):
            pass
    raise NoBelievableAnswer("unreadable", f"no address to sign in at: {reply.status} {reply.problem}", reply.raw)


async def buyer_at(client: AcquirerClient, account: AcquirerAccount, auth_code: str) -> str:
    """The user id behind a code that came back; empty where Alipay gave an id that payments can't use.

    Raises `NotSent`, or `NoBelievableAnswer` for a code that is worth nothing."""
    reply = await client.post(account, "", "/authorizations/exchange", {"code": auth_code}, secrets.token_urlsafe(24))
    if reply.status == 200:
        try:
            return msgspec.json.decode(reply.body, type=_Buyer).buyer_id
        except (ValueError, RecursionError):
            pass
    raise NoBelievableAnswer("unreadable", f"no buyer for this code: {reply.status} {reply.problem}", reply.raw)
