"""How a meal is put before people: by person, by stage, with sums. Pure.

Dishes that staff ordered belong to nobody at the table and are shown under the restaurant's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from saoma.food.model import Chosen, Item, Line, LineStatus, Option
from saoma.kit.money import Money, total
from saoma.restaurant.bill import ShareState
from saoma.restaurant.model import Guest, ShareRow

_STAGES: Final = (LineStatus.READY, LineStatus.COOKING, LineStatus.SENT, LineStatus.SERVED)


def by_person(lines: Iterable[Line], people: Sequence[Guest]) -> list[tuple[Guest | None, list[Line]]]:
    """The lines of each guest who has any, in the order they sat down; the restaurant's own last."""
    every = list(lines)
    groups: list[tuple[Guest | None, list[Line]]] = [
        (guest, [line for line in every if line.guest_id == guest.id]) for guest in people
    ]
    known = {guest.id for guest in people}
    groups.append((None, [line for line in every if line.guest_id not in known]))
    return [(guest, theirs) for guest, theirs in groups if theirs]


def own(lines: Iterable[Line], guest: Guest | None) -> list[Line]:
    """The lines this guest ordered."""
    return [line for line in lines if guest is not None and line.guest_id == guest.id]


def sum_of(lines: Sequence[Line]) -> Money:
    """What the lines come to. There must be at least one."""
    return total((line.money for line in lines), lines[0].currency)


def stages(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """How many pieces are at each stage, the nearest to the table first."""
    counts = Counter[LineStatus]()
    for line in lines:
        counts[line.status] += line.quantity
    return [(str(stage), counts[stage]) for stage in _STAGES if counts[stage]]


def counts(lines: Iterable[Line], guest: Guest | None) -> dict[str, int]:
    """How many of each dish this guest has in the basket, for the badges on the menu."""
    found = Counter[str]()
    for line in own(lines, guest):
        found[line.item_id] += line.quantity
    return dict(found)


def own_paid(shares: Iterable[ShareRow], guest: Guest | None) -> list[ShareRow]:
    """The payments of this guest that went through."""
    return [s for s in shares if guest is not None and s.guest_id == guest.id and s.state == ShareState.PAID]


def change_of(option: Option | Chosen, item: Item) -> Money:
    """What a choice adds to the price, as money."""
    return Money(option.price_change, item.currency)


def before_of(line: Line) -> Money:
    """What the line came to at the price the guest saw before it changed."""
    unit = line.unit_amount if line.unit_amount_before is None else line.unit_amount_before
    return Money(unit * line.quantity, line.currency)


def refunded_of(share: ShareRow) -> Money:
    """What of a share was given back."""
    return Money(share.refunded, share.currency)
