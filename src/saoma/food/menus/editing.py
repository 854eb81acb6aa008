"""Changing a menu: sections, dishes, choices, photos, order, and a whole draft at once.

Rows keep their ids through every change, matched by code and name, so that baskets and old orders go on pointing at
what was meant; a dish taken off the menu is retired, never deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from saoma.food.menus import parts_of_day
from saoma.food.menus.drafts import (
    Fault,
    GroupDraft,
    ItemDraft,
    MenuDraft,
    SectionDraft,
    all_item_faults,
    limit_faults,
    section_faults,
)
from saoma.food.menus.menu import menu_changed
from saoma.food.model import Photo
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.ids import new_id


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the kitchen where dishes of some sections are made."""

    id: str
    name: str
    name_zh: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What storing a draft did, in dishes."""

    added: int
    changed: int
    retired: int


class _Known(msgspec.Struct):
    id: str
    name: str


async def stations(rows: Rows, store_id: str) -> list[Station]:
    """The kitchen's stations in order; none is usual for a small kitchen."""
    return await rows.rows(
        Station,
        "SELECT id, name, name_zh FROM stations WHERE store_id = %(store)s ORDER BY position, id",
        {"store": store_id},
    )


async def set_station(tx: Transaction, store_id: str, name: str, name_zh: str = "") -> str:
    """The id of the station called `name`, made if there is none yet."""
    station_id: str = await tx.value(
        "INSERT INTO stations (id, store_id, name, name_zh, position) VALUES (%(id)s, %(store)s, %(name)s, %(zh)s,"
        " (SELECT count(*) FROM stations WHERE store_id = %(store)s))"
        " ON CONFLICT (store_id, name) DO UPDATE SET name_zh = coalesce(nullif(excluded.name_zh, ''), stations.name_zh)"
        " RETURNING id",
        {"id": new_id("station"), "store": store_id, "name": name, "zh": name_zh},
    )
    return station_id


async def save_section(tx: Transaction, store_id: str, draft: SectionDraft, section_id: str | None = None) -> str:
    """Add a section, or change the one named; answers its id. Its dishes are left alone.

    Raises `Invalid` for a faulty draft or a name that another section has, `NotFound`."""
    section_id = await _save_section(tx, store_id, draft, section_id)
    await menu_changed(tx, store_id, "edited")
    return section_id


async def _save_section(tx: Transaction, store_id: str, draft: SectionDraft, section_id: str | None) -> str:
    _refuse(section_faults(draft))
    taken = await tx.value(
        "SELECT id FROM menu_sections WHERE store_id = %(store)s AND name = %(name)s AND id <> %(id)s",
        {"store": store_id, "name": draft.name, "id": section_id or ""},
    )
    if taken is not None:
        raise Invalid("There is a section “{name}” already. Choose another name.", name=draft.name)
    station_id = await set_station(tx, store_id, draft.station) if draft.station else None
    parts = await _parts(tx, store_id, draft)
    values = {
        "id": section_id or new_id("section"),
        "store": store_id,
        "name": draft.name,
        "zh": draft.name_zh,
        "hidden": draft.hidden,
        "station": station_id,
        "channels": list(draft.channels),
        "dayparts": parts,
        "course": draft.course,
    }
    if section_id is None:
        await tx.run(
            "INSERT INTO menu_sections (id, store_id, name, name_zh, hidden, station_id, channels, dayparts, course,"
            " position) VALUES (%(id)s, %(store)s, %(name)s, %(zh)s, %(hidden)s, %(station)s, %(channels)s,"
            " %(dayparts)s, %(course)s,"
            " (SELECT coalesce(max(position) + 1, 0) FROM menu_sections WHERE store_id = %(store)s))",
            values,
        )
    elif not await tx.run(
        "UPDATE menu_sections SET name = %(name)s, name_zh = %(zh)s, hidden = %(hidden)s, station_id = %(station)s,"
        " channels = %(channels)s, dayparts = %(dayparts)s, course = %(course)s"
        " WHERE id = %(id)s AND store_id = %(store)s",
        values,
    ):
        raise NotFound("This section is no longer on the menu.")
    return str(values["id"])


async def _parts(tx: Transaction, store_id: str, draft: SectionDraft | ItemDraft) -> list[str]:
    """The ids of the draft's parts of the day. Raises `Invalid` for limits that this shop does not know."""
    if not draft.dayparts and not draft.channels:
        return []
    known = {part.name: part.id for part in await parts_of_day.of(tx, store_id)}
    _refuse(limit_faults(draft, known))
    return [known[name] for name in draft.dayparts]


async def remove_section(tx: Transaction, store_id: str, section_id: str) -> None:
    """Take an empty section off the menu. Raises `Invalid` while it has dishes, `NotFound`."""
    if await tx.value(
        "SELECT 1 FROM menu_items i JOIN menu_sections s ON s.id = i.section_id"
        " WHERE s.id = %(id)s AND s.store_id = %(store)s AND NOT i.retired LIMIT 1",
        {"id": section_id, "store": store_id},
    ):
        raise Invalid("This section still has dishes. Move or remove them first.")
    # Retired dishes need some section to belong to: one of them is enough to keep the row, hidden and out of the way.
    removed = await tx.run(
        "DELETE FROM menu_sections s WHERE id = %(id)s AND store_id = %(store)s"
        " AND NOT EXISTS (SELECT FROM menu_items i WHERE i.section_id = s.id)",
        {"id": section_id, "store": store_id},
    )
    if not removed and not await tx.run(
        "UPDATE menu_sections SET removed = true, name = id WHERE id = %(id)s AND store_id = %(store)s AND NOT removed",
        {"id": section_id, "store": store_id},
    ):
        raise NotFound("This section is no longer on the menu.")
    await menu_changed(tx, store_id, "edited")


async def save_item(
    tx: Transaction, store_id: str, section_id: str, draft: ItemDraft, item_id: str | None = None
) -> str:
    """Add a dish at the end of a section, or change the one named (also moving it there); answers its id.

    Raises `Invalid` for a faulty draft or a code that another dish has, `NotFound`."""
    item_id = await _save_item(tx, store_id, section_id, draft, item_id)
    await menu_changed(tx, store_id, "edited")
    return item_id


async def _save_item(
    tx: Transaction, store_id: str, section_id: str, draft: ItemDraft, item_id: str | None, position: int | None = None
) -> str:
    _refuse(all_item_faults(draft))
    if not await tx.value(
        "SELECT 1 FROM menu_sections WHERE id = %(id)s AND store_id = %(store)s AND NOT removed",
        {"id": section_id, "store": store_id},
    ):
        raise NotFound("This section is no longer on the menu.")
    taken = await tx.value(
        "SELECT name FROM menu_items WHERE store_id = %(store)s AND code = %(code)s AND NOT retired AND id <> %(id)s",
        {"store": store_id, "code": draft.code, "id": item_id or ""},
    )
    if taken is not None:
        raise Invalid("The dish “{name}” has the code {code} already. Choose another.", name=taken, code=draft.code)
    values: dict[str, Any] = {
        "id": item_id or new_id("item"),
        "store": store_id,
        "section": section_id,
        "code": draft.code,
        "name": draft.name,
        "zh": draft.name_zh,
        "description": draft.description,
        "description_zh": draft.description_zh,
        "price": draft.price,
        "allergens": list(draft.allergens),
        "tags": list(draft.tags),
        "hidden": draft.hidden,
        "sold_out": draft.sold_out,
        "channels": list(draft.channels),
        "dayparts": await _parts(tx, store_id, draft),
        "station": await set_station(tx, store_id, draft.station) if draft.station else None,
        "per_day": draft.per_day,
        "position": position,
    }
    if item_id is None:
        await tx.run(
            "INSERT INTO menu_items (id, store_id, section_id, code, name, name_zh, description, description_zh, price,"
            " allergens, tags, hidden, sold_out, channels, dayparts, station_id, per_day, position) VALUES (%(id)s,"
            " %(store)s, %(section)s, %(code)s, %(name)s, %(zh)s, %(description)s, %(description_zh)s, %(price)s,"
            " %(allergens)s, %(tags)s, %(hidden)s, %(sold_out)s, %(channels)s, %(dayparts)s, %(station)s, %(per_day)s,"
            " coalesce(%(position)s::int,"
            " (SELECT coalesce(max(position) + 1, 0) FROM menu_items WHERE section_id = %(section)s)))",
            values,
        )
    elif not await tx.run(
        "UPDATE menu_items SET section_id = %(section)s, code = %(code)s, name = %(name)s, name_zh = %(zh)s,"
        " description = %(description)s, description_zh = %(description_zh)s, price = %(price)s,"
        " allergens = %(allergens)s, tags = %(tags)s, hidden = %(hidden)s, sold_out = %(sold_out)s,"
        " channels = %(channels)s, dayparts = %(dayparts)s, station_id = %(station)s, per_day = %(per_day)s,"
        " position = coalesce(%(position)s::int, position)"
        " WHERE id = %(id)s AND store_id = %(store)s AND NOT retired",
        values,
    ):
        raise NotFound("This dish is no longer on the menu.")
    await _save_groups(tx, values["id"], draft.groups)
    return str(values["id"])


async def _save_groups(tx: Transaction, item_id: str, drafts: Sequence[GroupDraft]) -> None:
    """Make the dish's groups equal the drafts; groups and choices of the same name keep their ids."""
    known = {
        row.name: row.id
        for row in await tx.rows(
            _Known, "SELECT id, name FROM option_groups WHERE item_id = %(item)s", {"item": item_id}
        )
    }
    ids = {draft.name: known.get(draft.name) or new_id("group") for draft in drafts}
    await tx.run(
        "DELETE FROM option_groups WHERE item_id = %(item)s AND id <> ALL(%(kept)s)",
        {"item": item_id, "kept": list(ids.values())},
    )
    if not drafts:
        return
    await tx.run(
        "INSERT INTO option_groups (id, item_id, name, name_zh, min_choices, max_choices, position)"
        " SELECT id, %(item)s, name, name_zh, min_choices, max_choices, position FROM jsonb_to_recordset(%(rows)s)"
        " AS r(id text, name text, name_zh text, min_choices int, max_choices int, position int)"
        " ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, min_choices = excluded.min_choices,"
        " max_choices = excluded.max_choices, position = excluded.position",
        {
            "item": item_id,
            "rows": json_column(
                [
                    {
                        "id": ids[draft.name],
                        "name": draft.name,
                        "name_zh": draft.name_zh,
                        "min_choices": draft.min_choices,
                        "max_choices": draft.max_choices,
                        "position": position,
                    }
                    for position, draft in enumerate(drafts)
                ]
            ),
        },
    )
    await _save_options(tx, [(ids[draft.name], draft) for draft in drafts])


class _KnownOption(msgspec.Struct):
    id: str
    group_id: str
    name: str


async def _save_options(tx: Transaction, groups: Sequence[tuple[str, GroupDraft]]) -> None:
    group_ids = [group_id for group_id, _ in groups]
    known = {
        (row.group_id, row.name): row.id
        for row in await tx.rows(
            _KnownOption,
            "SELECT id, group_id, name FROM options WHERE group_id = ANY(%(groups)s)",
            {"groups": group_ids},
        )
    }
    rows = [
        {
            "id": known.get((group_id, option.name)) or new_id("option"),
            "group_id": group_id,
            "name": option.name,
            "name_zh": option.name_zh,
            "price_change": option.price_change,
            "sold_out": option.sold_out,
            "position": position,
        }
        for group_id, draft in groups
        for position, option in enumerate(draft.options)
    ]
    await tx.run(
        "DELETE FROM options WHERE group_id = ANY(%(groups)s) AND id <> ALL(%(kept)s)",
        {"groups": group_ids, "kept": [row["id"] for row in rows]},
    )
    await tx.run(
        "INSERT INTO options (id, group_id, name, name_zh, price_change, sold_out, position)"
        " SELECT * FROM jsonb_to_recordset(%(rows)s) AS r(id text, group_id text, name text, name_zh text,"
        " price_change bigint, sold_out boolean, position int)"
        " ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, price_change = excluded.price_change,"
        " sold_out = excluded.sold_out, position = excluded.position",
        {"rows": json_column(rows)},
    )


async def retire_item(tx: Transaction, store_id: str, item_id: str) -> None:
    """Take a dish off the menu for good; what was ordered of it stays. Raises `NotFound`."""
    await _change_item(tx, store_id, "UPDATE menu_items SET retired = true", {"id": item_id})


async def set_hidden(tx: Transaction, store_id: str, item_id: str, *, hidden: bool) -> None:
    """Hide a dish from guests, or show it again. Raises `NotFound`."""
    await _change_item(tx, store_id, "UPDATE menu_items SET hidden = %(hidden)s", {"id": item_id, "hidden": hidden})


async def set_photo(tx: Transaction, store_id: str, item_id: str, photo: Photo | None) -> None:
    """Give a dish a photo that is already in storage (`photos.keep`), or take it away. Raises `NotFound`."""
    await _change_item(
        tx,
        store_id,
        "UPDATE menu_items SET photo = %(photo)s, photo_width = %(width)s, photo_height = %(height)s,"
        " photo_avif = %(avif)s",
        {
            "id": item_id,
            "photo": photo.name if photo else "",
            "width": photo.width if photo else 0,
            "height": photo.height if photo else 0,
            "avif": bool(photo and photo.avif),
        },
    )


async def _change_item(tx: Transaction, store_id: str, change: str, values: dict[str, Any]) -> None:
    where = " WHERE id = %(id)s AND store_id = %(store)s AND NOT retired"
    if not await tx.run(change + where, {**values, "store": store_id}):
        raise NotFound("This dish is no longer on the menu.")
    await menu_changed(tx, store_id, "edited")


async def store_menu(tx: Transaction, store_id: str, draft: MenuDraft, *, retire_others: bool = False) -> Stored:
    """Put a draft onto the menu: new dishes are added, those with a known code changed, in the draft's order.

    Where it names only some of what is there, that keeps its place, and what is new comes after it.
    Dishes not in the draft stay, or go (`retire_others`). All or nothing: raises `Invalid` for the first fault."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    await parts_of_day.put(tx, store_id, draft.dayparts)
    sections = {
        row.name: row.id
        for row in await tx.rows(
            _Known,
            "SELECT id, name FROM menu_sections WHERE store_id = %(store)s AND NOT removed",
            {"store": store_id},
        )
    }
    items = {
        row.name: row.id
        for row in await tx.rows(
            _Known,
            "SELECT id, code AS name FROM menu_items WHERE store_id = %(store)s AND NOT retired",
            {"store": store_id},
        )
    }
    kept: list[str] = []
    ordered = retire_others or sections.keys() <= {section.name for section in draft.sections}
    listed = retire_others or items.keys() <= {item.code for section in draft.sections for item in section.items}
    for place, section in enumerate(draft.sections):
        section_id = await _save_section(tx, store_id, section, sections.get(section.name))
        await tx.run(
            "UPDATE menu_sections SET position = %(place)s WHERE id = %(id)s AND %(ordered)s",
            {"place": place, "id": section_id, "ordered": ordered},
        )
        for position, item in enumerate(section.items):
            at = position if listed else None
            kept.append(await _save_item(tx, store_id, section_id, item, items.get(item.code), at))
    retired = 0
    if retire_others:
        retired = await tx.run(
            "UPDATE menu_items SET retired = true WHERE store_id = %(store)s AND NOT retired AND id <> ALL(%(kept)s)",
            {"store": store_id, "kept": kept},
        )
    await menu_changed(tx, store_id, "imported")
    changed = sum(1 for item_id in kept if item_id in set(items.values()))
    return Stored(added=len(kept) - changed, changed=changed, retired=retired)


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise Invalid(faults[0].msgid, **faults[0].values)
