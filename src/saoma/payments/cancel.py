"""Giving up and undoing: the same cancel again and again until its outcome is certain or a person must look.

A cancel never overtakes our own pay request: it could find no trade, and the trade be paid a moment later."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from saoma.gateway import Cancelled, Gateway, Unclear
from saoma.payments.calling import asked
from saoma.payments.happenings import (
    CancelAnswered,
    CancelExhausted,
    CancelTooLate,
    GaveUp,
    Happening,
    Queried,
    never_sent,
)
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.payments.patience import GiveUp, cancel_window_ends, next_cancel
from saoma.payments.record import Hall


def sending(payment: Payment, now: datetime) -> bool:
    """Whether a request of this payment may be on its way right now."""
    return payment.sending_until is not None and payment.sending_until > now


async def undo(hall: Hall, gateway: Gateway, payment: Payment) -> Payment:
    """One step of undoing a payment that is `cancelling`."""
    now = hall.clock.now()
    if sending(payment, now):
        return payment
    if never_sent(payment):
        return await hall.apply(payment.id, GaveUp())
    if now >= cancel_window_ends(payment.opened_at or payment.created_at):
        return await _last_question(hall, gateway, payment, CancelTooLate())
    report = await asked(gateway.cancel(payment.order_number, payment.trade_number, now), "cancel")
    last = isinstance(next_cancel(now, payment.tries, 0), GiveUp)
    news: list[Happening] = [CancelAnswered(report)]
    if isinstance(report, Cancelled) and not report.gave_back:
        # An earlier cancel, unheard of, may have returned money. A query tells a closed trade, whose late notices are
        # then known for what they are, from no trade at all; as long as it can't, the cancel is repeated.
        asked_at = hall.clock.now()
        trade = await asked(gateway.query(payment.order_number, payment.money), "query")
        clear = trade.evidence.signed is True and not isinstance(trade, Unclear)
        if not clear and not last:
            news = [CancelAnswered(Unclear(report.evidence.code, report.evidence))]
        news.append(Queried(trade, asked_at))
    payment = await hall.apply(payment.id, *news)
    if payment.status is Status.CANCELLING and last:
        return await _last_question(hall, gateway, payment, CancelExhausted())
    return payment


async def _last_question(
    hall: Hall, gateway: Gateway, payment: Payment, otherwise: CancelTooLate | CancelExhausted
) -> Payment:
    """Before a person is called: a trade that is closed needs no cancel any more."""
    asked_at = hall.clock.now()
    report = await asked(gateway.query(payment.order_number, payment.money), "query")
    payment = await hall.apply(payment.id, Queried(report, asked_at))
    if payment.status is Status.CANCELLING:
        return await hall.apply(payment.id, otherwise)
    return payment


async def give_up(hall: Hall, gateway: Gateway, payment_id: str, by: str) -> Payment:
    """Stop a payment for good and undo it at once; one that has ended meanwhile stays as it is."""
    payment = await hall.apply(payment_id, GaveUp(by))
    match payment.status:
        case Status.CANCELLING:
            return await undo(hall, gateway, payment)
        case (
            Status.CREATED
            | Status.PENDING
            | Status.SUCCEEDED
            | Status.FAILED
            | Status.CANCELLED
            | Status.NEEDS_ATTENTION
        ):
            return payment
        case _:
            assert_never(payment.status)
