"""Striking a part of a line from the bill: one of three teas. The part becomes a line of its own and is struck whole.

The kitchen sees the struck part where the dish was, and goes on with the rest; nothing is sent again."""

from __future__ import annotations

from saoma.food.model import Line, LineStatus
from saoma.food.orders import portions
from saoma.food.orders.discounts import shrink_line
from saoma.food.orders.ordering import void_line
from saoma.food.orders.tabs import line_of, locked_line
from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id

_COPIED = (
    "tab_id, store_id, item_id, station_id, name, name_zh, options, unit_amount, currency, status, guest_id, round,"
    " note, fingerprint, sent_by, created_at, sent_at, started_at, ready_at, served_at, course, hold, firing,"
    " fired_at, load"
)


async def void_pieces(tx: Transaction, line_id: str, quantity: int, by: str, reason: str, key: str) -> Line:
    """Strike `quantity` pieces of a sent dish, or all of it when there are no more; answers the line that is struck.

    `key` is the caller's idempotency key: a repeat answers what was struck. Raises `Invalid` without a reason, and
    `Conflict` when a payment holds or has paid the dish."""
    line = await locked_line(tx, line_id)
    key = f"{key}:{line_id}"
    struck = await tx.value("SELECT id FROM tab_lines WHERE tab_id = %(tab)s AND key = %(key)s", {
        "tab": line.tab_id, "key": key,
    })  # fmt: skip
    if struck is not None:
        return await line_of(tx, str(struck))
    if quantity < 1:
        raise Invalid("Say how many are struck from the bill.")
    if line.status is LineStatus.BASKET:
        raise Conflict("“{dish}” has not been sent yet.", dish=line.name, dish_zh=line.name_zh or line.name)
    if quantity >= line.quantity or line.paid_by is not None or line.status is LineStatus.VOID or not reason.strip():
        return await void_line(tx, line_id, by, reason)
    await shrink_line(tx, line, line.unit_amount * (line.quantity - quantity))
    part = new_id("line")
    await tx.run(
        f"INSERT INTO tab_lines (id, key, quantity, {_COPIED})"  # noqa: S608 - constant columns
        f" SELECT %(part)s, %(key)s, %(quantity)s, {_COPIED} FROM tab_lines WHERE id = %(line)s",
        {"part": part, "key": key, "quantity": quantity, "line": line_id},
    )
    await tx.run(
        "UPDATE tab_lines SET quantity = quantity - %(quantity)s WHERE id = %(line)s",
        {"line": line_id, "quantity": quantity},
    )
    await portions.split(tx, line_id, part, line.quantity - quantity)
    return await void_line(tx, part, by, reason)
