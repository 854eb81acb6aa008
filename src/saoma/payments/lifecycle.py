"""The lifecycles of payments and refunds, as data: what may happen in which state, and what follows.

A repeat that is harmless is a row that leads back to its own state; a pair without a row is a fault of ours. The
published procedure behind the rows: https://docs.antom.com/ac/globalbarcode/practice"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from saoma.kit.lifecycle import Lifecycle


class Status(StrEnum):
    """Where a payment stands. `SUCCEEDED`, `FAILED` and `CANCELLED` are final unless contrary evidence arrives."""

    CREATED = "created"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"


#: States that nothing but contrary evidence leaves.
FINAL: Final = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


class Event(StrEnum):
    """What may happen to a payment."""

    #: It is about to be sent (again, unchanged); committed before the first byte leaves.
    SUBMITTED = "submitted"
    #: An answer that proves nothing: unknown, waiting for the buyer, silence, a signature that did not hold.
    UNCLEAR = "unclear"
    #: Proof that our amount was paid under our number.
    PAID = "paid"
    #: The same proof, but of the time before the trade was closed or its money given back.
    PAID_BEFORE_CANCEL = "paid_before_cancel"
    #: Money was taken under our number, but another amount, currency or trade than ours.
    MISMATCHED = "mismatched"
    #: A refusal of the first and only request: there is no trade.
    DECLINED = "declined"
    #: A refusal of a repeated request: it says nothing about the request before it.
    REPEAT_DECLINED = "repeat_declined"
    #: The trade is closed.
    CLOSED = "closed"
    #: The trade is closed because we gave all of the money back.
    CLOSED_BY_REFUND = "closed_by_refund"
    #: The deadline has passed, or cashier or customer have had enough.
    GIVE_UP = "give_up"
    #: The same, when certainly nothing ever reached the provider.
    WITHDRAWN = "withdrawn"
    #: Staff took the money themselves: cash, a card terminal, an account. Nobody else can say anything about it.
    RECORDED = "recorded"
    CANCEL_CONFIRMED = "cancel_confirmed"
    CANCEL_REFUSED = "cancel_refused"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    #: The provider cancels only until 00:15 Beijing time of the next day.
    WINDOW_CLOSED = "window_closed"
    RULED_PAID = "ruled_paid"
    RULED_UNPAID = "ruled_unpaid"
    RULED_REFUND = "ruled_refund"


def _rows(from_: Status, to: Status, *events: Event) -> Iterable[tuple[tuple[Status, Event], Status]]:
    return (((from_, event), to) for event in events)


def _payment_table() -> dict[tuple[Status, Event], Status]:
    s, e = Status, Event
    return dict(
        [
            # Nothing has been sent yet: giving up costs nothing, and money can't have come by our doing.
            *_rows(s.CREATED, s.PENDING, e.SUBMITTED),
            *_rows(s.CREATED, s.CANCELLED, e.WITHDRAWN),
            *_rows(s.CREATED, s.SUCCEEDED, e.RECORDED),
            *_rows(s.CREATED, s.NEEDS_ATTENTION, e.PAID, e.MISMATCHED, e.CLOSED),
            *_rows(s.CREATED, s.CREATED, e.UNCLEAR),
            # Asked for, and nothing is certain.
            *_rows(s.PENDING, s.PENDING, e.SUBMITTED, e.UNCLEAR),
            *_rows(s.PENDING, s.SUCCEEDED, e.PAID),
            *_rows(s.PENDING, s.FAILED, e.DECLINED),
            *_rows(s.PENDING, s.CANCELLED, e.CLOSED, e.WITHDRAWN),
            *_rows(s.PENDING, s.CANCELLING, e.GIVE_UP, e.REPEAT_DECLINED),
            *_rows(s.PENDING, s.NEEDS_ATTENTION, e.MISMATCHED),
            # Undoing. A payment that turns up now is given back by the cancel itself.
            *_rows(s.CANCELLING, s.CANCELLING, e.UNCLEAR, e.PAID, e.DECLINED, e.REPEAT_DECLINED, e.GIVE_UP),
            *_rows(s.CANCELLING, s.CANCELLED, e.CANCEL_CONFIRMED, e.CLOSED, e.WITHDRAWN),
            *_rows(s.CANCELLING, s.NEEDS_ATTENTION, e.CANCEL_REFUSED, e.ATTEMPTS_EXHAUSTED, e.WINDOW_CLOSED),
            *_rows(s.CANCELLING, s.NEEDS_ATTENTION, e.MISMATCHED),
            # Paid. Repeats are normal; a cashier who gave up a moment too late changes nothing.
            *_rows(s.SUCCEEDED, s.SUCCEEDED, e.PAID, e.UNCLEAR, e.REPEAT_DECLINED, e.GIVE_UP, e.CLOSED_BY_REFUND),
            *_rows(s.SUCCEEDED, s.NEEDS_ATTENTION, e.CLOSED, e.DECLINED, e.MISMATCHED, e.CANCEL_CONFIRMED),
            *_rows(s.SUCCEEDED, s.SUCCEEDED, e.CANCEL_REFUSED, e.ATTEMPTS_EXHAUSTED, e.WINDOW_CLOSED),
            # Refused.
            *_rows(s.FAILED, s.FAILED, e.DECLINED, e.REPEAT_DECLINED, e.CLOSED, e.UNCLEAR, e.GIVE_UP),
            *_rows(s.FAILED, s.NEEDS_ATTENTION, e.PAID, e.MISMATCHED),
            # Undone.
            *_rows(s.CANCELLED, s.CANCELLED, e.CANCEL_CONFIRMED, e.CANCEL_REFUSED, e.CLOSED, e.PAID_BEFORE_CANCEL),
            *_rows(s.CANCELLED, s.CANCELLED, e.DECLINED, e.REPEAT_DECLINED, e.UNCLEAR, e.GIVE_UP, e.WITHDRAWN),
            *_rows(s.CANCELLED, s.CANCELLED, e.ATTEMPTS_EXHAUSTED, e.WINDOW_CLOSED),
            *_rows(s.CANCELLED, s.NEEDS_ATTENTION, e.PAID, e.MISMATCHED),
            # A person decides; whatever else arrives is kept as evidence for them.
            *_rows(s.NEEDS_ATTENTION, s.SUCCEEDED, e.RULED_PAID, e.RULED_REFUND),
            *_rows(s.NEEDS_ATTENTION, s.CANCELLED, e.RULED_UNPAID),
            *_rows(s.NEEDS_ATTENTION, s.NEEDS_ATTENTION, e.PAID, e.PAID_BEFORE_CANCEL, e.MISMATCHED, e.UNCLEAR),
            *_rows(s.NEEDS_ATTENTION, s.NEEDS_ATTENTION, e.DECLINED, e.REPEAT_DECLINED, e.CLOSED, e.CLOSED_BY_REFUND),
            *_rows(s.NEEDS_ATTENTION, s.NEEDS_ATTENTION, e.GIVE_UP, e.WITHDRAWN, e.CANCEL_CONFIRMED, e.CANCEL_REFUSED),
            *_rows(s.NEEDS_ATTENTION, s.NEEDS_ATTENTION, e.ATTEMPTS_EXHAUSTED, e.WINDOW_CLOSED),
        ]
    )


#: The life of a payment.
PAYMENT: Final = Lifecycle("Payment", Status.CREATED, _payment_table())


class RefundStatus(StrEnum):
    """Where a refund stands. A `REQUESTED` one waits for a second person; nothing is sent before that."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"


class RefundEvent(StrEnum):
    """What may happen to a refund."""

    SUBMITTED = "submitted"
    #: A second person agrees, or does not.
    APPROVED = "approved"
    REFUSED = "refused"
    #: Staff gave the money back themselves: cash, a card terminal, an account.
    HANDED_BACK = "handed_back"
    UNCLEAR = "unclear"
    REFUNDED = "refunded"
    DECLINED = "declined"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    RULED_REFUNDED = "ruled_refunded"
    RULED_NOT_REFUNDED = "ruled_not_refunded"


_R, _E = RefundStatus, RefundEvent

#: The life of a refund. What was proven once is only overturned by a person.
REFUND: Final = Lifecycle(
    "Refund",
    RefundStatus.REQUESTED,
    {
        (_R.REQUESTED, _E.SUBMITTED): _R.PENDING,
        (_R.REQUESTED, _E.APPROVED): _R.PENDING,
        (_R.REQUESTED, _E.REFUSED): _R.FAILED,
        (_R.PENDING, _E.SUBMITTED): _R.PENDING,
        (_R.PENDING, _E.HANDED_BACK): _R.SUCCEEDED,
        (_R.PENDING, _E.UNCLEAR): _R.PENDING,
        (_R.PENDING, _E.REFUNDED): _R.SUCCEEDED,
        (_R.PENDING, _E.DECLINED): _R.FAILED,
        (_R.PENDING, _E.ATTEMPTS_EXHAUSTED): _R.NEEDS_ATTENTION,
        (_R.SUCCEEDED, _E.REFUNDED): _R.SUCCEEDED,
        (_R.SUCCEEDED, _E.UNCLEAR): _R.SUCCEEDED,
        (_R.SUCCEEDED, _E.DECLINED): _R.SUCCEEDED,
        (_R.SUCCEEDED, _E.ATTEMPTS_EXHAUSTED): _R.SUCCEEDED,
        (_R.FAILED, _E.DECLINED): _R.FAILED,
        (_R.FAILED, _E.UNCLEAR): _R.FAILED,
        (_R.FAILED, _E.ATTEMPTS_EXHAUSTED): _R.FAILED,
        (_R.FAILED, _E.REFUNDED): _R.NEEDS_ATTENTION,
        (_R.NEEDS_ATTENTION, _E.UNCLEAR): _R.NEEDS_ATTENTION,
        (_R.NEEDS_ATTENTION, _E.REFUNDED): _R.NEEDS_ATTENTION,
        (_R.NEEDS_ATTENTION, _E.DECLINED): _R.NEEDS_ATTENTION,
        (_R.NEEDS_ATTENTION, _E.ATTEMPTS_EXHAUSTED): _R.NEEDS_ATTENTION,
        (_R.NEEDS_ATTENTION, _E.RULED_REFUNDED): _R.SUCCEEDED,
        (_R.NEEDS_ATTENTION, _E.RULED_NOT_REFUNDED): _R.FAILED,
    },
)
