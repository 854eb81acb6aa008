"""Exchange rates of the sandbox: CNY per unit, written with eight decimals as on the wire, fixed but by its owner.

The rate of a trade is frozen when the trade is created and serves its refunds too, so nobody gains by waiting
(https://docs.antom.com/ac/global/spot_refund). Rounding to the fen is half-up; Alipay's own mode is not published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from saoma.kit.errors import Invalid
from saoma.kit.money import Money, exponent
from saoma.sandbox.book.store import Store

#: Plausible rates; USD as in the published samples. They never move by themselves: what drifts can't be asserted on.
CNY_PER_UNIT: Final[dict[str, str]] = {
    "CNY": "1.00000000",
    "USD": "7.10000000",
    "EUR": "7.75000000",
    "GBP": "9.02000000",
    "HKD": "0.90900000",
    "SGD": "5.33000000",
    "JPY": "0.04830000",
    "KRW": "0.00530000",
    "CAD": "5.28000000",
    "AUD": "4.72000000",
    "NZD": "4.39000000",
    "THB": "0.20300000",
    "CHF": "8.30000000",
    "SEK": "0.68500000",
    "DKK": "1.04000000",
    "NOK": "0.67900000",
    "MYR": "1.52000000",
    "IDR": "0.00045700",
    "PHP": "0.12700000",
    "MUR": "0.15900000",
    "ILS": "1.93000000",
    "LKR": "0.02200000",
    "RUB": "0.07900000",
    "AED": "1.93300000",
    "CZK": "0.31400000",
    "ZAR": "0.38200000",
    "MOP": "0.88200000",
    "TWD": "0.22800000",
}

#: Currencies that can settle; MOP and TWD only price (https://docs.antom.com/ac/global/spotpay_cn).
SETTLEMENT: Final = frozenset(CNY_PER_UNIT) - {"MOP", "TWD"}
#: What may stand in `trans_currency` of a barcode payment beside the settlement currency itself.
PRICING_ONLY: Final = frozenset({"MOP", "TWD", "CNY"})

_HIGHEST_COMMISSION: Final = Decimal("0.05")


def convert(amount: Money, rate: Decimal, currency: str) -> int:
    """`amount` times `rate` in minor units of `currency`, half-up."""
    exact = amount.decimal * rate
    return int(exact.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


class DayRate(msgspec.Struct, frozen=True):
    """What one unit of a currency is worth from a Beijing day on."""

    currency: str
    day: date
    cny: str


class Rates:
    """The rates by day: the fixed ones, and those that somebody set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._set: dict[str, dict[date, str]] = {}
        for known in store.read("rate", DayRate):
            self._set.setdefault(known.currency, {})[known.day] = known.cny

    def set(self, currency: str, day: date, cny: Decimal) -> DayRate:
        """Let a currency be worth `cny` from `day` on, until the next day that was set. Raises `Invalid`."""
        if currency not in CNY_PER_UNIT or currency == "CNY":
            raise Invalid(f"{currency!r} is not a currency that is changed into CNY.")
        if not cny.is_finite() or not Decimal("0.00000001") <= cny <= 1_000_000:
            raise Invalid("A rate is CNY for one unit, above nothing.")
        made = DayRate(currency, day, _written(cny))
        self._set.setdefault(currency, {})[day] = made.cny
        self._store.keep("rate", f"{currency}|{day}", made)
        return made

    def all(self) -> list[DayRate]:
        """Those that were set, oldest first."""
        found = [DayRate(currency, day, cny) for currency, by_day in self._set.items() for day, cny in by_day.items()]
        return sorted(found, key=lambda rate: (rate.day, rate.currency))

    def cny(self, currency: str, day: date) -> str:
        """CNY for one unit of `currency` on a Beijing day."""
        by_day = self._set.get(currency, {})
        begun = max((begins for begins in by_day if begins <= day), default=None)
        return CNY_PER_UNIT[currency] if begun is None else by_day[begun]

    def between(self, pricing: str, settling: str, day: date) -> str:
        """From the pricing to the settlement currency; plain `1` when they are the same."""
        if pricing == settling:
            return "1"
        return _written(Decimal(self.cny(pricing, day)) / Decimal(self.cny(settling, day)))


def _written(rate: Decimal) -> str:
    return f"{rate.quantize(Decimal('0.00000001'), rounding=ROUND_HALF_UP):f}"


def to_cny(amount: Money, rate: str) -> int:
    """What a buyer is debited, in fen."""
    return convert(amount, Decimal(rate), "CNY")


def commission(channel_fee: Mapping[str, str], settled: int, currency: str) -> int:
    """What a printed code's `channel_fee` takes of `settled` minor units: a part of it, or a fixed sum; 5% at most."""
    if not channel_fee:
        return 0
    value = Decimal(channel_fee["value"])
    exact = value * settled if channel_fee["type"] == "RATE" else value.scaleb(exponent(currency))
    highest = Decimal(settled) * _HIGHEST_COMMISSION
    return int(min(exact, highest).quantize(Decimal(1), rounding=ROUND_HALF_UP if exact <= highest else ROUND_DOWN))


def to_settlement(amount: Money, rate: str, currency: str) -> int:
    """`amount` in minor units of the settlement currency."""
    return convert(amount, Decimal(rate), currency)
