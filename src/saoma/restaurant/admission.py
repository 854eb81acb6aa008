"""Who may send dishes to the kitchen from a table: a scan asks, somebody or something at the table proves.

Whoever is not let in yet sees the menu and fills a basket of their own, and nothing of the others at the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.kit.seal import Seal
from saoma.restaurant import sittings
from saoma.restaurant.codes import NO_MORE_WORDS, WRONG_WORD, WRONG_WORDS, is_word
from saoma.restaurant.model import Guest, Place, Sitting, Strength
from saoma.restaurant.sittings import Meal

TURNED_AWAY: Final = "The staff did not find you at this table. Ask them if that is wrong."
NOT_IN_YET: Final = "Somebody who orders at this table, or the staff, must let you in first."
LET_THEM_IN: Final = "These dishes are of somebody who was not let in yet. Let them in first."
NOBODY_WAITS: Final = "Nobody waits here any more."


def may_order(strength: Strength, guest: Guest) -> bool:
    """Whether this guest's dishes go to the kitchen when sent."""
    return strength is Strength.OPEN or guest.admitted_at is not None


def veiled(meal: Meal, me: Guest, strength: Strength) -> Meal:
    """What a phone may see of a table: all of it once it is let in, before that only what it chose itself."""
    if may_order(strength, me):
        return meal
    own = tuple(line for line in meal.lines if line.guest_id == me.id and line.status is LineStatus.BASKET)
    return replace(meal, guests=(me,), lines=own, shares=(), ready_about=None)


def whose_round(meal: Meal, me: Guest, strength: Strength) -> list[str | None]:
    """Whose dishes one press sends, each as its own round; None is everybody's at once.

    Dishes of somebody who was not let in stay where they are, whoever presses."""
    if strength is Strength.OPEN:
        return [None]
    chosen = {line.guest_id for line in meal.basket}
    outside = {guest.id for guest in meal.guests if not may_order(strength, guest)}
    if not chosen & outside:
        return [None]
    return [guest.id for guest in meal.guests if guest.id in chosen - outside]


class Knock(msgspec.Struct, frozen=True):
    """Somebody who wants to order and was not let in yet, as the till shows it. `amount` in minor units."""

    guest_id: str
    sitting_id: str
    tab_id: str
    store_id: str
    table_name: str
    seat: int
    name: str
    knocked_at: datetime
    dishes: int
    amount: int
    currency: str

    @property
    def money(self) -> Money:
        """What they have chosen comes to."""
        return Money(self.amount, self.currency)


_KNOCKS: Final = """
SELECT g.id AS guest_id, s.id AS sitting_id, s.tab_id, s.store_id, t.name AS table_name, g.seat, g.name, g.knocked_at,
    s.currency, coalesce(sum(l.quantity), 0)::bigint AS dishes,
    coalesce(sum(l.amount - l.discount), 0)::bigint AS amount
FROM guests AS g JOIN sittings AS s ON s.id = g.sitting_id JOIN dining_tables AS t ON t.id = s.table_id
LEFT JOIN tab_lines AS l ON l.tab_id = s.tab_id AND l.guest_id = g.id AND l.status = 'basket'
WHERE s.store_id = %(store)s AND s.status = 'open' AND g.knocked_at IS NOT NULL AND g.admitted_at IS NULL
    AND g.turned_away_at IS NULL
GROUP BY g.id, s.id, t.id ORDER BY g.knocked_at, g.id
"""


async def knocks(rows: Rows, store_id: str) -> list[Knock]:
    """Who waits to be let in at a store, the longest first."""
    return await rows.rows(Knock, _KNOCKS, {"store": store_id})


async def sitting_with(rows: Rows, store_id: str, guest_id: str) -> Sitting:
    """The sitting of a guest of this store. Raises `NotFound` for anybody else's."""
    sitting_id = await rows.value(
        "SELECT s.id FROM guests g JOIN sittings s ON s.id = g.sitting_id"
        " WHERE g.id = %(guest)s AND s.store_id = %(store)s",
        {"guest": guest_id, "store": store_id},
    )
    if sitting_id is None:
        raise NotFound(NOBODY_WAITS)
    return await sittings.sitting(rows, str(sitting_id))


async def knock(tx: Transaction, sitting: Sitting, guest: Guest, now: datetime) -> None:
    """Ask staff and the table to be let in; asking again changes nothing. Raises `NotAllowed` once turned away."""
    if guest.turned_away_at is not None:
        raise NotAllowed(TURNED_AWAY)
    await tx.run(
        "UPDATE guests SET knocked_at = coalesce(knocked_at, %(now)s) WHERE id = %(id)s", {"id": guest.id, "now": now}
    )
    await _told(tx, sitting.id, sitting.store_id)


async def _told(tx: Transaction, sitting_id: str, store_id: str) -> None:
    await tx.tell(f"sitting:{sitting_id}", "guests")
    await tx.tell(f"till:{store_id}", "knock", {"sitting": sitting_id})


async def admit(tx: Transaction, sitting: Sitting, guest_id: str, by: str, now: datetime) -> bool:
    """Let somebody in; whether that is news. Raises `NotFound` for a guest of another sitting."""
    found = await tx.maybe(
        Guest,
        "SELECT id, sitting_id, seat, buyer_id, name, admitted_at, knocked_at, turned_away_at FROM guests"
        " WHERE id = %(id)s AND sitting_id = %(sitting)s FOR UPDATE",
        {"id": guest_id, "sitting": sitting.id},
    )
    if found is None:
        raise NotFound(NOBODY_WAITS)
    if found.admitted_at is not None:
        return False
    await tx.run(
        "UPDATE guests SET admitted_at = %(now)s, admitted_by = %(by)s, turned_away_at = NULL WHERE id = %(id)s",
        {"id": guest_id, "now": now, "by": by},
    )
    await _told(tx, sitting.id, sitting.store_id)
    return True


async def let_in(db: Database, sitting: Sitting, guest_id: str, by: str, now: datetime) -> bool:
    """Let somebody in and send the round they had asked to send; whether this press did it.

    What can't be sent as it was seen stays in the basket, and their own phone tells why when they press again."""
    async with db.transaction() as tx:
        held = await sittings.take_more(tx, sitting.id, now)
        news = await admit(tx, held, guest_id, by, now)
    if not news:
        return False
    try:
        await ordering.order(db, sitting.tab_id, guest_id, guest_id, at=now)
    except Refused:
        return True
    async with db.transaction() as tx:
        await sittings.reckon(tx, await sittings.lock(tx, sitting.id), now)
    return True


async def turn_away(tx: Transaction, sitting: Sitting, guest_id: str, now: datetime) -> None:
    """Nobody is there: what they chose is taken out of the basket, and they may not ask again at this sitting.

    Raises `Conflict` for somebody who was let in meanwhile."""
    turned = await tx.run(
        "UPDATE guests SET turned_away_at = coalesce(turned_away_at, %(now)s)"
        " WHERE id = %(id)s AND sitting_id = %(sitting)s AND admitted_at IS NULL",
        {"id": guest_id, "sitting": sitting.id, "now": now},
    )
    if not turned:
        raise Conflict(NOBODY_WAITS)
    for line in await ordering.lines(tx, sitting.tab_id):
        if line.guest_id == guest_id and line.status is LineStatus.BASKET:
            await ordering.set_quantity(tx, line.id, 0, guest_id)
    await _told(tx, sitting.id, sitting.store_id)


async def try_word(db: Database, seal: Seal, place: Place, typed: str) -> None:
    """Pass if `typed` is the word of the table's party now. Wrong ones are counted until the next party comes.

    Raises `NotAllowed`."""
    async with db.transaction() as tx:
        wrong = await tx.value(
            "INSERT INTO table_turns (table_id) VALUES (%(id)s)"
            " ON CONFLICT (table_id) DO UPDATE SET table_id = excluded.table_id RETURNING wrong_words",
            {"id": place.table_id},
        )
        if int(wrong) >= WRONG_WORDS:
            raise NotAllowed(NO_MORE_WORDS)
        right = is_word(seal, place.table_id, place.turn, typed)
        if not right:
            await tx.run(
                "UPDATE table_turns SET wrong_words = wrong_words + 1 WHERE table_id = %(id)s", {"id": place.table_id}
            )
    if not right:
        raise NotAllowed(WRONG_WORD)


def waiting_beside(guests: Sequence[Guest], me: Guest | None) -> list[Guest]:
    """Who asks those at the table to be let in."""
    if me is None or me.admitted_at is None:
        return []
    return [
        guest
        for guest in guests
        if guest.knocked_at is not None and guest.admitted_at is None and guest.turned_away_at is None
    ]
