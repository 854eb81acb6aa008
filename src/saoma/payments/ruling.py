"""Rulings: a person decides a case, with a reason; above a set amount a second person confirms before anything moves.

The case, the payment and the audit line change in one transaction, or none of them does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict, IllegalTransition, Invalid
from saoma.payments import refund
from saoma.payments.cases import (
    Case,
    CaseEvent,
    CaseStatus,
    Move,
    apply_event,
    case,
    close_cases_of,
    lock_case,
    verdict,
)
from saoma.payments.happenings import Ruling
from saoma.payments.payments import Payments
from saoma.payments.surplus import still_beyond

_OF_PAYMENT: Final = {Move.PAID: Ruling.PAID, Move.UNPAID: Ruling.UNPAID, Move.REFUND: Ruling.REFUND}

MOVED_ON: Final = "This has moved on meanwhile. Load the page again and look at the case."

#: Written in the ruling's transaction: who did what, for the audit trail of the room that asks.
Noting = Callable[[Transaction, Case], Awaitable[None]]


class Rulings:
    """Decides cases. `above` is how many whole units of a currency one person may move alone."""

    def __init__(self, payments: Payments, above: int) -> None:
        self._payments = payments
        self.above = above

    async def rule(self, case_id: str, move: Move, by: str, reason: str, note: Noting | None = None) -> Case:
        """Carry out a move, or propose it to a second person, or confirm what somebody else proposed.

        Raises `Invalid` without a reason, `Conflict` for a move that is not (or no longer) allowed, `NotFound`."""
        payments = self._payments
        async with payments.db.reading() as rows:
            known = await case(rows, case_id)
        async with payments.db.transaction() as tx:
            # Payments are always locked before their cases, as by the hall.
            if known.subject_kind == "payment":
                await payments.hall.lock(tx, known.subject_id)
            await self._lock_payment_of_refund(tx, known)
            found = await lock_case(tx, case_id)
            decided = verdict(found, move, by, reason, self.above)
            after = await apply_event(
                tx, found, decided.event, by=by, move=move.value, reason=reason.strip(), now=payments.clock.now()
            )
            to_drive = await self._act(tx, after, move, by) if decided.act else ""
            if note is not None:
                await note(tx, after)
        if to_drive:
            await payments.drive_refund(to_drive)
        return after

    async def _lock_payment_of_refund(self, tx: Transaction, known: Case) -> None:
        if known.subject_kind == "refund":
            payment_id = await tx.value("SELECT payment_id FROM refunds WHERE id = %(id)s", {"id": known.subject_id})
            await self._payments.hall.lock(tx, str(payment_id))

    async def _act(self, tx: Transaction, about: Case, move: Move, by: str) -> str:
        """Do to the payment or refund what was decided; the id of a refund to drive, or nothing."""
        payments = self._payments
        who = f"{about.moved_by}, {about.confirmed_by}" if about.confirmed_by else by
        try:
            if about.subject_kind == "payment" and move in _OF_PAYMENT:
                return await payments.rule_within(tx, about.subject_id, _OF_PAYMENT[move], who, about.reason)
            if about.subject_kind == "payment" and move is Move.GIVE_BACK and about.money is not None:
                payment = await payments.hall.lock(tx, about.subject_id)
                payable = payments.hall.payables.get(payment.payable_kind)
                await still_beyond(tx, payable, payment, about.money)
                wanted, _ = await refund.request(
                    payments.hall, tx, about.subject_id, about.money, about.reason, who, f"case:{about.id}", []
                )
                return wanted.id
            if about.subject_kind == "refund" and move in (Move.REFUNDED, Move.NOT_REFUNDED):
                given_back = move is Move.REFUNDED
                await refund.rule(payments.hall, tx, about.subject_id, who, about.reason, given_back=given_back)
                await close_cases_of(tx, "refund", about.subject_id, by, move.value, about.reason, payments.clock.now())
        except IllegalTransition:
            raise Conflict(MOVED_ON) from None
        return ""

    async def send_back(self, case_id: str, by: str, reason: str, note: Noting | None = None) -> Case:
        """Take a proposal off the table: the case is open again. Raises `Invalid`, `Conflict`, `NotFound`."""
        if not reason.strip():
            raise Invalid("Write why: the reason is kept with the ruling.")
        async with self._payments.db.transaction() as tx:
            found = await lock_case(tx, case_id)
            if found.status is not CaseStatus.PROPOSED:
                raise Conflict(MOVED_ON)
            now = self._payments.clock.now()
            after = await apply_event(
                tx, found, CaseEvent.WITHDRAWN, by=by, move=found.move, reason=reason.strip(), now=now
            )
            if note is not None:
                await note(tx, after)
        return after
