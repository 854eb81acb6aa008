"""What is read from a menu's file before it is known to be right: drafts with their lines, and the problems found.

Reading goes on after a problem, so that an owner hears of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from saoma.food.dayparts import EVERY_DAY, Daypart, days_in, hours_in
from saoma.food.menus.drafts import (
    Fault,
    GroupDraft,
    ItemDraft,
    MenuDraft,
    OptionDraft,
    SectionDraft,
    daypart_faults,
    group_faults,
    item_faults,
    limit_faults,
    option_faults,
    section_faults,
)

MOST_LINES: Final = 10_000
MOST_ITEMS: Final = 1_000
MOST_PROBLEMS: Final = 100


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong in a file: where (line 0: the file as a whole), and a text that says what to do."""

    line: int
    column: str
    msgid: str
    values: Mapping[str, str] = {}

    def __str__(self) -> str:
        text = self.msgid.format(**self.values)
        return f"line {self.line}, {self.column}: {text}" if self.line else text


@dataclass(frozen=True, slots=True)
class Read:
    """A file that can go in."""

    draft: MenuDraft


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that can't, and why: at most `MOST_PROBLEMS`, in the order of the lines; `more` tells of others."""

    problems: tuple[Problem, ...]
    more: int = 0


Reading: TypeAlias = Read | Unreadable


@dataclass(slots=True)
class OptionAt:
    """A choice and its line."""

    line: int
    draft: OptionDraft


@dataclass(slots=True)
class GroupAt:
    """A group and the line where it begins."""

    line: int
    name: str
    name_zh: str
    least: int
    most: int
    options: list[OptionAt] = field(default_factory=list)

    def draft(self) -> GroupDraft:
        """What was read, without its lines."""
        return GroupDraft(
            name=self.name,
            name_zh=self.name_zh,
            min_choices=self.least,
            max_choices=self.most,
            options=tuple(option.draft for option in self.options),
        )


@dataclass(slots=True)
class ItemAt:
    """A dish and its line."""

    line: int
    head: ItemDraft
    groups: list[GroupAt] = field(default_factory=list)

    def draft(self) -> ItemDraft:
        """What was read, without its lines."""
        return msgspec.structs.replace(self.head, groups=tuple(group.draft() for group in self.groups))


@dataclass(slots=True)
class SectionAt:
    """A section and the line where it was first named."""

    line: int
    head: SectionDraft
    items: list[ItemAt] = field(default_factory=list)

    def draft(self) -> SectionDraft:
        """What was read, without its lines."""
        return msgspec.structs.replace(self.head, items=tuple(item.draft() for item in self.items))


@dataclass(slots=True)
class Report:
    """Collects problems."""

    problems: list[Problem] = field(default_factory=list)
    #: The parts of the day that the file defines, and the names of all that may be used: the shop's and the file's.
    dayparts: list[Daypart] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    #: Whether prices may have a comma before the cents, as spreadsheets of half of Europe write them.
    decimal_comma: bool = False

    def daypart(self, line: int, text: Callable[[str], str], *, name: str, name_zh: str, hours: str, days: str) -> None:
        """A part of the day, defined at `line`; the rest names the columns in which `text` finds its parts."""
        span, on = hours_in(text(hours)), days_in(text(days))
        if span is None:
            says = "“{text}” is not a span of the day. Write it as 07:00-11:00."
            self.add(line, hours, says, text=text(hours)[:40])
        if on is None:
            says = "“{text}” are not days. Write them as Mon-Fri, Sun, or leave this empty for every day."
            self.add(line, days, says, text=text(days)[:40])
        starts, ends = span or (0, 0)
        part = Daypart(id="", name=text(name), name_zh=text(name_zh), starts=starts, ends=ends, days=on or EVERY_DAY)
        if any(part.name == other.name for other in self.dayparts):
            self.add(line, "daypart", "“{name}” is there twice. Remove one of them.", name=part.name)
        self.faults(line, daypart_faults(part))
        self.dayparts.append(part)
        self.known.add(part.name)

    def add(self, line: int, column: str, msgid: str, /, **values: str) -> None:
        """One problem."""
        self.problems.append(Problem(line, column, msgid, values))

    def faults(self, line: int, faults: list[Fault]) -> None:
        """The faults of a draft that was read at `line`."""
        self.problems += [Problem(line, fault.field, fault.msgid, fault.values) for fault in faults]

    def reading(self, sections: list[SectionAt]) -> Reading:
        """The end: a menu, or every problem in the order of the lines."""
        if self.problems:
            found = sorted(self.problems, key=lambda problem: problem.line)
            return Unreadable(tuple(found[:MOST_PROBLEMS]), max(0, len(found) - MOST_PROBLEMS))
        return Read(MenuDraft(sections=tuple(section.draft() for section in sections), dayparts=tuple(self.dayparts)))


def check(sections: list[SectionAt], report: Report) -> None:
    """The faults of drafts, each at its line, and what only the whole file shows: codes given twice."""
    seen: dict[str, int] = {}
    count = 0
    for section in sections:
        report.faults(section.line, section_faults(section.head))
        report.faults(section.line, limit_faults(section.head, report.known, "section_"))
        for item in section.items:
            count += 1
            report.faults(item.line, item_faults(item.draft()))
            report.faults(item.line, limit_faults(item.head, report.known))
            if item.head.code in seen:
                report.add(
                    item.line,
                    "code",
                    "The code {code} was used in line {line} already. Give this dish another.",
                    code=item.head.code,
                    line=str(seen[item.head.code]),
                )
            seen.setdefault(item.head.code, item.line)
            for group in item.groups:
                report.faults(group.line, group_faults(group.draft()))
                for option in group.options:
                    report.faults(option.line, option_faults(option.draft))
    if count > MOST_ITEMS:
        report.add(0, "", "This file has too many dishes. Menus may have {most}.", most=str(MOST_ITEMS))
    if not count and not report.problems:
        report.add(0, "", "There is no dish in this file. Export the menu to see what one looks like.")
