"""One application for many tests: built once in a process, then given each test's own parts.

Building an application of two hundred routes takes longer than most tests take with it. Whoever takes one here has it
alone until the test is over; what is taken outside a test (a fixture that many tests share) is built anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from litestar import Litestar
from litestar.di import Provide

from saoma.app import Rooms, compose
from saoma.kit.db import Database
from saoma.kit.live import Live
from saoma.web.frame import build_app
from saoma.web.page import House


class _Current:
    """Stands for a part of the test at hand: whatever it is asked for is asked of that part."""

    __slots__ = ("_find",)

    def __init__(self, find: Any) -> None:
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


@dataclass(slots=True)
class _Seat:
    """An application and the parts that it works with now. `kept` holds what its key was made of."""

    parts: dict[str, Any]
    kept: object
    app: Litestar | None = None

    def part(self, name: str) -> Any:
        """What stands for the part, whoever's turn it is."""
        return _Current(lambda: self.parts[name])


_FREE: Final[defaultdict[Hashable, list[_Seat]]] = defaultdict(list)
_taken: list[tuple[Hashable, _Seat]] | None = None


@contextmanager
def one_test() -> Iterator[None]:
    """Until the end, what is taken is this test's; then the next may have it."""
    global _taken
    mine: list[tuple[Hashable, _Seat]] = []
    _taken = mine
    try:
        yield
    finally:
        _taken = None
        for key, seat in mine:
            seat.parts.clear()
            _FREE[key].append(seat)


def _take(key: Hashable, parts: dict[str, Any], kept: object) -> _Seat:
    if _taken is None:
        return _Seat(parts, kept)
    seat = _FREE[key].pop() if _FREE[key] else _Seat({}, kept)
    seat.parts.update(parts)
    _taken.append((key, seat))
    return seat


def seated(
    handlers: Sequence[Any],
    *,
    house: House,
    db: Database,
    live: Live | None = None,
    given: Mapping[str, Any],
    exception_handlers: Mapping[type[Exception], Any] | None = None,
) -> Litestar:
    """`build_app`, with `given` as dependencies by name."""
    raised = dict(exception_handlers or {})
    plain = (house.secret, house.zone, house.secure, house.behind_proxy, house.live_mark)
    key = (tuple(map(id, handlers)), plain, live is None, tuple(sorted(given)), tuple(raised))
    seat = _take(key, {"db": db, "clock": house.clock, "live": live, "given": given}, list(handlers))
    if seat.app is None:
        seat.app = build_app(
            handlers,
            house=replace(house, clock=seat.part("clock")),
            db=cast(Database, seat.part("db")),
            live=None if live is None else cast(Live, seat.part("live")),
            dependencies={name: Provide(_giver(seat, name), sync_to_thread=False) for name in given},
            exception_handlers=raised,
        )
    return seat.app


def _giver(seat: _Seat, name: str) -> Any:
    def give() -> Any:
        return seat.parts["given"][name]

    return give


def composed(rooms: Rooms, *, more: Sequence[Any], screens: Sequence[Any]) -> Litestar:
    """`compose`: whoever serves it runs the beginning and the end of the rooms at hand."""
    settings = rooms.settings
    plain = (settings.secret, settings.public_url, settings.trusted_proxy)
    key = (tuple(map(id, (*screens, *more))), plain)
    seat = _take(key, {"rooms": rooms}, [*screens, *more])
    if seat.app is None:
        now = _RoomsNow(seat)
        seat.app = compose(cast(Rooms, now), more=more, screens=screens)
        now.building = False
    return seat.app


class _RoomsNow:
    """The rooms of the test at hand. What the frame keeps of them while it is built stands for whatever comes after."""

    def __init__(self, seat: _Seat) -> None:
        self._seat = seat
        self.building = True

    def __getattr__(self, name: str) -> Any:
        seat = self._seat
        if self.building and name in ("db", "clock", "live"):
            return _Current(lambda: getattr(seat.parts["rooms"], name))
        return getattr(seat.parts["rooms"], name)
