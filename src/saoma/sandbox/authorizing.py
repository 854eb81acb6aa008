"""Silent authorization: codes that are good once, for minutes, for one application; and the tokens bought with them.

Of the callback address only the host counts, and only where the application has one configured: another path or
scheme is fine, a sub-domain or parent is not (https://global.alipay.com/docs/ac/common/obtain_uid)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.model import Buyer, Partner
from saoma.sandbox.trades import Book

CODE_LIFETIME: Final = timedelta(minutes=3)
LONGEST_CODE_LIFETIME: Final = timedelta(days=1)
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Silent authorizations have this prefix; tokens are 40 characters.
_PREFIX: Final = "authbseB"


class AuthCode(msgspec.Struct, omit_defaults=True):
    """One authorization on its way back to the partner's page."""

    code: str
    app_id: str
    buyer_id: str
    expires_at: datetime
    used: bool = False


class RefreshToken(msgspec.Struct, omit_defaults=True):
    """A token that buys the next pair; each is replaced by its use."""

    token: str
    app_id: str
    buyer_id: str
    expires_at: datetime
    replaced: bool = False


class NoGrant(Exception):
    """No token for this; `sub_code` is the word of the error answer."""

    def __init__(self, sub_code: str) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code


class Authorizations:
    """All codes and refresh tokens."""

    def __init__(self, book: Book, code_lifetime: timedelta = CODE_LIFETIME) -> None:
        if not timedelta() < code_lifetime <= LONGEST_CODE_LIFETIME:
            raise Invalid("An authorization code lives for at most a day.")
        self._book = book
        self._lifetime = code_lifetime
        now = book.clock.now()
        self._codes: dict[str, AuthCode] = {}
        for code in book.store.read("auth", AuthCode):
            if code.expires_at + LONGEST_CODE_LIFETIME < now:
                book.store.drop("auth", code.code)
            else:
                self._codes[code.code] = code
        self._tokens = {token.token: token for token in book.store.read("token", RefreshToken)}

    def new_code(self, app_id: str, buyer: Buyer) -> str:
        """A fresh code for one buyer and one application: 32 hex digits."""
        code = AuthCode(secrets.token_hex(16), app_id, buyer.id, self._book.clock.now() + self._lifetime)
        self._codes[code.code] = code
        self._book.store.keep("auth", code.code, code)
        return code.code

    def spend(self, code: str, app_id: str) -> str:
        """The buyer behind a code, once. A failed try spends it too. Raises `NoGrant`."""
        known = self._codes.get(code)
        if known is None or known.used:
            raise NoGrant("isv.code-invalid")
        known.used = True
        self._book.store.keep("auth", known.code, known)
        if known.app_id != app_id or self._book.clock.now() > known.expires_at:
            raise NoGrant("isv.code-invalid")
        return known.buyer_id

    def refresh(self, token: str, app_id: str) -> str:
        """The buyer behind a refresh token, which ends with this use. Raises `NoGrant`."""
        known = self._tokens.get(token)
        if known is None or known.app_id != app_id:
            raise NoGrant("isv.refresh-token-invalid")
        if known.replaced:
            raise NoGrant("isv.refreshed-token-invalid")
        if self._book.clock.now() > known.expires_at:
            raise NoGrant("isv.refresh-token-time-out")
        known.replaced = True
        self._book.store.keep("token", known.token, known)
        return known.buyer_id

    def new_refresh_token(self, app_id: str, buyer_id: str, expires_at: datetime) -> RefreshToken:
        """A fresh refresh token."""
        token = RefreshToken(self.new_token_text(), app_id, buyer_id, expires_at)
        self._tokens[token.token] = token
        self._book.store.keep("token", token.token, token)
        return token

    @staticmethod
    def new_token_text() -> str:
        """Forty characters nobody can guess."""
        return _PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def request_fault(partner: Partner | None, scope: str, redirect_uri: str, state: str) -> str | None:
    """What is wrong with an authorization request, in words for a developer; None when nothing is."""
    if partner is None:
        return "This app_id is not known here."
    if not scope or any(one != "auth_base" for one in scope.split(",")):
        return "The scope must be auth_base: it is silent and gives the user id only."
    where = urlsplit(redirect_uri)
    if where.scheme not in ("http", "https") or not where.hostname:
        return "redirect_uri must begin with http:// or https://."
    if partner.callback_hosts and not is_callback_host(where.netloc, where.hostname, partner.callback_hosts):
        return f"The host {where.netloc} is not the callback host configured for this application."
    if not state.isascii():
        return "state must not hold Chinese characters."
    return None


def is_callback_host(netloc: str, hostname: str, configured: Sequence[str]) -> bool:
    """Whether the host of a redirect_uri is a configured one; a port counts only where one is configured."""
    hosts = {host.lower() for host in configured}
    return netloc.lower() in hosts or hostname.lower() in hosts


def callback(redirect_uri: str, app_id: str, scope: str, code: str, state: str | None) -> str:
    """Where the wallet goes next: the partner's address with what Alipay appends to it."""
    address, _, fragment = redirect_uri.partition("#")
    pairs = {"app_id": app_id, "source": "alipay_wallet", "scope": scope, "auth_code": code}
    if state is not None:
        pairs["state"] = state
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
    joined = f"{address}{'&' if '?' in address else '?'}{added}"
    return f"{joined}#{fragment}" if fragment else joined
