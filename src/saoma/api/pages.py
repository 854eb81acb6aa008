"""Pages of lists: newest first, by a cursor that names the last thing seen, so that new things shift nothing.

A cursor is a position, no permission: whoever sends one is asked for a key like everybody else."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from saoma.api.bodies import Page
from saoma.api.problems import Refusal

T = TypeVar("T")
DEFAULT: Final = 20
MOST: Final = 100
#: Where a list is ordered by id alone, a cursor names this moment.
BIRTH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE: Final = re.compile(r"(?P<micros>[0-9]{1,16})\.(?P<id>[a-z]{3}_[0-9a-z]{25})")


def limit_of(query: dict[str, str]) -> int:
    """How many things a page shall have. Raises `Refusal` for anything but 1 to 100."""
    text = query.get("limit", str(DEFAULT))
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST:
        raise Refusal("invalid", f"limit: a whole number from 1 to {MOST}", [("limit", f"1 to {MOST}")])
    return int(text)


def cursor(at: datetime, thing_id: str) -> str:
    """Names a place in a list."""
    micros = (at - BIRTH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{thing_id}".encode()).decode().rstrip("=")


def place_of(query: dict[str, str]) -> tuple[datetime, str] | None:
    """Where a page begins; None for the newest. Raises `Refusal` for a cursor we did not make."""
    text = query.get("cursor")
    if text is None:
        return None
    try:
        found = _PLACE.fullmatch(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise Refusal("invalid", "cursor: not one of ours; begin without it", [("cursor", "unknown")])
    return BIRTH + timedelta(microseconds=int(found["micros"])), found["id"]


def page_of(
    found: Sequence[T], limit: int, shown: Callable[[T], Any], place: Callable[[T], tuple[datetime, str]]
) -> Page:
    """A page of at most `limit` of `found`, which holds one more where there are older ones."""
    kept = found[:limit]
    more = cursor(*place(kept[-1])) if len(found) > limit else None
    return Page(items=[msgspec.Raw(msgspec.json.encode(shown(each))) for each in kept], next_cursor=more)


def before(query: dict[str, str]) -> str:
    """The id a page begins below; empty for the newest. Ids sort by birth."""
    place = place_of(query)
    return place[1] if place else ""
