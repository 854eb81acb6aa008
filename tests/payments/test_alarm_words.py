"""What alarms say to people: words first, codes beside."""

from __future__ import annotations

import pytest

from saoma.kit.i18n import LANGUAGES, texts
from saoma.payments import alarm_words
from saoma.payments.alarm_words import meaning

ACCOUNT = "acc_00t3z6w97j27a36gg5vnmmnr5"


@pytest.mark.parametrize(
    ("rule", "text", "words", "beside"),
    [
        (
            "retries_exhausted",
            "SO1: 12.50 USD, attempts_exhausted",
            "The cancel was repeated without a clear answer",
            "SO1: 12.50 USD (attempts_exhausted)",
        ),
        (
            "cancel_failed",
            "SO1: 1,012.50 USD, ACQ.TRADE_CANCEL_NOT_ALLOWED",
            "Alipay refused to cancel this payment",
            "SO1: 1,012.50 USD (ACQ.TRADE_CANCEL_NOT_ALLOWED)",
        ),
        ("bad_signatures", f"{ACCOUNT}: signature", "The signature does not hold", "Noodles (signature)"),
        ("wrong_notice", "SO1: amount", "Another amount than the payment's", "SO1 (amount)"),
        ("unknown_notice", ": order", "Nobody knows this order", "(order)"),
        ("gateway_trouble", f"{ACCOUNT}: 7", "Failed calls within a minute: 7, through Noodles", ACCOUNT),
        ("unknown_code", "ACQ.NEW: 1", "The code is ACQ.NEW", "ACQ.NEW"),
        ("due_late", "payments: 3", "Overdue: 3, of Payments to look at", "payments"),
    ],
)
def test_a_text_is_said_in_words_with_the_code_beside(rule: str, text: str, words: str, beside: str) -> None:
    said = meaning(rule, text, {ACCOUNT: "Noodles", "payments": "Payments to look at"})
    assert (texts("en")(said.sentence, **said.values), said.beside) == (words, beside)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("test", "This is a test."),
        ("file_wrong", "line 3: no amount, FOO"),
        ("bad_signatures", "acc: news"),
        ("new", ""),
    ],
)
def test_a_text_that_is_no_code_speaks_for_itself(rule: str, text: str) -> None:
    assert meaning(rule, text) == alarm_words.Meaning("", text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_is_there_in_both_languages(lang: str) -> None:
    said = {*alarm_words.STUCK.values(), alarm_words.STUCK_OTHERWISE, *alarm_words.WHY.values()}
    said |= set(alarm_words._COUNTED.values())
    values = {"count": 3, "about": "x"}
    same = {text for text in said if texts(lang)(text, **values) == texts("en")(text, **values)}
    assert same == (said if lang == "en" else set())
