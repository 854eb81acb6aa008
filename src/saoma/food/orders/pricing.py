"""What a dish costs: pure functions of the menu and the choices, for every channel the same.

Tax is contained in prices: `tax_included` tells how much, nothing ever adds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from saoma.food.model import Chosen, Item, Line, Option, OptionGroup
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total

MOST_OF_ONE = 99


def choose(item: Item, option_ids: Sequence[str]) -> tuple[Chosen, ...]:
    """The choices named by `option_ids`, in the menu's order, as they are kept with a line.

    Raises `Invalid` with a sentence for the guest: an option that is not this dish's, named twice, too few or too many
    of a group. Sold-out options are a question of the moment, so `ordering` asks about them."""
    wanted = list(option_ids)
    if len(set(wanted)) != len(wanted):
        raise Invalid("A choice for “{dish}” was named twice. Choose again.", **_named(item))
    chosen: list[Chosen] = []
    for group in item.groups:
        here = [option for option in group.options if option.id in wanted]
        if len(here) < group.min_choices:
            raise Invalid(
                "“{dish}”: choose at least {least} of “{group}”.", least=group.min_choices, **_named(item, group)
            )
        if len(here) > group.max_choices:
            raise Invalid(
                "“{dish}”: choose at most {most} of “{group}”.", most=group.max_choices, **_named(item, group)
            )
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
        raise Invalid("A choice for “{dish}” is no longer on the menu. Choose again.", **_named(item))
    return tuple(chosen)


def _named(item: Item, group: OptionGroup | None = None) -> dict[str, str]:
    names = {"dish": item.name, "dish_zh": item.called("zh")}
    return names if group is None else {**names, "group": group.name, "group_zh": group.called("zh")}


def line_price(item: Item, options: Iterable[Option | Chosen], quantity: int) -> Money:
    """The price of `quantity` pieces of `item` with `options`: (price + changes) x quantity.

    Raises `Invalid` for a quantity outside 1 to 99. Reductions never take a piece below nothing."""
    if not 1 <= quantity <= MOST_OF_ONE:
        raise Invalid("Choose between 1 and {most} of “{dish}”.", most=MOST_OF_ONE, **_named(item))
    piece = item.price + sum(option.price_change for option in options)
    return Money(max(piece, 0), item.currency) * quantity


def change_of(option: Option | Chosen, item: Item) -> Money:
    """What a choice adds to the price of one piece; below zero when it takes off."""
    return Money(option.price_change, item.currency)


def tab_total(lines: Iterable[Line], currency: str) -> Money:
    """What was ordered and not voided costs in all, after discounts; baskets don't count."""
    return total((line.due for line in lines if line.ordered), currency)


def basket_total(lines: Iterable[Line], currency: str) -> Money:
    """What is in the basket, at the prices last shown, after discounts."""
    return total((line.due for line in lines if line.status == "basket"), currency)


def tax_included(amount: Money, basis_points: int) -> Money:
    """The tax contained in `amount` at a rate of `basis_points` (900 = 9%), rounded half up to a minor unit."""
    whole = 10_000 + basis_points
    doubled = 2 * abs(amount.minor) * basis_points + whole
    tax = doubled // (2 * whole)
    return Money(tax if amount.minor >= 0 else -tax, amount.currency)
