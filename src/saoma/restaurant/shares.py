"""A sitting's bill as something payments can pay: each payment takes a share under the sitting's lock.

The share is written in the transaction that creates the payment, so what two people pay at once can never exceed the
bill. Money that arrives after its share was let go is kept and shows as surplus; it is never dropped."""

from __future__ import annotations

from typing import Any, Final, assert_never

from saoma.food.orders import ordering
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.payments.arrivals import ARRIVED
from saoma.payments.matching import OpenOrder
from saoma.payments.model import Payment, Refund
from saoma.restaurant.bill import (
    AnyAmount,
    Choice,
    Even,
    OwnDishes,
    Portion,
    ShareState,
    TheseDishes,
    Whole,
    split_refund,
)
from saoma.restaurant.bills import open_bills
from saoma.restaurant.model import Sitting
from saoma.restaurant.moving import lives_on, lock_bill
from saoma.restaurant.sittings import SITTING_OVER, bill_from, bill_of, reckon, remember_ways, shares, sitting
from saoma.restaurant.tips import TIP, parted

#: The kind under which `app.py` hands a `SittingBill` to the payments.
KIND: Final = "sitting"


def part_of(choice: Choice, portion: Portion, guest_id: str | None = None) -> dict[str, Any]:
    """What is kept with the payment so that the bill knows which part it was for."""
    match choice:
        case Whole():
            name = "whole"
        case OwnDishes():
            name = "mine"
        case TheseDishes():
            name = "dishes"
        case Even():
            name = "even"
        case AnyAmount():
            name = "amount"
        case _:
            assert_never(choice)
    part: dict[str, Any] = {"choice": name, "lines": sorted(portion.lines), "guest_id": guest_id}
    if portion.tip:
        part["tip"] = portion.tip
    if isinstance(choice, Even):
        part["ways"] = choice.ways
    return part


def _portion_of(payment: Payment) -> tuple[Portion, Choice | None]:
    """The part of the bill a payment is for: what it asks for less its tip. Raises `Invalid` for one nobody offers."""
    part = payment.part
    tip = int(part.get("tip", 0))
    if not 0 <= tip < payment.amount:
        raise Invalid("A tip comes on top of a part of the bill.")
    amount = Money(payment.amount - tip, payment.currency)
    portion = Portion(amount, frozenset(str(line) for line in part.get("lines", [])), tip)
    ways, guest_id = part.get("ways"), part.get("guest_id")
    return portion, Even(int(ways), str(guest_id) if guest_id else None) if ways else None


class SittingBill:
    """The payable of kind "sitting"; its id is the sitting's. Implements `payments.payable.Payable`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Reserve the payment's part. Raises `Conflict` when any of it is paid, being paid, or the sitting is over.

        Money that has arrived by a shop's code and is assigned here is taken in full; too much shows as surplus."""
        sitting = await lock_bill(tx, payment.payable_id)
        if not sitting.is_open:
            raise Conflict(SITTING_OVER)
        portion, choice = _portion_of(payment)
        lines = sorted(portion.lines)
        if not payment.part.get(ARRIVED):
            (await bill_of(tx, sitting)).admit(portion, choice)
        await ordering.hold_lines(tx, payment, lines)
        if isinstance(choice, Even):
            await remember_ways(tx, sitting.id, choice.ways)
        await tx.run(
            "INSERT INTO bill_shares"
            " (payment_id, sitting_id, guest_id, choice, lines, amount, tip, currency, state, held_at)"
            " VALUES (%(payment)s, %(sitting)s, %(guest)s, %(choice)s, %(lines)s, %(amount)s, %(tip)s, %(currency)s,"
            " 'held', %(now)s)",
            {
                "payment": payment.id,
                "sitting": sitting.id,
                "guest": payment.part.get("guest_id"),
                "choice": payment.part.get("choice", "amount"),
                "lines": lines,
                "amount": portion.amount.minor,
                "tip": portion.tip,
                "currency": payment.currency,
                "now": self._clock.now(),
            },
        )
        await self._tell(tx, sitting)

    async def open_orders(self, rows: Rows, store_id: str) -> list[OpenOrder]:
        """The bills of a store that still want money. Implements `payments.arrivals.OpenOrders`."""
        return [
            OpenOrder(KIND, tile.sitting_id, tile.left, tile.table_name, tile.opened_at)
            for tile in await open_bills(rows, store_id)
            if tile.left
        ]

    async def whole_of(self, rows: Rows, id: str) -> dict[str, Any]:
        """Everything that is left of a bill, with its dishes."""
        bill = await bill_of(rows, await sitting(rows, id))
        return part_of(Whole(), bill.portion(Whole()))

    async def paid(self, tx: Transaction, payment: Payment) -> Money | None:
        """The money is here: the share is paid, and the tab is settled once the bill is covered.

        Answers what of it nobody owed."""
        sitting = await lock_bill(tx, payment.payable_id)
        if await self._turn(tx, payment, "paid"):
            await ordering.pay_lines(tx, payment, [str(line) for line in payment.part.get("lines", [])])
            return (await reckon(tx, sitting, self._clock.now())).surplus_of(payment.id)
        return None

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """The payment ended without money: its part may be paid by others again."""
        sitting = await lock_bill(tx, payment.payable_id)
        if await self._turn(tx, payment, "released"):
            await ordering.release_lines(tx, payment)
            await reckon(tx, sitting, self._clock.now())

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Money went back: noted with the share, or with its tip. It doesn't reopen the bill; a refund forgives.

        Dishes that this payment has paid are forgiven where the refund names them. Of the rest, what nobody had owed
        leaves the bill for good: it doesn't pay for what is ordered later."""
        sitting = await lock_bill(tx, payment.payable_id)
        every = await shares(tx, sitting.id)
        row = next((row for row in every if row.payment_id == payment.id), None)
        if row is not None:
            news = payment.refunded - row.refunded - row.tip_refunded
            share, tip = parted(
                news, row.amount - row.refunded, row.tip - row.tip_refunded, names_tip=TIP in refund.lines
            )
            lines = await ordering.lines(tx, sitting.tab_id)
            bill = bill_from(sitting.currency, lines, tuple(every))
            mine = [line for line in lines if line.ordered and line.paid and line.paid_by == payment.id]
            named = sum(line.due.minor for line in mine if line.id in refund.lines)
            most = sum(line.due.minor for line in mine) - row.dishes_refunded
            dishes, surplus = split_refund(bill, payment.id, share, min(named, most))
            await tx.run(
                "UPDATE bill_shares SET refunded = refunded + %(share)s, tip_refunded = tip_refunded + %(tip)s,"
                " dishes_refunded = dishes_refunded + %(dishes)s, surplus_refunded = surplus_refunded + %(surplus)s"
                " WHERE payment_id = %(payment)s",
                {
                    "payment": payment.id,
                    "share": share,
                    "tip": tip,
                    "dishes": dishes,
                    "surplus": surplus,
                },
            )
        await self._tell(tx, sitting)

    async def surplus(self, rows: Rows, payment: Payment) -> Money:
        """What of a payment nobody owed. Implements `payments.surplus.KnowsSurplus`."""
        of = await sitting(rows, await lives_on(rows, payment.payable_id))
        bill = await bill_of(rows, of)
        share = next((share for share in bill.shares if share.payment_id == payment.id), None)
        if share is None:
            return payment.money
        if share.state is ShareState.PAID:
            return bill.surplus_of(payment.id)
        # What others are paying now counts as theirs.
        room = bill.left + (share.amount if share.state is ShareState.HELD else Money.zero(bill.currency))
        beyond = max(share.amount - room, Money.zero(bill.currency))
        return payment.money if beyond == share.amount else beyond

    async def _turn(self, tx: Transaction, payment: Payment, state: str) -> bool:
        changed = await tx.run(
            "UPDATE bill_shares SET state = %(state)s, settled_at = %(now)s"
            " WHERE payment_id = %(payment)s AND state <> %(state)s",
            {"payment": payment.id, "state": state, "now": self._clock.now()},
        )
        return bool(changed)

    async def _tell(self, tx: Transaction, sitting: Sitting) -> None:
        await tx.tell(sitting.topic, "bill")
        await tx.tell(f"till:{sitting.store_id}", "bill", {"sitting": sitting.id})
