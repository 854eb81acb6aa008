"""Orders taken while the server could not be reached: received once, replayed once, in the order they were taken.

A device numbers its orders 1, 2, 3 …; nothing overtakes its forerunner, so a gap waits. What can't be replayed as it
was taken (sold out, dearer, the bill closed meanwhile) is never changed silently and never lost: a person decides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
import psycopg

from saoma.food.menus.menu import menu
from saoma.food.orders import offline_content
from saoma.food.orders.offline_content import GONE_WRONG, Content, Found, examine
from saoma.identity import model
from saoma.identity.model import Staff
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction, json_column
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.web import texts

OTHER_CONTENT: Final = "Another order was already sent under this number of this device. This one was not taken."
NOTHING_LEFT: Final = "Nothing of this order can be had any more."
UNKNOWN_KIND: Final = "This shop does not take orders of this kind."
ALREADY_DECIDED: Final = "Somebody has already decided about this order."
TOO_MANY_WAIT: Final = "Too many orders of this device wait for one that has not come."
#: Devices send one after the other, so hardly any waits behind a gap; what sends more than this is none of ours.
MOST_BEHIND_A_GAP: Final = 200
#: How many orders a page shows that wait for a person; when those are decided, the next ones come.
MOST_SHOWN: Final = 200
#: A device's clock may be wrong; an order is never thought older than this.
OLDEST: Final = timedelta(days=31)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an order can go to, such as a table. `seen` is the bill that is open there now, empty for none."""

    id: str
    name: str
    area: str = ""
    seen: str = ""


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replayed order has become: its id, what people call it, and where it is shown."""

    id: str
    label: str
    path: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that takes orders offline."""

    id: str
    store_id: str
    number: int
    last_seq: int

    @property
    def letter(self) -> str:
        """What stands before its provisional numbers: A, B … Z, AA, AB …"""
        left, letters = self.number, ""
        while left:
            left, last = divmod(left - 1, 26)
            letters = chr(ord("A") + last) + letters
        return letters


class OfflineOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it was received, and what became of it."""

    id: str
    device_id: str
    seq: int
    store_id: str
    kind: str
    label: str
    content: Content
    taken_by: str
    taken_at: datetime
    received_at: datetime
    state: str
    fingerprint: str
    landed_id: str = ""
    landed_label: str = ""
    landed_path: str = ""
    why: str = ""
    why_zh: str = ""


@runtime_checkable
class Replayer(Protocol):
    """How orders of one kind become real ones; handed over in `app.py` by kind."""

    async def places(self, rows: Rows, store_id: str) -> list[Place]:
        """Where such an order can go to at this store; none where it needs no place."""

    async def put(
        self, tx: Transaction, of: OfflineOrder, dishes: Sequence[Found], now: datetime, *, anew: bool
    ) -> Landed:
        """Make the order real, through the same functions as at a till that is connected.

        `anew`: somebody has looked and wants it as things stand now. Raises `Refused` with what stands in the way."""


Replayers = Mapping[str, Replayer]

_COLUMNS: Final = ", ".join(OfflineOrder.__struct_fields__)
_DEVICE: Final = ", ".join(Device.__struct_fields__)


async def register(
    tx: Transaction, store_id: str, device_id: str, terminal_id: str, begins: int, now: datetime
) -> Device:
    """Make a device known to its store; a repeat answers the same. `begins` is the first number it will send.

    Raises `NotFound` for a device of another store."""
    known = await _device(tx, device_id)
    if known is None:
        await tx.run("SELECT pg_advisory_xact_lock(hashtext(%(lock)s))", {"lock": f"offline:{store_id}"})
        await tx.run(
            "INSERT INTO offline_devices (id, store_id, terminal_id, number, last_seq, seen_at)"
            " SELECT %(id)s, %(store)s, %(terminal)s, coalesce(max(number), 0) + 1, %(last)s, %(now)s"
            " FROM offline_devices WHERE store_id = %(store)s ON CONFLICT (id) DO NOTHING",
            {"id": device_id, "store": store_id, "terminal": terminal_id, "last": max(0, begins - 1), "now": now},
        )
        known = await _device(tx, device_id)
    if known is None or known.store_id != store_id:
        raise NotFound(NOTHING_HERE)
    return known


async def _device(rows: Rows, device_id: str, *, lock: bool = False) -> Device | None:
    sql = f"SELECT {_DEVICE} FROM offline_devices WHERE id = %(id)s{' FOR UPDATE' if lock else ''}"  # noqa: S608
    return await rows.maybe(Device, sql, {"id": device_id})


async def receive(
    db: Database, clock: Clock, replayers: Replayers, store_id: str, sender: Staff, sent: Content
) -> OfflineOrder:
    """Take one order and replay what is next; the same order again answers what became of it.

    Raises `Conflict` when this number or key of the device came with other content, `NotFound` for a device that is
    unknown here."""
    fingerprint = hashlib.sha256(msgspec.json.encode(sent)).hexdigest()
    now = clock.now()
    async with db.transaction() as tx:
        device = await _device(tx, sent.device, lock=True)
        if device is None or device.store_id != store_id:
            raise NotFound(NOTHING_HERE)
        known = await tx.maybe(
            OfflineOrder,
            f"SELECT {_COLUMNS} FROM offline_orders WHERE device_id = %(device)s"  # noqa: S608
            " AND (seq = %(seq)s OR key = %(key)s) ORDER BY seq = %(seq)s DESC LIMIT 1",
            {"device": device.id, "seq": sent.seq, "key": sent.key},
        )
        if known is not None and known.fingerprint != fingerprint:
            raise Conflict(OTHER_CONTENT)
        if known is None and sent.seq <= device.last_seq:
            raise Conflict(OTHER_CONTENT)
        if known is None and sent.seq > device.last_seq + 1 and await _behind_a_gap(tx, device) >= MOST_BEHIND_A_GAP:
            raise Invalid(TOO_MANY_WAIT)
        if known is None:
            taker = await model.staff_by_id(tx, sent.taken_by) if sent.taken_by else None
            colleague = taker is not None and taker.merchant_id == sender.merchant_id
            await tx.run(
                "INSERT INTO offline_orders (id, device_id, seq, key, fingerprint, store_id, kind, label, content,"
                " taken_by, sent_by, taken_at, received_at) VALUES (%(id)s, %(device)s, %(seq)s, %(key)s, %(print)s,"
                " %(store)s, %(kind)s, %(label)s, %(content)s, %(taken_by)s, %(sent_by)s, %(taken_at)s, %(now)s)",
                {
                    "id": new_id("off"),
                    "device": device.id,
                    "seq": sent.seq,
                    "key": sent.key,
                    "print": fingerprint,
                    "store": store_id,
                    "kind": sent.kind,
                    "label": sent.label,
                    "content": json_column(sent),
                    "taken_by": taker.id if taker is not None and colleague else sender.id,
                    "sent_by": sender.id,
                    "taken_at": max(min(sent.taken_at, now), now - OLDEST),
                    "now": now,
                },
            )
            await tx.run(
                "UPDATE offline_devices SET seen_at = %(now)s WHERE id = %(id)s", {"id": device.id, "now": now}
            )
    await drain(db, clock, replayers, sent.device)
    async with db.reading() as rows:
        return await _numbered(rows, sent.device, sent.seq)


async def _behind_a_gap(tx: Transaction, device: Device) -> int:
    sql = "SELECT count(*) FROM offline_orders WHERE device_id = %(id)s AND seq > %(done)s AND state = 'waiting'"
    return int(await tx.value(sql, {"id": device.id, "done": device.last_seq}))


async def _numbered(rows: Rows, device_id: str, seq: int) -> OfflineOrder:
    sql = f"SELECT {_COLUMNS} FROM offline_orders WHERE device_id = %(device)s AND seq = %(seq)s"  # noqa: S608
    return await rows.one(OfflineOrder, sql, {"device": device_id, "seq": seq})


async def drain(db: Database, clock: Clock, replayers: Replayers, device_id: str) -> int:
    """Replay what is next of this device, one transaction each, until there is a gap; how many were dealt with."""
    count = 0
    while True:
        seq = 0
        try:
            async with db.transaction() as tx:
                following = await _next(tx, device_id)
                if following is None:
                    return count
                seq = following.seq
                await _replayed(tx, replayers, following, clock.now(), by="", anew=False)
                await _done_with(tx, device_id, seq)
        except (Refused, psycopg.DataError, psycopg.IntegrityError) as refusal:
            # What it had begun is undone; only the reason is kept. Nothing may stand in the way of the next one.
            async with db.transaction() as tx:
                following = await _next(tx, device_id)
                if following is not None and following.seq == seq:
                    await _in_trouble(tx, following, refusal)
                    await _done_with(tx, device_id, seq)
        count += 1


async def _next(tx: Transaction, device_id: str) -> OfflineOrder | None:
    """The order that follows the last one dealt with, if it is here; the device is locked."""
    device = await _device(tx, device_id, lock=True)
    if device is None:
        return None
    columns = ", ".join(f"o.{name}" for name in OfflineOrder.__struct_fields__)
    return await tx.maybe(
        OfflineOrder,
        f"SELECT {columns} FROM offline_orders AS o WHERE device_id = %(id)s AND seq = %(seq)s"  # noqa: S608
        " AND state = 'waiting'",
        {"id": device_id, "seq": device.last_seq + 1},
    )


async def _done_with(tx: Transaction, device_id: str, seq: int) -> None:
    await tx.run(
        "UPDATE offline_devices SET last_seq = %(seq)s WHERE id = %(id)s AND last_seq = %(seq)s - 1",
        {"id": device_id, "seq": seq},
    )


async def _replayed(
    tx: Transaction, replayers: Replayers, of: OfflineOrder, now: datetime, *, by: str, anew: bool
) -> None:
    replayer = replayers.get(of.kind)
    if replayer is None:
        raise Invalid(UNKNOWN_KIND)
    found = examine(of.content, await menu(tx, of.store_id))
    wrong = next((one.problem for one in found if one.problem is not None), None)
    if wrong is not None and not anew:
        raise wrong
    dishes = [one for one in found if one.unit is not None]
    if not dishes:
        raise Conflict(NOTHING_LEFT)
    landed = await replayer.put(tx, of, dishes, now, anew=anew)
    await tx.run(
        "UPDATE offline_orders SET state = 'replayed', landed_id = %(landed)s, landed_label = %(label)s,"
        " landed_path = %(path)s, settled_at = %(now)s, settled_by = %(by)s WHERE id = %(id)s",
        {
            "id": of.id,
            "landed": landed.id,
            "label": landed.label,
            "path": landed.path,
            "now": now,
            "by": by,
        },
    )
    await _tell(tx, of.store_id)


async def _in_trouble(tx: Transaction, of: OfflineOrder, refusal: Exception) -> None:
    text, values = (
        (refusal.msgid, refusal.values) if isinstance(refusal, Refused) and refusal.msgid else (GONE_WRONG, {})
    )
    await tx.run(
        "UPDATE offline_orders SET state = 'trouble', why = %(why)s, why_zh = %(why_zh)s WHERE id = %(id)s",
        {"id": of.id, "why": texts.say("en", text, **values), "why_zh": texts.say("zh", text, **values)},
    )
    await _tell(tx, of.store_id)


async def _tell(tx: Transaction, store_id: str) -> None:
    await tx.tell(f"till:{store_id}", "offline", {})


# -- what a person decides -------------------------------------------------------------------------------------------


async def in_trouble(rows: Rows, store_id: str) -> list[OfflineOrder]:
    """What waits for a person, or for an order before it that has not come; the oldest `MOST_SHOWN` first."""
    return await rows.rows(
        OfflineOrder,
        f"SELECT {_COLUMNS} FROM offline_orders WHERE store_id = %(store)s"  # noqa: S608
        " AND state IN ('waiting', 'trouble') ORDER BY taken_at, device_id, seq LIMIT %(most)s",
        {"store": store_id, "most": MOST_SHOWN},
    )


async def count_in_trouble(rows: Rows, store_id: str) -> int:
    """How many orders taken offline wait for a person at this store."""
    return int(
        await rows.value(
            "SELECT count(*) FROM offline_orders WHERE store_id = %(store)s AND state IN ('waiting', 'trouble')",
            {"store": store_id},
        )
    )


async def _waiting(tx: Transaction, store_id: str, order_id: str) -> OfflineOrder:
    """The order, locked behind its device. Raises `NotFound` for another store's, `Conflict` once it is decided."""
    device = await tx.value(
        "SELECT device_id FROM offline_orders WHERE id = %(id)s AND store_id = %(store)s",
        {"id": order_id, "store": store_id},
    )
    if device is None:
        raise NotFound(NOTHING_HERE)
    await _device(tx, device, lock=True)
    sql = f"SELECT {_COLUMNS} FROM offline_orders WHERE id = %(id)s FOR UPDATE"  # noqa: S608
    found = await tx.one(OfflineOrder, sql, {"id": order_id})
    if found.state not in ("waiting", "trouble"):
        raise Conflict(ALREADY_DECIDED)
    return found


async def order_anew(
    tx: Transaction, replayers: Replayers, store_id: str, order_id: str, by: str, now: datetime
) -> OfflineOrder:
    """Order it as things stand now: today's prices, without what can't be had. Raises `Refused` when nothing can."""
    of = await _waiting(tx, store_id, order_id)
    await _replayed(tx, replayers, of, now, by=by, anew=True)
    return await _passed(tx, of)


async def drop(tx: Transaction, store_id: str, order_id: str, by: str, reason: str, now: datetime) -> OfflineOrder:
    """Nobody wants it any more; the order and the reason are kept. Raises `Invalid` without a reason."""
    if not reason.strip():
        raise Invalid("Say why this order is dropped.")
    of = await _waiting(tx, store_id, order_id)
    await tx.run(
        "UPDATE offline_orders SET state = 'dropped', why = %(why)s, why_zh = %(why)s, settled_at = %(now)s,"
        " settled_by = %(by)s WHERE id = %(id)s",
        {"id": of.id, "why": reason.strip()[:200], "now": now, "by": by},
    )
    await _tell(tx, of.store_id)
    return await _passed(tx, of)


async def _passed(tx: Transaction, of: OfflineOrder) -> OfflineOrder:
    """An order that waited behind a gap was decided by hand: its forerunners may still come, but not before it."""
    await tx.run(
        "UPDATE offline_devices SET last_seq = greatest(last_seq, %(seq)s) WHERE id = %(id)s",
        {"id": of.device_id, "seq": of.seq},
    )
    return await _numbered(tx, of.device_id, of.seq)


async def labels_of(rows: Rows, landed: Sequence[str]) -> dict[str, str]:
    """The provisional numbers under which these orders were taken offline, by what they have become."""
    found = await rows.rows(
        _Label,
        "SELECT landed_id, label FROM offline_orders WHERE landed_id = ANY(%(ids)s) AND label <> ''",
        {"ids": list(landed)},
    )
    return {row.landed_id: row.label for row in found}


class _Label(msgspec.Struct, frozen=True):
    landed_id: str
    label: str


def read(body: bytes) -> Content:
    """An order as a device sends it. Raises `Invalid`."""
    return offline_content.read(body)


def answer(of: OfflineOrder, lang: str) -> dict[str, Any]:
    """What a device is told about its order."""
    return {
        "seq": of.seq,
        "state": of.state,
        "label": of.landed_label,
        "path": of.landed_path,
        "why": of.why_zh if lang == "zh" else of.why,
    }
