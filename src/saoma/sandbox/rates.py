"""Exchange rates of the sandbox: CNY per unit, fixed, written with eight decimals as on the wire.

The rate of a trade is frozen when the trade is created and serves its refunds too, so nobody gains by waiting
(https://docs.antom.com/ac/global/spot_refund). Rounding to the fen is half-up; Alipay's own mode is not published."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from saoma.kit.money import Money, exponent

#: Plausible rates; USD as in the published samples. They never move: a sandbox that drifts can't be asserted on.
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


def convert(amount: Money, rate: Decimal, currency: str) -> int:
    """`amount` times `rate` in minor units of `currency`, half-up."""
    exact = amount.decimal * rate
    return int(exact.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def cny_rate(currency: str) -> str:
    """CNY for one unit of `currency`."""
    return CNY_PER_UNIT[currency]


def to_cny(amount: Money, rate: str) -> int:
    """What a buyer is debited, in fen."""
    return convert(amount, Decimal(rate), "CNY")


def settlement_rate(pricing: str, settling: str) -> str:
    """From the pricing to the settlement currency; plain `1` when they are the same."""
    if pricing == settling:
        return "1"
    rate = Decimal(CNY_PER_UNIT[pricing]) / Decimal(CNY_PER_UNIT[settling])
    return f"{rate.quantize(Decimal('0.00000001'), rounding=ROUND_HALF_UP):f}"


def to_settlement(amount: Money, rate: str, currency: str) -> int:
    """`amount` in minor units of the settlement currency."""
    return convert(amount, Decimal(rate), currency)
