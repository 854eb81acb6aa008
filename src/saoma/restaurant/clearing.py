"""Clearing a store that was only for practice: its sittings and tables, and all that food keeps of it.

Only practice calls it; a real store's bills are kept for good."""

from __future__ import annotations

from typing import Final

from saoma.food.clearing import clear_food
from saoma.kit.db import Transaction
from saoma.marketing.clearing import clear_marketing

_OF_THE_STORE: Final = "(SELECT id FROM sittings WHERE store_id = %(store)s)"
#: What points at something comes before it.
_SITTINGS: Final = (
    f"DELETE FROM bill_shares WHERE sitting_id IN {_OF_THE_STORE}",  # noqa: S608
    f"DELETE FROM guests WHERE sitting_id IN {_OF_THE_STORE}",  # noqa: S608
    "DELETE FROM sittings WHERE store_id = %(store)s",
    "DELETE FROM dining_rules WHERE store_id = %(store)s",
    "DELETE FROM table_turns WHERE table_id IN (SELECT id FROM dining_tables WHERE store_id = %(store)s)",
)


async def clear_restaurant(tx: Transaction, store_id: str) -> None:
    """Delete every sitting, bill, order, table and dish of this store."""
    for statement in _SITTINGS:
        await tx.run(statement, {"store": store_id})
    await clear_marketing(tx, store_id)
    await clear_food(tx, store_id)
    await tx.run("DELETE FROM dining_tables WHERE store_id = %(store)s", {"store": store_id})
