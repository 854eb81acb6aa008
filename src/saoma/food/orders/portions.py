"""How many of a dish are left: counted down as it is sold, never below zero, full again when the shop's day begins.

A line takes its portions when it is sent, or when it is about to be paid (`ordering.check_basket`), and only once; it
gives them back when it leaves the basket or is struck before the kitchen began it. Dishes are locked in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from saoma.food.menus.menu import menu, menu_changed
from saoma.food.model import Item, Line, Menu
from saoma.food.orders.refusals import too_few
from saoma.kit.db import Transaction
from saoma.kit.errors import Invalid, NotFound

#: More than a kitchen cooks of one dish a day.
MOST_PORTIONS: Final = 9_999
#: What was taken to be paid and was not is let go after this long, as soon as somebody else asks for the last one.
FORGOTTEN_AFTER: Final = timedelta(minutes=15)


class _Claim(msgspec.Struct):
    line_id: str
    item_id: str
    day: date
    quantity: int


async def claim(tx: Transaction, of: Menu, basket: Sequence[Line], at: datetime, *, paid: bool = False) -> None:
    """Take the portions of these lines for the day of `at`; what they took already is counted once.

    Raises `SoldOut`, saying how many are left. `paid`: never refuses, takes what there is. The tab is locked."""
    counted = {item.id: item for section in of.sections for item in section.items if _is_counted(item)}
    if not counted or not any(line.item_id in counted for line in basket):
        return
    day = of.local(at).date()
    wanted = [line for line in basket if line.item_id in counted and counted[line.item_id].left_on(day) is not None]
    mine = {each.line_id: each for each in await _claims(tx, [line.id for line in wanted])}
    # What was taken of another day is sold there again: the order was moved, or midnight came before it was paid.
    await _return(tx, [had for had in mine.values() if had.day != day])
    missing: Counter[str] = Counter()
    for line in wanted:
        had = mine.get(line.id)
        missing[line.item_id] += line.quantity - (had.quantity if had and had.day == day else 0)
    short: Counter[str] = Counter()
    for item_id in sorted(missing):
        if missing[item_id]:
            taken = await _take(tx, counted[item_id], day, missing[item_id], paid=paid)
            short[item_id] = missing[item_id] - taken
    # What was not there was not taken, and is not given back either: the last lines go without.
    has: dict[str, int] = {}
    for line in reversed(wanted):
        without = min(short[line.item_id], line.quantity)
        short[line.item_id] -= without
        has[line.id] = line.quantity - without
    await tx.run(
        "INSERT INTO portion_claims (line_id, item_id, day, quantity)"
        " SELECT l.id, l.item_id, %(day)s, h.quantity FROM tab_lines l"
        " JOIN unnest(%(lines)s::text[], %(has)s::int[]) AS h (id, quantity) ON h.id = l.id WHERE h.quantity > 0"
        " ON CONFLICT (line_id) DO UPDATE SET day = excluded.day, quantity = excluded.quantity,"
        " claimed_at = clock_timestamp()",
        {"lines": list(has), "has": list(has.values()), "day": day},
    )
    if any(missing.values()):
        await menu_changed(tx, of.store_id, "portions")


async def split(tx: Transaction, line_id: str, part_id: str, keeps: int) -> None:
    """A part of a line became a line of its own, which has what the `keeps` pieces that are left don't need."""
    await tx.run(
        "WITH had AS (SELECT * FROM portion_claims WHERE line_id = %(line)s AND quantity > %(keeps)s FOR UPDATE),"
        " part AS (INSERT INTO portion_claims (line_id, item_id, day, quantity, claimed_at)"
        " SELECT %(part)s, item_id, day, quantity - %(keeps)s, claimed_at FROM had)"
        " UPDATE portion_claims c SET quantity = %(keeps)s FROM had WHERE c.line_id = had.line_id",
        {"line": line_id, "part": part_id, "keeps": keeps},
    )


async def keep(tx: Transaction, line_ids: Sequence[str], until: datetime) -> None:
    """What these lines took is promised: it is not let go as forgotten before `until`, though they are not sent yet."""
    await tx.run(
        "UPDATE portion_claims SET claimed_at = %(until)s WHERE line_id = ANY(%(lines)s)",
        {"lines": list(line_ids), "until": until},
    )


async def give_back(tx: Transaction, store_id: str, line_ids: Iterable[str]) -> None:
    """These lines are not wanted any more: what they took can be sold again."""
    back = await _claims(tx, list(line_ids))
    if not back:
        return
    # As whoever sells does it: dishes first, in order, so that nobody waits in a circle.
    await tx.run(
        "SELECT 1 FROM portions WHERE item_id = ANY(%(items)s) ORDER BY item_id, day FOR UPDATE",
        {"items": [each.item_id for each in back]},
    )
    await _return(tx, back)
    await menu_changed(tx, store_id, "portions")


async def set_left(tx: Transaction, item_id: str, left: int | None, day: date) -> Item:
    """Say how many are left that day; None counts no more, until the next day brings `per_day` again.

    Raises `Invalid` for a number that is none of a kitchen, `NotFound`."""
    if left is not None and not 0 <= left <= MOST_PORTIONS:
        raise Invalid("Write how many are left: a number from 0 to {most}.", most=MOST_PORTIONS)
    store_id = await tx.value("SELECT store_id FROM menu_items WHERE id = %(id)s AND NOT retired", {"id": item_id})
    if store_id is None:
        raise NotFound("This dish is no longer on the menu.")
    values = {"item": item_id, "day": day, "left": left}
    if left is None:
        await tx.run("DELETE FROM portions WHERE item_id = %(item)s AND day = %(day)s", values)
    else:
        await tx.run(
            "INSERT INTO portions (item_id, day, left_over) VALUES (%(item)s, %(day)s, %(left)s)"
            " ON CONFLICT (item_id, day) DO UPDATE SET left_over = excluded.left_over",
            values,
        )
    await menu_changed(tx, store_id, "portions")
    item = (await menu(tx, store_id)).item(item_id)
    assert item is not None
    return item.as_of(day)


def _is_counted(item: Item) -> bool:
    return item.per_day is not None or bool(item.portions)


async def _claims(tx: Transaction, line_ids: list[str]) -> list[_Claim]:
    return await tx.rows(
        _Claim,
        "SELECT line_id, item_id, day, quantity FROM portion_claims WHERE line_id = ANY(%(lines)s) ORDER BY item_id",
        {"lines": line_ids},
    )


async def _take(tx: Transaction, item: Item, day: date, quantity: int, *, paid: bool) -> int:
    """Take `quantity` more (or give back, below zero) of one dish; answers how many were taken."""
    values = {"item": item.id, "day": day, "quantity": quantity, "per_day": item.per_day}
    await tx.run(
        "INSERT INTO portions (item_id, day, left_over) SELECT %(item)s, %(day)s, %(per_day)s::int"
        " WHERE %(per_day)s::int IS NOT NULL ON CONFLICT (item_id, day) DO NOTHING",
        values,
    )
    of_day = "SELECT left_over FROM portions WHERE item_id = %(item)s AND day = %(day)s FOR UPDATE"
    left: int | None = await tx.value(of_day, values)
    if left is not None and left < quantity and not paid:
        await _let_go_forgotten(tx, item.id, day)
        left = await tx.value(of_day, values)
    if left is not None and left < quantity and not paid:
        raise too_few(item.name, item.name_zh, left)
    taken = quantity if left is None else min(quantity, left)
    await tx.run(
        "UPDATE portions SET left_over = left_over - %(taken)s WHERE item_id = %(item)s AND day = %(day)s",
        values | {"taken": taken},
    )
    return taken


async def _let_go_forgotten(tx: Transaction, item_id: str, day: date) -> None:
    forgotten = await tx.rows(
        _Claim,
        "SELECT c.line_id, c.item_id, c.day, c.quantity FROM portion_claims c JOIN tab_lines l ON l.id = c.line_id"
        " WHERE c.item_id = %(item)s AND c.day = %(day)s AND l.status = 'basket'"
        " AND c.claimed_at < clock_timestamp() - %(after)s",
        {"item": item_id, "day": day, "after": FORGOTTEN_AFTER},
    )
    await _return(tx, forgotten)


async def _return(tx: Transaction, claims: Sequence[_Claim]) -> None:
    """Delete these claims and put back what the ones that were still there had taken."""
    for each in claims:
        await tx.run(
            "WITH gone AS (DELETE FROM portion_claims WHERE line_id = %(line)s RETURNING item_id, day, quantity)"
            " UPDATE portions p SET left_over = p.left_over + gone.quantity FROM gone"
            " WHERE p.item_id = gone.item_id AND p.day = gone.day",
            {"line": each.line_id},
        )
