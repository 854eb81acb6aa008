"""Clearing a store that was only for practice: its counter orders and their numbers.

Only practice calls it, before `food` clears the tabs; a real store's orders are kept for good."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

#: What points at something comes before it.
_ALL: Final = (
    "DELETE FROM counter_stops WHERE order_id IN (SELECT id FROM counter_orders WHERE store_id = %(store)s)",
    "DELETE FROM counter_shares WHERE order_id IN (SELECT id FROM counter_orders WHERE store_id = %(store)s)",
    "DELETE FROM counter_orders WHERE store_id = %(store)s",
    "DELETE FROM pickup_numbers WHERE store_id = %(store)s",
)


async def clear_fastfood(tx: Transaction, store_id: str) -> None:
    """Delete every counter order of this store."""
    for statement in _ALL:
        await tx.run(statement, {"store": store_id})
