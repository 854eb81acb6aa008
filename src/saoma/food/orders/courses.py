"""Course timing: starters, mains and desserts of a table are cooked one after the other.

A dish that waits is sent like any other (it is on the bill); only the kitchen does not see it yet. Whoever calls the
functions that take a transaction has locked the tab, so a dish is fired once, whoever presses and however often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from saoma.food.model import Line, LineStatus, Tab
from saoma.food.orders.tabs import locked, told
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, NotFound


class Course(StrEnum):
    """When a dish is eaten. Dishes without a course, and drinks, wait for nothing and nothing waits for them."""

    NONE = ""
    DRINKS = "drinks"
    STARTER = "starter"
    MAIN = "main"
    DESSERT = "dessert"


class Firing(StrEnum):
    """Who fires a course that waits."""

    AUTOMATIC = "automatic"
    PERSON = "person"
    OFF = "off"


class Hold(StrEnum):
    """What a dish waits for: nothing, its turn, or a person."""

    FIRED = ""
    COURSE = "course"
    HAND = "hand"


#: What people call the courses; keys of the texts.
COURSE_NAMES: Final[Mapping[Course, str]] = {
    Course.NONE: "Any time",
    Course.DRINKS: "Drinks",
    Course.STARTER: "Starters",
    Course.MAIN: "Mains",
    Course.DESSERT: "Desserts",
}
#: The courses that wait for each other, in their order.
STAGED: Final = (Course.STARTER, Course.MAIN, Course.DESSERT)
#: Where people sit and eat course by course; everywhere else a bag leaves the house at once.
AT_TABLE: Final = frozenset({"table", "waiter"})


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A dish on its way, as far as courses care."""

    course: Course
    hold: Hold = Hold.FIRED


def before(course: Course) -> frozenset[Course]:
    """The courses that must be served before this one is cooked."""
    return frozenset(STAGED[: STAGED.index(course)]) if course in STAGED else frozenset()


def must_wait(course: Course, under_way: Iterable[Course]) -> bool:
    """Whether a dish of `course` waits, seen the courses of all dishes of the tab that are not served yet."""
    return not before(course).isdisjoint(under_way)


def next_course(under_way: Sequence[Staged]) -> Course | None:
    """The course whose turn has come, seen all dishes of the tab that are not served yet; None when none waits for it.

    What a person put on hold never comes by itself, and what comes after it waits too."""
    courses = [dish.course for dish in under_way]
    waiting = {dish.course for dish in under_way if dish.hold is Hold.COURSE}
    return next((course for course in STAGED if course in waiting and not must_wait(course, courses)), None)


async def firing_of(rows: Rows, store_id: str) -> Firing:
    """How this store fires its courses."""
    found = await rows.value("SELECT firing FROM menus WHERE store_id = %(store)s", {"store": store_id})
    return Firing(found) if found else Firing.AUTOMATIC


async def hold_back(tx: Transaction, at: Tab, sent: Sequence[Line]) -> list[Line]:
    """Put those of the lines that were sent just now on hold that must wait for an earlier course; answers all."""
    if at.channel not in AT_TABLE or not any(before(Course(line.course)) for line in sent):
        return list(sent)
    firing = await firing_of(tx, at.store_id)
    if firing is Firing.OFF:
        return list(sent)
    courses = [dish.course for dish in await _under_way(tx, at.id)]
    waiting = {line.id for line in sent if must_wait(Course(line.course), courses)}
    hold = Hold.HAND if firing is Firing.PERSON else Hold.COURSE
    await tx.run(
        "UPDATE tab_lines SET hold = %(hold)s WHERE id = ANY(%(lines)s) AND status = 'sent'",
        {"hold": hold.value, "lines": sorted(waiting)},
    )
    return [msgspec.structs.replace(line, hold=hold.value) if line.id in waiting else line for line in sent]


async def fire_due(tx: Transaction, store_id: str, tab_id: str) -> int:
    """Fire the course whose turn has come, after dishes were served or struck; answers how many lines were fired."""
    course = next_course(await _under_way(tx, tab_id))
    if course is None:
        return 0
    return await _fire(tx, store_id, tab_id, course, (Hold.COURSE,))


async def fire(tx: Transaction, store_id: str, tab_id: str, course: Course) -> int:
    """A person lets the kitchen begin a course, whatever it waited for; answers how many lines were fired.

    0 says somebody was quicker, which is fine. Raises `NotFound` for a tab of another store."""
    await _of_store(tx, store_id, tab_id)
    return await _fire(tx, store_id, tab_id, course, (Hold.COURSE, Hold.HAND))


async def hold(tx: Transaction, store_id: str, tab_id: str, course: Course) -> int:
    """A person keeps a course back; answers how many lines wait now because of it.

    What the kitchen has begun goes on. Only a person fires what a person holds."""
    await _of_store(tx, store_id, tab_id)
    held = await tx.run(
        "UPDATE tab_lines SET hold = 'hand', fired_at = NULL WHERE tab_id = %(tab)s AND course = %(course)s"
        " AND status = 'sent' AND hold <> 'hand'",
        {"tab": tab_id, "course": course.value},
    )
    if held:
        await _tell(tx, store_id, tab_id, "held")
    return held


async def _fire(tx: Transaction, store_id: str, tab_id: str, course: Course, holds: Sequence[Hold]) -> int:
    fired = await tx.run(
        "UPDATE tab_lines SET hold = '', fired_at = clock_timestamp(), firing = 1 +"
        " (SELECT coalesce(max(firing), 0) FROM tab_lines WHERE tab_id = %(tab)s)"
        " WHERE tab_id = %(tab)s AND course = %(course)s AND status = 'sent' AND hold = ANY(%(holds)s)",
        {"tab": tab_id, "course": course.value, "holds": [each.value for each in holds]},
    )
    if fired:
        await _tell(tx, store_id, tab_id, "fired")
    return fired


async def _under_way(rows: Rows, tab_id: str) -> list[Staged]:
    return await rows.rows(
        Staged,
        "SELECT course, hold FROM tab_lines WHERE tab_id = %(tab)s AND status = ANY(%(open)s)",
        {"tab": tab_id, "open": [LineStatus.SENT.value, LineStatus.COOKING.value, LineStatus.READY.value]},
    )


async def _of_store(tx: Transaction, store_id: str, tab_id: str) -> None:
    if (await locked(tx, tab_id)).store_id != store_id:
        raise NotFound(NOTHING_HERE)


async def _tell(tx: Transaction, store_id: str, tab_id: str, why: str) -> None:
    await told(tx, tab_id, why)
    await tx.tell(f"kitchen:{store_id}", "tickets", {"why": why})
