"""Giving money back: a refund is a row before it is a request, and keeps its number until the answer is final.

The sum is guarded twice: under the payment's lock when a refund is asked for, and by the book's own constraint. A
refund above what its asker may give back alone is set aside at once, but waits for a second person."""

from __future__ import annotations

import msgspec

from saoma.gateway import BY_STAFF, Gateway
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, Invalid, NotAllowed
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments.calling import asked
from saoma.payments.happenings import Door
from saoma.payments.lifecycle import RefundEvent, RefundStatus, Status
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
SELECT payment_id, id, %(created_at)s, 'start', %(event)s, 'requested', %(status)s, %(requested_by)s FROM born
"""  # noqa: S608
_LOCK = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = %(id)s AND payment_id = %(payment_id)s FOR UPDATE"  # noqa: S608
_ASKED_BEFORE = """
SELECT coalesce(sum(amount), 0)::bigint FROM refunds
WHERE payment_id = %(payment_id)s AND requested_by = %(by)s AND approved_by = '' AND status <> 'failed'
"""
_WAITING = f"""
SELECT {", ".join(f"r.{name}" for name in Refund.__struct_fields__)}
FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
WHERE r.status = 'requested' AND r.merchant_id = %(merchant_id)s
  AND (%(store_id)s = '' OR p.store_id = %(store_id)s) ORDER BY r.created_at, r.id
"""  # noqa: S608

SAME_PERSON = "Somebody else must look at this: nobody approves their own refund."
ALREADY_DECIDED = "This refund was decided already. Look at it again."


class _Keyed(Refund, frozen=True, kw_only=True):
    fingerprint: str


async def request(
    hall: Hall,
    tx: Transaction,
    payment_id: str,
    amount: Money,
    reason: str,
    by: str,
    key: str,
    lines: list[str],
    alone: Money | None = None,
) -> tuple[Refund, bool]:
    """Write the wish under the payment's lock; whether it is new comes second.

    `alone` is how much of one payment its asker may give back without a second person, in one or in several refunds;
    None is no limit. What staff took themselves is given back by them: such a refund succeeds here and now. Raises
    `Invalid` for an amount that is not there to give back, `Conflict` for a payment that was not paid or a known key
    with other content, `NotFound`."""
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
    waits = await _needs_a_second_person(tx, payment.id, amount, by, alone)
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        merchant_id=payment.merchant_id,
        refund_number=f"RF{refund_id.removeprefix('ref_').upper()}",
        amount=amount.minor,
        currency=amount.currency,
        status=RefundStatus.REQUESTED if waits else RefundStatus.PENDING,
        reason=reason,
        requested_by=by,
        approved_by="",
        lines=lines,
        code="",
        created_at=now,
        due_at=None if waits else now + LEASE,
        tries=0,
        final_at=None,
    )
    columns = msgspec.structs.asdict(refund)
    columns |= {"status": refund.status.value, "lines": json_column(lines), "key": key or refund_id}
    columns |= {"event": "requested" if waits else "submitted", "fingerprint": fingerprint}
    await tx.run(_INSERT, columns)
    await tell_screens(tx, payment)
    if not waits:
        payment = await hall.lock(tx, payment.id)
        refund = await _by_hand(hall, tx, payment, refund, by)
    return refund, True


async def _needs_a_second_person(tx: Transaction, payment_id: str, amount: Money, by: str, alone: Money | None) -> bool:
    if alone is None:
        return False
    before = await tx.value(_ASKED_BEFORE, {"payment_id": payment_id, "by": by})
    return alone.currency != amount.currency or int(before) + amount.minor > alone.minor


async def _by_hand(hall: Hall, tx: Transaction, payment: Payment, refund: Refund, by: str) -> Refund:
    """Nobody but staff can give back what staff took: the drawer is open, and this is done."""
    if payment.method not in BY_STAFF:
        return refund
    return await hall.move_refund(
        tx, payment, refund, RefundEvent.HANDED_BACK, Door.PERSON, code="handed_back", said_by=by
    )


async def _locked(hall: Hall, tx: Transaction, refund_id: str) -> tuple[Payment, Refund]:
    known = await tx.one(Refund, _READ, {"id": refund_id})
    payment = await hall.lock(tx, known.payment_id)
    return payment, await tx.one(Refund, _LOCK, {"id": refund_id, "payment_id": payment.id})


async def approve(hall: Hall, tx: Transaction, refund_id: str, by: str) -> Refund:
    """A second person agrees; the refund may go. Whether their role allows that is for the caller to know.

    Raises `NotAllowed` for the person who asked, `Conflict` for a refund that is not waiting, `NotFound`."""
    payment, refund = await _waiting(hall, tx, refund_id, by)
    refund = await hall.move_refund(tx, payment, refund, RefundEvent.APPROVED, Door.PERSON, said_by=by, approved_by=by)
    return await _by_hand(hall, tx, payment, refund, by)


async def refuse(hall: Hall, tx: Transaction, refund_id: str, by: str, reason: str) -> Refund:
    """Somebody does not agree: nothing was sent, and what was set aside is free again.

    Who asked may take it back this way. Raises `Conflict` for a refund that is not waiting, `NotFound`."""
    payment, refund = await _waiting(hall, tx, refund_id, "")
    said_by = f"{by}: {reason}" if reason else by
    return await hall.move_refund(
        tx, payment, refund, RefundEvent.REFUSED, Door.PERSON, code="refused", said_by=said_by
    )


async def _waiting(hall: Hall, tx: Transaction, refund_id: str, by: str) -> tuple[Payment, Refund]:
    payment, refund = await _locked(hall, tx, refund_id)
    if by and by == refund.requested_by:
        raise NotAllowed(SAME_PERSON)
    if refund.status is not RefundStatus.REQUESTED:
        raise Conflict(ALREADY_DECIDED)
    return payment, refund


async def rule(hall: Hall, tx: Transaction, refund_id: str, by: str, reason: str, *, given_back: bool) -> Refund:
    """A person who has asked the provider says what became of a refund that needs attention.

    Raises `IllegalTransition` for a refund that needs no ruling, `NotFound`."""
    payment, refund = await _locked(hall, tx, refund_id)
    event = RefundEvent.RULED_REFUNDED if given_back else RefundEvent.RULED_NOT_REFUNDED
    return await hall.move_refund(tx, payment, refund, event, Door.RULING, code=event.value, said_by=f"{by}: {reason}")


def _check(payment: Payment, amount: Money) -> None:
    if payment.status is not Status.SUCCEEDED:
        raise Conflict("Only money that was received can be given back. Look at the payment again.")
    if amount.currency != payment.currency:
        raise Invalid("This payment was made in {currency}; give back the same currency.", currency=payment.currency)
    if amount.minor <= 0:
        raise Invalid("Say how much to give back: the amount must be above zero.")
    if amount > payment.money_refundable:
        raise Invalid("At most {most} of this payment can still be given back.", most=payment.money_refundable)


async def waiting(rows: Rows, merchant_id: str, store_id: str = "") -> list[Refund]:
    """The refunds of a merchant, or of one store, that wait for a second person, oldest first."""
    return await rows.rows(Refund, _WAITING, {"merchant_id": merchant_id, "store_id": store_id})


async def read(hall: Hall, refund_id: str) -> Refund:
    """The refund as its row stands. Raises `NotFound`."""
    async with hall.db.reading() as rows:
        return await rows.one(Refund, _READ, {"id": refund_id})


async def drive(hall: Hall, gateway: Gateway, payment: Payment, refund: Refund) -> Refund:
    """Send the refund (again, unchanged) and record the answer; one that waits or has ended is left alone."""
    if refund.status is not RefundStatus.PENDING:
        return refund
    call = gateway.refund(payment.order_number, payment.trade_number, refund.refund_number, refund.money, refund.reason)
    refund = await hall.apply_refund(refund.id, payment.id, await asked(call, "refund"))
    if refund.status is RefundStatus.PENDING:
        look = next_refund(refund.created_at, hall.clock.now(), refund.tries, 0)
        if isinstance(look, GiveUp):
            return await hall.apply_refund(refund.id, payment.id, None)
    return refund
