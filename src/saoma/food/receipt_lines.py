"""How dishes and discounts are written on receipts: the same for every room that sells food.

A dish is written at its price and each reason that made it cheaper below zero, so that the lines add up to the bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from saoma.checkout.receipt import ReceiptLine
from saoma.food.discounts import Discount
from saoma.food.model import Line


def dish_line(line: Line) -> ReceiptLine:
    """One dish, its choices below it."""
    return ReceiptLine(
        name=line.called("en"),
        name_zh=line.called("zh"),
        quantity=line.quantity,
        amount=line.money,
        note=", ".join(option.called("en") for option in line.options),
        note_zh="、".join(option.called("zh") for option in line.options),
    )


def discount_line(discount: Discount, line_ids: Iterable[str]) -> ReceiptLine:
    """What one reason took off these dishes, below zero."""
    return ReceiptLine(
        name=discount.called("en"),
        name_zh=discount.called("zh"),
        quantity=1,
        amount=-discount.within(line_ids),
        note=discount.explained("en"),
        note_zh=discount.explained("zh"),
    )


def food_lines(lines: Sequence[Line], discounts: Iterable[Discount]) -> tuple[ReceiptLine, ...]:
    """The dishes, then what was taken off them; together they are what the dishes cost."""
    of_these = [line.id for line in lines]
    off = (discount_line(one, of_these) for one in discounts if one.within(of_these))
    return (*map(dish_line, lines), *off)
