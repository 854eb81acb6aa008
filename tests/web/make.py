"""A small server with the whole frame around a few doors that refuse, break, remember and accept.

`python -m granian --interface asgi tests.web.make:app` runs it for a real browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath, FromQuery

from saoma.kit.clock import Clock, MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound, NotSent, OutcomeUnknown
from saoma.kit.live import Live
from saoma.web.frame import build_app
from saoma.web.limits import at_most
from saoma.web.page import House, page

SECRET = "a secret for tests, long enough to be one"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

_ERRORS: dict[str, Exception] = {
    "invalid": Invalid("Look at what you entered and try again. Nothing was changed."),
    "not-found": NotFound("There is nothing here. Check the link, or scan the code again."),
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
    doors = [refuse, number, remember, recall, forget, change, machine, form, door]
    return build_app(doors, house=house, db=db, live=live, **given)


def __getattr__(name: str) -> Litestar:
    """`app`, made only for whoever serves it."""
    if name == "app":
        return server()
    raise AttributeError(name)
