"""Scenario files are strictly read: what is wrong is refused with its line, its key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saoma.kit.errors import Invalid
from saoma.sandbox.faults.faults import FaultKind
from saoma.sandbox.scenarios.reading import read_scenario, read_scenario_file
from saoma.sandbox.scenarios.scenario import Deed, Start, find, said, span, when

WHOLE = """
name: A rough minute
seed: 7
start: first_call
steps:
  - fault: delay
    service: "*"
    seconds: 100ms
    jitter: 0.3
    chance: 50%
  - {at: 1h30m, outage: 5s}
  - after: {calls: 2, of: alipay.acquire.cancel}
    buyer: refuses
    who: anna
    number: 00123
  - fault: rejected
    service: /ams/*
    code: ACCESS_DENIED
    times: always
    partner: 2088000000000001
  - notifications: forged
    changes: {total_fee: 0.10}
    spoil_signature: true
    for: 2m
    times: 3
"""


def test_a_whole_file_is_read() -> None:
    scenario = read_scenario(WHOLE)
    assert (scenario.name, scenario.seed, scenario.start) == ("A rough minute", 7, Start.FIRST_CALL)
    delay, outage, buyer, no, lie = scenario.steps
    assert delay.fault is not None and no.fault is not None and lie.fault is not None and outage.fault is not None
    assert (delay.fault.seconds, delay.fault.jitter, delay.fault.chance, delay.fault.times) == (0.1, 0.3, 0.5, None)
    assert (outage.at, outage.lasts, outage.fault.fault, outage.fault.service) == (5400, 5, FaultKind.OUTAGE, "*")
    assert (buyer.deed, buyer.word, buyer.number, buyer.calls) == (Deed.BUYER, "refuses", "00123", 2)
    assert (no.fault.code, no.fault.times, no.partner) == ("ACCESS_DENIED", None, "2088000000000001")
    assert (lie.fault.changes, lie.fault.spoil_signature, lie.fault.times) == ({"total_fee": "0.10"}, True, 3)
    assert [step.line for step in scenario.steps] == [6, 11, 12, 16, 21]
    assert read_scenario(WHOLE, seed=9).seed == 9


def test_a_step_is_said_in_words() -> None:
    steps = read_scenario(WHOLE).steps
    assert [f"{when(step)}: {said(step)}" for step in steps] == [
        "at 0s: delay of *, 50% of them",
        "at 1h30m: outage for 5s",
        "after 2 calls of alipay.acquire.cancel: the buyer refuses (anna), order 00123",
        "at 0s: rejected of /ams/* with ACCESS_DENIED, partner 2088000000000001",
        "at 0s: notifications forged, 3 times for 2m",
    ]


WRONG = {
    "steps:\n- outage: 0s": "line 2: what is over at once never happens",
    "steps:\n- {notifications: held, for: 0}": "line 2: what is over at once never happens",
    "": "line 1: the scenario is empty",
    "name: x": "line 1: steps are missing",
    "a: 1": "line 1: a scenario has no a: its keys are name, about, seed, start and steps",
    "steps: []": "line 1: steps is a list with at least one step",
    "steps: x": "line 1: steps is a list",
    "- x": "line 1: a scenario is made of keys and values",
    "seed: 1\nseed: 2\nsteps: [x]": "line 2: seed is there twice, first in line 1",
    "seed: one\nsteps: [{buyer: pays}]": "line 1: seed is a whole number, not 'one'",
    "start: soon\nsteps: [{buyer: pays}]": "line 1: start can't be 'soon': it is at_once or first_call",
    "steps:\n- fault: delay": "line 2: say of which service",
    "steps:\n- fault: delai\n  service: '*'": "line 2: fault can't be 'delai': did you mean delay?",
    "steps:\n- fault: delay\n  servic: '*'": "line 3: a step has no servic: did you mean service?",
    "steps:\n- fault: delay\n  service: nope.*": "line 2: 'nope.*' is not a service of this sandbox",
    "steps:\n- fault: lost\n  service: '*'": "line 2: * does not go wrong by lost; it knows system_error_before",
    "steps:\n- fault: rejected\n  service: '*'": "line 2: Say with which code",
    "steps:\n- fault: outage\n  service: '*'": "line 2: fault can't be 'outage'",
    "steps:\n- buyer: pays\n  clock: 2h": "line 2: a step says one thing that happens",
    "steps:\n- at: 2s": "line 2: a step says one thing that happens, fault, notifications, outage",
    "steps:\n- buyer: pays\n  service: x": "line 3: service means nothing beside buyer; allowed are at, after, who",
    "steps:\n- buyer: pays\n  at: 1:30": "line 3: at is a length of time as 1500ms, 30s, 2m or 1h30m, not '1:30'",
    "steps:\n- buyer: pays\n  at: 400d": "line 3: at is at most a year",
    "steps:\n- buyer: pays\n  at: [1]": "line 3: at is one value, no list",
    "steps:\n- buyer: pays\n  who:": "line 3: who has no value",
    "steps:\n- buyer: pays\n  after: 3": "line 3: after is made of keys and values; its keys are calls and of",
    "steps:\n- buyer: pays\n  after: {of: '*'}": "line 3: say after how many calls",
    "steps:\n- buyer: pays\n  after: {calls: 0}": "line 3: calls is at least 1",
    "steps:\n- buyer: pays\n  after: {calls: 1, of: x}": "line 3: 'x' is not a service",
    "steps:\n- notifications: held": "line 2: say for how long notifications are held",
    "steps:\n- notifications: forged": "line 2: Say what a forged notification changes",
    "steps:\n- notifications: forged\n  changes: 3": "line 3: changes are fields with their new values",
    "steps:\n- notifications: lost\n  spoil_signature: yes": "line 3: spoil_signature is true or false, not 'yes'",
    "steps:\n- notifications: lost\n  times: no": "line 3: times is a whole number or always, not 'no'",
    "steps:\n- notifications: lost\n  times: 0": "line 2: times is at least 1",
    "steps:\n- notifications: lost\n  chance: often": "line 3: chance is a part of one as 0.2, or 20%, not 'often'",
    "steps:\n- notifications: lost\n  chance: 0": "line 2: chance is more than 0",
    "steps:\n- file: drop_row\n  day: 2026-02-30": "line 3: day is today, yesterday or a day as 2026-03-02",
    "steps:\n- file: drop": "line 2: file can't be 'drop'",
    "steps:\n- file: missing\n  kind: bill": "line 2: bill is answered by a service: only its rows",
    "steps:\n- &a {buyer: pays}": "line 2: anchors (&name) are not read here",
    "steps:\n- *a": "line 2: aliases (*name) are not read here",
    "steps:\n- !!python/object:os.system {}": "line 2: the tag tag:yaml.org,2002:python/object:os.system",
    "steps: [": "line 1: this is no YAML",
    "\t- x": "line 1: this is no YAML",
    "--- a\n--- b": "line 2: this is no YAML",
    "[" * 1_000: "nested too deeply",
    "#" * 200_001: "at most 200,000 characters",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_with_its_line(text: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read_scenario(text)
    assert WRONG[text] in str(wrong.value)


def test_a_file_is_found_by_name_or_path_and_named_where_it_is_wrong(tmp_path: Path) -> None:
    assert find("outage").name == "outage.yaml"
    with pytest.raises(Invalid, match=r"no scenario 'outrage': name a file, or one of absent-payer, .*outage"):
        find("outrage")
    with pytest.raises(Invalid, match=r"can't be read"):
        read_scenario_file(find(str(tmp_path / "none.yaml")))
    (tmp_path / "bad.yaml").write_text("steps: {}")
    with pytest.raises(Invalid, match=r"bad\.yaml is wrong, line 1: steps is a list"):
        read_scenario_file(tmp_path / "bad.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(Invalid, match="This is no YAML"):
        read_scenario_file(tmp_path / "bytes.yaml")


@settings(max_examples=40)
@given(st.integers(0, 366 * 86400))
def test_a_span_is_read_as_it_is_written(seconds: int) -> None:
    (step,) = read_scenario(f"steps: [{{buyer: pays, at: {span(seconds)}}}]").steps
    assert step.at == seconds


@settings(max_examples=40)
@given(st.text(max_size=100))
def test_any_text_is_a_scenario_or_refused(text: str) -> None:
    for made in (text, f"steps:\n- {text}", f"steps:\n- fault: {text}\n  service: '*'"):
        try:
            assert read_scenario(made).steps
        except Invalid as wrong:
            assert str(wrong)
