"""What every answer says to the browser: no foreign code, no framing, no guessing of types; and who is asking.

The policy allows no inline script or style, so neither style="" nor onclick="" works in templates."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from litestar import Request
from litestar.types import Message, Scope

_POLICY: Final[dict[str, tuple[str, ...]]] = {
    "default-src": ("'self'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:", "blob:"),
    "media-src": ("'self'", "blob:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "worker-src": ("'self'",),
    "object-src": ("'none'",),
    "base-uri": ("'none'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
}


#: Under this name a guard leaves headers in a request's state that its answer shall have, whatever it is.
HEADERS_OF_STATE: Final = "saoma_headers"


def content_policy(extra: dict[str, Iterable[str]] | None = None) -> str:
    """The Content-Security-Policy, with `extra` sources by directive, such as {"script-src": ["'wasm-unsafe-eval'"]}.

    An extra source for a directive that says 'none' replaces it."""
    lines = []
    for directive, sources in _POLICY.items():
        more = tuple((extra or {}).get(directive, ()))
        kept = more if more and sources == ("'none'",) else sources + more
        lines.append(f"{directive} {' '.join(kept)}")
    return "; ".join(lines)


def header_hook(*, secure: bool, policy: str) -> Callable[[Message, Scope], Awaitable[None]]:
    """A `before_send` hook that adds the headers to every answer; one that an answer sets itself is left alone."""
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if "frame-ancestors 'none'" not in policy:
        del headers["X-Frame-Options"]
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def add(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        given = list(message["headers"])
        there = {name.lower() for name, _ in given}
        given += [pair for pair in pairs if pair[0] not in there]
        request_id = scope["state"].get("request_id")
        if request_id and b"x-request-id" not in there:
            given.append((b"x-request-id", request_id.encode("latin-1")))
        for name, value in scope["state"].get(HEADERS_OF_STATE, {}).items():
            given.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        message["headers"] = given

    return add


def client_address(request: Request[Any, Any, Any], *, behind_proxy: bool = False) -> str:
    """Where a request comes from. `behind_proxy` believes the last X-Forwarded-For entry, which our own proxy wrote."""
    direct = request.client.host if request.client else ""
    if behind_proxy:
        last = request.headers.get("x-forwarded-for", "").split(",")[-1].strip()
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            return direct
    return direct


def is_near(request: Request[Any, Any, Any]) -> bool:
    """Whether a request comes from this machine or its private network, not through a proxy."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_private
    except ValueError:
        return False
