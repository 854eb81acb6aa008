"""What an event changes in a payment: status, money, next look. Pure; the hall writes what this decides.

Only here is decided that a payment is booked, and only when it enters `succeeded` for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from saoma.kit.errors import Conflict, IllegalTransition
from saoma.payments.happenings import CANCELLED, GIVING_UP, NOT_SENT, Door, Reading
from saoma.payments.lifecycle import FINAL, PAYMENT, Event, Status
from saoma.payments.model import Payment
from saoma.payments.patience import GiveUp, next_cancel, next_look

#: No call to a gateway is waited for longer than this; then it counts as silence.
CALL_LIMIT: Final = timedelta(seconds=15)
#: Longer than a look with its calls is likely to take. A second driver does no harm, it only asks twice.
LEASE: Final = timedelta(seconds=30)
#: When a payment was undone and there is also word of money, the provider is asked once more: the last query decides.
_CONFIRM_AFTER: Final = timedelta(seconds=5)
_CONFIRM_LOOKS: Final = 10


@dataclass(frozen=True, slots=True)
class Change:
    """The payment after an event, and what must happen with it in the same transaction."""

    payment: Payment
    book_sale: bool = False
    reverse_sale: bool = False
    tell_paid: bool = False
    tell_released: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nobody needs to be told and nothing is booked."""
        return not (self.book_sale or self.reverse_sale or self.tell_paid or self.tell_released)


def settle(payment: Payment, reading: Reading, now: datetime, jitter: float) -> Change:
    """Apply `reading` to `payment`; `jitter` is between 0 and 1.

    Raises `IllegalTransition` for an event that has no row in the table."""
    status = PAYMENT.next(payment.status, reading.event)
    after = msgspec.structs.replace(
        payment,
        status=status,
        version=payment.version + 1,
        code=_code(payment, status, reading),
        final_at=(payment.final_at if payment.status is status else now) if status in FINAL else None,
        **_trade(payment, reading),
        **_sending(payment, reading, now),
    )
    after = msgspec.structs.replace(after, **_paid(after, reading, now))
    due_at, tries = _next(payment, after, reading, now, jitter)
    after = msgspec.structs.replace(after, due_at=due_at, tries=tries, **_looked(reading, now))
    return _consequences(payment, after, reading)


#: Why a person is called, in our words: the provider's could read as if all were well.
_WHY_ATTENTION: Final = {
    Event.PAID: "late_money",
    Event.MISMATCHED: "mismatched",
    Event.CLOSED: "closed_unexplained",
    Event.DECLINED: "contradiction",
    Event.CANCEL_CONFIRMED: "contradiction",
    Event.ATTEMPTS_EXHAUSTED: "attempts_exhausted",
    Event.WINDOW_CLOSED: "window_closed",
}


def _code(payment: Payment, status: Status, reading: Reading) -> str:
    if status is Status.NEEDS_ATTENTION:
        if payment.status is Status.NEEDS_ATTENTION:
            return payment.code
        return reading.code or "" if reading.event is Event.CANCEL_REFUSED else _WHY_ATTENTION[reading.event]
    if status is payment.status:
        # A verdict keeps its word; while undoing, the reason for undoing is the word that matters.
        return reading.code or payment.code if status is Status.PENDING else payment.code
    if reading.event is Event.CANCEL_CONFIRMED and payment.code != GIVING_UP:
        return payment.code
    if reading.event is Event.CANCEL_CONFIRMED:
        return CANCELLED
    return reading.code or payment.code


def _trade(payment: Payment, reading: Reading) -> dict[str, object]:
    trade = reading.trade
    if trade is None or reading.event is Event.MISMATCHED:
        return {}
    return {
        "trade_number": payment.trade_number or trade.trade_number,
        "buyer_id": payment.buyer_id or trade.buyer_id,
        "buyer_login": payment.buyer_login or trade.buyer_login,
        "qr_code": payment.qr_code or reading.qr_code,
    }


def _sending(payment: Payment, reading: Reading, now: datetime) -> dict[str, object]:
    if reading.event is Event.SUBMITTED:
        sending: dict[str, object] = {"sends": payment.sends + 1, "sending_until": now + CALL_LIMIT}
        if payment.opened_at is None:
            # The deadline counts from the first request, and is part of it: from here on it never moves.
            sending |= {"opened_at": now, "give_up_at": now + payment.patience.give_up_after}
        return sending
    if reading.door is not Door.ANSWER or payment.sending_until is None:
        return {}
    # The request is answered or given up for lost: the next one may go. What never left is not counted.
    unsent = reading.event is Event.UNCLEAR and reading.code == NOT_SENT
    return {"sending_until": None, "sends": payment.sends - 1 if unsent else payment.sends}


def _paid(payment: Payment, reading: Reading, now: datetime) -> dict[str, object]:
    changes: dict[str, object] = {
        "gave_back": payment.gave_back or reading.gave_back,
        "trade_closed": payment.trade_closed or reading.event in (Event.CLOSED, Event.CLOSED_BY_REFUND),
    }
    if payment.paid_at is None and reading.event in (Event.PAID, Event.PAID_BEFORE_CANCEL):
        changes["paid_at"] = (reading.trade.paid_at if reading.trade else None) or now
    if payment.paid_at is None and reading.event in (Event.RECORDED, Event.RULED_PAID, Event.RULED_REFUND):
        changes["paid_at"] = now
    return changes


def _looked(reading: Reading, now: datetime) -> dict[str, object]:
    return {"looked_at": now} if reading.door is Door.QUERY else {}


def _next(
    before: Payment, after: Payment, reading: Reading, now: datetime, jitter: float
) -> tuple[datetime | None, int]:
    """When the payment wants attention again, and how many looks were made for its present purpose."""
    opened_at = after.opened_at or now
    match after.status:
        case Status.CREATED:
            return before.due_at or now, before.tries
        case Status.PENDING:
            return _next_while_pending(before, after, reading, now, jitter)
        case Status.CANCELLING:
            if before.status is not Status.CANCELLING:
                # Whoever brought this about cancels at once, but never while our own request may still arrive.
                held_back = after.sending_until if after.sending_until and after.sending_until > now else None
                return held_back or now + LEASE, 0
            if reading.door is Door.ANSWER and reading.event is Event.UNCLEAR:
                gap = next_cancel(now, before.tries, jitter)
                return now if isinstance(gap, GiveUp) else gap, before.tries
            return before.due_at, before.tries
        case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED:
            # A notice may overtake the answer: what is asked after every transaction is asked then, too.
            if reading.door in (Door.ANSWER, Door.NOTICE) and _look_again(before, after, reading):
                look = next_look(after.patience, opened_at, now, 0, jitter)
                return now + _CONFIRM_AFTER if isinstance(look, GiveUp) else look, 0
            if reading.event is Event.PAID_BEFORE_CANCEL and reading.door is not Door.QUERY:
                return now + _CONFIRM_AFTER, 0
            if reading.no_trade and after.status is Status.FAILED:
                # The question after a refusal is answered: refused, and no trade. Asking on would find the same.
                return None, before.tries
            if reading.door is Door.QUERY and reading.event is Event.UNCLEAR and before.due_at and before.final:
                look = next_look(after.patience, opened_at, now, before.tries, jitter)
                if isinstance(look, GiveUp):
                    return None if before.tries >= _CONFIRM_LOOKS else now + _CONFIRM_AFTER, before.tries
                return look, before.tries
            if reading.door is Door.QUERY or not before.final:
                return None, 0
            return before.due_at, before.tries
        case Status.NEEDS_ATTENTION:
            return None, before.tries


def _next_while_pending(
    before: Payment, after: Payment, reading: Reading, now: datetime, jitter: float
) -> tuple[datetime | None, int]:
    opened_at = after.opened_at or now
    if reading.event is Event.SUBMITTED:
        first = next_look(after.patience, opened_at, now, 0, jitter)
        if before.sends == 0 and not isinstance(first, GiveUp):
            # Should this process die, or the provider fall silent, someone asks at the first published moment.
            return first, 0
        return now + LEASE, before.tries
    if reading.door not in (Door.ANSWER, Door.QUERY):
        return before.due_at, before.tries
    look = next_look(after.patience, opened_at, now, before.tries, jitter)
    return now if isinstance(look, GiveUp) else look, before.tries


def _look_again(before: Payment, after: Payment, reading: Reading) -> bool:
    if reading.event is Event.CANCEL_CONFIRMED:
        return reading.door is Door.ANSWER and after.paid_at is not None and not after.gave_back and not before.final
    return after.patience.ask_again and not before.final and after.status is not Status.CANCELLED


def _consequences(before: Payment, after: Payment, reading: Reading) -> Change:
    succeeded = after.status is Status.SUCCEEDED and before.status is not Status.SUCCEEDED
    undone = after.status in (Status.FAILED, Status.CANCELLED) and before.status is not after.status
    book_sale = succeeded and not before.booked
    reverse_sale = undone and before.booked
    tell_paid = succeeded and before.payable_state != "paid" and reading.event is not Event.RULED_REFUND
    tell_released = undone and before.payable_state != "released"
    if succeeded and reading.event is Event.RULED_REFUND and before.payable_state == "held":
        tell_released = True
    if reverse_sale and before.refund_reserved > before.refunded:
        raise Conflict("A refund of this payment has not ended yet. Rule on the refund first, then on the payment.")
    if reverse_sale and before.refunded == before.amount:
        raise IllegalTransition("a payment that was given back whole has nothing left to undo")
    told = "paid" if tell_paid else "released" if tell_released else before.payable_state
    return Change(
        msgspec.structs.replace(after, booked=before.booked or book_sale, payable_state=told),
        book_sale=book_sale,
        reverse_sale=reverse_sale,
        tell_paid=tell_paid,
        tell_released=tell_released,
    )
