"""Attention: whatever the hall can't decide becomes somebody's case and rings, in the same transaction.

Nothing is asked of the database as long as nothing is wrong: a payment that goes well costs no statement here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from saoma.gateway import PRACTICE_ACCOUNT, is_practice
from saoma.kit.clock import Clock
from saoma.kit.db import Transaction
from saoma.payments.alarm_rules import rule
from saoma.payments.alarm_words import STUCK, STUCK_OTHERWISE
from saoma.payments.alarms import raise_alarm
from saoma.payments.cases import Kind, Move, open_case
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund
from saoma.payments.payable import Payable
from saoma.payments.surplus import given_back, nothing_owed

_STUCK: Final = (Kind.PAYMENT_STUCK, "cancel_failed", STUCK_OTHERWISE, Move.REFUND)

#: Why a payment needs a person (`Payment.code`): the case's kind, the alarm, the title, the proposed move.
_WHY: Final[Mapping[str, tuple[Kind, str, str, Move]]] = {
    "late_money": (Kind.LATE_MONEY, "late_money", STUCK["late_money"], Move.REFUND),
    "mismatched": (Kind.WRONG_AMOUNT, "wrong_amount", STUCK["mismatched"], Move.UNPAID),
    "closed_unexplained": (Kind.PAYMENT_STUCK, "payment_stuck", STUCK["closed_unexplained"], Move.UNPAID),
    "contradiction": (Kind.PAYMENT_STUCK, "payment_stuck", STUCK["contradiction"], Move.PAID),
    "attempts_exhausted": (
        Kind.PAYMENT_STUCK,
        "retries_exhausted",
        STUCK["attempts_exhausted"],
        Move.REFUND,
    ),
    "window_closed": (
        Kind.PAYMENT_STUCK,
        "cancel_failed",
        STUCK["window_closed"],
        Move.REFUND,
    ),
}


class Attention:
    """Opens cases and rings. Implements `payments.listening.Listener`."""

    def __init__(self, clock: Clock, payables: Mapping[str, Payable] | None = None) -> None:
        self._clock = clock
        self._payables = payables or {}

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """A payment that needs a person becomes a case."""
        if payment.status is not Status.NEEDS_ATTENTION:
            return
        now = self._clock.now()
        kind, alarm, title, move = _WHY.get(payment.code, _STUCK)
        if kind is Kind.LATE_MONEY and not await nothing_owed(tx, self._payables.get(payment.payable_kind), payment):
            # The bill still wants it: giving it back would have the customer pay a second time.
            move = Move.PAID
        await open_case(
            tx,
            merchant_id=payment.merchant_id,
            kind=kind,
            subject_kind="payment",
            subject_id=payment.id,
            title=title,
            at_risk=payment.money,
            proposed=move.value,
            detail={
                "order_number": payment.order_number,
                "trade_number": payment.trade_number,
                "code": payment.code,
                "store_id": payment.store_id,
                "method": payment.method.value,
            },
            key=f"payment:{payment.id}:{payment.version}",
            now=now,
        )
        if is_practice(payment.merchant_id):
            return
        text = f"{payment.order_number}: {payment.money}, {payment.code}"
        await raise_alarm(tx, alarm, payment.account_id, text, payment.merchant_id, now)

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """A refund that needs a person becomes a case; one that went through may settle one."""
        if refund.status is RefundStatus.SUCCEEDED:
            await given_back(tx, payment, refund, self._clock.now(), self._payables.get(payment.payable_kind))
        if refund.status is not RefundStatus.NEEDS_ATTENTION:
            return
        now = self._clock.now()
        await open_case(
            tx,
            merchant_id=refund.merchant_id,
            kind=Kind.REFUND_STUCK,
            subject_kind="refund",
            subject_id=refund.id,
            title="Nobody knows whether this refund was carried out",
            at_risk=refund.money,
            proposed=Move.REFUNDED.value,
            detail={
                "payment_id": payment.id,
                "order_number": payment.order_number,
                "refund_number": refund.refund_number,
                "code": refund.code,
            },
            key=f"refund:{refund.id}:{refund.tries}:{refund.code}",
            now=now,
        )
        if is_practice(refund.merchant_id):
            return
        text = f"{refund.refund_number} of {payment.order_number}: {refund.money}"
        await raise_alarm(tx, "refund_stuck", payment.account_id, text, refund.merchant_id, now)


#: Refused messages that nobody but Alipay's counterfeiters sends; one alone is noise from the open internet.
_FORGED: Final = frozenset({"signature", "sign_type", "account", "malformed"})
_RECENT: Final = """
SELECT coalesce(sum(times), 0)::bigint FROM (
    SELECT times FROM notices_refused WHERE account_id = %(account_id)s AND last_at > %(since)s
        AND why = ANY(%(forged)s) LIMIT %(count)s) AS recent
"""


async def notice_refused(
    tx: Transaction, account_id: str, why: str, order_number: str, payment: Payment | None, digest: str, now: datetime
) -> None:
    """A message was refused and has been kept: decide, within its transaction, whether somebody must know.

    Forged ones ring when several come within minutes; a genuine one that fits nothing rings at once. Of practice
    nobody needs to know."""
    if account_id == PRACTICE_ACCOUNT:
        return
    if why in _FORGED:
        about = rule("bad_signatures")
        params = {"account_id": account_id, "forged": sorted(_FORGED), "count": about.count}
        if int(await tx.value(_RECENT, params | {"since": now - about.window})) < about.count:
            return
        await open_case(
            tx,
            merchant_id="",
            kind=Kind.BAD_SIGNATURE_BURST,
            subject_kind="account",
            subject_id=account_id,
            title="Messages arrive that Alipay did not sign",
            at_risk=None,
            proposed=Move.NOT_OURS.value,
            detail={"last": why, "account_id": account_id},
            key=f"forged:{account_id}:{now:%Y-%m-%d}",
            now=now,
        )
        await raise_alarm(tx, "bad_signatures", account_id, f"{account_id}: {why}", now=now)
        return
    unknown = payment is None
    await open_case(
        tx,
        merchant_id="" if payment is None else payment.merchant_id,
        kind=Kind.UNMATCHED_NOTICE,
        subject_kind="account" if payment is None else "payment",
        subject_id=account_id if payment is None else payment.id,
        title="Alipay tells of an order we do not know" if unknown else "A notification does not fit its payment",
        at_risk=None if payment is None else payment.money,
        proposed=Move.DEALT_WITH.value,
        detail={"why": why, "order_number": order_number, "account_id": account_id},
        key=f"notice:{account_id}:{digest}",
        now=now,
    )
    merchant_id = "" if payment is None else payment.merchant_id
    alarm = "unknown_notice" if unknown else "wrong_notice"
    await raise_alarm(tx, alarm, account_id, f"{order_number}: {why}", merchant_id, now)
