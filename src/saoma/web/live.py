"""`GET /live?t=...`: server-sent events for the topics that a page was signed for.

An event says only that something changed; the page fetches what it shows. After a break the browser sends its last mark
and gets what it missed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import ServiceUnavailableException
from litestar.response import Stream

from saoma.kit.errors import NotAllowed
from saoma.kit.live import Live
from saoma.web.page import house_of
from saoma.web.topics import read_topics

_BEAT: Final = 15.0
_MOST_TOKENS: Final = 8


def _topics(request: Request[Any, Any, Any]) -> list[str]:
    house = house_of(request)
    tokens = request.query_params.getall("t", [])
    if not tokens or len(tokens) > _MOST_TOKENS:
        raise NotAllowed("This page may not listen here. Open it again.")
    now = house.clock.now()
    return sorted({topic for token in tokens for topic in read_topics(token, house.secret, now)})


async def _stream(live: Live, topics: list[str], since: str) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    async for event in live.events(topics, since=since, heartbeat=_BEAT):
        if event is None:
            yield b"event: beat\ndata: 1\n\n"
            continue
        data = msgspec.json.encode({"kind": event.kind, "topic": event.topic, "data": event.data}).decode()
        yield f"id: {event.mark}\nevent: live\ndata: {data}\n\n".encode()


@get("/live", include_in_schema=False, opt={"skip_session": True, "exclude_from_csrf": True, "unmetered": True})
async def live_events(request: Request[Any, Any, Any]) -> Stream:
    """Everything that happens on the signed topics, from the browser's last mark on."""
    live: Live | None = getattr(request.app.state, "live", None)
    if live is None:
        raise ServiceUnavailableException
    since = str(request.headers.get("last-event-id") or request.query_params.get("since") or "")
    return Stream(
        _stream(live, _topics(request), since),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@get("/live/check", include_in_schema=False, opt={"skip_session": True, "exclude_from_csrf": True})
async def live_check(request: Request[Any, Any, Any]) -> Response[None]:
    """Whether a page may still listen: 204, or 403 when it must load itself again."""
    _topics(request)
    return Response(None, status_code=204)
