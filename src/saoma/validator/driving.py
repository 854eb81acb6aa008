"""Drive mode: every case is staged in turn and judged; the integration is asked through its adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp

from saoma.validator.adapter import Adapter, Hello
from saoma.validator.cases import CASES, ON_EVERY_WIRE, Case
from saoma.validator.control import Control
from saoma.validator.judge import judge
from saoma.validator.report import Finding
from saoma.validator.scenes import WIRE, Scene
from saoma.validator.scenes_solutions import SOLUTIONS
from saoma.validator.stage import Stage, Unfit
from saoma.validator.timeline import Timeline, other_wire
from saoma.validator.verdict import Outcome, Verdict
from saoma.validator.words import Reason

SCENES: Final[dict[str, Scene]] = {**WIRE, **SOLUTIONS}


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

    Alipay's clock stands still meanwhile where the integration's can be moved. Raises `NoSandbox`."""
    chosen, asked = set(only), frozenset(solutions or hello.solutions)
    stage = Stage(control, adapter, hello, silence=silence, waiting=waiting)
    findings: list[Finding] = []
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
            verdict, timeline = await _one(stage, case, asked, findings)
            findings.append(Finding(case, verdict, timeline, time.perf_counter() - start))
            found(findings[-1])
    finally:
        if stage.clocked:
            await control.stand(still=False)
        await control.behave()
        await stage.hold(held=False)
    return findings


async def _one(stage: Stage, case: Case, asked: frozenset[str], before: list[Finding]) -> tuple[Verdict, Timeline]:
    if (reason := why_not(case, stage.hello, asked)) is not None:
        return Verdict(case.id, *reason), Timeline()
    await stage.begin()
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
    if unfit is not None and verdict.outcome is not Outcome.FAILED:
        failed = unfit.key == "hook-failed"
        outcome = Outcome.FAILED if failed else Outcome.NOT_SEEN
        verdict = Verdict(case.id, outcome, Reason(unfit.key, unfit.values), verdict.lines)
    return verdict, timeline


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
