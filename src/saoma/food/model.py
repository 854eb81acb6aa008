"""The shapes of menus, tabs and lines, and the two lifecycles of ordering.

Prices here are whole minor units of the menu's or the line's currency; `money` puts the two together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.lifecycle import Lifecycle
from saoma.kit.money import Money

#: Widths in pixels in which every photo is kept.
PHOTO_WIDTHS: Final = (160, 320, 640, 1280)

#: The fourteen allergens that EU law asks menus to name, and what people call them (keys of the texts).
ALLERGEN_NAMES: Final[Mapping[str, str]] = {
    "gluten": "Gluten",
    "crustaceans": "Crustaceans",
    "eggs": "Eggs",
    "fish": "Fish",
    "peanuts": "Peanuts",
    "soya": "Soya",
    "milk": "Milk",
    "nuts": "Nuts",
    "celery": "Celery",
    "mustard": "Mustard",
    "sesame": "Sesame",
    "sulphites": "Sulphites",
    "lupin": "Lupin",
    "molluscs": "Molluscs",
}
ALLERGENS: Final = tuple(ALLERGEN_NAMES)

#: What a menu may say of a dish besides, and how it says it.
TAG_NAMES: Final[Mapping[str, str]] = {
    "popular": "Popular",
    "new": "New",
    "spicy": "Spicy",
    "vegetarian": "Vegetarian",
    "vegan": "Vegan",
    "halal": "Halal",
    "cold": "Cold",
    "sharing": "To share",
}
TAGS: Final = tuple(TAG_NAMES)


def called(name: str, name_zh: str, lang: str) -> str:
    """The name for a reader of `lang`: the Chinese one when there is one and Chinese is read."""
    return name_zh if lang == "zh" and name_zh else name


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of a group. `price_change` is added to the item's price once per piece; it may be below zero."""

    id: str
    name: str
    name_zh: str = ""
    price_change: int = 0
    sold_out: bool = False

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)


class OptionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Choices that belong together: at least `min_choices` and at most `max_choices` of them per piece."""

    id: str
    name: str
    name_zh: str = ""
    min_choices: int = 0
    max_choices: int = 1
    options: tuple[Option, ...] = ()

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A photo in object storage: `name` is part of its address and changes with its content; sizes of the original."""

    name: str
    width: int
    height: int

    def url(self, width: int) -> str:
        """Where the copy of `width` pixels is served (one of `PHOTO_WIDTHS`)."""
        return f"/photos/{self.name}-{width}.webp"

    @property
    def srcset(self) -> str:
        """The copies as an `img` element's `srcset`; the larger ones only of a photo that is that large."""
        widths = [width for width in PHOTO_WIDTHS if width <= self.width] or list(PHOTO_WIDTHS[:1])
        return ", ".join(f"{self.url(width)} {width}w" for width in widths)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A dish. `code` is the shop's own short key, unique on its menu: import and export know the dish by it."""

    id: str
    code: str
    name: str
    name_zh: str = ""
    description: str = ""
    description_zh: str = ""
    price: int
    currency: str
    allergens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    photo: Photo | None = None
    hidden: bool = False
    sold_out: bool = False
    groups: tuple[OptionGroup, ...] = ()

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)

    def described(self, lang: str) -> str:
        """The description in `lang`."""
        return called(self.description, self.description_zh, lang)

    @property
    def money(self) -> Money:
        """The price of one piece without choices."""
        return Money(self.price, self.currency)

    @property
    def needs_choice(self) -> bool:
        """Whether a guest must choose before adding: some group asks for at least one option."""
        return any(group.min_choices for group in self.groups)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of the menu with its dishes, in order."""

    id: str
    name: str
    name_zh: str = ""
    hidden: bool = False
    station_id: str | None = None
    items: tuple[Item, ...] = ()

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """All a store sells, hidden things too. `version` never names two different contents.

    `tax_basis_points` is the rate contained in the prices (900 = 9 %): shown on bills, never added."""

    store_id: str
    currency: str
    version: str
    tax_basis_points: int = 0
    sections: tuple[Section, ...] = ()

    def item(self, item_id: str) -> Item | None:
        """The dish with this id, hidden or not; None when the menu has none."""
        return next((item for section in self.sections for item in section.items if item.id == item_id), None)

    def offered(self, item_id: str) -> Item | None:
        """The dish with this id if a guest can see it, sold out or not; None otherwise."""
        for section in self.sections:
            for item in section.items:
                if item.id == item_id:
                    return None if section.hidden or item.hidden else item
        return None

    def visible(self) -> Menu:
        """The menu as a guest sees it: without hidden dishes, hidden sections and sections left empty."""
        kept = []
        for section in self.sections:
            items = tuple(item for item in section.items if not item.hidden)
            if items and not section.hidden:
                kept.append(msgspec.structs.replace(section, items=items))
        return msgspec.structs.replace(self, sections=tuple(kept))


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
