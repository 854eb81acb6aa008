"""Makers for food: a small noodle house whose defaults make a valid menu, tab and lines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from saoma.food.dayparts import Daypart
from saoma.food.menus import parts_of_day
from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft, drafted
from saoma.food.menus.editing import save_item, store_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.food.model import Item, Line, Menu, Option, OptionGroup, Tab
from saoma.food.orders import ordering
from saoma.kit.db import Database
from saoma.kit.ids import new_id

STORE = "store_noodles"


@dataclass(frozen=True)
class Payer:
    """A payment as far as lines care: an id."""

    id: str


def option(name: str = "Large", price_change: int = 150, *, sold_out: bool = False) -> Option:
    """A choice."""
    return Option(id=f"option_{name}", name=name, price_change=price_change, sold_out=sold_out)


def item(
    name: str = "Beef noodles", price: int = 950, groups: Sequence[OptionGroup] = (), *, sold_out: bool = False
) -> Item:
    """A dish."""
    return Item(
        id=f"item_{name}", code=name, name=name, price=price, currency="USD", groups=tuple(groups), sold_out=sold_out
    )


def group(options: Sequence[Option], least: int = 0, most: int = 1, name: str = "Size") -> OptionGroup:
    """A group of choices."""
    return OptionGroup(id=f"group_{name}", name=name, min_choices=least, max_choices=most, options=tuple(options))


def noodle_house() -> MenuDraft:
    """A menu with everything a menu can have, small enough to read."""
    size = GroupDraft(
        name="Size",
        name_zh="份量",
        min_choices=1,
        max_choices=1,
        options=(
            OptionDraft(name="Regular", name_zh="标准"),
            OptionDraft(name="Large", name_zh="大份", price_change=150),
        ),
    )
    extras = GroupDraft(
        name="Extras",
        name_zh="加料",
        max_choices=2,
        options=(
            OptionDraft(name="Egg", name_zh="卤蛋", price_change=80),
            OptionDraft(name="Greens", name_zh="青菜", price_change=60),
            OptionDraft(name="No coriander", name_zh="不要香菜"),
        ),
    )
    return MenuDraft(
        sections=(
            SectionDraft(
                name="Noodles",
                name_zh="面",
                station="Wok",
                items=(
                    ItemDraft(
                        code="beef",
                        name="Beef noodles",
                        name_zh="牛肉面",
                        description="Slow-cooked shank, clear broth.",
                        description_zh="慢炖牛腱，清汤。",
                        price=950,
                        allergens=("gluten", "soya"),
                        tags=("popular", "spicy"),
                        groups=(size, extras),
                    ),
                    ItemDraft(code="plain", name="Plain noodles", name_zh="阳春面", price=600, allergens=("gluten",)),
                ),
            ),
            SectionDraft(
                name="Drinks",
                name_zh="饮料",
                items=(
                    ItemDraft(code="tea", name="Jasmine tea", name_zh="茉莉花茶", price=200),
                    ItemDraft(code="secret", name="Chef's bottle", price=4000, hidden=True),
                ),
            ),
        )
    )


async def noodle_house_menu(db: Database, store_id: str = STORE, draft: MenuDraft | None = None) -> Menu:
    """The noodle house's menu, stored."""
    async with db.transaction() as tx:
        await open_menu(tx, store_id, "USD")
        await store_menu(tx, store_id, draft or noodle_house())
        return await menu(tx, store_id)


def dish(of: Menu, code: str) -> Item:
    """The dish with this code."""
    return next(item for section in of.sections for item in section.items if item.code == code)


def choices(of: Item, *names: str) -> list[str]:
    """The ids of the dish's options with these names."""
    return [option.id for group in of.groups for option in group.options if option.name in names]


async def limit(db: Database, of: Item, *known: Daypart, store_id: str = STORE, **limits: object) -> None:
    """Give a dish limits (`channels`, `dayparts` by name, `per_day`), at a shop that knows these parts of the day."""
    async with db.transaction() as tx:
        await parts_of_day.put(tx, store_id, known)
        card = await menu(tx, store_id)
        section = next(each for each in card.sections if of.id in [item.id for item in each.items])
        draft = msgspec.structs.replace(drafted(of), **limits)
        await save_item(tx, store_id, section.id, draft, of.id)


async def open_tab(db: Database, store_id: str = STORE, label: str = "7") -> Tab:
    """An open tab."""
    async with db.transaction() as tx:
        return await ordering.open_tab(tx, store_id, "table", label)


async def added(
    db: Database, tab: Tab, item: Item, *options: str, quantity: int = 1, guest: str = "guest_a", key: str = ""
) -> Line:
    """A dish in the basket, with the options of these names."""
    async with db.transaction() as tx:
        return await ordering.add_line(
            tx, tab.id, item.id, choices(item, *options), quantity, guest, "", key or new_id("key")
        )


async def sent(db: Database, tab: Tab, guest: str | None = None) -> list[Line]:
    """What one press of "send" sends."""
    return await ordering.order(db, tab.id, "guest_a", guest)


async def wake(db: Database, connections: int = 4) -> None:
    """Open that many connections first: otherwise "at once" means one after the other, as each is being opened."""

    async def one() -> None:
        async with db.reading() as rows:
            await rows.run("SELECT pg_sleep(0.05)")

    await asyncio.gather(*(one() for _ in range(connections)))


async def all_lines(db: Database, tab: Tab) -> dict[str, Line]:
    """The tab's lines by id."""
    async with db.reading() as rows:
        return {line.id: line for line in await ordering.lines(rows, tab.id)}
