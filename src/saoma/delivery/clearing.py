"""Clearing a store that was only for practice: its deliveries, zones and what runners carried.

Only practice calls it, before `food` clears the tabs; a real store's deliveries are kept for good."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

#: What points at something comes before it.
_ALL: Final = (
    "DELETE FROM carried_dishes WHERE tab_id IN (SELECT id FROM tabs WHERE store_id = %(store)s)",
    "DELETE FROM delivery_events WHERE delivery_id IN (SELECT id FROM deliveries WHERE store_id = %(store)s)",
    "DELETE FROM deliveries WHERE store_id = %(store)s",
    "DELETE FROM delivery_zones WHERE store_id = %(store)s",
    "DELETE FROM delivery_settings WHERE store_id = %(store)s",
)


async def clear_delivery(tx: Transaction, store_id: str) -> None:
    """Delete every delivery and zone of this store."""
    for statement in _ALL:
        await tx.run(statement, {"store": store_id})
