"""What the kitchen sees and does: tickets by age, moved on by a bump and back by a recall.

A ticket is what one tab sent in one round and the kitchen got at once (at one station): it has no row of its own, so
it can neither be printed twice nor lost. A bump names the state it was pressed in; a second press, or another
screen's, finds that state gone and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.food.model import LINE, Chosen, LineEvent, LineStatus, called
from saoma.food.orders import courses
from saoma.food.orders.tabs import line_of, locked, told
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, Conflict, NotFound

#: What a bump does in each state of a ticket.
BUMP: Final[Mapping[LineStatus, LineEvent]] = {
    LineStatus.SENT: LineEvent.START,
    LineStatus.COOKING: LineEvent.FINISH,
    LineStatus.READY: LineEvent.SERVE,
}
_ORDER: Final = (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY, LineStatus.SERVED)


class Lateness(StrEnum):
    """How a ticket's age looks on its header."""

    FRESH = "fresh"
    SOON = "soon"
    LATE = "late"


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """After how many seconds a ticket is late soon, and late."""

    soon_seconds: int = 480
    late_seconds: int = 900


class KitchenLine(msgspec.Struct, frozen=True, kw_only=True):
    """A dish as the cook needs it."""

    id: str
    tab_id: str
    round: int
    firing: int
    label: str
    channel: str
    to_go: bool
    order_note: str
    course: str
    hold: str
    station_id: str | None
    item_id: str
    name: str
    name_zh: str
    options: tuple[Chosen, ...]
    quantity: int
    note: str
    status: LineStatus
    sent_at: datetime
    fired_at: datetime
    started_at: datetime | None
    ready_at: datetime | None
    load: int | None
    served_at: datetime | None
    age_seconds: int

    def called(self, lang: str) -> str:
        """The name of the dish in `lang`."""
        return called(self.name, self.name_zh, lang)


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What one tab sent in a round and was fired at once. Its state is that of its dish that is furthest behind.

    `firing` is 0 for what was cooked as it was sent; `course` names the one that was fired later."""

    tab_id: str
    round: int
    firing: int
    course: str
    label: str
    channel: str
    to_go: bool
    note: str
    status: LineStatus
    sent_at: datetime
    age_seconds: int
    lines: tuple[KitchenLine, ...]

    @property
    def id(self) -> str:
        """A name for the card on the screen."""
        return f"{self.tab_id}-{self.round}" + (f"-{self.firing}" if self.firing else "")


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a dish are still to be made, over all tickets; `later` are those that wait for their course."""

    item_id: str
    name: str
    name_zh: str
    quantity: int
    later: int
    sold_out: bool

    def called(self, lang: str) -> str:
        """The name of the dish in `lang`."""
        return called(self.name, self.name_zh, lang)


def lateness(age_seconds: int, pace: Pace) -> Lateness:
    """How late a ticket of this age is."""
    if age_seconds >= pace.late_seconds:
        return Lateness.LATE
    return Lateness.SOON if age_seconds >= pace.soon_seconds else Lateness.FRESH


def ticket_status(lines: Iterable[KitchenLine]) -> LineStatus:
    """The state of a ticket: of the dish furthest behind, voided ones aside; VOID when nothing else is left."""
    here = {line.status for line in lines}
    return next((status for status in _ORDER if status in here), LineStatus.VOID)


def grouped(lines: Iterable[KitchenLine]) -> list[Ticket]:
    """The tickets these lines make, oldest first."""
    found: dict[tuple[str, int, int], list[KitchenLine]] = {}
    for line in lines:
        found.setdefault((line.tab_id, line.round, line.firing), []).append(line)
    made = [
        Ticket(
            tab_id=tab_id,
            round=number,
            firing=firing,
            course=members[0].course if firing else "",
            label=members[0].label,
            channel=members[0].channel,
            to_go=members[0].to_go,
            note=members[0].order_note,
            status=ticket_status(members),
            sent_at=min(line.fired_at for line in members),
            age_seconds=max(line.age_seconds for line in members),
            lines=tuple(members),
        )
        for (tab_id, number, firing), members in found.items()
    ]
    return sorted(made, key=lambda ticket: (ticket.sent_at, ticket.id))


async def pace(rows: Rows, store_id: str) -> Pace:
    """The store's own limits of lateness."""
    found = await rows.maybe(
        Pace, "SELECT soon_seconds, late_seconds FROM menus WHERE store_id = %(store)s", {"store": store_id}
    )
    return found or Pace()


async def tickets(rows: Rows, store_id: str, station_id: str | None = None) -> list[Ticket]:
    """What is to be made or carried now, oldest first; with `station_id` that station's dishes only.

    A dish struck while it was being made stays visible for three minutes, so that nobody goes on cooking it."""
    lines = await rows.rows(
        KitchenLine,
        "WITH live AS (SELECT DISTINCT tab_id, round, firing FROM tab_lines WHERE store_id = %(store)s AND hold = ''"
        " AND (status IN ('sent', 'cooking', 'ready') OR (status = 'void' AND round IS NOT NULL"
        " AND voided_at > clock_timestamp() - interval '3 minutes'))"
        " AND (%(station)s::text IS NULL OR station_id = %(station)s))"
        " SELECT l.*, coalesce(l.fired_at, l.sent_at) AS fired_at, t.label, t.channel, t.to_go, t.note AS order_note,"
        " greatest(extract(epoch FROM clock_timestamp() - coalesce(l.fired_at, l.sent_at)), 0)::int AS age_seconds"
        " FROM live JOIN tab_lines l USING (tab_id, round, firing) JOIN tabs t ON t.id = l.tab_id"
        " WHERE l.hold = '' AND (%(station)s::text IS NULL OR l.station_id = %(station)s)"
        " ORDER BY l.created_at, l.id",
        {"store": store_id, "station": station_id},
    )
    return grouped(lines)


async def lately_served(
    rows: Rows, store_id: str, station_id: str | None = None, minutes: int = 60, most: int = 12
) -> list[Ticket]:
    """Tickets that left the kitchen, the last one first: those a recall can bring back."""
    lines = await rows.rows(
        KitchenLine,
        "WITH gone AS (SELECT tab_id, round, firing, max(served_at) AS at FROM tab_lines WHERE store_id = %(store)s"
        " AND status = 'served' AND served_at > clock_timestamp() - make_interval(mins => %(minutes)s)"
        " AND (%(station)s::text IS NULL OR station_id = %(station)s)"
        " GROUP BY tab_id, round, firing ORDER BY at DESC LIMIT %(most)s)"
        " SELECT l.*, coalesce(l.fired_at, l.sent_at) AS fired_at, t.label, t.channel, t.to_go, t.note AS order_note,"
        " greatest(extract(epoch FROM l.served_at - coalesce(l.fired_at, l.sent_at)), 0)::int AS age_seconds"
        " FROM gone JOIN tab_lines l USING (tab_id, round, firing) JOIN tabs t ON t.id = l.tab_id"
        " WHERE l.status = 'served' AND (%(station)s::text IS NULL OR l.station_id = %(station)s)"
        " ORDER BY l.created_at, l.id",
        {"store": store_id, "station": station_id, "minutes": minutes, "most": most},
    )
    return sorted(grouped(lines), key=_served_at, reverse=True)


def _served_at(ticket: Ticket) -> datetime:
    return max(line.served_at or line.sent_at for line in ticket.lines)


async def all_day(rows: Rows, store_id: str, station_id: str | None = None) -> list[Count]:
    """How many of each dish are still to be made, most first."""
    return await rows.rows(
        Count,
        "SELECT l.item_id, i.name, i.name_zh, i.sold_out,"
        " coalesce(sum(l.quantity) FILTER (WHERE l.hold = ''), 0)::int AS quantity,"
        " coalesce(sum(l.quantity) FILTER (WHERE l.hold <> ''), 0)::int AS later"
        " FROM tab_lines l JOIN menu_items i ON i.id = l.item_id"
        " WHERE l.store_id = %(store)s AND l.status IN ('sent', 'cooking')"
        " AND (%(station)s::text IS NULL OR l.station_id = %(station)s)"
        " GROUP BY l.item_id, i.name, i.name_zh, i.sold_out ORDER BY quantity DESC, later DESC, i.name",
        {"store": store_id, "station": station_id},
    )


async def bump(
    tx: Transaction,
    store_id: str,
    tab_id: str,
    number: int,
    seen: LineStatus,
    station_id: str | None = None,
    firing: int | None = None,
) -> int:
    """Move the dishes of round `number` that are in state `seen` one step on; answers how many moved.

    With `firing` only the ticket of that firing. 0 says somebody was quicker, which is fine. Raises `NotFound` for a
    tab of another store, `Conflict` when tickets in that state can't be bumped."""
    if seen not in BUMP:
        raise Conflict("This ticket is done already.")
    where = _Which(tab_id, number, firing, station_id)
    return await _move(tx, store_id, where, seen, BUMP[seen])


async def recall(
    tx: Transaction,
    store_id: str,
    tab_id: str,
    number: int,
    seen: LineStatus,
    station_id: str | None = None,
    firing: int | None = None,
) -> int:
    """Move the dishes of round `number` that are in state `seen` one step back; answers how many moved."""
    if not LINE.allows(seen, LineEvent.RECALL):
        raise Conflict("This ticket can't go back any further.")
    where = _Which(tab_id, number, firing, station_id)
    return await _move(tx, store_id, where, seen, LineEvent.RECALL)


async def bump_line(tx: Transaction, store_id: str, line_id: str, seen: LineStatus) -> int:
    """Move one dish on, ahead of the rest of its ticket; answers 1, or 0 when somebody was quicker."""
    if seen not in BUMP:
        raise Conflict("This dish is done already.")
    line = await line_of(tx, line_id)
    return await _move(tx, store_id, _Which(line.tab_id, line_id=line_id), seen, BUMP[seen])


async def serve_course(tx: Transaction, store_id: str, tab_id: str, course: courses.Course) -> int:
    """Say that what is ready of a course is on the table; answers how many lines moved."""
    return await _move(tx, store_id, _Which(tab_id, course=course.value), LineStatus.READY, LineEvent.SERVE)


@dataclass(frozen=True, slots=True)
class _Which:
    """The lines of a tab that a press means; None means all."""

    tab_id: str
    number: int | None = None
    firing: int | None = None
    station_id: str | None = None
    line_id: str | None = None
    course: str | None = None


# A time is kept for the first arrival in a state since the last recall from it; going back wipes what lies ahead.
# The load is what else the station has to make at the moment a dish is begun.
_MOVE: Final = """
UPDATE tab_lines SET status = %(to)s,
    started_at = CASE WHEN %(to)s = 'sent' THEN NULL ELSE coalesce(started_at, clock_timestamp()) END,
    ready_at = CASE WHEN %(to)s IN ('sent', 'cooking') THEN NULL ELSE coalesce(ready_at, clock_timestamp()) END,
    served_at = CASE WHEN %(to)s = 'served' THEN clock_timestamp() END,
    load = CASE WHEN %(to)s = 'sent' THEN NULL ELSE coalesce(load, (
        SELECT coalesce(sum(other.quantity), 0) FROM tab_lines other
        WHERE other.store_id = tab_lines.store_id AND other.status IN ('sent', 'cooking') AND other.hold = ''
        AND other.station_id IS NOT DISTINCT FROM tab_lines.station_id AND other.id <> tab_lines.id)) END
WHERE tab_id = %(tab)s AND status = %(seen)s AND hold = ''
    AND (%(round)s::int IS NULL OR round = %(round)s) AND (%(firing)s::int IS NULL OR firing = %(firing)s)
    AND (%(station)s::text IS NULL OR station_id = %(station)s) AND (%(line)s::text IS NULL OR id = %(line)s)
    AND (%(course)s::text IS NULL OR course = %(course)s)
"""


async def _move(tx: Transaction, store_id: str, which: _Which, seen: LineStatus, event: LineEvent) -> int:
    if (await locked(tx, which.tab_id)).store_id != store_id:
        raise NotFound(NOTHING_HERE)
    moved = await tx.run(
        _MOVE,
        {
            "tab": which.tab_id,
            "round": which.number,
            "firing": which.firing,
            "station": which.station_id,
            "line": which.line_id,
            "course": which.course,
            "seen": seen.value,
            "to": LINE.next(seen, event).value,
        },
    )
    if moved:
        if event is LineEvent.SERVE:
            await courses.fire_due(tx, store_id, which.tab_id)
        await told(tx, which.tab_id, "kitchen")
        await tx.tell(f"kitchen:{store_id}", "tickets", {"why": "moved"})
    return moved
