"""The live call page: every call as it arrives, and for each what was signed, what was checked and why it was refused.

Rows come over one event stream as finished HTML; the page without its script is a list of links that works as well."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from saoma.kit.clock import beijing
from saoma.kit.errors import NotFound, Refused
from saoma.sandbox.calls import NAMES, Calls, Look, Outcome
from saoma.sandbox.diagnosing import hints, known_services
from saoma.sandbox.mapi import OPERATIONS
from saoma.sandbox.openapi import METHODS
from saoma.sandbox.partners import Partners
from saoma.sandbox.screens.phone import Phone, draw, keep_language, phone_of, refused, shown
from saoma.sandbox.store import HeardCall
from saoma.sandbox.trades import Book

#: How many calls the list shows, and how long a silent stream waits before it says that it is still there, in seconds.
_SHOWN: Final = 100
_PULSE: Final = 15.0
_PRIVATE: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_TROUBLE: Final = (Outcome.REFUSED, Outcome.FAILED, Outcome.SILENT)


class Wanted:
    """Which calls somebody wants to see: those of one partner, or only those that went wrong."""

    def __init__(self, partner: str, only: str) -> None:
        self.partner = partner
        self.only = "trouble" if only == "trouble" else ""

    def has(self, look: Look) -> bool:
        """Whether a call is among them."""
        return (not self.partner or look.partner == self.partner) and (not self.only or look.outcome in _TROUBLE)

    def query(self, **changes: str) -> str:
        """The part of an address behind the question mark that asks for them."""
        said = {"partner": self.partner, "only": self.only} | changes
        return "&".join(f"{name}={value}" for name, value in said.items() if value)


def _looks(book: Book, calls: Calls, wanted: Wanted, after: int = 0) -> list[Look]:
    """The latest calls that are wanted, the latest first."""
    found = (calls.look(one) for one in book.store.heard(after=after, limit=_SHOWN * 5))
    return [look for look in found if wanted.has(look)][:_SHOWN]


def _masked(text: str, partners: Partners) -> str:
    """A text without whole keys: people put them where they don't belong."""
    for one in partners.all():
        if len(one.md5_key) >= 8:
            text = text.replace(one.md5_key, f"{one.md5_key[:3]}…{one.md5_key[-2:]}")
    return _PRIVATE.sub("-----PRIVATE KEY-----", text)


def _details(phone: Phone, look: Look, calls: Calls) -> Mapping[str, Any]:
    services = known_services(OPERATIONS, METHODS)

    def masked(text: str) -> str:
        return _masked(text, calls.partners)

    return {
        "look": look,
        "names": NAMES,
        "hints": [
            phone.texts(hint.words, **{name: masked(value) for name, value in hint.values.items()})
            for hint in hints(look, calls, services)
        ],
        "masked": masked,
        "time": beijing(look.at).strftime("%Y-%m-%d %H:%M:%S"),
    }


@get("/calls", sync_to_thread=False)
def show(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
    partner: FromQuery[str] = "",
    only: FromQuery[str] = "",
) -> Response[str]:
    """The list, and the latest call taken apart."""
    phone, wanted = phone_of(request), Wanted(partner, only)
    looks = _looks(book, calls, wanted)
    details = _details(phone, looks[0], calls) if looks else {}
    everybody = [one.partner for one in calls.partners.all()]
    latest = max((one.id for one in book.store.heard(limit=1)), default=0)
    return shown(
        phone, "calls.html", looks=looks, wanted=wanted, partners=everybody, latest=latest, clock=_clock, **details
    )


@get("/calls/{call_id:int}", sync_to_thread=False)
def show_one(
    request: Request[Any, Any, Any],
    call_id: FromPath[int],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
) -> Response[str]:
    """One call, as a page of its own or (to the script) as its part of the page. Raises `NotFound`."""
    phone = phone_of(request)
    found = book.store.heard(call_id=call_id, limit=1)
    if not found:
        raise NotFound("This call is no longer remembered.")
    template = "call_details.html" if request.headers.get("x-part") else "call.html"
    return shown(phone, template, **_details(phone, calls.look(found[0]), calls))


@get("/calls/live", sync_to_thread=False)
def live(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
    after: FromQuery[int] = 0,
    partner: FromQuery[str] = "",
    only: FromQuery[str] = "",
) -> ServerSentEvent:
    """New calls as rows, one event each; a browser that comes back tells the last one it has seen."""
    seen = request.headers.get("last-event-id", "")
    start = int(seen) if seen.isdecimal() and seen.isascii() else after
    answer = ServerSentEvent(_rows(phone_of(request), book, calls, Wanted(partner, only), start))
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _rows(
    phone: Phone, book: Book, calls: Calls, wanted: Wanted, last: int
) -> AsyncIterator[ServerSentEventMessage]:
    bell = asyncio.Event()
    book.store.watchers.add(bell.set)
    try:
        yield ServerSentEventMessage(comment="here", retry=1000)
        while True:
            bell.clear()
            fresh: list[HeardCall] = book.store.heard(after=last, limit=_SHOWN)
            for one in reversed(fresh):
                last = one.id
                look = calls.look(one)
                if wanted.has(look):
                    row = draw(phone, "call_row.html", look=look, clock=_clock)
                    yield ServerSentEventMessage(data=row, event="call", id=str(one.id))
            if not fresh:
                try:
                    await asyncio.wait_for(bell.wait(), _PULSE)
                except TimeoutError:
                    yield ServerSentEventMessage(comment="here")
    finally:
        book.store.watchers.discard(bell.set)


def _clock(look: Look) -> str:
    return beijing(look.at).strftime("%H:%M:%S")


def calls_router() -> Router:
    """Everything under `/calls`; `book` and `calls` are injected."""
    return Router(
        "/",
        route_handlers=[show, show_one, live],
        exception_handlers={Refused: refused},
        before_request=keep_language,
        include_in_schema=False,
    )
