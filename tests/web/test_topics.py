"""A page hears what it was signed for and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.errors import NotAllowed
from saoma.web.topics import read_topics, sign_topics
from tests.web.make import NOON, SECRET

_NAMES = st.lists(st.from_regex(r"[a-z]+:[a-z0-9_]+", fullmatch=True), min_size=1, max_size=5)


@given(_NAMES)
def test_what_was_signed_is_what_is_heard(names: list[str]) -> None:
    assert read_topics(sign_topics(names, SECRET, NOON), SECRET, NOON) == sorted(set(names))


@given(_NAMES, st.data())
def test_a_token_with_one_changed_letter_opens_nothing(names: list[str], data: st.DataObject) -> None:
    token = sign_topics(names, SECRET, NOON)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii", exclude_characters=token[place]))
    with pytest.raises(NotAllowed):
        read_topics(token[:place] + letter + token[place + 1 :], SECRET, NOON)


def test_a_token_of_another_house_opens_nothing() -> None:
    with pytest.raises(NotAllowed):
        read_topics(sign_topics(["kitchen:one"], "another secret", NOON), SECRET, NOON)


def test_a_token_is_good_for_three_days() -> None:
    token = sign_topics(["kitchen:one"], SECRET, NOON)
    assert read_topics(token, SECRET, NOON + timedelta(days=3)) == ["kitchen:one"]
    with pytest.raises(NotAllowed):
        read_topics(token, SECRET, NOON + timedelta(days=3, seconds=1))


@pytest.mark.parametrize("token", ["", ".", "x.y", "é.é"])
def test_rubbish_opens_nothing(token: str) -> None:
    with pytest.raises(NotAllowed):
        read_topics(token, SECRET, NOON)


def test_a_topic_cannot_smuggle_in_a_second_line() -> None:
    with pytest.raises(ValueError, match="lines"):
        sign_topics(["till:one\nkitchen:two"], SECRET, NOON)
