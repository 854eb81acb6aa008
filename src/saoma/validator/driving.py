"""Drive mode: every case is staged in turn and judged; the integration is asked through its adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp

from saoma.validator.adapter import Adapter, Hello
from saoma.validator.cases import CASES, ON_EVERY_WIRE, Case
from saoma.validator.control import Control
from saoma.validator.judge import judge, log, unless_unnamed
from saoma.validator.report import Finding
from saoma.validator.scenes import WIRE, Scene
from saoma.validator.scenes_solutions import SOLUTIONS
from saoma.validator.stage import Stage, Unfit
from saoma.validator.timeline import Timeline, Told, other_wire
from saoma.validator.verdict import Outcome, Verdict
from saoma.validator.words import Reason

SCENES: Final[dict[str, Scene]] = {**WIRE, **SOLUTIONS}
#: How many seconds a case takes at most where time can't be moved and the integration answers at once.
LASTS: Final = {
    "V1": 15, "V2": 5, "V3": 90, "V4": 190, "V5": 90, "V6": 190, "V7": 90, "V8": 150, "V9": 400, "V10": 100, "V11": 100,
    "V12": 150, "V13": 40, "V14": 5, "S4": 23, "S5": 40, "S6": 20, "S7": 250, "S8": 190, "S9": 60, "S10": 460,
    "S11": 552, "S12": 15, "S13": 2, "S15": 42, "S16": 5, "S19": 12,
}  # fmt: skip
#: What a case may blame although a hook failed meanwhile: that the gateway refused is why the hook did.
_WHY_HOOKS_FAIL: Final = ("refused", "refused-at-the-door", "incomplete-extend-info")


async def drive(
    control: Control,
    adapter: Adapter,
    hello: Hello,
    *,
    only: Iterable[str] = (),
    solutions: Iterable[str] = (),
    silence: float = 6,
    begins: Callable[[Case], None] = lambda case: None,
    waiting: Callable[[str], None] = lambda text: None,
    found: Callable[[Finding], None] = lambda finding: None,
) -> list[Finding]:
    """Stage and judge the cases (`only` those named). `begins` and `found` hear of each as it happens.

    Alipay's clock stands still meanwhile where the integration's can be moved. An adapter that fails between two cases
    fails the next one, and the rest is not staged. Raises `NoSandbox`."""
    chosen, asked = set(only), frozenset(solutions or hello.solutions)
    stage = Stage(control, adapter, hello, silence=silence, waiting=waiting)
    findings: list[Finding] = []
    gone: Reason | None = None
    # a run that was killed may have left them held
    await control.ask("POST", "notifications/hold", {"held": False})
    if stage.clocked:
        await control.stand(still=True)
    try:
        for case in CASES:
            if chosen and case.id not in chosen:
                continue
            begins(case)
            start = time.perf_counter()
            verdict, timeline, gone = await _one(stage, case, asked, findings, gone)
            findings.append(Finding(case, verdict, timeline, time.perf_counter() - start))
            found(findings[-1])
    finally:
        if stage.clocked:
            await control.stand(still=False)
        await control.behave()
        await stage.hold(held=False)
    return findings


def real_seconds(hello: Hello, *, only: Iterable[str] = (), solutions: Iterable[str] = ()) -> int:
    """How many seconds of waiting there are at most in a run; none where the clock can be moved."""
    if "advance" in hello.hooks:
        return 0
    chosen, asked = set(only), frozenset(solutions or hello.solutions)
    played = (case.id for case in CASES if (not chosen or case.id in chosen) and why_not(case, hello, asked) is None)
    return sum(LASTS.get(case, 0) for case in played)


async def _one(
    stage: Stage, case: Case, asked: frozenset[str], before: list[Finding], gone: Reason | None
) -> tuple[Verdict, Timeline, Reason | None]:
    """One case. `gone`, and the last of what comes back: why nothing more can be staged, if so."""
    if (reason := why_not(case, stage.hello, asked)) is not None:
        return Verdict(case.id, *reason), Timeline(), gone
    if gone is not None:
        return Verdict(case.id, Outcome.NOT_SEEN, gone), Timeline(), gone
    try:
        await stage.begin()
    except Unfit as why:
        timeline = await stage.timeline()
        verdict = Verdict(case.id, Outcome.FAILED, Reason(why.key, why.values), log(timeline.events))
        return verdict, timeline, Reason("adapter-failed", {"hook": str(why.values["why"]).partition(":")[0]})
    verdict, timeline = await _staged(stage, case, asked, before)
    return unless_unnamed(case, verdict) if not asked else verdict, timeline, None


async def _staged(stage: Stage, case: Case, asked: frozenset[str], before: list[Finding]) -> tuple[Verdict, Timeline]:
    stage.solution = next((name for name in (*case.solutions, *case.optional) if name in asked), "") if asked else ""
    unfit: Unfit | None = None
    try:
        await SCENES[case.id](stage)
    except Unfit as why:
        unfit = why
    except aiohttp.ClientError as trouble:
        unfit = Unfit("hook-failed", why=str(trouble))
    timeline = await stage.timeline()
    if case.id == "S18":
        timeline = _with_results(timeline, before)
    verdict = judge(case.id, timeline)
    wire = "" if case.id in ON_EVERY_WIRE else other_wire(timeline.calls)
    if verdict.outcome is Outcome.NOT_SEEN and wire:
        about = Reason("other-wire", {"wire": wire})
        return Verdict(case.id, Outcome.NOT_APPLICABLE, about, verdict.lines), timeline
    if unfit is not None:
        failed = unfit.key == "hook-failed"
        # what was cut short by its own adapter says little about the rules; that the gateway refused says much
        if verdict.outcome is not Outcome.FAILED or (failed and verdict.reason.key not in _WHY_HOOKS_FAIL):
            outcome = Outcome.FAILED if failed else Outcome.NOT_SEEN
            verdict = Verdict(case.id, outcome, Reason(unfit.key, unfit.values), verdict.lines)
    elif verdict.reason.key == "not-happened" and stage.missed:
        # nothing came in its stead either, as a cancel at the deadline
        verdict = Verdict(case.id, Outcome.NOT_SEEN, Reason("no-hook", {"hooks": stage.missed}), verdict.lines)
    elif verdict.outcome is Outcome.NOT_SEEN and (said := paid_elsewhere(timeline)):
        about = Reason("called-elsewhere", {"status": said.status, "gateway": f"{stage.control.url}/gateway.do"})
        verdict = Verdict(case.id, Outcome.FAILED, about, log(timeline.events, [said]))
    return verdict, timeline


def paid_elsewhere(timeline: Timeline) -> Told | None:
    """What the integration said of a payment that it took while no call of its partner arrived."""
    if timeline.calls:
        return None
    return next((said for said in timeline.answers("pay") if said.number and said.status not in ("", "asks")), None)


def why_not(case: Case, hello: Hello, asked: frozenset[str]) -> tuple[Outcome, Reason] | None:
    """Why a case is not staged at all, if so."""
    missing = [f"/{hook}" for hook in case.needs if hook not in hello.hooks]
    if asked and not asked & set(case.solutions):
        if not asked & set(case.optional):
            return Outcome.NOT_APPLICABLE, Reason("other-solution")
        if missing:
            return Outcome.NOT_APPLICABLE, Reason("optional", {"hooks": ", ".join(missing)})
    if case.barcode and not hello.barcode:
        return Outcome.NOT_APPLICABLE, Reason("no-barcode")
    if missing:
        return Outcome.NOT_SEEN, Reason("no-hook", {"hooks": ", ".join(missing)})
    return None


def _with_results(timeline: Timeline, before: list[Finding]) -> Timeline:
    wire = [each.verdict for each in before if each.case.id.startswith("V")]
    return Timeline(
        timeline.events,
        timeline.until,
        driven=True,
        passed=tuple(each.case for each in wire if each.outcome is Outcome.PASSED),
        failed=tuple(each.case for each in wire if each.outcome is Outcome.FAILED),
    )
