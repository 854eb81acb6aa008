"""The table: an integration that is right passes every case, and each fault is named by the cases it belongs to.

A fault is driven through the cases it belongs to and through others that look at its switch: these must still pass.
Most switches are looked at by a few cases only; of the others `OTHERS` are taken, spread over all, to save time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from saoma.validator.cases import CASES
from saoma.validator.verdict import Outcome
from tests.validator.make import Bench, Right, failed, outcomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: So many cases that a fault does not belong to are driven with it.
OTHERS: Final = 4
#: What is wrong with the integration, and which case says so for which reason.
FAULTS: Final[dict[str, dict[str, str]]] = {
    # --- the wire
    "no_industry": {"V1": "incomplete-extend-info"},
    "pays_twice": {"V1": "paid-twice", "S6": "paid-twice"},
    "cuts_code": {"V2": "code-cut"},
    "asks_late": {"V3": "asked-too-late", "V4": "asked-too-late", "S8": "asked-too-late", "S9": "asked-too-late"},
    "asks_too_often": {
        "V3": "asked-too-often", "V4": "asked-too-often", "S8": "asked-too-often", "S9": "asked-too-often",
    },
    "never_cancels": {"V4": "no-cancel", "V6": "left-open", "S7": "no-cancel", "S8": "no-cancel"},
    "cancels_early": {"V4": "gave-up-early", "S8": "gave-up-early"},
    "new_number_after_error": {"V5": "second-number", "V6": "second-number"},
    "changes_repeat": {"V6": "changed-repeat"},
    "leaves_open": {"V6": "left-open"},
    "new_number_after_silence": {"V7": "second-number"},
    "forgets_after_silence": {"V7": "never-asked"},
    "cancels_twice": {"V8": "cancel-given-up", "V9": "cancel-given-up"},
    "cancels_once": {
        "V8": "cancel-given-up", "V9": "cancel-given-up", "V12": "believed-forgery", "S10": "cancel-given-up",
    },
    "cancels_for_ever": {"V9": "endless-cancel"},
    "calls_nobody": {"V9": "nobody-called", "S10": "nobody-listed"},
    "no_alarm": {"V9": "no-alarm"},
    "cancels_after_no": {"V10": "cancel-after-no"},
    "closes_after_no": {"V10": "closed-without-proof"},
    "new_refund_number": {"V11": "new-refund-number"},
    "believes_anything": {"V12": "believed-forgery"},
    "says_ok": {"V13": "not-acknowledged", "S5": "not-acknowledged"},
    "books_twice": {"V13": "booked-twice", "S5": "booked-twice"},
    "older_wins": {"V13": "went-back"},
    "accepts_forged": {"V13": "accepted-forgery"},
    "ignores_amount": {"V13": "accepted-wrong-amount"},
    "shows_codes": {"V14": "technical-words", "S12": "technical-words"},
    "says_nothing": {"V14": "no-words", "S12": "no-words"},
    # --- the solutions
    "ignores_wallet": {"S1": "wrong-wallet-authorized"},
    "takes_hong_kong": {"S1": "wrong-wallet-authorized"},
    "asks_for_more": {"S2": "not-silent"},
    "no_state": {"S2": "no-state"},
    "token_twice": {"S2": "token-twice"},
    "forgets_session": {"S2": "asked-each-time"},
    "wrong_buyer": {"S3": "wrong-buyer"},
    "no_number": {"S3": "no-number-on-page"},
    "no_trade_pay": {"S4": "no-trade-pay"},
    "trusts_page": {"S4": "page-believed"},
    "refuses_late": {"S5": "not-acknowledged"},
    "receipt_on_failure": {
        "S6": "receipt-without-money", "V14": "receipt-without-money", "S12": "receipt-without-money",
    },
    "polls_slowly": {"S8": "asked-too-seldom"},
    "no_query_after_success": {"S9": "never-asked"},
    "ticket_not_listed": {"S10": "nobody-listed"},
    "asks_once": {"S11": "query-given-up"},
    "refunds_once": {"S11": "refund-given-up"},
    "no_refund_alarm": {"S11": "no-alarm"},
    "same_words": {"S12": "same-words"},
    "never_registers": {"S13": "not-registered"},
    "ignores_vehicle": {"S14": "no-vehicle-asked"},
    "drops_vehicle": {"S14": "vehicle-not-sent"},
    "still_page": {"S15": "still-page"},
    "shop_not_told": {"S16": "not-told"},
    "tells_wrong_amount": {"S16": "wrong-amount-told"},
    "misses_difference": {"S17": "difference-missed"},
    "keeps_partner": {"S19": "not-switched"},
    "adds_a_field": {"S19": "more-than-names"},
}  # fmt: skip


async def test_an_integration_that_is_right_passes_every_case(right: Right) -> None:
    assert {case for case, said in outcomes(right.found).items() if not said.startswith("passed")} == set()
    assert [each.case for each in right.found] == list(CASES)


@pytest.mark.parametrize("switch", FAULTS)
async def test_a_fault_is_named_by_the_cases_it_belongs_to(bench: Bench, right: Right, switch: str) -> None:
    cases = right.cases_of(switch)
    assert set(FAULTS[switch]) <= set(cases), "these cases never look at it"
    others = [case for case in cases if case not in FAULTS[switch]]
    cases = [*FAULTS[switch], *others[:: -(-len(others) // OTHERS) or 1]]
    assert failed(await bench.drive([switch], cases)) == FAULTS[switch]


async def test_a_validated_run_comes_before_going_live(bench: Bench) -> None:
    found = await bench.drive(["cuts_code", "no_alarm"], ["V1", "V2", "V3", "V9", "S18"])
    assert failed(found)["S18"] == "not-ready"
    assert found[-1].verdict.reason.values == {"cases": "V2, V9"}


async def test_what_failed_is_shown_where_it_happened(bench: Bench) -> None:
    (finding,) = await bench.drive(["asks_too_often"], ["V3"])
    wrong = [line.text.split(" ")[0] for line in finding.verdict.lines if line.wrong]
    assert wrong == ["query", "query"]
    assert finding.verdict.outcome is Outcome.FAILED
    assert finding.verdict.reason.say() == "Two questions were only 1 s apart; published: 3-5 s."


async def test_what_a_solution_may_do_without_is_judged_only_where_it_is_offered(bench: Bench) -> None:
    offered: dict[str, str] = {}
    without: dict[str, str] = {}
    for solution, case, hook in (("restaurant", "S13", "register"), ("fast_food", "S2", "page")):
        offered |= outcomes(await bench.drive(only=[case], solutions=[solution]))
        without |= outcomes(await bench.drive(only=[case], solutions=[solution], without=[hook]))
    assert offered == {"S13": "passed: registered-first", "S2": "passed: silently-known"}
    assert without == {"S13": "not applicable: optional", "S2": "not applicable: optional"}
    assert outcomes(await bench.drive(only=["S10"], solutions=["fast_food"])) == {"S10": "passed: repeated-and-listed"}


async def test_every_switch_of_the_faulty_integration_is_in_the_table() -> None:
    here = Path(__file__).parent
    source = "".join((here / name).read_text() for name in ("shop.py", "doors.py"))
    assert set(re.findall(r'is_wrong\(\s*"(\w+)"\)', source)) == set(FAULTS)


async def test_every_case_has_a_fault_that_fails_it() -> None:
    named = {case for told in FAULTS.values() for case in told} | {"S18"}
    assert named == {case.id for case in CASES}


async def test_a_taxi_is_asked_with_a_vehicle_wherever_its_number_is_not_the_question(bench: Bench) -> None:
    found = await bench.drive(only=["V1", "S14", "S15"], solutions=["taxi"])
    assert {each.verdict.outcome for each in found} == {Outcome.PASSED}
