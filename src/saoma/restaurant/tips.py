"""Tips: what guests add for those who served. Pure.

A tip is paid with a share of the bill and is never part of it; a refund of dishes leaves it where it is."""

from __future__ import annotations

from typing import Final

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.restaurant.bill import Bill

#: What a shop offers that has not said otherwise, in percent.
USUAL: Final = (5, 10, 15)
MOST_PERCENT: Final = 100
#: In a refund's lines it says that the tip goes back, too.
TIP: Final = "tip"

TOO_GENEROUS: Final = "A tip can't be more than the whole bill. Check the amount."


def percent_of(share: Money, percent: int) -> Money:
    """The tip that `percent` of a share comes to, rounded half up to the minor unit. Raises `Invalid`."""
    if not 0 <= percent <= MOST_PERCENT:
        raise Invalid("A tip has 0 to 100 percent.")
    return Money((share.minor * percent + 50) // 100, share.currency)


def tip_on(share: Money, chosen: str, typed: str, bill: Bill) -> Money:
    """The tip that somebody chose: a percentage (`10`), `own` with an amount typed, or nothing. Raises `Invalid`."""
    if chosen == "own":
        tip = Money.parse(typed, share.currency) if typed.strip() else Money.zero(share.currency)
    else:
        tip = percent_of(share, int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 4 else 0)
    if tip.minor < 0 or tip > bill.ordered:
        raise Invalid(TOO_GENEROUS)
    return tip


def parted(amount: int, share_left: int, tip_left: int, *, names_tip: bool) -> tuple[int, int]:
    """How much of a refund comes out of the share and how much out of its tip, in minor units.

    The tip goes back first where the refund names it; otherwise only with what the share no longer has."""
    if names_tip:
        tip = min(amount, tip_left)
        return min(amount - tip, share_left), tip
    share = min(amount, share_left)
    return share, min(amount - share, tip_left)


def offers(text: str) -> list[int]:
    """The percentages an owner typed, such as `5, 10, 15`; none is no tips. Raises `Invalid`."""
    words = text.replace("%", " ").replace("，", " ").replace("、", " ").replace(",", " ").split()
    if len(words) > 4 or not all(word.isascii() and word.isdecimal() and 0 < int(word) <= 50 for word in words):
        raise Invalid("Write up to four whole percentages from 1 to 50, such as 5, 10, 15. Leave it empty for no tips.")
    return sorted({int(word) for word in words})
