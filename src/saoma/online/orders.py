"""Orders made ahead as rows: begun once, filled, promised a slot, fired, handed over, called off.

Whoever changes an order locks it first, then the store's row where a slot is given away, then (through `food`) its
tab. Giving money back is never done here: `giving_back` says that it must be, and `online.firing` does it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from saoma.delivery import deliveries
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import Line, LineStatus
from saoma.food.orders import ordering, portions
from saoma.food.orders.shares import Account, Shares
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import total
from saoma.marketing import applying
from saoma.online import offers, reckoning, reductions
from saoma.online.model import COLUMNS, KIND, ORDER, Event, Mode, Offer, OnlineOrder, Pay, Status, Trouble
from saoma.online.slots import ever_fits

NO_SUCH_ORDER: Final = "There is no such order here."
#: An order made ahead is one round of its tab: it is fired once.
ROUND: Final = 1
SHARES: Final = Shares("online_shares")

_FIRST: Final = f"""
INSERT INTO online_orders (id, store_id, tab_id, token, key, mode, currency, hold_minutes, no_show, opened_at,
    changed_at, due_at)
VALUES (%(id)s, %(store)s, %(tab)s, %(token)s, %(key)s, %(mode)s, %(currency)s, %(hold)s, %(no_show)s, %(now)s, %(now)s,
    %(due)s)
RETURNING {COLUMNS}
"""  # noqa: S608
_UNPAID: Final = """
SELECT count(*) FROM online_orders AS o WHERE o.store_id = %(store)s AND o.id <> %(id)s
    AND o.status IN ('promised', 'fired') AND (o.phone = %(phone)s OR (o.buyer_id <> '' AND o.buyer_id = %(buyer)s))
    AND NOT EXISTS (SELECT FROM online_shares AS s WHERE s.order_id = o.id AND s.state = 'paid')
"""


async def order_of_token(rows: Rows, store_id: str, token: str) -> OnlineOrder:
    """The order with this address, at this store. Raises `NotFound`."""
    return await _order(rows, "token = %(token)s AND store_id = %(store)s", {"token": token, "store": store_id})


async def order_of_key(rows: Rows, store_id: str, key: str) -> OnlineOrder | None:
    """The order that this phone is putting together, if it has begun one."""
    sql = f"SELECT {COLUMNS} FROM online_orders WHERE store_id = %(store)s AND key = %(key)s"  # noqa: S608
    return await rows.maybe(OnlineOrder, sql, {"store": store_id, "key": key})


async def order_at(rows: Rows, store_id: str, order_id: str) -> OnlineOrder:
    """The order, if it is this store's. Raises `NotFound` for any other."""
    return await _order(rows, "id = %(id)s AND store_id = %(store)s", {"id": order_id, "store": store_id})


async def order(rows: Rows, order_id: str) -> OnlineOrder:
    """The order. Raises `NotFound`."""
    return await _order(rows, "id = %(id)s", {"id": order_id})


async def lock(tx: Transaction, order_id: str) -> OnlineOrder:
    """The order, held by this transaction until it ends. Raises `NotFound`."""
    return await _order(tx, "id = %(id)s FOR UPDATE", {"id": order_id})


async def _order(rows: Rows, where: str, params: dict[str, str]) -> OnlineOrder:
    found = await rows.maybe(OnlineOrder, f"SELECT {COLUMNS} FROM online_orders WHERE {where}", params)  # noqa: S608
    if found is None:
        raise NotFound(NO_SUCH_ORDER)
    return found


async def account(rows: Rows, of: OnlineOrder, lines: Sequence[Line] | None = None) -> Account:
    """What the order costs with what bringing it costs, and what payments bring to it.

    From its promise on a refund forgives: it asks for no more money."""
    dishes = await ordering.lines(rows, of.tab_id) if lines is None else lines
    counted = [line.due for line in dishes if line.ordered or line.status is LineStatus.BASKET]
    ordered = total(counted, of.currency).minor + of.fee if counted else 0
    return Account(of.currency, ordered, await SHARES.of(rows, of.id), of.placed_at is not None)


async def begin(tx: Transaction, offer: Offer, key: str, mode: Mode, now: datetime) -> OnlineOrder:
    """The order of this phone (`key`), begun if there is none yet. Raises `Conflict` while the shop takes none."""
    known = await order_of_key(tx, offer.store_id, key)
    if known is not None:
        return known
    if not offer.takes:
        raise Conflict(reckoning.NOT_TAKING)
    # Whoever pressed at the same moment has begun it while this one waited for the store's row.
    await offers.lock(tx, offer.store_id)
    known = await order_of_key(tx, offer.store_id, key)
    if known is not None:
        return known
    tab = await ordering.open_tab(tx, offer.store_id, offers.CHANNELS[mode], "P")
    return await tx.one(
        OnlineOrder,
        _FIRST,
        {
            "id": new_id("onl"),
            "store": offer.store_id,
            "tab": tab.id,
            "token": secrets.token_urlsafe(18),
            "key": key,
            "mode": mode.value,
            "currency": tab.currency,
            "hold": offer.hold_minutes,
            "no_show": offer.no_show.value,
            "now": now,
            "due": now + reckoning.ABANDONED_AFTER,
        },
    )


async def add(
    tx: Transaction,
    order_id: str,
    item_id: str,
    option_ids: Sequence[str],
    quantity: int,
    note: str,
    key: str,
    now: datetime,
    at: datetime,
    buyer: str = "",
) -> Line:
    """Put a dish into the basket, for the moment `at`. Raises as `ordering.add_line`, `Conflict` once it is placed."""
    of = await changing(tx, order_id, now)
    if len(await ordering.lines(tx, of.tab_id)) >= reckoning.MOST_LINES:
        raise Conflict(reckoning.TOO_LARGE)
    line = await ordering.add_line(tx, of.tab_id, item_id, option_ids, quantity, of.id, note, key, at=at)
    await reductions.renew(tx, of, now, at, buyer)
    return line


async def change(
    tx: Transaction, order_id: str, line_id: str, quantity: int, now: datetime, at: datetime, buyer: str = ""
) -> None:
    """How many of a dish; 0 takes it out. Raises `NotFound` for another order's dish, `Conflict` once it is placed."""
    of = await lock(tx, order_id)
    line = await ordering.line_of(tx, line_id)
    if line.tab_id != of.tab_id:
        raise NotFound("This dish is no longer in the basket.")
    await changing(tx, order_id, now)
    await ordering.set_quantity(tx, line_id, quantity, of.id)
    await reductions.renew(tx, of, now, at, buyer)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer wrote down before placing an order."""

    mode: Mode
    asap: bool
    slot_at: datetime
    pay: Pay
    name: str
    phone: str
    note: str
    buyer_id: str


async def write_down(tx: Transaction, offer: Offer, order_id: str, wish: Wish, now: datetime) -> OnlineOrder:
    """Keep time, way and contact; nothing is promised yet. Raises `Invalid`, and `Conflict` once it is placed."""
    of = await changing(tx, order_id, now)
    name, phone = reckoning.check_contact(wish.name, wish.phone)
    if wish.mode not in offer.modes and wish.mode is not of.mode:
        raise Conflict(reckoning.NOT_LIKE_THIS)
    if wish.pay is Pay.LATER and (not offer.may_pay_later or wish.mode is Mode.BRING):
        raise Conflict(reckoning.PAY_AHEAD_HERE)
    await tx.run(
        "UPDATE tabs SET channel = %(channel)s WHERE id = %(tab)s",
        {"tab": of.tab_id, "channel": offers.CHANNELS[wish.mode]},
    )
    return await moved(
        tx,
        of,
        now,
        mode=wish.mode.value,
        asap=wish.asap,
        slot_at=wish.slot_at,
        pay=wish.pay.value,
        name=name,
        phone=phone,
        note=" ".join(wish.note.split())[:200],
        buyer_id=wish.buyer_id or of.buyer_id,
        hold_minutes=offer.hold_minutes,
        no_show=offer.no_show.value,
    )


async def reserve(tx: Transaction, of: OnlineOrder, now: datetime) -> dict[str, Any]:
    """Take the order's slot under the store's lock; answers the columns to set. The order is locked.

    Raises `Conflict` when the slot is full or past, when the shop takes none, or the order is too large for any."""
    offer = await offers.lock(tx, of.store_id)
    if not offer.takes:
        raise Conflict(reckoning.NOT_TAKING)
    if of.slot_at is None:
        raise Conflict(reckoning.NO_SLOT)
    asks = await offers.effort(tx, offer, of.tab_id)
    if not ever_fits(offer.limits, asks.load):
        raise Conflict(reckoning.TOO_LARGE)
    free = await offers.free_slots(tx, offer, asks, now, besides=of.id)
    if not any(slot.room for slot in free if slot.at == of.slot_at):
        raise Conflict(reckoning.SLOT_TAKEN)
    return await _taking(tx, of, of.slot_at, asks, offer)


async def _taking(
    tx: Transaction, of: OnlineOrder, slot_at: datetime, asks: offers.Effort, offer: Offer
) -> dict[str, Any]:
    day = slot_at.astimezone(ZoneInfo(offer.zone)).date()
    number = of.number if of.day == day and of.number else None
    if number is None:
        number = await tx.value(
            "SELECT coalesce(max(number), 0) + 1 FROM online_orders WHERE store_id = %(store)s AND day = %(day)s",
            {"store": of.store_id, "day": day},
        )
    # Before everybody's own slot: an order that must be made before it was placed is made at once.
    seconds = int(asks.prep.total_seconds())
    minutes = offer.every_minutes
    return {
        "load": json_column(asks.load),
        "slot_minutes": minutes,
        "prep_seconds": seconds,
        "day": day,
        "number": number,
    }


async def promise(tx: Transaction, order_id: str, now: datetime) -> OnlineOrder:
    """Promise an order that is paid when it is collected, or costs nothing. Pressed twice, it is promised once.

    Raises `Conflict` as `reserve`, for too many unpaid orders, and as `ordering.check_basket`."""
    of = await lock(tx, order_id)
    if of.status in (Status.PROMISED, Status.FIRED):
        return of
    reckoning.may_change(of)
    dishes = await ordering.lines(tx, of.tab_id)
    costs = (await account(tx, of, dishes)).ordered
    if not costs and not any(line.discount for line in dishes):
        raise Conflict(reckoning.NOTHING_CHOSEN)
    if costs and of.pay is not Pay.LATER:
        raise Conflict(reckoning.PAY_AHEAD_HERE)
    about = {"store": of.store_id, "id": of.id, "phone": of.phone, "buyer": of.buyer_id}
    if costs and of.slot_at is not None and not reckoning.may_wait_for_money(of.slot_at, now):
        raise Conflict(reckoning.UNPAID_TOO_FAR, hours=reckoning.UNPAID_HOURS)
    taking = await reserve(tx, of, now)
    if await tx.value(_UNPAID, about) >= reckoning.MOST_UNPAID:
        raise Conflict(reckoning.TOO_MANY_UNPAID)
    await ordering.check_basket(tx, of.tab_id, at=of.slot_at)
    return await promised(tx, of, now, taking)


async def promised(tx: Transaction, of: OnlineOrder, now: datetime, taking: dict[str, Any]) -> OnlineOrder:
    """The promise is given: from now on the order is the shop's affair. The order is locked."""
    after = await moved(tx, of, now, event=Event.PROMISE, placed_at=now, **taking)
    waiting = [line.id for line in await ordering.lines(tx, of.tab_id) if line.status is LineStatus.BASKET]
    await portions.keep(tx, waiting, after.slot_at or now)
    await label(tx, after)
    return after


async def label(tx: Transaction, of: OnlineOrder) -> None:
    """Write on the kitchen's ticket what it must know: number, time, who, where it is eaten."""
    offer = await offers.offer_of_store(tx, of.store_id)
    due = of.slot_at.astimezone(ZoneInfo(offer.zone)).strftime("%H:%M") if of.slot_at else ""
    where = f" · {of.table_name}" if of.table_name else ""
    note = f"{of.name} · {of.note}" if of.note else of.name
    await tx.run(
        "UPDATE tabs SET label = %(label)s, note = %(note)s, to_go = %(to_go)s WHERE id = %(tab)s",
        {
            "tab": of.tab_id,
            "label": f"{of.label} {due}{where}",
            "note": note,
            "to_go": of.mode is not Mode.EAT_HERE,
        },
    )
    await tx.tell(f"kitchen:{of.store_id}", "tickets", {"why": "label"})


async def arrive(tx: Transaction, order_id: str, now: datetime, table: str = "") -> OnlineOrder:
    """The customer is here: the food waits as long as it takes. `table` is where staff seated them."""
    of = await lock(tx, order_id)
    if of.status not in (Status.PROMISED, Status.FIRED):
        raise Conflict(reckoning.ORDER_OVER)
    seat = " ".join(table.split())[:20] or of.table_name
    after = await moved(tx, of, now, arrived_at=of.arrived_at or now, table_name=seat)
    if seat != of.table_name:
        await label(tx, after)
    return after


async def make_ready(tx: Transaction, order_id: str, now: datetime) -> OnlineOrder:
    """It can be handed over, whatever the kitchen has pressed. Raises `Conflict` before it was fired."""
    of = await lock(tx, order_id)
    if of.status is not Status.FIRED:
        raise Conflict(reckoning.ORDER_OVER if of.over else reckoning.NOT_YET_MADE)
    for seen in (LineStatus.SENT, LineStatus.COOKING):
        await kitchen.bump(tx, of.store_id, of.tab_id, ROUND, seen)
    return await moved(tx, of, now)


async def collect(tx: Transaction, order_id: str, by: str, now: datetime, *, brought: bool = False) -> OnlineOrder:
    """Handed over, by a courier if `brought`. Pressed twice, it changes nothing.

    Raises `Conflict` before it is made or paid, and at the shop for what a courier brings."""
    of = await lock(tx, order_id)
    if of.status is Status.COLLECTED:
        return of
    if of.mode is Mode.BRING and not brought:
        raise Conflict(reckoning.COURIER_BRINGS_IT)
    reckoning.may_collect(of, await account(tx, of))
    for seen in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY):
        await kitchen.bump(tx, of.store_id, of.tab_id, ROUND, seen)
    return await moved(tx, of, now, event=Event.COLLECT, ended_at=now, ended_by=by)


async def call_off(tx: Transaction, order_id: str, by: str, now: datetime) -> OnlineOrder:
    """Cancel an order that the kitchen has not begun; what was paid goes back in full. Again changes nothing.

    Raises `Conflict` once it is in the kitchen or while a payment is open."""
    of = await lock(tx, order_id)
    if of.status is Status.CANCELLED:
        return of
    money = await account(tx, of)
    reckoning.may_cancel(of, money)
    return await cancelled(tx, of, by, now, back=money.kept > 0)


async def cancelled(tx: Transaction, of: OnlineOrder, by: str, now: datetime, *, back: bool) -> OnlineOrder:
    """It is off; with `back` its money goes back. The order is locked and may be cancelled."""
    for line in await ordering.lines(tx, of.tab_id):
        if line.status is LineStatus.BASKET:
            await ordering.set_quantity(tx, line.id, 0, None)
    await ordering.close_tab(tx, of.tab_id)
    await applying.let_go(tx, of.tab_id, now)
    await deliveries.cancel(tx, KIND, of.id, by, now)
    return await moved(
        tx, of, now, event=Event.CANCEL, ended_at=now, ended_by=by, giving_back="cancelled" if back else ""
    )


async def moved(
    tx: Transaction, of: OnlineOrder, now: datetime, event: Event | None = None, **values: Any
) -> OnlineOrder:
    """Write what changed, take the order along its lifecycle, say when the clock must look again, tell the screens."""
    if event is not None:
        values["status"] = ORDER.next(of.status, event).value
    values["changed_at"] = now
    sets = ", ".join(f"{name} = %({name})s" for name in values)
    after = await tx.one(
        OnlineOrder,
        f"UPDATE online_orders SET {sets} WHERE id = %(id)s RETURNING {COLUMNS}",  # noqa: S608
        {**values, "id": of.id},
    )
    due = reckoning.due_at(after)
    await tx.run("UPDATE online_orders SET due_at = %(due)s WHERE id = %(id)s", {"id": of.id, "due": due})
    await tell(tx, after)
    return msgspec.structs.replace(after, due_at=due)


async def tell(tx: Transaction, of: OnlineOrder) -> None:
    """Tell the customer's page and the staff's list to look again."""
    await tx.tell(f"ahead:{of.id}", "ahead", {})
    if of.status is not Status.CHOOSING:
        await tx.tell(f"till:{of.store_id}", "ahead", {"order": of.id})


async def changing(tx: Transaction, order_id: str, now: datetime) -> OnlineOrder:
    """The order, held and known to be touched now. Raises `Conflict` once it is placed, being paid or over."""
    of = await lock(tx, order_id)
    reckoning.may_change(of)
    return await moved(tx, of, now)


def in_trouble(of: OnlineOrder) -> bool:
    """Whether a person has to decide about it."""
    return of.trouble is not Trouble.NONE and of.status is Status.PROMISED
