"""When and where dishes are offered: named spans of a shop's day, and the ways to order. Pure.

Spans are read off the shop's own clock on the wall: when summer time begins a breakfast until 11:00 ends at 11:00, and
a span that ends before it begins goes on past midnight and belongs to the day it began on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

#: The ways to order (`Tab.channel`; staff's dishes at a table count as "waiter"), and what people call them.
CHANNELS: Final[Mapping[str, str]] = {
    "table": "By phone at the table",
    "tablet": "On a tablet at the table",
    "waiter": "From the waiter",
    "counter": "At the counter",
    "kiosk": "At the kiosk",
    "takeaway": "To take away",
    "preorder": "Ordered ahead",
    "delivery": "Delivered",
}
#: Whoever may order by phone at a table may also ask the waiter, or use the tablet that stands there.
_ALSO: Final[Mapping[str, str]] = {"waiter": "table", "tablet": "table"}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS_ZH: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHOLE_DAY: Final = 24 * 60


class Daypart(msgspec.Struct, frozen=True, kw_only=True):
    """A named span of the day, on some days of the week (0 is Monday); times are minutes since midnight on the wall.

    One that ends when it begins, or earlier, goes on into the next day."""

    id: str
    name: str
    name_zh: str = ""
    starts: int
    ends: int
    days: tuple[int, ...] = EVERY_DAY

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return self.name_zh if lang == "zh" and self.name_zh else self.name

    def open_at(self, local: datetime) -> bool:
        """Whether it is this part of the day at `local`, a moment in the shop's zone."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.starts < self.ends:
            return day in self.days and self.starts <= minute < self.ends
        return (day in self.days and minute >= self.starts) or ((day - 1) % 7 in self.days and minute < self.ends)

    def spoken(self, lang: str) -> str:
        """“Breakfast, Mon–Fri 07:00–11:00”, in `lang`."""
        hours = f"{at_clock(self.starts)}–{at_clock(self.ends)}"
        days = days_spoken(self.days, lang)
        return f"{self.called(lang)}{'，' if lang == 'zh' else ', '}{f'{days} ' if days else ''}{hours}"


def at_clock(minute: int) -> str:
    """Minutes since midnight as a clock shows them: 450 is 07:30."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def minute_of(text: str) -> int | None:
    """What a clock shows as minutes since midnight; 24:00 is midnight. None when it is no time."""
    hours, _, minutes = text.strip().replace("：", ":").partition(":")
    if not (hours.isascii() and hours.isdecimal() and minutes.isascii() and minutes.isdecimal() and len(minutes) == 2):
        return None
    found = int(hours) * 60 + int(minutes) if len(hours) <= 2 and int(minutes) < 60 else _WHOLE_DAY + 1
    return found % _WHOLE_DAY if found <= _WHOLE_DAY else None


def hours_written(part: Daypart) -> str:
    """The hours as files have them: 07:00-11:00."""
    return f"{at_clock(part.starts)}-{at_clock(part.ends)}"


def hours_in(text: str) -> tuple[int, int] | None:
    """Two times with a dash between them; None when they are none."""
    first, dash, second = re.sub(r"\s*[–—~至]\s*", "-", text.strip()).partition("-")
    starts, ends = minute_of(first), minute_of(second)
    return (starts, ends) if dash and starts is not None and ends is not None else None


def days_written(days: Collection[int]) -> str:
    """The days as files have them: Mon-Fri, Sun; nothing for every day."""
    return days_spoken(days, "en").replace("–", "-")


def days_in(text: str) -> tuple[int, ...] | None:
    """Days and runs of days, in English or Chinese, or 1 to 7; every day when empty. None when they are none."""
    found: set[int] = set()
    for run in re.split(r"[\s,;、，；]+", re.sub(r"\s*[-–—~至到]\s*", "-", text.strip().lower())):
        if not run:
            continue
        ends = [_day_in(name) for name in run.split("-")]
        if len(ends) > 2 or None in ends:
            return None
        first, last = int(ends[0] or 0), int(ends[-1] or 0)
        found |= {day % 7 for day in range(first, last + 1 + (7 if last < first else 0))}
    return tuple(sorted(found)) or EVERY_DAY


def _day_in(name: str) -> int | None:
    if name in {"1", "2", "3", "4", "5", "6", "7"}:
        return int(name) - 1
    for day, (english, chinese) in enumerate(zip(_DAYS, _DAYS_ZH, strict=True)):
        if (name.isascii() and len(name) >= 3 and _LONG[day].startswith(name)) or name in {
            english.lower(),
            chinese,
            f"星期{chinese[1]}",
            f"礼拜{chinese[1]}",
        }:
            return day
    return 6 if name in {"周天", "星期天", "礼拜天"} else None


def days_spoken(days: Collection[int], lang: str) -> str:
    """“Mon–Fri, Sun”; nothing for every day."""
    if set(days) == set(EVERY_DAY):
        return ""
    names = _DAYS_ZH if lang == "zh" else _DAYS
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    said = [
        f"{names[run[0]]}{'至' if lang == 'zh' else '–'}{names[run[-1]]}"
        if len(run) > 2
        else ("、" if lang == "zh" else ", ").join(names[day] for day in run)
        for run in runs
    ]
    return ("、" if lang == "zh" else ", ").join(said)


def sold_through(channels: Collection[str], channel: str) -> bool:
    """Whether something limited to `channels` (none: not limited) may be ordered through `channel`."""
    return not channels or channel in channels or _ALSO.get(channel) in channels


def now_open(dayparts: Iterable[Daypart], local: datetime) -> frozenset[str]:
    """The ids of those that are open."""
    return frozenset(part.id for part in dayparts if part.open_at(local))
