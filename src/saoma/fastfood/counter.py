"""Counter orders' rows: begun once, filled, given up, made and handed over.

Whoever changes an order locks it first, then (through `food`) its tab; so a dish that is added and a payment that
begins come one after the other, and what is paid is what was ordered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from saoma.fastfood import reckoning
from saoma.fastfood.model import ORDER, Channel, CounterOrder, OrderEvent, OrderStatus
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import Line, LineStatus
from saoma.food.orders import ordering, tabs
from saoma.food.orders.pricing import basket_total, tab_total
from saoma.food.orders.shares import Account, Shares
from saoma.identity import model
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.ids import new_id
from saoma.marketing import applying, coupons

NO_SUCH_ORDER: Final = "There is no such order here."

#: Who comes back to an order that nobody touched for so long has gone: a worker gives it up.
ABANDONED_AFTER: Final = timedelta(hours=2)
#: The same at a kiosk, where a browser may have been killed in the middle of an order.
LEFT_AT_KIOSK: Final = timedelta(minutes=5)
#: For so long an order from a kiosk waits at the counter for somebody to pay it.
WAITS_AT_COUNTER: Final = timedelta(minutes=45)
#: A counter order is one round of its tab: it is fired once.
ROUND: Final = 1
SHARES: Final = Shares("counter_shares")

COLUMNS: Final = ", ".join(CounterOrder.__struct_fields__)

_FIRST: Final = f"""
INSERT INTO counter_orders (id, store_id, tab_id, channel, day, sequence, number, key, currency, opened_by, opened_at,
    changed_at, due_at)
VALUES (%(id)s, %(store)s, %(tab)s, %(channel)s, %(day)s, %(sequence)s, %(number)s, %(key)s, %(currency)s, %(by)s,
    %(now)s, %(now)s, %(due)s)
RETURNING {COLUMNS}
"""  # noqa: S608
#: The row is the lock of this store's numbers until the transaction ends.
_LAST: Final = """
INSERT INTO pickup_numbers (store_id, day, last) VALUES (%(store)s, %(day)s, 0)
ON CONFLICT (store_id, day) DO UPDATE SET last = pickup_numbers.last RETURNING last
"""
#: Numbers somebody may still wait for, of whatever day.
_TAKEN: Final = """
SELECT number FROM counter_orders WHERE store_id = %(store)s AND status IN ('building', 'paying')
UNION
SELECT o.number FROM tab_lines AS l JOIN counter_orders AS o ON o.tab_id = l.tab_id
WHERE l.store_id = %(store)s AND l.status IN ('sent', 'cooking', 'ready')
"""


class _Back(msgspec.Struct, frozen=True):
    payment_id: str
    amount: int


_FORGIVEN: Final = """
SELECT r.payment_id, sum(least(r.amount, d.due))::bigint AS amount FROM counter_shares AS s
JOIN refunds AS r ON r.payment_id = s.payment_id AND r.status = 'succeeded' CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.amount - l.discount), 0) AS due FROM tab_lines AS l
    WHERE l.tab_id = %(tab)s AND r.lines ? l.id AND l.status NOT IN ('basket', 'void')) AS d
WHERE s.order_id = %(order)s GROUP BY r.payment_id
"""


class _Numbers(msgspec.Struct, frozen=True):
    number: int


async def order(rows: Rows, order_id: str) -> CounterOrder:
    """The order. Raises `NotFound`."""
    return await _order(rows, "id = %(id)s", {"id": order_id})


async def order_at(rows: Rows, store_id: str, order_id: str) -> CounterOrder:
    """The order, if it is this store's. Raises `NotFound` for any other."""
    return await _order(rows, "id = %(id)s AND store_id = %(store)s", {"id": order_id, "store": store_id})


async def lock(tx: Transaction, order_id: str) -> CounterOrder:
    """The order, held by this transaction until it ends. Raises `NotFound`."""
    return await _order(tx, "id = %(id)s FOR UPDATE", {"id": order_id})


async def _order(rows: Rows, where: str, params: dict[str, str]) -> CounterOrder:
    sql = f"SELECT {COLUMNS} FROM counter_orders WHERE {where}"  # noqa: S608
    found = await rows.maybe(CounterOrder, sql, params)
    if found is None:
        raise NotFound(NO_SUCH_ORDER)
    return found


async def account(rows: Rows, of: CounterOrder, lines: Sequence[Line] | None = None) -> Account:
    """What the order costs and what payments bring to it."""
    dishes = await ordering.lines(rows, of.tab_id) if lines is None else lines
    fired = of.fired_at is not None
    total = tab_total(dishes, of.currency) if fired else basket_total(dishes, of.currency)
    shares = await SHARES.of(rows, of.id)
    back = await forgiven(rows, of) if any(share.refunded for share in shares) else {}
    return Account(of.currency, total.minor, shares, fired, sum(back.values()))


async def forgiven(rows: Rows, of: CounterOrder) -> dict[str, int]:
    """What of each payment went back for dishes that it named and that are still on the order."""
    return {row.payment_id: row.amount for row in await rows.rows(_Back, _FORGIVEN, {"order": of.id, "tab": of.tab_id})}


async def begin(
    tx: Transaction, store_id: str, channel: Channel, key: str, by: str, now: datetime, *, to_go: bool = False
) -> CounterOrder:
    """The order of this `key` at this store, begun with the next pickup number if there is none yet.

    `to_go` says that a kiosk's order is packed; for a counter's its channel says so.
    Raises `NotFound` when the store has no menu, `Conflict` when every number is waited for."""
    where = {"store": store_id, "key": key}
    mine = "store_id = %(store)s AND key = %(key)s"
    known = await tx.maybe(CounterOrder, f"SELECT {COLUMNS} FROM counter_orders WHERE {mine}", where)  # noqa: S608
    if known is not None:
        return known
    store = await model.store(tx, store_id)
    day = now.astimezone(ZoneInfo(store.zone)).date()
    last = int(await tx.value(_LAST, {"store": store_id, "day": day}))
    # Who pressed at the same moment has begun it while this one waited for the numbers.
    known = await tx.maybe(CounterOrder, f"SELECT {COLUMNS} FROM counter_orders WHERE {mine}", where)  # noqa: S608
    if known is not None:
        return known
    taken = {row.number for row in await tx.rows(_Numbers, _TAKEN, {"store": store_id})}
    sequence, number = reckoning.pickup_number(last, taken)
    await tx.run(
        "UPDATE pickup_numbers SET last = %(last)s WHERE store_id = %(store)s AND day = %(day)s",
        {"last": sequence, "store": store_id, "day": day},
    )
    tab = await ordering.open_tab(tx, store_id, channel.value, f"#{number}")
    if to_go or channel is Channel.TAKEAWAY:
        await tabs.pack(tx, tab.id, to_go=True)
    begun = await tx.one(
        CounterOrder,
        _FIRST,
        {
            "id": new_id("ctr"),
            "store": store_id,
            "tab": tab.id,
            "channel": channel.value,
            "day": day,
            "sequence": sequence,
            "number": number,
            "key": key,
            "currency": tab.currency,
            "by": by,
            "now": now,
            "due": now + (LEFT_AT_KIOSK if channel is Channel.KIOSK else ABANDONED_AFTER),
        },
    )
    await tell(tx, begun)
    return begun


async def add(
    tx: Transaction,
    order_id: str,
    item_id: str,
    option_ids: Sequence[str],
    quantity: int,
    note: str,
    key: str,
    now: datetime,
) -> Line:
    """Put a dish into the order. Raises as `ordering.add_line` does, and `Conflict` once its money moves."""
    at = await _changing(tx, order_id, now)
    line = await ordering.add_line(tx, at.tab_id, item_id, option_ids, quantity, "", note, key, at=now)
    await applying.apply(tx, at.tab_id, now)
    return line


async def change(tx: Transaction, order_id: str, line_id: str, quantity: int, now: datetime) -> None:
    """How many of a dish; 0 takes it out. Raises `NotFound` for another order's dish, `Conflict` once money moves."""
    at = await lock(tx, order_id)
    line = await ordering.line_of(tx, line_id)
    if line.tab_id != at.tab_id:
        raise NotFound("This dish is no longer in the basket.")
    await _changing(tx, order_id, now)
    await ordering.set_quantity(tx, line_id, quantity, None)
    await applying.apply(tx, at.tab_id, now)


async def set_channel(tx: Transaction, order_id: str, channel: Channel, now: datetime) -> None:
    """Eaten here or taken away: the kitchen packs it accordingly. Raises `Conflict` once its money moves.

    What came by a kiosk keeps its channel."""
    at = await _changing(tx, order_id, now)
    await tabs.pack(tx, at.tab_id, to_go=channel is Channel.TAKEAWAY)
    if at.channel is Channel.KIOSK:
        return
    values = {"id": at.id, "tab": at.tab_id, "channel": channel.value}
    await tx.run("UPDATE counter_orders SET channel = %(channel)s WHERE id = %(id)s", values)
    await tx.run("UPDATE tabs SET channel = %(channel)s WHERE id = %(tab)s", values)
    await applying.apply(tx, at.tab_id, now)


async def set_note(tx: Transaction, order_id: str, note: str, now: datetime) -> None:
    """What the kitchen should know of all of it. Raises `Conflict` once its money moves, `Invalid` if too long."""
    at = await _changing(tx, order_id, now)
    await tabs.note_down(tx, at.tab_id, note)


async def leave_for_counter(tx: Transaction, order_id: str, now: datetime) -> CounterOrder:
    """A kiosk's order is to be paid at the counter, and is the counter's from now on. Pressed twice, it is so once.

    Nothing is cooked before it is paid. Raises `SoldOut` or `PriceChanged` when it can't be sold as it was seen, and
    `Conflict` for an empty one or one whose money moves."""
    at = await lock(tx, order_id)
    if at.left_for_counter_at is not None:
        return at
    so_far = await account(tx, at)
    reckoning.may_change(at.status, so_far)
    if not so_far.ordered:
        raise Conflict(reckoning.NOTHING_CHOSEN)
    await ordering.check_basket(tx, at.tab_id, at=now)
    left = await tx.one(
        CounterOrder,
        "UPDATE counter_orders SET left_for_counter_at = %(now)s, changed_at = %(now)s, due_at = %(due)s"  # noqa: S608
        f" WHERE id = %(id)s RETURNING {COLUMNS}",
        {"id": at.id, "now": now, "due": now + WAITS_AT_COUNTER},
    )
    await tell(tx, left)
    return left


async def cancel(tx: Transaction, order_id: str, now: datetime) -> None:
    """Give the order up. Raises `Conflict` while money is here or on its way, and once it is paid."""
    at = await lock(tx, order_id)
    if at.status is OrderStatus.CANCELLED:
        return
    reckoning.may_change(at.status, await account(tx, at))
    await give_up(tx, at, now)


async def make_ready(tx: Transaction, order_id: str) -> None:
    """It stands on the counter: every dish is ready, whatever the kitchen has pressed."""
    await _move_on(tx, order_id, (LineStatus.SENT, LineStatus.COOKING))


async def collect(tx: Transaction, order_id: str) -> None:
    """The customer has it. Pressed twice, it changes nothing. Raises `Conflict` for an order that is not paid."""
    await _move_on(tx, order_id, (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY))


async def _move_on(tx: Transaction, order_id: str, seen: Sequence[LineStatus]) -> None:
    at = await lock(tx, order_id)
    if at.fired_at is None:
        raise Conflict("This order is not paid. Take the money first.")
    for status in seen:
        await kitchen.bump(tx, at.store_id, at.tab_id, ROUND, status)
    await tell(tx, at)


async def settle(tx: Transaction, at: CounterOrder, now: datetime, payment_id: str, by: str) -> CounterOrder:
    """Bring the order in line with its money; what is covered goes to the kitchen now, once. The order is locked."""
    event = reckoning.next_event(at.status, await account(tx, at))
    if event is None:
        await tell(tx, at)
        return at
    status = ORDER.next(at.status, event)
    if event is OrderEvent.COVER:
        sent = await ordering.fire(tx, at.tab_id, by, at=now)
        await ordering.pay_lines(tx, _Payer(payment_id), [line.id for line in sent])
        await ordering.settle_tab(tx, at.tab_id)
    settled = await tx.one(
        CounterOrder,
        "UPDATE counter_orders SET status = %(status)s, changed_at = %(now)s,"  # noqa: S608
        " fired_at = CASE WHEN %(status)s = 'paid' THEN %(now)s END,"
        " due_at = CASE WHEN %(status)s <> 'paid' THEN %(due)s::timestamptz END, tries = 0"
        f" WHERE id = %(id)s RETURNING {COLUMNS}",
        {"id": at.id, "status": status.value, "now": now, "due": now + patience(at)},
    )
    await tell(tx, settled)
    return settled


async def enter_coupon(tx: Transaction, order_id: str, code: str, now: datetime) -> None:
    """Use a coupon's code on the order. Raises a `Refused` that says why it doesn't fit, or that its money moves."""
    at = await _changing(tx, order_id, now)
    await coupons.enter(tx, at.tab_id, code, now)


async def give_free(tx: Transaction, order_id: str, by: str, now: datetime) -> bool:
    """Send an order that discounts made free to the kitchen, for there is nothing to pay; whether it was sent now.

    Raises `Conflict` while there is anything to pay, and for an empty one."""
    at = await lock(tx, order_id)
    if at.fired_at is not None:
        return False
    lines = await ordering.lines(tx, at.tab_id)
    so_far = await account(tx, at, lines)
    reckoning.may_change(at.status, so_far)
    if so_far.ordered or not any(line.discount for line in lines):
        raise Conflict(reckoning.NOTHING_CHOSEN if not lines else reckoning.AMOUNT_CHANGED)
    await ordering.check_basket(tx, at.tab_id, at=now)
    await ordering.fire(tx, at.tab_id, by, at=now)
    await ordering.settle_tab(tx, at.tab_id)
    await tx.run(
        "UPDATE counter_orders SET status = 'paid', changed_at = %(now)s, fired_at = %(now)s, due_at = NULL"
        " WHERE id = %(id)s",
        {"id": at.id, "now": now},
    )
    await tell(tx, at)
    return True


class _Payer(msgspec.Struct, frozen=True):
    id: str


async def _changing(tx: Transaction, order_id: str, now: datetime) -> CounterOrder:
    at = await lock(tx, order_id)
    reckoning.may_change(at.status, await account(tx, at))
    await tx.run(
        "UPDATE counter_orders SET changed_at = %(now)s, due_at = %(due)s, tries = 0 WHERE id = %(id)s",
        {"id": order_id, "now": now, "due": now + patience(at)},
    )
    await tell(tx, at)
    return at


async def give_up(tx: Transaction, at: CounterOrder, now: datetime) -> None:
    """Nobody wants an order any more on which no money is. It is locked."""
    await ordering.close_tab(tx, at.tab_id)
    await applying.let_go(tx, at.tab_id, now)
    await tx.run(
        "UPDATE counter_orders SET status = %(status)s, changed_at = %(now)s, due_at = NULL WHERE id = %(id)s",
        {"id": at.id, "status": ORDER.next(at.status, OrderEvent.CANCEL).value, "now": now},
    )
    await tell(tx, at)


def patience(at: CounterOrder) -> timedelta:
    """How long nobody may touch this order before it is given up."""
    if at.channel is not Channel.KIOSK:
        return ABANDONED_AFTER
    return LEFT_AT_KIOSK if at.left_for_counter_at is None else WAITS_AT_COUNTER


async def tell(tx: Transaction, at: CounterOrder) -> None:
    """Tell the counters and the boards of the store to look again."""
    await tx.tell(f"till:{at.store_id}", "order", {"order": at.id})
    await tx.tell(f"pickup:{at.store_id}", "pickup", {})
