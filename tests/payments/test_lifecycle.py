"""The lifecycle tables: complete and closed."""

from __future__ import annotations

import pytest

from saoma.kit.errors import IllegalTransition
from saoma.payments.lifecycle import FINAL, PAYMENT, REFUND, Event, RefundEvent, RefundStatus, Status
from saoma.payments.settling import _WHY_ATTENTION

#: Written down a second time, by hand: the pairs that can't come about, whatever the world does.
IMPOSSIBLE = {
    Status.CREATED: {
        *{Event.PAID_BEFORE_CANCEL, Event.DECLINED, Event.REPEAT_DECLINED, Event.CLOSED_BY_REFUND, Event.GIVE_UP},
        *{Event.CANCEL_CONFIRMED, Event.CANCEL_REFUSED, Event.ATTEMPTS_EXHAUSTED, Event.WINDOW_CLOSED},
        *{Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.PENDING: {
        Event.RECORDED,
        *{Event.PAID_BEFORE_CANCEL, Event.CLOSED_BY_REFUND, Event.CANCEL_CONFIRMED, Event.CANCEL_REFUSED},
        *{Event.ATTEMPTS_EXHAUSTED, Event.WINDOW_CLOSED, Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.CANCELLING: {
        Event.RECORDED,
        *{Event.SUBMITTED, Event.PAID_BEFORE_CANCEL, Event.CLOSED_BY_REFUND},
        *{Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.SUCCEEDED: {
        Event.RECORDED,
        *{Event.SUBMITTED, Event.PAID_BEFORE_CANCEL, Event.WITHDRAWN},
        *{Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.FAILED: {
        Event.RECORDED,
        *{Event.SUBMITTED, Event.PAID_BEFORE_CANCEL, Event.CLOSED_BY_REFUND, Event.WITHDRAWN, Event.CANCEL_CONFIRMED},
        *{Event.CANCEL_REFUSED, Event.ATTEMPTS_EXHAUSTED, Event.WINDOW_CLOSED},
        *{Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.CANCELLED: {
        Event.RECORDED,
        *{Event.SUBMITTED, Event.CLOSED_BY_REFUND, Event.RULED_PAID, Event.RULED_UNPAID, Event.RULED_REFUND},
    },
    Status.NEEDS_ATTENTION: {Event.SUBMITTED, Event.RECORDED},
}


@pytest.mark.parametrize("state", list(Status))
@pytest.mark.parametrize("event", list(Event))
def test_every_pair_is_allowed_or_refused_on_purpose(state: Status, event: Event) -> None:
    if event in IMPOSSIBLE[state]:
        with pytest.raises(IllegalTransition):
            PAYMENT.next(state, event)
    else:
        assert PAYMENT.next(state, event) in Status


@pytest.mark.parametrize("state", list(RefundStatus))
@pytest.mark.parametrize("event", list(RefundEvent))
def test_every_refund_pair_is_allowed_or_refused_on_purpose(state: RefundStatus, event: RefundEvent) -> None:
    ruled = event in (RefundEvent.RULED_REFUNDED, RefundEvent.RULED_NOT_REFUNDED)
    deciding = event in (RefundEvent.APPROVED, RefundEvent.REFUSED)
    sending = event in (RefundEvent.SUBMITTED, RefundEvent.HANDED_BACK)
    allowed = {
        RefundStatus.REQUESTED: deciding or event is RefundEvent.SUBMITTED,
        RefundStatus.PENDING: not ruled and not deciding,
        RefundStatus.SUCCEEDED: not ruled and not deciding and not sending,
        RefundStatus.FAILED: not ruled and not deciding and not sending,
        RefundStatus.NEEDS_ATTENTION: not deciding and not sending,
    }[state]
    assert REFUND.allows(state, event) is allowed


def test_every_state_can_be_reached() -> None:
    assert PAYMENT.reachable() == frozenset(Status)
    assert REFUND.reachable() >= frozenset(RefundStatus) - {RefundStatus.REQUESTED}


def test_nothing_but_paid_or_a_person_makes_a_payment_succeed() -> None:
    into = {event for (from_, event), to in PAYMENT.table.items() if to is Status.SUCCEEDED and from_ is not to}
    assert into == {Event.PAID, Event.RECORDED, Event.RULED_PAID, Event.RULED_REFUND}


def test_an_unclear_answer_never_moves_anything() -> None:
    assert all(PAYMENT.next(state, Event.UNCLEAR) is state for state in Status)
    assert all(to is from_ for (from_, event), to in REFUND.table.items() if event is RefundEvent.UNCLEAR)


def test_a_final_state_is_left_only_towards_a_person() -> None:
    for state in FINAL:
        onward = {PAYMENT.next(state, event) for event in PAYMENT.events_from(state)}
        assert onward <= {state, Status.NEEDS_ATTENTION}


def test_a_person_is_always_told_why() -> None:
    why = {
        event
        for (from_, event), to in PAYMENT.table.items()
        if to is Status.NEEDS_ATTENTION and from_ is not to and event is not Event.CANCEL_REFUSED
    }
    assert why == set(_WHY_ATTENTION)
