"""The payment core's front: what other rooms may ask for.

Everything here may be called from any process, twice and at the same time; nothing here believes a client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from saoma.gateway import Gateway, Saying
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.due import DueWork
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments import arrivals, by_staff, cancel, refund, take
from saoma.payments.attention import Attention
from saoma.payments.cases import close_cases_of
from saoma.payments.codes import Codes
from saoma.payments.drive import Drive
from saoma.payments.happenings import NO_CODE, Ruled, Ruling
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.listening import Listener
from saoma.payments.model import (
    EVENT_COLUMNS,
    PAYMENT_COLUMNS,
    REFUND_COLUMNS,
    NewPayment,
    NoticeAnswer,
    Payment,
    PaymentEvent,
    Refund,
)
from saoma.payments.notices import NoticeDoor
from saoma.payments.of_payable import payments_for
from saoma.payments.payable import Payable
from saoma.payments.record import Hall
from saoma.payments.settling import LEASE

log = structlog.get_logger(__name__)

_OF_ORDER = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE account_id = %(account_id)s AND order_number = %(order_number)s
"""  # noqa: S608
_REFUNDS = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE payment_id = %(id)s ORDER BY created_at, id"  # noqa: S608
#: So often a code is asked for, under a new number each time; then it is better to pay another way.
_CODES_TRIED = 3
_STORY = f"SELECT {EVENT_COLUMNS} FROM payment_events WHERE payment_id = %(id)s ORDER BY id"  # noqa: S608
#: A phone may report as often as it likes; it makes us ask at most once a second.
_NUDGE = """
UPDATE payments SET due_at = %(until)s, looked_at = %(now)s
WHERE id = %(id)s AND status IN ('created', 'pending', 'cancelling')
  AND (looked_at IS NULL OR looked_at <= %(a_moment_ago)s)
"""


class _Payables(Mapping[str, Payable]):
    """The payables of other rooms, which may come later, and our own inbox."""

    def __init__(self, others: Mapping[str, Payable], inbox: Payable) -> None:
        self._others = others
        self._inbox = inbox

    def __getitem__(self, kind: str) -> Payable:
        return self._inbox if kind == arrivals.KIND else self._others[kind]

    def __iter__(self) -> Iterator[str]:
        yield from self._others
        yield arrivals.KIND

    def __len__(self) -> int:
        return len(self._others) + 1


class Payments:
    """Takes, follows, undoes and gives back money. `notify_url` tells each account's address for notices."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        gateways: Mapping[str, Gateway],
        payables: Mapping[str, Payable],
        notify_url: Callable[[str], str],
        jitter: Callable[[], float] = random.random,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.db = db
        self.clock = clock
        self.gateways = gateways
        self.arrivals = arrivals.Arrivals()
        self.codes = Codes(db, clock, gateways, notify_url)
        every = _Payables(payables, self.arrivals)
        self.hall = self.arrivals.hall = Hall(db, clock, every, jitter, (Attention(clock, every), *listeners))
        self._drive = Drive(self.hall, gateways, notify_url)
        self._notices = NoticeDoor(self.hall, gateways, self.arrivals)
        self._running: set[asyncio.Task[Payment]] = set()

    async def take(self, new: NewPayment) -> Payment:
        """Begin a payment and send it at once; comes back with the first answer, or as soon as it is time to ask.

        A key that is known with the same content gives that payment as it stands. Raises `Invalid`, `Conflict`,
        `NotFound` for an account that is not set up."""
        self._drive.gateway(new.account_id)
        async with self.db.transaction() as tx:
            payment, is_new = await take.insert(self.hall, tx, new, send_now=True)
        if not is_new:
            return payment
        return await self._meanwhile(self._drive.sent(payment, new.payment_code), payment)

    async def take_by_order_code(self, new: NewPayment) -> Payment:
        """Begin a payment whose code is shown to the customer: `qr_code` of what comes back.

        A payment that got no code is undone and stays in the book; another one with a number of its own takes its
        place, and a repeated call finds the same chain again. Raises as `take` does."""
        key = new.key or new_id("key")
        payment = await self.take(replace(new, key=key))
        for attempt in range(2, _CODES_TRIED + 1):
            if payment.code != NO_CODE or payment.status is not Status.CANCELLED:
                break
            payment = await self.take(replace(new, key=f"{key}:{attempt}"))
        return payment

    async def record(self, new: NewPayment, given: Money | None = None, reference: str = "") -> Payment:
        """Write down money that staff took themselves (cash, card terminal, account); it has succeeded when this ends.

        `given` is the cash on the counter, `reference` a slip's number or an account's name. The same key is the same
        payment. Raises `Invalid` when less was given than is to be paid, `Conflict` as `take` does."""
        return await by_staff.record(self.hall, new, given, reference)

    async def start(self, new: NewPayment) -> Payment:
        """Begin a payment and leave the sending to a worker. Raises as `take` does."""
        self._drive.gateway(new.account_id)
        async with self.db.transaction() as tx:
            payment, _ = await take.insert(self.hall, tx, new, send_now=False)
        return payment

    async def _meanwhile(self, work: Coroutine[Any, Any, Payment], payment: Payment) -> Payment:
        """Wait for `work`, but not longer than a person would: it goes on without us, also when the caller leaves."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=payment.patience.first_query.total_seconds())
        return task.result() if done else await self.get(payment.id)

    def _ended(self, task: asyncio.Task[Payment]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            # Whoever still waits sees it too; the row's lease brings the payment back in any case.
            log.error("payment.step_failed", error=repr(fault))

    async def close(self) -> None:
        """Let what is on its way come home; call it before the database closes."""
        if self._running:
            await asyncio.wait(self._running)

    async def drive(self, payment_id: str) -> Payment:
        """Do what the payment needs now: send, ask or undo. Raises `NotFound`."""
        return await self._drive.step(payment_id)

    async def nudge(self, payment_id: str) -> Payment:
        """Something was reported by a phone or a till: ask the provider soon, and believe only its answer."""
        now = self.clock.now()
        moment = {"id": payment_id, "now": now, "until": now + LEASE, "a_moment_ago": now - timedelta(seconds=1)}
        async with self.db.reading() as rows:
            claimed = await rows.run(_NUDGE, moment)
        payment = await self.get(payment_id)
        if not claimed:
            return payment
        return await self._meanwhile(self._drive.step(payment_id), payment)

    async def give_up(self, payment_id: str, by: str) -> Payment:
        """Someone wants no more of this payment: undo it until that is certain. Raises `NotFound`.

        One that was paid a moment earlier stays paid: look at the status that comes back."""
        payment = await self.get(payment_id)
        gateway = self._drive.gateway(payment.account_id)
        return await self._meanwhile(cancel.give_up(self.hall, gateway, payment_id, by), payment)

    async def refund(
        self,
        payment_id: str,
        amount: Money,
        reason: str,
        by: str,
        refund_key: str,
        lines: list[str] | None = None,
        alone: Money | None = None,
    ) -> Refund:
        """Give money back and wait for one answer. `lines` names the order lines it is for, where there are any.

        `alone` is how much of one payment `by` may give back without a second person (None: any amount); above that
        the refund comes back `requested`. The same `refund_key` gives the same refund. Raises `Invalid`, `Conflict`,
        `NotFound`."""
        async with self.db.transaction() as tx:
            wanted, is_new = await refund.request(
                self.hall, tx, payment_id, amount, reason, by, refund_key, list(lines or []), alone
            )
        return await self.drive_refund(wanted.id) if is_new else wanted

    async def approve_refund(self, refund_id: str, by: str) -> Refund:
        """A second person lets a waiting refund go, and waits for one answer.

        Raises `NotAllowed` for the person who asked for it, `Conflict` for one that does not wait, `NotFound`."""
        async with self.db.transaction() as tx:
            await refund.approve(self.hall, tx, refund_id, by)
        return await self.drive_refund(refund_id)

    async def refuse_refund(self, refund_id: str, by: str, reason: str = "") -> Refund:
        """A waiting refund won't be made; who asked may withdraw it so. Raises `Conflict`, `NotFound`."""
        async with self.db.transaction() as tx:
            return await refund.refuse(self.hall, tx, refund_id, by, reason)

    async def drive_refund(self, refund_id: str) -> Refund:
        """Send a refund that is not final (again), unchanged. Raises `NotFound`."""
        wanted = await refund.read(self.hall, refund_id)
        if wanted.status is not RefundStatus.PENDING:
            return wanted
        payment = await self.get(wanted.payment_id)
        return await refund.drive(self.hall, self._drive.gateway(payment.account_id), payment, wanted)

    async def notified(self, account_id: str, fields: Mapping[str, str]) -> NoticeAnswer:
        """A message was posted to this account's address: check it, apply it, and say what to answer."""
        return await self._notices.take(account_id, fields)

    async def notified_unreadably(self, account_id: str, body: bytes) -> NoticeAnswer:
        """What was posted to this account's address is no form at all: keep a trace of it, and change nothing."""
        return await self._notices.unreadable(account_id, body)

    async def rule(self, payment_id: str, ruling: Ruling, by: str, reason: str) -> Payment:
        """A person decides about a payment that needs attention; with `REFUND` all of it goes back.

        Its cases are closed with it. Raises `IllegalTransition` for one that needs no ruling."""
        async with self.db.transaction() as tx:
            refund_id = await self.rule_within(tx, payment_id, ruling, by, reason)
        if refund_id:
            await self.drive_refund(refund_id)
        return await self.get(payment_id)

    async def rule_within(self, tx: Transaction, payment_id: str, ruling: Ruling, by: str, reason: str) -> str:
        """The same within `tx`; the id of the refund to drive once it is committed, or nothing."""
        payment = await self.hall.lock(tx, payment_id)
        # What the ruling brings about may be a case of its own: only those it answers are closed.
        await close_cases_of(tx, "payment", payment_id, by, ruling.value, reason, self.clock.now())
        payment = await self.hall.apply_within(tx, payment, Ruled(ruling, by, reason))
        if ruling is not Ruling.REFUND:
            return ""
        wanted, _ = await refund.request(
            self.hall, tx, payment_id, payment.money_refundable, reason, by, f"ruling:{payment_id}", []
        )
        return wanted.id

    async def rule_refund(self, refund_id: str, by: str, reason: str, *, given_back: bool) -> Refund:
        """A person who has asked the provider says what became of a refund that needs attention.

        Its cases are closed with it. Raises `IllegalTransition` for one that needs no ruling, `NotFound`."""
        async with self.db.transaction() as tx:
            ruled = await refund.rule(self.hall, tx, refund_id, by, reason, given_back=given_back)
            await close_cases_of(tx, "refund", refund_id, by, ruled.code, reason, self.clock.now())
        return ruled

    async def get(self, payment_id: str) -> Payment:
        """The payment as it stands. Raises `NotFound`."""
        return await self._drive.read(payment_id)

    async def of_order(self, account_id: str, order_number: str) -> Payment | None:
        """The payment that went over the wire under this number."""
        async with self.db.reading() as rows:
            return await rows.maybe(Payment, _OF_ORDER, {"account_id": account_id, "order_number": order_number})

    async def of_payable(self, kind: str, id: str) -> list[Payment]:
        """All payments for one bill, oldest first."""
        async with self.db.reading() as rows:
            return await payments_for(rows, kind, id)

    async def refunds_of(self, payment_id: str) -> list[Refund]:
        """All refunds of one payment, oldest first."""
        async with self.db.reading() as rows:
            return await rows.rows(Refund, _REFUNDS, {"id": payment_id})

    async def story(self, payment_id: str) -> list[PaymentEvent]:
        """Everything that ever reached this payment, in order."""
        async with self.db.reading() as rows:
            return await rows.rows(PaymentEvent, _STORY, {"id": payment_id})

    def say(self, payment: Payment) -> Saying:
        """The sentences for where this payment stands by its provider's last word."""
        return self._drive.gateway(payment.account_id).say(payment.code)

    def works(self) -> list[DueWork]:
        """What a worker must drive."""

        async def payment(payment_id: str) -> None:
            await self.drive(payment_id)

        async def refund_(refund_id: str) -> None:
            await self.drive_refund(refund_id)

        return [
            DueWork("payments", "payments", LEASE, payment),
            DueWork("refunds", "refunds", LEASE, refund_),
        ]
