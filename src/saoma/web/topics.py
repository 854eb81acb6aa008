"""Signed topics: a page may listen to what it was rendered with, and to nothing else.

A token is a capability for three days; the page that holds it asks again by reloading itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from saoma.kit.errors import NotAllowed

_LASTS: Final = timedelta(days=3)


def sign_topics(topics: Iterable[str], secret: str, now: datetime) -> str:
    """A token for `topics`, good for three days."""
    names = sorted(set(topics))
    if not names or any("\n" in name or not name for name in names):
        raise ValueError("topics are non-empty lines")
    payload = "\n".join([str(int((now + _LASTS).timestamp())), *names])
    body = base64.urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    return f"{body}.{_seal(body, secret)}"


def read_topics(token: str, secret: str, now: datetime) -> list[str]:
    """The topics a token was signed for. Raises `NotAllowed` for one that is forged, torn or too old."""
    body, _, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(body, secret).encode()):
        raise NotAllowed("This page may not listen here. Open it again.")
    until, *names = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode().split("\n")
    if now.timestamp() > int(until):
        raise NotAllowed("This page has been open for long. Open it again.")
    return names


def _seal(body: str, secret: str) -> str:
    return hmac.new(f"live:{secret}".encode(), body.encode(), hashlib.sha256).hexdigest()[:43]
