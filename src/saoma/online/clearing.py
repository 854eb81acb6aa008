"""Clearing a store that was only for practice: what it offered ahead, and the orders.

Only practice calls it, before `food` clears the tabs; a real store's orders are kept for good."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

#: What points at something comes before it.
_ALL: Final = (
    "DELETE FROM online_shares WHERE order_id IN (SELECT id FROM online_orders WHERE store_id = %(store)s)",
    "DELETE FROM online_orders WHERE store_id = %(store)s",
    "DELETE FROM online_hours WHERE store_id = %(store)s",
    "DELETE FROM online_stores WHERE store_id = %(store)s",
)


async def clear_online(tx: Transaction, store_id: str) -> None:
    """Delete everything that was ordered ahead at this store."""
    for statement in _ALL:
        await tx.run(statement, {"store": store_id})
