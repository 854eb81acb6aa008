"""What is never shown whole: keys, authorization codes and tokens, wherever people and answers put them. Pure.

A masked text still tells which secret it was: its first letters and its last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from saoma.sandbox.book.model import Partner

_PRIVATE: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
#: A private key without its frame: the base64 of a DER sequence that begins with the number 0, PKCS#8 or PKCS#1.
_BARE_PRIVATE: Final = re.compile(r"MII[A-Za-z0-9+/]{3}IBA[A-Za-z0-9+/=\s%]{100,}")
_SECRETS: Final = ("access_token", "refresh_token", "auth_token", "app_auth_token", "app_auth_code")
_SAID: Final = re.compile(rf'"(?:{"|".join(_SECRETS)})"\s*:\s*"([^"]+)"')
#: An authorization code on its way back to a partner's page.
_CODE: Final = re.compile(r"[?&]auth_code=([^&#\s]+)")
#: Shorter ones are no secrets, and masking them would tear words apart.
_SHORTEST: Final = 8


def secrets_of(fields: Mapping[str, str], *texts: str | None) -> Iterator[str]:
    """The codes and tokens of one call: those it sends, and those that stand in its texts."""
    for name in _SECRETS:
        yield fields.get(name, "")
    if "grant_type" in fields:
        yield fields.get("code", "")
    for text in texts:
        yield from _SAID.findall(text or "")
        yield from _CODE.findall(text or "")


def keys_of(partners: Iterable[Partner]) -> Iterator[str]:
    """The keys that partners and this sandbox share."""
    for one in partners:
        yield one.md5_key


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, and without private keys."""
    for one in sorted(set(secrets), key=len, reverse=True):
        if len(one) >= _SHORTEST:
            text = text.replace(one, f"{one[:3]}…{one[-2:]}")
    return _BARE_PRIVATE.sub("MII…", _PRIVATE.sub("-----PRIVATE KEY-----", text))
