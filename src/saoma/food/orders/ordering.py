"""Tabs and their lines: adding, changing, sending to the kitchen, and being held and paid by payments.

Every function here runs in the caller's transaction and locks the tab first, so that two phones pressing at once come
one after the other; a repeated request (same key) changes nothing and answers the same.

Each change tells the live topic `tab:<tab_id>` (kind `lines`); sending and voids also tell `kitchen:<store_id>`
(kind `tickets`)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from saoma.food.card import NotOffered
from saoma.food.menus.menu import menu
from saoma.food.model import Line, LineStatus, Tab, TabStatus
from saoma.food.orders import courses, discounts, portions
from saoma.food.orders.paying import Payer, hold_lines, pay_lines, release_lines
from saoma.food.orders.pricing import MOST_OF_ONE, line_price
from saoma.food.orders.quoting import NoneLeft, Quoted, channel_of, quote_item, quote_line
from saoma.food.orders.refusals import NotNow, PriceChanged, SoldOut, must_be_as_seen, not_offered, sold_out, too_few
from saoma.food.orders.tabs import (
    LONGEST_NOTE,
    basket_lines,
    close_tab,
    just_sent,
    line_of,
    lines,
    locked,
    locked_line,
    open_tab,
    reopen_tab,
    settle_tab,
    tab,
    told,
)
from saoma.kit.db import Database, Transaction, json_column
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.ids import new_id

__all__ = [
    "LONGEST_NOTE",
    "NotNow",
    "Payer",
    "PriceChanged",
    "SoldOut",
    "add_line",
    "check_basket",
    "close_tab",
    "fire",
    "hold_lines",
    "just_sent",
    "line_of",
    "lines",
    "open_tab",
    "order",
    "pay_lines",
    "release_lines",
    "reopen_tab",
    "requote",
    "send",
    "set_quantity",
    "settle_tab",
    "tab",
    "void_line",
]


class _Keyed(msgspec.Struct):
    id: str
    fingerprint: str


async def add_line(
    tx: Transaction,
    tab_id: str,
    item_id: str,
    option_ids: Sequence[str],
    quantity: int,
    guest_id: str,
    note: str,
    key: str,
    *,
    at: datetime | None = None,
    for_guest: str = "",
) -> Line:
    """Put a dish into the basket at today's price. `guest_id` "" is staff. `key` is the caller's idempotency key.
    What staff choose for somebody (`for_guest`) is that guest's from sending on.

    `at` is the moment it is ordered for (now, when nobody says), which decides whether it is served then. The same key
    with the same content answers the line it made; with other content `Conflict`. Raises `SoldOut`, `NotNow`,
    `Invalid` (choices, quantity, a note over 500 letters), `NotFound` (no such dish here, or hidden) and `Conflict` if
    the tab is not open."""
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        raise Invalid("This note is too long. Use at most {most} letters.", most=LONGEST_NOTE)
    on = await locked(tx, tab_id)
    whose = [for_guest] if for_guest else []
    content = msgspec.json.encode([item_id, sorted(option_ids), quantity, guest_id, note, *whose])
    fingerprint = hashlib.sha256(content).hexdigest()
    earlier = await tx.maybe(
        _Keyed,
        "SELECT id, fingerprint FROM tab_lines WHERE tab_id = %(tab)s AND key = %(key)s",
        {"tab": tab_id, "key": key},
    )
    if earlier is not None:
        if earlier.fingerprint != fingerprint:
            raise Conflict("This dish was already added in another way. Look at the basket and add it again.")
        return await line_of(tx, earlier.id)
    _must_take_orders(on)
    now = await menu(tx, on.store_id)
    item = now.offer(item_id, channel_of(on.channel, guest_id), await _moment(tx, at))
    if item is None:
        raise NotFound("This dish is no longer on the menu.")
    if isinstance(item, NotOffered):
        raise not_offered(item)
    line_price(item, (), quantity)
    quote = quote_item(item, list(option_ids))
    match quote:
        case NoneLeft():
            raise sold_out(quote)
        case Quoted():
            pass
        case _:
            assert_never(quote)
    if item.left is not None and item.left < quantity:
        raise too_few(item.name, item.name_zh, item.left)
    line = await tx.one(
        Line,
        """INSERT INTO tab_lines (id, tab_id, store_id, item_id, name, name_zh, options, quantity, unit_amount,
                currency, guest_id, for_guest, note, key, fingerprint)
            VALUES (%(id)s, %(tab)s, %(store)s, %(item)s, %(name)s, %(name_zh)s, %(options)s, %(quantity)s, %(unit)s,
                %(currency)s, %(guest)s, %(for_guest)s, %(note)s, %(key)s, %(fingerprint)s)
            RETURNING *""",
        {
            "id": new_id("line"),
            "tab": tab_id,
            "store": on.store_id,
            "item": item_id,
            "name": item.name,
            "name_zh": item.name_zh,
            "options": json_column(quote.options),
            "quantity": quantity,
            "unit": quote.unit.minor,
            "currency": quote.unit.currency,
            "guest": guest_id,
            "for_guest": for_guest,
            "note": note,
            "key": key,
            "fingerprint": fingerprint,
        },
    )
    await told(tx, tab_id, "basket")
    return line


async def set_quantity(tx: Transaction, line_id: str, quantity: int, guest_id: str | None) -> Line | None:
    """Change how many are in the basket; 0 takes the line out and answers None.

    Only the guest who added it may (`guest_id` None: staff, who may change any). Raises `NotAllowed`, `NotFound`,
    `Invalid`, and `Conflict` once it was sent."""
    if not 0 <= quantity <= MOST_OF_ONE:
        raise Invalid("Choose between 1 and {most}, or 0 to take it out.", most=MOST_OF_ONE)
    line = await locked_line(tx, line_id)
    if guest_id is not None and line.guest_id != guest_id:
        raise NotAllowed("Only the person who added this dish can change it.")
    if line.status is LineStatus.VOID and line.round is None and quantity == 0:
        return None
    if line.status is not LineStatus.BASKET:
        raise Conflict(
            "“{dish}” has already been sent. Ask the staff to change it.",
            dish=line.name,
            dish_zh=line.name_zh or line.name,
        )
    if quantity == 0:
        await discounts.forget_line(tx, line)
        await tx.run(
            "UPDATE tab_lines SET status = 'void', voided_at = clock_timestamp(), void_reason = 'taken out'"
            " WHERE id = %(line)s AND status = 'basket'",
            {"line": line_id},
        )
        await told(tx, line.tab_id, "basket")
        await portions.give_back(tx, (await tab(tx, line.tab_id)).store_id, [line_id])
        return None
    await discounts.shrink_line(tx, line, line.unit_amount * quantity)
    await tx.run(
        "UPDATE tab_lines SET quantity = %(quantity)s WHERE id = %(line)s AND status = 'basket'",
        {"line": line_id, "quantity": quantity},
    )
    await told(tx, line.tab_id, "basket")
    return await line_of(tx, line_id)


async def send(
    tx: Transaction,
    tab_id: str,
    by: str,
    guest_id: str | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str] | None = None,
) -> list[Line]:
    """Send the basket (or with `guest_id` only that guest's part, with `only` only these lines of it) as the next
    round; answers what was sent.

    Freezes prices; at a table a later course waits for the earlier ones (`food.courses`). An empty basket, because
    somebody else was quicker, answers an empty list. All or nothing: raises `SoldOut` (too few left, too), `NotNow` or
    `PriceChanged` naming the dish, `Conflict` when the tab is not open. `at`: as of `add_line`."""
    on = await locked(tx, tab_id)
    basket = [line for line in await basket_lines(tx, tab_id, guest_id) if only is None or line.id in only]
    if not basket:
        return []
    await _can_be_sold(tx, on, basket, at)
    return await _sent(tx, on, basket, by)


async def check_basket(tx: Transaction, tab_id: str, *, at: datetime | None = None) -> None:
    """Say whether the basket can be sold as it was seen, and keep its counted dishes for it; raises as `send` does.

    For orders that are paid first: ask this before money is asked for, then `fire` when the money is there."""
    on = await locked(tx, tab_id)
    await _can_be_sold(tx, on, await basket_lines(tx, tab_id, None), at)


async def _can_be_sold(tx: Transaction, on: Tab, basket: Sequence[Line], at: datetime | None) -> None:
    _must_take_orders(on)
    now, moment = await menu(tx, on.store_id), await _moment(tx, at)
    must_be_as_seen(basket, now, on, moment)
    await portions.claim(tx, now, basket, moment)


async def _moment(tx: Transaction, at: datetime | None) -> datetime:
    if at is None:
        at = await tx.value("SELECT clock_timestamp()")
        assert at is not None
    return at


async def fire(tx: Transaction, tab_id: str, by: str, *, at: datetime | None = None) -> list[Line]:
    """Send a basket that is paid, at the prices that were paid: it is not refused for what the menu says meanwhile.

    Once: an empty basket answers an empty list."""
    on = await locked(tx, tab_id)
    basket = await basket_lines(tx, tab_id, None)
    if not basket:
        return []
    await portions.claim(tx, await menu(tx, on.store_id), basket, await _moment(tx, at), paid=True)
    return await _sent(tx, on, basket, by)


async def _sent(tx: Transaction, at: Tab, basket: Sequence[Line], by: str) -> list[Line]:
    """Freeze these lines as the tab's next round and tell the kitchen; the tab is locked."""
    tab_id = at.id
    sent = await tx.rows(
        Line,
        """WITH basket AS (
                SELECT id FROM tab_lines
                WHERE tab_id = %(tab)s AND status = 'basket' AND id = ANY(%(lines)s) ORDER BY id FOR UPDATE
            ), next AS (
                UPDATE tabs SET round = round + 1
                WHERE id = %(tab)s AND status = 'open' AND EXISTS (SELECT FROM basket) RETURNING round
            )
            UPDATE tab_lines SET status = 'sent', round = next.round, sent_at = clock_timestamp(), sent_by = %(by)s,
                unit_amount_before = NULL, station_id = made.station_id, course = made.course,
                guest_id = CASE WHEN for_guest <> '' THEN for_guest ELSE guest_id END
            FROM next, (SELECT i.id AS item_id, coalesce(i.station_id, s.station_id) AS station_id, s.course
                FROM menu_items i JOIN menu_sections s ON s.id = i.section_id
                WHERE i.store_id = %(store)s) AS made
            WHERE tab_lines.id IN (SELECT id FROM basket) AND made.item_id = tab_lines.item_id
            RETURNING tab_lines.*""",
        {"tab": tab_id, "by": by, "store": at.store_id, "lines": [line.id for line in basket]},
    )
    order_of = {line.id: number for number, line in enumerate(basket)}
    sent.sort(key=lambda line: order_of[line.id])
    if sent:
        sent = await courses.hold_back(tx, at, sent)
        await told(tx, tab_id, "sent")
        await tx.tell(f"kitchen:{at.store_id}", "tickets", {"why": "sent"})
    return sent


async def requote(tx: Transaction, tab_id: str, *, at: datetime | None = None) -> list[Line]:
    """Put today's prices into the basket; answers the lines that changed, with `unit_amount_before`."""
    on = await locked(tx, tab_id)
    now, moment = await menu(tx, on.store_id), await _moment(tx, at)
    changed = []
    for line in await basket_lines(tx, tab_id, None):
        quote = quote_line(line, now, on.channel, moment, counted=False)
        if isinstance(quote, Quoted) and quote.unit != line.unit_money:
            await discounts.shrink_line(tx, line, quote.unit.minor * line.quantity)
            changed.append(
                await tx.one(
                    Line,
                    "UPDATE tab_lines SET unit_amount_before = coalesce(unit_amount_before, unit_amount),"
                    " unit_amount = %(unit)s, options = %(options)s WHERE id = %(line)s RETURNING *",
                    {"line": line.id, "unit": quote.unit.minor, "options": json_column(quote.options)},
                )
            )
    if changed:
        await told(tx, tab_id, "prices")
    return changed


async def order(
    db: Database,
    tab_id: str,
    by: str,
    guest_id: str | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str] | None = None,
) -> list[Line]:
    """The whole press of a button: `send` in its own transaction; on `PriceChanged` the basket is requoted before the
    refusal goes on, so that the guest sees the new prices and the next press sends. Screens call this."""
    try:
        async with db.transaction() as tx:
            return await send(tx, tab_id, by, guest_id, at=at, only=only)
    except PriceChanged:
        async with db.transaction() as tx:
            await requote(tx, tab_id, at=at)
        raise


async def void_line(tx: Transaction, line_id: str, by: str, reason: str) -> Line:
    """Strike a sent dish from the bill, with a reason. Raises `Conflict` when a payment holds or has paid it."""
    if not reason.strip():
        raise Invalid("Say why this dish is struck from the bill.")
    line = await locked_line(tx, line_id)
    if line.status is LineStatus.VOID:
        return line
    if line.paid_by is not None:
        text = (
            "“{dish}” has been paid. Give the money back with a refund instead."
            if line.paid
            else "Someone is paying for “{dish}” right now. Wait until that has ended."
        )
        raise Conflict(text, dish=line.name, dish_zh=line.name_zh or line.name)
    await discounts.forget_line(tx, line)
    void = await tx.one(
        Line,
        "UPDATE tab_lines SET status = 'void', voided_at = clock_timestamp(), void_reason = %(reason)s,"
        " void_by = %(by)s WHERE id = %(line)s RETURNING *",
        {"line": line_id, "reason": reason.strip()[:LONGEST_NOTE], "by": by},
    )
    await told(tx, line.tab_id, "void")
    if line.status is not LineStatus.BASKET:
        store_id = (await tab(tx, line.tab_id)).store_id
        if line.status is LineStatus.SENT:
            await portions.give_back(tx, store_id, [line_id])
        await courses.fire_due(tx, store_id, line.tab_id)
        await tx.tell(f"kitchen:{store_id}", "tickets", {"why": "void"})
    return void


def _must_take_orders(at: Tab) -> None:
    match at.status:
        case TabStatus.OPEN:
            return
        case TabStatus.SETTLED:
            raise Conflict("This bill is paid. Scan the table code again to order more.")
        case TabStatus.CLOSED:
            raise Conflict("This bill is closed. Scan the table code again to order.")
        case _:
            assert_never(at.status)
