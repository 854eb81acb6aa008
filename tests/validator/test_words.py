"""Everything the validator says is there in both languages, and every reason it gives has a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import saoma.validator
from saoma.kit.i18n import read_catalog, texts
from saoma.validator.cases import CASES
from saoma.validator.judge import JUDGES
from saoma.validator.lines import WORDS
from saoma.validator.page import OUTCOMES
from saoma.validator.picture import LANES
from saoma.validator.scenes import WIRE
from saoma.validator.scenes_solutions import SOLUTIONS
from saoma.validator.terminal import CLOCK_AHEAD, REAL_TIME
from saoma.validator.words import SENTENCES, Reason

ROOM = Path(saoma.validator.__file__).parent
SAID = [
    *SENTENCES.values(),
    *(text for case in CASES for text in (case.title, case.asks, case.by_hand)),
    *(title for title, _, _ in OUTCOMES.values()),
    *LANES,
    CLOCK_AHEAD,
    REAL_TIME,
    *WORDS,
]


def test_every_sentence_is_there_in_chinese() -> None:
    chinese = read_catalog(ROOM / "zh.po")
    assert [text for text in SAID if text not in chinese] == []
    assert not [text for text in chinese.values() if "您" in text]


def test_every_reason_that_is_given_has_a_sentence_and_every_sentence_is_used() -> None:
    source = "".join(path.read_text() for path in ROOM.glob("*.py") if path.name != "words.py")
    given = set(re.findall(r'(?:Wrong|NotSeen|Unfit|Reason)\(\s*"([a-z-]+)"', source))
    quoted = set(re.findall(r'"([a-z-]+)"', source))
    assert given <= set(SENTENCES) <= quoted


def test_every_case_has_a_judge_a_scene_and_a_source() -> None:
    ids = [case.id for case in CASES]
    assert ids == [*(f"V{n}" for n in range(1, 15)), *(f"S{n}" for n in range(1, 20))]
    assert set(ids) == set(JUDGES) == {*WIRE, *SOLUTIONS}
    assert all(case.source.startswith("https://") for case in CASES)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_reason_is_said_with_its_values(lang: str) -> None:
    assert "7" in Reason("code-cut", {"digits": 7}).say(texts(lang))
