"""Deliveries' rows: planned with the order, begun when it is paid, cancelled with it; and what the customer follows.

Whoever changes a delivery locks it first. What couriers and dispatchers do to it is in `delivery.carrying`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from saoma.delivery.model import DELIVERY, Address, Contact, Delivery, Happening, Stage, Step
from saoma.delivery.zones import Quote
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, Conflict, IllegalTransition, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money

COLUMNS: Final = ", ".join(f"d.{name}" for name in Delivery.__struct_fields__)

#: The customer may still change address and zone as long as nothing is paid; afterwards a repeat changes nothing.
_PLAN: Final = """
INSERT INTO deliveries (id, store_id, order_kind, order_id, tab_id, label, status, zone_id, zone_name, zone_name_zh,
    currency, fee, minutes, street, door, note, latitude, longitude, name, phone, code)
VALUES (%(id)s, %(store)s, %(kind)s, %(order)s, %(tab)s, %(label)s, 'planned', %(zone)s, %(zone_name)s,
    %(zone_name_zh)s, %(currency)s, %(fee)s, %(minutes)s, %(street)s, %(door)s, %(note)s, %(latitude)s, %(longitude)s,
    %(name)s, %(phone)s, %(code)s)
ON CONFLICT (order_kind, order_id) DO UPDATE SET tab_id = excluded.tab_id, label = excluded.label,
    zone_id = excluded.zone_id, zone_name = excluded.zone_name, zone_name_zh = excluded.zone_name_zh,
    currency = excluded.currency, fee = excluded.fee, minutes = excluded.minutes, street = excluded.street,
    door = excluded.door, note = excluded.note, latitude = excluded.latitude, longitude = excluded.longitude,
    name = excluded.name, phone = excluded.phone
    WHERE deliveries.status = 'planned'
"""


async def plan(
    tx: Transaction,
    order_kind: str,
    order_id: str,
    store_id: str,
    address: Address,
    contact: Contact,
    zone: Quote,
    *,
    tab_id: str | None = None,
    label: str = "",
) -> Delivery:
    """Keep where an order that is not paid yet goes and what bringing it costs; again with other words changes it.

    Once it has begun, nothing changes any more: the delivery is answered as it stands."""
    point = address.point
    await tx.run(
        _PLAN,
        {
            "id": new_id("dlv"),
            "store": store_id,
            "kind": order_kind,
            "order": order_id,
            "tab": tab_id,
            "label": label,
            "zone": zone.zone.id,
            "zone_name": zone.zone.name,
            "zone_name_zh": zone.zone.name_zh,
            "currency": zone.fee.currency,
            "fee": zone.fee.minor,
            "minutes": zone.minutes,
            "street": address.street,
            "door": address.door,
            "note": address.note,
            "latitude": point and point.latitude,
            "longitude": point and point.longitude,
            "name": contact.name,
            "phone": contact.phone,
            "code": f"{secrets.randbelow(10_000):04}",
        },
    )
    planned = await of_order(tx, order_kind, order_id)
    assert planned is not None
    return planned


async def requote(tx: Transaction, order_kind: str, order_id: str, zone: Quote) -> None:
    """Other dishes, another fee (or another zone that holds the place): for what is not paid yet."""
    await tx.run(
        "UPDATE deliveries SET zone_id = %(zone)s, zone_name = %(name)s, zone_name_zh = %(name_zh)s, fee = %(fee)s,"
        " currency = %(currency)s, minutes = %(minutes)s"
        " WHERE order_kind = %(kind)s AND order_id = %(order)s AND status = 'planned'",
        {
            "kind": order_kind,
            "order": order_id,
            "zone": zone.zone.id,
            "name": zone.zone.name,
            "name_zh": zone.zone.name_zh,
            "fee": zone.fee.minor,
            "currency": zone.fee.currency,
            "minutes": zone.minutes,
        },
    )


async def unplan(tx: Transaction, order_kind: str, order_id: str) -> None:
    """The order is collected after all. What has begun stays."""
    await tx.run(
        "DELETE FROM deliveries WHERE order_kind = %(kind)s AND order_id = %(order)s AND status = 'planned'",
        {"kind": order_kind, "order": order_id},
    )


async def start(
    tx: Transaction, order_kind: str, order_id: str, promised_at: datetime, now: datetime, label: str = ""
) -> Delivery | None:
    """The order is paid: somebody has to bring it. Once; None for an order that is not brought at all."""
    found = await of_order(tx, order_kind, order_id, lock=True)
    if found is None or found.status is not Stage.PLANNED:
        return found
    return await moved(
        tx, found, Step.BEGIN, "saoma", now, promised_at=promised_at, begun_at=now, label=label or found.label
    )


async def begin(
    tx: Transaction,
    order_kind: str,
    order_id: str,
    store_id: str,
    address: Address,
    contact: Contact,
    zone: Quote,
    promised_at: datetime,
    now: datetime,
    *,
    tab_id: str | None = None,
    label: str = "",
) -> Delivery:
    """`plan` and `start` in one: for orders that keep their own address until they are paid."""
    await plan(tx, order_kind, order_id, store_id, address, contact, zone, tab_id=tab_id, label=label)
    begun = await start(tx, order_kind, order_id, promised_at, now)
    assert begun is not None
    return begun


async def ready(tx: Transaction, order_kind: str, order_id: str, now: datetime) -> None:
    """The kitchen has finished it: for orders whose dishes are not lines of a tab here. Again changes nothing."""
    found = await of_order(tx, order_kind, order_id, lock=True)
    if found is not None and found.ready_at is None:
        await tx.run("UPDATE deliveries SET ready_at = %(now)s WHERE id = %(id)s", {"id": found.id, "now": now})
        await tell(tx, found)


async def cancel(tx: Transaction, order_kind: str, order_id: str, by: str, now: datetime) -> None:
    """The order is off. Nothing happens where it was not brought at all. Raises `Conflict` once a courier has it."""
    found = await of_order(tx, order_kind, order_id, lock=True)
    if found is not None and found.status is not Stage.CANCELLED:
        await moved(tx, found, Step.CANCEL, by, now, ended_at=now)


async def forget(tx: Transaction, order_kind: str, order_id: str) -> None:
    """Of a delivery that is over, keep what was done when and by whom of the staff, and not where and for whom."""
    await tx.run(
        "WITH over AS (UPDATE deliveries SET street = '', door = '', note = '', name = '', phone = '', latitude = NULL,"
        " longitude = NULL, seen_latitude = NULL, seen_longitude = NULL"
        " WHERE order_kind = %(kind)s AND order_id = %(order)s AND status IN ('delivered', 'returned', 'cancelled')"
        " RETURNING id) UPDATE delivery_events AS e SET said = '' FROM over WHERE e.delivery_id = over.id"
        " AND e.event = 'deliver'",
        {"kind": order_kind, "order": order_id},
    )


async def of_order(rows: Rows, order_kind: str, order_id: str, *, lock: bool = False) -> Delivery | None:
    """The delivery of an order; None when it is not brought."""
    sql = f"SELECT {COLUMNS} FROM deliveries AS d WHERE order_kind = %(kind)s AND order_id = %(order)s"  # noqa: S608
    return await rows.maybe(Delivery, sql + " FOR UPDATE" * lock, {"kind": order_kind, "order": order_id})


async def fee_of(rows: Rows, order_kind: str, order_id: str) -> Money | None:
    """What bringing an order costs; None when it is not brought."""
    found = await of_order(rows, order_kind, order_id)
    return None if found is None or found.status is Stage.CANCELLED else found.money


async def delivery_at(rows: Rows, store_id: str, delivery_id: str, *, lock: bool = False) -> Delivery:
    """The delivery, if it is this store's. Raises `NotFound` for any other."""
    sql = f"SELECT {COLUMNS} FROM deliveries AS d WHERE id = %(id)s AND store_id = %(store)s"  # noqa: S608
    found = await rows.maybe(Delivery, sql + " FOR UPDATE" * lock, {"id": delivery_id, "store": store_id})
    if found is None:
        raise NotFound(NOTHING_HERE)
    return found


async def happenings(rows: Rows, delivery_id: str) -> Sequence[Happening]:
    """What happened to it, in order."""
    return await rows.rows(
        Happening,
        "SELECT e.at, e.who, coalesce(s.name, '') AS name, e.event, e.status, e.said FROM delivery_events AS e"
        " LEFT JOIN staff AS s ON s.id = e.who WHERE e.delivery_id = %(id)s ORDER BY e.id",
        {"id": delivery_id},
    )


#: What a step may write besides the status; named here so that no screen ever writes another column.
_WRITES: Final = frozenset(
    {
        *("promised_at", "begun_at", "assigned_at", "picked_up_at", "near_at", "ended_at"),
        *("courier_id", "handed_over", "reason", "label"),
    }
)
_TOO_LATE: Final = {
    Step.CANCEL: "A courier has this order already. Call the courier, or the shop.",
    Step.ASSIGN: "This order is on its way already, or it is over.",
    Step.GIVE_BACK: "This order is on its way already, or it is over.",
}


async def moved(
    tx: Transaction, at: Delivery, step: Step, who: str, now: datetime, said: str = "", key: str = "", **writes: Any
) -> Delivery:
    """Carry out a step of a delivery that this transaction has locked, and note who did it.

    A repeat (a row of the table that stays where it is) changes and notes nothing, but for another courier. Raises
    `Conflict` for a step that does not apply."""
    try:
        status = DELIVERY.next(at.status, step)
    except IllegalTransition:
        raise Conflict(_TOO_LATE.get(step, "This has moved on meanwhile. Look at the list again.")) from None
    if status is at.status and writes.get("courier_id", at.courier_id) == at.courier_id:
        return at
    assert _WRITES.issuperset(writes)
    sets = "".join(f", {name} = %({name})s" for name in writes)
    after = await tx.one(
        Delivery,
        f"UPDATE deliveries AS d SET status = %(status)s{sets} WHERE id = %(id)s RETURNING {COLUMNS}",  # noqa: S608
        {"id": at.id, "status": status.value, **writes},
    )
    await tx.run(
        "INSERT INTO delivery_events (delivery_id, at, who, event, status, courier_id, said, key)"
        " VALUES (%(id)s, %(now)s, %(who)s, %(event)s, %(status)s, %(courier)s, %(said)s, %(key)s)",
        {
            "id": at.id,
            "now": now,
            "who": who,
            "event": step.value,
            "status": status.value,
            "courier": after.courier_id or "",
            "said": said,
            "key": key,
        },
    )
    await tell(tx, after)
    return after


async def tell(tx: Transaction, at: Delivery) -> None:
    """Tell the customer's page, the dispatcher's list and the couriers to look again."""
    await tx.tell(f"delivery:{at.id}", "delivery", {"stage": at.status.value})
    await tx.tell(f"deliveries:{at.store_id}", "delivery", {})
