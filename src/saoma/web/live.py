"""`GET /live?t=...`: server-sent events for the topics that a page was signed for.

An event says only that something changed; the page fetches what it shows. After a break the browser sends its last mark
and gets what it missed. Streams end when the server is told to stop: a server waits for its open answers."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from types import FrameType
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import ServiceUnavailableException
from litestar.response import Stream

from saoma.kit.errors import NotAllowed
from saoma.kit.live import Live
from saoma.web.page import house_of
from saoma.web.topics import read_topics

#: How often a stream looks whether the server stops, in seconds, and after how many quiet looks it sends a beat.
#: A beat says when the next one comes: a page that hears none knows soon that the server is dead or frozen.
_LOOK: Final = 1.0
_LOOKS_PER_BEAT: Final = 5
_BEAT: Final = f"event: beat\ndata: {_LOOK * _LOOKS_PER_BEAT:g}\n\n".encode()
_MOST_TOKENS: Final = 8


def _topics(request: Request[Any, Any, Any]) -> list[str]:
    house = house_of(request)
    tokens = request.query_params.getall("t", [])
    if not tokens or len(tokens) > _MOST_TOKENS:
        raise NotAllowed("This page may not listen here. Open it again.")
    now = house.clock.now()
    return sorted({topic for token in tokens for topic in read_topics(token, house.secret, now)})


class Stopping:
    """Whether this process was told to stop: by signal, before the server closes its connections."""

    told = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Listen to SIGTERM and SIGINT beside whoever else does; outside the main thread nothing is heard."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def hear(number: int, frame: FrameType | None) -> None:
            self.told = True
            # The event loop is woken by the signal itself; a handler set the old way is called here.
            earlier = before[signal.Signals(number)]
            if callable(earlier):
                earlier(number, frame)

        for number in before:
            signal.signal(number, hear)
        try:
            yield
        finally:
            for number, earlier in before.items():
                if signal.getsignal(number) is hear:
                    signal.signal(number, earlier)


async def _stream(live: Live, topics: list[str], since: str, stopping: Stopping) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n" + _BEAT
    quiet = 0
    async for event in live.events(topics, since=since, heartbeat=_LOOK):
        if stopping.told:
            return
        if event is None:
            quiet += 1
            if quiet % _LOOKS_PER_BEAT == 0:
                yield _BEAT
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
        _stream(live, _topics(request), since, request.app.state.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@get("/live/check", include_in_schema=False, opt={"skip_session": True, "exclude_from_csrf": True})
async def live_check(request: Request[Any, Any, Any]) -> Response[None]:
    """Whether a page may still listen: 204, or 403 when it must load itself again."""
    _topics(request)
    return Response(None, status_code=204)
