"""What may have been signed instead of the right text of an Alipay+ call, and what to say of each. Pure.

The right text stands first; a word may name a field behind a colon."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from saoma.alipay.puzzle_words import N_
from saoma.sandbox.book.store import Heard
from saoma.sandbox.plus.signing import text_to_sign

#: What is odd about an Alipay+ signature.
PLUS_ODDITIES: Final[Mapping[str, str]] = {
    "plus_path": N_("Another address was signed: {name}. Sign the path and query that are called, without the host."),
    "plus_crlf": N_("The first line ended with CR LF: a single LF stands there."),
    "plus_no_line": N_("The line end after the address is missing."),
    "plus_no_method": N_("The method is missing: the text begins with POST and a blank."),
    "plus_client": N_("The client id was left out: it stands before the time."),
    "plus_time": N_("The time was left out: Request-Time is signed as it is sent."),
    "plus_body_only": N_("Only the body was signed: method, address, client id and time belong to it."),
    "plus_line_end": N_("A line end was signed after the body."),
    "plus_rewritten": N_("The body was signed in another form than it was sent: sign the very bytes that are sent."),
}


def texts_of(heard: Heard) -> Iterator[tuple[tuple[str, ...], str]]:
    """What may have been signed instead, the right text first."""
    client, time, body = heard.headers.get("client-id", ""), heard.headers.get("request-time", ""), heard.body

    def text(address: str = heard.address, sent: bytes = body) -> str:
        return text_to_sign(address, client, time, sent).decode(errors="replace")

    right = text()
    yield (), right
    path = heard.address.partition("?")[0]
    host = heard.headers.get("host", "")
    swapped = path.replace("/ams/api", "/ams/sandbox/api") if "/sandbox/" not in path else path.replace("/sandbox", "")
    for other in (swapped, path, f"http://{host}{heard.address}", f"https://{host}{heard.address}", path.strip("/")):
        if other != heard.address:
            yield (f"plus_path:{other}",), text(other)
    yield ("plus_crlf",), right.replace("\n", "\r\n", 1)
    yield ("plus_no_line",), right.replace("\n", "", 1)
    yield ("plus_no_method",), right.removeprefix("POST ")
    sent = body.decode(errors="replace")
    yield ("plus_time",), f"POST {heard.address}\n{client}.{sent}"
    yield ("plus_client",), f"POST {heard.address}\n{time}.{sent}"
    yield ("plus_body_only",), sent
    yield ("plus_line_end",), right + "\n"
    for spelled in _spellings(sent):
        yield ("plus_rewritten",), text(sent=spelled.encode())


def _spellings(body: str) -> Iterator[str]:
    if body != body.strip():
        yield body.strip()
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    for indent in (None, 2, 4):
        for escape in (False, True):
            for order in (False, True):
                yield json.dumps(parsed, indent=indent, ensure_ascii=escape, sort_keys=order)
                if indent is None:
                    yield json.dumps(parsed, separators=(",", ":"), ensure_ascii=escape, sort_keys=order)
