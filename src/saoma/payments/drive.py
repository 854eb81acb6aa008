"""Driving one payment by one step: send, ask, or undo, as its row says.

The request's own process and the workers use the same steps, and any of them may die between any two. The calls happen
outside of any transaction; what they bring goes to the hall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

import structlog

from saoma.gateway import Gateway, NoTrade
from saoma.kit.errors import NotFound
from saoma.payments.calling import asked
from saoma.payments.cancel import sending, undo
from saoma.payments.happenings import GaveUp, Opened, Queried, Sending
from saoma.payments.lifecycle import Status
from saoma.payments.model import PAYMENT_COLUMNS, Payment
from saoma.payments.record import Hall

log = structlog.get_logger(__name__)

_READ = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = %(id)s"  # noqa: S608
_CODE = "SELECT payment_code FROM payments WHERE id = %(id)s"


class Drive:
    """The steps, with what they need."""

    def __init__(self, hall: Hall, gateways: Mapping[str, Gateway], notify_url: Callable[[str], str]) -> None:
        self.hall = hall
        self.gateways = gateways
        self.notify_url = notify_url

    def gateway(self, account_id: str) -> Gateway:
        """The gateway of that account. Raises `NotFound` where none is configured."""
        try:
            return self.gateways[account_id]
        except KeyError:
            raise NotFound(f"No payment account {account_id!r} is set up.") from None

    async def read(self, payment_id: str) -> Payment:
        """The payment as its row stands. Raises `NotFound`."""
        async with self.hall.db.reading() as rows:
            return await rows.one(Payment, _READ, {"id": payment_id})

    async def step(self, payment_id: str) -> Payment:
        """Do what the payment needs now, if anything; safe to run twice, also at the same time."""
        payment = await self.read(payment_id)
        match payment.status:
            case Status.CREATED | Status.PENDING:
                return await self._follow(payment)
            case Status.CANCELLING:
                return await undo(self.hall, self.gateway(payment.account_id), payment)
            case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED:
                return payment if payment.due_at is None else (await self._ask(payment))[0]
            case Status.NEEDS_ATTENTION:
                return payment
            case _:
                assert_never(payment.status)

    async def _follow(self, payment: Payment) -> Payment:
        now = self.hall.clock.now()
        too_late = now >= payment.give_up_at
        may_send = not too_late and not sending(payment, now)
        if payment.sends == 0 and not sending(payment, now):
            # Nothing can have arrived, so there is nothing to ask for.
            return await self._give_up(payment) if too_late else await self.send(payment.id)
        payment, no_trade = await self._ask(payment)
        if payment.status is Status.PENDING and too_late:
            return await self._give_up(payment)
        # An order code that nobody has scanned is no trade yet, and stands as it was made.
        shown = bool(payment.qr_code)
        if payment.status is Status.PENDING and no_trade and may_send and not shown:
            # The published choice is to repeat the request unchanged or to cancel; repeating can still bring the sale.
            return await self.send(payment.id)
        return payment

    async def _give_up(self, payment: Payment) -> Payment:
        payment = await self.hall.apply(payment.id, GaveUp())
        if payment.status is Status.CANCELLING:
            return await undo(self.hall, self.gateway(payment.account_id), payment)
        return payment

    async def _ask(self, payment: Payment) -> tuple[Payment, bool]:
        asked_at = self.hall.clock.now()
        gateway = self.gateway(payment.account_id)
        report = await asked(gateway.query(payment.order_number, payment.money), "query")
        return await self.hall.apply_to(payment, Queried(report, asked_at)), isinstance(report, NoTrade)

    async def send(self, payment_id: str) -> Payment:
        """Send the request (again), unless someone else is at it, has ended it, or its time is over."""
        async with self.hall.db.transaction() as tx:
            payment = await self.hall.lock(tx, payment_id)
            now = self.hall.clock.now()
            open_ = payment.status in (Status.CREATED, Status.PENDING)
            if not open_ or sending(payment, now) or now >= payment.give_up_at:
                return payment
            payment_code = str(await tx.value(_CODE, {"id": payment_id}) or "")
            payment = await self.hall.apply_within(tx, payment, Sending())
        return await self.sent(payment, payment_code)

    async def sent(self, payment: Payment, payment_code: str) -> Payment:
        """The request of a payment whose sending is committed: let it leave now, and record the answer."""
        asked_at = self.hall.clock.now()
        gateway = self.gateway(payment.account_id)
        charge = payment.charge(payment_code, self.notify_url(payment.account_id))
        report = await asked(gateway.open(charge), "open")
        payment = await self.hall.apply_to(payment, Opened(report, asked_at))
        if payment.status is Status.CANCELLING:
            return await undo(self.hall, gateway, payment)
        return payment
