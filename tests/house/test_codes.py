"""Every code of Alipay's, and every word of ours in its place, has a sentence for each person in each language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from saoma.alipay import sayings
from saoma.alipay.codes import CODES, say
from saoma.gateway import Saying
from saoma.kit.i18n import LANGUAGES
from tests.house.tables import SOURCE

SAYINGS = {name: value for name, value in vars(sayings).items() if isinstance(value, Saying)}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_both_sentences_in_both_languages(code: str) -> None:
    saying = say(code)
    assert saying.cashier.keys() == saying.customer.keys() == set(LANGUAGES)
    for sentence in (*saying.cashier.values(), *saying.customer.values()):
        assert sentence.strip()
    for sentences in (saying.cashier, saying.customer):
        assert re.search(r"[\u4e00-\u9fff]", sentences["zh"]) and not re.search(r"[\u4e00-\u9fff]", sentences["en"])


@pytest.mark.parametrize("name", SAYINGS)
def test_no_sentence_is_written_for_nobody(name: str) -> None:
    assert any(code.saying is SAYINGS[name] for code in CODES.values()), "no code says this"


@pytest.mark.parametrize("name", SAYINGS)
def test_whoever_may_not_hand_over_is_told_so(name: str) -> None:
    saying = SAYINGS[name]
    about_goods = "hand over" in saying.cashier["en"].lower() or "交付" in saying.cashier["zh"]
    if saying.hand_over:
        assert "Hand over the goods" in saying.cashier["en"] and "请交付" in saying.cashier["zh"]
    elif about_goods:
        assert "on't hand over" in saying.cashier["en"] and (
            "勿" in saying.cashier["zh"] or "不要" in saying.cashier["zh"]
        )


def words_of_reports() -> Iterator[tuple[str, str]]:
    """The words that our own code puts where a provider's code stands: first arguments of reports, as literals."""
    for path in sorted((SOURCE / "alipay").rglob("*.py")) + sorted((SOURCE / "payments").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            first = node.args[0]
            if node.func.id in {"Unclear", "Declined", "CancelRefused", "RefundDeclined"} and isinstance(
                first, ast.Constant
            ):
                yield str(path.relative_to(SOURCE)), str(first.value)


def test_every_word_of_ours_in_a_report_is_in_the_table() -> None:
    from saoma.payments import happenings

    ours = {happenings.AWAITING_BUYER, happenings.UNPROVEN, happenings.GIVING_UP, happenings.CANCELLED}
    ours |= {happenings.NOT_SENT, *(word for _, word in words_of_reports())}
    assert ours <= set(CODES), ours - set(CODES)
