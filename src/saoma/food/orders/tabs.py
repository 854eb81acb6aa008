"""A tab's rows: opening, reading, locking and ending it.

Whoever changes a tab or one of its lines locks the tab first (`locked`, `locked_line`, `lock_tabs_of`): so two phones
that press at once come one after the other, and two payments never wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from saoma.food.model import TAB, Line, Tab, TabEvent
from saoma.food.orders import portions
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, IllegalTransition, Invalid, NotFound
from saoma.kit.ids import new_id

LONGEST_NOTE: Final = 500


class LineId(msgspec.Struct):
    """The id of a row."""

    id: str


class JustSent(msgspec.Struct, frozen=True):
    """How many dishes somebody sent to the kitchen within the last minute, and in which round last."""

    dishes: int
    round: int


async def open_tab(tx: Transaction, store_id: str, channel: str, label: str) -> Tab:
    """Begin a tab in the currency of the store's menu. Raises `NotFound` when the store has no menu."""
    currency = await tx.value("SELECT currency FROM menus WHERE store_id = %(store)s", {"store": store_id})
    if currency is None:
        raise NotFound("This shop has no menu yet.")
    return await tx.one(
        Tab,
        "INSERT INTO tabs (id, store_id, channel, label, currency)"
        " VALUES (%(id)s, %(store)s, %(channel)s, %(label)s, %(currency)s) RETURNING *",
        {"id": new_id("tab"), "store": store_id, "channel": channel, "label": label, "currency": currency},
    )


async def tab(rows: Rows, tab_id: str) -> Tab:
    """The tab. Raises `NotFound`."""
    return await rows.one(Tab, "SELECT * FROM tabs WHERE id = %(tab)s", {"tab": tab_id})


async def lines(rows: Rows, tab_id: str) -> list[Line]:
    """All lines in the order they were added, voided ones too, except those taken out of the basket again."""
    return await rows.rows(
        Line,
        "SELECT * FROM tab_lines WHERE tab_id = %(tab)s AND (status <> 'void' OR round IS NOT NULL)"
        " ORDER BY created_at, id",
        {"tab": tab_id},
    )


async def just_sent(rows: Rows, tab_id: str, by: str) -> JustSent | None:
    """What `by` sent to the kitchen a moment ago and is still being made; None when there is nothing.

    By the database's clock, which also wrote the times."""
    found = await rows.one(
        JustSent,
        "SELECT coalesce(sum(quantity), 0)::int AS dishes, coalesce(max(round), 0) AS round FROM tab_lines"
        " WHERE tab_id = %(tab)s AND sent_by = %(by)s AND status IN ('sent', 'cooking', 'ready')"
        " AND sent_at > clock_timestamp() - interval '1 minute'",
        {"tab": tab_id, "by": by},
    )
    return found if found.dishes else None


async def pack(tx: Transaction, tab_id: str, *, to_go: bool) -> None:
    """Say whether what is ordered is taken along: the kitchen packs it accordingly."""
    await locked(tx, tab_id)
    await tx.run("UPDATE tabs SET to_go = %(to_go)s WHERE id = %(tab)s", {"tab": tab_id, "to_go": to_go})
    await told(tx, tab_id, "packed")


async def note_down(tx: Transaction, tab_id: str, note: str) -> None:
    """What the kitchen should know of the whole order; empty for nothing. Raises `Invalid` if it is too long."""
    text = " ".join(note.split())
    if len(text) > LONGEST_NOTE:
        raise Invalid("This note is too long. Use at most {most} letters.", most=LONGEST_NOTE)
    await locked(tx, tab_id)
    await tx.run("UPDATE tabs SET note = %(note)s WHERE id = %(tab)s", {"tab": tab_id, "note": text})
    await told(tx, tab_id, "note")


async def settle_tab(tx: Transaction, tab_id: str) -> Tab:
    """The tab is paid in full: takes no more orders until `reopen_tab`.

    Raises `Conflict` while a dish still waits in the basket: it would be lost."""
    at = await locked(tx, tab_id)
    waiting = await basket_lines(tx, tab_id, None)
    if waiting:
        raise Conflict(
            "“{dish}” is still in the basket. Send it or take it out first.",
            dish=waiting[0].name,
            dish_zh=waiting[0].name_zh or waiting[0].name,
        )
    return await _moved(tx, at, TabEvent.SETTLE)


async def reopen_tab(tx: Transaction, tab_id: str) -> Tab:
    """A settled tab takes orders again. Raises `Conflict` when it was closed."""
    return await _moved(tx, await locked(tx, tab_id), TabEvent.REOPEN)


async def close_tab(tx: Transaction, tab_id: str) -> Tab:
    """The guests left: what is still in the basket is dropped. Raises `Conflict` while a payment holds a line."""
    at = await locked(tx, tab_id)
    held = await tx.value(
        "SELECT name FROM tab_lines WHERE tab_id = %(tab)s AND paid_by IS NOT NULL AND NOT paid LIMIT 1",
        {"tab": tab_id},
    )
    if held is not None:
        raise Conflict("A payment is open on this bill. Wait until it has ended.")
    await tx.run(
        "DELETE FROM line_discounts s USING tab_lines l WHERE l.id = s.line_id AND l.tab_id = %(tab)s"
        " AND l.status = 'basket'",
        {"tab": tab_id},
    )
    dropped = await tx.rows(
        LineId,
        "UPDATE tab_lines SET status = 'void', voided_at = clock_timestamp(), void_reason = 'closed'"
        " WHERE tab_id = %(tab)s AND status = 'basket' RETURNING id",
        {"tab": tab_id},
    )
    await portions.give_back(tx, at.store_id, [row.id for row in dropped])
    return await _moved(tx, at, TabEvent.CLOSE)


async def locked(tx: Transaction, tab_id: str) -> Tab:
    """The tab, held by this transaction until it ends: whoever changes a tab or its lines begins here."""
    return await tx.one(Tab, "SELECT * FROM tabs WHERE id = %(tab)s FOR UPDATE", {"tab": tab_id})


async def lock_tabs_of(tx: Transaction, line_ids: Sequence[str]) -> list[str]:
    """Lock the tabs of these lines, always in the same order, so that two payments never wait for each other."""
    found = await tx.rows(
        LineId,
        "SELECT id FROM tabs WHERE id IN (SELECT tab_id FROM tab_lines WHERE id = ANY(%(lines)s))"
        " ORDER BY id FOR UPDATE",
        {"lines": list(line_ids)},
    )
    return [row.id for row in found]


async def line_of(rows: Rows, line_id: str) -> Line:
    """The line. Raises `NotFound`."""
    return await rows.one(Line, "SELECT * FROM tab_lines WHERE id = %(line)s", {"line": line_id})


async def locked_line(tx: Transaction, line_id: str) -> Line:
    """The line as it is once its tab is locked."""
    await locked(tx, (await line_of(tx, line_id)).tab_id)
    return await line_of(tx, line_id)


async def basket_lines(rows: Rows, tab_id: str, guest_id: str | None) -> list[Line]:
    """What waits in the basket, in the order it was added; only that guest's part with `guest_id`."""
    return await rows.rows(
        Line,
        "SELECT * FROM tab_lines WHERE tab_id = %(tab)s AND status = 'basket'"
        " AND (%(guest)s::text IS NULL OR guest_id = %(guest)s) ORDER BY created_at, id",
        {"tab": tab_id, "guest": guest_id},
    )


async def _moved(tx: Transaction, at: Tab, event: TabEvent) -> Tab:
    try:
        status = TAB.next(at.status, event)
    except IllegalTransition:
        raise Conflict("This bill is closed.") from None
    moved = await tx.one(
        Tab,
        "UPDATE tabs SET status = %(status)s, closed_at = CASE WHEN %(status)s = 'closed' THEN"
        " coalesce(closed_at, clock_timestamp()) END WHERE id = %(tab)s RETURNING *",
        {"tab": at.id, "status": status.value},
    )
    await told(tx, at.id, status)
    return moved


async def told(tx: Transaction, tab_id: str, why: str) -> None:
    """Tell every screen that shows this tab to look again."""
    await tx.tell(f"tab:{tab_id}", "lines", {"why": why})
