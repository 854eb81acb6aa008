"""What a dish costs: pure functions of the menu and the choices, for every channel the same.

Tax is contained in prices: `tax_included` tells how much, nothing ever adds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from saoma.food.model import Chosen, Item, Line, Option
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total

MOST_OF_ONE = 99


def choose(item: Item, option_ids: Sequence[str]) -> tuple[Chosen, ...]:
    """The choices named by `option_ids`, in the menu's order, as they are kept with a line.

    Raises `Invalid` with a sentence for the guest: an option that is not this dish's, named twice, too few or too many
    of a group. Sold-out options are a question of the moment, so `ordering` asks about them."""
    wanted = list(option_ids)
    if len(set(wanted)) != len(wanted):
        raise Invalid(f"A choice for “{item.name}” was named twice. Choose again.")
    chosen: list[Chosen] = []
    for group in item.groups:
        here = [option for option in group.options if option.id in wanted]
        if len(here) < group.min_choices:
            raise Invalid(f"“{item.name}”: choose at least {group.min_choices} of “{group.name}”.")
        if len(here) > group.max_choices:
            raise Invalid(f"“{item.name}”: choose at most {group.max_choices} of “{group.name}”.")
        chosen += [
            Chosen(
                id=option.id,
                group=group.name,
                group_zh=group.name_zh,
                name=option.name,
                name_zh=option.name_zh,
                price_change=option.price_change,
            )
            for option in here
        ]
    if len(chosen) != len(wanted):
        raise Invalid(f"A choice for “{item.name}” is no longer on the menu. Choose again.")
    return tuple(chosen)


def line_price(item: Item, options: Iterable[Option | Chosen], quantity: int) -> Money:
    """The price of `quantity` pieces of `item` with `options`: (price + changes) x quantity.

    Raises `Invalid` for a quantity outside 1 to 99. Reductions never take a piece below nothing."""
    if not 1 <= quantity <= MOST_OF_ONE:
        raise Invalid(f"Choose between 1 and {MOST_OF_ONE} of “{item.name}”.")
    piece = item.price + sum(option.price_change for option in options)
    return Money(max(piece, 0), item.currency) * quantity


def tab_total(lines: Iterable[Line], currency: str) -> Money:
    """What was ordered and not voided, in all; baskets don't count."""
    return total((line.money for line in lines if line.ordered), currency)


def basket_total(lines: Iterable[Line], currency: str) -> Money:
    """What is in the basket, at the prices last shown."""
    return total((line.money for line in lines if line.status == "basket"), currency)


def tax_included(amount: Money, basis_points: int) -> Money:
    """The tax contained in `amount` at a rate of `basis_points` (900 = 9 %), rounded half up to a minor unit."""
    whole = 10_000 + basis_points
    doubled = 2 * abs(amount.minor) * basis_points + whole
    tax = doubled // (2 * whole)
    return Money(tax if amount.minor >= 0 else -tax, amount.currency)
