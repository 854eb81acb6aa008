"""One change to many dishes: what it would do to each, before it is done. Pure but for `carry_out`.

A preview is signed by what it showed: when the menu is another by the time somebody presses, it is shown again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from saoma.food.menus.drafts import HIGHEST_PRICE
from saoma.food.menus.menu import menu_changed
from saoma.food.model import Item, Menu
from saoma.kit.db import Transaction, json_column
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: What can be done, and what people call it.
KINDS: Final = {
    "percent": "Change prices by a percentage",
    "amount": "Change prices by an amount",
    "sold_out": "Mark sold out",
    "back_on": "Mark available again",
    "hide": "Hide from guests",
    "show": "Show to guests",
}
#: Prices are rounded to these, in minor units.
STEPS: Final = (1, 5, 10, 50, 100)


@dataclass(frozen=True, slots=True)
class Wish:
    """What to do to every dish: a kind, with a percentage or an amount, and what prices are rounded to."""

    kind: str
    by: Decimal = Decimal(0)
    step: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one dish."""

    item: Item
    price: int
    hidden: bool
    sold_out: bool

    @property
    def money(self) -> Money:
        """The price from then on."""
        return Money(self.price, self.item.currency)


def wish(kind: str, by: str, step: str, currency: str) -> Wish:
    """What a form said. Raises `Invalid`."""
    if kind not in KINDS:
        raise Invalid("Choose what to change.")
    rounded = int(step) if step.isascii() and step.isdecimal() and int(step) in STEPS else 1
    if kind == "amount":
        return Wish(kind, Decimal(Money.parse(by.strip().removeprefix("+").replace("−", "-"), currency).minor), rounded)
    if kind == "percent":
        try:
            percent = Decimal(by.strip().removeprefix("+").removesuffix("%").replace("−", "-").strip())
        except InvalidOperation:
            percent = Decimal("NaN")
        if not percent.is_finite() or not -100 <= percent <= 1000:
            raise Invalid("Write by how many percent, such as 5 or -10.")
        return Wish(kind, percent, rounded)
    return Wish(kind)


def changes(of: Menu, ids: Collection[str], what: Wish) -> list[Change]:
    """What the wish does to these dishes; those it leaves as they are are left out. Raises `Invalid`."""
    found = []
    for section in of.sections:
        for item in section.items:
            if item.id not in ids:
                continue
            price, hidden, sold_out = item.price, item.hidden, item.sold_out
            match what.kind:
                case "percent":
                    price = _rounded(Decimal(item.price) * (100 + what.by) / 100, what.step)
                case "amount":
                    price = _rounded(Decimal(item.price) + what.by, what.step)
                case "sold_out" | "back_on":
                    sold_out = what.kind == "sold_out"
                case _:
                    hidden = what.kind == "hide"
            if price > HIGHEST_PRICE:
                raise Invalid("This price is too high. Check the digits.")
            if (price, hidden, sold_out) != (item.price, item.hidden, item.sold_out):
                found.append(Change(item, price, hidden, sold_out))
    return found


def _rounded(price: Decimal, step: int) -> int:
    return max(0, int((price / step).quantize(Decimal(1), ROUND_HALF_UP)) * step)


def signed(made: Sequence[Change]) -> str:
    """Stands for exactly these changes: before and after."""
    said = [
        (one.item.id, one.item.price, one.item.hidden, one.item.sold_out, one.price, one.hidden, one.sold_out)
        for one in made
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


async def carry_out(tx: Transaction, store_id: str, made: Sequence[Change]) -> int:
    """Do it; answers how many dishes changed."""
    rows = [{"id": one.item.id, "price": one.price, "hidden": one.hidden, "sold_out": one.sold_out} for one in made]
    count = await tx.run(
        "UPDATE menu_items i SET price = r.price, hidden = r.hidden, sold_out = r.sold_out"
        " FROM jsonb_to_recordset(%(rows)s) AS r (id text, price bigint, hidden boolean, sold_out boolean)"
        " WHERE i.id = r.id AND i.store_id = %(store)s AND NOT i.retired",
        {"rows": json_column(rows), "store": store_id},
    )
    await menu_changed(tx, store_id, "edited")
    return count
