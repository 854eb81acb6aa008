"""An outage, played at the door: while it lasts, whatever partners call is dropped before anybody reads it.

The control API, the wallets and the call page stay open, so the connection is taken and then dropped: a caller sees it
closed without an answer, which clients treat as they treat a gateway that can't be reached."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from litestar import Request, Response

from saoma.sandbox.book.store import Heard
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.dropping import drop_connection
from saoma.sandbox.faults.faults import Faults

_NAMED: Final = re.compile(rb"(?:^|&)(?:service|method)=([^&]*)")


def named(query: bytes, body: bytes) -> str:
    """Which service somebody seems to call, as far as it can be told without reading properly."""
    found = _NAMED.search(query) or _NAMED.search(body)
    return unquote_to_bytes(found[1]).decode("ascii", "replace") if found else ""


def is_open(faults: Faults, book: Book, service: str, came: Heard) -> bool:
    """Whether a call may come in; one that may not is noted in the call log."""
    with book.store.writing():
        fault = faults.shut(service)
        if fault is not None:
            with book.store.hearing(came):
                # nothing was read: what the call page shows comes from the request as it came
                asked = {"User-Agent": came.headers.get("user-agent", "")}
                book.store.log(book.clock.now().isoformat(), service, "", "", asked, None, fault.why)
    return fault is None


def dropped(request: Request[Any, Any, Any]) -> Response[bytes]:
    """No answer: the connection is closed from below; an empty 504 where that can't be done."""
    if request.client is not None:
        drop_connection((request.client.host, request.client.port))
    return Response(b"", status_code=504)
