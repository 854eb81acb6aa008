"""The parts of a shop's day as they are stored, with the menu; and the limits of one dish.

A part keeps its id when its hours or names change: dishes point at ids, files and forms at names."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from saoma.food.dayparts import Daypart
from saoma.food.menus.drafts import daypart_faults
from saoma.food.menus.menu import menu_changed
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id

#: More than a menu can explain to anybody.
MOST_PARTS = 12


class _Parts(msgspec.Struct):
    dayparts: tuple[Daypart, ...]


async def of(rows: Rows, store_id: str) -> tuple[Daypart, ...]:
    """The parts of this shop's day, in their order."""
    found = await rows.maybe(_Parts, "SELECT dayparts FROM menus WHERE store_id = %(store)s", {"store": store_id})
    return found.dayparts if found else ()


async def put(tx: Transaction, store_id: str, parts: Sequence[Daypart]) -> None:
    """Add these, or change those of the same name; the others stay. The menu's version is the caller's business.

    Raises `Invalid` for a faulty one, or when there would be too many."""
    if not parts:
        return
    known = {part.name: part for part in await _locked(tx, store_id)}
    for part in parts:
        _refuse(part)
        before = known.get(part.name)
        known[part.name] = msgspec.structs.replace(part, id=before.id if before else new_id("part"))
    await _store(tx, store_id, list(known.values()))


async def save(tx: Transaction, store_id: str, part: Daypart) -> None:
    """Add one (its id empty), or change the one with this id, its name too.

    Raises `Invalid` for a faulty one or a name that another has, `NotFound`."""
    _refuse(part)
    known = {each.id: each for each in await _locked(tx, store_id)}
    if part.id and part.id not in known:
        raise NotFound("This part of the day is no longer there.")
    if any(each.name == part.name and each.id != part.id for each in known.values()):
        raise Invalid("There is a part of the day “{name}” already. Choose another name.", name=part.name)
    made = part if part.id else msgspec.structs.replace(part, id=new_id("part"))
    known[made.id] = made
    await _store(tx, store_id, list(known.values()))
    await menu_changed(tx, store_id, "dayparts")


async def remove(tx: Transaction, store_id: str, part_id: str) -> None:
    """Take one away that nothing is limited to; otherwise `Conflict` names a dish or section. Raises `NotFound`."""
    name = await tx.value(
        "SELECT name FROM menu_items WHERE store_id = %(store)s AND NOT retired AND %(part)s = ANY(dayparts)"
        " UNION ALL SELECT name FROM menu_sections WHERE store_id = %(store)s AND NOT removed"
        " AND %(part)s = ANY(dayparts) LIMIT 1",
        {"store": store_id, "part": part_id},
    )
    if name is not None:
        raise Conflict("“{name}” is limited to this part of the day. Change that first.", name=name)
    known = await _locked(tx, store_id)
    kept = [part for part in known if part.id != part_id]
    if len(kept) == len(known):
        raise NotFound("This part of the day is no longer there.")
    await _store(tx, store_id, kept)
    await menu_changed(tx, store_id, "dayparts")


async def _locked(tx: Transaction, store_id: str) -> tuple[Daypart, ...]:
    found = await tx.one(
        _Parts, "SELECT dayparts FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id}
    )
    return found.dayparts


async def _store(tx: Transaction, store_id: str, parts: Sequence[Daypart]) -> None:
    if len(parts) > MOST_PARTS:
        raise Invalid("A day has too many parts. At most {most}.", most=MOST_PARTS)
    await tx.run(
        "UPDATE menus SET dayparts = %(parts)s WHERE store_id = %(store)s",
        {"parts": json_column(msgspec.to_builtins(parts)), "store": store_id},
    )


def _refuse(part: Daypart) -> None:
    for fault in daypart_faults(part):
        raise Invalid(fault.msgid, **fault.values)
