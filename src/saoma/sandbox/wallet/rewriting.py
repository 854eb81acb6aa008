"""What the in-wallet browser changes in a partner's messages on their way to and from the phone.

Only what names an origin, a frame or the wallet is changed; every body but an HTML document passes byte for byte,
and HTML fragments (the answers htmx asks for) are not documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from saoma.sandbox.wallet.addresses import Origin, inside

Headers = list[tuple[bytes, bytes]]

#: Cookies of the wallet itself: never shown to a partner, never set by one.
OWN_COOKIES: Final = frozenset(
    {"wallet_partner", "wallet_buyer", "wallet_lang", "wallet_agent", "wallet_answer", "wallet_sound"}
)
#: Headers between two neighbours only (RFC 9110 7.6.1): never passed on.
_BETWEEN_NEIGHBOURS: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade".split()
)
#: What a phone set to a language asks pages for.
_SPOKEN: Final = {"en": b"en-US,en;q=0.9", "zh": b"zh-CN,zh;q=0.9"}
_DROPPED_ANSWERS: Final = frozenset(
    {b"x-frame-options", b"strict-transport-security", b"service-worker-allowed", b"alt-svc"}
)
#: How far into a document the first script is looked for before the bridge is put where we are.
_LOOK_AHEAD: Final = 256 * 1024


def header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    """The first header of that (lower-case) name, or nothing."""
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


def request_headers(
    headers: Iterable[tuple[bytes, bytes]], partner: Origin, buyer_origin: str, agent: str, language: str = ""
) -> Headers:
    """The phone's request headers as the partner must see them: its own host and origin, and the wallet's User-Agent.

    `agent` empty leaves the browser's own User-Agent (a phone outside any wallet); `language` is the one chosen in the
    wallet, empty when none was: pages then follow the browser's."""
    here, there = buyer_origin.encode(), partner.text.encode()
    sent: Headers = [(b"host", partner.authority.encode())]
    for name, value in headers:
        match name.lower():
            case b"host" | b"accept-encoding":
                continue
            case b"user-agent" if agent:
                continue
            case b"accept-language" if language in _SPOKEN:
                sent.append((name, _SPOKEN[language]))
            case b"origin" if value == here:
                sent.append((name, there))
            case b"referer" if value == here or value.startswith(here + b"/"):
                sent.append((name, there + value[len(here) :]))
            case b"cookie":
                kept = _without_own_cookies(value)
                if kept:
                    sent.append((name, kept))
            case lower if lower in _BETWEEN_NEIGHBOURS:
                continue
            case _:
                sent.append((name, value))
    if agent:
        sent.append((b"user-agent", agent.encode()))
    # The document has to be read to put the bridge in, and partner and wallet share a machine: no need to compress.
    sent.append((b"accept-encoding", b"identity"))
    return sent


def answer_headers(
    headers: Iterable[tuple[bytes, bytes]],
    partner: Origin,
    own_port: int,
    allowed: frozenset[Origin],
    *,
    with_bridge: bool,
    length_changes: bool,
) -> Headers:
    """The partner's answer headers as the phone must see them: no frame fence, own redirects and cookies.

    `with_bridge` lets the page's policy admit the bridge script; `length_changes` drops the length and validators of a
    body that will not stay what it was."""
    kept: Headers = []
    for name, value in headers:
        lower = name.lower()
        if lower in _BETWEEN_NEIGHBOURS or lower in _DROPPED_ANSWERS:
            continue
        if length_changes and lower in {b"content-length", b"content-encoding", b"content-md5", b"digest"}:
            continue
        match lower:
            case b"location" | b"content-location" | b"hx-redirect" | b"hx-location":
                text = value.decode("latin-1")
                kept.append((name, inside(text, partner, own_port, allowed).encode("latin-1")))
            case b"set-cookie":
                cookie = cookie_of_this_host(value)
                if cookie:
                    kept.append((name, cookie))
            case b"content-security-policy" | b"content-security-policy-report-only":
                policy = loosened(value.decode("latin-1"), with_bridge=with_bridge)
                if policy:
                    kept.append((name, policy.encode("latin-1")))
            case b"access-control-allow-origin" if value == partner.text.encode():
                continue
            case _:
                kept.append((name, value))
    return kept


def cookie_of_this_host(value: bytes) -> bytes:
    """A `Set-Cookie` without `Domain` and `Secure` (the phone's origin is plain http); empty for one of our own names.

    `__Host-` and `__Secure-` names keep `Secure`: without it a browser refuses them, with it Chromium takes them on
    localhost."""
    first, *attributes = [part.strip() for part in value.split(b";")]
    name = first.partition(b"=")[0].strip()
    if name.decode("latin-1") in OWN_COOKIES:
        return b""
    dropped = {b"domain"} if name.startswith((b"__Host-", b"__Secure-")) else {b"domain", b"secure"}
    kept = [first]
    for attribute in attributes:
        key, _, setting = attribute.partition(b"=")
        if key.lower() in dropped:
            continue
        if key.lower() == b"samesite" and setting.lower() == b"none" and b"secure" in dropped:
            continue
        kept.append(attribute)
    return b"; ".join(kept)


def loosened(policy: str, *, with_bridge: bool) -> str:
    """A Content-Security-Policy that lets the wallet frame the page and, `with_bridge`, run its bridge and its sheet.

    Everything else the partner forbids stays forbidden."""
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.split()
        if words:
            directives.setdefault(words[0].lower(), words[1:])
    for gone in ("frame-ancestors", "upgrade-insecure-requests", "block-all-mixed-content"):
        directives.pop(gone, None)
    if with_bridge:
        for kind in ("script-src", "style-src", "connect-src", "media-src", "img-src"):
            _admit_self(directives, kind)
        if "script-src-elem" in directives:
            _admit_self(directives, "script-src-elem")
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())


def _admit_self(directives: dict[str, list[str]], kind: str) -> None:
    sources = directives.get(kind, directives.get("default-src"))
    if sources is None or "'self'" in sources or "*" in sources:
        return
    directives[kind] = [*(source for source in sources if source != "'none'"), "'self'"]


def nonce_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The nonce a policy asks scripts for, or nothing: under `strict-dynamic` the bridge needs it too."""
    for name, value in headers:
        if name.lower() == b"content-security-policy":
            found = re.search(rb"(?:script-src|default-src)[^;]*'nonce-([A-Za-z0-9+/=_-]+)'", value)
            if found:
                return found[1].decode()
    return ""


def bridge_tag(partner: Origin, nonce: str, agent: str) -> bytes:
    """The script element that makes a page believe it is inside the wallet."""
    safe_agent = agent.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    nonce_part = f' nonce="{nonce}"' if nonce else ""
    return (
        f'<script src="/wallet/bridge.js"{nonce_part} data-partner="{partner.text}" data-agent="{safe_agent}"></script>'
    ).encode()


class Injector:
    """Puts the bridge into an HTML document as it streams by: before its first script, or at the end of its head.

    What is not a document (a fragment) passes unchanged. `feed` each chunk, then `finish`."""

    _DOCUMENT = re.compile(
        rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
    )
    _PLACE = re.compile(
        rb"(?P<skip><!--.*?-->|<title\b.*?</title\s*>|<style\b.*?</style\s*>)"
        rb"|(?P<open><!--|<title\b|<style\b)"
        rb"|(?P<place><script[\s>/]|</head\s*>|<body[\s>/])",
        re.IGNORECASE | re.DOTALL,
    )

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._held = b""
        self._done = False

    def feed(self, chunk: bytes) -> bytes:
        """What may go out now."""
        if self._done:
            return chunk
        self._held += chunk
        if not self._DOCUMENT.match(self._held):
            return b"" if self._too_early_to_tell() else self._release(None)
        place = self._find()
        if place is None and len(self._held) < _LOOK_AHEAD:
            return b""
        return self._release(len(self._held) if place is None else place)

    def finish(self) -> bytes:
        """What was still held back when the document ended."""
        if self._done:
            return b""
        return self._release(len(self._held) if self._DOCUMENT.match(self._held) else None)

    def _too_early_to_tell(self) -> bool:
        begun = self._held.lstrip()
        unclosed = begun.startswith(b"<!--") and b"-->" not in begun
        return (len(begun) < 64 or unclosed) and len(self._held) < _LOOK_AHEAD

    def _find(self) -> int | None:
        for found in self._PLACE.finditer(self._held):
            if found["open"]:
                return None
            if found["place"]:
                return found.start()
        return None

    def _release(self, place: int | None) -> bytes:
        self._done = True
        held, self._held = self._held, b""
        return held if place is None else held[:place] + self._tag + held[place:]


def _without_own_cookies(value: bytes) -> bytes:
    pairs = [pair.strip() for pair in value.split(b";")]
    kept = [pair for pair in pairs if pair.partition(b"=")[0].decode("latin-1") not in OWN_COOKIES]
    return b"; ".join(pair for pair in kept if pair)


def own_cookies(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The wallet's own cookies in a request."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == b"cookie":
            for pair in value.split(b";"):
                key, _, text = pair.strip().partition(b"=")
                if key.decode("latin-1") in OWN_COOKIES:
                    found[key.decode("latin-1")] = text.decode("latin-1").strip('"')
    return found
