"""Moving a sitting to another table, and putting the bills of two tables together. Nothing is ordered or lost by it.

Dishes keep their ids and their kitchen state, so a ticket changes its table and is never fired again. A bill that was
put together with another is closed and points there (`merged_into`): its payments go on knowing where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from saoma.delivery import running
from saoma.food.orders import ordering
from saoma.food.orders.tabs import locked, told
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, NotFound
from saoma.marketing import applying
from saoma.payments.model import Payment, Refund
from saoma.payments.of_payable import payments_for, refunds_for
from saoma.restaurant import sittings
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.tables import next_party

NO_SUCH_TABLE: Final = "There is no such table here."
TAKEN: Final = "Somebody sits at table {name} already. Put the two bills together, or choose another table."
BEING_PAID: Final = "A payment is open on this bill. Wait until it has ended, then put the bills together."
SURPLUS_FIRST: Final = (
    "There is money on one of these bills that nobody owed. Give it back first, then put the bills together."
)
OVER: Final = "One of these bills is closed. Look at the tables again."
WITH_ITSELF: Final = "That is the same bill. Choose another table."


# -- what changes, pure ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """What counts of one bill when two become one: its people, its last round, the key of each dish (by line)."""

    guests: tuple[Guest, ...] = ()
    round: int = 0
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joining:
    """What changes about the people and dishes of a bill that goes into another.

    `seats` is the new seat by guest, `same` leads from somebody who sits at both tables to who they are at the other,
    `keys` is the new key by line, where the other bill has a dish with that key already."""

    rounds: int
    seats: Mapping[str, int]
    same: Mapping[str, str]
    keys: Mapping[str, str]


def joining(source: Side, target: Side) -> Joining:
    """What changes when `source` goes into `target`.

    Rounds are counted on from the target's last one, so that no two tickets become one; a person who is at both tables
    (the same Alipay user) stays one person; everybody else gets the next free seat in the order they sat down."""
    there = {guest.buyer_id: guest.id for guest in target.guests if guest.buyer_id}
    same = {guest.id: there[guest.buyer_id] for guest in source.guests if guest.buyer_id in there and guest.buyer_id}
    new = [guest for guest in sorted(source.guests, key=lambda guest: guest.seat) if guest.id not in same]
    first = max((guest.seat for guest in target.guests), default=0) + 1
    taken = set(target.keys.values())
    return Joining(
        rounds=target.round,
        seats={guest.id: first + place for place, guest in enumerate(new)},
        same=same,
        keys={line: f"{key}:{line}" for line, key in source.keys.items() if key in taken},
    )


# -- asking ----------------------------------------------------------------------------------------------------------

_LIVES_ON: Final = """
WITH RECURSIVE chain AS (
    SELECT id, merged_into FROM sittings WHERE id = %(id)s
    UNION ALL SELECT n.id, n.merged_into FROM chain c JOIN sittings n ON n.id = c.merged_into
) SELECT id FROM chain WHERE merged_into IS NULL
"""
_CAME_FROM: Final = """
WITH RECURSIVE parts AS (
    SELECT id FROM sittings WHERE id = %(id)s
    UNION ALL SELECT s.id FROM parts p JOIN sittings s ON s.merged_into = p.id
) SELECT id FROM parts
"""


class _Id(msgspec.Struct):
    id: str


async def lives_on(rows: Rows, sitting_id: str) -> str:
    """The sitting on whose bill everything of this one is now: itself, unless it was put together with another."""
    found = await rows.value(_LIVES_ON, {"id": sitting_id})
    return str(found) if found else sitting_id


async def bill_ids(rows: Rows, sitting_id: str) -> list[str]:
    """This sitting and every one that was put together with it: whose payments are on its bill."""
    return [row.id for row in await rows.rows(_Id, _CAME_FROM, {"id": sitting_id})]


async def payments_on(rows: Rows, kind: str, sitting_id: str) -> list[Payment]:
    """Every payment of a bill, those of bills that were put together with it, too; the oldest first."""
    return await payments_for(rows, kind, *await bill_ids(rows, sitting_id))


async def refunds_on(rows: Rows, kind: str, sitting_id: str) -> list[Refund]:
    """Every refund of a bill's payments, as `payments_on` finds them."""
    return await refunds_for(rows, kind, *await bill_ids(rows, sitting_id))


async def lock_bill(tx: Transaction, sitting_id: str) -> Sitting:
    """The sitting that has this one's bill now, locked: what payments of a bill that went into another must touch."""
    held = await sittings.lock(tx, sitting_id)
    while held.merged_into is not None:
        held = await sittings.lock(tx, held.merged_into)
    return held


class Elsewhere(msgspec.Struct, frozen=True):
    """The table to which somebody's sitting has gone."""

    table_id: str
    code: str


_ELSEWHERE: Final = """
WITH RECURSIVE chain AS (
    SELECT s.id, s.merged_into, s.table_id, s.status FROM guests g JOIN sittings s ON s.id = g.sitting_id
    WHERE g.id = %(guest)s
    UNION ALL
    SELECT n.id, n.merged_into, n.table_id, n.status FROM chain c JOIN sittings n ON n.id = c.merged_into
) SELECT t.id AS table_id, t.code FROM chain c JOIN dining_tables t ON t.id = c.table_id
  WHERE c.status = 'open' AND t.id <> %(table)s AND t.retired_at IS NULL
"""


async def went_to(rows: Rows, guest_id: str, table_id: str) -> Elsewhere | None:
    """Where the party of a guest who sat down at `table_id` is now; None unless staff moved it and it is not over."""
    return await rows.maybe(Elsewhere, _ELSEWHERE, {"guest": guest_id, "table": table_id})


# -- doing -----------------------------------------------------------------------------------------------------------


class _TableRow(msgspec.Struct):
    id: str
    name: str


async def _tables(tx: Transaction, store_id: str, ids: Iterable[str]) -> dict[str, str]:
    """The names of these tables, locked in one order as whoever sits down locks them. Raises `NotFound`."""
    wanted = sorted(set(ids))
    found = await tx.rows(
        _TableRow,
        "SELECT id, name FROM dining_tables WHERE id = ANY(%(ids)s) AND store_id = %(store)s AND retired_at IS NULL"
        " ORDER BY id FOR UPDATE",
        {"ids": wanted, "store": store_id},
    )
    if len(found) != len(wanted):
        raise NotFound(NO_SUCH_TABLE)
    return {row.id: row.name for row in found}


async def move(tx: Transaction, store_id: str, sitting_id: str, table_id: str) -> Sitting:
    """Seat a sitting at another, free table of the store: people, dishes, basket, bill and open payments go along.

    A repeat changes nothing. Raises `Conflict` when the sitting is over or somebody sits there, `NotFound`."""
    seen = await _of_store(tx, store_id, sitting_id)
    names = await _tables(tx, store_id, {seen.table_id, table_id})
    held = await sittings.lock(tx, sitting_id)
    if not held.is_open:
        raise Conflict(OVER)
    if held.table_id == table_id:
        return held
    if held.table_id != seen.table_id:
        raise Conflict(OVER)
    taken = await tx.value("SELECT 1 FROM sittings WHERE table_id = %(id)s AND status = 'open'", {"id": table_id})
    if taken:
        raise Conflict(TAKEN, name=names[table_id])
    await tx.run("UPDATE sittings SET table_id = %(to)s WHERE id = %(id)s", {"id": sitting_id, "to": table_id})
    for each in sorted((held.table_id, table_id)):
        await next_party(tx, each)  # what proved to be at either table proves nothing now
    await locked(tx, held.tab_id)
    await tx.run("UPDATE tabs SET label = %(name)s WHERE id = %(id)s", {"id": held.tab_id, "name": names[table_id]})
    await told(tx, held.tab_id, "moved")
    await _tell(tx, held)
    return await sittings.sitting(tx, sitting_id)


async def merge(tx: Transaction, store_id: str, source_id: str, target_id: str, now: datetime, by: str) -> Sitting:
    """Put the bill of one table together with another's; answers that one. Its own table is free afterwards.

    A repeat changes nothing. Raises `Conflict` while a payment is open on the bill that goes, while money that nobody
    owed is on one of them, or when one is over; `NotFound`."""
    if source_id == target_id:
        raise Conflict(WITH_ITSELF)
    first, second = await _of_store(tx, store_id, source_id), await _of_store(tx, store_id, target_id)
    await _tables(tx, store_id, {first.table_id, second.table_id})
    both = {id: await sittings.lock(tx, id) for id in sorted((source_id, target_id))}
    source, target = both[source_id], both[target_id]
    if source.merged_into == target_id:
        return target
    if not source.is_open or not target.is_open:
        raise Conflict(OVER)
    bills = [await sittings.bill_of(tx, each) for each in (source, target)]
    if bills[0].held:
        raise Conflict(BEING_PAID)
    if any(bill.surplus for bill in bills):
        raise Conflict(SURPLUS_FIRST)  # together, one table's surplus would pay the other's dishes
    for tab_id in sorted((source.tab_id, target.tab_id)):
        await locked(tx, tab_id)
    change = joining(await _side(tx, source), await _side(tx, target))
    await _carry_over(tx, source, target, change)
    await applying.put_together(tx, source.tab_id, target.tab_id)
    await running.put_together(tx, source.tab_id, target.tab_id)
    await tx.run(
        "UPDATE sittings SET status = 'closed', closed_at = %(now)s, closed_by = %(by)s, due_at = NULL,"
        " merged_into = %(target)s WHERE id = %(id)s",
        {"id": source_id, "now": now, "by": by, "target": target_id},
    )
    await next_party(tx, source.table_id)
    await ordering.close_tab(tx, source.tab_id)
    await sittings.take_more(tx, target_id, now)
    await sittings.reckon(tx, target, now)
    await told(tx, target.tab_id, "moved")
    await _tell(tx, target)
    await _tell(tx, source)
    return await sittings.sitting(tx, target_id)


async def _of_store(tx: Transaction, store_id: str, sitting_id: str) -> Sitting:
    found = await sittings.sitting(tx, sitting_id)
    if found.store_id != store_id:
        raise NotFound(NO_SUCH_TABLE)
    return found


class _Key(msgspec.Struct):
    id: str
    key: str


async def _side(tx: Transaction, of: Sitting) -> Side:
    keys: Sequence[_Key] = await tx.rows(
        _Key, "SELECT id, key FROM tab_lines WHERE tab_id = %(tab)s", {"tab": of.tab_id}
    )
    return Side(
        guests=tuple(await sittings.guests(tx, of.id)),
        round=(await ordering.tab(tx, of.tab_id)).round,
        keys={row.id: row.key for row in keys},
    )


async def _carry_over(tx: Transaction, source: Sitting, target: Sitting, change: Joining) -> None:
    given = {
        "from": source.tab_id,
        "to": target.tab_id,
        "sitting": source.id,
        "target": target.id,
        "rounds": change.rounds,
        "seats": json_column(dict(change.seats)),
        "same": json_column(dict(change.same)),
        "keys": json_column(dict(change.keys)),
    }
    await tx.run(
        "UPDATE guests SET sitting_id = %(target)s, seat = (%(seats)s::jsonb ->> id)::int"
        " WHERE sitting_id = %(sitting)s AND %(seats)s::jsonb ? id",
        given,
    )
    await tx.run(
        "UPDATE tab_lines SET tab_id = %(to)s, round = round + %(rounds)s,"
        " key = coalesce(%(keys)s::jsonb ->> id, key),"
        " guest_id = coalesce(%(same)s::jsonb ->> guest_id, guest_id),"
        " for_guest = coalesce(%(same)s::jsonb ->> for_guest, for_guest) WHERE tab_id = %(from)s",
        given,
    )
    await tx.run(
        "UPDATE tab_discounts d SET tab_id = %(to)s, key = CASE WHEN EXISTS (SELECT FROM tab_discounts o"
        " WHERE o.tab_id = %(to)s AND o.key = d.key) THEN d.key || ':' || d.id ELSE d.key END WHERE tab_id = %(from)s",
        given,
    )
    await tx.run(
        "UPDATE tabs SET round = round + (SELECT round FROM tabs WHERE id = %(from)s) WHERE id = %(to)s", given
    )
    await tx.run(
        "UPDATE bill_shares SET sitting_id = %(target)s, guest_id = coalesce(%(same)s::jsonb ->> guest_id, guest_id)"
        " WHERE sitting_id = %(sitting)s",
        given,
    )


async def _tell(tx: Transaction, of: Sitting) -> None:
    await tx.tell(of.topic, "guests")
    await tx.tell(of.topic, "bill")
    await tx.tell(f"till:{of.store_id}", "bill", {"sitting": of.id})
    await tx.tell(f"kitchen:{of.store_id}", "tickets", {"why": "moved"})
