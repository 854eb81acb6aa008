"""Which dish and choices of the running demo's menu a line of the real orders means.

Prices decide: a portion is chosen by its price, and a menu that does not give every line's price is built anew from the
orders before anything is played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from saoma.demo.orders import CURRENCY, PORTION, Order, OrderLine, menu_of
from saoma.food.menus.menu import Item, menu
from saoma.food.menus.menu_json import write_json
from saoma.kit.db import Database
from saoma.kit.errors import Invalid


class Wishes:
    """The menu of one store, as far as these orders need it."""

    def __init__(self, store_id: str) -> None:
        self._store_id = store_id
        self._items: dict[str, Item] = {}

    async def learn(self, db: Database) -> None:
        """Read the menu as it is."""
        async with db.reading() as rows:
            found = await menu(rows, self._store_id)
        self._items = {item.name: item for section in found.sections for item in section.items}

    async def fit(self, db: Database, orders: list[Order], build: Callable[[str], Awaitable[None]]) -> bool:
        """Make the menu give every line's price, by `build` with a menu as JSON if need be; whether it had to be.

        Raises `Invalid` when even a menu made from the orders does not."""
        await self.learn(db)
        if self.gives(orders):
            return False
        await build(write_json(menu_of(orders), CURRENCY))
        await self.learn(db)
        if not self.gives(orders):
            raise Invalid("the menu built from this file does not reproduce its prices")
        return True

    def gives(self, orders: Iterable[Order]) -> bool:
        """Whether every line's price can be chosen from the menu as it is."""
        for order in orders:
            for line in order.lines:
                if line.item not in self._items:
                    return False
                item, options, _ = self.of(line)
                chosen = [option for group in item.groups for option in group.options if option.id in options]
                if item.price + sum(option.price_change for option in chosen) != line.unit.minor:
                    return False
        return True

    def of(self, line: OrderLine) -> tuple[Item, list[str], str]:
        """The dish and options; what the menu has no option for goes into the note."""
        item = self._items[line.item]
        wanted = list(dict.fromkeys(line.choices))
        options, taken = [], set()
        for group in item.groups:
            for option in group.options:
                price = item.price + option.price_change
                if group.name == PORTION and price == line.unit.minor:
                    options.append(option.id)
                elif group.name != PORTION and option.name in wanted:
                    options.append(option.id)
                    taken.add(option.name)
        return item, options, ", ".join(choice for choice in wanted if choice not in taken)
