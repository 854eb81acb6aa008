"""What the menu says now about a line that was put into a basket earlier: pure.

A quote is no promise; the price becomes one when the line is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from saoma.food.card import NotOffered
from saoma.food.model import Chosen, Item, Line, Menu
from saoma.food.orders.pricing import choose, line_price
from saoma.kit.errors import Invalid
from saoma.kit.money import Money


@dataclass(frozen=True, slots=True)
class Quoted:
    """It can be had, for this price a piece, with these choices."""

    unit: Money
    options: tuple[Chosen, ...]


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """The dish is sold out, or the choice named `choice` is."""

    name: str
    name_zh: str
    choice: str = ""
    choice_zh: str = ""


@dataclass(frozen=True, slots=True)
class OffTheMenu:
    """The dish or one of its choices is no longer offered, or its rules of choice have changed."""

    name: str
    name_zh: str


Quote: TypeAlias = Quoted | NoneLeft | OffTheMenu | NotOffered


def quote_item(item: Item, option_ids: list[str]) -> Quoted | NoneLeft:
    """The price of one piece now. Raises `Invalid` for choices that the dish does not allow."""
    if item.sold_out:
        return NoneLeft(item.name, item.name_zh or item.name)
    chosen = choose(item, option_ids)
    for group in item.groups:
        for option in group.options:
            if option.sold_out and option.id in option_ids:
                return NoneLeft(item.name, item.name_zh or item.name, option.name, option.name_zh or option.name)
    return Quoted(line_price(item, chosen, 1), chosen)


def channel_of(channel: str, guest_id: str) -> str:
    """How a line was ordered: what staff choose at a table comes from the waiter, all else as its tab."""
    return "waiter" if channel == "table" and not guest_id else channel


def quote_line(line: Line, menu: Menu, channel: str, at: datetime, *, counted: bool = True) -> Quote:
    """What the menu says about `line`, on a tab of `channel`, ordered for the moment `at`.

    `counted` False looks past what is left of the dish: it may be this very line that took the last."""
    item = menu.offer(line.item_id, channel_of(channel, line.guest_id), at, counted=counted)
    gone = OffTheMenu(line.name, line.name_zh or line.name)
    if item is None:
        return gone
    if isinstance(item, NotOffered):
        return item
    try:
        return quote_item(item, [choice.id for choice in line.options])
    except Invalid:
        return gone
