"""The order of a menu: sections, and dishes within them.

A whole order comes from dragging, one step from a key; both end in the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from saoma.food.menus.menu import menu_changed
from saoma.kit.db import Transaction
from saoma.kit.errors import NotFound

_ITEMS = (
    "SELECT id FROM menu_items WHERE NOT retired AND section_id ="
    " (SELECT section_id FROM menu_items WHERE id = %(id)s AND store_id = %(store)s) ORDER BY position, id"
)
_SECTIONS = "SELECT id FROM menu_sections WHERE store_id = %(store)s AND NOT removed ORDER BY position, id"


class _Known(msgspec.Struct):
    id: str


async def move_item(tx: Transaction, store_id: str, item_id: str, *, up: bool) -> None:
    """Change places with the neighbour above or below in its section; at the end nothing happens."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    rows = await tx.rows(_Known, _ITEMS, {"id": item_id, "store": store_id})
    await _step(tx, "UPDATE menu_items SET", [row.id for row in rows], item_id, up=up)
    await menu_changed(tx, store_id, "moved")


async def move_section(tx: Transaction, store_id: str, section_id: str, *, up: bool) -> None:
    """The same for a section on the menu."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    rows = await tx.rows(_Known, _SECTIONS, {"store": store_id})
    await _step(tx, "UPDATE menu_sections SET", [row.id for row in rows], section_id, up=up)
    await menu_changed(tx, store_id, "moved")


async def _step(tx: Transaction, update: str, ids: list[str], moved: str, *, up: bool) -> None:
    if moved not in ids:
        raise NotFound("This is no longer on the menu.")
    here = ids.index(moved)
    there = here + (-1 if up else 1)
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
    await _put(tx, update, ids)


async def _put(tx: Transaction, update: str, ids: Sequence[str]) -> None:
    place = " position = array_position(%(ids)s::text[], id) - 1 WHERE id = ANY(%(ids)s)"
    await tx.run(update + place, {"ids": list(ids)})


async def place_item(tx: Transaction, store_id: str, item_id: str, section_id: str, before_id: str) -> None:
    """Put a dish before another one (or at the end, without one) in this section. Raises `NotFound`."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    moved = await tx.run(
        "UPDATE menu_items SET section_id = %(section)s WHERE id = %(id)s AND store_id = %(store)s AND NOT retired"
        " AND EXISTS (SELECT FROM menu_sections WHERE id = %(section)s AND store_id = %(store)s AND NOT removed)",
        {"id": item_id, "section": section_id, "store": store_id},
    )
    if not moved:
        raise NotFound("This is no longer on the menu.")
    there = [row.id for row in await tx.rows(_Known, _ITEMS, {"id": item_id, "store": store_id}) if row.id != item_id]
    there.insert(there.index(before_id) if before_id in there else len(there), item_id)
    await _put(tx, "UPDATE menu_items SET", there)
    await menu_changed(tx, store_id, "moved")
