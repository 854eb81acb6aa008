"""Money that arrived by a printed code: the payment is born from its notification, then finds what it was for.

It is money whatever becomes of it: a payment that fits no order waits in the inbox until somebody assigns it, keeps it
as a sale without an order, or gives it back. One payment is assigned at most once, under its own lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
import structlog

from saoma.gateway import Method, Notice, Paid, SecondaryMerchant
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.money import Money
from saoma.payments import take
from saoma.payments.by_staff import POLICY
from saoma.payments.codes import MerchantCode
from saoma.payments.happenings import Door, Noticed, Sending, understand
from saoma.payments.matching import Exact, Match, Near, OpenOrder, match
from saoma.payments.model import PAYMENT_COLUMNS, NewPayment, Payment, Refund
from saoma.payments.payable import Payable
from saoma.payments.record import Hall, tell_screens
from saoma.payments.settling import settle

log = structlog.get_logger(__name__)

#: The payable of money that is not for anything yet.
KIND: Final = "merchant_code"
#: In a payment's part: the money is here already, so what it is assigned to can't refuse it for being too much.
ARRIVED: Final = "arrived"

DECIDED: Final = "Somebody has already decided about this payment."
NO_SUCH_ORDER: Final = "This order is not open any more. Look at the list again."


@runtime_checkable
class OpenOrders(Protocol):
    """A payable that can say what still wants money at a store."""

    async def open_orders(self, rows: Rows, store_id: str) -> Sequence[OpenOrder]:
        """What is open, with how much nobody has paid or is paying of each."""

    async def whole_of(self, rows: Rows, id: str) -> Mapping[str, Any]:
        """The part of a payment that stands for everything that is left of one order."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One payment in the inbox, with the code it came by. `reserved` of it is given back or on its way back."""

    payment_id: str
    code_id: str
    code_label: str
    store_id: str
    amount: int
    currency: str
    reserved: int
    buyer_login: str
    fits: str
    state: str
    arrived_at: datetime

    @property
    def money(self) -> Money:
        """What arrived."""
        return Money(self.amount, self.currency)


_CODE = f"""
SELECT {", ".join(MerchantCode.__struct_fields__)} FROM merchant_codes
WHERE id = %(id)s AND account_id = %(account_id)s FOR UPDATE
"""  # noqa: S608
_OF_ORDER = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE account_id = %(account_id)s AND order_number = %(number)s FOR UPDATE
"""  # noqa: S608
_ARRIVE = """
INSERT INTO arrivals (payment_id, code_id, store_id, fits, state, arrived_at)
VALUES (%(payment_id)s, %(code_id)s, %(store_id)s, %(fits)s, 'waiting', %(now)s)
"""
_DECIDE = """
UPDATE arrivals SET state = %(state)s, payable_kind = %(kind)s, payable_id = %(id)s, decided_by = %(by)s,
    decided_at = %(now)s
WHERE payment_id = %(payment_id)s AND state = 'waiting'
"""
_MOVE_TO = f"""
UPDATE payments SET payable_kind = %(kind)s, payable_id = %(id)s, part = %(part)s, version = version + 1
WHERE id = %(payment_id)s RETURNING {PAYMENT_COLUMNS}
"""  # noqa: S608
_EVIDENCE = """
INSERT INTO payment_events (payment_id, at, door, event, status_before, status_after, code, said_by)
VALUES (%(payment_id)s, %(now)s, %(door)s, %(event)s, %(status)s, %(status)s, %(code)s, %(by)s)
"""
_INBOX = """
SELECT a.payment_id, a.code_id, c.label AS code_label, a.store_id, p.amount, p.currency, p.refund_reserved AS reserved,
       p.buyer_login, a.fits, a.state, a.arrived_at
FROM arrivals AS a JOIN payments AS p ON p.id = a.payment_id JOIN merchant_codes AS c ON c.id = a.code_id
"""


class Arrivals:
    """The inbox. Also the payable of what is in it. Implements `payments.payable.Payable`."""

    #: Where payments change; the core sets it when it is put together, for each needs the other.
    hall: Hall

    # --- as a payable -----------------------------------------------------------------------------------------------

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Nothing is set aside: the money is here already."""

    async def paid(self, tx: Transaction, payment: Payment) -> None:
        """It waits in the inbox; `born` has seen to that."""

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """There was no money after all: nothing is left to decide."""
        await self._decide(tx, payment.id, "refunded", "ruling")

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """What is given back altogether needs no decision any more."""
        if payment.refunded == payment.amount:
            await self._decide(tx, payment.id, "refunded", refund.requested_by)

    # --- being born -------------------------------------------------------------------------------------------------

    async def code_of(self, tx: Transaction, account_id: str, code_id: str) -> MerchantCode | None:
        """The printed code of this account by our id, locked so that one payment is born once; None for no such."""
        return await tx.maybe(MerchantCode, _CODE, {"id": code_id, "account_id": account_id})

    async def born(self, tx: Transaction, code: MerchantCode, notice: Notice) -> Payment | None:
        """Make the payment that a notice of money tells of, and book it; None when the notice does not prove money.

        The same number again gives the payment that is there: the provider repeats itself."""
        amount = notice.report.trade.amount
        if not isinstance(notice.report, Paid) or amount is None or amount.minor <= 0:
            return None
        number = {"account_id": code.account_id, "number": notice.order_number}
        known = await tx.maybe(Payment, _OF_ORDER, number)
        if known is not None:
            return known
        shop = SecondaryMerchant(**code.shop)
        new = NewPayment(
            merchant_id=code.merchant_id,
            account_id=code.account_id,
            method=Method.MERCHANT_CODE,
            amount=amount,
            subject=shop.store_name,
            payable_kind=KIND,
            payable_id=code.id,
            shop=shop,
            policy=POLICY,
            key=f"{KIND}:{code.account_id}:{notice.order_number}",
            by=f"code:{code.id}",
            store_id=code.store_id,
        )
        row = msgspec.structs.replace(take.first_row(self.hall, new), order_number=notice.order_number)
        # As if it had been sent: the customer did that, at the provider.
        row = settle(row, understand(row, Sending()), row.created_at, 0).payment
        row = msgspec.structs.replace(row, sending_until=None)
        payment, _ = await take.write_first(self.hall, tx, new, row, "submitted")
        payment = await self.hall.apply_within(tx, payment, Noticed(notice))
        return await self._arrive(tx, code, payment)

    async def _arrive(self, tx: Transaction, code: MerchantCode, payment: Payment) -> Payment:
        found = match(payment.money, await self.open_orders(tx, code.store_id))
        fits = "exact" if isinstance(found, Exact) else "near" if isinstance(found, Near) else "none"
        about = {"payment_id": payment.id, "code_id": code.id, "store_id": code.store_id, "fits": fits}
        await tx.run(_ARRIVE, about | {"now": self.hall.clock.now()})
        await tx.tell(f"till:{code.store_id}", "arrival", {"payment_id": payment.id})
        if isinstance(found, Exact):
            try:
                return await self._assign(tx, payment, found.order, "match")
            except Conflict as taken:
                log.info("arrival.not_assigned", payment=payment.id, why=str(taken))
        return payment

    # --- deciding ---------------------------------------------------------------------------------------------------

    async def assign(self, payment_id: str, kind: str, id: str, by: str) -> Payment:
        """Somebody knows what this was for. Raises `Conflict` when it is decided or the order is over, `NotFound`."""
        async with self.hall.db.transaction() as tx:
            payment = await self.hall.lock(tx, payment_id)
            if payment.payable_kind != KIND or not payment.money_refundable or payment.refund_reserved:
                raise Conflict(DECIDED)
            wanted = [
                order for order in await self.open_orders(tx, payment.store_id) if (order.kind, order.id) == (kind, id)
            ]
            if not wanted:
                raise NotFound(NO_SUCH_ORDER)
            return await self._assign(tx, payment, wanted[0], by)

    async def keep(self, payment_id: str, by: str) -> Payment:
        """A sale that no order stands for. Raises `Conflict` when it is decided, `NotFound`."""
        async with self.hall.db.transaction() as tx:
            payment = await self.hall.lock(tx, payment_id)
            if not await self._decide(tx, payment.id, "kept", by):
                raise Conflict(DECIDED)
            await self._note(tx, payment, "kept", "", by)
            return payment

    async def _assign(self, tx: Transaction, payment: Payment, order: OpenOrder, by: str) -> Payment:
        # The whole of an order is its dishes; any other amount is money without dishes.
        payable = self._payable(order.kind)
        part: dict[str, Any] = {"choice": "amount", "lines": []}
        if order.left == payment.money and isinstance(payable, OpenOrders):
            part = dict(await payable.whole_of(tx, order.id))
        moved = msgspec.structs.replace(
            payment, payable_kind=order.kind, payable_id=order.id, part=part | {ARRIVED: True}
        )
        await payable.hold(tx, moved)
        if not await self._decide(tx, payment.id, "assigned", by, order.kind, order.id):
            raise Conflict(DECIDED)
        values = {"payment_id": payment.id, "kind": order.kind, "id": order.id, "part": json_column(moved.part)}
        moved = await tx.one(Payment, _MOVE_TO, values)
        await self.hall.tell_paid(tx, moved)
        await self._note(tx, moved, "assigned", order.id, by)
        return moved

    def _payable(self, kind: str) -> Payable:
        try:
            return self.hall.payables[kind]
        except KeyError:
            raise NotFound(NO_SUCH_ORDER) from None

    async def _decide(
        self, tx: Transaction, payment_id: str, state: str, by: str, kind: str = "", id: str = ""
    ) -> bool:
        values = {"payment_id": payment_id, "state": state, "kind": kind, "id": id, "by": by}
        return bool(await tx.run(_DECIDE, values | {"now": self.hall.clock.now()}))

    async def _note(self, tx: Transaction, payment: Payment, event: str, code: str, by: str) -> None:
        await tx.run(
            _EVIDENCE,
            {
                "payment_id": payment.id,
                "now": self.hall.clock.now(),
                "door": Door.PERSON.value,
                "event": event,
                "status": payment.status.value,
                "code": code,
                "by": by,
            },
        )
        await tell_screens(tx, payment)
        if payment.store_id:
            await tx.tell(f"till:{payment.store_id}", "arrival", {"payment_id": payment.id})

    # --- looking ----------------------------------------------------------------------------------------------------

    async def open_orders(self, rows: Rows, store_id: str) -> list[OpenOrder]:
        """Everything at a store that still wants money, of every kind that can say so."""
        payables: Mapping[str, Payable] = self.hall.payables
        asked = [payable for payable in payables.values() if isinstance(payable, OpenOrders)]
        return [order for payable in asked for order in await payable.open_orders(rows, store_id)]

    async def suggestions(self, rows: Rows, arrival: Arrival) -> Match:
        """Where this money may belong, as things stand now."""
        return match(arrival.money, await self.open_orders(rows, arrival.store_id))

    async def get(self, rows: Rows, payment_id: str) -> Arrival:
        """One arrival, decided or not. Raises `NotFound`."""
        return await rows.one(Arrival, _INBOX + " WHERE a.payment_id = %(id)s", {"id": payment_id})


async def waiting_at(rows: Rows, store_id: str) -> list[Arrival]:
    """The inbox of one store, oldest first."""
    sql = _INBOX + " WHERE a.store_id = %(store_id)s AND a.state = 'waiting' ORDER BY a.arrived_at, a.payment_id"
    return await rows.rows(Arrival, sql, {"store_id": store_id})
