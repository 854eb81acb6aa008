"""What an order taken offline says, and what the menu says about it now. Pure.

Texts are cleaned, never refused: an order that is refused for a stray letter would stand before all that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec

from saoma.food.model import Item, Menu
from saoma.food.orders.pricing import MOST_OF_ONE
from saoma.food.orders.quoting import NoneLeft, Quoted, quote_item
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.money import Money

GONE_WRONG: Final = "It could not be ordered as it was taken."
UNREADABLE: Final = "This is not an order that this server can read. Load the page again."

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Number = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
_Key = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]


class ContentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One dish as it was taken: `unit` is what one piece cost on the device's screen, in minor units."""

    item: _Name
    name: str = ""
    name_zh: str = ""
    options: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=60)] = ()
    chosen: str = ""
    chosen_zh: str = ""
    quantity: _Number = 1
    note: str = ""
    unit: _Number = 0


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """An order as its device wrote it down. `seen` is the bill the device knew of at this place."""

    device: _Key
    seq: Annotated[int, msgspec.Meta(ge=1, le=10**12)]
    key: _Key
    kind: _Name
    place: _Name = ""
    place_name: str = ""
    seen: _Name = ""
    channel: _Name = ""
    label: _Name = ""
    taken_by: _Name = ""
    taken_at: Annotated[datetime, msgspec.Meta(tz=True)]
    currency: _Name = ""
    lines: Annotated[tuple[ContentLine, ...], msgspec.Meta(min_length=1, max_length=200)]


def read(body: bytes) -> Content:
    """An order out of a request's body. Raises `Invalid` for what no device of ours writes."""
    try:
        sent = msgspec.json.decode(body, type=Content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid(UNREADABLE) from None
    lines = tuple(
        msgspec.structs.replace(
            line,
            note=tidy(line.note, 500),
            name=tidy(line.name, 200),
            name_zh=tidy(line.name_zh, 200),
            chosen=tidy(line.chosen, 500),
            chosen_zh=tidy(line.chosen_zh, 500),
            item=tidy(line.item, 200),
            options=tuple(tidy(option, 200) for option in line.options),
        )
        for line in sent.lines
    )
    cleaned = {
        name: tidy(getattr(sent, name), 200)
        for name in ("kind", "place", "place_name", "seen", "channel", "label", "taken_by", "currency")
    }
    return msgspec.structs.replace(sent, lines=lines, **cleaned)


def tidy(text: str, most: int) -> str:
    """One line without what no column holds and nobody types."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:most]


@dataclass(frozen=True, slots=True)
class Found:
    """One dish of the order and what the menu says now: its price, if it can be had, and what is not as it was."""

    number: int
    line: ContentLine
    unit: Money | None
    problem: Refused | None = None

    @property
    def as_it_was(self) -> bool:
        """Whether it can be ordered exactly as it was taken."""
        return self.problem is None


def examine(of: Content, now: Menu) -> list[Found]:
    """Each dish of the order against the menu as it is now."""
    return [_examined(number, line, now) for number, line in enumerate(of.lines, start=1)]


def _examined(number: int, line: ContentLine, now: Menu) -> Found:
    item = now.offered(line.item)
    named = {"dish": line.name, "dish_zh": line.name_zh or line.name}
    if item is None:
        return Found(number, line, None, Conflict("“{dish}” is no longer on the menu.", **named))
    if not 1 <= line.quantity <= MOST_OF_ONE:
        return Found(number, line, None, Invalid("Choose between 1 and {most} of “{dish}”.", most=MOST_OF_ONE, **named))
    return _quoted(number, line, item, named)


def _quoted(number: int, line: ContentLine, item: Item, named: dict[str, str]) -> Found:
    try:
        quote = quote_item(item, list(line.options))
    except Invalid:
        return Found(number, line, None, Conflict("“{dish}” is no longer offered with these choices.", **named))
    if not isinstance(quote, Quoted):
        choice = {}
        if isinstance(quote, NoneLeft) and quote.choice:
            choice = {"choice": quote.choice, "choice_zh": quote.choice_zh}
        text = "“{choice}” for “{dish}” is sold out." if choice else "“{dish}” is sold out."
        return Found(number, line, None, Conflict(text, **named, **choice))
    if quote.unit.minor != line.unit:
        before = Money(line.unit, quote.unit.currency)
        text = "“{dish}” now costs {now}; it was taken for {before}."
        return Found(number, line, quote.unit, Conflict(text, **named, now=quote.unit, before=before))
    return Found(number, line, quote.unit)
