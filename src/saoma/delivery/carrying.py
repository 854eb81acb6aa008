"""What couriers and dispatchers do to a delivery: take, assign, pick up, hand over, fail, bring back.

Every press can be repeated: what names a delivery finds it moved on, and "take next" carries a key, so that a finger
that presses twice takes one."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from saoma.delivery.deliveries import COLUMNS, delivery_at, moved, tell
from saoma.delivery.expecting import NEAR_METRES, proposed_refund
from saoma.delivery.model import DELIVERY, REASON_NAMES, Delivery, Reason, Stage, Step
from saoma.delivery.quoting import rules
from saoma.delivery.zones import Point, metres_between
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.food.orders.tabs import locked
from saoma.identity import model
from saoma.identity.model import Staff
from saoma.identity.roles import May
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.money import Money, total
from saoma.payments.cases import Kind, Move, open_case
from saoma.payments.lifecycle import Status
from saoma.payments.of_payable import payments_for

#: What the room of an order does when its delivery is over, in the same transaction: order id, how it ended, who, when.
#: The composition hands them over by kind of order; an order whose room does nothing is in none.
Ended = Mapping[str, Callable[[Transaction, str, Stage, str, datetime], Awaitable[None]]]

#: Who guesses a code so often has not heard it from the customer.
MOST_WRONG_CODES: Final = 5
_GUESSED: Final = "Too many wrong codes. Write with whom you leave it instead."
_NOT_YOURS: Final = "Somebody else brings this order now. Look at your list again."

#: Whether the food can be carried: the kitchen's word where the dishes are known here.
READY: Final = """
(d.ready_at IS NOT NULL OR (d.tab_id IS NOT NULL
    AND EXISTS (SELECT FROM tab_lines AS l WHERE l.tab_id = d.tab_id AND l.status IN ('ready', 'served'))
    AND NOT EXISTS (SELECT FROM tab_lines AS l WHERE l.tab_id = d.tab_id
                    AND l.status IN ('basket', 'sent', 'cooking'))))
"""


class Card(Delivery, frozen=True, kw_only=True):
    """A delivery as lists show it: with who brings it, whether it is ready and how many pieces it has."""

    ready: bool
    courier: str
    pieces: int


class Courier(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who brings orders, and how many they have now."""

    id: str
    name: str
    load: int


@dataclass(frozen=True, slots=True)
class Handed:
    """It is delivered."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class WrongCode:
    """That was not the code; so many tries are left."""

    left: int


_CARDS: Final = f"""
SELECT {COLUMNS}, {READY} AS ready, coalesce(s.name, '') AS courier,
    (SELECT coalesce(sum(l.quantity), 0)::int FROM tab_lines AS l WHERE l.tab_id = d.tab_id
     AND l.status <> 'void') AS pieces
FROM deliveries AS d LEFT JOIN staff AS s ON s.id = d.courier_id
"""  # noqa: S608
_NEXT: Final = f"""
SELECT {COLUMNS} FROM deliveries AS d WHERE store_id = %(store)s AND status = 'waiting'
ORDER BY NOT {READY}, promised_at, id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608


async def open_cards(rows: Rows, store_id: str) -> list[Card]:
    """All that still has to be brought from this store, the earliest promise first."""
    return await rows.rows(
        Card,
        _CARDS + " WHERE d.store_id = %(store)s AND d.status IN ('waiting', 'assigned', 'picked_up', 'near', 'failed')"
        " ORDER BY d.promised_at, d.id",
        {"store": store_id},
    )


async def ended_cards(rows: Rows, store_id: str, since: datetime, most: int = 50) -> list[Card]:
    """What was delivered, brought back or cancelled since then, the last one first."""
    return await rows.rows(
        Card,
        _CARDS
        + " WHERE d.store_id = %(store)s AND d.ended_at >= %(since)s ORDER BY d.ended_at DESC, d.id LIMIT %(most)s",
        {"store": store_id, "since": since, "most": most},
    )


async def cards_of(rows: Rows, store_id: str, courier_id: str) -> list[Card]:
    """What this courier has to bring, the earliest promise first."""
    return await rows.rows(
        Card,
        _CARDS + " WHERE d.store_id = %(store)s AND d.courier_id = %(courier)s"
        " AND d.status IN ('assigned', 'picked_up', 'near', 'failed') ORDER BY d.promised_at, d.id",
        {"store": store_id, "courier": courier_id},
    )


async def couriers(rows: Rows, store_id: str) -> list[Courier]:
    """Who can be sent from this store, whoever has least first."""
    return await rows.rows(
        Courier,
        "SELECT p.id, p.name, (SELECT count(*)::int FROM deliveries AS d WHERE d.courier_id = p.id"
        " AND d.status IN ('assigned', 'picked_up', 'near', 'failed')) AS load"
        " FROM staff AS p JOIN stores AS s ON s.merchant_id = p.merchant_id"
        " WHERE s.id = %(store)s AND p.active AND 'courier' = ANY(p.roles) AND coalesce(p.store_id, s.id) = s.id"
        " ORDER BY load, p.name, p.id",
        {"store": store_id},
    )


async def _hands_of(tx: Transaction, store_id: str, courier_id: str) -> int:
    """How many more this courier can take; their row is locked, so that two presses count one after the other."""
    await tx.run("SELECT 1 FROM staff WHERE id = %(id)s FOR NO KEY UPDATE", {"id": courier_id})
    load = await tx.value(
        "SELECT count(*) FROM deliveries WHERE courier_id = %(id)s"
        " AND status IN ('assigned', 'picked_up', 'near', 'failed')",
        {"id": courier_id},
    )
    return (await rules(tx, store_id)).capacity - int(load)


async def _pressed_before(tx: Transaction, store_id: str, who: str, key: str) -> Delivery | None:
    found = await tx.value(
        "SELECT delivery_id FROM delivery_events WHERE who = %(who)s AND key = %(key)s AND key <> ''",
        {"who": who, "key": key},
    )
    return None if found is None else await delivery_at(tx, store_id, str(found))


async def take_next(tx: Transaction, store_id: str, courier: Staff, key: str, now: datetime) -> Delivery | None:
    """This courier takes what waits longest, finished food first; None when nothing waits.

    The same key takes the same one. Raises `Conflict` for a courier who has all they can carry."""
    free = await _hands_of(tx, store_id, courier.id)
    known = await _pressed_before(tx, store_id, courier.id, key)
    if known is not None:
        return known
    if free <= 0:
        raise Conflict("You have as many orders as you can carry. Bring these first.")
    found = await tx.maybe(Delivery, _NEXT, {"store": store_id})
    if found is None:
        return None
    return await moved(
        tx, found, Step.ASSIGN, courier.id, now, courier.name, key, courier_id=courier.id, assigned_at=now
    )


async def assign(tx: Transaction, store_id: str, delivery_id: str, courier_id: str, by: str, now: datetime) -> Delivery:
    """Give a delivery to a courier, or to another one as long as it has not left. Raises `Conflict`, `NotFound`."""
    person = await model.staff_by_id(tx, courier_id)
    mine = {store.id for store in await model.stores_of(tx, person)} if person is not None else set()
    if person is None or store_id not in mine or not person.may(May.DELIVER):
        raise NotFound("There is no such courier here.")
    free = await _hands_of(tx, store_id, courier_id)
    at = await delivery_at(tx, store_id, delivery_id, lock=True)
    if at.status is Stage.ASSIGNED and at.courier_id == courier_id:
        return at
    if DELIVERY.allows(at.status, Step.ASSIGN) and free <= 0:
        raise Conflict("{name} has as many orders as one person can carry.", name=person.name)
    return await moved(tx, at, Step.ASSIGN, by, now, person.name, courier_id=courier_id, assigned_at=now)


async def give_back(tx: Transaction, store_id: str, delivery_id: str, by: str, now: datetime) -> Delivery:
    """Nobody has it any more; it waits again. Raises `Conflict` once it has left."""
    at = await delivery_at(tx, store_id, delivery_id, lock=True)
    return await moved(tx, at, Step.GIVE_BACK, by, now, courier_id=None, assigned_at=None)


async def packed(tx: Transaction, store_id: str, delivery_id: str, now: datetime) -> None:
    """It stands ready, whatever the kitchen has pressed: for kitchens without a screen. Again changes nothing."""
    at = await _with_its_tab(tx, store_id, delivery_id)
    if at.tab_id is not None:
        await _bump(tx, at, LineStatus.SENT)
        await _bump(tx, at, LineStatus.COOKING)
    await tx.run(
        "UPDATE deliveries SET ready_at = coalesce(ready_at, %(now)s) WHERE id = %(id)s", {"id": at.id, "now": now}
    )
    await tell(tx, at)


async def pick_up(tx: Transaction, store_id: str, delivery_id: str, courier: Staff, now: datetime) -> Delivery:
    """The courier has it in hand and leaves: its dishes leave the pass. Raises `Conflict` before it is ready."""
    at = await _with_its_tab(tx, store_id, delivery_id)
    _must_be_theirs(at, courier)
    if at.status is Stage.ASSIGNED and not await tx.value(
        f"SELECT {READY} FROM deliveries AS d WHERE d.id = %(id)s",  # noqa: S608
        {"id": at.id},
    ):
        raise Conflict("The kitchen has not finished this order yet. Ask at the counter.")
    if at.tab_id is not None and at.status is Stage.ASSIGNED:
        await _bump(tx, at, LineStatus.READY)
    return await moved(tx, at, Step.PICK_UP, courier.id, now, picked_up_at=now)


async def come_near(tx: Transaction, store_id: str, delivery_id: str, courier: Staff, now: datetime) -> Delivery:
    """The courier is almost there. Raises `Conflict`."""
    at = await _their(tx, store_id, delivery_id, courier)
    return await moved(tx, at, Step.COME_NEAR, courier.id, now, near_at=now)


async def hand_over(
    tx: Transaction,
    store_id: str,
    delivery_id: str,
    courier: Staff,
    now: datetime,
    ended: Ended,
    *,
    code: str = "",
    left: str = "",
) -> Handed | WrongCode:
    """It is delivered: the customer said their code, or the courier writes with whom or where it was left.

    Pressed again, it stays delivered. A wrong code is counted and the caller must let this transaction commit. Raises
    `Invalid` for neither, `Conflict` for a delivery that is not on its way."""
    at = await delivery_at(tx, store_id, delivery_id)
    _must_be_theirs(at, courier)
    if at.status is Stage.DELIVERED:
        return Handed(at)
    if not DELIVERY.allows(at.status, Step.DELIVER):
        raise Conflict("This has moved on meanwhile. Look at the list again.")
    left = " ".join(left.split())[:200]
    if code.strip():
        if at.wrong_codes >= MOST_WRONG_CODES:
            raise Conflict(_GUESSED)
        if not hmac.compare_digest(code.strip().encode(), at.code.encode()):
            count = "UPDATE deliveries SET wrong_codes = wrong_codes + 1 WHERE id = %(id)s RETURNING wrong_codes"
            return WrongCode(max(0, MOST_WRONG_CODES - int(await tx.value(count, {"id": at.id}))))
        how = "code"
    elif len(left) >= 3:
        how = "left"
    else:
        raise Invalid("Ask for the four digits on the customer's phone, or write with whom you leave it.")
    await _tell_its_room(tx, at, ended, Stage.DELIVERED, courier.id, now)
    at = await _their(tx, store_id, delivery_id, courier)
    if how == "code" and at.wrong_codes >= MOST_WRONG_CODES:
        raise Conflict(_GUESSED)
    said = left if how == "left" else ""
    return Handed(await moved(tx, at, Step.DELIVER, courier.id, now, said, ended_at=now, handed_over=how))


async def fail(
    tx: Transaction, store_id: str, delivery_id: str, courier: Staff, reason: Reason, now: datetime
) -> Delivery:
    """Nobody takes it. The courier may try again, or bring it back. Raises `Conflict`."""
    at = await _their(tx, store_id, delivery_id, courier)
    return await moved(tx, at, Step.FAIL, courier.id, now, reason.value, reason=reason.value)


async def try_again(tx: Transaction, store_id: str, delivery_id: str, courier: Staff, now: datetime) -> Delivery:
    """Somebody is there after all. Raises `Conflict`."""
    at = await _their(tx, store_id, delivery_id, courier)
    return await moved(tx, at, Step.TRY_AGAIN, courier.id, now, reason="")


async def bring_back(
    tx: Transaction, store_id: str, delivery_id: str, by: Staff, now: datetime, ended: Ended
) -> Delivery:
    """It is back at the shop: the delivery is over, and a case asks a person about the money. Raises `Conflict`."""
    known = await delivery_at(tx, store_id, delivery_id)
    if known.courier_id != by.id and not by.may(May.DISPATCH):
        raise NotAllowed(_NOT_YOURS)
    if DELIVERY.allows(known.status, Step.RETURN) and known.status is not Stage.RETURNED:
        await _tell_its_room(tx, known, ended, Stage.RETURNED, by.id, now)
    at = await delivery_at(tx, store_id, delivery_id, lock=True)
    after = await moved(tx, at, Step.RETURN, by.id, now, ended_at=now)
    if at.status is not Stage.RETURNED:
        await _ask_about_the_money(tx, after, now)
    return after


async def _tell_its_room(tx: Transaction, at: Delivery, ended: Ended, stage: Stage, by: str, now: datetime) -> None:
    """Before the delivery is locked: whoever pays, cancels or picks up holds order and tab first, too.

    Should the delivery have moved on meanwhile, its step is refused, and what its room did is undone with it."""
    if at.order_kind in ended:
        await ended[at.order_kind](tx, at.order_id, stage, by, now)


async def _ask_about_the_money(tx: Transaction, at: Delivery, now: datetime) -> None:
    paid = [each for each in await payments_for(tx, at.order_kind, at.order_id) if each.status is Status.SUCCEEDED]
    there = total((Money(each.amount - each.refunded, each.currency) for each in paid), at.currency)
    if not paid or not there:
        return
    reason = Reason(at.reason)
    percent = (await rules(tx, at.store_id)).nobody_there_percent
    proposed = proposed_refund(reason, there, at.money, percent)
    store = await model.store(tx, at.store_id)
    await open_case(
        tx,
        merchant_id=store.merchant_id,
        kind=Kind.NOT_DELIVERED,
        subject_kind="payment",
        subject_id=max(paid, key=lambda each: (each.amount - each.refunded, each.id)).id,
        title=f"Order {at.label or at.order_id} came back: {REASON_NAMES[reason].lower()}",
        at_risk=proposed,
        proposed=Move.DEALT_WITH,
        detail={
            "proposed refund": str(proposed),
            "paid": str(there),
            "fee": str(at.money),
            "reason": REASON_NAMES[reason],
            "order": at.order_id,
            "payments": [each.id for each in paid],
        },
        key=f"not_delivered:{at.id}",
        now=now,
    )


async def seen_at(tx: Transaction, store_id: str, courier: Staff, point: Point, now: datetime) -> int:
    """Where this courier's phone is: kept with what they have on the way; who is near the door comes near by itself."""
    on_the_way = await tx.rows(
        Delivery,
        f"SELECT {COLUMNS} FROM deliveries AS d WHERE store_id = %(store)s AND courier_id = %(courier)s"  # noqa: S608
        " AND status IN ('picked_up', 'near') ORDER BY id FOR UPDATE",
        {"store": store_id, "courier": courier.id},
    )
    for at in on_the_way:
        await tx.run(
            "UPDATE deliveries SET seen_latitude = %(latitude)s, seen_longitude = %(longitude)s, seen_at = %(now)s"
            " WHERE id = %(id)s",
            {"id": at.id, "latitude": point.latitude, "longitude": point.longitude, "now": now},
        )
        near = at.point is not None and metres_between(at.point, point) <= NEAR_METRES
        if near and at.status is Stage.PICKED_UP:
            await moved(tx, at, Step.COME_NEAR, courier.id, now, near_at=now)
        else:
            await tx.tell(f"delivery:{at.id}", "delivery", {"stage": at.status.value})
    return len(on_the_way)


def _must_be_theirs(at: Delivery, courier: Staff) -> None:
    if at.courier_id != courier.id:
        raise Conflict(_NOT_YOURS)


async def _their(tx: Transaction, store_id: str, delivery_id: str, courier: Staff) -> Delivery:
    at = await delivery_at(tx, store_id, delivery_id, lock=True)
    _must_be_theirs(at, courier)
    return at


async def _with_its_tab(tx: Transaction, store_id: str, delivery_id: str) -> Delivery:
    """The delivery, locked after its tab: as by whoever pays or cancels the order."""
    known = await delivery_at(tx, store_id, delivery_id)
    if known.tab_id is not None:
        await locked(tx, known.tab_id)
    return await delivery_at(tx, store_id, delivery_id, lock=True)


async def _bump(tx: Transaction, at: Delivery, seen: LineStatus) -> None:
    """Move all dishes in that state on, whatever round they were sent in."""
    assert at.tab_id is not None
    rounds = await tx.value("SELECT round FROM tabs WHERE id = %(tab)s", {"tab": at.tab_id})
    for number in range(1, int(rounds) + 1):
        await kitchen.bump(tx, at.store_id, at.tab_id, number, seen)
