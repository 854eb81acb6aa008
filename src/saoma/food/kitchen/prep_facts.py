"""The facts that preparation times are learned from, and what they say of the dishes being made now.

They are the lines themselves: nothing is kept twice, so a dish brought back and done again teaches once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from saoma.food.kitchen.prep_times import Fact, Forecast, Habit, forecast, learn
from saoma.kit.db import Rows

#: How many of a dish's last times count, and for how many days.
LAST: Final = 40
DAYS: Final = 90


class _Making(msgspec.Struct):
    id: str
    item_id: str
    load: int | None
    beside: int
    fired_at: datetime
    started_at: datetime | None
    now: datetime
    #: load, seconds from start to finish, seconds from firing to start; the newest first, on one line of each dish
    facts: list[tuple[int, int, int]]


async def forecasts(rows: Rows, store_id: str, tab_id: str | None = None) -> dict[str, Forecast]:
    """By line, when each dish that the kitchen has to make will be ready; with `tab_id` those of that tab only.

    One question, which reads each dish's last facts by their index."""
    making = await rows.rows(
        _Making,
        "WITH making AS (SELECT id, tab_id, item_id, load, coalesce(fired_at, sent_at) AS fired_at, started_at,"
        " (sum(quantity) OVER (PARTITION BY station_id) - quantity)::int AS beside FROM tab_lines"
        " WHERE store_id = %(store)s AND status IN ('sent', 'cooking') AND hold = ''),"
        " known AS (SELECT wanted.item_id, jsonb_agg(jsonb_build_array(fact.load, fact.seconds, fact.waited)"
        " ORDER BY fact.ready_at DESC) AS facts FROM (SELECT DISTINCT item_id FROM making"
        " WHERE %(tab)s::text IS NULL OR tab_id = %(tab)s) AS wanted CROSS JOIN LATERAL ("
        " SELECT l.load, l.ready_at, extract(epoch FROM l.ready_at - l.started_at)::int AS seconds,"
        " greatest(extract(epoch FROM l.started_at - coalesce(l.fired_at, l.sent_at)), 0)::int AS waited"
        " FROM tab_lines l WHERE l.store_id = %(store)s AND l.item_id = wanted.item_id AND l.load IS NOT NULL"
        " AND l.ready_at > clock_timestamp() - make_interval(days => %(days)s)"
        " ORDER BY l.ready_at DESC LIMIT %(last)s) AS fact GROUP BY wanted.item_id)"
        # Ten of the same dish are told once what is known of it.
        " SELECT making.*, clock_timestamp() AS now, CASE WHEN row_number() OVER (PARTITION BY item_id) = 1"
        " THEN coalesce(known.facts, '[]') ELSE '[]' END AS facts"
        " FROM making LEFT JOIN known USING (item_id) WHERE %(tab)s::text IS NULL OR tab_id = %(tab)s",
        {"store": store_id, "tab": tab_id, "days": DAYS, "last": LAST},
    )
    known: dict[str, list[tuple[int, int, int]]] = {}
    for line in making:
        known.setdefault(line.item_id, []).extend(line.facts)
    cooking = {item: learn([Fact(load, took) for load, took, _ in facts]) for item, facts in known.items()}
    waiting = {item: learn([Fact(load, waited) for load, _, waited in facts]) for item, facts in known.items()}
    return {
        line.id: forecast(
            cooking[line.item_id],
            waiting[line.item_id],
            line.beside if line.load is None else line.load,
            line.fired_at,
            line.started_at,
            line.now,
        )
        for line in making
    }


async def ready_about(rows: Rows, store_id: str, tab_id: str) -> datetime | None:
    """When the last dish that is being made for a tab will be ready; None as long as that would be a guess."""
    expected = (await forecasts(rows, store_id, tab_id)).values()
    if not expected or not all(one.known for one in expected):
        return None
    return max(one.ready_at for one in expected)


class _Known(msgspec.Struct):
    item_id: str
    facts: list[tuple[int, int]]


async def habits(rows: Rows, store_id: str, item_ids: Sequence[str]) -> dict[str, Habit]:
    """What was learned of these dishes, for who wants to know before they are ordered; one question."""
    known = await rows.rows(
        _Known,
        "SELECT wanted.item_id, coalesce(jsonb_agg(jsonb_build_array(fact.load, fact.seconds)"
        " ORDER BY fact.ready_at DESC) FILTER (WHERE fact.load IS NOT NULL), '[]') AS facts"
        " FROM unnest(%(items)s::text[]) AS wanted (item_id) LEFT JOIN LATERAL ("
        " SELECT l.load, l.ready_at, extract(epoch FROM l.ready_at - l.started_at)::int AS seconds"
        " FROM tab_lines l WHERE l.store_id = %(store)s AND l.item_id = wanted.item_id AND l.load IS NOT NULL"
        " AND l.ready_at > clock_timestamp() - make_interval(days => %(days)s)"
        " ORDER BY l.ready_at DESC LIMIT %(last)s) AS fact ON true GROUP BY wanted.item_id",
        {"store": store_id, "items": sorted(set(item_ids)), "days": DAYS, "last": LAST},
    )
    return {row.item_id: learn([Fact(load, seconds) for load, seconds in row.facts]) for row in known}
