"""Opening hours as people write them: `11:00-14:30, 17:00-22:00`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from saoma.kit.errors import Invalid
from saoma.online.model import Hours

#: Keys of the texts, Monday first.
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPAN: Final = re.compile(r"(\d{1,2})[:.：](\d{2})\s*[-–—~至到]\s*(\d{1,2})[:.：](\d{2})")


def read_hours(weekday: int, text: str) -> list[Hours]:
    """The hours of one weekday; an empty text is closed. Raises `Invalid` for what can't be read, or overlaps."""
    found: list[Hours] = []
    for part in re.split(r"[,，;；]", text):
        if not part.strip():
            continue
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise Invalid(
                "“{hours}” is no time of day. Write hours such as 11:00-14:30, 17:00-22:00.", hours=part.strip()
            )
        first, first_part, last, last_part = (int(digits) for digits in match.groups())
        opens, closes = first * 60 + first_part, last * 60 + last_part
        if first_part > 59 or last_part > 59 or not 0 <= opens < closes <= 24 * 60:
            raise Invalid("“{hours}” does not end after it begins, within one day.", hours=part.strip())
        found.append(Hours(weekday, opens, closes))
    found.sort()
    for earlier, later in pairwise(found):
        if later.opens < earlier.closes:
            raise Invalid("Two of the hours of one day overlap. Write each once.")
    return found


def write_hours(weekday: int, hours: Iterable[Hours]) -> str:
    """The hours of one weekday as `read_hours` takes them."""
    return ", ".join(f"{_clock(span.opens)}-{_clock(span.closes)}" for span in sorted(hours) if span.weekday == weekday)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
