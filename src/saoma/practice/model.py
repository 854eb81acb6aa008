"""The rows of practice: the lesson that runs for somebody, and what became of their lessons.

Everything is kept under the real person's id; what they did stands under their double's in the payments' own tables."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.kit.db import Rows
from saoma.practice.judging import Act, Outcome, phone_number
from saoma.practice.lessons import LESSONS, lesson_of
from saoma.practice.script import Face, Lesson


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The lesson somebody is in. `stems` are the first sixteen digits of each phone's code."""

    staff_id: str
    double_id: str
    store_id: str
    lesson: str
    sittings: list[str]
    stems: list[str]
    acts: list[Act]
    outcome: Outcome
    began_at: datetime

    @property
    def script(self) -> Lesson:
        """The lesson itself."""
        return lesson_of(self.lesson)

    @property
    def code(self) -> str:
        """The digits on the customer's phone now; empty where it shows no payment code."""
        number = phone_number(self.script, self.acts)
        held = self.script.phones[number]
        return f"{self.stems[number]}{held.ending}" if held.ending and held.face is not Face.LINK else ""


RUN_COLUMNS: Final = ", ".join(Run.__struct_fields__)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one lesson of one person."""

    staff_id: str
    lesson: str
    tries: int
    passed_at: datetime | None
    last_at: datetime


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one person has come."""

    staff_id: str
    name: str
    kept: dict[str, Kept]

    @property
    def passed(self) -> int:
        """How many lessons were passed."""
        return sum(1 for lesson in LESSONS if self.passed_at(lesson.key))

    @property
    def ready(self) -> bool:
        """Whether all of them were: ready for the till."""
        return self.passed == len(LESSONS)

    @property
    def ready_since(self) -> datetime | None:
        """When the last of them was passed, if all were."""
        found = [at for lesson in LESSONS if (at := self.passed_at(lesson.key))]
        return max(found) if self.ready else None

    def passed_at(self, key: str) -> datetime | None:
        """When a lesson was passed for the first time."""
        kept = self.kept.get(key)
        return kept.passed_at if kept else None

    def tries(self, key: str) -> int:
        """How often a lesson was begun."""
        kept = self.kept.get(key)
        return kept.tries if kept else 0


async def run_of(rows: Rows, person_id: str) -> Run | None:
    """The lesson that runs for this person, or their last one."""
    sql = f"SELECT {RUN_COLUMNS} FROM practice_runs WHERE staff_id = %(id)s"  # noqa: S608
    return await rows.maybe(Run, sql, {"id": person_id})


async def run_at(rows: Rows, store_id: str) -> Run | None:
    """The lesson that runs in this practice store."""
    sql = f"SELECT {RUN_COLUMNS} FROM practice_runs WHERE store_id = %(id)s"  # noqa: S608
    return await rows.maybe(Run, sql, {"id": store_id})


async def currency_at(rows: Rows, store_id: str) -> str:
    """What is paid with in this practice store."""
    sql = "SELECT m.currency FROM merchants AS m JOIN stores AS s ON s.merchant_id = m.id WHERE s.id = %(id)s"
    return str(await rows.value(sql, {"id": store_id}))


async def progress_of(rows: Rows, person_id: str, name: str) -> Progress:
    """How far this person has come."""
    kept = await rows.rows(
        Kept,
        "SELECT staff_id, lesson, tries, passed_at, last_at FROM practice_lessons WHERE staff_id = %(id)s",
        {"id": person_id},
    )
    return Progress(staff_id=person_id, name=name, kept={one.lesson: one for one in kept})


class _Person(msgspec.Struct, frozen=True):
    id: str
    name: str


async def team(rows: Rows, merchant_id: str, store_id: str) -> list[Progress]:
    """How far everybody has come who takes payments for this merchant; with `store_id` those of that store only."""
    people = await rows.rows(
        _Person,
        """SELECT id, name FROM staff WHERE active AND merchant_id = %(merchant)s
           AND roles && ARRAY['cashier', 'manager', 'owner'] AND (%(store)s = '' OR store_id IS NULL
           OR store_id = %(store)s) ORDER BY name, id LIMIT 500""",
        {"merchant": merchant_id, "store": store_id},
    )
    kept = await rows.rows(
        Kept,
        """SELECT staff_id, lesson, tries, passed_at, last_at FROM practice_lessons
           WHERE staff_id = ANY(%(ids)s)""",
        {"ids": [person.id for person in people]},
    )
    return [
        Progress(staff_id=one.id, name=one.name, kept={row.lesson: row for row in kept if row.staff_id == one.id})
        for one in people
    ]
