"""Cases and what to do about them are told in both languages, whatever brought them up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saoma.console import words
from saoma.gateway import LineKind
from saoma.kit.i18n import texts
from saoma.payments import attention, findings

TITLES = sorted(
    {title.format(kind=kind.value) for title in findings.TITLES.values() for kind in LineKind}
    | {findings.TOO_MANY}
    | {title for _, _, title, _ in attention._WHY.values()}
    | set(findings.ACTIONS.values())
    | set(words.DETAIL.values())
    | set(words.TRAIL.values())
)


@pytest.mark.parametrize("said", TITLES)
def test_what_a_case_says_is_said_in_chinese_too(said: str) -> None:
    assert texts("zh")(said) != said


def test_every_queue_of_due_work_has_a_name_for_people() -> None:
    source = Path(words.__file__).resolve().parents[1]
    code = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    tables = set(re.findall(r'DueWork\(\s*"\w+",\s*"(\w+)"', code))
    assert len(tables) >= 9
    assert tables - set(words.QUEUE) == set()
