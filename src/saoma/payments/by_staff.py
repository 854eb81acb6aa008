"""Money that staff take themselves: cash, a card terminal, an account. Recorded, and final in the same moment.

Nothing is asked of anybody: what is written down here is what the drawer must hold, so it has its own ledger account
and is told apart in every bill, receipt and report."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.kit.db import Rows
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.payments import take
from saoma.payments.happenings import Recorded
from saoma.payments.model import NewPayment, Payment
from saoma.payments.record import Hall

#: The patience of what needs none.
POLICY: Final = "at_once"

_WRITE_DOWN = """
INSERT INTO taken_by_staff (payment_id, given, change, reference)
VALUES (%(payment_id)s, %(given)s, %(change)s, %(reference)s)
"""
_TAKEN = """
SELECT t.given, t.change, t.reference, p.currency FROM taken_by_staff AS t JOIN payments AS p ON p.id = t.payment_id
WHERE t.payment_id = %(id)s
"""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What staff wrote down: minor units given and given back as change, and a slip's number or an account's name."""

    given: int
    change: int
    reference: str
    currency: str

    @property
    def money_given(self) -> Money:
        """What lay on the counter."""
        return Money(self.given, self.currency)

    @property
    def money_change(self) -> Money:
        """What went back over the counter."""
        return Money(self.change, self.currency)


def change_for(amount: Money, given: Money | None) -> Money:
    """The change for what was given; nothing given means exactly the amount. Raises `Invalid` when it is too little."""
    if given is None:
        return Money.zero(amount.currency)
    if given < amount:
        raise Invalid("{given} is less than what is to be paid. Ask for the rest.", given=given)
    return given - amount


async def record(hall: Hall, new: NewPayment, given: Money | None, reference: str) -> Payment:
    """Write down a payment that staff have taken: its row, its evidence, its posting and what it paid for.

    A key that is known with the same content gives that payment. Raises `Invalid`, `Conflict`."""
    change = change_for(new.amount, given)
    async with hall.db.transaction() as tx:
        payment, is_new = await take.recorded(hall, tx, new)
        if not is_new:
            return payment
        payment = await hall.apply_within(tx, payment, Recorded(new.by))
        await tx.run(
            _WRITE_DOWN,
            {
                "payment_id": payment.id,
                "given": new.amount.minor + change.minor,
                "change": change.minor,
                "reference": " ".join(reference.split())[:64],
            },
        )
    return payment


async def taken(rows: Rows, payment_id: str) -> Taken | None:
    """What staff wrote down of one payment; None for one they did not take themselves."""
    return await rows.maybe(Taken, _TAKEN, {"id": payment_id})


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What one store took by one method, and gave back of it, in minor units."""

    method: str
    currency: str
    payments: int
    taken: int
    given_back: int

    @property
    def money(self) -> Money:
        """What came in."""
        return Money(self.taken, self.currency)

    @property
    def money_back(self) -> Money:
        """What went back."""
        return Money(self.given_back, self.currency)

    @property
    def money_kept(self) -> Money:
        """What is left of it."""
        return Money(self.taken - self.given_back, self.currency)


_TAKINGS = """
SELECT method, currency, sum(payments)::int AS payments, sum(taken)::bigint AS taken,
       sum(given_back)::bigint AS given_back
FROM (
    SELECT method, currency, 1 AS payments, amount AS taken, 0 AS given_back FROM payments
    WHERE store_id = %(store_id)s AND status = 'succeeded' AND paid_at >= %(since)s AND paid_at < %(until)s
    UNION ALL
    SELECT p.method, r.currency, 0, 0, r.amount FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
    WHERE p.store_id = %(store_id)s AND r.status = 'succeeded' AND r.final_at >= %(since)s AND r.final_at < %(until)s
) AS moves GROUP BY method, currency ORDER BY method, currency
"""


async def takings(rows: Rows, store_id: str, since: datetime, until: datetime) -> list[Taking]:
    """What a store took and gave back in a time, method by method: sales by when they were paid, refunds by when."""
    return await rows.rows(Taking, _TAKINGS, {"store_id": store_id, "since": since, "until": until})
