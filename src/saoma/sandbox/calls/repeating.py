"""A call as one line for a shell that makes it again: `curl` with the very bytes that came. Pure.

Whatever stands in a call, the line is one command and nothing more: every text is quoted."""

from __future__ import annotations

import shlex
from typing import Final

from saoma.sandbox.book.store import Heard

#: Headers that mean something to the sandbox; `curl` writes the others itself.
_SENT: Final = ("content-type", "client-id", "request-time", "signature", "user-agent", "accept-language")
_LETTERS: Final = frozenset(range(0x20, 0x7F))


def curl(heard: Heard, host: str) -> str:
    """The command; `host` is where the sandbox is now, with its scheme."""
    address = heard.address if "://" in heard.address else f"{host}{heard.address}"
    words = ["curl", "-sS"]
    if heard.method not in ("GET", "POST"):
        words += ["-X", heard.method]
    for name in _SENT:
        value = heard.headers.get(name, "")
        if value and not (name == "user-agent" and heard.method == "POST"):
            words += ["-H", quoted(f"{name}: {value}".encode("latin-1", "replace"))]
    if heard.body or heard.method == "POST":
        words += ["--data-binary", quoted(heard.body)]
    return " ".join([*words, quoted(address.encode())])


def quoted(raw: bytes) -> str:
    """Bytes as one word: as they are where they are plain letters or UTF-8, else in `$'...'` with escapes."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not raw):
        return shlex.quote(text)
    parts = [chr(byte) if byte in _LETTERS and byte not in b"'\\" else f"\\x{byte:02x}" for byte in raw]
    return f"$'{''.join(parts)}'"
