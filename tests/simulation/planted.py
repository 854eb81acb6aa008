"""Planted faults: each takes one rule out of the product, to see that the search finds it.

The product knows nothing of them. A fault is a part of the product's put in the place of the part that holds the rule;
where the database holds the rule a second time, that constraint goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from saoma.alipay.account import Account
from saoma.alipay.direct import Direct
from saoma.alipay.notify import read_notice
from saoma.alipay.signing import Signatory, SignType
from saoma.gateway import (
    BadNotice,
    Cancelled,
    CancelReport,
    Charge,
    Closed,
    Evidence,
    Notice,
    NoTrade,
    Paid,
    PayReport,
    QueryReport,
    RefundReport,
    Trade,
    Unclear,
)
from saoma.kit.db import Transaction
from saoma.kit.money import Money
from saoma.payments.happenings import Happening, Noticed, Queried, Reading
from saoma.payments.lifecycle import Event, Status
from saoma.payments.model import Payment
from saoma.payments.payments import Payments
from saoma.payments.record import Hall
from saoma.payments.settling import Change
from tests.simulation.alipay import OURS, THEIRS


@dataclass(frozen=True)
class Planted:
    """One fault. `rule` is what does not hold any more; the history of `seed` shows it."""

    name: str
    rule: str
    seed: int = 1
    account: Callable[[Account], Account] = lambda account: account
    #: Takes the place of the gateway, and of the hall: `Direct` and `Hall` with one rule taken out.
    gateway: type[Direct] = Direct
    hall: type[Hall] = Hall
    strict_tabs: bool = True
    schema: str = ""

    def plant(self, payments: Payments) -> None:
        """Put the faulty hall in the place of the sound one."""
        if self.hall is not Hall:
            payments.hall.__class__ = self.hall


# --- what is believed -----------------------------------------------------------------------------------------------


class _Gullible:
    """A signatory for whom every signature holds."""

    def __init__(self, model: Signatory) -> None:
        self._model = model

    @property
    def sign_type(self) -> SignType:
        return self._model.sign_type

    def sign(self, data: bytes) -> str:
        return self._model.sign(data)

    def verify(self, data: bytes, signature: str) -> bool:
        return True


def _gullible(account: Account) -> Account:
    known = replace(account)
    known.__dict__["signatory"] = _Gullible(account.signatory)
    return known


class _UncheckedNotices(Direct):
    """Reads notifications without looking at their signature."""

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        return read_notice(_gullible(self.account), fields, currency)


class _UncheckedAnswers(Direct):
    """Reads answers with a gullible account, and notifications with a sound one."""

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        return read_notice(OURS, fields, currency)


class _AnybodysNotices(Direct):
    """Reads a notification with the keys of whoever it names, whatever address it was posted to."""

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        whose = THEIRS if fields.get("seller_id") == THEIRS.partner else self.account
        return read_notice(whose, fields, currency)


class _AnyAmount(Direct):
    """Takes it that what a notification says was paid is what was asked."""

    async def open(self, charge: Charge) -> PayReport:
        _ASKED[charge.order_number] = charge.amount
        return await super().open(charge)

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        notice = super().read_notice(fields, currency)
        if isinstance(notice, BadNotice) or notice.order_number not in _ASKED:
            return notice
        trade = replace(notice.report.trade, amount=_ASKED[notice.order_number])
        return replace(notice, report=replace(notice.report, trade=trade))


#: What was asked under each number: the faulty gateway's processes share it, as they would by a table.
_ASKED: Final[dict[str, Money]] = {}


# --- what is sent again ---------------------------------------------------------------------------------------------


class _NewNumbers(Direct):
    """Sends a payment again under a number of its own."""

    async def open(self, charge: Charge) -> PayReport:
        again = _SENT[charge.order_number] = _SENT.get(charge.order_number, -1) + 1
        number = f"{charge.order_number}R{again}" if again else charge.order_number
        return await super().open(replace(charge, order_number=number))


_SENT: Final[dict[str, int]] = {}


class _NewRefundNumbers(Direct):
    """Sends a refund again under a number of its own."""

    async def refund(
        self, order_number: str, trade_number: str, refund_number: str, amount: Money, reason: str
    ) -> RefundReport:
        again = _SENT[refund_number] = _SENT.get(refund_number, -1) + 1
        number = f"{refund_number}R{again}" if again else refund_number
        return await super().refund(order_number, trade_number, number, amount, reason)


# --- what is concluded ----------------------------------------------------------------------------------------------


class _SilentCancel(Direct):
    """Takes silence after a cancel for a cancel."""

    async def cancel(self, order_number: str, trade_number: str, now: datetime) -> CancelReport:
        report = await super().cancel(order_number, trade_number, now)
        if isinstance(report, Unclear) and report.code == "silence":
            evidence = replace(report.evidence, signed=True)
            return Cancelled(gave_back=True, trade=Trade(trade_number), evidence=evidence)
        return report


class _NoTradeIsNoPayment(Direct):
    """Takes "there is no such trade" for the end, also while our own request may be on its way."""

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        report = await super().query(order_number, amount)
        return Closed(Trade(), report.evidence) if isinstance(report, NoTrade) else report


class _UnclearIsFailed(Direct):
    """Takes an answer that says nothing for a refusal."""

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        report = await super().query(order_number, amount)
        if isinstance(report, Unclear):
            return Closed(Trade(), Evidence("query", report.code, signed=True, raw=""))
        return report


# --- what is recorded -----------------------------------------------------------------------------------------------


class _DeafAfterTheEnd(Hall):
    """Does not listen to news of money once a payment has failed or was cancelled."""

    async def _try(self, tx: Transaction, payment: Payment, happening: Happening) -> Payment | None:
        over = payment.status in (Status.FAILED, Status.CANCELLED)
        if over and isinstance(happening, Noticed | Queried):
            report = happening.notice.report if isinstance(happening, Noticed) else happening.report
            if isinstance(report, Paid):
                return payment
        return await super()._try(tx, payment, happening)


class _NoFence(Hall):
    """Writes what was decided about an old version of the row over whatever the row has become."""

    async def apply_to(self, payment: Payment, happening: Happening) -> Payment:
        async with self.db.transaction() as tx:
            now = await self.lock(tx, payment.id)
            after = await self._try(tx, msgspec.structs.replace(payment, version=now.version), happening)
        return after or await self.apply(payment.id, happening)


class _BooksAgain(Hall):
    """Books a sale each time Alipay says that it was paid."""

    async def _write(self, tx: Transaction, before: Payment, change: Change, reading: Reading, now: datetime) -> bool:
        again = reading.event is Event.PAID and before.status is Status.SUCCEEDED
        return await super()._write(tx, before, replace(change, book_sale=change.book_sale or again), reading, now)


class _CountsDoneRefunds(Hall):
    """Forgets refunds that are under way when it says how much may still be given back."""

    async def lock(self, tx: Transaction, payment_id: str) -> Payment:
        payment = await super().lock(tx, payment_id)
        return msgspec.structs.replace(payment, refund_reserved=payment.refunded)


NOTHING: Final = Planted("nothing", "every rule holds")

PLANTED: Final = {
    one.name: one
    for one in (
        Planted(
            "unsigned_notice", "a notification counts only if its signature holds", seed=6, gateway=_UncheckedNotices
        ),
        Planted(
            "unsigned_answer",
            "an answer counts only if its signature holds",
            seed=9,
            account=_gullible,
            gateway=_UncheckedAnswers,
        ),
        Planted(
            "other_account",
            "a notification counts only for the account that it names",
            seed=2000025,
            gateway=_AnybodysNotices,
        ),
        Planted(
            "any_amount", "a notification counts only for the amount that was asked", seed=2000012, gateway=_AnyAmount
        ),
        Planted("late_money", "money that arrives after the end calls for a person", seed=24, hall=_DeafAfterTheEnd),
        Planted("new_number", "a request is repeated under the same number", seed=2000003, gateway=_NewNumbers),
        Planted(
            "no_fence", "what was decided about an old version of a row is not written", seed=1000004, hall=_NoFence
        ),
        Planted(
            "booked_twice",
            "a payment is booked once, however often it is said to be paid",
            seed=2000001,
            hall=_BooksAgain,
            schema="DROP INDEX IF EXISTS one_sale_per_payment",
        ),
        Planted(
            "new_refund_number", "a refund is repeated under the same number", seed=1000007, gateway=_NewRefundNumbers
        ),
        Planted(
            "refund_limit",
            "refunds under way count against what may be given back",
            seed=1000006,
            hall=_CountsDoneRefunds,
            schema="ALTER TABLE payments DROP CONSTRAINT IF EXISTS refunds_never_exceed_the_payment",
        ),
        Planted("silent_cancel", "a cancel without an answer is not a cancel", seed=9, gateway=_SilentCancel),
        Planted("no_trade", "no trade found is no end while a request may arrive", seed=1, gateway=_NoTradeIsNoPayment),
        Planted("unclear_is_failed", "an answer that proves nothing ends nothing", seed=4, gateway=_UnclearIsFailed),
        Planted("tab_paid_twice", "a bill that is being paid is not paid by somebody else", seed=4, strict_tabs=False),
    )
}
