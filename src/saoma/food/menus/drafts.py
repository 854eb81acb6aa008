"""A menu as somebody wishes it to be, before it is stored, and what is wrong with it.

Pure; forms and imports are read into drafts. A draft has no ids; dishes are known by their code, sections, groups and
choices by their name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from saoma.food.dayparts import CHANNELS, EVERY_DAY, Daypart
from saoma.food.model import ALLERGENS, TAGS, Item, Menu, OptionGroup

#: What a section's dishes may be eaten as (`courses.Course`).
COURSES: Final = ("", "drinks", "starter", "main", "dessert")
MOST_GROUPS: Final = 30
MOST_OPTIONS: Final = 100
LONGEST_NAME: Final = 80
LONGEST_TEXT: Final = 500
MOST_A_DAY: Final = 9_999
#: A million of the major unit: whoever types more has slipped.
HIGHEST_PRICE: Final = 100_000_000

_NONE: Final[Mapping[str, str]] = {}
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SEPARATOR = re.compile(r"[;,|、，；]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


class OptionDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A choice; its change of price in minor units."""

    name: str
    name_zh: str = ""
    price_change: int = 0
    sold_out: bool = False


class GroupDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group of choices."""

    name: str
    name_zh: str = ""
    min_choices: int = 0
    max_choices: int = 1
    options: tuple[OptionDraft, ...] = ()


class ItemDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dish; its price in minor units."""

    code: str
    name: str
    name_zh: str = ""
    description: str = ""
    description_zh: str = ""
    price: int
    allergens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hidden: bool = False
    sold_out: bool = False
    #: Limits (none: not limited); dayparts by name.
    channels: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    #: Where it is made when not where its section is, and how many there are each day (None: not counted).
    station: str = ""
    per_day: int | None = None
    groups: tuple[GroupDraft, ...] = ()


class SectionDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A section; `station` is the name of the kitchen station that makes its dishes, if the kitchen has stations."""

    name: str
    name_zh: str = ""
    station: str = ""
    hidden: bool = False
    channels: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    course: str = ""
    items: tuple[ItemDraft, ...] = ()


class MenuDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A whole menu. Its dayparts have no ids; those of the shop that it does not name stay as they are."""

    sections: tuple[SectionDraft, ...] = ()
    dayparts: tuple[Daypart, ...] = ()


class Fault(msgspec.Struct, frozen=True):
    """Something wrong: in which field, and a text (English, the key for other languages) that says what to do."""

    field: str
    msgid: str
    values: Mapping[str, str] = {}

    def __str__(self) -> str:
        return self.msgid.format(**self.values)


def code_for(name: str) -> str:
    """A code for a dish that was given none: the same name always gives the same code."""
    words = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:30].strip("-")
    if words and name.isascii():
        return words
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{words}-{digest}" if words else f"dish-{digest}"


def _text_faults(field: str, text: str, most: int, *, needed: bool = False) -> Iterator[Fault]:
    if needed and not text:
        yield Fault(field, "This is empty. Write a name.")
    if len(text) > most:
        yield Fault(field, "This is too long. Use at most {most} letters.", {"most": str(most)})
    if text != text.strip() or _CONTROL.search(text) or (most == LONGEST_NAME and ("\n" in text or "\t" in text)):
        yield Fault(field, "There are signs in here that can't be shown. Type the text anew.")


def section_faults(section: SectionDraft) -> list[Fault]:
    """What is wrong with the section itself (not with its dishes)."""
    return [
        *_text_faults("section", section.name, LONGEST_NAME, needed=True),
        *_text_faults("section_zh", section.name_zh, LONGEST_NAME),
        *(() if section.course in COURSES else (_unknown("course", section.course, COURSES[1:]),)),
        *_text_faults("station", section.station, LONGEST_NAME),
    ]


def option_faults(option: OptionDraft) -> list[Fault]:
    """What is wrong with a choice."""
    faults = [
        *_text_faults("choice", option.name, LONGEST_NAME, needed=True),
        *_text_faults("choice_zh", option.name_zh, LONGEST_NAME),
    ]
    if abs(option.price_change) > HIGHEST_PRICE:
        faults.append(Fault("choice_price", "This price is too high. Check the digits."))
    return faults


def group_faults(group: GroupDraft) -> list[Fault]:
    """What is wrong with a group itself (not with its choices one by one)."""
    faults = [
        *_text_faults("choice_group", group.name, LONGEST_NAME, needed=True),
        *_text_faults("choice_group_zh", group.name_zh, LONGEST_NAME),
    ]
    if not group.options:
        faults.append(Fault("choice", "“{group}” has no choices. Add one, or remove the group.", {"group": group.name}))
    if len(group.options) > MOST_OPTIONS:
        faults.append(Fault("choice", "This group has too many choices. At most {most}.", {"most": str(MOST_OPTIONS)}))
    names = [option.name for option in group.options]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault("choice", "“{name}” is there twice. Remove one of them.", {"name": name}))
    if group.min_choices < 0:
        faults.append(Fault("choose_min", "Write how many must be chosen: 0 or more."))
    if group.max_choices < 1:
        faults.append(Fault("choose_max", "Write how many may be chosen: 1 or more."))
    elif group.min_choices > group.max_choices:
        faults.append(Fault("choose_min", "At least {min} can't be more than at most {max}.", _limits(group)))
    elif group.options and group.min_choices > len(group.options):
        faults.append(
            Fault("choose_min", "At least {min} must be chosen, but there are fewer choices.", _limits(group))
        )
    return faults


def _limits(group: GroupDraft) -> dict[str, str]:
    return {"min": str(group.min_choices), "max": str(group.max_choices)}


def daypart_faults(part: Daypart) -> list[Fault]:
    """What is wrong with a part of the day."""
    faults = [
        *_text_faults("daypart", part.name, LONGEST_NAME, needed=True),
        *_text_faults("daypart_zh", part.name_zh, LONGEST_NAME),
    ]
    if _SEPARATOR.search(part.name):
        faults.append(Fault("daypart", "The name of a part of the day has no commas, semicolons or bars."))
    if not part.days or set(part.days) - set(EVERY_DAY):
        faults.append(Fault("daypart_days", "Choose at least one day."))
    return faults


def limit_faults(draft: SectionDraft | ItemDraft, known: Collection[str], prefix: str = "") -> list[Fault]:
    """What is wrong with the limits of a section or dish, at a shop that has these parts of the day, by name."""
    faults = [_unknown(f"{prefix}channels", word, tuple(CHANNELS)) for word in draft.channels if word not in CHANNELS]
    for name in draft.dayparts:
        if name not in known:
            says = "There is no part of the day called “{name}”. Write when it is, or one of: {known}."
            values = {"name": name, "known": ", ".join(sorted(known)) or "–"}
            faults.append(Fault(f"{prefix}dayparts", says, values))
    return faults


def item_faults(item: ItemDraft) -> list[Fault]:
    """What is wrong with a dish itself (not with its groups one by one)."""
    faults = [
        *_text_faults("name", item.name, LONGEST_NAME, needed=True),
        *_text_faults("name_zh", item.name_zh, LONGEST_NAME),
        *_text_faults("description", item.description, LONGEST_TEXT),
        *_text_faults("description_zh", item.description_zh, LONGEST_TEXT),
    ]
    if not _CODE.fullmatch(item.code):
        faults.append(Fault("code", "A code is made of letters, digits, dots and dashes, at most 40."))
    if item.price < 0:
        faults.append(Fault("price", "A price can't be below zero."))
    if item.price > HIGHEST_PRICE:
        faults.append(Fault("price", "This price is too high. Check the digits."))
    for word in item.allergens:
        if word not in ALLERGENS:
            faults.append(_unknown("allergens", word, ALLERGENS))
    for word in item.tags:
        if word not in TAGS:
            faults.append(_unknown("tags", word, TAGS))
    if item.per_day is not None and not 0 <= item.per_day <= MOST_A_DAY:
        faults.append(Fault("per_day", "Write how many there are each day, at most {most}.", {"most": str(MOST_A_DAY)}))
    faults += _text_faults("dish_station", item.station, LONGEST_NAME)
    if len(item.groups) > MOST_GROUPS:
        faults.append(
            Fault("choice_group", "This dish has too many groups. At most {most}.", {"most": str(MOST_GROUPS)})
        )
    names = [group.name for group in item.groups]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault("choice_group", "“{name}” is there twice. Remove one of them.", {"name": name}))
    return faults


def _unknown(field: str, word: str, known: tuple[str, ...]) -> Fault:
    values = {"word": word, "known": ", ".join(known)}
    return Fault(field, "“{word}” is not known here. Use: {known}.", values)


def all_item_faults(item: ItemDraft) -> list[Fault]:
    """What is wrong with a dish, its groups and its choices."""
    faults = item_faults(item)
    for group in item.groups:
        faults += group_faults(group)
        for option in group.options:
            faults += option_faults(option)
    return faults


def drafted(item: Item, stations: Mapping[str, str] = _NONE, dayparts: Mapping[str, str] = _NONE) -> ItemDraft:
    """A stored dish as a draft, to change or to export it. Photos stay where they are.

    `stations` and `dayparts` give names by id."""
    return ItemDraft(
        code=item.code,
        name=item.name,
        name_zh=item.name_zh,
        description=item.description,
        description_zh=item.description_zh,
        price=item.price,
        allergens=item.allergens,
        tags=item.tags,
        hidden=item.hidden,
        sold_out=item.sold_out,
        channels=item.channels,
        dayparts=tuple(dayparts[one] for one in item.dayparts if one in dayparts),
        station=stations.get(item.station_id or "", ""),
        per_day=item.per_day,
        groups=tuple(_group_drafted(group) for group in item.groups),
    )


def _group_drafted(group: OptionGroup) -> GroupDraft:
    return GroupDraft(
        name=group.name,
        name_zh=group.name_zh,
        min_choices=group.min_choices,
        max_choices=group.max_choices,
        options=tuple(
            OptionDraft(
                name=option.name, name_zh=option.name_zh, price_change=option.price_change, sold_out=option.sold_out
            )
            for option in group.options
        ),
    )


def menu_drafted(menu: Menu, stations: Mapping[str, str]) -> MenuDraft:
    """A stored menu as a draft; `stations` gives the names of stations by id."""
    parts = {part.id: part.name for part in menu.dayparts}
    return MenuDraft(
        dayparts=tuple(msgspec.structs.replace(part, id="") for part in menu.dayparts),
        sections=tuple(
            SectionDraft(
                name=section.name,
                name_zh=section.name_zh,
                station=stations.get(section.station_id or "", ""),
                hidden=section.hidden,
                channels=section.channels,
                dayparts=tuple(parts[one] for one in section.dayparts if one in parts),
                course=section.course,
                items=tuple(drafted(item, stations, parts) for item in section.items),
            )
            for section in menu.sections
        ),
    )
