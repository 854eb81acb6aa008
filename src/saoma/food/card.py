"""The shapes of a menu: sections, dishes, choices; and what of them can be had through one channel at one moment.

Prices are whole minor units of the menu's currency; `money` puts the two together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from saoma.food.dayparts import Daypart, now_open, sold_through
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
    #: Whether copies in AVIF are kept beside those in WebP.
    avif: bool = False

    def url(self, width: int, form: str = "webp") -> str:
        """Where the copy of `width` pixels is served (one of `PHOTO_WIDTHS`), as webp or avif."""
        return f"/photos/{self.name}-{width}.{form}"

    @property
    def srcset(self) -> str:
        """The copies as an `img` element's `srcset`; the larger ones only of a photo that is that large."""
        return self.srcset_in("webp")

    def srcset_in(self, form: str) -> str:
        """The same in another form."""
        widths = [width for width in PHOTO_WIDTHS if width <= self.width] or list(PHOTO_WIDTHS[:1])
        return ", ".join(f"{self.url(width, form)} {width}w" for width in widths)


class Portions(msgspec.Struct, frozen=True):
    """How many of a dish are left for one day by the shop's clock."""

    day: date
    left: int


class NotOffered(msgspec.Struct, frozen=True, kw_only=True):
    """A dish that is on the menu and can't be had like this: through which channels, or at which times, it can."""

    name: str
    name_zh: str
    channels: tuple[str, ...] = ()
    dayparts: tuple[Daypart, ...] = ()


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
    #: Limits (none: not limited): the channels it is sold through, the ids of the dayparts it is served in.
    channels: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    #: Where it is made when not where its section is.
    station_id: str | None = None
    #: How many there are each day (None: not counted), and what is left of days that have begun to count.
    per_day: int | None = None
    portions: tuple[Portions, ...] = ()
    #: How many are left today: known of what `Menu.offered_to` and `Menu.offer` give.
    left: int | None = None

    def left_on(self, day: date) -> int | None:
        """How many are left on this day by the shop's clock; None when they are not counted."""
        return next((one.left for one in self.portions if one.day == day), self.per_day)

    def as_of(self, day: date) -> Item:
        """The dish with what is left of it that day; sold out when nothing is."""
        left = self.left_on(day)
        return self if left is None else msgspec.structs.replace(self, left=left, sold_out=self.sold_out or left == 0)

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
    #: As of an item; both the section's and the item's hold.
    channels: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    #: When its dishes are eaten (`food.courses`).
    course: str = ""

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """All a store sells, hidden things too. `version` never names two different contents.

    `tax_basis_points` is the rate contained in the prices (900 = 9%): shown on bills, never added."""

    store_id: str
    currency: str
    version: str
    tax_basis_points: int = 0
    sections: tuple[Section, ...] = ()
    #: The named parts of this shop's day, by its own clock.
    dayparts: tuple[Daypart, ...] = ()
    zone: str = "UTC"

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

    def offered_to(self, channel: str, at: datetime) -> Menu:
        """What a guest can see through this channel at this moment (aware), sold-out dishes too, marked.

        Every screen that lists dishes lists these. Counted dishes know what is `left`; when limits hold anything back
        its version is another than the whole menu's."""
        local = self.local(at)
        opened = now_open(self.dayparts, local)
        kept, plain = [], True
        for section in self.sections:
            shown = tuple(item for item in section.items if not item.hidden)
            if section.hidden or not shown:
                continue
            items: tuple[Item, ...] = ()
            if _sold(section, channel, opened):
                items = tuple(item.as_of(local.date()) for item in shown if _sold(item, channel, opened))
            plain = plain and len(items) == len(shown) and all(item.left is None for item in items)
            if items:
                kept.append(msgspec.structs.replace(section, items=items))
        version = self.version
        if not plain:
            version = ":".join((version, channel, local.date().isoformat(), *sorted(opened)))
        return msgspec.structs.replace(self, sections=tuple(kept), version=version)

    def offer(self, item_id: str, channel: str, at: datetime, *, counted: bool = True) -> Item | NotOffered | None:
        """The dish if it can be had through this channel at this moment, sold out or not; else where and when it can.

        None when it is hidden or not on the menu. `counted` False looks past what is left of it."""
        local = self.local(at)
        opened = now_open(self.dayparts, local)
        for section in self.sections:
            for item in section.items:
                if item.id == item_id:
                    if section.hidden or item.hidden:
                        return None
                    for limits in (section, item):
                        if (refused := self._refused(item, limits, channel, opened)) is not None:
                            return refused
                    return item.as_of(local.date()) if counted else item
        return None

    def local(self, at: datetime) -> datetime:
        """This moment on the shop's own clock."""
        return at.astimezone(ZoneInfo(self.zone))

    def _refused(self, item: Item, limits: Section | Item, channel: str, opened: frozenset[str]) -> NotOffered | None:
        if not sold_through(limits.channels, channel):
            return NotOffered(name=item.name, name_zh=item.name_zh or item.name, channels=limits.channels)
        if limits.dayparts and opened.isdisjoint(limits.dayparts):
            when = tuple(part for part in self.dayparts if part.id in limits.dayparts)
            return NotOffered(name=item.name, name_zh=item.name_zh or item.name, dayparts=when)
        return None


def _sold(limits: Section | Item, channel: str, opened: frozenset[str]) -> bool:
    return sold_through(limits.channels, channel) and not (limits.dayparts and opened.isdisjoint(limits.dayparts))
