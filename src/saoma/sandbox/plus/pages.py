"""The address of Alipay+: everything under `/ams`, whatever the method, is answered by `plus`.

The path is handed on as it was sent, still percent-encoded, because it is part of what was signed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar import Request, Response, route
from litestar.di import NamedDependency

from saoma.sandbox.book import store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults import door
from saoma.sandbox.faults.faults import Faults
from saoma.sandbox.plus.gateway import CONTENT_TYPE, Heard, Plus

_LARGEST: Final = 200_000


@route(
    "/ams/{rest:path}",
    http_method=["GET", "POST", "PUT", "PATCH", "DELETE"],
    request_max_body_size=_LARGEST,
    include_in_schema=False,
    status_code=200,
)
async def alipay_plus(
    request: Request[Any, Any, Any],
    plus: NamedDependency[Plus],
    book: NamedDependency[Book],
    faults: NamedDependency[Faults],
) -> Response[bytes]:
    """JSON, signed in its headers."""
    came = heard_of(request, await request.body())
    if not door.is_open(faults, book, came.address.partition("?")[0], came):
        return door.dropped(request)
    with book.store.hearing(came):
        reply = plus.answer(Heard(came.method, came.address, came.headers, came.body))
        came.answer = dict(reply.headers)
    if reply.wait:
        await asyncio.sleep(reply.wait)
    if reply.body is not None:
        return Response(reply.body, status_code=200, headers=dict(reply.headers), media_type=CONTENT_TYPE)
    return door.dropped(request)


def heard_of(request: Request[Any, Any, Any], body: bytes) -> store.Heard:
    """A request for the call log, as it came."""
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    return store.Heard(request.method, f"{path}?{query}" if query else path, headers, body)


handlers: Final[list[Any]] = [alipay_plus]
