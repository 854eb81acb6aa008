"""Menus from and to CSV, as spreadsheets write it: pure.

A row with a name is a dish; rows below it without a name add more choices to it. The first line names the columns, in
any order; empty cells mean "nothing" or, for choices, "as above"."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from typing import Final

from saoma.food.dayparts import days_written, hours_written
from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft, code_for
from saoma.food.menus.noting import MOST_LINES, GroupAt, ItemAt, OptionAt, Reading, Report, SectionAt, check
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

COLUMNS: Final = (
    "section", "section_zh", "section_hidden", "station", "course", "section_channels", "section_dayparts",
    "code", "name", "name_zh", "description", "description_zh", "price", "allergens", "tags", "hidden", "sold_out",
    "channels", "dayparts", "dish_station", "per_day",
    "choice_group", "choice_group_zh", "choose_min", "choose_max",
    "choice", "choice_zh", "choice_price", "choice_sold_out",
    "daypart", "daypart_zh", "daypart_hours", "daypart_days",
)  # fmt: skip
_NEEDED: Final = ("section", "name", "price")
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "是", "有"})
_NO: Final = frozenset({"", "no", "n", "false", "0", "否", "无"})
#: A cell that begins like a formula is written behind an apostrophe, so that a spreadsheet shows it as text.
_FORMULA: Final = frozenset("=+-@'\t")


def read_csv(text: str, currency: str, known: Collection[str] = ()) -> Reading:
    """Read a menu from CSV; commas, semicolons and tabs are told apart by the heading.

    `known` are the names of the parts of the day that the shop has already."""
    report = Report(known=set(known))
    rows = _rows(text, report)
    sections = _read_rows(rows, currency, report) if rows is not None else []
    check(sections, report)
    return report.reading(sections)


def _rows(text: str, report: Report) -> list[tuple[int, dict[str, str]]] | None:
    # What Excel writes above the heading to say how cells are divided.
    said = re.match(r"sep=([,;\t])[\r\n]+", text)
    heading = text[said.end() :].splitlines()[0] if said and text[said.end() :].strip() else text.splitlines()[0]
    delimiter = said[1] if said else max(",;\t", key=heading.count)
    if delimiter != ",":
        report.decimal_comma = True
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        if said:
            next(reader)
        names = [_column(name) for name in next(reader)]
        for place, name in enumerate(names):
            if name and name not in COLUMNS:
                report.add(1, name, "“{column}” is not a column of menus. Use: {known}.", column=name, known=_KNOWN)
            elif name and name in names[:place]:
                report.add(1, name, "This column is there twice. Remove one of them.")
        for name in _NEEDED:
            if name not in names:
                report.add(1, name, "The column “{column}” is missing. Add it to the first line.", column=name)
        if report.problems:
            return None
        rows = []
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if line > MOST_LINES:
                report.add(line, "", "This file has too many lines. Menus may have {most}.", most=str(MOST_LINES))
                return None
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
                report.add(line, "", "This line has too many cells. Put text with commas in quotes.")
                continue
            rows.append((line, {name: _cell(cell) for name, cell in zip(names, cells, strict=False) if name}))
        return rows
    except csv.Error:
        report.add(reader.line_num, "", "Quotes do not match here. Close them, or double those inside a text.")
        return None


_KNOWN: Final = ", ".join(COLUMNS)


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _cell(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA and len(text) > 1 else text


def _read_rows(rows: list[tuple[int, dict[str, str]]], currency: str, report: Report) -> list[SectionAt]:
    sections: dict[str, SectionAt] = {}
    section: SectionAt | None = None
    item: ItemAt | None = None
    for line, row in rows:
        get = _Getter(line, row, currency, report)
        if get.text("daypart"):
            _daypart(get)
            if not get.any("section", "code", "name", "choice"):
                continue
        has_section, has_item = bool(get.text("section")), get.any("code", "name", "price")
        if has_section:
            section = _section(get, sections)
            if not has_item:
                item = None
        if has_item:
            if section is None:
                get.problem("section", "The first dish needs a section. Write one.")
                section = sections.setdefault("", SectionAt(line, SectionDraft(name="?")))
            item = _item(get)
            section.items.append(item)
        if get.any("choice_group", "choice", "choice_zh", "choice_price"):
            if item is None:
                get.problem("choice", "There is no dish above this choice. Put the choice below its dish.")
            else:
                _choice(get, item)
        elif not has_item and not has_section:
            get.problem("name", "This line has neither a dish nor a choice. Write a name, or remove the line.")
    return list(sections.values())


class _Getter:
    """Reads the cells of one row, reporting what can't be read."""

    def __init__(self, line: int, row: dict[str, str], currency: str, report: Report) -> None:
        self.line, self.row, self.currency, self.report = line, row, currency, report

    def problem(self, column: str, msgid: str, /, **values: str) -> None:
        self.report.add(self.line, column, msgid, **values)

    def text(self, column: str) -> str:
        return self.row.get(column, "")

    def any(self, *columns: str) -> bool:
        return any(self.text(column) for column in columns)

    def price(self, column: str, *, needed: bool = False) -> int:
        text = self.text(column).replace("−", "-").removeprefix("+")
        if self.report.decimal_comma and re.fullmatch(r"-?[0-9]+,[0-9]{1,2}", text):
            text = text.replace(",", ".")
        if not text:
            if needed:
                self.problem(column, "This is empty. Write a price such as 12.50.")
            return 0
        try:
            return Money.parse(text, self.currency).minor
        except Invalid:
            self.problem(
                column, "“{text}” is not a price. Write digits and at most one dot, such as 12.50.", text=text[:40]
            )
            return 0

    def yes(self, column: str) -> bool:
        text = self.text(column).lower()
        if text not in _YES and text not in _NO:
            self.problem(column, "“{text}” is neither yes nor no. Write yes, or leave it empty.", text=text[:40])
        return text in _YES

    def names(self, column: str) -> tuple[str, ...]:
        names = re.split(r"[;,|、，；\n]+", self.text(column))
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))

    def count(self, column: str, default: int, *, longest: int = 3) -> int:
        text = self.text(column)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) <= longest):
            self.problem(column, "“{text}” is not a number. Write digits, such as 1.", text=text[:40])
            return default
        return int(text)

    def words(self, column: str) -> tuple[str, ...]:
        words = re.split(r"[;,|、，；\n]+", self.text(column).lower())
        return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def _section(get: _Getter, sections: dict[str, SectionAt]) -> SectionAt:
    name = get.text("section")
    if name in sections:
        known = sections[name].head
        same = {"section_zh": known.name_zh, "station": known.station}
        for column, value in same.items():
            if get.text(column) and get.text(column) != value:
                get.problem(
                    column,
                    "The section “{section}” was called otherwise in line {line}. Write the same everywhere.",
                    section=name,
                    line=str(sections[name].line),
                )
        return sections[name]
    head = SectionDraft(
        name=name,
        name_zh=get.text("section_zh"),
        station=get.text("station"),
        hidden=get.yes("section_hidden"),
        channels=get.words("section_channels"),
        dayparts=get.names("section_dayparts"),
        course=get.text("course").lower(),
    )
    sections[name] = SectionAt(get.line, head)
    return sections[name]


def _daypart(get: _Getter) -> None:
    get.report.daypart(
        get.line, get.text, name="daypart", name_zh="daypart_zh", hours="daypart_hours", days="daypart_days"
    )


def _item(get: _Getter) -> ItemAt:
    name = get.text("name")
    if not name:
        get.problem("name", "This dish has no name. Write one; for one more choice, leave code and price empty too.")
    head = ItemDraft(
        code=get.text("code") or code_for(name),
        name=name or "?",
        name_zh=get.text("name_zh"),
        description=get.text("description"),
        description_zh=get.text("description_zh"),
        price=get.price("price", needed=True),
        allergens=get.words("allergens"),
        tags=get.words("tags"),
        hidden=get.yes("hidden"),
        sold_out=get.yes("sold_out"),
        channels=get.words("channels"),
        dayparts=get.names("dayparts"),
        station=get.text("dish_station"),
        per_day=get.count("per_day", 0, longest=5) if get.text("per_day") else None,
    )
    return ItemAt(get.line, head)


def _choice(get: _Getter, item: ItemAt) -> None:
    name = get.text("choice_group")
    if name and (not item.groups or item.groups[-1].name != name):
        least = get.count("choose_min", 0)
        group = GroupAt(get.line, name, get.text("choice_group_zh"), least, get.count("choose_max", max(1, least)))
        item.groups.append(group)
    if not item.groups:
        get.problem("choice_group", "This choice has no group. Write one, such as Size.")
        return
    option = OptionDraft(
        name=get.text("choice"),
        name_zh=get.text("choice_zh"),
        price_change=get.price("choice_price"),
        sold_out=get.yes("choice_sold_out"),
    )
    item.groups[-1].options.append(OptionAt(get.line, option))


def write_csv(draft: MenuDraft, currency: str) -> str:
    """The menu as CSV that `read_csv` reads back to the same, and that spreadsheets open (as utf-8-sig)."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for part in draft.dayparts:
        writer.writerow(
            {
                "daypart": _guarded(part.name),
                "daypart_zh": _guarded(part.name_zh),
                "daypart_hours": hours_written(part),
                "daypart_days": days_written(part.days),
            }
        )
    for section in draft.sections:
        head = {
            "section": _guarded(section.name),
            "section_zh": _guarded(section.name_zh),
            "section_hidden": _yes(section.hidden),
            "station": _guarded(section.station),
            "course": section.course,
            "section_channels": "; ".join(section.channels),
            "section_dayparts": _guarded("; ".join(section.dayparts)),
        }
        if not section.items:
            writer.writerow(head)
        for item in section.items:
            rows: list[dict[str, str]] = [{**head, **_item_cells(item, currency)}]
            head = {"section": _guarded(section.name)}
            choices = [cells for group in item.groups for cells in _group_cells(group, currency)]
            for place, cells in enumerate(choices):
                if place:
                    rows.append(cells)
                else:
                    rows[0] |= cells
            writer.writerows(rows)
    return out.getvalue()


def _guarded(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA and text else text


def _yes(value: object) -> str:
    return "yes" if value else ""


def _item_cells(item: ItemDraft, currency: str) -> dict[str, str]:
    return {
        "code": _guarded(item.code),
        "name": _guarded(item.name),
        "name_zh": _guarded(item.name_zh),
        "description": _guarded(item.description),
        "description_zh": _guarded(item.description_zh),
        "price": Money(item.price, currency).text,
        "allergens": "; ".join(item.allergens),
        "tags": "; ".join(item.tags),
        "hidden": _yes(item.hidden),
        "sold_out": _yes(item.sold_out),
        "channels": "; ".join(item.channels),
        "dayparts": _guarded("; ".join(item.dayparts)),
        "dish_station": _guarded(item.station),
        "per_day": "" if item.per_day is None else str(item.per_day),
    }


def _group_cells(group: GroupDraft, currency: str) -> list[dict[str, str]]:
    head = {
        "choice_group": _guarded(group.name),
        "choice_group_zh": _guarded(group.name_zh),
        "choose_min": str(group.min_choices),
        "choose_max": str(group.max_choices),
    }
    return [
        {
            **(head if place == 0 else {}),
            "choice": _guarded(option.name),
            "choice_zh": _guarded(option.name_zh),
            "choice_price": Money(option.price_change, currency).text if option.price_change else "",
            "choice_sold_out": _yes(option.sold_out),
        }
        for place, option in enumerate(group.options)
    ]
