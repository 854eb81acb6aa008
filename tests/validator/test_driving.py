"""Drive mode where the integration is not at its best: its adapter dies, it calls elsewhere, it names no solution."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from saoma.validator.adapter import Hello, HookFailed, meet
from saoma.validator.driving import LASTS, SCENES, drive, real_seconds
from saoma.validator.judge import judge
from saoma.validator.report import Finding, Report, as_json, as_junit
from saoma.validator.timeline import Notice
from saoma.validator.verdict import Outcome
from tests.validator.make import HELD, Bench, Beside, failed, outcomes

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Dying(Beside):
    """An adapter that is gone from a moment on; `so` says when: hook and body."""

    def __init__(self, bench: Bench, so: Any) -> None:
        super().__init__(bench.shop)
        self._so = so
        self.dead = False

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """As long as there is somebody."""
        self.dead = self.dead or self._so(hook, body)
        if self.dead:
            raise HookFailed("nobody answers")
        return await super().call(hook, body)


async def driven(bench: Bench, adapter: Any, *cases: str, **how: Any) -> list[Finding]:
    bench.shop.wrong = set()
    bench.shop.forget()
    return await drive(
        bench.control, adapter, how.pop("hello", None) or await meet(adapter), only=cases, silence=HELD, **how
    )


async def test_an_adapter_that_dies_between_two_cases_loses_nothing_that_was_seen(bench: Bench) -> None:
    cases: list[str] = []
    adapter = Dying(bench, lambda hook, body: len(cases) == 2)
    found = await driven(bench, adapter, "V1", "V2", "V3", "V9", begins=lambda case: cases.append(case.id))
    assert outcomes(found) == {
        "V1": "passed: paid-once",
        "V2": "failed: hook-failed",
        "V3": "not seen: adapter-failed",
        "V9": "not seen: adapter-failed",
    }
    assert "/advance: nobody answers" in found[1].verdict.reason.say()
    assert found[3].verdict.reason.say() == "Not staged: the adapter had failed at /advance before."
    report = Report("x", "p", "drive", "s", (), datetime(2026, 3, 2, tzinfo=UTC), tuple(found))
    assert report.exit_code() == 1 and as_json(report) and as_junit(report)


async def test_a_case_whose_hook_died_is_not_blamed_for_what_was_cut_short(bench: Bench) -> None:
    calls = 0

    def in_the_midst_of_cancels(hook: str, body: dict[str, Any]) -> bool:
        nonlocal calls
        calls += hook == "advance" and bool(bench.shop.orders) and any(o.cancelling for o in bench.shop.orders.values())
        return calls > 4

    found = await driven(bench, Dying(bench, in_the_midst_of_cancels), "V9")
    assert failed(found) == {"V9": "hook-failed"}


async def test_a_refusal_by_the_gateway_is_told_rather_than_the_hook_that_failed_of_it(bench: Bench) -> None:
    bench.shop.wrong = {"no_industry"}

    class Stumbles(Beside):
        async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
            said = await super().call(hook, body)
            if hook == "pay":
                raise HookFailed("Refused")
            return said

    bench.shop.forget()
    adapter = Stumbles(bench.shop)
    found = await drive(bench.control, adapter, await meet(adapter), only=["V1"], silence=HELD)
    assert failed(found) == {"V1": "incomplete-extend-info"}


async def test_without_a_solution_the_rules_of_solutions_fail_nobody(bench: Bench) -> None:
    # one asks each 5 s, the other each 3 to 4 s: nearly nobody does both
    unnamed = await bench.drive(["asks_late"], ["S8"], solutions=())
    named = await bench.drive(["asks_late"], ["S8"], solutions=["fast_food"])
    assert outcomes(unnamed) == {"S8": "not applicable: unnamed-solution"}
    assert outcomes(named) == {"S8": "failed: asked-too-late"}
    assert outcomes(await bench.drive(only=["S8"], solutions=())) == {"S8": "passed: polled-as-published"}


async def test_an_integration_that_calls_another_gateway_is_asked_which(bench: Bench) -> None:
    class Elsewhere:
        async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
            return {"order": "X-1", "status": "paid"} if hook in ("pay", "query") else {"next_in": None}

    hello = Hello(hooks=["pay", "query", "advance"])
    found = await driven(bench, Elsewhere(), "V1", hello=hello)
    assert outcomes(found) == {"V1": "failed: called-elsewhere"}
    said = f"It says paid, but no call reached {bench.control.url}/gateway.do: which gateway does it call"
    assert found[0].verdict.reason.say().startswith(said)
    assert [line.text for line in found[0].verdict.lines if line.wrong] == ["/pay X-1 -> paid"]
    assert found[0].verdict.outcome is Outcome.FAILED


async def test_what_cancels_neither_when_told_nor_at_the_deadline_is_told_which_hook_is_missing(bench: Bench) -> None:
    found = await bench.drive(["never_cancels"], ["V8"], without=["cancel"])
    assert outcomes(found) == {"V8": "not seen: no-hook"}
    assert found[0].verdict.reason.values == {"hooks": "/cancel"}
    assert outcomes(await bench.drive(only=["V8"], without=["cancel"])) == {"V8": "passed: cancel-repeated"}


async def test_notifications_that_find_nobody_are_not_told_as_a_wrong_answer(bench: Bench) -> None:
    (right,) = await bench.drive(only=["S5"])
    notices = [
        replace(each, status=0, answer="[ClientConnectorError] Cannot connect to host shop.example:9000")
        if isinstance(each, Notice)
        else each
        for each in right.timeline.events
    ]
    assert judge("S5", replace(right.timeline, events=tuple(notices))).reason.key == "nobody-listens"
    late = [replace(each, status=0, answer="[TimeoutError]") if isinstance(each, Notice) else each for each in notices]
    assert judge("S5", replace(right.timeline, events=tuple(late))).reason.key == "not-acknowledged"


class Counting:
    """A stage on which nothing happens but waiting; `waited` is how long."""

    clocked = False
    solution = ""
    hello = Hello(hooks=["pay"])

    def __init__(self) -> None:
        self.waited = 0.0
        self.facts: dict[str, str] = {}
        self.control = self

    def code(self, ending: str) -> str:
        return ending

    async def rest(self, seconds: float, *_: Any, **__: Any) -> None:
        self.waited += min(seconds, 400)

    async def paid(self, *_: Any) -> str:
        await self.rest(40)
        return "X"

    async def trade(self, *_: Any) -> dict[str, str]:
        return {}

    def __getattr__(self, name: str) -> Any:
        async def nothing(*_: Any, **__: Any) -> str:
            return "X"

        return nothing


async def test_how_long_a_run_in_real_time_takes_is_told_as_the_scenes_wait() -> None:
    for case in (*(f"V{n}" for n in range(1, 15)), "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13"):
        stage: Any = Counting()
        await SCENES[case](stage)
        assert LASTS[case] == stage.waited, case
    assert real_seconds(Hello(hooks=["pay", "query"]), only=["V1", "V2", "V11"]) == 20, "and /refund is missing"
    assert real_seconds(Hello(hooks=["pay", "query", "advance"])) == 0
