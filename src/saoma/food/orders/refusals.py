"""Why a basket can't be sold as its guests saw it, in sentences that say what to do.

What is gone comes before what costs something else: nobody agrees to a price of a dish that isn't there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from saoma.food.card import NotOffered
from saoma.food.dayparts import CHANNELS
from saoma.food.model import Line, Menu, Tab
from saoma.food.orders.quoting import NoneLeft, OffTheMenu, Quoted, quote_line
from saoma.kit.errors import Conflict
from saoma.kit.i18n import texts


class SoldOut(Conflict):
    """A dish in the basket can't be had; the text names it. Nothing was sent."""


class NotNow(SoldOut):
    """It is not sold through this channel, or not at this time; the text says where or when it is."""


class PriceChanged(Conflict):
    """A price differs from the one the guest saw; the text names dish, old and new price. Nothing was sent.

    `requote` (or `order`, which does it all) puts the new prices into the basket; the next press sends them."""


def must_be_as_seen(basket: Iterable[Line], now: Menu, on: Tab, at: datetime) -> None:
    """Raise the first reason why this basket can't go as the guests saw it.

    How many are left is not looked at here: `portions.claim` takes them, and says when there are too few."""
    changed: PriceChanged | None = None
    for line in basket:
        quote = quote_line(line, now, on.channel, at, counted=False)
        match quote:
            case NoneLeft():
                raise sold_out(quote)
            case NotOffered():
                raise not_offered(quote)
            case OffTheMenu():
                raise SoldOut(
                    "“{dish}” is no longer offered like this. Take it out of the basket and choose again.",
                    dish=quote.name,
                    dish_zh=quote.name_zh,
                )
            case Quoted():
                if quote.unit != line.unit_money and changed is None:
                    changed = PriceChanged(
                        "“{dish}” now costs {now} (it was {before}). Look at your basket, then send again.",
                        dish=line.name,
                        dish_zh=line.name_zh or line.name,
                        now=quote.unit,
                        before=line.unit_money,
                    )
            case _:
                assert_never(quote)
    if changed is not None:
        raise changed


def sold_out(which: NoneLeft) -> SoldOut:
    """The dish or the choice is sold out."""
    if which.choice:
        return SoldOut(
            "“{choice}” for “{dish}” is sold out. Please choose again.",
            choice=which.choice,
            choice_zh=which.choice_zh,
            dish=which.name,
            dish_zh=which.name_zh,
        )
    return SoldOut(
        "“{dish}” is sold out. Please choose something else.",
        dish=which.name,
        dish_zh=which.name_zh,
    )


def too_few(name: str, name_zh: str, left: int) -> SoldOut:
    """There are fewer left than the basket asks for."""
    if left == 0:
        return sold_out(NoneLeft(name, name_zh or name))
    return SoldOut(
        "Only {left} of “{dish}” left. Take fewer, or choose something else.",
        left=left,
        dish=name,
        dish_zh=name_zh or name,
    )


def not_offered(which: NotOffered) -> NotNow:
    """When, or where, the dish can be had."""
    if which.dayparts:
        return NotNow(
            "“{dish}” is not served at this time. It is on the menu: {when}.",
            dish=which.name,
            dish_zh=which.name_zh,
            when="; ".join(part.spoken("en") for part in which.dayparts),
            when_zh="；".join(part.spoken("zh") for part in which.dayparts),
        )
    english, chinese = (
        [texts(lang)(CHANNELS.get(channel, channel)) for channel in which.channels] for lang in ("en", "zh")
    )
    return NotNow(
        "“{dish}” can't be ordered this way. It is offered: {where}.",
        dish=which.name,
        dish_zh=which.name_zh,
        where=", ".join(english),
        where_zh="、".join(chinese),
    )
