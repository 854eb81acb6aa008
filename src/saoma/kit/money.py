"""Money: a whole number of minor units and a currency, never a float and never a bare number.

Parsing and printing happen at the edges only; splitting always adds up to the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from saoma.kit.errors import Invalid

#: Decimals by currency, for those Alipay lists as pricing or settlement currency
#: (https://docs.antom.com/ac/global/spotpay_cn).
EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(("GBP", "HKD", "USD", "SGD", "CAD", "AUD", "EUR", "NZD", "THB", "CHF", "SEK", "DKK", "NOK"), 2),
    **dict.fromkeys(("MYR", "IDR", "PHP", "MUR", "ILS", "LKR", "RUB", "AED", "CZK", "ZAR", "CNY", "MOP", "TWD"), 2),
    "JPY": 0,
    "KRW": 0,
}

_DECIMAL = re.compile(r"(?P<sign>-?)(?P<whole>\d{1,12})(?:\.(?P<part>\d{1,8}))?")


def exponent(currency: str) -> int:
    """How many decimals `currency` has. Raises `Invalid` for a currency Alipay does not list."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        known = ", ".join(sorted(EXPONENTS))
        raise Invalid(f"{currency!r} is not a currency Saoma knows; use one of {known}") from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents, yen) of one currency. May be negative: a discount or a difference."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are a whole number, not {type(self.minor).__name__}")
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in `currency`."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal text such as `12.50`. Raises `Invalid` for anything else, or for too many decimals.

        Trailing zeros beyond the currency's decimals are accepted (`100.00` JPY), as Alipay's files write them."""
        match = _DECIMAL.fullmatch(text.strip()) if text.isascii() else None
        if match is None:
            raise Invalid(f"{text!r} is not an amount; write digits and at most one dot, such as 12.50")
        digits = exponent(currency)
        part = match["part"] or ""
        if part[digits:].strip("0"):
            raise Invalid(f"{text!r} has more decimals than {currency} allows ({digits})")
        minor = int(match["whole"] + part[:digits].ljust(digits, "0"))
        return cls(-minor if match["sign"] else minor, currency)

    @property
    def decimal(self) -> Decimal:
        """The exact value in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @property
    def text(self) -> str:
        """Digits for the wire: `12.50`, `1200` for JPY; never grouped, never with a currency."""
        digits = exponent(self.currency)
        if not digits:
            return str(self.minor)
        whole, part = divmod(abs(self.minor), 10**digits)
        return f"{'-' if self.minor < 0 else ''}{whole}.{part:0{digits}d}"

    def __str__(self) -> str:
        """For logs: `12.50 USD`. People are shown `web.texts.money`."""
        return f"{self.text} {self.currency}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Invalid(f"{self.currency} and {other.currency} can't be reckoned together")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            raise TypeError("money is multiplied by whole numbers only; use split for shares")
        return Money(self.minor * times, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Shares in proportion to `weights` (whole numbers, not all zero) that add up to the whole.

        The odd units go to the largest remainders, the first of equals first. Raises `Invalid` for bad weights."""
        total = sum(weights)
        if not weights or any(weight < 0 for weight in weights) or total == 0:
            raise Invalid("shares need at least one weight above zero and none below")
        size, sign = abs(self.minor), (1 if self.minor >= 0 else -1)
        shares = [size * weight // total for weight in weights]
        left = size - sum(shares)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % total), i))
        for i in by_remainder[:left]:
            shares[i] += 1
        return [Money(sign * share, self.currency) for share in shares]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`, all in `currency`; zero of nothing."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result
