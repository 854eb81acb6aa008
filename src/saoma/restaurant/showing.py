"""How a meal is put before people: by person, by stage, with sums. Pure.

Dishes that staff ordered belong to nobody at the table and are shown under the restaurant's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Final

from saoma.food.model import Line, LineStatus
from saoma.food.orders.alike import Alike
from saoma.gateway import Method
from saoma.kit.money import Money, total
from saoma.restaurant.bill import ShareState
from saoma.restaurant.model import Guest, ShareRow

_STAGES: Final = tuple(
    stage.value for stage in (LineStatus.READY, LineStatus.COOKING, LineStatus.SENT, LineStatus.SERVED)
)


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


def due_of(lines: Sequence[Line]) -> Money:
    """What the lines come to after discounts. There must be at least one."""
    return total((line.due for line in lines), lines[0].currency)


def stages(lines: Iterable[Line], carried: Set[str] = frozenset()) -> list[tuple[str, int]]:
    """How many pieces are at each stage, the nearest to the table first.

    "carried" are those that a runner brings now, "later" those of a later course."""
    counts = Counter[str]()
    for line in lines:
        counts["later" if line.hold else "carried" if line.id in carried else line.status.value] += line.quantity
    return [(stage, counts[stage]) for stage in ("carried", *_STAGES, "later") if counts[stage]]


def counts(lines: Iterable[Line], guest: Guest | None) -> dict[str, int]:
    """How many of each dish this guest has in the basket, for the badges on the menu."""
    found = Counter[str]()
    for line in own(lines, guest):
        found[line.item_id] += line.quantity
    return dict(found)


def own_paid(shares: Iterable[ShareRow], guest: Guest | None) -> list[ShareRow]:
    """The payments of this guest that went through."""
    return [s for s in shares if guest is not None and s.guest_id == guest.id and s.state == ShareState.PAID]


def before_of(dish: Alike) -> Money:
    """What the lines came to at the price the guest saw before it changed."""
    line = dish.first
    unit = line.unit_amount if line.unit_amount_before is None else line.unit_amount_before
    return Money(unit * dish.quantity, line.currency)


def refunded_of(share: ShareRow) -> Money:
    """What of a share and its tip was given back."""
    return Money(share.refunded + share.tip_refunded, share.currency)


#: How the till calls the ways to pay; keys of the texts.
METHOD_NAMES: Final = {
    Method.BARCODE: "Payment code",
    Method.WALLET_PAGE: "In the app",
    Method.ORDER_CODE: "Code on the till",
    Method.MERCHANT_CODE: "Shop code",
    Method.CASH: "Cash",
    Method.CARD_TERMINAL: "Card terminal",
    Method.ACCOUNT: "On account",
}
