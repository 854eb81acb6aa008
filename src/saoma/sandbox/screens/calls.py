"""The live call page: every call as it arrives, and for each what was signed, what was checked and why it was refused.

Rows come over one event stream as finished HTML; the page without its script is a list of links that works as well."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.kit.clock import beijing
from saoma.kit.errors import NotFound, Refused
from saoma.sandbox.book.store import HeardCall, Sought, Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.calls.calls import TROUBLE, Calls
from saoma.sandbox.calls.diagnosing import hints, known_services
from saoma.sandbox.calls.hint import Hint
from saoma.sandbox.calls.looks import ENDINGS, NAMES, Look
from saoma.sandbox.calls.masking import keys_of, masked, secrets_of
from saoma.sandbox.calls.reasons import in_words
from saoma.sandbox.calls.repeating import curl
from saoma.sandbox.mapi.gateway import OPERATIONS
from saoma.sandbox.openapi.gateway import METHODS
from saoma.sandbox.screens.phone import Phone, draw, keep_language, phone_of, refused, shown

#: How many calls the list shows, and how long a silent stream waits before it says that it is still there, in seconds.
_SHOWN: Final = 100
_PULSE: Final = 15.0
#: So many calls are looked through at once for those that went wrong.
_STRIDE: Final = 500
#: No log has a place behind this one, and the database takes no larger number.
_LAST_PLACE: Final = 2**63 - 2


class Wanted(msgspec.Struct, frozen=True):
    """Which calls somebody wants to see. `only` is "trouble" or nothing; `q` is looked for in every text of a call."""

    partner: str = ""
    only: str = ""
    service: str = ""
    order: str = ""
    q: str = ""

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> Wanted:
        """As the address asks for them."""
        given = request.query_params
        asked = cls(*(given.get(name, "").strip()[:100] for name in cls.__struct_fields__))
        return asked if asked.only in ("", "trouble") else msgspec.structs.replace(asked, only="")

    @property
    def is_narrow(self) -> bool:
        """Whether not all are wanted."""
        return any(msgspec.structs.astuple(self))

    def query(self, **changes: str) -> str:
        """The part of an address behind the question mark that asks for them."""
        said = msgspec.structs.asdict(self) | changes
        return urlencode({name: value for name, value in said.items() if value})

    def found(self, store: Store, calls: Calls, *, after: int = 0, before: int = 0) -> tuple[list[HeardCall], int]:
        """The latest of them, the latest first, and the place behind which older ones may follow (0: none)."""
        found: list[HeardCall] = []
        while True:
            sought = Sought(_place(after), _place(before), self.partner, self.service, self.order, self.q)
            part = store.heard(sought, limit=_STRIDE if self.only else _SHOWN)
            for one in part:
                if not self.only or calls.is_trouble(one):
                    found.append(one)
                    if len(found) == _SHOWN:
                        return found, one.id
            if not self.only or len(part) < _STRIDE:
                return found, 0
            before = part[-1].id


def _details(phone: Phone, look: Look, calls: Calls) -> Mapping[str, Any]:
    came = look.heard
    where = came.answer.get("Location", "") if came else ""
    secrets = [
        *keys_of(calls.partners.all()),
        *secrets_of(look.fields, look.response, where, came.address if came else ""),
    ]

    def hidden(text: str) -> str:
        return masked(text, secrets)

    def worded(hint: Hint) -> str:
        return phone.texts(hint.words, **{name: hidden(value) for name, value in hint.values.items()})

    services = known_services(OPERATIONS, METHODS)
    return {
        "look": look,
        "names": NAMES,
        "hints": [worded(hint) for hint in hints(look, calls, services)],
        "note": worded(in_words(look.why, look.fields)),
        "masked": hidden,
        "again": hidden(curl(came, f"{phone.scheme}://{phone.host}")) if came else "",
        "where": hidden(where),
        "time": beijing(look.at).strftime("%Y-%m-%d %H:%M:%S"),
        "trouble": look.outcome in TROUBLE,
    }


@get("/calls", sync_to_thread=False)
def show(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
    before: FromQuery[int] = 0,
) -> Response[str]:
    """The list, and the latest call taken apart."""
    phone, wanted = phone_of(request), Wanted.of(request)
    found, older = wanted.found(book.store, calls, before=before)
    looks = [calls.look(one) for one in found]
    details = _details(phone, looks[0], calls) if looks else {}
    latest = max((one.id for one in book.store.heard(limit=1)), default=0)
    return shown(
        phone, "calls.html", looks=looks, wanted=wanted, partners=[one.partner for one in calls.partners.all()],
        services=book.store.services(), older=older, before=before, latest=latest, log=book.store.name(), clock=_clock,
        endings=ENDINGS,
        first=_first_call(calls, f"{phone.scheme}://{phone.host}"), url=f"{phone.scheme}://{phone.host}", **details,
    )  # fmt: skip


@get("/calls/{call_id:int}", sync_to_thread=False)
def show_one(
    request: Request[Any, Any, Any],
    call_id: FromPath[int],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
) -> Response[str]:
    """One call, as a page of its own or (to the script) as its part of the page. Raises `NotFound`."""
    phone = phone_of(request)
    found = book.store.heard_one(_place(call_id))
    if found is None:
        raise NotFound("This call is no longer remembered.")
    template = "call_details.html" if request.headers.get("x-part") else "call.html"
    return shown(phone, template, **_details(phone, calls.look(found), calls))


@get("/calls/live", sync_to_thread=False)
def live(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    calls: NamedDependency[Calls],
    after: FromQuery[int] = 0,
    log: FromQuery[str] = "",
) -> ServerSentEvent:
    """New calls as rows, one event each; a browser that comes back tells the last one it has seen, and of which log:
    a sandbox that was started anew has another one, and the page is told to begin anew as well."""
    seen = request.headers.get("last-event-id", "")
    start = int(seen) if re.fullmatch(r"[0-9]{1,19}", seen) else after
    anew = bool(log) and log != book.store.name()
    answer = ServerSentEvent(_rows(phone_of(request), book, calls, Wanted.of(request), start, anew=anew))
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _rows(
    phone: Phone, book: Book, calls: Calls, wanted: Wanted, last: int, *, anew: bool
) -> AsyncIterator[ServerSentEventMessage]:
    bell = asyncio.Event()
    book.store.watchers.add(bell.set)
    try:
        yield ServerSentEventMessage(comment="here", retry=1000)
        if anew:
            yield ServerSentEventMessage(data="anew", event="anew")
        while True:
            bell.clear()
            newest = max((one.id for one in book.store.heard(limit=1)), default=0)
            fresh, _ = wanted.found(book.store, calls, after=last)
            # those that nobody wants to see are passed, else each new call has all of them read again
            last = max(last, newest)
            for one in reversed(fresh):
                row = draw(phone, "call_row.html", look=calls.look(one), clock=_clock, endings=ENDINGS)
                yield ServerSentEventMessage(data=row, event="call", id=str(one.id))
            if not fresh:
                try:
                    await asyncio.wait_for(bell.wait(), _PULSE)
                except TimeoutError:
                    yield ServerSentEventMessage(comment="here")
    finally:
        book.store.watchers.discard(bell.set)


def _place(number: int) -> int:
    return min(max(number, 0), _LAST_PLACE)


def _clock(look: Look) -> str:
    return beijing(look.at).strftime("%H:%M:%S")


def _first_call(calls: Calls, host: str) -> str:
    """A whole call to begin with, signed for the first partner that signs with MD5; no key shows in it."""
    one = next((one for one in calls.partners.all() if one.md5_key), None)
    if one is None:
        return ""
    fields = {
        "_input_charset": "UTF-8", "service": "alipay.acquire.overseas.query", "partner": one.partner,
        "partner_trans_id": "HELLO-1",
    }  # fmt: skip
    sign = md5_signatory(one.md5_key).sign(string_to_sign(fields).encode())
    return f'curl -s "{host}/gateway.do?{urlencode(fields)}&sign_type=MD5&sign={sign}"'


def calls_router() -> Router:
    """Everything under `/calls`; `book` and `calls` are injected."""
    return Router(
        "/",
        route_handlers=[show, show_one, live],
        exception_handlers={Refused: refused},
        before_request=keep_language,
        include_in_schema=False,
    )
