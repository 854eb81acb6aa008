"""What the key doctor says of its findings."""

from __future__ import annotations

from saoma.alipay.findings import CHECKS, FAULTS, UNKNOWN, Finding, Mark, words_of


def test_every_fault_can_be_told_and_has_a_remedy() -> None:
    for fault, words in FAULTS.items():
        assert words.what and words.todo, fault
    for word in ("", "no_date", "no_app_id"):
        assert words_of(Finding("clock", Mark.UNKNOWN, word))[1] == UNKNOWN[word]
    assert all(name and well for name, well in CHECKS.values())
