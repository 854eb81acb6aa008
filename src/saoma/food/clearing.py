"""Clearing a store that was only for practice: its orders and its menu, as if it had never sold anything.

What was paid stays with the payments, which are never cleared; a store that anybody ever sold in is never cleared."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

#: What points at something comes before it.
_ALL: Final = (
    "DELETE FROM offline_orders WHERE store_id = %(store)s",
    "DELETE FROM offline_devices WHERE store_id = %(store)s",
    "DELETE FROM tab_discounts WHERE tab_id IN (SELECT id FROM tabs WHERE store_id = %(store)s)",
    "DELETE FROM portion_claims WHERE line_id IN (SELECT id FROM tab_lines WHERE store_id = %(store)s)",
    "DELETE FROM tab_lines WHERE tab_id IN (SELECT id FROM tabs WHERE store_id = %(store)s)",
    "DELETE FROM tabs WHERE store_id = %(store)s",
    "DELETE FROM option_groups WHERE item_id IN (SELECT id FROM menu_items WHERE store_id = %(store)s)",
    "DELETE FROM portions WHERE item_id IN (SELECT id FROM menu_items WHERE store_id = %(store)s)",
    "DELETE FROM menu_undo WHERE store_id = %(store)s",
    "DELETE FROM menu_items WHERE store_id = %(store)s",
    "DELETE FROM menu_sections WHERE store_id = %(store)s",
    "DELETE FROM stations WHERE store_id = %(store)s",
    "DELETE FROM menus WHERE store_id = %(store)s",
)


async def clear_food(tx: Transaction, store_id: str) -> None:
    """Delete every order and the menu of this store."""
    for statement in _ALL:
        await tx.run(statement, {"store": store_id})
