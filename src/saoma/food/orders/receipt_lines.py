"""How dishes and discounts are written on receipts: the same for every room that sells food.

A dish is written at its price and each reason that made it cheaper below zero, so that the lines add up to the bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from saoma.checkout.receipt import ReceiptLine
from saoma.food.model import Line
from saoma.food.orders.discounts import Discount
from saoma.kit.money import total


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


def dish_lines(lines: Iterable[Line]) -> list[ReceiptLine]:
    """Dishes as one counts them on paper: same dish, choices and price are one line, whoever ordered them and when."""
    groups: dict[object, list[Line]] = {}
    for line in lines:
        same = (line.item_id, tuple(option.id for option in line.options), line.unit_amount)
        groups.setdefault(same, []).append(line)
    return [
        replace(
            dish_line(group[0]),
            quantity=sum(line.quantity for line in group),
            amount=total((line.money for line in group), group[0].currency),
        )
        for group in groups.values()
    ]


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
    return (*dish_lines(lines), *off)
