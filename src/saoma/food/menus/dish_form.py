"""The office's form for one dish: what was typed, read into a draft, and what to say beside each field. Pure.

A form is kept as it was typed, so that nobody types anything twice because one price was wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from saoma.food.dayparts import CHANNELS, Daypart
from saoma.food.menus.drafts import (
    Fault,
    GroupDraft,
    ItemDraft,
    OptionDraft,
    code_for,
    group_faults,
    item_faults,
    option_faults,
)
from saoma.food.model import ALLERGENS, TAGS, Item
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: More rows than this in one form are somebody's mischief.
_MOST_ROWS = 100
_GROUP = re.compile(r"g(\d{1,3})-name")
_OPTION = re.compile(r"g(\d{1,3})-o(\d{1,3})-name")


@dataclass(frozen=True, slots=True)
class OptionRow:
    """A choice as typed."""

    name: str = ""
    name_zh: str = ""
    price: str = ""
    sold_out: bool = False

    @property
    def blank(self) -> bool:
        """Whether nothing was typed: such rows are left out."""
        return not (self.name or self.name_zh or self.price)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as typed."""

    name: str = ""
    name_zh: str = ""
    least: str = "1"
    most: str = "1"
    options: tuple[OptionRow, ...] = (OptionRow(), OptionRow())

    @property
    def blank(self) -> bool:
        """Whether nothing was typed: such groups are left out."""
        return not (self.name or self.name_zh) and all(option.blank for option in self.options)


@dataclass(frozen=True, slots=True)
class DishForm:
    """The whole form as typed."""

    section_id: str = ""
    code: str = ""
    name: str = ""
    name_zh: str = ""
    description: str = ""
    description_zh: str = ""
    price: str = ""
    allergens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hidden: bool = False
    sold_out: bool = False
    channels: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    station: str = ""
    per_day: str = ""
    groups: tuple[GroupRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A form that was read: the draft when there is nothing wrong, or what to say beside each field."""

    draft: ItemDraft | None
    errors: Mapping[str, Fault] = field(default_factory=dict)


def shown(
    item: Item, section_id: str, stations: Mapping[str, str] | None = None, parts: Sequence[Daypart] = ()
) -> DishForm:
    """A stored dish as a form; `stations` gives names by id, `parts` are those of the shop's day."""

    def price(minor: int) -> str:
        return Money(minor, item.currency).text

    return DishForm(
        section_id=section_id,
        code=item.code,
        name=item.name,
        name_zh=item.name_zh,
        description=item.description,
        description_zh=item.description_zh,
        price=price(item.price),
        allergens=item.allergens,
        tags=item.tags,
        hidden=item.hidden,
        sold_out=item.sold_out,
        channels=item.channels,
        dayparts=tuple(part.name for part in parts if part.id in item.dayparts),
        station=(stations or {}).get(item.station_id or "", ""),
        per_day="" if item.per_day is None else str(item.per_day),
        groups=tuple(
            GroupRow(
                name=group.name,
                name_zh=group.name_zh,
                least=str(group.min_choices),
                most=str(group.max_choices),
                options=tuple(
                    OptionRow(
                        name=option.name,
                        name_zh=option.name_zh,
                        price=price(option.price_change) if option.price_change else "",
                        sold_out=option.sold_out,
                    )
                    for option in group.options
                ),
            )
            for group in item.groups
        ),
    )


def typed(values: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> DishForm:
    """The form that a browser sent: single values, and the lists of ticked boxes."""

    def text(name: str) -> str:
        return values.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()

    def rows(pattern: re.Pattern[str], group: str | None = None) -> list[int]:
        found = [match for match in map(pattern.fullmatch, values) if match]
        if group is not None:
            found = [match for match in found if match[1] == group]
        return sorted({int(match[match.re.groups]) for match in found})[:_MOST_ROWS]

    def option(place: str) -> OptionRow:
        return OptionRow(
            name=text(f"{place}-name"),
            name_zh=text(f"{place}-name_zh"),
            price=text(f"{place}-price"),
            sold_out=text(f"{place}-sold_out") == "on",
        )

    return DishForm(
        section_id=text("section_id"),
        code=text("code"),
        name=text("name"),
        name_zh=text("name_zh"),
        description=text("description"),
        description_zh=text("description_zh"),
        price=text("price"),
        allergens=tuple(word for word in ALLERGENS if word in lists.get("allergens", ())),
        tags=tuple(word for word in TAGS if word in lists.get("tags", ())),
        hidden=text("hidden") == "on",
        sold_out=text("sold_out") == "on",
        channels=tuple(word for word in CHANNELS if word in lists.get("channels", ())),
        dayparts=tuple(lists.get("dayparts", ()))[:_MOST_ROWS],
        station=text("station"),
        per_day=text("per_day"),
        groups=tuple(
            GroupRow(
                name=text(f"g{group}-name"),
                name_zh=text(f"g{group}-name_zh"),
                least=text(f"g{group}-least"),
                most=text(f"g{group}-most"),
                options=tuple(option(f"g{group}-o{place}") for place in rows(_OPTION, str(group))),
            )
            for group in rows(_GROUP)
        ),
    )


def reshaped(form: DishForm, wish: str) -> DishForm:
    """The form with a row more or less: `add_group`, `add_choice:0`, `remove_group:0`, `remove_choice:0:1`.

    A wish that fits nothing changes nothing."""
    what, *places = wish.split(":")
    numbers = [int(place) for place in places if place.isascii() and place.isdecimal() and len(place) < 4]
    groups = list(form.groups)
    match what, numbers:
        case "add_group", [] if len(groups) < _MOST_ROWS:
            groups.append(GroupRow())
        case "add_choice", [group] if group < len(groups) and len(groups[group].options) < _MOST_ROWS:
            groups[group] = replace(groups[group], options=(*groups[group].options, OptionRow()))
        case "remove_group", [group] if group < len(groups):
            del groups[group]
        case "remove_choice", [group, place] if group < len(groups) and place < len(groups[group].options):
            options = groups[group].options
            groups[group] = replace(groups[group], options=(*options[:place], *options[place + 1 :]))
        case _:
            return form
    return replace(form, groups=tuple(groups))


class _Errors(dict[str, Fault]):
    """The first thing wrong with each field."""

    def note(self, name: str, fault: Fault) -> None:
        self.setdefault(name, fault)

    def price(self, name: str, text: str, currency: str, *, needed: bool = False) -> int:
        if not text:
            if needed:
                self.note(name, Fault("price", "This is empty. Write a price such as 12.50."))
            return 0
        try:
            return Money.parse(text.removeprefix("+").replace("−", "-"), currency).minor
        except Invalid:
            values = {"text": text[:40]}
            says = "“{text}” is not a price. Write digits and at most one dot, such as 12.50."
            self.note(name, Fault("price", says, values))
            return 0

    def count(self, name: str, text: str, *, longest: int = 3) -> int:
        if text.isascii() and text.isdecimal() and len(text) <= longest:
            return int(text)
        self.note(name, Fault("count", "“{text}” is not a number. Write digits, such as 1.", {"text": text[:40]}))
        return 1


def checked(form: DishForm, currency: str, code_in_use: str = "") -> Checked:
    """Read the form into a draft. Empty rows are left out; a dish without a code keeps `code_in_use` or gets one."""
    errors = _Errors()
    groups = []
    for number, group in enumerate(form.groups):
        if not group.blank:
            groups.append(_group(form, number, group, currency, errors))
    draft = ItemDraft(
        code=form.code or code_in_use or code_for(form.name),
        name=form.name,
        name_zh=form.name_zh,
        description=form.description,
        description_zh=form.description_zh,
        price=errors.price("price", form.price, currency, needed=True),
        allergens=form.allergens,
        tags=form.tags,
        hidden=form.hidden,
        sold_out=form.sold_out,
        channels=form.channels,
        dayparts=form.dayparts,
        station=form.station,
        per_day=errors.count("per_day", form.per_day, longest=5) if form.per_day else None,
        groups=tuple(groups),
    )
    for fault in item_faults(draft):
        errors.note("groups" if fault.field == "choice_group" else fault.field, fault)
    if not form.section_id:
        errors.note("section_id", Fault("section", "Choose a section."))
    return Checked(None if errors else draft, errors)


def _group(form: DishForm, number: int, group: GroupRow, currency: str, errors: _Errors) -> GroupDraft:
    name = f"g{number}"
    options = []
    for place, option in enumerate(group.options):
        if option.blank:
            continue
        row = f"{name}-o{place}"
        draft = OptionDraft(
            name=option.name,
            name_zh=option.name_zh,
            price_change=errors.price(row, option.price, currency),
            sold_out=option.sold_out,
        )
        for fault in option_faults(draft):
            errors.note(row, fault)
        options.append(draft)
    made = GroupDraft(
        name=group.name,
        name_zh=group.name_zh,
        min_choices=errors.count(name, group.least),
        max_choices=errors.count(name, group.most),
        options=tuple(options),
    )
    for fault in group_faults(made):
        errors.note(name, fault)
    return made
