"""Points of members, by Alipay user: earned with what is paid, spent as money off, expiring, taken back by refunds.

A tip earns nothing. One point is one minor unit of the store's money. The oldest are spent first; every movement is
kept, and for each row of `points_earned` its movements add up to what is left of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from saoma.food.orders import discounts, tabs
from saoma.food.orders.discounts import Kind
from saoma.gateway import is_practice
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund

#: What a payment calls the part of it that is a tip, and a refund that names it.
TIP: Final = "tip"
NO_POINTS: Final = "You have no points to use here."


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How points are earned at a store: hundredths of a percent of what is paid, good for so many days."""

    basis_points: int = 300
    days: int = 365
    running: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer who has earned points."""

    buyer_id: str
    balance: int
    earned: int
    last_at: datetime


class _Lot(msgspec.Struct, frozen=True):
    id: str
    remaining: int


class _Spent(msgspec.Struct, frozen=True):
    earned_id: str
    buyer_id: str
    points: int


async def rule(rows: Rows, store_id: str) -> Rule:
    """How a store's points are earned; not running where nobody set it up."""
    found = await rows.maybe(
        Rule,
        "SELECT basis_points, days, running FROM points_rules WHERE store_id = %(store)s",
        {"store": store_id},
    )
    return found or Rule()


async def set_rule(tx: Transaction, store_id: str, new: Rule) -> None:
    """Change how points are earned from now on; those that people have stay."""
    await tx.run(
        "INSERT INTO points_rules (store_id, basis_points, days, running)"
        " VALUES (%(store)s, %(basis_points)s, %(days)s, %(running)s) ON CONFLICT (store_id) DO UPDATE"
        " SET basis_points = excluded.basis_points, days = excluded.days, running = excluded.running",
        {"store": store_id, "basis_points": new.basis_points, "days": new.days, "running": new.running},
    )


async def balance(rows: Rows, store_id: str, buyer_id: str, now: datetime) -> int:
    """What a buyer can spend here now."""
    return int(
        await rows.value(
            "SELECT coalesce(sum(remaining), 0)::bigint FROM points_earned WHERE store_id = %(store)s"
            " AND buyer_id = %(buyer)s AND expires_at > %(now)s",
            {"store": store_id, "buyer": buyer_id, "now": now},
        )
    )


async def members(rows: Rows, store_id: str, now: datetime, limit: int = 200) -> list[Member]:
    """Who has points, the richest first."""
    return await rows.rows(
        Member,
        "SELECT buyer_id, coalesce(sum(remaining) FILTER (WHERE expires_at > %(now)s), 0)::bigint AS balance,"
        " sum(points)::bigint AS earned, max(at) AS last_at FROM points_earned WHERE store_id = %(store)s"
        " GROUP BY buyer_id ORDER BY balance DESC, buyer_id LIMIT %(limit)s",
        {"store": store_id, "now": now, "limit": limit},
    )


async def _move(tx: Transaction, earned_id: str, kind: str, points: int, now: datetime, **about: str) -> None:
    await tx.run(
        "INSERT INTO points_moves (id, earned_id, kind, points, tab_id, refund_id, at)"
        " VALUES (%(id)s, %(earned)s, %(kind)s, %(points)s, %(tab)s, %(refund)s, %(now)s)",
        {
            "id": new_id("pmv"),
            "earned": earned_id,
            "kind": kind,
            "points": points,
            "tab": about.get("tab_id", ""),
            "refund": about.get("refund_id", ""),
            "now": now,
        },
    )
    if kind != "earned":
        await tx.run(
            "UPDATE points_earned SET remaining = remaining + %(points)s WHERE id = %(id)s",
            {"id": earned_id, "points": points},
        )


async def spend(tx: Transaction, tab_id: str, buyer_id: str, now: datetime, *, at_least: int = 0) -> Money:
    """Take as many of a buyer's points off the free lines of a bill as there are, and no more than it costs.

    Pressed twice it spends once. `at_least`: see `applying.apply`. Raises `Conflict` when there is nothing to spend."""
    at = await tabs.locked(tx, tab_id)
    key = f"points:{buyer_id}"
    on_it = await discounts.discounts_of(tx, tab_id)
    known = next((one for one in on_it if one.key == key), None)
    if known is not None:
        return known.amount
    every = await tabs.lines(tx, tab_id)
    counted = [line for line in every if line.ordered] or [line for line in every if line.status == "basket"]
    due = sum(line.due.minor for line in counted)
    free = [line for line in counted if discounts.free(line)]
    lots = await tx.rows(
        _Lot,
        "SELECT id, remaining FROM points_earned WHERE store_id = %(store)s AND buyer_id = %(buyer)s"
        " AND remaining > 0 AND expires_at > %(now)s ORDER BY expires_at, id FOR UPDATE",
        {"store": at.store_id, "buyer": buyer_id, "now": now},
    )
    most = min(sum(lot.remaining for lot in lots), sum(line.due.minor for line in free), max(0, due - at_least))
    if most <= 0:
        raise Conflict(NO_POINTS if not lots else discounts.NOTHING_TO_TAKE_OFF)
    put = await discounts.put(
        tx,
        tab_id,
        kind=Kind.POINTS,
        shares=discounts.spread(Money(most, at.currency), free),
        name="Points",
        name_zh="积分抵扣",
        why=f"{most} points",
        why_zh=f"使用 {most} 积分",
        source=buyer_id,
        key=key,
    )
    wanted = most
    for lot in lots:
        part = min(wanted, lot.remaining)
        if part:
            await _move(tx, lot.id, "spent", -part, now, tab_id=tab_id)
            wanted -= part
    return put.amount


async def give_back(tx: Transaction, tab_id: str, buyer_id: str, now: datetime) -> None:
    """A buyer does not want to spend points on this bill after all; what is paid already stays spent."""
    for one in await discounts.discounts_of(tx, tab_id):
        if one.kind is Kind.POINTS and one.source == buyer_id:
            await discounts.take_off(tx, tab_id, one.id)
    await return_unused(tx, tab_id, now)


async def return_unused(tx: Transaction, tab_id: str, now: datetime) -> None:
    """Points that were spent on dishes that are gone from the bill are their owner's again, even over their time."""
    spent = await tx.rows(
        _Spent,
        "SELECT m.earned_id, e.buyer_id, -sum(m.points)::bigint AS points FROM points_moves m"
        " JOIN points_earned e ON e.id = m.earned_id WHERE m.tab_id = %(tab)s"
        " GROUP BY m.earned_id, e.buyer_id HAVING sum(m.points) < 0 ORDER BY m.earned_id DESC",
        {"tab": tab_id},
    )
    if not spent:
        return
    on_it = await discounts.discounts_of(tx, tab_id)
    for buyer in {one.buyer_id for one in spent}:
        still = sum(one.amount.minor for one in on_it if one.kind is Kind.POINTS and one.source == buyer)
        back = sum(one.points for one in spent if one.buyer_id == buyer) - still
        for one in spent:
            part = min(back, one.points) if one.buyer_id == buyer else 0
            if part > 0:
                await _move(tx, one.earned_id, "returned", part, now, tab_id=tab_id)
                await _take_back(tx, one.earned_id, now)
                back -= part


class _Owed(msgspec.Struct, frozen=True):
    remaining: int
    due: int


#: What of a payment went back counts against what it earned with; a tip earned nothing, wherever it is named.
_OWED: Final = """
SELECT e.remaining, (ceil(e.points::numeric * least(p.refunded - least(t.named, t.tip), p.amount - t.tip)
    / (p.amount - t.tip)) + coalesce((SELECT sum(m.points) FROM points_moves m
    WHERE m.earned_id = e.id AND m.kind = 'taken_back'), 0))::bigint AS due
FROM points_earned e JOIN payments p ON p.id = e.payment_id CROSS JOIN LATERAL (
    SELECT coalesce((p.part ->> 'tip')::bigint, 0) AS tip, (SELECT coalesce(sum(r.amount), 0) FROM refunds r
        WHERE r.payment_id = p.id AND r.status = 'succeeded' AND r.lines ? %(tip)s) AS named) t
WHERE e.id = %(id)s
"""


async def _take_back(tx: Transaction, earned_id: str, now: datetime, refund_id: str = "") -> None:
    """Take what was earned with money that went back, as far as it is there; the rest when it comes back unused."""
    lot = await tx.maybe(
        _Owed,
        _OWED,
        {"id": earned_id, "tip": TIP},
    )
    part = 0 if lot is None else min(lot.due, lot.remaining)
    if part > 0:
        await _move(tx, earned_id, "taken_back", -part, now, refund_id=refund_id)


async def expire(tx: Transaction, store_id: str, now: datetime) -> int:
    """Write off what is over its time; how many points that were. What can be spent never depends on it."""
    lots = await tx.rows(
        _Lot,
        "SELECT id, remaining FROM points_earned WHERE store_id = %(store)s AND remaining > 0"
        " AND expires_at <= %(now)s ORDER BY id FOR UPDATE SKIP LOCKED",
        {"store": store_id, "now": now},
    )
    for lot in lots:
        await _move(tx, lot.id, "expired", -lot.remaining, now)
    return sum(lot.remaining for lot in lots)


class Collected:
    """A `Listener` of the payment core: points are earned when money is here, and taken back when it goes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """Earn points with a payment that succeeded, if its buyer is known and the store gives any."""
        if payment.status is not Status.SUCCEEDED or not payment.buyer_id or is_practice(payment.merchant_id):
            return
        how = await rule(tx, payment.store_id)
        points = (payment.amount - int(payment.part.get(TIP, 0))) * how.basis_points // 10_000
        if not how.running or points <= 0:
            return
        now = self._clock.now()
        earned_id = await tx.value(
            "INSERT INTO points_earned (id, store_id, buyer_id, payment_id, points, remaining, at, expires_at)"
            " VALUES (%(id)s, %(store)s, %(buyer)s, %(payment)s, %(points)s, %(points)s, %(now)s, %(until)s)"
            " ON CONFLICT (payment_id) DO NOTHING RETURNING id",
            {
                "id": new_id("pts"),
                "store": payment.store_id,
                "buyer": payment.buyer_id,
                "payment": payment.id,
                "points": points,
                "now": now,
                "until": now + timedelta(days=how.days),
            },
        )
        if earned_id is not None:
            await _move(tx, earned_id, "earned", points, now)

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Take back what was earned with money that went back, as far as it is not spent."""
        if refund.status is not RefundStatus.SUCCEEDED:
            return
        lot = await tx.value("SELECT id FROM points_earned WHERE payment_id = %(id)s FOR UPDATE", {"id": payment.id})
        if lot is not None:
            await _take_back(tx, str(lot), self._clock.now(), refund.id)
