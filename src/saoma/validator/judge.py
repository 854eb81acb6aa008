"""`judge(case, timeline)`: one verdict, with the log lines that show it. Pure: the same timeline, the same verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from saoma.kit.i18n import texts
from saoma.validator.cases import ALL_SOLUTIONS, Case
from saoma.validator.judging import WIRE
from saoma.validator.judging_solutions import SOLUTIONS
from saoma.validator.lines import line
from saoma.validator.timeline import Event, Timeline
from saoma.validator.verdict import Line, NotSeen, Outcome, Verdict, Wrong
from saoma.validator.words import Reason

JUDGES: Final[dict[str, Callable[[Timeline], Reason]]] = {**WIRE, **SOLUTIONS}


def judge(case: str, timeline: Timeline) -> Verdict:
    """What is to be said about a case, by its id ("V3", "S11"). Raises `KeyError` for an id that does not exist."""
    try:
        return Verdict(case, Outcome.PASSED, JUDGES[case](timeline), log(timeline.events))
    except Wrong as wrong:
        return Verdict(case, Outcome.FAILED, wrong.reason, log(timeline.events, wrong.events))
    except NotSeen as missing:
        if broken := [said for said in timeline.told if said.problem]:
            reason = Reason("hook-failed", {"why": f"/{broken[0].hook}: {broken[0].problem}"})
            return Verdict(case, Outcome.FAILED, reason, log(timeline.events, broken))
        return Verdict(case, Outcome.NOT_SEEN, missing.reason, log(timeline.events))


def unless_unnamed(case: Case, verdict: Verdict) -> Verdict:
    """The verdict where nobody named a solution: what one solution wants, another may not, so its rule fails nobody.

    A hook that failed is no rule."""
    of_all = set(case.solutions) == set(ALL_SOLUTIONS)
    if verdict.outcome is not Outcome.FAILED or of_all or verdict.reason.key == "hook-failed":
        return verdict
    reason = Reason("unnamed-solution", {"solutions": ", ".join(case.solutions)})
    return Verdict(case.id, Outcome.NOT_APPLICABLE, reason, verdict.lines)


def log(events: Iterable[Event], wrong: Iterable[Event] = ()) -> tuple[Line, ...]:
    """Events as lines, those that are wrong marked."""
    events, blamed = tuple(events), {id(event) for event in wrong}
    if not events:
        return ()
    start, english = events[0].at, texts("en")
    return tuple(
        Line(round((event.at - start).total_seconds(), 1), line(event, english), id(event) in blamed)
        for event in events
    )
