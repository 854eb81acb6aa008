"""Lessons as they are judged: by what the till saw and what was done beside it, without a till."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from saoma.kit.i18n import read_catalog
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.practice import judging
from saoma.practice.judging import Act, Attempt, GivenBack, Outcome, Seen, What, face, judge, phone_number, reply
from saoma.practice.lessons import LESSONS, lesson_of
from saoma.practice.script import SENTENCES, Face, Lesson, Word

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def tried(status: Status, lesson: Lesson, seconds: int = 0, bill: int = 0, amount: int = 0) -> Attempt:
    return Attempt(bill, status, amount or lesson.expected, NOW + timedelta(seconds=seconds))


def does(lesson: Lesson, seen: Seen, what: What, word: str = "", seconds: int = 30) -> Seen:
    """The cashier does it, and the coach's answer is kept."""
    said = reply(lesson, seen, what, word)
    act = Act(
        what=what,
        word=word,
        stage=judge(lesson, seen).stage,
        right=said.right,
        reply=said.text,
        fatal=said.fatal,
        at=NOW + timedelta(seconds=seconds),
    )
    return Seen(seen.attempts, seen.refunds, (*seen.acts, act))


@pytest.mark.parametrize("key", ["paid", "pin", "error_paid", "silence"])
def test_waiting_for_the_green_till_and_handing_over_passes(key: str) -> None:
    lesson = lesson_of(key)
    assert judge(lesson, Seen((tried(Status.PENDING, lesson),))).outcome is Outcome.GOING
    paid = Seen((tried(Status.SUCCEEDED, lesson),))
    assert judge(lesson, paid).outcome is Outcome.GOING, "the goods are still on the counter"
    assert judge(lesson, does(lesson, paid, What.HAND_OVER)).outcome is Outcome.PASSED


@pytest.mark.parametrize("lesson", [one for one in LESSONS if not one.gives_back], ids=lambda one: one.key)
@pytest.mark.parametrize("status", [Status.PENDING, Status.FAILED, Status.CANCELLED, None])
def test_goods_that_leave_before_the_till_is_green_cost_the_lesson(lesson: Lesson, status: Status | None) -> None:
    seen = Seen((tried(status, lesson),) if status else ())
    verdict = judge(lesson, does(lesson, seen, What.HAND_OVER))
    assert verdict.outcome is Outcome.AGAIN
    assert verdict.why


@pytest.mark.parametrize("key", ["pin", "error_paid", "silence"])
def test_a_payment_that_would_have_gone_through_is_not_to_be_stopped(key: str) -> None:
    lesson = lesson_of(key)
    verdict = judge(lesson, Seen((tried(Status.CANCELLING, lesson),)))
    assert (verdict.outcome, verdict.why) == (Outcome.AGAIN, judging.STOPPED)


@pytest.mark.parametrize(
    ("key", "ends", "word"),
    [
        ("no_money", Status.FAILED, Word.OTHER_CARD),
        ("old_code", Status.FAILED, Word.REFRESH),
        ("never_paid", Status.CANCELLED, Word.NOT_CHARGED),
        ("picture", Status.CANCELLED, Word.NOT_CHARGED),
    ],
)
def test_the_right_word_after_a_payment_that_failed_brings_another_code(key: str, ends: Status, word: Word) -> None:
    lesson = lesson_of(key)
    failed = Seen((tried(ends, lesson),))
    wrong = does(lesson, failed, What.SAY, Word.OPEN_PAY)
    assert (phone_number(lesson, wrong.acts), judging.hint(lesson, wrong)) == (0, judging.NOT_THAT)
    asked = does(lesson, failed, What.SAY, word)
    assert phone_number(lesson, asked.acts) == 1
    assert face(lesson, asked) is Face.CODE
    paid = Seen((*asked.attempts, tried(Status.SUCCEEDED, lesson, 60)), (), asked.acts)
    assert judge(lesson, does(lesson, paid, What.HAND_OVER, seconds=90)).outcome is Outcome.PASSED


def test_asking_for_another_card_while_a_payment_is_open_is_explained_and_changes_nothing() -> None:
    lesson = lesson_of("no_money")
    seen = does(lesson, Seen((tried(Status.PENDING, lesson),)), What.SAY, Word.OTHER_CARD)
    assert judging.hint(lesson, seen) == judging.NO_SECOND
    assert phone_number(lesson, seen.acts) == 0
    assert judge(lesson, seen).outcome is Outcome.GOING


def test_a_second_scan_while_one_payment_is_open_is_explained() -> None:
    lesson = lesson_of("error_paid")
    assert reply(lesson, Seen((tried(Status.PENDING, lesson),)), What.SCAN).text == judging.NO_SECOND
    assert reply(lesson, Seen(), What.SCAN).right


def test_a_phone_that_says_paid_is_no_payment() -> None:
    lesson = lesson_of("picture")
    seen = Seen((tried(Status.PENDING, lesson),))
    assert face(lesson, seen) is Face.PAID
    assert judge(lesson, does(lesson, seen, What.HAND_OVER)).why == judging.GOODS_FOR_A_PICTURE


def test_another_amount_than_the_customer_wanted_costs_the_lesson() -> None:
    lesson = lesson_of("wrong_code")
    assert face(lesson, Seen()) is Face.LINK
    asked = does(lesson, Seen(), What.SAY, Word.OPEN_PAY)
    right = Seen((tried(Status.SUCCEEDED, lesson, 60),), (), asked.acts)
    assert judge(lesson, right).outcome is Outcome.GOING
    wrong = Seen((tried(Status.SUCCEEDED, lesson, 60, amount=1650),), (), asked.acts)
    assert judge(lesson, wrong).why == judging.WRONG_AMOUNT


@pytest.mark.parametrize(
    ("bill", "amount", "why"),
    [(0, 550, ""), (1, 550, judging.WRONG_BILL), (0, 1500, judging.WRONG_REFUND)],
)
def test_only_the_right_sum_to_the_right_table_passes_the_refund(bill: int, amount: int, why: str) -> None:
    lesson = lesson_of("refund")
    both = (tried(Status.SUCCEEDED, lesson), tried(Status.SUCCEEDED, lesson, bill=1))
    verdict = judge(lesson, Seen(both, (GivenBack(bill, RefundStatus.SUCCEEDED, amount),)))
    assert (verdict.outcome, verdict.why) == (Outcome.AGAIN if why else Outcome.PASSED, why)


def test_a_part_of_the_amount_is_no_reason_to_hand_over() -> None:
    lesson = lesson_of("paid")
    seen = does(lesson, Seen((tried(Status.SUCCEEDED, lesson, amount=100),)), What.HAND_OVER)
    assert judge(lesson, seen).outcome is Outcome.GOING
    assert judging.hint(lesson, seen) == judging.NOT_ALL


def test_every_text_of_the_lessons_is_there_in_chinese() -> None:
    chinese = {text for path in (ROOT / "src" / "saoma").glob("*/zh.po") for text in read_catalog(path)}
    said = {text for one in LESSONS for text in (one.title, one.happens, one.remember)}
    said |= {stage.tell for one in LESSONS for stage in one.stages}
    said |= {held.says for one in LESSONS for held in one.phones if held.says}
    said |= {
        value for name, value in vars(judging).items() if name.isupper() and isinstance(value, str) and " " in value
    }
    assert said - chinese == set()
    assert all(set(sentence) == {"en", "zh"} for sentence in SENTENCES.values())
