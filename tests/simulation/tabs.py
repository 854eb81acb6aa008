"""What is paid for in a simulated world: tabs with a share per payment, which refuse to be paid twice.

`strict=False` is a planted fault: a tab that lets anybody pay it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.payments.arrivals import ARRIVED
from saoma.payments.matching import OpenOrder
from saoma.payments.model import Payment, Refund

KIND: Final = "tab"

TABLES: Final = """
CREATE TABLE IF NOT EXISTS sim_tabs (id text PRIMARY KEY, store_id text NOT NULL, due bigint NOT NULL);
CREATE INDEX IF NOT EXISTS sim_tabs_of_store ON sim_tabs (store_id);
CREATE TABLE IF NOT EXISTS sim_shares (
    payment_id text PRIMARY KEY, tab_id text NOT NULL, amount bigint NOT NULL, state text NOT NULL DEFAULT 'held',
    refunded bigint NOT NULL DEFAULT 0, arrived boolean NOT NULL
);
CREATE INDEX IF NOT EXISTS sim_shares_of_tab ON sim_shares (tab_id);
"""
_TAKEN: Final = "(SELECT coalesce(sum(amount), 0) FROM sim_shares WHERE tab_id = t.id AND state <> 'released')"
_HOLD: Final = f"""
INSERT INTO sim_shares (payment_id, tab_id, amount, arrived)
SELECT %(payment_id)s, t.id, %(amount)s, %(arrived)s FROM sim_tabs AS t
WHERE t.id = %(id)s AND (NOT %(checked)s OR t.due >= %(amount)s + {_TAKEN})
"""
_LEFT: Final = f"""
SELECT id, due, {_TAKEN}::bigint AS taken FROM sim_tabs AS t WHERE store_id = %(store_id)s ORDER BY id
"""


class Left(msgspec.Struct, frozen=True):
    """One tab: minor units due, and what open and ended payments have taken of it."""

    id: str
    due: int
    taken: int


class Share(msgspec.Struct, frozen=True):
    """One payment's part of a tab. `arrived` money came by a printed code, and nobody could refuse it."""

    payment_id: str
    tab_id: str
    due: int
    amount: int
    state: str
    refunded: int
    arrived: bool


class Tabs:
    """Implements `payments.payable.Payable` and `payments.arrivals.OpenOrders`."""

    def __init__(self, *, strict: bool = True) -> None:
        self.strict = strict

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Set the payment's amount aside, unless that would overpay the tab."""
        arrived = bool(payment.part.get(ARRIVED))
        params = {"payment_id": payment.id, "id": payment.payable_id, "amount": payment.amount, "arrived": arrived}
        if await tx.run(_HOLD, params | {"checked": self.strict and not arrived}) == 0:
            raise Conflict("This tab is already paid or being paid.")

    async def paid(self, tx: Transaction, payment: Payment) -> None:
        """The money is there."""
        await self._turn(tx, payment, "state = 'paid'")

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """What was set aside is due again."""
        await self._turn(tx, payment, "state = 'released'")

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Something was given back."""
        await self._turn(tx, payment, f"refunded = refunded + {refund.amount}")

    async def open_orders(self, rows: Rows, store_id: str) -> list[OpenOrder]:
        """The tabs of a store that want money."""
        moment = datetime(2026, 3, 2, tzinfo=UTC)
        return [
            OpenOrder(KIND, tab.id, Money(tab.due - tab.taken, "USD"), tab.id, moment)
            for tab in await rows.rows(Left, _LEFT, {"store_id": store_id})
            if tab.due > tab.taken
        ]

    async def whole_of(self, rows: Rows, id: str) -> Mapping[str, Any]:
        """Nothing but the amount."""
        return {}

    async def _turn(self, tx: Transaction, payment: Payment, change: str) -> None:
        if await tx.run(f"UPDATE sim_shares SET {change} WHERE payment_id = %(id)s", {"id": payment.id}) == 0:
            raise RuntimeError(f"{payment.id} has no share of a tab")


async def shares(rows: Rows, store_id: str) -> list[Share]:
    """Every share of a store's tabs."""
    sql = """SELECT s.payment_id, s.tab_id, t.due, s.amount, s.state, s.refunded, s.arrived
             FROM sim_shares AS s JOIN sim_tabs AS t ON t.id = s.tab_id WHERE t.store_id = %(id)s ORDER BY 1"""
    return await rows.rows(Share, sql, {"id": store_id})
