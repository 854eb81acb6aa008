"""How a kitchen works: which section is which course, where each dish is made, who fires, when a ticket is late.

Changes hold for what is sent from now on; what was sent keeps the course and the station it was sent with."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from saoma.food.menus.menu import menu_changed
from saoma.food.orders.courses import Course, Firing
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Invalid


class SectionSetup(msgspec.Struct, frozen=True):
    """A section's course, and where it is made."""

    id: str
    name: str
    name_zh: str
    course: Course
    station_id: str | None


class DishSetup(msgspec.Struct, frozen=True):
    """A dish's own station; None: where its section is made."""

    id: str
    section_id: str
    name: str
    name_zh: str
    station_id: str | None


class Setup(msgspec.Struct, frozen=True):
    """All of it."""

    firing: Firing
    soon_seconds: int
    late_seconds: int
    sections: tuple[SectionSetup, ...] = ()
    dishes: tuple[DishSetup, ...] = ()


async def setup(rows: Rows, store_id: str) -> Setup:
    """How this store's kitchen works. Raises `NotFound` when the store has no menu yet."""
    of_store = {"store": store_id}
    head = await rows.one(
        Setup, "SELECT firing, soon_seconds, late_seconds FROM menus WHERE store_id = %(store)s", of_store
    )
    sections = await rows.rows(
        SectionSetup,
        "SELECT id, name, name_zh, course, station_id FROM menu_sections"
        " WHERE store_id = %(store)s AND NOT removed ORDER BY position, id",
        of_store,
    )
    dishes = await rows.rows(
        DishSetup,
        "SELECT id, section_id, name, name_zh, station_id FROM menu_items"
        " WHERE store_id = %(store)s AND NOT retired ORDER BY position, id",
        of_store,
    )
    return msgspec.structs.replace(head, sections=tuple(sections), dishes=tuple(dishes))


async def set_up(
    tx: Transaction,
    store_id: str,
    firing: Firing,
    soon_minutes: int,
    late_minutes: int,
    courses: Mapping[str, Course],
    stations: Mapping[str, str | None],
) -> None:
    """Change it: `courses` by section, `stations` by dish. What is another store's is left alone.

    Raises `Invalid` when a ticket would be late before it is late soon."""
    if not 1 <= soon_minutes < late_minutes <= 240:
        raise Invalid("A ticket must be late later than it is late soon, and within four hours.")
    await tx.run(
        "UPDATE menus SET firing = %(firing)s, soon_seconds = %(soon)s, late_seconds = %(late)s"
        " WHERE store_id = %(store)s",
        {"store": store_id, "firing": firing.value, "soon": soon_minutes * 60, "late": late_minutes * 60},
    )
    await tx.run(
        "UPDATE menu_sections s SET course = r.course FROM jsonb_to_recordset(%(rows)s) AS r (id text, course text)"
        " WHERE s.id = r.id AND s.store_id = %(store)s",
        {"store": store_id, "rows": json_column([{"id": key, "course": to.value} for key, to in courses.items()])},
    )
    await tx.run(
        "UPDATE menu_items i SET station_id = (SELECT id FROM stations WHERE id = r.station"
        " AND store_id = %(store)s) FROM jsonb_to_recordset(%(rows)s) AS r (id text, station text)"
        " WHERE i.id = r.id AND i.store_id = %(store)s",
        {"store": store_id, "rows": json_column([{"id": key, "station": to} for key, to in stations.items()])},
    )
    await menu_changed(tx, store_id, "kitchen")
    await tx.tell(f"kitchen:{store_id}", "tickets", {"why": "setup"})
