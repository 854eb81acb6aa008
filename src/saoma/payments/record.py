"""The hall: the one place where a payment or refund changes, whatever door the news came in by.

One transaction holds the row's lock, the new state, the evidence, the ledger, what the payable is told and what the
screens are told. News that arrives twice changes nothing, but it is kept as evidence."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from saoma.gateway import NO_EVIDENCE, Evidence, RefundDeclined, Refunded, RefundReport
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction, json_column
from saoma.kit.errors import IllegalTransition
from saoma.kit.telemetry import PAYMENTS
from saoma.payments import ledger, surplus
from saoma.payments.happenings import Door, Happening, Reading, Unexplained, understand
from saoma.payments.lifecycle import REFUND, RefundEvent, RefundStatus, Status
from saoma.payments.listening import Listener
from saoma.payments.model import PAYMENT_COLUMNS, REFUND_COLUMNS, Payment, Refund
from saoma.payments.patience import GiveUp, next_refund
from saoma.payments.payable import Payable
from saoma.payments.settling import Change, settle

log = structlog.get_logger(__name__)

#: Longer answers are cut: evidence proves an outcome, it is no archive.
RAW_LIMIT = 8000

_LOCK = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = %(id)s FOR UPDATE"  # noqa: S608
_LOCK_REFUND = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = %(id)s FOR UPDATE"  # noqa: S608

#: What `Transaction.tell` writes, as a part of a larger statement; `source` names a part with one row or none.
TELL = """told AS (
    INSERT INTO live_events (topic, kind, data)
    SELECT topic, 'payment', %(news)s FROM {source}, unnest(%(topics)s::text[]) AS topic
)"""
_REFUND_EVIDENCE = """
INSERT INTO payment_events (payment_id, refund_id, at, door, event, status_before, status_after, source, code, signed,
                            said_by, raw)
VALUES (%(id)s, %(refund_id)s, %(now)s, %(door)s, %(event)s, %(status_before)s, %(status)s, %(source)s, %(said)s,
        %(signed)s, %(said_by)s, %(raw)s)
"""
#: A change travels as one statement, so that the hall costs as few round trips as it can. It takes effect only on the
#: version of the row that was decided upon, and then altogether.
_CHANGE = f"""
WITH changed AS (
    UPDATE payments SET status = %(status)s, code = %(code)s, trade_number = %(trade_number)s,
        buyer_id = %(buyer_id)s, buyer_login = %(buyer_login)s, qr_code = %(qr_code)s, gave_back = %(gave_back)s,
        trade_closed = %(trade_closed)s, booked = %(booked)s, payable_state = %(payable_state)s, sends = %(sends)s,
        sending_until = %(sending_until)s, opened_at = %(opened_at)s, looked_at = %(looked_at)s,
        give_up_at = %(give_up_at)s, due_at = %(due_at)s, tries = %(tries)s, paid_at = %(paid_at)s,
        final_at = %(final_at)s, version = version + 1,
        payment_code = CASE WHEN %(status)s IN ('created', 'pending') THEN payment_code ELSE '' END
    WHERE id = %(id)s AND version = %(version)s RETURNING id
), evidence AS (
    INSERT INTO payment_events (payment_id, at, door, event, status_before, status_after, source, code, signed,
                                said_by, raw)
    SELECT id, %(now)s, %(door)s, %(event)s, %(status_before)s, %(status)s, %(source)s, %(said)s,
           %(signed)s::boolean, %(said_by)s, %(raw)s FROM changed
), posting AS (
    INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payment_id)
    SELECT %(now)s, %(posting)s, %(merchant_id)s, %(giver)s, %(taker)s, %(posted)s, %(currency)s, id
    FROM changed WHERE %(posting)s <> ''
), {TELL.format(source="changed")}
SELECT count(*) FROM changed
"""  # noqa: S608
#: The driver parses a statement anew at every call that brings more than 50 values, so it gets none it does not use.
_CHANGED = [name for name in Payment.__struct_fields__ if f"%({name})s" in _CHANGE]


class Hall:
    """Applies what happened. Every other module of this room asks it to; none changes a payment itself."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        payables: Mapping[str, Payable],
        jitter: Callable[[], float] = random.random,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.db = db
        self.clock = clock
        self.payables = payables
        self.jitter = jitter
        self.listeners = listeners

    async def apply(self, payment_id: str, *happenings: Happening) -> Payment:
        """Apply `happenings` in a transaction of their own, in order; the payment as it stands then.

        Raises `NotFound`, and `IllegalTransition` (after logging it) for an event the lifecycle has no row for."""
        async with self.db.transaction() as tx:
            payment = await self.lock(tx, payment_id)
            for happening in happenings:
                payment = await self.apply_within(tx, payment, happening)
        return payment

    async def lock(self, tx: Transaction, payment_id: str) -> Payment:
        """The payment, locked until the transaction ends. Raises `NotFound`."""
        return await tx.one(Payment, _LOCK, {"id": payment_id})

    async def apply_within(self, tx: Transaction, payment: Payment, happening: Happening) -> Payment:
        """Apply `happening` to a payment that `tx` has locked."""
        after = await self._try(tx, payment, happening)
        if after is None:
            raise RuntimeError(f"{payment.id} changed under its lock")
        return after

    async def apply_to(self, payment: Payment, happening: Happening) -> Payment:
        """Apply `happening` to a payment that was just read or written, without reading it again.

        Should it have changed meanwhile, nothing of this is written, and it goes the long way round."""
        reading, change, now = self._settled(payment, happening)
        if change.quiet and change.payment.status is payment.status:
            # Most news is that there is none: one statement that begins and ends by itself.
            async with self.db.statement() as tx:
                after = change.payment if await self._write(tx, payment, change, reading, now) else None
        else:
            async with self.db.transaction() as tx:
                after = await self._try(tx, payment, happening)
        return after or await self.apply(payment.id, happening)

    def _settled(self, payment: Payment, happening: Happening) -> tuple[Reading, Change, datetime]:
        """What `happening` says and what it changes now. Raises `IllegalTransition` after logging it."""
        now = self.clock.now()
        reading = understand(payment, happening)
        try:
            change = settle(payment, reading, now, self.jitter())
        except IllegalTransition:
            log.error(
                "payment.illegal_event",
                payment=payment.id,
                status=payment.status.value,
                event_name=reading.event.value,
                door=reading.door.value,
                source=reading.evidence.source,
                said=reading.evidence.code,
            )
            PAYMENTS.labels(payment.method.value, "illegal_event").inc()
            raise
        return reading, change, now

    async def _try(self, tx: Transaction, payment: Payment, happening: Happening) -> Payment | None:
        """Apply `happening` to this very version of the row; None, and nothing done, where that has passed."""
        reading, change, now = self._settled(payment, happening)
        if not await self._write(tx, payment, change, reading, now):
            return None
        await self._tell(tx, change)
        if change.payment.status is not payment.status:
            for listener in self.listeners:
                await listener.payment_moved(tx, change.payment)
        self._log(payment, change.payment, reading)
        return change.payment

    async def _write(self, tx: Transaction, before: Payment, change: Change, reading: Reading, now: datetime) -> bool:
        after = change.payment
        giver, taker = ledger.SALES, ledger.clearing_account(after.method)
        if change.reverse_sale:
            giver, taker = taker, giver
        params = {name: getattr(after, name) for name in _CHANGED} | _said(reading.evidence)
        params |= {
            "version": before.version,
            "status": after.status.value,
            "status_before": before.status.value,
            "now": now,
            "door": reading.door.value,
            "event": reading.event.value,
            "said": reading.evidence.code or reading.code or "",
            "said_by": reading.said_by,
            "posting": "sale" if change.book_sale else "reversal" if change.reverse_sale else "",
            # What was refunded has gone back already: only the rest is undone.
            "posted": after.amount - after.refunded if change.reverse_sale else after.amount,
            "giver": giver,
            "taker": taker,
        }
        topics = _topics(before, after)
        written = bool(await tx.value(_CHANGE, params | news(after, topics)))
        tx.told = tx.told or (written and bool(topics))
        return written

    async def _tell(self, tx: Transaction, change: Change) -> None:
        after = change.payment
        if change.tell_paid:
            await self.tell_paid(tx, after)
        if change.tell_released:
            await self.payables[after.payable_kind].released(tx, after)

    async def tell_paid(self, tx: Transaction, payment: Payment) -> None:
        """Tell the payable that its money is here; what of it nobody owed becomes a case in the same transaction."""
        beyond = await self.payables[payment.payable_kind].paid(tx, payment)
        if beyond:
            await surplus.propose(tx, payment, beyond, self.clock.now())

    def _log(self, before: Payment, after: Payment, reading: Reading) -> None:
        if before.status is after.status:
            return
        PAYMENTS.labels(after.method.value, after.status.value).inc()
        write = log.warning if after.status is Status.NEEDS_ATTENTION else log.info
        write(
            "payment.changed",
            payment=after.id,
            order_number=after.order_number,
            was=before.status.value,
            status=after.status.value,
            cause=reading.event.value,
            door=reading.door.value,
            code=after.code,
            amount=str(after.money),
        )

    async def apply_refund(self, refund_id: str, payment_id: str, report: RefundReport | None) -> Refund:
        """Apply the answer to a refund call; `report` is None when time for it has run out."""
        async with self.db.transaction() as tx:
            payment = await self.lock(tx, payment_id)
            refund = await tx.one(Refund, _LOCK_REFUND, {"id": refund_id})
            door = Door.CLOCK if report is None else Door.ANSWER
            return await self.refund_within(tx, payment, refund, report, door)

    async def refund_within(
        self, tx: Transaction, payment: Payment, refund: Refund, report: RefundReport | None, door: Door
    ) -> Refund:
        """Apply a refund's news to rows that `tx` has locked, the payment before the refund."""
        event, code, evidence = _refund_event(report)
        return await self.move_refund(tx, payment, refund, event, door, code=code, evidence=evidence)

    async def move_refund(
        self,
        tx: Transaction,
        payment: Payment,
        refund: Refund,
        event: RefundEvent,
        door: Door,
        *,
        code: str = "",
        evidence: Evidence = NO_EVIDENCE,
        said_by: str = "",
        approved_by: str = "",
    ) -> Refund:
        """Apply one event to a refund whose rows `tx` has locked. Raises `IllegalTransition`."""
        now = self.clock.now()
        status = REFUND.next(refund.status, event)
        moved = status is not refund.status
        due_at = None
        if status is RefundStatus.PENDING:
            look = next_refund(refund.created_at, now, refund.tries, self.jitter())
            due_at = now if isinstance(look, GiveUp) or refund.status is RefundStatus.REQUESTED else look
        final = status in (RefundStatus.SUCCEEDED, RefundStatus.FAILED)
        after = Refund(
            **{name: getattr(refund, name) for name in _KEPT_OF_REFUND},
            status=status,
            code=(code or refund.code) if moved or status is RefundStatus.PENDING else refund.code,
            due_at=due_at,
            final_at=(now if moved else refund.final_at) if final else None,
            approved_by=approved_by or refund.approved_by,
        )
        await tx.run(
            _CHANGE_REFUND,
            {name: getattr(after, name) for name in ("id", "code", "due_at", "final_at", "approved_by")}
            | {"status": status.value},
        )
        await tx.run(
            _REFUND_EVIDENCE,
            _evidence_params(payment.id, refund.id, door, event.value, now)
            | _said(evidence)
            | {"status_before": refund.status.value, "status": status.value, "said_by": said_by, "said": code},
        )
        if moved:
            payment = await self._refund_moved(tx, payment, refund, after)
            if after.status is RefundStatus.FAILED and payment.trade_closed and payment.status is Status.SUCCEEDED:
                # We took the trade for closed by this very refund: somebody else gave that money back.
                await self.apply_within(tx, payment, Unexplained(door, evidence))
        return after

    async def _refund_moved(self, tx: Transaction, payment: Payment, before: Refund, after: Refund) -> Payment:
        if after.status is RefundStatus.SUCCEEDED:
            sums = {"id": payment.id, "refunded": after.amount, "reserved": 0}
        elif after.status is RefundStatus.FAILED:
            sums = {"id": payment.id, "refunded": 0, "reserved": -after.amount}
        elif before.status is RefundStatus.FAILED:
            # Refused first, proven later: what was let go is set aside again until a person has ruled.
            sums = {"id": payment.id, "refunded": 0, "reserved": after.amount}
        else:
            sums = None
        if sums is not None:
            payment = await tx.one(Payment, _REFUND_SUMS, sums)
        if after.status is RefundStatus.SUCCEEDED:
            await ledger.post_refund(tx, payment, after)
            if payment.payable_state == "paid":
                await self.payables[payment.payable_kind].refunded(tx, payment, after)
        for listener in self.listeners:
            await listener.refund_moved(tx, payment, after)
        await tell_screens(tx, payment)
        PAYMENTS.labels(payment.method.value, f"refund_{after.status.value}").inc()
        write = log.warning if after.status is RefundStatus.NEEDS_ATTENTION else log.info
        write(
            "refund.changed",
            payment=payment.id,
            refund=after.id,
            was=before.status.value,
            status=after.status.value,
            code=after.code,
            amount=str(after.money),
        )
        return payment


_KEPT_OF_REFUND = tuple(
    name for name in Refund.__struct_fields__ if name not in ("status", "code", "due_at", "final_at", "approved_by")
)
_CHANGE_REFUND = """
UPDATE refunds SET status = %(status)s, code = %(code)s, due_at = %(due_at)s, final_at = %(final_at)s,
    approved_by = %(approved_by)s
WHERE id = %(id)s
"""
_REFUND_SUMS = f"""
UPDATE payments SET refunded = refunded + %(refunded)s,
    refund_reserved = least(amount, refund_reserved + %(reserved)s),
    version = version + 1
WHERE id = %(id)s RETURNING {PAYMENT_COLUMNS}
"""  # noqa: S608


def _refund_event(report: RefundReport | None) -> tuple[RefundEvent, str, Evidence]:
    if report is None:
        return RefundEvent.ATTEMPTS_EXHAUSTED, "", NO_EVIDENCE
    proven = report.evidence.signed is True
    if isinstance(report, Refunded) and proven:
        return RefundEvent.REFUNDED, report.evidence.code, report.evidence
    if isinstance(report, RefundDeclined) and report.evidence.signed is not False:
        return RefundEvent.DECLINED, report.code, report.evidence
    code = report.evidence.code if isinstance(report, Refunded) else report.code
    return RefundEvent.UNCLEAR, code, report.evidence


def _shown(payment: Payment) -> tuple[Any, ...]:
    return payment.code, payment.trade_number, payment.qr_code, payment.due_at


def topics_of(payment: Payment) -> list[str]:
    """Who watches this payment: its own page, and its store's tills."""
    return [f"payment:{payment.id}", *([f"till:{payment.store_id}"] if payment.store_id else [])]


def _topics(before: Payment, after: Payment) -> list[str]:
    if before.status is not after.status:
        return topics_of(after)
    return [f"payment:{after.id}"] if _shown(before) != _shown(after) else []


def news(payment: Payment, topics: list[str]) -> dict[str, Any]:
    """The parameters of `TELL`."""
    return {"topics": topics, "news": json_column({"payment_id": payment.id, "status": payment.status.value})}


async def tell_screens(tx: Transaction, payment: Payment) -> None:
    """Tell whoever watches this payment, and its store's tills."""
    for topic in topics_of(payment):
        await tx.tell(topic, "payment", {"payment_id": payment.id, "status": payment.status.value})


def _evidence_params(payment_id: str, refund_id: str | None, door: Door, event: str, now: datetime) -> dict[str, Any]:
    return {"id": payment_id, "refund_id": refund_id, "door": door.value, "event": event, "now": now}


def _said(evidence: Evidence) -> dict[str, Any]:
    raw = evidence.raw.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return {"source": evidence.source, "signed": evidence.signed, "raw": raw[:RAW_LIMIT]}
