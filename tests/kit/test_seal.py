"""Secrets at rest and short signed texts: opened by one secret, for one purpose, unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.seal import Seal, SealBroken

SEAL = Seal("a secret of at least thirty-two characters")
OTHER = Seal("another secret of thirty-two characters")


@given(st.text())
def test_what_was_sealed_comes_back(text: str) -> None:
    assert SEAL.open(SEAL.seal(text)) == text


@given(st.text(), st.text(), st.text())
def test_what_was_signed_holds_for_its_purpose_only(text: str, purpose: str, elsewhere: str) -> None:
    signed = SEAL.sign(purpose, text)
    assert SEAL.unsign(purpose, signed) == text
    assert OTHER.unsign(purpose, signed) is None
    if elsewhere != purpose:
        assert SEAL.unsign(elsewhere, signed) is None


@given(st.text(max_size=200))
def test_rubbish_is_neither_signed_nor_an_error(text: str) -> None:
    assert SEAL.unsign("receipt", text) is None


def test_another_secret_or_a_changed_letter_opens_nothing() -> None:
    sealed = SEAL.seal("an MD5 key")
    assert "MD5" not in sealed
    assert SEAL.seal("an MD5 key") != sealed, "equal secrets do not look equal"
    with pytest.raises(SealBroken):
        OTHER.open(sealed)
    for place in (5, len(sealed) // 2, -5):
        letters = list(sealed)
        letters[place] = "A" if letters[place] != "A" else "B"
        with pytest.raises(SealBroken):
            SEAL.open("".join(letters))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Seal("short")
