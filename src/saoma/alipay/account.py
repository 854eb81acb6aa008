"""One gateway account: who we are at Alipay, with which keys, and at which addresses.

The environment is part of the account: sandbox hosts are refused for production and the reverse, so that going live
changes addresses, partner and keys together or not at all. Nothing secret is ever in its `repr`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from saoma.alipay.signing import Signatory, SignType, md5_signatory, rsa_signatory
from saoma.alipay.wire import Unreadable, codec
from saoma.kit.errors import Invalid
from saoma.kit.money import exponent

_PARTNER: Final = re.compile(r"2088\d{12}")
_APP_ID: Final = re.compile(r"[A-Za-z0-9_]{0,32}")
_PRODUCTION_DOMAINS: Final = ("alipay.com", "alipay.hk", "alipaymo.com", "alipayplus.com", "alipay-eco.com")
_SANDBOX_DOMAINS: Final = ("alipaydev.com", "localhost", "local", "test", "internal")


@dataclass(frozen=True)
class Account:
    """A partner's account (PID) and, where pages sign people in, its application (APPID).

    `sign_type` is pinned: requests are signed with it, and answers or notifications with any other are refused. An MD5
    account may have an RSA key as well: the Open API (sign-in) knows RSA only. Keys are texts as the portal shows them;
    `alipay_public_key` is **Alipay's**, never our own. After keys were replaced, notifications that are still on their
    way are signed with the former one (`former_key`: an MD5 key or Alipay's public key), and believed until
    `former_until`. Raises `Invalid` for anything that could not work."""

    partner: str
    app_id: str
    sign_type: SignType
    md5_key: str = field(repr=False, default="")
    private_key: str = field(repr=False, default="")
    alipay_public_key: str = field(repr=False, default="")
    gateway_url: str = ""
    openapi_url: str = ""
    auth_url: str = ""
    environment: str = "sandbox"
    currency: str = "USD"
    charset: str = "UTF-8"
    former_sign_type: str = ""
    former_key: str = field(repr=False, default="")
    former_until: datetime | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "sign_type", SignType(self.sign_type))
        except ValueError:
            raise Invalid("Sign type {kind} is unknown; use MD5, RSA or RSA2.", kind=repr(self.sign_type)) from None
        if not _PARTNER.fullmatch(self.partner):
            raise Invalid("A partner id (PID) is 16 digits that begin with 2088.")
        if not _APP_ID.fullmatch(self.app_id):
            raise Invalid("An application id (APPID) is up to 32 letters and digits.")
        if self.environment not in ("sandbox", "production"):
            raise Invalid("An account is for the sandbox or for production.")
        exponent(self.currency)
        try:
            codec(self.charset)
        except Unreadable as error:
            raise Invalid("This account's {fault}.", fault=str(error)) from None
        for name in ("gateway_url", "openapi_url", "auth_url"):
            check_address(name.replace("_", " "), getattr(self, name), self.environment)
        if not self.gateway_url:
            raise Invalid("An account needs the address of its gateway (gateway.do).")
        if self.sign_type is SignType.MD5 and not self.md5_key:
            raise Invalid("An MD5 account needs its MD5 key.")
        if self.sign_type is not SignType.MD5 and not (self.private_key and self.alipay_public_key):
            raise Invalid("An {kind} account needs its own private key and Alipay's public key.", kind=self.sign_type)
        # unreadable keys are refused here, where someone is typing them, not when the first customer pays
        _ = self.signatory
        if self.private_key and self.alipay_public_key:
            _ = self.openapi_signatory

    @cached_property
    def signatory(self) -> Signatory:
        """Signs and verifies for the `service=` gateway, with the pinned sign type."""
        if self.sign_type is SignType.MD5:
            return md5_signatory(self.md5_key)
        return rsa_signatory(self.sign_type, self.private_key, self.alipay_public_key)

    def verifiers(self, now: datetime | None = None) -> tuple[Signatory, ...]:
        """Who may have signed a notification that arrives `now`: the account's key, and for a while the former one."""
        if not self.former_key or self.former_until is None or now is None or now >= self.former_until:
            return (self.signatory,)
        return self.signatory, self._former

    @cached_property
    def _former(self) -> Signatory:
        if self.former_sign_type == SignType.MD5:
            return md5_signatory(self.former_key)
        return rsa_signatory(SignType(self.former_sign_type), None, self.former_key)

    @cached_property
    def openapi_signatory(self) -> Signatory:
        """Signs and verifies for the `method=` gateway: RSA for an RSA account, otherwise RSA2.

        Raises `Invalid` for an MD5 account without RSA keys."""
        if not (self.private_key and self.alipay_public_key):
            raise Invalid("Signing people in needs an RSA key pair: add a private key and Alipay's public key.")
        sign_type = SignType.RSA if self.sign_type is SignType.RSA else SignType.RSA2
        return rsa_signatory(sign_type, self.private_key, self.alipay_public_key)


def check_address(name: str, url: str, environment: str) -> None:
    """Raises `Invalid` for an address that an account of this environment may not use; an empty one is left alone."""
    host = urlsplit(url).hostname or ""
    match address_fault(url, environment):
        case "":
            return
        case "shape":
            raise Invalid("The {name} must look like https://host/path, without a user or a query.", name=name)
        case "production":
            raise Invalid(
                "The {name} points at production ({host}), but this is a sandbox account.", name=name, host=host
            )
        case "sandbox":
            raise Invalid(
                "The {name} points at a sandbox ({host}), but this is a production account.", name=name, host=host
            )
        case _:
            raise Invalid("The {name} of a production account must begin with https.", name=name)


def address_fault(url: str, environment: str) -> str:
    """What is wrong with an address of an account: `shape`, `production` (in a sandbox account), `sandbox` (in a
    production account), `not_https`, or nothing. An empty address is left alone."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        _ = parts.port
    except ValueError:
        return "shape"
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        return "shape"
    if environment == "sandbox":
        return "production" if _within(host, _PRODUCTION_DOMAINS) else ""
    if _within(host, _SANDBOX_DOMAINS) or "sandbox" in host or _is_private(host) or "." not in host:
        return "sandbox"
    return "" if parts.scheme == "https" else "not_https"


def _within(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not address.is_global
