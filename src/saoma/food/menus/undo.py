"""One step back in the office: the menu as it was before the last change, kept as rows and put back as rows.

Only the last change is kept. What is sold out now stays so, unless that was the change: the kitchen knows better."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.food.menus.menu import menu_changed
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict

CHANGED_SINCE: Final = "{name} has changed the menu since. Look at the last change, and take that back if you mean it."
#: Changes of which sold-out marks are taken back too.
_MARKS: Final = ("marked_sold_out", "marked_back_on", "changed_many")
_GROUPS: Final = "SELECT id FROM option_groups WHERE item_id IN (SELECT id FROM menu_items WHERE store_id = %(store)s)"
_REMEMBER: Final = f"""
INSERT INTO menu_undo (store_id, what, by, rows)
SELECT %(store)s, %(what)s, %(by)s, jsonb_build_object(
    'dayparts', (SELECT dayparts FROM menus WHERE store_id = %(store)s),
    'sections',
        (SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM menu_sections s WHERE s.store_id = %(store)s),
    'items',
        (SELECT coalesce(jsonb_agg(to_jsonb(i)), '[]') FROM menu_items i
            WHERE i.store_id = %(store)s AND NOT i.retired),
    'groups',
        (SELECT coalesce(jsonb_agg(to_jsonb(g)), '[]') FROM option_groups g WHERE g.id IN ({_GROUPS})),
    'options',
        (SELECT coalesce(jsonb_agg(to_jsonb(o)), '[]') FROM options o WHERE o.group_id IN ({_GROUPS})))
ON CONFLICT (store_id) DO UPDATE SET what = excluded.what, by = excluded.by, rows = excluded.rows,
    noted_at = clock_timestamp()
"""  # noqa: S608
_CHOICES: Final = f"SELECT id FROM options WHERE sold_out AND group_id IN ({_GROUPS})"  # noqa: S608
_ROWS: Final = "(SELECT rows FROM menu_undo WHERE store_id = %(store)s)"
#: What comes first makes room for what comes after it: codes and names are unique among what is on the menu.
_PUT_BACK: Final = (
    "UPDATE menus SET dayparts = $ROWS -> 'dayparts' WHERE store_id = %(store)s",
    "UPDATE menu_sections SET name = id, removed = true WHERE store_id = %(store)s",
    """INSERT INTO menu_sections SELECT * FROM jsonb_populate_recordset(NULL::menu_sections, $ROWS -> 'sections')
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh, position = excluded.position,
            hidden = excluded.hidden, removed = excluded.removed, station_id = excluded.station_id,
            channels = excluded.channels, dayparts = excluded.dayparts, course = excluded.course""",
    "UPDATE menu_items SET retired = true WHERE store_id = %(store)s",
    """UPDATE menu_items i SET retired = false, section_id = r.section_id, code = r.code, name = r.name,
            name_zh = r.name_zh, description = r.description, description_zh = r.description_zh, price = r.price,
            allergens = r.allergens, tags = r.tags, photo = r.photo, photo_width = r.photo_width,
            photo_height = r.photo_height, photo_avif = r.photo_avif, position = r.position, hidden = r.hidden,
            station_id = r.station_id, channels = r.channels, dayparts = r.dayparts, per_day = r.per_day,
            sold_out = CASE WHEN %(marks)s THEN r.sold_out ELSE i.sold_out END
        FROM jsonb_populate_recordset(NULL::menu_items, $ROWS -> 'items') r
        WHERE r.id = i.id AND i.store_id = %(store)s""",
    "DELETE FROM option_groups WHERE id IN ($GROUPS)",
    "INSERT INTO option_groups SELECT * FROM jsonb_populate_recordset(NULL::option_groups, $ROWS -> 'groups')",
    "INSERT INTO options SELECT * FROM jsonb_populate_recordset(NULL::options, $ROWS -> 'options')",
    # A section that was added since and never had a dish leaves nothing behind.
    "DELETE FROM menu_sections s WHERE store_id = %(store)s AND removed AND name = id"
    " AND NOT EXISTS (SELECT FROM menu_items i WHERE i.section_id = s.id)",
    "DELETE FROM menu_undo WHERE store_id = %(store)s",
)  # fmt: skip


class _Id(msgspec.Struct, frozen=True):
    id: str


class Step(msgspec.Struct, frozen=True):
    """The change that can be taken back: what it was (as the audit trail says it), who made it, and when.

    The time names it: whoever presses "undo" means the change they saw, not one that somebody made since."""

    what: str
    by: str
    noted_at: datetime


async def remember(tx: Transaction, store_id: str, what: str, by: str) -> None:
    """Keep the menu as it is now; called before each change of the office, in its transaction."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    await tx.run(_REMEMBER, {"store": store_id, "what": what, "by": by})


async def last_step(rows: Rows, store_id: str) -> Step | None:
    """What could be taken back."""
    return await rows.maybe(
        Step, "SELECT what, by, noted_at FROM menu_undo WHERE store_id = %(store)s", {"store": store_id}
    )


async def take_back(tx: Transaction, store_id: str, seen: str = "") -> Step:
    """Put the menu back as it was before the last change. Raises `Conflict` when there is none, or none any more.

    `seen` is the time of the change that is meant, as `Step.noted_at` writes it; another one since stays."""
    await tx.value("SELECT version FROM menus WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    step = await last_step(tx, store_id)
    if step is None:
        raise Conflict("There is no change to take back.")
    if seen and seen != step.noted_at.isoformat():
        raise Conflict(CHANGED_SINCE, name=step.by)
    gone = [row.id for row in await tx.rows(_Id, _CHOICES, {"store": store_id})]
    for statement in _PUT_BACK:
        await tx.run(
            statement.replace("$ROWS", _ROWS).replace("$GROUPS", _GROUPS),
            {"store": store_id, "marks": step.what in _MARKS},
        )
    if step.what not in _MARKS:
        await tx.run(
            f"UPDATE options SET sold_out = id = ANY(%(gone)s) WHERE group_id IN ({_GROUPS})",  # noqa: S608
            {"gone": gone, "store": store_id},
        )
    await menu_changed(tx, store_id, "undone")
    return step
