"""What stands at the pass: each table with its courses, what waits, what cooks, what can be carried.

A dish stays here until it is served; what was served is the bill's business."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from saoma.food.kitchen.tickets import KitchenLine
from saoma.food.model import LineStatus
from saoma.food.orders.courses import STAGED, Course, Hold
from saoma.kit.db import Rows

_ORDER = (Course.DRINKS, Course.NONE, *STAGED)


class PassCourse(msgspec.Struct, frozen=True, kw_only=True):
    """The dishes of one course that are not on the table yet."""

    course: Course
    lines: tuple[KitchenLine, ...]

    @property
    def held(self) -> int:
        """How many pieces wait to be fired."""
        return sum(line.quantity for line in self.lines if line.hold)

    @property
    def by_hand(self) -> bool:
        """Whether a person keeps them back: then only a person fires them."""
        return any(line.hold == Hold.HAND for line in self.lines)

    @property
    def can_hold(self) -> int:
        """How many pieces the kitchen has not begun, so that they can still be kept back."""
        return sum(line.quantity for line in self.lines if line.status is LineStatus.SENT and not line.hold)

    @property
    def ready(self) -> int:
        """How many pieces can be carried."""
        return sum(line.quantity for line in self.lines if line.status is LineStatus.READY)

    @property
    def waiting_seconds(self) -> int:
        """How long the first dish that was fired has been under way; 0 when none was."""
        return max((line.age_seconds for line in self.lines if not line.hold), default=0)


class PassTab(msgspec.Struct, frozen=True, kw_only=True):
    """A table or an order, its courses in the order they are eaten."""

    tab_id: str
    label: str
    channel: str
    courses: tuple[PassCourse, ...]

    @property
    def ready(self) -> int:
        """How many pieces can be carried."""
        return sum(course.ready for course in self.courses)


def at_pass(lines: Iterable[KitchenLine]) -> list[PassTab]:
    """The tables these lines make, the one that has waited longest first."""
    found: dict[str, list[KitchenLine]] = {}
    for line in lines:
        found.setdefault(line.tab_id, []).append(line)
    made = []
    for tab_id, members in found.items():
        courses = tuple(
            PassCourse(course=course, lines=tuple(line for line in members if line.course == course))
            for course in _ORDER
            if any(line.course == course for line in members)
        )
        made.append(PassTab(tab_id=tab_id, label=members[0].label, channel=members[0].channel, courses=courses))
    return sorted(made, key=lambda tab: (-max(course.waiting_seconds for course in tab.courses), tab.tab_id))


async def pass_now(rows: Rows, store_id: str) -> list[PassTab]:
    """What the pass shows now."""
    return at_pass(
        await rows.rows(
            KitchenLine,
            "SELECT l.*, coalesce(l.fired_at, l.sent_at) AS fired_at, t.label, t.channel, t.to_go,"
            " t.note AS order_note,"
            " greatest(extract(epoch FROM clock_timestamp() - coalesce(l.fired_at, l.sent_at)), 0)::int AS age_seconds"
            " FROM tab_lines l JOIN tabs t ON t.id = l.tab_id WHERE l.store_id = %(store)s"
            " AND l.status IN ('sent', 'cooking', 'ready') ORDER BY l.created_at, l.id",
            {"store": store_id},
        )
    )
