"""Dishes on their way from the pass to a table: one runner takes a dish once, brings it, and then it is served.

Food knows nothing of this: a dish that is carried is still `ready` there. A dish that went back to the kitchen and was
made again is another one to carry (`made_at`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec

from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import Chosen, LineStatus, called
from saoma.food.orders.tabs import locked, told
from saoma.identity.model import Staff
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, NotFound

#: Orders of these channels are brought to where people sit; the others are called out or collected.
BROUGHT: Final = ("table", "waiter")


class Dish(msgspec.Struct, frozen=True, kw_only=True):
    """One dish that stands at the pass, or that somebody carries."""

    id: str
    tab_id: str
    label: str
    name: str
    name_zh: str
    options: tuple[Chosen, ...]
    quantity: int
    note: str
    waited_seconds: int
    runner_id: str
    runner: str

    def called(self, lang: str) -> str:
        """The name of the dish in `lang`."""
        return called(self.name, self.name_zh, lang)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What stands ready for one table, or what one runner carries there."""

    tab_id: str
    label: str
    runner_id: str
    runner: str
    dishes: tuple[Dish, ...]

    @property
    def waited_seconds(self) -> int:
        """How long the first of them has been ready."""
        return max(dish.waited_seconds for dish in self.dishes)

    @property
    def pieces(self) -> int:
        """How many plates that is."""
        return sum(dish.quantity for dish in self.dishes)


_MADE_AT: Final = "coalesce(l.ready_at, l.sent_at)"
_READY: Final = f"""
SELECT l.id, l.tab_id, t.label, l.name, l.name_zh, l.options, l.quantity, l.note,
    greatest(extract(epoch FROM clock_timestamp() - {_MADE_AT}), 0)::int AS waited_seconds,
    coalesce(c.runner_id, '') AS runner_id, coalesce(s.name, '') AS runner
FROM tab_lines AS l JOIN tabs AS t ON t.id = l.tab_id
LEFT JOIN carried_dishes AS c ON c.line_id = l.id AND c.made_at = {_MADE_AT} AND c.brought_at IS NULL
LEFT JOIN staff AS s ON s.id = c.runner_id
WHERE l.store_id = %(store)s AND l.status = 'ready' AND t.channel = ANY(%(channels)s)
ORDER BY l.created_at, l.id
"""  # noqa: S608
_TAKE: Final = f"""
INSERT INTO carried_dishes AS c (line_id, tab_id, runner_id, made_at, taken_at)
SELECT l.id, l.tab_id, %(runner)s, {_MADE_AT}, %(now)s FROM tab_lines AS l
WHERE l.tab_id = %(tab)s AND l.status = 'ready' AND l.id = ANY(%(lines)s)
ON CONFLICT (line_id) DO UPDATE SET runner_id = excluded.runner_id, made_at = excluded.made_at,
    taken_at = excluded.taken_at, brought_at = NULL
    WHERE c.made_at <> excluded.made_at OR c.brought_at IS NOT NULL
"""  # noqa: S608
_CARRIED: Final = f"""
SELECT c.line_id AS id FROM carried_dishes AS c JOIN tab_lines AS l ON l.id = c.line_id
WHERE c.tab_id = %(tab)s AND c.runner_id = %(runner)s AND c.brought_at IS NULL AND l.status = 'ready'
    AND c.made_at = {_MADE_AT} ORDER BY c.line_id
"""  # noqa: S608


class _Line(msgspec.Struct, frozen=True):
    id: str


def by_table(dishes: Iterable[Dish]) -> list[Table]:
    """The dishes put together by table and by who carries them, what has waited longest first."""
    ordered = sorted(dishes, key=lambda dish: (dish.tab_id, dish.runner_id))
    found = [
        Table(tab_id=tab_id, label=members[0].label, runner_id=runner_id, runner=members[0].runner, dishes=members)
        for (tab_id, runner_id), group in groupby(ordered, key=lambda dish: (dish.tab_id, dish.runner_id))
        for members in (tuple(group),)
    ]
    return sorted(found, key=lambda table: (-table.waited_seconds, table.tab_id, table.runner_id))


async def at_the_pass(rows: Rows, store_id: str) -> list[Table]:
    """What is ready for tables now, taken or not."""
    return by_table(await rows.rows(Dish, _READY, {"store": store_id, "channels": list(BROUGHT)}))


async def take(
    tx: Transaction, store_id: str, tab_id: str, line_ids: Sequence[str], runner: Staff, now: datetime
) -> int:
    """This runner takes these dishes; answers how many. 0 says somebody was quicker, or they were taken by this press
    before. Raises `NotFound` for a tab of another store."""
    await _here(tx, store_id, tab_id)
    taken = await tx.run(_TAKE, {"tab": tab_id, "lines": list(line_ids), "runner": runner.id, "now": now})
    if taken:
        await _tell(tx, store_id, tab_id)
    return taken


async def put_back(tx: Transaction, store_id: str, tab_id: str, runner: Staff) -> int:
    """They stand at the pass again; answers how many."""
    await _here(tx, store_id, tab_id)
    back = await tx.run(
        "DELETE FROM carried_dishes WHERE tab_id = %(tab)s AND runner_id = %(runner)s AND brought_at IS NULL",
        {"tab": tab_id, "runner": runner.id},
    )
    if back:
        await _tell(tx, store_id, tab_id)
    return back


async def brought(tx: Transaction, store_id: str, tab_id: str, runner: Staff, now: datetime) -> int:
    """All this runner carries to that table is on it: served. Answers how many dishes; pressed again, none."""
    await _here(tx, store_id, tab_id)
    carried = await tx.rows(_Line, _CARRIED, {"tab": tab_id, "runner": runner.id})
    for line in carried:
        await kitchen.bump_line(tx, store_id, line.id, LineStatus.READY)
    await tx.run(
        "UPDATE carried_dishes SET brought_at = %(now)s WHERE line_id = ANY(%(lines)s)",
        {"now": now, "lines": [line.id for line in carried]},
    )
    return len(carried)


async def on_its_way(rows: Rows, tab_id: str) -> frozenset[str]:
    """The dishes of a tab that somebody carries to the table now."""
    found = await rows.rows(
        _Line,
        "SELECT c.line_id AS id FROM carried_dishes AS c JOIN tab_lines AS l ON l.id = c.line_id"  # noqa: S608
        f" WHERE c.tab_id = %(tab)s AND c.brought_at IS NULL AND l.status = 'ready' AND c.made_at = {_MADE_AT}",
        {"tab": tab_id},
    )
    return frozenset(line.id for line in found)


async def put_together(tx: Transaction, source: str, target: str) -> None:
    """The dishes of `source` went to `target`, also those that somebody carries. Both tabs are locked."""
    await tx.run("UPDATE carried_dishes SET tab_id = %(to)s WHERE tab_id = %(from)s", {"from": source, "to": target})


async def _here(tx: Transaction, store_id: str, tab_id: str) -> None:
    if (await locked(tx, tab_id)).store_id != store_id:
        raise NotFound(NOTHING_HERE)


async def _tell(tx: Transaction, store_id: str, tab_id: str) -> None:
    await told(tx, tab_id, "carried")
    await tx.tell(f"kitchen:{store_id}", "tickets", {"why": "carried"})
