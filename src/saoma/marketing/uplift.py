"""Whether an offer makes people come more often or spend more: buyers who may have it against those held out. Pure.

A difference is told only with its uncertainty, and not at all for few people: a number that is luck costs money."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import Final

#: Below this many buyers on either side nothing is told.
ENOUGH: Final = 30
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """What the offer changed a figure by: between `low` and `high` in 95 of 100 such measurements."""

    with_it: float
    without: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """The best guess."""
        return self.with_it - self.without

    @property
    def told(self) -> bool:
        """Whether it is more than luck: zero is not between `low` and `high`."""
        return self.low > 0 or self.high < 0


def _quantile(degrees: float) -> float:
    """How many standard errors wide: the normal quantile, widened for few people as Student's is."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def difference(with_it: Sequence[float], without: Sequence[float]) -> Difference | None:
    """The difference of two means by Welch's interval; None when there are too few to tell."""
    if min(len(with_it), len(without)) < ENOUGH:
        return None
    ours, theirs = variance(with_it) / len(with_it), variance(without) / len(without)
    first, second = fmean(with_it), fmean(without)
    if not ours + theirs:
        return Difference(first, second, first - second, first - second)
    degrees = (ours + theirs) ** 2 / (ours**2 / (len(with_it) - 1) + theirs**2 / (len(without) - 1))
    reach = _quantile(degrees) * math.sqrt(ours + theirs)
    return Difference(first, second, first - second - reach, first - second + reach)


@dataclass(frozen=True, slots=True)
class Buyer:
    """What one buyer did since the offer began: bills paid, and money spent on them in minor units."""

    id: str
    orders: int
    spent: int


@dataclass(frozen=True, slots=True)
class Uplift:
    """What is known about an offer's effect. None where too few buyers are on one side."""

    with_it: int
    without: int
    orders: Difference | None
    bill: Difference | None


def uplift(with_it: Sequence[Buyer], without: Sequence[Buyer]) -> Uplift:
    """Orders a buyer and the average bill (of buyers who came at all), with the offer and without."""
    return Uplift(
        len(with_it),
        len(without),
        difference([buyer.orders for buyer in with_it], [buyer.orders for buyer in without]),
        difference(
            [buyer.spent / buyer.orders for buyer in with_it if buyer.orders],
            [buyer.spent / buyer.orders for buyer in without if buyer.orders],
        ),
    )
