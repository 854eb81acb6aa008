"""The ways to pay, whatever is bought: in the wallet's page, and by the code that a till scans.

Nothing here decides whether money moved: it asks the payment core to take a payment and shows what that core knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from saoma.checkout import shifts
from saoma.checkout.payment_code import SENTENCES, PaymentCode, read_payment_code
from saoma.checkout.receipt import ReceiptLines, ReceiptWriter
from saoma.checkout.showing import Reported, result_code
from saoma.gateway import Method, is_practice
from saoma.identity import model
from saoma.identity.model import Staff, check_same_merchant
from saoma.identity.roles import May, refund_limit
from saoma.identity.wallet_sign_in import buyer_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.ids import check_id
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import NewPayment, Payment, Refund
from saoma.payments.payments import Payments

log = structlog.get_logger(__name__)

#: A phone that reports more often than this is broken or up to something.
_REPORTS_KEPT: Final = 30


class _ReportRow(msgspec.Struct, frozen=True):
    result_code: str
    at: datetime


class Rehearsal(Protocol):
    """Whoever plays the customers of practice. `checkout` asks it, so that no real customer is ever "paid" there."""

    async def admit(self, rows: Rows, store_id: str, digits: str) -> None:
        """Pass if the code is on the practice customer's phone now. Raises `Invalid` for any other code."""


class Checkout:
    """Takes payments for whoever sells, and says who may see which."""

    def __init__(
        self,
        payments: Payments,
        db: Database,
        clock: Clock,
        receipts: Mapping[str, ReceiptWriter] | None = None,
        rehearsal: Rehearsal | None = None,
        *,
        needs_shift: bool = False,
    ) -> None:
        self.payments = payments
        self.db = db
        self.clock = clock
        self._receipts = dict(receipts or {})
        self._rehearsal = rehearsal
        self._needs_shift = needs_shift

    async def pay_in_wallet(
        self,
        store_id: str,
        buyer_id: str,
        amount: Money,
        subject: str,
        payable_kind: str,
        payable_id: str,
        part: dict[str, Any],
        key: str,
    ) -> Payment:
        """Create the trade that `buyer_id` pays on `/pay/{id}` inside the wallet (`alipay.acquire.create`).

        `key` makes it happen once. Raises `Invalid` without a buyer or amount, `Conflict` when the payable is taken."""
        if not buyer_id:
            raise Invalid("Open this page in the Alipay app to pay: scan the code on the table once more.")
        _check_amount(amount)
        async with self.db.reading() as rows:
            account_id, shop, merchant, _ = await model.shop_of(rows, store_id)
        return await self.payments.take(
            NewPayment(
                merchant_id=merchant.id,
                account_id=account_id,
                method=Method.WALLET_PAGE,
                amount=amount,
                subject=subject,
                payable_kind=payable_kind,
                payable_id=payable_id,
                part=part,
                shop=shop,
                policy="wallet_page",
                buyer_id=buyer_id,
                key=key,
                by=f"buyer:{buyer_id}",
                store_id=store_id,
                terminal_id="",
            )
        )

    async def pay_by_barcode(
        self,
        store_id: str,
        terminal_id: str,
        staff: Staff,
        amount: Money,
        subject: str,
        payable_kind: str,
        payable_id: str,
        part: dict[str, Any],
        payment_code: str,
        key: str,
        policy: str = "barcode",
    ) -> Payment:
        """Charge the code a cashier scanned, and answer when the first word from Alipay is in.

        Raises `Invalid` with a sentence for the cashier when the scan can't be a payment code, `NotAllowed` for staff
        who take no payments, `NotFound` for another merchant's store, `Conflict` when the payable is taken."""
        if not staff.may(May.TAKE_PAYMENTS):
            raise NotAllowed("Your role doesn't take payments. Ask a cashier.")
        _check_amount(amount)
        code = read_payment_code(payment_code)
        if not isinstance(code, PaymentCode):
            raise Invalid(SENTENCES[code])
        async with self.db.reading() as rows:
            await model.store_for(rows, staff, store_id)
            account_id, shop, merchant, _ = await model.shop_of(rows, store_id, terminal_id)
            if is_practice(merchant.id):
                policy = "practice"
                if self._rehearsal is None:
                    raise NotAllowed("There is no practice on this deployment.")
                await self._rehearsal.admit(rows, store_id, code.digits)
        return await self.payments.take(
            NewPayment(
                merchant_id=merchant.id,
                account_id=account_id,
                method=Method.BARCODE,
                amount=amount,
                subject=subject,
                payable_kind=payable_kind,
                payable_id=payable_id,
                part=part,
                shop=shop,
                policy=policy,
                payment_code=code.digits,
                key=key,
                by=staff.id,
                store_id=store_id,
                terminal_id=terminal_id,
            )
        )

    async def pay_by_order_code(
        self,
        store_id: str,
        terminal_id: str,
        staff: Staff,
        amount: Money,
        subject: str,
        payable_kind: str,
        payable_id: str,
        part: dict[str, Any],
        key: str,
    ) -> Payment:
        """Place an order whose code the customer scans from the till's screen (`alipay.acquire.precreate`).

        Raises as `pay_by_barcode` does."""
        new = await self._at_counter(
            store_id, terminal_id, staff, Method.ORDER_CODE, amount, subject, payable_kind, payable_id, part, key
        )
        return await self.payments.take_by_order_code(replace(new, policy="order_code"))

    async def take_by_staff(
        self,
        store_id: str,
        terminal_id: str,
        staff: Staff,
        method: Method,
        amount: Money,
        subject: str,
        payable_kind: str,
        payable_id: str,
        part: dict[str, Any],
        key: str,
        given: Money | None = None,
        reference: str = "",
    ) -> Payment:
        """Write down cash, a card terminal's payment, or one on account; it is paid when this comes back.

        `given` is the cash on the counter, `reference` a slip's number or the account's name. Raises as
        `pay_by_barcode` does, and `Invalid` when less was given than is to be paid or an account has no name."""
        if method is Method.ACCOUNT and not reference.strip():
            raise Invalid("Write whose account this goes on.")
        new = await self._at_counter(
            store_id, terminal_id, staff, method, amount, subject, payable_kind, payable_id, part, key
        )
        if method is Method.CASH:
            await self._check_shift(new.merchant_id, store_id, terminal_id)
        return await self.payments.record(replace(new, policy="at_once"), given, reference)

    async def _check_shift(self, merchant_id: str, store_id: str, terminal_id: str) -> None:
        """Raises `Conflict` where cash is taken in shifts only and none is open."""
        if not self._needs_shift or is_practice(merchant_id):
            return
        async with self.db.reading() as rows:
            if await shifts.open_at(rows, store_id, terminal_id) is None:
                raise Conflict(shifts.NO_SHIFT)

    async def _at_counter(
        self,
        store_id: str,
        terminal_id: str,
        staff: Staff,
        method: Method,
        amount: Money,
        subject: str,
        payable_kind: str,
        payable_id: str,
        part: dict[str, Any],
        key: str,
    ) -> NewPayment:
        if not staff.may(May.TAKE_PAYMENTS):
            raise NotAllowed("Your role doesn't take payments. Ask a cashier.")
        _check_amount(amount)
        async with self.db.reading() as rows:
            await model.store_for(rows, staff, store_id)
            account_id, shop, merchant, _ = await model.shop_of(rows, store_id, terminal_id)
        return NewPayment(
            merchant_id=merchant.id,
            account_id=account_id,
            method=method,
            amount=amount,
            subject=subject,
            payable_kind=payable_kind,
            payable_id=payable_id,
            part=part,
            shop=shop,
            policy="barcode",
            key=key,
            by=staff.id,
            store_id=store_id,
            terminal_id=terminal_id,
        )

    async def give_back(
        self,
        payment: Payment,
        amount: Money,
        reason: str,
        staff: Staff,
        key: str,
        lines: list[str],
        terminal_id: str | None = None,
    ) -> Refund:
        """Refund what `staff` may give back alone; more comes back `requested` and waits for a second person.

        `terminal_id` is the device whose drawer gives cash back; None where nobody knows. Raises `NotAllowed` for a
        role that has no part in refunds, `Conflict` for cash without a shift, and as `Payments.refund` does."""
        if not (staff.may(May.REFUND) or staff.may(May.ASK_REFUNDS)):
            raise NotAllowed("Your role doesn't give money back. Ask a manager.")
        if terminal_id is not None and key:
            if payment.method is Method.CASH:
                await self._check_shift(payment.merchant_id, payment.store_id, terminal_id)
            async with self.db.transaction() as tx:
                await shifts.asked_at(tx, payment, key, terminal_id)
        alone = refund_limit(staff.roles if staff.may(May.REFUND) else (), payment.currency)
        return await self.payments.refund(payment.id, amount, reason, staff.id, key, lines, alone)

    async def approve_refund(self, refund: Refund, staff: Staff) -> Refund:
        """Be the second person of a refund. Raises `NotAllowed` for the wrong role or the person who asked."""
        if not staff.may(May.APPROVE_REFUNDS):
            raise NotAllowed("A manager or an owner must agree to this refund.")
        check_same_merchant(staff, refund.merchant_id)
        return await self.payments.approve_refund(refund.id, staff.id)

    async def refuse_refund(self, refund: Refund, staff: Staff, reason: str) -> Refund:
        """Turn a waiting refund down, or take back one's own. Raises `NotAllowed`, `Conflict` when it is decided."""
        if not staff.may(May.APPROVE_REFUNDS) and refund.requested_by != staff.id:
            raise NotAllowed("Only a manager, an owner or who asked for it can stop this refund.")
        check_same_merchant(staff, refund.merchant_id)
        return await self.payments.refuse_refund(refund.id, staff.id, reason)

    async def pay_again(self, payment: Payment) -> Payment:
        """A new payment for what a failed or cancelled wallet payment was for; pressed twice, still one.

        Raises `Conflict` while the first one is not over, or when somebody has paid meanwhile."""
        if payment.method != Method.WALLET_PAGE or payment.status not in (Status.FAILED, Status.CANCELLED):
            raise Conflict("This payment is not over yet. Wait for its end.")
        return await self.pay_in_wallet(
            payment.store_id,
            payment.buyer_id,
            payment.money,
            payment.subject,
            payment.payable_kind,
            payment.payable_id,
            payment.part,
            key=f"again:{payment.id}",
        )

    async def for_payer(self, payment_id: str, session: Any) -> Payment:
        """A payment, for the buyer who pays it. Raises `NotFound` for everyone else: the id alone opens nothing."""
        payment = await self._get(payment_id)
        buyer_id = buyer_in(session, payment.account_id)
        if not buyer_id or buyer_id != payment.buyer_id:
            raise NotFound(NOTHING_HERE)
        return payment

    async def for_staff(self, payment_id: str, staff: Staff) -> Payment:
        """A payment, for staff of its merchant and store who may see payments. Raises `NotFound` for others."""
        payment = await self._get(payment_id)
        if not staff.may(May.SEE_PAYMENTS) or (
            staff.store_id and payment.store_id and staff.store_id != payment.store_id
        ):
            raise NotFound(NOTHING_HERE)
        check_same_merchant(staff, payment.merchant_id)
        return payment

    async def for_either(self, payment_id: str, session: Any, staff: Staff | None) -> Payment:
        """A payment, for its payer or the merchant's staff. Raises `NotFound` for others."""
        if staff is not None:
            try:
                return await self.for_staff(payment_id, staff)
            except NotFound:
                pass
        return await self.for_payer(payment_id, session)

    async def _get(self, payment_id: str) -> Payment:
        return await self.payments.get(check_id("pay", payment_id))

    async def reported(self, payment: Payment, code: str) -> bool:
        """Keep what a phone says after tradePay; tells whether Alipay should be asked now (`payments.nudge`).

        The code itself moves nothing: https://docs.antom.com/ac/global/jsapitradepay"""
        async with self.db.transaction() as tx:
            kept = await tx.value("SELECT count(*) FROM wallet_reports WHERE payment_id = %(id)s", {"id": payment.id})
            if kept >= _REPORTS_KEPT:
                log.warning("checkout.too_many_reports", payment=payment.id)
                return False
            await tx.run(
                "INSERT INTO wallet_reports (payment_id, result_code, at) VALUES (%(id)s, %(code)s, %(at)s)",
                {"id": payment.id, "code": result_code(code), "at": self.clock.now()},
            )
        return payment.open

    async def last_report(self, payment_id: str) -> Reported | None:
        """What the phone said last, if anything."""
        async with self.db.reading() as rows:
            row = await rows.maybe(
                _ReportRow,
                "SELECT result_code, at FROM wallet_reports WHERE payment_id = %(id)s ORDER BY id DESC LIMIT 1",
                {"id": payment_id},
            )
        return Reported(row.result_code, row.at) if row else None

    async def refunds(self, payment_id: str) -> list[Refund]:
        """What was given back or is on its way back, oldest first."""
        everything = await self.payments.refunds_of(payment_id)
        return [refund for refund in everything if refund.status is not RefundStatus.FAILED]

    async def lines(self, payment: Payment) -> ReceiptLines:
        """What this payment is or was for, in the words of whoever sold it."""
        writer = self._receipts.get(payment.payable_kind)
        if writer is None:
            return ReceiptLines()
        async with self.db.reading() as rows:
            return await writer(rows, payment)


def _check_amount(amount: Money) -> None:
    if amount.minor <= 0:
        raise Invalid("There is nothing to pay.")


def fresh_key(*parts: str) -> str:
    """An idempotency key from what makes a payment the same one, such as bill, guest and form."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]
