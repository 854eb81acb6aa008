"""The signature of a webhook, and how its receiver checks it. Pure.

The time is signed with the body, so that an old message can't be played again; both sides use the raw bytes."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

HEADER: Final = "Saoma-Signature"
FRESH: Final = timedelta(minutes=5)


def signature(secret: str, body: bytes, at: datetime) -> str:
    """The header's value: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_mark(secret, seconds, body)}"


def _mark(secret: str, seconds: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()


def holds(secret: str, header: str, body: bytes, now: datetime) -> bool:
    """Whether `header` signs `body` and is fresh: what a receiver does, and what tests do in its place."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    if not parts.get("t", "").isdecimal():
        return False
    seconds = int(parts["t"])
    fresh = abs(now.timestamp() - seconds) <= FRESH.total_seconds()
    return hmac.compare_digest(parts.get("v1", "").encode(), _mark(secret, seconds, body).encode()) and fresh
