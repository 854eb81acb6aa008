"""Surplus: money that is here and that nobody owed becomes a case which proposes to give exactly that back.

It comes late, when somebody else has paid meanwhile, or it is more than was asked for. It is booked like any other
money; only a person sends it back."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import msgspec

from saoma.gateway import is_practice
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.payments.alarms import raise_alarm
from saoma.payments.cases import Case, CaseEvent, Kind, Move, apply_event, lock_case, open_case
from saoma.payments.model import Payment, Refund

TITLE: Final = "More money came than anybody owed"
NEEDED_SINCE: Final = (
    "More was ordered since: only {amount} of this money is too much now. Give that back from the payment,"
    " then close the case."
)
#: The reason that is kept when a person agrees with what is proposed, in one press.
AGREED: Final = "Nobody owed this money; given back as proposed."

_OPEN: Final = """
SELECT id FROM cases WHERE subject_kind = 'payment' AND subject_id = %(id)s AND kind = 'surplus' AND status <> 'closed'
ORDER BY id
"""


class _CaseId(msgspec.Struct, frozen=True):
    id: str


@runtime_checkable
class KnowsSurplus(Protocol):
    """A payable that can say whether money is still wanted; those that can't are taken at their word."""

    async def surplus(self, rows: Rows, payment: Payment) -> Money:
        """What of this payment nobody owes, or would owe if it were paid now: zero up to all of it."""


async def propose(tx: Transaction, payment: Payment, beyond: Money, now: datetime) -> Case:
    """Open the case of a payment that is paid, in the transaction that books it. A practice shop's rings nowhere."""
    found = await open_case(
        tx,
        merchant_id=payment.merchant_id,
        kind=Kind.SURPLUS,
        subject_kind="payment",
        subject_id=payment.id,
        title=TITLE,
        at_risk=beyond,
        proposed=Move.GIVE_BACK.value,
        detail={
            "order_number": payment.order_number,
            "trade_number": payment.trade_number,
            "store_id": payment.store_id,
            "method": payment.method.value,
        },
        key=f"surplus:{payment.id}:{payment.version}",
        now=now,
    )
    if not is_practice(payment.merchant_id):
        await raise_alarm(
            tx, "surplus", payment.account_id, f"{payment.order_number}: {beyond}", payment.merchant_id, now
        )
    return found


async def nothing_owed(rows: Rows, payable: object, payment: Payment) -> bool:
    """Whether all of a payment would be surplus; so we also say where a payable can't tell."""
    if not isinstance(payable, KnowsSurplus):
        return True
    return await payable.surplus(rows, payment) >= payment.money


async def still_beyond(rows: Rows, payable: object, payment: Payment, amount: Money) -> None:
    """Raise `Conflict` where what was proposed is not all beyond the bill any more: more was ordered since."""
    if isinstance(payable, KnowsSurplus) and (now := await payable.surplus(rows, payment)) < amount:
        raise Conflict(NEEDED_SINCE, amount=now)


async def given_back(tx: Transaction, payment: Payment, refund: Refund, now: datetime, payable: object = None) -> None:
    """Money of a payment went back: cases about its surplus are settled once none is left of it, whoever sent it.

    What went back for a dish is no surplus: the payable knows. Where it can't tell, as much must have gone back."""
    for row in await tx.rows(_CaseId, _OPEN, {"id": payment.id}):
        case = await lock_case(tx, row.id)
        if case.closed or case.at_risk is None or not await _settled(tx, payable, payment, case.at_risk):
            continue
        move, reason = Move.GIVE_BACK.value, refund.reason
        await apply_event(tx, case, CaseEvent.RESOLVED, by=refund.requested_by, move=move, reason=reason, now=now)


async def _settled(rows: Rows, payable: object, payment: Payment, at_risk: int) -> bool:
    if isinstance(payable, KnowsSurplus):
        return not await payable.surplus(rows, payment)
    return payment.refunded >= at_risk
