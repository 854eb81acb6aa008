"""Which open order does money belong to that came without one? Exact, near, or none. Pure.

Only one single order of exactly this amount is a match that needs nobody's eyes; two of them are for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from saoma.kit.money import Money

#: An amount typed by hand may miss the order by this much, or be a part of it, and still be worth showing first.
NEAR: Final = Fraction(1, 5)
#: More suggestions than this help nobody.
MOST: Final = 6


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """Something at this store that still wants money. `label` is what staff call it."""

    kind: str
    id: str
    left: Money
    label: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Exact:
    """One order wants exactly this, and no other does."""

    order: OpenOrder


@dataclass(frozen=True, slots=True)
class Near:
    """A person should choose among these; the likeliest first."""

    orders: tuple[OpenOrder, ...]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Nothing that is open comes close."""


Match = Exact | Near | NoMatch


def match(amount: Money, orders: Iterable[OpenOrder]) -> Match:
    """Where `amount` belongs among the open orders of its store."""
    wanting = [order for order in orders if order.left.currency == amount.currency and order.left.minor > 0]
    exact = [order for order in wanting if order.left == amount]
    if len(exact) == 1:
        return Exact(exact[0])
    near = exact + [order for order in wanting if order.left != amount and _off(amount, order) <= NEAR]
    near.sort(key=lambda order: (_off(amount, order), order.since, order.id))
    return Near(tuple(near[:MOST])) if near else NoMatch()


def _off(amount: Money, order: OpenOrder) -> Fraction:
    return Fraction(abs(order.left.minor - amount.minor), order.left.minor)
