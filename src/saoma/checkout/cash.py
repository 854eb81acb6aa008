"""What a cash drawer must hold, and what counting it says. Pure.

Expected = float + cash sales - cash refunds + paid in - paid out, to the smallest coin. A count that differs is closed
only with somebody's explanation: a till that does not add up may not simply be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saoma.kit.errors import Invalid
from saoma.kit.money import Money, exponent, total

_DOLLARS: Final = (10000, 5000, 2000, 1000, 500, 100, 25, 10, 5, 1)
_EUROS: Final = (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
#: Notes and coins in use, in minor units, largest first.
_IN_USE: Final[Mapping[str, tuple[int, ...]]] = {
    "USD": _DOLLARS,
    "CAD": (10000, 5000, 2000, 1000, 500, 200, 100, 25, 10, 5, 1),
    "EUR": _EUROS,
    "GBP": (5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "SGD": (100000, 10000, 5000, 1000, 500, 200, 100, 50, 20, 10, 5, 1),
    "HKD": (100000, 50000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 1),
    "CNY": (10000, 5000, 2000, 1000, 500, 100, 50, 10, 1),
    "AUD": (10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 1),
    "MYR": (10000, 5000, 2000, 1000, 500, 100, 50, 20, 10, 5, 1),
    "THB": (100000, 50000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 25, 1),
    "JPY": (10000, 5000, 2000, 1000, 500, 100, 50, 10, 5, 1),
    "KRW": (50000, 10000, 5000, 1000, 500, 100, 50, 10, 1),
}

#: More pieces of one kind than any drawer holds: a slip of the keyboard.
_MOST: Final = 9999


def denominations(currency: str) -> tuple[Money, ...]:
    """Notes and coins to count, largest first. The smallest unit is always among them, so that every sum can be met."""
    exponent(currency)
    known = _IN_USE.get(currency, _EUROS)
    return tuple(Money(minor, currency) for minor in known)


def counted(counts: Mapping[int, int], currency: str) -> Money:
    """The worth of so many of each note and coin. Raises `Invalid` for a piece that doesn't exist or a number of them
    that can't be."""
    known = {piece.minor for piece in denominations(currency)}
    for minor, pieces in counts.items():
        if minor not in known or not 0 <= pieces <= _MOST:
            raise Invalid("Count again: write how many there are of each note and coin, from 0 to {most}.", most=_MOST)
    return total((Money(minor, currency) * pieces for minor, pieces in counts.items()), currency)


@dataclass(frozen=True, slots=True)
class Drawer:
    """What went through one drawer in one shift; every amount is zero or more."""

    float_amount: Money
    sales: Money
    refunds: Money
    paid_in: Money
    paid_out: Money

    @property
    def expected(self) -> Money:
        """What must be in it."""
        return self.float_amount + self.sales - self.refunds + self.paid_in - self.paid_out


@dataclass(frozen=True, slots=True)
class Closing:
    """A shift's end. `difference` is what is there more than expected; below zero, something is missing."""

    expected: Money
    counted: Money
    explanation: str

    @property
    def difference(self) -> Money:
        """Counted less expected."""
        return self.counted - self.expected


def closing(drawer: Drawer, found: Money, explanation: str) -> Closing | None:
    """How a shift ends by this count, or None while there is a difference that nobody has explained."""
    words = " ".join(explanation.split())[:300]
    end = Closing(drawer.expected, found, words if found != drawer.expected else "")
    return end if not end.difference or end.explanation else None
