"""What staff change about a bill by hand: discounts within their role's limit, and why dishes are struck. Pure.

A limit counts all that was taken off one bill by hand, whoever did it: two small discounts are one large one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from saoma.food.orders.discounts import Discount, Discounted, Kind, spread
from saoma.kit.errors import Conflict, Invalid, NotAllowed
from saoma.kit.money import Money, total

#: Why something is taken off a bill; keys of the texts. Staff may write their own words instead.
DISCOUNT_REASONS: Final = (
    "They waited too long",
    "Something was not right with a dish",
    "Regular guest",
    "Staff meal",
    "On the house",
)
#: Why a dish is struck from the bill; keys of the texts.
VOID_REASONS: Final = (
    "Entered by mistake",
    "The guest changed their mind",
    "It never came",
    "It was not right",
    "We ran out of it",
)

SAY_WHY: Final = "Choose a reason or write one; it is kept with the bill."
HOW_MUCH: Final = "Type how much to take off."
NO_PERCENTAGE: Final = "Write a percentage from 1 to 100."
ABOVE_LEFT: Final = "That is more than what is left to pay. Take at most {left} off."
ABOVE_LIMIT: Final = "Your role may take {limit} off one bill; {already} is off already. Ask a manager for more."
NONE_ALLOWED: Final = "Your role gives no discounts. Ask a manager."

_PERCENTAGE: Final = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)


class Off(StrEnum):
    """How a discount was typed."""

    PERCENT = "percent"
    AMOUNT = "amount"


def reason_of(chosen: str, words: str, known: Iterable[str]) -> tuple[str, bool]:
    """The reason, and whether it is one of the list (a text's key). Own words go before the list. Raises `Invalid`."""
    own = " ".join(words.split())[:200]
    if own:
        return own, False
    if chosen not in known:
        raise Invalid(SAY_WHY)
    return chosen, True


def percentage(typed: str) -> Decimal:
    """A percentage above zero, up to 100, with at most two decimals. Raises `Invalid`."""
    text = typed.strip().removesuffix("%").strip()
    percent = Decimal(text) if _PERCENTAGE.fullmatch(text) else Decimal(0)
    if not 0 < percent <= 100:
        raise Invalid(NO_PERCENTAGE)
    return percent


def taken_off(off: Off, typed: str, base: Money) -> Money:
    """How much comes off `base`, rounded half up to the minor unit; always above zero. Raises `Invalid`."""
    if not typed.strip():
        raise Invalid(HOW_MUCH)
    match off:
        case Off.PERCENT:
            points = int(percentage(typed) * 100)
            amount = Money((base.minor * points + 5_000) // 10_000, base.currency)
        case Off.AMOUNT:
            amount = Money.parse(typed, base.currency)
        case _:
            assert_never(off)
    if amount.minor <= 0:
        raise Invalid(HOW_MUCH)
    return amount


def shares_of(
    off: Off, typed: str, lines: Sequence[Discounted], left: Money, limit: Money | None, before: Iterable[Discount]
) -> dict[str, Money]:
    """What is taken off which line: a percentage or amount of `lines`, which are free, as far as a person may.

    `left` is what nobody pays or has paid, `before` what is off the bill already. Raises `Invalid`, `Conflict`,
    `NotAllowed`."""
    base = min(total((line.due for line in lines), left.currency), left)
    amount = taken_off(off, typed, base)
    if amount > base:
        raise Conflict(ABOVE_LEFT, left=base)
    already = total((each.amount for each in before if each.kind is Kind.MANUAL), left.currency)
    if limit is not None and not limit:
        raise NotAllowed(NONE_ALLOWED)
    if limit is not None and already + amount > limit:
        raise NotAllowed(ABOVE_LIMIT, limit=limit, already=already)
    return spread(amount, lines)


def names(off: Off, typed: str) -> tuple[str, str]:
    """What a discount is called on the bill, in English and Chinese: `10% off` is 9 折 to a Chinese reader."""
    if off is Off.AMOUNT:
        return "Discount", "优惠"
    percent = percentage(typed)
    if percent == 100:
        return "On us", "免单"
    tenths = (100 - percent) / 10
    return f"{percent.normalize():f}% off", f"{tenths.normalize():f} 折"
