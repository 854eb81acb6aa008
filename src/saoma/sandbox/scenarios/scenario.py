"""A scenario: a timeline of what goes wrong at this local Alipay, as data. Pure.

Time counts on the sandbox's clock from when the scenario was started, or from the first call where it says so."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.faults.faults import NOTIFICATION, Fault, FaultKind

#: Where the scenarios lie that come with this sandbox.
SHIPPED: Final = Path(__file__).parent


class Deed(StrEnum):
    """What a step does."""

    FAULT = "fault"
    BUYER = "buyer"
    CLOCK = "clock"
    FILE = "file"


class Start(StrEnum):
    """When the time of a scenario begins."""

    AT_ONCE = "at_once"
    FIRST_CALL = "first_call"


class Step(msgspec.Struct, omit_defaults=True):
    """One line of the timeline. It begins `at` seconds from the start and not before `calls` calls of `calls_of`.

    `word` says what: pays or refuses, an error of a daily file; `seconds` how far a clock is pushed, and `lasts` how
    long a fault is on (None: until it is used up)."""

    line: int
    deed: Deed
    at: float = 0
    calls: int = 0
    calls_of: str = "*"
    lasts: float | None = None
    fault: Fault | None = None
    word: str = ""
    seconds: float = 0
    partner: str = "*"
    number: str = "*"
    who: str = ""
    day: str = ""
    kind: str = ""


class Scenario(msgspec.Struct, omit_defaults=True):
    """A timeline with a name; `about` says in a sentence what it is for."""

    name: str
    steps: list[Step]
    about: str = ""
    seed: int = 0
    start: Start = Start.AT_ONCE


def shipped() -> dict[str, Path]:
    """The scenarios that come with this sandbox, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def find(name: str) -> Path:
    """The file of a scenario: a path, or the name of one that comes with this sandbox. Raises `Invalid`."""
    known = shipped()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json") or path.is_file():
        return path
    raise Invalid(f"There is no scenario {name!r}: name a file, or one of {', '.join(known)}.")


def said(step: Step) -> str:
    """A step in words."""
    match step.deed:
        case Deed.FAULT:
            assert step.fault is not None
            words = _fault_said(step.fault)
            if step.lasts is not None:
                words += f" for {span(step.lasts)}"
        case Deed.BUYER:
            words = f"the buyer {step.word}"
            words += f" ({step.who})" if step.who else ""
        case Deed.CLOCK:
            words = f"the clock is pushed by {span(step.seconds)}"
        case Deed.FILE:
            words = f"{step.word} in the {step.kind} file of {step.day}"
    if step.number != "*":
        words += f", order {step.number}"
    if step.partner != "*":
        words += f", partner {step.partner}"
    return words


def when(step: Step) -> str:
    """When a step begins, in words."""
    parts = [f"at {span(step.at)}"] if step.at or not step.calls else []
    if step.calls:
        of = "" if step.calls_of == "*" else f" of {step.calls_of}"
        parts.append(f"after {step.calls} {'call' if step.calls == 1 else 'calls'}{of}")
    return " and ".join(parts)


def span(seconds: float) -> str:
    """A length of time as a scenario file writes it."""
    if seconds != int(seconds):
        return f"{seconds:g}s"
    rest, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def ends_after(step: Step) -> timedelta | None:
    """How long what a step plans is on."""
    return None if step.lasts is None else timedelta(seconds=step.lasts)


def _fault_said(fault: Fault) -> str:
    kind = fault.fault.value
    if fault.fault is FaultKind.OUTAGE:
        words = "outage" if fault.service == "*" else f"outage of {fault.service}"
    elif fault.service == NOTIFICATION:
        words = f"notifications {'late' if kind == 'delay' else kind}"
    else:
        words = f"{kind} of {fault.service}"
    if fault.code:
        words += f" with {fault.code}"
    if fault.chance < 1:
        words += f", {fault.chance:.0%} of them"
    if fault.times is not None:
        words += f", {'once' if fault.times == 1 else f'{fault.times} times'}"
    return words
