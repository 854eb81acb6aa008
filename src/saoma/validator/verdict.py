"""A verdict: passed, failed, not seen or not applicable, with its reason and the log lines that show it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from saoma.validator.timeline import Event
from saoma.validator.words import Reason


class Outcome(StrEnum):
    """How it went."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SEEN = "not seen"
    NOT_APPLICABLE = "not applicable"


class Line(msgspec.Struct, frozen=True):
    """A line of the log; `wrong` marks what the reason speaks of. `after`: seconds since the first line."""

    after: float
    text: str
    wrong: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said about one case."""

    case: str
    outcome: Outcome
    reason: Reason
    lines: tuple[Line, ...] = ()


class Wrong(Exception):
    """The integration does not do as it should; `events` show it."""

    def __init__(self, key: str, *events: Event, **values: object) -> None:
        super().__init__(key)
        self.reason = Reason(key, values)
        self.events = events


class NotSeen(Exception):
    """What the case is about did not happen in this timeline."""

    def __init__(self, key: str = "not-happened", **values: object) -> None:
        super().__init__(key)
        self.reason = Reason(key, values)
