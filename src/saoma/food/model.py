"""The shapes of tabs and lines, and the two lifecycles of ordering; those of menus are in `food.card` and named here.

Prices here are whole minor units of the menu's or the line's currency; `money` puts the two together."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.food.card import (
    ALLERGEN_NAMES,
    ALLERGENS,
    PHOTO_WIDTHS,
    TAG_NAMES,
    TAGS,
    Item,
    Menu,
    Option,
    OptionGroup,
    Photo,
    Section,
    called,
)
from saoma.kit.lifecycle import Lifecycle
from saoma.kit.money import Money

__all__ = [
    "ALLERGENS",
    "ALLERGEN_NAMES",
    "LINE",
    "ORDERED",
    "PHOTO_WIDTHS",
    "TAB",
    "TAGS",
    "TAG_NAMES",
    "Chosen",
    "Item",
    "Line",
    "LineEvent",
    "LineStatus",
    "Menu",
    "Option",
    "OptionGroup",
    "Photo",
    "Section",
    "Tab",
    "TabEvent",
    "TabStatus",
    "called",
]


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """One choice as it was ordered: a copy, so that a later menu changes nothing."""

    id: str
    group: str
    group_zh: str = ""
    name: str
    name_zh: str = ""
    price_change: int = 0

    def called(self, lang: str) -> str:
        """The name of the choice in `lang`."""
        return called(self.name, self.name_zh, lang)


class TabStatus(StrEnum):
    """Where a tab stands: takes orders, is paid in full, is over."""

    OPEN = "open"
    SETTLED = "settled"
    CLOSED = "closed"


class TabEvent(StrEnum):
    """What happens to a tab."""

    SETTLE = "settle"
    REOPEN = "reopen"
    CLOSE = "close"


TAB: Final = Lifecycle[TabStatus, TabEvent](
    "Tab",
    TabStatus.OPEN,
    {
        (TabStatus.OPEN, TabEvent.SETTLE): TabStatus.SETTLED,
        (TabStatus.SETTLED, TabEvent.SETTLE): TabStatus.SETTLED,
        (TabStatus.SETTLED, TabEvent.REOPEN): TabStatus.OPEN,
        (TabStatus.OPEN, TabEvent.REOPEN): TabStatus.OPEN,
        (TabStatus.OPEN, TabEvent.CLOSE): TabStatus.CLOSED,
        (TabStatus.SETTLED, TabEvent.CLOSE): TabStatus.CLOSED,
        (TabStatus.CLOSED, TabEvent.CLOSE): TabStatus.CLOSED,
    },
)


class LineStatus(StrEnum):
    """Where a dish stands, from the basket to the guest."""

    BASKET = "basket"
    SENT = "sent"
    COOKING = "cooking"
    READY = "ready"
    SERVED = "served"
    VOID = "void"


class LineEvent(StrEnum):
    """What happens to a dish."""

    SEND = "send"
    START = "start"
    FINISH = "finish"
    SERVE = "serve"
    RECALL = "recall"
    VOID = "void"


LINE: Final = Lifecycle[LineStatus, LineEvent](
    "Line of a tab",
    LineStatus.BASKET,
    {
        (LineStatus.BASKET, LineEvent.SEND): LineStatus.SENT,
        (LineStatus.BASKET, LineEvent.VOID): LineStatus.VOID,
        (LineStatus.SENT, LineEvent.START): LineStatus.COOKING,
        (LineStatus.COOKING, LineEvent.FINISH): LineStatus.READY,
        (LineStatus.READY, LineEvent.SERVE): LineStatus.SERVED,
        (LineStatus.COOKING, LineEvent.RECALL): LineStatus.SENT,
        (LineStatus.READY, LineEvent.RECALL): LineStatus.COOKING,
        (LineStatus.SERVED, LineEvent.RECALL): LineStatus.READY,
        (LineStatus.SENT, LineEvent.VOID): LineStatus.VOID,
        (LineStatus.COOKING, LineEvent.VOID): LineStatus.VOID,
        (LineStatus.READY, LineEvent.VOID): LineStatus.VOID,
        (LineStatus.SERVED, LineEvent.VOID): LineStatus.VOID,
    },
)

#: What was sent and not voided: the lines a bill is made of.
ORDERED: Final = frozenset({LineStatus.SENT, LineStatus.COOKING, LineStatus.READY, LineStatus.SERVED})


class Tab(msgspec.Struct, frozen=True, kw_only=True):
    """What is ordered together: a table's sitting, a counter order. `round` is the last one sent (0: none)."""

    id: str
    store_id: str
    channel: str
    label: str
    currency: str
    status: TabStatus
    round: int
    opened_at: datetime
    closed_at: datetime | None = None
    #: Whether it is packed, and what the kitchen should know of the whole order.
    to_go: bool = False
    note: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One dish of a tab, for one guest, with its choices.

    In the basket its price is the one last shown; from sending on it is frozen. `paid_by` is the payment that holds or
    has paid it (`paid` tells which); `unit_amount_before` is set while a changed price waits to be seen."""

    id: str
    tab_id: str
    item_id: str
    name: str
    name_zh: str
    options: tuple[Chosen, ...]
    quantity: int
    unit_amount: int
    amount: int
    currency: str
    status: LineStatus
    guest_id: str
    round: int | None
    note: str
    paid_by: str | None
    paid: bool
    key: str
    sent_at: datetime | None
    unit_amount_before: int | None = None
    void_reason: str = ""
    void_by: str = ""
    #: For whom staff chose it, while it is in the basket; it is that guest's once it is sent.
    for_guest: str = ""
    #: Its course and what it waits for (`food.courses`): a line on hold was sent and is not cooked yet.
    course: str = ""
    hold: str = ""
    #: What is taken off it, in all (`food.discounts` says why); never more than `amount`.
    discount: int = 0

    @property
    def money(self) -> Money:
        """The price of the whole line, before anything is taken off."""
        return Money(self.amount, self.currency)

    @property
    def due(self) -> Money:
        """What the whole line costs after discounts: the amount that bills count."""
        return Money(self.amount - self.discount, self.currency)

    @property
    def unit_money(self) -> Money:
        """The price of one piece with its choices."""
        return Money(self.unit_amount, self.currency)

    @property
    def ordered(self) -> bool:
        """Whether it counts on the bill: sent and not voided."""
        return self.status in ORDERED

    @property
    def held(self) -> bool:
        """Whether a payment is open on it."""
        return self.paid_by is not None and not self.paid

    def called(self, lang: str) -> str:
        """The name of the dish in `lang`."""
        return called(self.name, self.name_zh, lang)
