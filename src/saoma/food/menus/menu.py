"""The menu of a store, read in at most four queries, and the sold-out switch used during service.

Readers get one frozen `Menu`, shared between requests of this process for as long as its version stands: nobody may
change it, whoever wants it otherwise makes a new one."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from datetime import datetime

import msgspec

from saoma.food.card import Portions
from saoma.food.dayparts import Daypart
from saoma.food.model import Item, Menu, Option, OptionGroup, Photo, Section
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NotFound

__all__ = [
    "Item",
    "Menu",
    "Option",
    "OptionGroup",
    "Photo",
    "Section",
    "menu",
    "menu_changed",
    "offered",
    "open_menu",
    "set_option_sold_out",
    "set_sold_out",
]

_KEPT: OrderedDict[tuple[str, str, str], Menu] = OrderedDict()
_MOST_KEPT = 64


class _Head(msgspec.Struct):
    store_id: str
    currency: str
    version: str
    tax_basis_points: int
    zone: str
    dayparts: tuple[Daypart, ...]


class _SectionRow(msgspec.Struct):
    id: str
    name: str
    name_zh: str
    hidden: bool
    station_id: str | None
    channels: tuple[str, ...]
    dayparts: tuple[str, ...]
    course: str


class _ItemRow(msgspec.Struct):
    id: str
    section_id: str
    code: str
    name: str
    name_zh: str
    description: str
    description_zh: str
    price: int
    allergens: tuple[str, ...]
    tags: tuple[str, ...]
    photo: str
    photo_width: int
    photo_height: int
    photo_avif: bool
    hidden: bool
    sold_out: bool
    channels: tuple[str, ...]
    dayparts: tuple[str, ...]
    station_id: str | None
    per_day: int | None
    portions: tuple[Portions, ...]


class _OptionRow(msgspec.Struct):
    group_id: str
    item_id: str
    group_name: str
    group_name_zh: str
    min_choices: int
    max_choices: int
    id: str | None
    name: str | None
    name_zh: str | None
    price_change: int | None
    sold_out: bool | None


async def open_menu(tx: Transaction, store_id: str, currency: str, tax_basis_points: int = 0) -> None:
    """Give the store an empty menu in `currency`; one that exists keeps everything (a repeat is harmless)."""
    await tx.run(
        "INSERT INTO menus (store_id, currency, tax_basis_points) VALUES (%(store)s, %(currency)s, %(tax)s)"
        " ON CONFLICT (store_id) DO NOTHING",
        {"store": store_id, "currency": currency, "tax": tax_basis_points},
    )


async def menu(rows: Rows, store_id: str) -> Menu:
    """The whole menu, hidden dishes too (`offered` is what a guest sees). Raises `NotFound` without one.

    One query when this process already holds the version, four when it does not."""
    head = await rows.maybe(
        _Head,
        "SELECT m.store_id, m.currency, m.version, m.tax_basis_points, m.dayparts, coalesce(s.zone, 'UTC') AS zone"
        " FROM menus m LEFT JOIN stores s ON s.id = m.store_id WHERE m.store_id = %(store)s",
        {"store": store_id},
    )
    if head is None:
        raise NotFound("This shop has no menu yet.")
    key = (store_id, head.version, head.zone)
    if (kept := _KEPT.get(key)) is not None:
        _KEPT.move_to_end(key)
        return kept
    # The version is read first: content read after it can only be newer, and then a newer version is already waiting.
    fresh = await _read(rows, head)
    _KEPT[key] = fresh
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return fresh


async def offered(rows: Rows, store_id: str, channel: str, at: datetime | None = None) -> Menu:
    """What can be seen through `channel` at the moment `at` (now, when nobody says): what every screen lists.

    Raises `NotFound` when the store has no menu."""
    whole = await menu(rows, store_id)
    if at is None:
        now: datetime = await rows.value("SELECT clock_timestamp()")
        at = now
    return whole.offered_to(channel, at)


async def _read(rows: Rows, head: _Head) -> Menu:
    of_store = {"store": head.store_id}
    sections = await rows.rows(
        _SectionRow,
        "SELECT id, name, name_zh, hidden, station_id, channels, dayparts, course FROM menu_sections"
        " WHERE store_id = %(store)s AND NOT removed ORDER BY position, id",
        of_store,
    )
    items = await rows.rows(
        _ItemRow,
        "SELECT id, section_id, code, name, name_zh, description, description_zh, price, allergens, tags, photo,"
        " photo_width, photo_height, photo_avif, hidden, sold_out, channels, dayparts, station_id, per_day,"
        " (SELECT coalesce(jsonb_agg(jsonb_build_object('day', p.day, 'left', p.left_over)), '[]') FROM portions p"
        " WHERE p.item_id = menu_items.id AND p.day >= current_date - 1) AS portions FROM menu_items"
        " WHERE store_id = %(store)s AND NOT retired ORDER BY position, id",
        of_store,
    )
    options = await rows.rows(
        _OptionRow,
        "SELECT g.id AS group_id, g.item_id, g.name AS group_name, g.name_zh AS group_name_zh, g.min_choices,"
        " g.max_choices, o.id, o.name, o.name_zh, o.price_change, o.sold_out"
        " FROM menu_items i JOIN option_groups g ON g.item_id = i.id LEFT JOIN options o ON o.group_id = g.id"
        " WHERE i.store_id = %(store)s AND NOT i.retired ORDER BY g.position, g.id, o.position, o.id",
        of_store,
    )
    groups = _groups(options)
    dishes: dict[str, list[Item]] = defaultdict(list)
    for row in items:
        dishes[row.section_id].append(_item(row, head.currency, tuple(groups.get(row.id, ()))))
    return Menu(
        store_id=head.store_id,
        currency=head.currency,
        version=head.version,
        tax_basis_points=head.tax_basis_points,
        dayparts=head.dayparts,
        zone=head.zone,
        sections=tuple(
            Section(
                id=section.id,
                name=section.name,
                name_zh=section.name_zh,
                hidden=section.hidden,
                station_id=section.station_id,
                channels=section.channels,
                dayparts=section.dayparts,
                course=section.course,
                items=tuple(dishes.get(section.id, ())),
            )
            for section in sections
        ),
    )


def _groups(rows: list[_OptionRow]) -> dict[str, list[OptionGroup]]:
    """The option groups by dish, in the order of the rows."""
    of_group: dict[str, list[_OptionRow]] = defaultdict(list)
    for row in rows:
        of_group[row.group_id].append(row)
    of_item: dict[str, list[OptionGroup]] = defaultdict(list)
    for group_id, members in of_group.items():
        head = members[0]
        of_item[head.item_id].append(
            OptionGroup(
                id=group_id,
                name=head.group_name,
                name_zh=head.group_name_zh,
                min_choices=head.min_choices,
                max_choices=head.max_choices,
                options=tuple(
                    Option(
                        id=row.id,
                        name=row.name or "",
                        name_zh=row.name_zh or "",
                        price_change=row.price_change or 0,
                        sold_out=bool(row.sold_out),
                    )
                    for row in members
                    if row.id is not None
                ),
            )
        )
    return of_item


def _item(row: _ItemRow, currency: str, groups: tuple[OptionGroup, ...]) -> Item:
    photo = None
    if row.photo:
        photo = Photo(name=row.photo, width=row.photo_width, height=row.photo_height, avif=row.photo_avif)
    return Item(
        id=row.id,
        code=row.code,
        name=row.name,
        name_zh=row.name_zh,
        description=row.description,
        description_zh=row.description_zh,
        price=row.price,
        currency=currency,
        allergens=row.allergens,
        tags=row.tags,
        photo=photo,
        hidden=row.hidden,
        sold_out=row.sold_out,
        groups=groups,
        channels=row.channels,
        dayparts=row.dayparts,
        station_id=row.station_id,
        per_day=row.per_day,
        portions=row.portions,
    )


async def menu_changed(tx: Transaction, store_id: str, why: str) -> None:
    """Give the menu a new version and tell `menu:<store>`. Every change to a menu ends with this."""
    await tx.run("UPDATE menus SET version = gen_random_uuid()::text WHERE store_id = %(store)s", {"store": store_id})
    await tx.tell(f"menu:{store_id}", "menu", {"why": why})


async def set_sold_out(tx: Transaction, item_id: str, *, sold_out: bool) -> Item:
    """Mark a dish sold out, or back on; tells `menu:<store>` so that every phone knows. Raises `NotFound`."""
    store_id = await tx.value(
        "UPDATE menu_items SET sold_out = %(sold_out)s WHERE id = %(id)s AND NOT retired RETURNING store_id",
        {"id": item_id, "sold_out": sold_out},
    )
    if store_id is None:
        raise NotFound("This dish is no longer on the menu.")
    await menu_changed(tx, store_id, "sold_out")
    item = (await menu(tx, store_id)).item(item_id)
    assert item is not None
    return item


async def set_option_sold_out(tx: Transaction, option_id: str, *, sold_out: bool) -> None:
    """The same for one choice of a dish (no more large ones). Raises `NotFound`."""
    store_id = await tx.value(
        "UPDATE options o SET sold_out = %(sold_out)s FROM option_groups g JOIN menu_items i ON i.id = g.item_id"
        " WHERE o.id = %(id)s AND g.id = o.group_id RETURNING i.store_id",
        {"id": option_id, "sold_out": sold_out},
    )
    if store_id is None:
        raise NotFound("This choice is no longer on the menu.")
    await menu_changed(tx, store_id, "sold_out")
