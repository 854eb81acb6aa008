"""A small server with the whole frame around a few doors that refuse, break, remember and accept.

`python -m granian --interface asgi tests.web.make:app` runs it for a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, cast

from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath, FromQuery

from saoma.kit.clock import Clock, MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotAllowed, NotFound, NotSent, OutcomeUnknown
from saoma.kit.live import Live, LiveEvent
from saoma.web.frame import build_app
from saoma.web.limits import at_most
from saoma.web.page import House, drawn, environment, page, reader_of

SECRET = "a secret for tests, long enough to be one"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

_ERRORS: dict[str, Exception] = {
    "invalid": Invalid("Look at what you entered and try again. Nothing was changed."),
    "not-found": NotFound(NOTHING_HERE),
    "not-allowed": NotAllowed("You may not do this with this sign-in. Nothing was changed."),
    "conflict": Conflict("{count} min", count=7),
    "not-sent": NotSent("connection refused by 10.0.0.7"),
    "unknown": OutcomeUnknown("read timed out at 10.0.0.7"),
    "broken": RuntimeError("the insides of the machine"),
}


@get(["/raise/{what:str}", "/api/raise/{what:str}"], sync_to_thread=False)
def refuse(what: FromPath[str]) -> None:
    """End in one error of the tree."""
    raise _ERRORS[what]


@get("/number/{number:int}", sync_to_thread=False)
def number(number: FromPath[int], size: FromQuery[int]) -> str:
    """Wants a number in its query."""
    return f"{number} {size}"


@get("/remember/{word:str}", sync_to_thread=False)
def remember(request: Request[Any, Any, Any], word: FromPath[str]) -> str:
    """Put a word into the session."""
    request.session["word"] = word
    return "remembered"


@get("/recall", sync_to_thread=False)
def recall(request: Request[Any, Any, Any]) -> str:
    """The word of this session."""
    return str(request.session.get("word", ""))


@get("/forget", sync_to_thread=False)
def forget(request: Request[Any, Any, Any]) -> str:
    """End the session."""
    request.clear_session()
    return "forgotten"


@post("/change", sync_to_thread=False)
def change() -> str:
    """Changes something, so a foreign page must not be able to ask for it."""
    return "changed"


@post("/machine", opt={"exclude_from_csrf": True}, sync_to_thread=False)
def machine() -> str:
    """A door for machines, which hold no token."""
    return "success"


@get("/form", sync_to_thread=False)
def form(request: Request[Any, Any, Any]) -> Response[str]:
    """A page whose head and body carry the token."""
    return page(
        request, "web/trouble.html", title="That did not work", sentence="", code="", retry="", back="", status=400
    )


@get("/door", guards=[at_most(2, seconds=60)], sync_to_thread=False)
def door() -> str:
    """Opens twice a minute."""
    return "open"


class Drum:
    """Stands where `Live` stands: what is put in by `/beat/<kind>` is heard by whoever listens."""

    mark = "1-1"

    def __init__(self) -> None:
        self.ears: list[asyncio.Queue[LiveEvent | None]] = []
        self.since: list[str] = []
        self.beats = 0

    async def events(self, topics: Iterable[str], *, since: str, heartbeat: float) -> AsyncIterator[LiveEvent | None]:
        """Everything beaten while listening; ends when the drum is silenced."""
        ear: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        self.ears.append(ear)
        self.since.append(since)
        while True:
            try:
                event = await asyncio.wait_for(ear.get(), heartbeat)
            except TimeoutError:
                yield None
                continue
            if event is None:
                return
            yield event


DRUM = Drum()
_SCREEN = """{% extends "web/layout.html" %}{% block title %}Drum{% endblock %}{% block body %}{{ live("drum:one") }}
<p id="count" hx-get="/count" hx-trigger="live:beat from:body" hx-swap="innerHTML">0</p>
<button id="change" hx-post="/change" hx-target="#changed">Change</button><p id="changed"></p>
<button id="refused" hx-get="/raise/conflict" hx-target="#changed">Refused</button>
<button id="paid" hx-get="/paid" hx-target="#changed">Paid</button>
<form method="post" action="/change">{{ csrf_input() }}<button id="plain">Plain</button></form>{% endblock %}"""


@get("/drum", sync_to_thread=False)
def drum(request: Request[Any, Any, Any]) -> Response[str]:
    """A page that listens."""
    html = drawn(environment().from_string(_SCREEN), reader_of(request), request=request)
    return Response(html, media_type="text/html")


@get("/beat/{kind:str}", sync_to_thread=False)
def beat(kind: FromPath[str]) -> str:
    """Something happened; or everybody is hung up on, for kind `hang-up`."""
    DRUM.beats += 1
    for ear in DRUM.ears:
        ear.put_nowait(None if kind == "hang-up" else LiveEvent(f"1-{DRUM.beats + 1}", "drum:one", kind, {}))
    if kind == "hang-up":
        DRUM.ears.clear()
    return str(len(DRUM.since)) + " " + DRUM.since[-1]


@get("/count", sync_to_thread=False)
def count() -> Response[str]:
    """How many things happened."""
    return Response(str(DRUM.beats), media_type="text/html")


@get("/paid", sync_to_thread=False)
def paid() -> Response[str]:
    """A part that brings its sound."""
    return Response('<b data-sound="paid">Paid</b>', media_type="text/html")


def server(
    db: Database | None = None, *, clock: Clock | None = None, live: Live | None = None, **given: Any
) -> Litestar:
    """The frame around the doors above."""
    house = House(
        secret=SECRET,
        clock=clock or MovableClock(NOON),
        zone="Asia/Singapore",
        live_mark=(lambda: live.mark) if live else str,
        secure=given.pop("secure", False),
    )
    doors = [drum, beat, count, paid, refuse, number, remember, recall, forget, change, machine, form, door]
    return build_app(doors, house=house, db=db, live=live, **given)


def __getattr__(name: str) -> Litestar:
    """`app`, made only for whoever serves it."""
    if name == "app":
        return server(live=cast(Any, DRUM))
    raise AttributeError(name)
