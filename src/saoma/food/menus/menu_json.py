"""Menus from and to JSON: pure.

Prices are decimal texts ("9.50") and numbers are read as they are written, never as floats. Every problem has the line
of the object it is in."""

from __future__ import annotations

import bisect
import json
import json.scanner
import re
from collections.abc import Collection
from typing import Any, Final

import msgspec

from saoma.food.dayparts import days_written, hours_written
from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft, code_for
from saoma.food.menus.noting import MOST_LINES, GroupAt, ItemAt, OptionAt, Reading, Report, SectionAt, check
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

_SECTION: Final = ("name", "name_zh", "station", "hidden", "channels", "dayparts", "course", "items")
_DAYPART: Final = ("name", "name_zh", "hours", "days")
_ITEM: Final = (
    "code", "name", "name_zh", "description", "description_zh", "price", "allergens", "tags", "hidden", "sold_out",
    "channels", "dayparts", "station", "per_day", "groups",
)  # fmt: skip
_GROUP: Final = ("name", "name_zh", "min", "max", "options")
_OPTION: Final = ("name", "name_zh", "price", "sold_out")
#: What the faults of drafts call a field, and what it is called here.
_CALLED: Final = {
    "section": "name", "section_zh": "name_zh", "choice_group": "name", "choice_group_zh": "name_zh",
    "choice": "name", "choice_zh": "name_zh", "choice_price": "price", "choose_min": "min", "choose_max": "max",
    "section_channels": "channels", "section_dayparts": "dayparts", "dish_station": "station",
    "daypart": "name", "daypart_zh": "name_zh", "daypart_hours": "hours", "daypart_days": "days",
}  # fmt: skip
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
#: Brackets inside brackets: a menu has few.
_DEEPEST: Final = 20


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class _Object(dict[str, Any]):
    """An object that knows its line and the names it was given twice."""

    line = 0
    twice: tuple[str, ...] = ()


def read_json(text: str, currency: str, known: Collection[str] = ()) -> Reading:
    """Read a menu from JSON: `{"sections": [{"name": ..., "items": [...]}]}`, as the export writes it.

    `known` are the names of the parts of the day that the shop has already."""
    report = Report(known=set(known))
    found = _parsed(text, report)
    sections: list[SectionAt] = []
    if found is not None:
        top = _Fields(found, 1, report, currency) if isinstance(found, _Object) else None
        if top is None:
            report.add(1, "", "A menu is an object with sections. Export the menu to see what one looks like.")
        else:
            top.known(("currency", "dayparts", "sections"))
            if (stated := top.text("currency")) and stated != currency:
                top.problem(
                    "currency",
                    "This menu is in {stated}, but the shop sells in {wanted}.",
                    stated=stated,
                    wanted=currency,
                )
            for fields in top.objects("dayparts"):
                _daypart(fields)
            sections = [_section(fields) for fields in top.objects("sections")]
    check(sections, report)
    report.problems = [
        msgspec.structs.replace(problem, column=_CALLED.get(problem.column, problem.column))
        for problem in report.problems
    ]
    return report.reading(sections)


def _parsed(text: str, report: Report) -> Any:
    breaks = [place for place, letter in enumerate(text) if letter == "\n"]
    if len(breaks) >= MOST_LINES * 10:
        report.add(0, "", "This file has too many lines. Menus may have {most}.", most=str(MOST_LINES * 10))
        return None
    if _depth(text) > _DEEPEST:
        report.add(0, "", "This file is not a menu. Export the menu to see what one looks like.")
        return None
    scanner: Any = json.scanner
    decoder: Any = json.JSONDecoder(
        object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_Number
    )
    plain = decoder.parse_object

    def parse_object(where: tuple[str, int], *args: Any) -> tuple[Any, int]:
        made, end = plain(where, *args)
        made.line = bisect.bisect_left(breaks, where[1]) + 1
        return made, end

    # The scanner written in Python asks the decoder for its way of reading objects; the one in C does not.
    decoder.parse_object = parse_object
    decoder.scan_once = scanner.py_make_scanner(decoder)
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        report.add(
            error.lineno,
            f"{error.colno}",
            "This is not JSON: look for a missing comma, quote or bracket here or just before.",
        )
        return None


def _depth(text: str) -> int:
    """How deep brackets go, at most, those inside texts left out."""
    deepest = depth = 0
    for letter in _TEXT.sub("", text):
        if letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    names = [name for name, _ in pairs]
    made.twice = tuple(sorted({name for name in names if names.count(name) > 1}))
    return made


class _Fields:
    """Reads the fields of one object, reporting what can't be read. `prefix` maps names to those of drafts."""

    def __init__(self, found: _Object, line: int, report: Report, currency: str) -> None:
        self.found, self.line, self.report, self.currency = found, line, report, currency

    def problem(self, column: str, msgid: str, /, **values: str) -> None:
        self.report.add(self.line, column, msgid, **values)

    def known(self, names: tuple[str, ...]) -> None:
        for name in self.found:
            if name not in names:
                self.problem(
                    name[:40], "“{word}” is not known here. Use: {known}.", word=name[:40], known=", ".join(names)
                )
        for name in self.found.twice:
            self.problem(name[:40], "“{name}” is there twice. Remove one of them.", name=name[:40])

    def text(self, name: str) -> str:
        value = self.found.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or isinstance(value, _Number):
            self.problem(name, "This must be a text in quotes.")
            return ""
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()

    def yes(self, name: str) -> bool:
        value = self.found.get(name, False)
        if not isinstance(value, bool):
            self.problem(name, "This must be true or false, without quotes.")
            return False
        return value

    def count(self, name: str, default: int, *, longest: int = 3) -> int:
        value = self.found.get(name)
        if value is None:
            return default
        if not isinstance(value, _Number) or not (value.isdecimal() and len(value) <= longest):
            self.problem(name, "This must be a whole number, such as 1, without quotes.")
            return default
        return int(value)

    def price(self, name: str, *, needed: bool = False) -> int:
        value = self.found.get(name)
        if value is None:
            if needed:
                self.problem(name, "This is empty. Write a price such as 12.50.")
            return 0
        try:
            if not isinstance(value, str):
                raise Invalid
            return Money.parse(value, self.currency).minor
        except Invalid:
            self.problem(
                name, "“{text}” is not a price. Write digits and at most one dot, such as 12.50.", text=str(value)[:40]
            )
            return 0

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.lower() for word in self.names(name)))

    def names(self, name: str) -> tuple[str, ...]:
        value = self.found.get(name, [])
        if not isinstance(value, list) or not all(
            isinstance(word, str) and not isinstance(word, _Number) for word in value
        ):
            self.problem(name, 'This must be a list of texts, such as ["milk"].')
            return ()
        return tuple(dict.fromkeys(word.strip() for word in value))

    def objects(self, name: str) -> list[_Fields]:
        value = self.found.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, _Object) for one in value):
            self.problem(name, "This must be a list of objects in brackets.")
            return []
        return [_Fields(one, one.line, self.report, self.currency) for one in value]


def _section(fields: _Fields) -> SectionAt:
    fields.known(_SECTION)
    head = SectionDraft(
        name=fields.text("name"),
        name_zh=fields.text("name_zh"),
        station=fields.text("station"),
        hidden=fields.yes("hidden"),
        channels=fields.words("channels"),
        dayparts=fields.names("dayparts"),
        course=fields.text("course"),
    )
    return SectionAt(fields.line, head, [_item(item) for item in fields.objects("items")])


def _daypart(fields: _Fields) -> None:
    fields.known(_DAYPART)
    fields.report.daypart(fields.line, fields.text, name="name", name_zh="name_zh", hours="hours", days="days")


def _item(fields: _Fields) -> ItemAt:
    fields.known(_ITEM)
    name = fields.text("name")
    head = ItemDraft(
        code=fields.text("code") or code_for(name),
        name=name,
        name_zh=fields.text("name_zh"),
        description=fields.text("description"),
        description_zh=fields.text("description_zh"),
        price=fields.price("price", needed=True),
        allergens=fields.words("allergens"),
        tags=fields.words("tags"),
        hidden=fields.yes("hidden"),
        sold_out=fields.yes("sold_out"),
        channels=fields.words("channels"),
        dayparts=fields.names("dayparts"),
        station=fields.text("station"),
        per_day=fields.count("per_day", 0, longest=5) if fields.found.get("per_day") is not None else None,
    )
    return ItemAt(fields.line, head, [_group(group) for group in fields.objects("groups")])


def _group(fields: _Fields) -> GroupAt:
    fields.known(_GROUP)
    least = fields.count("min", 0)
    return GroupAt(
        fields.line,
        fields.text("name"),
        fields.text("name_zh"),
        least,
        fields.count("max", max(1, least)),
        [_option(option) for option in fields.objects("options")],
    )


def _option(fields: _Fields) -> OptionAt:
    fields.known(_OPTION)
    draft = OptionDraft(
        name=fields.text("name"),
        name_zh=fields.text("name_zh"),
        price_change=fields.price("price"),
        sold_out=fields.yes("sold_out"),
    )
    return OptionAt(fields.line, draft)


def write_json(draft: MenuDraft, currency: str) -> str:
    """The menu as JSON that `read_json` reads back to the same."""
    made: dict[str, Any] = {"currency": currency}
    if draft.dayparts:
        made["dayparts"] = [
            {
                "name": part.name,
                "name_zh": part.name_zh,
                "hours": hours_written(part),
                "days": days_written(part.days),
            }
            for part in draft.dayparts
        ]
    made["sections"] = [_section_json(section, currency) for section in draft.sections]
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _section_json(section: SectionDraft, currency: str) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(section, items=()))
    return {**plain, "items": [_item_json(item, currency) for item in section.items]}


def _item_json(item: ItemDraft, currency: str) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(item, groups=()))
    plain["price"] = Money(item.price, currency).text
    if item.groups:
        plain["groups"] = [_group_json(group, currency) for group in item.groups]
    return plain


def _group_json(group: GroupDraft, currency: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": group.name, "name_zh": group.name_zh}
    plain |= {"min": group.min_choices, "max": group.max_choices}
    plain["options"] = [
        {
            "name": option.name,
            "name_zh": option.name_zh,
            "price": Money(option.price_change, currency).text,
            "sold_out": option.sold_out,
        }
        for option in group.options
    ]
    return plain
