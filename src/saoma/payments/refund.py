"""Giving money back: a refund is a row before it is a request, and keeps its number until the answer is final.

The sum is guarded twice: under the payment's lock when a refund is asked for, and by the book's own constraint."""

from __future__ import annotations

import msgspec

from saoma.gateway import Gateway
from saoma.kit.db import Transaction, json_column
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments.calling import asked
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import REFUND_COLUMNS, Payment, Refund, refund_fingerprint
from saoma.payments.patience import GiveUp, next_refund
from saoma.payments.record import Hall, tell_screens
from saoma.payments.settling import LEASE

_READ = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = %(id)s"  # noqa: S608
_OF_KEY = f"""
SELECT {REFUND_COLUMNS}, fingerprint FROM refunds WHERE payment_id = %(payment_id)s AND key = %(key)s
"""  # noqa: S608
_INSERT = f"""
WITH born AS (
    INSERT INTO refunds ({REFUND_COLUMNS}, key, fingerprint)
    VALUES ({", ".join(f"%({name})s" for name in Refund.__struct_fields__)}, %(key)s, %(fingerprint)s)
    RETURNING id, payment_id
), reserved AS (
    UPDATE payments SET refund_reserved = refund_reserved + %(amount)s, version = version + 1
    WHERE id = %(payment_id)s
)
INSERT INTO payment_events (payment_id, refund_id, at, door, event, status_before, status_after, said_by)
SELECT payment_id, id, %(created_at)s, 'start', 'submitted', 'requested', 'pending', %(requested_by)s FROM born
"""  # noqa: S608


class _Keyed(Refund, frozen=True, kw_only=True):
    fingerprint: str


async def request(
    hall: Hall, tx: Transaction, payment_id: str, amount: Money, reason: str, by: str, key: str, lines: list[str]
) -> tuple[Refund, bool]:
    """Write the wish under the payment's lock; whether it is new comes second.

    Raises `Invalid` for an amount that is not there to give back, `Conflict` for a payment that was not paid or a
    known key with other content, `NotFound`."""
    payment = await hall.lock(tx, payment_id)
    fingerprint = refund_fingerprint(amount, reason, lines)
    known = await tx.maybe(_Keyed, _OF_KEY, {"payment_id": payment_id, "key": key}) if key else None
    if known is not None:
        if known.fingerprint != fingerprint:
            raise Conflict("This refund was already asked for with another amount or reason. Begin a new one.")
        return Refund(**{name: getattr(known, name) for name in Refund.__struct_fields__}), False
    _check(payment, amount)
    refund_id = new_id("ref")
    now = hall.clock.now()
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        merchant_id=payment.merchant_id,
        refund_number=f"RF{refund_id.removeprefix('ref_').upper()}",
        amount=amount.minor,
        currency=amount.currency,
        status=RefundStatus.PENDING,
        reason=reason,
        requested_by=by,
        lines=lines,
        code="",
        created_at=now,
        due_at=now + LEASE,
        tries=0,
        final_at=None,
    )
    columns = msgspec.structs.asdict(refund)
    columns |= {"status": refund.status.value, "lines": json_column(lines), "key": key or refund_id}
    await tx.run(_INSERT, columns | {"fingerprint": fingerprint})
    await tell_screens(tx, payment)
    return refund, True


def _check(payment: Payment, amount: Money) -> None:
    if payment.status is not Status.SUCCEEDED:
        raise Conflict("Only money that was received can be given back. Look at the payment again.")
    if amount.currency != payment.currency:
        raise Invalid("This payment was made in {currency}; give back the same currency.", currency=payment.currency)
    if amount.minor <= 0:
        raise Invalid("Say how much to give back: the amount must be above zero.")
    if amount > payment.money_refundable:
        raise Invalid("At most {most} of this payment can still be given back.", most=payment.money_refundable)


async def read(hall: Hall, refund_id: str) -> Refund:
    """The refund as its row stands. Raises `NotFound`."""
    async with hall.db.reading() as rows:
        return await rows.one(Refund, _READ, {"id": refund_id})


async def drive(hall: Hall, gateway: Gateway, payment: Payment, refund: Refund) -> Refund:
    """Send the refund (again, unchanged) and record the answer; one that has ended is left alone."""
    if refund.status not in (RefundStatus.REQUESTED, RefundStatus.PENDING):
        return refund
    call = gateway.refund(payment.order_number, payment.trade_number, refund.refund_number, refund.money, refund.reason)
    refund = await hall.apply_refund(refund.id, payment.id, await asked(call, "refund"))
    if refund.status is RefundStatus.PENDING:
        look = next_refund(refund.created_at, hall.clock.now(), refund.tries, 0)
        if isinstance(look, GiveUp):
            return await hall.apply_refund(refund.id, payment.id, None)
    return refund
