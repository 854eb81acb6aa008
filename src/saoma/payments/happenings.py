"""What can reach a payment, and what each of it means: the five doors, read into one event. Pure.

No news of money counts unless its signature was checked and held; a refusal counts only as far as it can know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from saoma.gateway import (
    NO_EVIDENCE,
    AwaitingBuyer,
    Cancelled,
    CancelRefused,
    CancelReport,
    Closed,
    Declined,
    Evidence,
    Notice,
    NoTrade,
    Paid,
    PayReport,
    QueryReport,
    Trade,
    Unclear,
)
from saoma.payments.lifecycle import Event, Status
from saoma.payments.model import Payment


class Door(StrEnum):
    """Where an event came in."""

    START = "start"
    ANSWER = "answer"
    QUERY = "query"
    NOTICE = "notice"
    CLOCK = "clock"
    PERSON = "person"
    RULING = "ruling"


class Ruling(StrEnum):
    """What a person may decide about a payment that needs attention."""

    PAID = "paid"
    UNPAID = "unpaid"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Sending:
    """The request is about to be sent, for the first time or again, unchanged."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The pay or create request was answered. `asked_at` is when it was sent."""

    report: PayReport
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Queried:
    """A query was answered. An answer describes the world no earlier than `asked_at`."""

    report: QueryReport
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class CancelAnswered:
    """A cancel was answered."""

    report: CancelReport


@dataclass(frozen=True, slots=True)
class Noticed:
    """The provider told us by itself."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The deadline has passed (`by` is empty), or someone wants no more of it."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Staff took the money themselves."""

    by: str


@dataclass(frozen=True, slots=True)
class CancelExhausted:
    """The cancel was repeated as often as is reasonable."""


@dataclass(frozen=True, slots=True)
class CancelTooLate:
    """The provider's cancel window is over."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A person has looked at it and decided."""

    ruling: Ruling
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A refund that explained why the trade is closed was not made after all; `evidence` is what says so."""

    door: Door
    evidence: Evidence


Happening = (
    Sending
    | Opened
    | Queried
    | CancelAnswered
    | Noticed
    | GaveUp
    | Recorded
    | CancelExhausted
    | CancelTooLate
    | Ruled
    | Unexplained
)

#: Our own words for `Payment.code` where the provider's could be misread as good news or say nothing.
AWAITING_BUYER = "awaiting_buyer"
UNPROVEN = "unproven"
GIVING_UP = "giving_up"
CANCELLED = "cancelled"
NOT_SENT = "not_sent"
RECORDED = "recorded"
#: An order was placed and there is no code to show for it: it is undone, and another payment with another number may
#: take its place (https://docs.antom.com/ac/global/precreate_transaction).
NO_CODE = "no_code"


@dataclass(frozen=True, slots=True)
class Reading:
    """A happening as understood for one payment. `code` is None where it has no word to leave behind."""

    event: Event
    door: Door
    code: str | None = None
    trade: Trade | None = None
    qr_code: str = ""
    evidence: Evidence = NO_EVIDENCE
    said_by: str = ""
    gave_back: bool = False
    #: The provider, asked, proved that there is no trade under our number.
    no_trade: bool = False


def understand(payment: Payment, happening: Happening) -> Reading:
    """What `happening` means for `payment` as it stands."""
    match happening:
        case Sending():
            return Reading(Event.SUBMITTED, Door.START)
        case Opened(report, asked_at):
            return _pay_report(payment, report, Door.ANSWER, asked_at)
        case Queried(report, asked_at):
            return _pay_report(payment, report, Door.QUERY, asked_at)
        case Noticed(notice):
            return _pay_report(payment, notice.report, Door.NOTICE, None)
        case CancelAnswered(report):
            return _cancel_report(report)
        case GaveUp(by):
            door = Door.PERSON if by else Door.CLOCK
            if never_sent(payment):
                return Reading(Event.WITHDRAWN, door, code=CANCELLED, said_by=by)
            return Reading(Event.GIVE_UP, door, code=GIVING_UP, said_by=by)
        case Recorded(by):
            return Reading(Event.RECORDED, Door.PERSON, code=RECORDED, said_by=by)
        case CancelExhausted():
            return Reading(Event.ATTEMPTS_EXHAUSTED, Door.CLOCK)
        case CancelTooLate():
            return Reading(Event.WINDOW_CLOSED, Door.CLOCK)
        case Ruled(ruling, by, reason):
            return Reading(_RULINGS[ruling], Door.RULING, code=f"ruled_{ruling.value}", said_by=f"{by}: {reason}")
        case Unexplained(door, evidence):
            return Reading(Event.CLOSED, door, evidence=evidence)
        case _:
            assert_never(happening)


_RULINGS = {
    Ruling.PAID: Event.RULED_PAID,
    Ruling.UNPAID: Event.RULED_UNPAID,
    Ruling.REFUND: Event.RULED_REFUND,
}


def never_sent(payment: Payment) -> bool:
    """Whether it is certain that no request of this payment ever reached the provider."""
    return payment.status is Status.CREATED or (
        payment.status in (Status.PENDING, Status.CANCELLING, Status.CANCELLED)
        and payment.sends == 0
        and payment.sending_until is None
    )


def _holds(evidence: Evidence) -> bool:
    return evidence.signed is True


def _pay_report(payment: Payment, report: PayReport | QueryReport, door: Door, asked_at: datetime | None) -> Reading:
    match report:
        case Paid(trade, evidence):
            if not _holds(evidence):
                return Reading(Event.UNCLEAR, door, UNPROVEN, evidence=evidence)
            return Reading(_paid_event(payment, trade, door, asked_at), door, evidence.code, trade, evidence=evidence)
        case Declined(code, evidence):
            # Unsigned (None, not False) is a gateway's own word that it refused to send: it needs no signature.
            if evidence.signed is False:
                return Reading(Event.UNCLEAR, door, code, evidence=evidence)
            event = Event.DECLINED if payment.sends <= 1 else Event.REPEAT_DECLINED
            return Reading(event, door, code, evidence=evidence)
        case AwaitingBuyer(trade, evidence, qr_code):
            return Reading(Event.UNCLEAR, door, AWAITING_BUYER, trade, qr_code, evidence)
        case Closed(trade, evidence):
            if not _holds(evidence):
                return Reading(Event.UNCLEAR, door, UNPROVEN, evidence=evidence)
            explained = payment.booked and payment.refund_reserved == payment.amount
            event = Event.CLOSED_BY_REFUND if explained else Event.CLOSED
            return Reading(event, door, evidence.code, trade, evidence=evidence)
        case NoTrade(evidence):
            return Reading(Event.UNCLEAR, door, evidence.code, evidence=evidence, no_trade=_holds(evidence))
        case Unclear(code, evidence):
            if code == NO_CODE and door is Door.ANSWER and not payment.qr_code and payment.status is Status.PENDING:
                return Reading(Event.GIVE_UP, door, code, evidence=evidence)
            return Reading(Event.UNCLEAR, door, code, evidence=evidence)
        case _:
            assert_never(report)


def amount_fits(payment: Payment, trade: Trade) -> bool:
    """Whether the trade is for exactly our amount, as far as it names one."""
    return trade.amount is None or trade.amount == payment.money


def _paid_event(payment: Payment, trade: Trade, door: Door, asked_at: datetime | None) -> Event:
    other_trade = payment.trade_number and trade.trade_number and payment.trade_number != trade.trade_number
    if not amount_fits(payment, trade) or other_trade:
        return Event.MISMATCHED
    if door is Door.NOTICE and trade.amount is None:
        return Event.UNCLEAR
    undone = payment.gave_back or payment.trade_closed or payment.paid_at is not None
    if payment.status is Status.CANCELLED and undone:
        # A closed trade stays closed, so this is older news. Only a question asked since can say anything else.
        asked = asked_at if door is Door.QUERY else None
        if asked is None or payment.final_at is None or asked <= payment.final_at:
            return Event.PAID_BEFORE_CANCEL
    return Event.PAID


def _cancel_report(report: CancelReport) -> Reading:
    match report:
        case Cancelled(gave_back, trade, evidence):
            if not _holds(evidence):
                return Reading(Event.UNCLEAR, Door.ANSWER, evidence=evidence)
            event = Event.CANCEL_CONFIRMED
            return Reading(event, Door.ANSWER, CANCELLED, trade, evidence=evidence, gave_back=gave_back)
        case CancelRefused(code, evidence):
            if evidence.signed is False:
                return Reading(Event.UNCLEAR, Door.ANSWER, evidence=evidence)
            return Reading(Event.CANCEL_REFUSED, Door.ANSWER, code, evidence=evidence)
        case Unclear(_, evidence):
            return Reading(Event.UNCLEAR, Door.ANSWER, evidence=evidence)
        case _:
            assert_never(report)
