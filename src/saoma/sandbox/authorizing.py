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
from saoma.sandbox.book.model import Buyer, Partner
from saoma.sandbox.book.trades import Book
from saoma.sandbox.openapi_choices import DEFAULT, OpenApiChoices

CODE_LIFETIME: Final = timedelta(minutes=3)
LONGEST_CODE_LIFETIME: Final = timedelta(days=1)
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SILENT: Final = "auth_base"
#: Gives the profile, too, and asks the buyer first.
ASKING: Final = "auth_user"
#: How tokens begin, which have 40 characters: by their scope, and where there are several.
_PREFIXES: Final = {SILENT: "authbseB", ASKING: "authusrB"}
_SEVERAL: Final = "composeB"
#: Tokens of `auth_user`, as observed.
_USER_TOKEN: Final = timedelta(days=15)
_USER_REFRESH: Final = timedelta(days=30)


class AuthCode(msgspec.Struct, omit_defaults=True):
    """One authorization on its way back to the partner's page."""

    code: str
    app_id: str
    buyer_id: str
    expires_at: datetime
    used: bool = False
    scope: str = SILENT


class RefreshToken(msgspec.Struct, omit_defaults=True):
    """A token that buys the next pair; each is replaced by its use."""

    token: str
    app_id: str
    buyer_id: str
    expires_at: datetime
    replaced: bool = False
    scope: str = SILENT


class AccessToken(msgspec.Struct, omit_defaults=True):
    """What an application shows to be told about a buyer. It ends when it is refreshed."""

    token: str
    app_id: str
    buyer_id: str
    expires_at: datetime
    scope: str = SILENT


class Grant(msgspec.Struct, frozen=True):
    """Which buyer let an application in, and to what."""

    buyer_id: str
    scope: str


class Tokens(msgspec.Struct, frozen=True):
    """A fresh pair, with how long each lives."""

    access: str
    refresh: str
    access_lives: timedelta
    refresh_lives: timedelta


class NoGrant(Exception):
    """No token for this; `sub_code` is the word of the error answer."""

    def __init__(self, sub_code: str) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code


class Authorizations:
    """All codes and tokens."""

    def __init__(self, book: Book, code_lifetime: timedelta = CODE_LIFETIME, choices: OpenApiChoices = DEFAULT) -> None:
        if not timedelta() < code_lifetime <= LONGEST_CODE_LIFETIME:
            raise Invalid("An authorization code lives for at most a day.")
        self._book = book
        self._lifetime = code_lifetime
        self.choices = choices
        now = book.clock.now()
        self._codes: dict[str, AuthCode] = {}
        for code in book.store.read("auth", AuthCode):
            if code.expires_at + LONGEST_CODE_LIFETIME < now:
                book.store.drop("auth", code.code)
            else:
                self._codes[code.code] = code
        self._access = {one.token: one for one in book.store.read("access", AccessToken) if one.expires_at > now}
        self._tokens = {token.token: token for token in book.store.read("token", RefreshToken)}

    def new_code(self, app_id: str, buyer: Buyer, scope: str = SILENT) -> str:
        """A fresh code for one buyer and one application: 32 hex digits."""
        ends = self._book.clock.now() + self._lifetime
        code = AuthCode(secrets.token_hex(16), app_id, buyer.id, ends, scope=scope)
        self._codes[code.code] = code
        self._book.store.keep("auth", code.code, code)
        return code.code

    def spend(self, code: str, app_id: str) -> Grant:
        """What stands behind a code, once. A failed try spends it too. Raises `NoGrant`."""
        known = self._codes.get(code)
        if known is None or known.used:
            raise NoGrant("isv.code-invalid")
        known.used = True
        self._book.store.keep("auth", known.code, known)
        if known.app_id != app_id:
            raise NoGrant(self._of_another("isv.code-invalid"))
        if self._book.clock.now() > known.expires_at:
            raise NoGrant("isv.code-invalid")
        return Grant(known.buyer_id, known.scope)

    def refresh(self, token: str, app_id: str) -> Grant:
        """What stands behind a refresh token, which ends with this use. Raises `NoGrant`."""
        known = self._tokens.get(token)
        if known is None:
            raise NoGrant("isv.refresh-token-invalid")
        if known.app_id != app_id:
            raise NoGrant(self._of_another("isv.refresh-token-invalid"))
        if known.replaced:
            raise NoGrant("isv.refreshed-token-invalid")
        if self._book.clock.now() > known.expires_at:
            raise NoGrant("isv.refresh-token-time-out")
        known.replaced = True
        self._book.store.keep("token", known.token, known)
        for pair in [one for one in self._access.values() if one.app_id == app_id and one.buyer_id == known.buyer_id]:
            del self._access[pair.token]
            self._book.store.drop("access", pair.token)
        return Grant(known.buyer_id, known.scope)

    def read(self, token: str, app_id: str) -> Grant:
        """What an access token opens. Raises `NoGrant`."""
        known = self._access.get(token)
        if known is None or known.app_id != app_id:
            raise NoGrant("aop.invalid-auth-token")
        if self._book.clock.now() > known.expires_at:
            raise NoGrant("aop.auth-token-time-out")
        return Grant(known.buyer_id, known.scope)

    def new_pair(self, app_id: str, grant: Grant) -> Tokens:
        """Fresh tokens for what was granted; of several scopes the shortest life counts."""
        scopes, choices = grant.scope.split(","), self.choices
        lives = {
            SILENT: (timedelta(seconds=choices.base_token_seconds), timedelta(seconds=choices.base_refresh_seconds)),
            ASKING: (_USER_TOKEN, _USER_REFRESH),
        }
        short, long = (min(lives[scope][which] for scope in scopes) for which in (0, 1))
        prefix = _PREFIXES[scopes[0]] if len(set(scopes)) == 1 else _SEVERAL
        access, refresh = self.new_token_text(prefix), self.new_token_text(prefix)
        now = self._book.clock.now()
        self._access[access] = AccessToken(access, app_id, grant.buyer_id, now + short, grant.scope)
        self._book.store.keep("access", access, self._access[access])
        self._tokens[refresh] = RefreshToken(refresh, app_id, grant.buyer_id, now + long, scope=grant.scope)
        self._book.store.keep("token", refresh, self._tokens[refresh])
        return Tokens(access, refresh, short, long)

    def _of_another(self, word: str) -> str:
        return word if self.choices.other_apps_token == "invalid" else self.choices.other_apps_token

    @staticmethod
    def new_token_text(prefix: str) -> str:
        """Forty characters nobody can guess."""
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def asks(scope: str) -> bool:
    """Whether the buyer is asked before anything is granted."""
    return ASKING in scope.split(",")


def request_fault(
    partner: Partner | None, scope: str, redirect_uri: str, state: str, *, exact: bool = False
) -> str | None:
    """What is wrong with an authorization request, in words for a developer; None when nothing is."""
    if partner is None:
        return "This app_id is not known here."
    if not scope or any(one not in (SILENT, ASKING) for one in scope.split(",")):
        return "The scope must be auth_base (silent, the user id only) or auth_user (asks the buyer)."
    where = urlsplit(redirect_uri)
    if where.scheme not in ("http", "https") or not where.hostname:
        return "redirect_uri must begin with http:// or https://."
    if exact and partner.callback_hosts and redirect_uri not in partner.callback_hosts:
        return f"{redirect_uri} is not, letter by letter, the callback address configured for this application."
    if (
        not exact
        and partner.callback_hosts
        and not is_callback_host(where.netloc, where.hostname, partner.callback_hosts)
    ):
        return f"The host {where.netloc} is not the callback host configured for this application."
    if not state.isascii():
        return "state must not hold Chinese characters."
    return None


def is_callback_host(netloc: str, hostname: str, configured: Sequence[str]) -> bool:
    """Whether the host of a redirect_uri is a configured one; a port counts only where one is configured."""
    hosts = {host.lower() for host in configured}
    return netloc.lower() in hosts or hostname.lower() in hosts


def callback(redirect_uri: str, app_id: str, scope: str, code: str, state: str | None, *, more: bool = False) -> str:
    """Where the wallet goes next: the partner's address with what Alipay appends to it.

    `more` adds what later captures carry."""
    address, _, fragment = redirect_uri.partition("#")
    pairs = {"app_id": app_id, "source": "alipay_wallet"}
    if more:
        pairs["userOutputs"] = scope
    pairs["scope"] = scope
    if more:
        pairs["alipay_token"] = ""
    pairs["auth_code"] = code
    if state is not None:
        pairs["state"] = state
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
    joined = f"{address}{'&' if '?' in address else '?'}{added}"
    return f"{joined}#{fragment}" if fragment else joined
