"""Dishes as people count them: three presses on one plus are one line of three, wherever an order is shown. Pure.

What a reader would get wrong: what is alike is put together for the eye only; prices, kitchen and bill go by lines."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from saoma.food.model import Line
from saoma.kit.money import Money, total


@dataclass(frozen=True, slots=True)
class Alike:
    """Lines that a person would call one: same dish, same choices, same price, same state. Never empty."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> Line:
        """The line that stands for all of them; one more goes onto it."""
        return self.lines[0]

    @property
    def last(self) -> Line:
        """The newest; one less comes off it."""
        return self.lines[-1]

    @property
    def quantity(self) -> int:
        """How many pieces in all."""
        return sum(line.quantity for line in self.lines)

    @property
    def money(self) -> Money:
        """What they cost together."""
        return total((line.money for line in self.lines), self.first.currency)


def alike(lines: Iterable[Line], carried: Set[str] = frozenset()) -> list[Alike]:
    """Lines put together as people count them, in the order the first of each was added; what is carried apart."""
    groups: dict[object, list[Line]] = {}
    for line in lines:
        chosen = tuple(option.id for option in line.options)
        same = (line.item_id, chosen, line.note, line.unit_amount, line.unit_amount_before, line.status, line.hold)
        groups.setdefault((*same, line.paid, line.held, line.guest_id, line.id in carried), []).append(line)
    return [Alike(tuple(group)) for group in groups.values()]
