"""Judging a lesson by what was done: which stage it is at, what the coach answers, whether it is passed. Pure.

The till's own facts count first (payments, refunds); acts are only what a till can't see: goods, words, a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

import msgspec

from saoma.payments.lifecycle import RefundStatus, Status
from saoma.practice.script import PATIENT, Face, Kind, Lesson, Phone, Stage, times


class What(StrEnum):
    """What a cashier does beside the till."""

    HAND_OVER = "hand_over"
    SAY = "say"
    SCAN = "scan"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done: at which stage, whether it was right, and what the coach said to it (a text's key)."""

    what: What
    word: str = ""
    stage: int
    right: bool
    reply: str = ""
    fatal: bool = False
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment of the lesson's bills. `bill` is which of them, from 0."""

    bill: int
    status: Status
    amount: int
    at: datetime

    @property
    def open(self) -> bool:
        """Whether nobody knows its end yet."""
        return self.status in (Status.CREATED, Status.PENDING, Status.CANCELLING)


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of one of the lesson's payments."""

    bill: int
    status: RefundStatus
    amount: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything there is to judge by."""

    attempts: tuple[Attempt, ...] = ()
    refunds: tuple[GivenBack, ...] = ()
    acts: tuple[Act, ...] = ()
    #: What is paid with here.
    currency: str = "USD"

    def owed(self, lesson: Lesson) -> int:
        """What the customer is to pay."""
        return lesson.expected * times(self.currency)

    @property
    def paid(self) -> int:
        """What arrived for the lesson's own bill."""
        return sum(one.amount for one in self.attempts if one.bill == 0 and one.status is Status.SUCCEEDED)

    @property
    def open(self) -> bool:
        """Whether a payment is running."""
        return any(one.open for one in self.attempts)


class Outcome(StrEnum):
    """How a lesson stands."""

    GOING = "going"
    PASSED = "passed"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a lesson stands: the stage (as many as there are when all are done), and why it must be taken again."""

    stage: int
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The coach's answer to one act. `fatal` ends the lesson: what was done can't be taken back."""

    right: bool
    text: str = ""
    fatal: bool = False


GOODS_WHILE_OPEN = "You handed over the goods while nobody knew whether they were paid. They are gone now."
GOODS_UNPAID = "You handed over the goods, and nothing was paid. They are gone now."
GOODS_FOR_A_PICTURE = "You trusted the phone. The till had no payment, and the goods are gone."
STOPPED = "You stopped a payment that would have gone through. Next time, wait until the till knows."
WRONG_AMOUNT = "You took another amount than the customer wanted to pay."
WRONG_BILL = "You gave money back to the wrong table."
WRONG_REFUND = "You gave back another amount than the spring rolls cost."
SCAN_FIRST = "Scan the customer's code first."
NO_SECOND = "One payment is still open. A second one could charge twice: wait for its end."
WAIT_WITH_THEM = "Well said. Now wait together for the till."
NOT_OPEN = "No payment is open: there is nothing to wait for."
PAID_ALREADY = "It is paid. The customer only waits for the goods."
NOT_THAT = "That doesn't help the customer now. Read what the till says once more."
NOT_ALL = "Only a part is paid. Take the rest before the goods leave."
NO_GOODS_HERE = "There is nothing to hand over here: the customer wants money back."


def judge(lesson: Lesson, seen: Seen) -> Verdict:
    """How the lesson stands."""
    stage = _stage(lesson, seen)
    why = _mistake(lesson, seen)
    if why:
        return Verdict(stage, Outcome.AGAIN, why)
    return Verdict(stage, Outcome.PASSED if stage == len(lesson.stages) else Outcome.GOING)


def _mistake(lesson: Lesson, seen: Seen) -> str:
    """What can't be taken back, if anything was done that can't."""
    fatal = next((act.reply for act in seen.acts if act.fatal), "")
    if fatal:
        return fatal
    stopped = (Status.CANCELLING, Status.CANCELLED)
    if lesson.patient and any(one.status in stopped for one in seen.attempts):
        return STOPPED
    if lesson.takes and seen.paid and seen.paid != seen.owed(lesson):
        return WRONG_AMOUNT
    for refund in seen.refunds:
        if refund.status is RefundStatus.FAILED:
            continue
        if not lesson.gives_back or refund.bill != 0:
            return WRONG_BILL
        if refund.amount != lesson.to_give_back * times(seen.currency):
            return WRONG_REFUND
    return ""


def _stage(lesson: Lesson, seen: Seen) -> int:
    return next(
        (place for place, stage in enumerate(lesson.stages) if not _done(lesson, stage, seen)), len(lesson.stages)
    )


def _done(lesson: Lesson, stage: Stage, seen: Seen) -> bool:
    paid = seen.paid >= seen.owed(lesson)
    ends = {one.status for one in seen.attempts}
    match stage.kind:
        case Kind.CHARGE:
            return bool(seen.attempts)
        case Kind.DECLINED:
            return Status.FAILED in ends or paid
        case Kind.CANCELLED:
            return Status.CANCELLED in ends or paid
        case Kind.SAY:
            return paid or any(act.right and act.word in stage.words for act in seen.acts if act.what is What.SAY)
        case Kind.PAID:
            return paid
        case Kind.HAND_OVER:
            return any(act.right for act in seen.acts if act.what is What.HAND_OVER)
        case Kind.ASK_REFUND:
            return any(one.status is not RefundStatus.FAILED for one in seen.refunds)
        case Kind.REFUNDED:
            return any(one.status is RefundStatus.SUCCEEDED for one in seen.refunds)
        case _:
            assert_never(stage.kind)


def reply(lesson: Lesson, seen: Seen, what: What, word: str = "") -> Reply:
    """What the coach answers when this is done now."""
    match what:
        case What.HAND_OVER:
            return _goods(lesson, seen)
        case What.SCAN:
            return Reply(right=False, text=NO_SECOND) if seen.open else Reply(right=True)
        case What.SAY:
            return _said(lesson, seen, word)
        case _:
            assert_never(what)


def _goods(lesson: Lesson, seen: Seen) -> Reply:
    if lesson.gives_back:
        return Reply(right=False, text=NO_GOODS_HERE)
    if seen.paid >= seen.owed(lesson):
        return Reply(right=True)
    if seen.paid:
        return Reply(right=False, text=NOT_ALL)
    if face(lesson, seen) is Face.PAID:
        return Reply(right=False, text=GOODS_FOR_A_PICTURE, fatal=True)
    return Reply(right=False, text=GOODS_WHILE_OPEN if seen.open else GOODS_UNPAID, fatal=True)


def _said(lesson: Lesson, seen: Seen, word: str) -> Reply:
    place = _stage(lesson, seen)
    stage = lesson.stages[place] if place < len(lesson.stages) else None
    if stage is not None and stage.kind is Kind.SAY and word in stage.words:
        return Reply(right=True)
    if seen.open:
        patient = word in PATIENT
        return Reply(right=patient, text=WAIT_WITH_THEM if patient else NO_SECOND)
    if stage is not None and stage.kind is Kind.CHARGE:
        return Reply(right=False, text=SCAN_FIRST)
    if seen.paid >= seen.owed(lesson):
        return Reply(right=False, text=PAID_ALREADY)
    return Reply(right=False, text=NOT_OPEN if word in PATIENT else NOT_THAT)


def _turns(lesson: Lesson, acts: Sequence[Act]) -> list[Act]:
    """The right words after each of which the customer held out the next phone."""
    asked = {word for stage in lesson.stages if stage.kind is Kind.SAY for word in stage.words}
    return [act for act in acts if act.what is What.SAY and act.right and act.word in asked][: len(lesson.phones) - 1]


def phone_number(lesson: Lesson, acts: Sequence[Act]) -> int:
    """Which phone is held out, from 0."""
    return len(_turns(lesson, acts))


def phone(lesson: Lesson, seen: Seen) -> Phone:
    """The phone that is held out."""
    return lesson.phones[phone_number(lesson, seen.acts)]


def face(lesson: Lesson, seen: Seen) -> Face:
    """What that phone shows now."""
    held = phone(lesson, seen)
    if held.face is not Face.CODE:
        return held.face
    if seen.paid >= seen.owed(lesson):
        return Face.PAID
    turns = _turns(lesson, seen.acts)
    tried = [one for one in seen.attempts if not turns or one.at >= turns[-1].at]
    if not tried or (held.then is Face.PIN and not any(one.open for one in tried)):
        return Face.CODE
    return held.then


def hint(lesson: Lesson, seen: Seen) -> str:
    """What the coach said last, as long as it is about where the lesson is now."""
    last = seen.acts[-1] if seen.acts else None
    return last.reply if last is not None and last.stage == _stage(lesson, seen) and last.reply else ""
