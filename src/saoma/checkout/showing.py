"""What a customer's phone and a till show of one payment: one choice each, made from facts. Pure.

A phone's own report (`tradePay`'s result code) may change what the phone is offered, never what is said about money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from saoma.alipay.wallet import PageStep, after_trade_pay
from saoma.payments.lifecycle import Status


class Phone(StrEnum):
    """What the customer's phone shows."""

    PREPARING = "preparing"
    READY = "ready"
    CONFIRMING = "confirming"
    PAY_AGAIN = "pay_again"
    STOPPING = "stopping"
    PAID = "paid"
    NOT_PAID = "not_paid"
    ASK_STAFF = "ask_staff"


class Till(StrEnum):
    """What the till's pane shows."""

    WAITING = "waiting"
    STOPPING = "stopping"
    PAID = "paid"
    NOT_PAID = "not_paid"
    CANCELLED = "cancelled"
    CALL_MANAGER = "call_manager"


_CODE: Final = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Reported:
    """What the phone said last after tradePay, and when."""

    result_code: str
    at: datetime


def result_code(text: str) -> str:
    """A phone's report as it is kept: a short number, or `other` for anything else somebody sends."""
    return text if _CODE.fullmatch(text) else "other"


def phone_shows(status: Status, trade_number: str, reported: Reported | None) -> Phone:
    """What to show the customer for a payment in this state."""
    match status:
        case Status.SUCCEEDED:
            return Phone.PAID
        case Status.FAILED | Status.CANCELLED:
            return Phone.NOT_PAID
        case Status.CANCELLING:
            return Phone.STOPPING
        case Status.NEEDS_ATTENTION:
            return Phone.ASK_STAFF
        case Status.CREATED | Status.PENDING:
            if not trade_number:
                return Phone.PREPARING
            if reported is None:
                return Phone.READY
            match after_trade_pay(reported.result_code):
                case PageStep.PAY_AGAIN:
                    return Phone.PAY_AGAIN
                case PageStep.CONFIRMING:
                    return Phone.CONFIRMING


def till_shows(status: Status) -> Till:
    """What to show the cashier for a payment in this state."""
    match status:
        case Status.CREATED | Status.PENDING:
            return Till.WAITING
        case Status.CANCELLING:
            return Till.STOPPING
        case Status.SUCCEEDED:
            return Till.PAID
        case Status.FAILED:
            return Till.NOT_PAID
        case Status.CANCELLED:
            return Till.CANCELLED
        case Status.NEEDS_ATTENTION:
            return Till.CALL_MANAGER


def masked(buyer_login: str, buyer_id: str) -> str:
    """A buyer as a receipt may show them: Alipay's own masked login, or the ends of the user id."""
    if "*" in buyer_login:
        return buyer_login
    name, at, place = buyer_login.partition("@")
    if buyer_login:
        return f"{name[:2]}***{at}{place}" if at else f"{name[:3]}***{name[-2:]}"
    return f"{buyer_id[:4]}···{buyer_id[-4:]}" if len(buyer_id) >= 12 else ""
