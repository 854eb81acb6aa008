"""What the control API does about misbehaviour: single faults, and whole scenarios.

One scenario is played at a time: a new one takes the place of the last, whose faults are withdrawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from saoma.kit.errors import Invalid, NotFound
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.faults import SILENCE, Fault, FaultKind, Faults
from saoma.sandbox.scenarios.planning import checked
from saoma.sandbox.scenarios.playing import Player, ScenarioView, check_buyers
from saoma.sandbox.scenarios.scenario import shipped

_LARGEST: Final = 200_000


class NewFault(msgspec.Struct, forbid_unknown_fields=True):
    """What is to go wrong with `service`: a name, a pattern with `*`, or `notification`.

    `times` is 1, or no end with `for_seconds` or `chance` (0 to 1, drawn from `seed`) or when it is `always`;
    `seconds` (20), with up to `jitter` more, is the length of a silence, a delay or a buyer's thinking. `partner` and
    `number` are patterns of whom and which orders it is for, `code` is what `refused` and `rejected` say, `who` pays
    what nobody scanned, `changes` and `spoil_signature` are for `forged`."""

    service: str
    fault: FaultKind
    times: int | Literal["always"] | None = None
    seconds: float | None = None
    code: str = ""
    jitter: float = 0
    chance: float = 1
    seed: int = 0
    for_seconds: float | None = None
    partner: str = "*"
    number: str = "*"
    who: str = ""
    changes: dict[str, str] = {}
    spoil_signature: bool = False


class Listed(msgspec.Struct):
    """The scenarios that come with this sandbox, by name, and what each is for; `playing` is null when none is."""

    playing: ScenarioView | None
    known: dict[str, str]


@post("/faults", status_code=200, sync_to_thread=False)
def plan_fault(data: JSONBody[NewFault], book: NamedDependency[Book], faults: NamedDependency[Faults]) -> Fault:
    """Let the next calls of a service, or the next notifications, go wrong."""
    endless = data.for_seconds is not None or data.chance < 1 or data.times == "always"
    times = data.times if isinstance(data.times, int) else None if endless else 1
    until = None
    if data.for_seconds is not None:
        if not 0 < data.for_seconds <= 366 * 86400:
            raise Invalid("for_seconds is more than 0, and at most a year.")
        until = book.clock.now() + timedelta(seconds=data.for_seconds)
    if data.fault is FaultKind.HELD and until is None:
        raise Invalid("Say by for_seconds how long notifications are held, or use /control/notifications/hold.")
    if data.who and book.wallets.find(data.who) is None:
        raise NotFound(f"There is no buyer {data.who!r} here.")
    fault = checked(
        Fault(
            data.service, data.fault, times, SILENCE if data.seconds is None else data.seconds, data.code,
            jitter=data.jitter, chance=data.chance, seed=data.seed, partner=data.partner, number=data.number,
            who=data.who, changes=data.changes, spoil_signature=data.spoil_signature, until=until,
        )
    )  # fmt: skip
    with book.store.writing():
        faults.plan(fault)
    return fault


@get("/faults", sync_to_thread=False)
def list_faults(faults: NamedDependency[Faults]) -> dict[str, list[Fault]]:
    """What is still to go wrong."""
    return {"faults": faults.planned()}


@delete("/faults", status_code=200, sync_to_thread=False)
def clear_faults(book: NamedDependency[Book], faults: NamedDependency[Faults]) -> dict[str, list[Fault]]:
    """Behave again."""
    with book.store.writing():
        faults.clear()
    return {"faults": []}


@post("/scenarios", status_code=200, request_max_body_size=_LARGEST)
async def play_scenario(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    player: NamedDependency[Player],
    name: FromQuery[str] = "",
    seed: FromQuery[int | None] = None,
) -> ScenarioView:
    """Play a scenario: the one in the body (YAML or JSON, as in a file), or with ?name= one that comes with this
    sandbox. ?seed= draws other chances."""
    from saoma.sandbox.scenarios.reading import read_scenario, read_scenario_file

    body = await request.body()
    if name and body.strip():
        raise Invalid("Send a scenario, or name one that is known, not both.")
    if name:
        if name not in shipped():
            raise NotFound(f"There is no scenario {name!r}: known are {', '.join(shipped())}.")
        scenario = read_scenario_file(shipped()[name], seed)
    else:
        scenario = read_scenario(body, seed=seed)
    check_buyers(scenario, book)
    player.play(scenario)
    view = player.view()
    assert view is not None
    return view


@get("/scenarios", sync_to_thread=False)
def read_scenarios(player: NamedDependency[Player]) -> Listed:
    """What was done so far of the scenario that is played, and what is left; and which others are known."""
    return _listed(player)


def _listed(player: Player) -> Listed:
    from saoma.sandbox.scenarios.reading import read_scenario_file

    return Listed(player.view(), {name: read_scenario_file(path).about for name, path in shipped().items()})


@delete("/scenarios", status_code=200, sync_to_thread=False)
def stop_scenario(player: NamedDependency[Player]) -> Listed:
    """End the scenario that is played: its faults are withdrawn, what was done stays done."""
    player.stop()
    return _listed(player)


handlers: Final[list[Any]] = [
    plan_fault, list_faults, clear_faults, play_scenario, read_scenarios, stop_scenario,
]  # fmt: skip
