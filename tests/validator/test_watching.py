"""Watch mode: only Alipay's log is read. What a log shows is judged, what it can't show is not claimed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from saoma.validator.judge import JUDGES
from saoma.validator.report import Finding
from saoma.validator.timeline import Call, Notice, Timeline
from saoma.validator.verdict import Outcome
from saoma.validator.watching import findings_of
from tests.validator.make import Bench, Right, failed, outcomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What a log alone shows of an integration that does everything right.
SHOWN = {
    "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10", "V11", "V12", "V13", "S2", "S3", "S6", "S7", "S8",
    "S5", "S9", "S13", "S16",
}  # fmt: skip


def watched(*found: Finding) -> dict[str, Finding]:
    """The same log, without a word of the integration, ten minutes later: what watching would make of each drive."""
    seen = {}
    for each in found:
        events = tuple(event for event in each.timeline.events if isinstance(event, Call | Notice))
        whole = Timeline(events, (each.timeline.until or events[-1].at) + timedelta(minutes=10))
        seen[each.case.id] = next(one for one in findings_of(whole) if one.case.id == each.case.id)
    return seen


async def test_a_log_alone_passes_what_it_can_show_and_claims_no_more(right: Right) -> None:
    seen = watched(*right.found)
    assert {case for case, one in seen.items() if one.verdict.outcome is Outcome.PASSED} == SHOWN
    assert {case for case, one in seen.items() if one.verdict.outcome is Outcome.FAILED} == set()


@pytest.mark.parametrize(
    ("switch", "case", "reason"),
    [
        ("no_industry", "V1", "incomplete-extend-info"),
        ("cuts_code", "V2", "code-cut"),
        ("asks_too_often", "V3", "asked-too-often"),
        ("never_cancels", "V4", "no-cancel"),
        ("new_number_after_error", "V5", "second-number"),
        ("leaves_open", "V6", "left-open"),
        ("new_number_after_silence", "V7", "second-number"),
        ("cancels_twice", "V8", "cancel-given-up"),
        ("cancels_after_no", "V10", "cancel-after-no"),
        ("new_refund_number", "V11", "new-refund-number"),
        ("says_ok", "V13", "not-acknowledged"),
    ],
)
async def test_a_fault_that_shows_in_the_log_is_named_without_an_adapter(
    bench: Bench, switch: str, case: str, reason: str
) -> None:
    seen = watched(*await bench.drive([switch], [case]))
    assert failed(seen.values()) == {case: reason}


async def test_a_solution_that_is_named_is_judged_by_its_log(bench: Bench) -> None:
    (driven,) = await bench.drive(["token_twice"], ["S2"])
    found = findings_of(Timeline(driven.timeline.calls, driven.timeline.until), only=["S2"], solutions=["taxi"])
    assert failed(found) == {"S2": "token-twice"}


async def test_nothing_that_happened_is_nothing_that_passed() -> None:
    found = findings_of(Timeline())
    assert {each.verdict.outcome for each in found} == {Outcome.NOT_SEEN}
    assert [each.case.id for each in found] == list(JUDGES)
    asked = {each.case.id: each.verdict.reason.key for each in findings_of(Timeline(), solutions=["restaurant"])}
    assert (asked["S1"], asked["S13"], asked["S8"]) == ("not-happened", "optional-unseen", "other-solution")


async def test_the_latest_order_that_shows_a_case_decides_it(bench: Bench) -> None:
    before = (await bench.drive(["cuts_code"], ["V2"]))[0].timeline
    after = (await bench.drive(only=["V2"]))[0].timeline
    calls = tuple(event for each in (before, after) for event in each.events if isinstance(event, Call | Notice))
    for events, outcome in ((calls, Outcome.PASSED), (before.calls, Outcome.FAILED)):
        found = findings_of(Timeline(tuple(events), after.until), only=["V2"])
        assert [each.verdict.outcome for each in found] == [outcome]


async def test_a_rule_of_one_solution_fails_nobody_who_did_not_say_to_be_one(bench: Bench) -> None:
    (driven,) = await bench.drive(["no_query_after_success"], ["S9"])
    log = Timeline(
        driven.timeline.calls, (driven.timeline.until or driven.timeline.calls[-1].at) + timedelta(minutes=10)
    )
    (unnamed,), (named,) = findings_of(log, only=["S9"]), findings_of(log, only=["S9"], solutions=["ticket"])
    assert (unnamed.verdict.outcome, unnamed.verdict.reason.key) == (Outcome.NOT_APPLICABLE, "unnamed-solution")
    assert (named.verdict.outcome, named.verdict.reason.key) == (Outcome.FAILED, "never-asked")


async def test_an_integration_of_another_gateway_is_told_that_these_cases_are_not_about_it(bench: Bench) -> None:
    at = (await bench.drive(only=["V1"]))[0].timeline.calls[0].at
    for service, wire in (("alipay.trade.pay", "Open API"), ("/ams/api/v1/payments/pay", "Alipay+")):
        call = Call(at, service, "X-1", {}, "{}")
        first, by_token, other = findings_of(Timeline((call,), at), only=["V1", "S2", "S18"])
        found = [first, other]
        assert by_token.verdict.outcome is Outcome.NOT_SEEN, "buyers are known in the same way everywhere"
        assert {each.verdict.outcome for each in found} == {Outcome.NOT_APPLICABLE}
        assert {each.verdict.reason.key for each in found} == {"other-wire"}
        assert wire in found[0].verdict.reason.say()


async def test_a_call_that_was_turned_away_at_the_door_is_told_as_that_and_later_orders_decide(bench: Bench) -> None:
    good = (await bench.drive(only=["V1"]))[0].timeline
    opening = good.calls[0]
    why = f"the text to sign is extend_info={opening.asked['extend_info']}"
    refused = "<alipay><is_success>F</is_success><error>ILLEGAL_SIGN</error></alipay>"
    bad = structs.replace(opening, number="BAD-1", response=refused, why=why)
    (alone,) = findings_of(Timeline((bad,), bad.at), only=["V1"])
    assert failed([alone]) == {"V1": "refused-at-the-door"}
    assert alone.verdict.reason.say().startswith(
        "The request was refused by the gateway: ILLEGAL_SIGN. Why is at /call"
    )
    assert [line.text for line in alone.verdict.lines] == ["pay BAD-1 -> ILLEGAL_SIGN"], "no text to sign in between"
    # the same code again, at once, and well: another order, or the same
    for first in (bad, structs.replace(bad, number=opening.number)):
        whole = Timeline((first, *good.events), (good.until or opening.at) + timedelta(minutes=10))
        assert outcomes(findings_of(whole, only=["V1"])) == {"V1": "passed: paid-once"}
