"""Watch mode: nothing is asked of the integration; Alipay's log is read, and every case that it shows is judged.

A person or their own test brings the cases about; what was not seen yet, says how. The latest order that
shows a case decides it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from saoma.validator.cases import CASES, ON_EVERY_WIRE, Case
from saoma.validator.control import Control
from saoma.validator.judge import judge, unless_unnamed
from saoma.validator.report import Finding
from saoma.validator.timeline import OPENING, Call, Event, Notice, Timeline, other_wire
from saoma.validator.verdict import Outcome, Verdict
from saoma.validator.words import Reason

#: The same code scanned again within this time is the same attempt, under another number.
_SAME_ATTEMPT: Final = timedelta(seconds=120)
#: Notifications are fetched for so many of the latest orders.
_LATEST: Final = 200


async def watched(control: Control, *, only: Iterable[str] = (), solutions: Iterable[str] = ()) -> list[Finding]:
    """What the log shows now. Raises `NoSandbox`."""
    calls, until = await control.calls(10_000), await control.now()
    numbers = list(dict.fromkeys(call.number for call in calls if call.number))[-_LATEST:]
    notices = [notice for number in numbers for notice in await control.notices(number)]
    whole = Timeline(tuple(sorted([*calls, *notices], key=_at)), until)
    return findings_of(whole, only=only, solutions=solutions)


def findings_of(whole: Timeline, *, only: Iterable[str] = (), solutions: Iterable[str] = ()) -> list[Finding]:
    """Every case judged over everything that was seen. Pure."""
    whole = _without_first_tries(whole)
    parts = attempts(whole)
    chosen, asked = set(only), frozenset(solutions)
    found: list[Finding] = []
    for case in CASES:
        if chosen and case.id not in chosen:
            continue
        if asked and not asked & {*case.solutions, *case.optional}:
            verdict = Verdict(case.id, Outcome.NOT_APPLICABLE, Reason("other-solution"))
            found.append(Finding(case, verdict, Timeline()))
            continue
        one = _judged(case, whole, parts, found)
        if asked and not asked & set(case.solutions) and one.verdict.outcome is Outcome.NOT_SEEN:
            one = Finding(case, Verdict(case.id, Outcome.NOT_APPLICABLE, Reason("optional-unseen")), Timeline())
        if not asked:
            one = Finding(case, unless_unnamed(case, one.verdict), one.timeline)
        found.append(one)
    return found


def _judged(case: Case, whole: Timeline, parts: list[Timeline], before: list[Finding]) -> Finding:
    gateway = "" if case.id in ON_EVERY_WIRE else other_wire(whole.calls)
    if case.id == "S18":
        wire = [each.verdict for each in before if each.case.id.startswith("V")]
        whole = Timeline(
            (),
            whole.until,
            passed=tuple(each.case for each in wire if each.outcome is Outcome.PASSED),
            failed=tuple(each.case for each in wire if each.outcome is Outcome.FAILED),
        )
    about = [whole] if case.whole else parts
    judged = [Finding(case, judge(case.id, each), each) for each in about]
    shown = [each for each in judged if each.verdict.outcome is not Outcome.NOT_SEEN]
    if shown:
        # the latest decides: what was mended since is not held against anybody
        return shown[-1]
    if gateway:
        return Finding(
            case, Verdict(case.id, Outcome.NOT_APPLICABLE, Reason("other-wire", {"wire": gateway})), Timeline()
        )
    said = [each.verdict.reason for each in judged if each.verdict.reason.key != "not-happened"]
    return Finding(case, Verdict(case.id, Outcome.NOT_SEEN, (said or [Reason("not-happened")])[-1]), Timeline())


def attempts(whole: Timeline) -> list[Timeline]:
    """One timeline for each order, together with orders that were opened for the same code a moment later."""
    openings: dict[str, Call] = {}
    for call in whole.calls:
        if call.kind in OPENING:
            openings.setdefault(call.number, call)
    leaders: dict[str, str] = {}
    last: dict[str, Call] = {}
    for number, call in openings.items():
        code = call.asked.get("buyer_identity_code", "")
        first = last.get(code) if code else None
        if first is not None and call.at - first.at <= _SAME_ATTEMPT and not _settled(whole, first.number, call):
            leaders[number] = first.number
        else:
            leaders[number], last[code] = number, call
    grouped: dict[str, list[Event]] = {}
    for event in whole.events:
        if isinstance(event, Call | Notice) and event.number in leaders:
            grouped.setdefault(leaders[event.number], []).append(event)
    return [Timeline(tuple(events), whole.until) for events in grouped.values()]


def _without_first_tries(whole: Timeline) -> Timeline:
    """Without the orders that were turned away at the door, up to one that was not: they never began."""
    taken = [call for call in whole.calls if call.kind in OPENING and not call.is_turned_away]
    if not taken:
        return whole
    return Timeline(
        tuple(
            event
            for event in whole.events
            if not (
                isinstance(event, Call) and event.kind in OPENING and event.is_turned_away and event.at <= taken[-1].at
            )
        ),
        whole.until,
    )


def _settled(whole: Timeline, number: str, before: Call) -> bool:
    """Whether an order had its end before another was opened: then the other is a new one."""
    mine = (call for call in whole.calls if call.number == number and call.at < before.at)
    return any(
        call.status == "TRADE_SUCCESS" or (call.kind in ("pay", "cancel") and call.result in ("SUCCESS", "FAILED"))
        for call in mine
    )


def _at(event: Event) -> datetime:
    return event.at
