"""What must be true of a restaurant's evening at any moment, asked of its database.

Each check asks the rows themselves, so that a sum is never compared with the same code that made it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import msgspec

from saoma.app import AUDIT_RULES
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import Line
from saoma.food.orders.discounts import Discount
from saoma.kit.db import Rows
from saoma.marketing.model import Offer
from saoma.payments import ledger
from saoma.payments.audit import faults
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund
from saoma.restaurant.bill import Bill
from saoma.restaurant.model import ShareRow, Sitting
from saoma.restaurant.shares import KIND
from saoma.restaurant.sittings import bill_from
from tests.restaurant.make import Restaurant

#: What only says that no worker ran: here the worker is a rule of the machine.
_LATE: Final = {"nothing stays open past its end", "what is due is looked after"}

#: The whole evening in few questions, whatever happened in it: it is read after each step.
_SITTINGS: Final = "SELECT * FROM sittings WHERE store_id = %(store)s ORDER BY opened_at, id"
_LINES: Final = """
SELECT * FROM tab_lines WHERE store_id = %(store)s AND (status <> 'void' OR round IS NOT NULL) ORDER BY created_at, id
"""
_SHARES: Final = """
SELECT s.* FROM bill_shares s JOIN sittings t ON t.id = s.sitting_id WHERE t.store_id = %(store)s
ORDER BY s.held_at, s.payment_id
"""
_DISCOUNTS: Final = """
SELECT d.*, t.currency, jsonb_object_agg(s.line_id, s.amount) AS shares
FROM tab_discounts d JOIN tabs t ON t.id = d.tab_id JOIN line_discounts s ON s.discount_id = d.id
JOIN tab_lines l ON l.id = s.line_id AND l.status <> 'void'
WHERE t.store_id = %(store)s GROUP BY d.id, t.currency ORDER BY d.created_at, d.id
"""
_PAYMENTS: Final = """
SELECT * FROM payments WHERE store_id = %(store)s AND payable_kind = %(kind)s ORDER BY created_at, id
"""
_REFUNDS: Final = "SELECT * FROM refunds WHERE merchant_id = %(merchant)s ORDER BY created_at, id"
#: Whether anything of the evening's money still moves by itself.
STILL_OPEN: Final = """
SELECT (SELECT count(*) FROM payments WHERE merchant_id = %(merchant)s
    AND status IN ('created', 'pending', 'cancelling')) + (SELECT count(*) FROM refunds
    WHERE merchant_id = %(merchant)s AND status = 'pending')
"""
_FIRED: Final = "SELECT id, fired_at FROM tab_lines WHERE store_id = %(store)s AND hold = ''"
_CASES: Final = """
SELECT c.id, c.subject_id AS payment_id, c.at_risk, c.status FROM cases c
WHERE c.kind = 'surplus' AND c.subject_kind = 'payment' AND c.merchant_id = %(merchant)s ORDER BY c.opened_at, c.id
"""
_OFFERS_DISAGREE: Final = """
SELECT coalesce(u.offer_id, g.source) AS id, coalesce(u.tab_id, g.tab_id) || ' counts ' || coalesce(u.amount, 0)
    || ' and gave ' || coalesce(g.amount, 0) AS detail
FROM (SELECT u.* FROM offer_uses u JOIN tabs t ON t.id = u.tab_id WHERE t.store_id = %(store)s) u
FULL JOIN (SELECT d.source, d.tab_id, sum(s.amount) AS amount FROM tab_discounts d
    JOIN line_discounts s ON s.discount_id = d.id JOIN tab_lines l ON l.id = s.line_id AND l.status <> 'void'
    JOIN tabs t ON t.id = d.tab_id WHERE t.store_id = %(store)s AND d.kind IN ('offer', 'coupon')
    GROUP BY d.source, d.tab_id) g ON g.source = u.offer_id AND g.tab_id = u.tab_id
-- What nobody has sent yet is counted anew when it is sent: until then a budget may keep more for it, never less.
WHERE coalesce(u.amount, 0) < coalesce(g.amount, 0) OR (u.amount IS DISTINCT FROM g.amount AND EXISTS (
    SELECT FROM tab_lines l WHERE l.tab_id = coalesce(u.tab_id, g.tab_id) AND l.status NOT IN ('basket', 'void')))
"""
_POINTS_DISAGREE: Final = """
SELECT e.id, e.remaining || ' left, but its moves make ' || coalesce(sum(m.points), 0) AS detail
FROM points_earned e LEFT JOIN points_moves m ON m.earned_id = e.id WHERE e.store_id = %(store)s
GROUP BY e.id HAVING coalesce(sum(m.points), 0) <> e.remaining
UNION ALL
SELECT spent.buyer_id, 'spent ' || spent.points || ', on bills ' || coalesce(given.amount, 0) FROM (
    SELECT e.buyer_id, -sum(m.points) AS points FROM points_moves m JOIN points_earned e ON e.id = m.earned_id
    WHERE e.store_id = %(store)s AND m.kind IN ('spent', 'returned') GROUP BY e.buyer_id) spent
FULL JOIN (SELECT d.source AS buyer_id, sum(s.amount) AS amount FROM tab_discounts d
    JOIN line_discounts s ON s.discount_id = d.id JOIN tab_lines l ON l.id = s.line_id AND l.status <> 'void'
    JOIN tabs t ON t.id = d.tab_id WHERE t.store_id = %(store)s AND d.kind = 'points' GROUP BY d.source) given
    USING (buyer_id)
WHERE coalesce(spent.points, 0) <> coalesce(given.amount, 0)
"""
_WRONGLY_EARNED: Final = """
SELECT e.id, e.points || ' earned with ' || p.amount AS detail
FROM points_earned e JOIN payments p ON p.id = e.payment_id
WHERE e.store_id = %(store)s AND e.points <> (p.amount - coalesce((p.part ->> 'tip')::int, 0)) / 10
"""
_STRAY_SHARES: Final = """
SELECT s.line_id AS id, 'has a part of a discount on ' || d.tab_id AS detail FROM line_discounts s
JOIN tab_discounts d ON d.id = s.discount_id JOIN tab_lines l ON l.id = s.line_id
WHERE l.store_id = %(store)s AND (l.tab_id <> d.tab_id OR l.status = 'void')
"""


class _Fired(msgspec.Struct):
    id: str
    fired_at: datetime | None


class Broken(msgspec.Struct, frozen=True):
    """A row that should not be there."""

    id: str
    detail: str


class SurplusCase(msgspec.Struct, frozen=True):
    """A case about money nobody owed."""

    id: str
    payment_id: str
    at_risk: int
    status: str


class Table(msgspec.Struct, frozen=True):
    """One bill with everything that counts on it."""

    sitting: Sitting
    bill: Bill
    lines: tuple[Line, ...]
    discounts: tuple[Discount, ...]
    payments: tuple[Payment, ...]


class Evening(msgspec.Struct, frozen=True):
    """Everything, read at once."""

    tables: tuple[Table, ...]
    refunds: tuple[Refund, ...]
    cases: tuple[SurplusCase, ...]
    on_tickets: tuple[str, ...]
    #: When the course of a dish was fired, by line; not here as long as it waits.
    fired_at: dict[str, datetime | None]

    @property
    def payments(self) -> list[Payment]:
        """Every payment of the evening."""
        return [payment for table in self.tables for payment in table.payments]

    def bill_of(self, sitting: Sitting) -> Bill:
        """The bill of one sitting."""
        return next(one.bill for one in self.tables if one.sitting.id == sitting.id)

    @property
    def forgiven(self) -> int:
        """What was given back of what the bills came to."""
        every = [share for table in self.tables for share in table.bill.shares]
        return sum(share.refunded - share.surplus_refunded for share in every)

    @property
    def lines(self) -> list[Line]:
        """Every dish of the evening."""
        return [line for table in self.tables for line in table.lines]


async def seen(of: Restaurant, rows: Rows) -> Evening:
    """Read the evening."""
    store, merchant = {"store": of.store_id}, {"merchant": of.shop.merchant.id}
    every = await rows.rows(Sitting, _SITTINGS, store)
    lines = await rows.rows(Line, _LINES, store)
    shares = await rows.rows(ShareRow, _SHARES, store)
    discounts = await rows.rows(Discount, _DISCOUNTS, store)
    payments = await rows.rows(Payment, _PAYMENTS, store | {"kind": KIND})
    went_to = {sitting.id: sitting.merged_into for sitting in every}

    def lives_on(id: str) -> str:
        while into := went_to[id]:
            id = into
        return id

    tables = []
    for sitting in every:
        mine = tuple(line for line in lines if line.tab_id == sitting.tab_id)
        held = tuple(share for share in shares if share.sitting_id == sitting.id)
        tables.append(
            Table(
                sitting,
                bill_from(sitting.currency, mine, held),
                mine,
                tuple(one for one in discounts if one.tab_id == sitting.tab_id),
                tuple(one for one in payments if lives_on(one.payable_id) == sitting.id),
            )
        )
    tickets = await kitchen.tickets(rows, of.store_id)
    return Evening(
        tuple(tables),
        tuple(await rows.rows(Refund, _REFUNDS, merchant)),
        tuple(await rows.rows(SurplusCase, _CASES, merchant)),
        tuple(line.id for ticket in tickets for line in ticket.lines if line.status != "void"),
        {row.id: row.fired_at for row in await rows.rows(_Fired, _FIRED, store)},
    )


def bills_add_up(evening: Evening, late: Collection[str]) -> None:
    """A bill is the sum of what was ordered less what was explained; payments never exceed it unexplained.

    `late` are payments whose money came after their part of the bill was free again: only then more may be on its way
    than is owed."""
    proposed: dict[str, int] = {}
    for case in evening.cases:
        proposed[case.payment_id] = proposed.get(case.payment_id, 0) + case.at_risk
    for table in evening.tables:
        bill, ordered = table.bill, {line.id: line for line in table.lines if line.ordered}
        explained = sum(share for one in table.discounts for line, share in one.shares.items() if line in ordered)
        assert bill.ordered.minor == sum(line.amount for line in ordered.values()) - explained
        for line in ordered.values():
            assert line.discount == sum(one.shares.get(line.id, 0) for one in table.discounts), line
            assert 0 <= line.discount <= line.amount == line.unit_amount * line.quantity
        for one in table.discounts:
            assert one.why or one.name, "a discount explains itself"
        # What was ordered is never below what was let in; only late money may be on its way twice.
        came_late = any(payment.id in late for payment in table.payments)
        assert came_late or bill.paid + bill.held <= max(bill.ordered, bill.paid), "more is held than is owed"
        here = sum(share.amount.minor - share.refunded for share in bill.shares if share.state == "paid")
        assert bill.surplus.minor <= max(0, here), "money that went back is nobody's surplus"
        if bill.surplus:
            # Each cent beyond the bill is a case's.
            covered = sum(proposed.get(payment.id, 0) for payment in table.payments)
            assert covered >= bill.surplus.minor, "a surplus without a case"
        tips = sum(int(one.part.get("tip", 0)) for one in table.payments if one.status is Status.SUCCEEDED)
        given = sum(share.tip_refunded for share in bill.shares)
        assert bill.tips.minor == tips - given, "tips stand apart"


def no_more_is_proposed_than_is_beyond(evening: Evening, known: Collection[str]) -> None:
    """A case that is new proposes to give back what is beyond its bill, and the tip with all of it; never more."""
    for table in evening.tables:
        tips = {payment.id: int(payment.part.get("tip", 0)) for payment in table.payments}
        for case in evening.cases:
            if case.id not in known and case.status == "open" and case.payment_id in tips:
                assert case.at_risk <= table.bill.surplus.minor + tips[case.payment_id], "more than nobody owed"


def kitchen_cooks_once(evening: Evening) -> None:
    """What was sent is on exactly one ticket while it is made; what waits for its course is on none."""
    shown = list(evening.on_tickets)
    assert len(shown) == len(set(shown)), "a dish stands on two tickets"
    making = {line.id for line in evening.lines if line.status in ("sent", "cooking", "ready") and not line.hold}
    served = {line.id for line in evening.lines if line.status == "served"}
    assert making <= set(shown) <= making | served
    assert all(line.round for line in evening.lines if line.ordered)
    assert all(line.status == "sent" for line in evening.lines if line.ordered and line.hold)


async def ledger_agrees(of: Restaurant, rows: Rows, evening: Evening) -> None:
    """The book's accounts sum to nothing, and its sales less refunds are what payments brought."""
    balances = {one.account: one.balance.minor for one in await ledger.balances(rows, of.shop.merchant.id)}
    assert sum(balances.values()) == 0
    succeeded = sum(one.amount for one in evening.payments if one.status is Status.SUCCEEDED)
    refunded = sum(one.amount for one in evening.refunds if one.status is RefundStatus.SUCCEEDED)
    assert -balances.get(ledger.SALES, 0) == succeeded
    assert balances.get(ledger.REFUNDS, 0) == refunded


async def offers_keep_their_budgets(of: Restaurant, rows: Rows, offers: Iterable[Offer], evening: Evening) -> None:
    """No budget is exceeded, a coupon is on one bill, and points add up."""
    for question in (_OFFERS_DISAGREE, _POINTS_DISAGREE, _WRONGLY_EARNED, _STRAY_SHARES):
        found = await rows.rows(Broken, question, {"store": of.store_id})
        assert not found, found
    for offer in offers:
        bills = [one for table in evening.tables for one in table.discounts if one.source == offer.id]
        assert not offer.budget or sum(one.amount.minor for one in bills) <= offer.budget
        if offer.needs_coupon:
            assert len({one.tab_id for one in bills}) <= 1


async def nothing_is_broken(of: Restaurant, rows: Rows) -> None:
    """The audit finds nothing."""
    found = await faults(rows, of.clock.now(), AUDIT_RULES)
    broken = [fault for fault in found if fault.rule not in _LATE]
    assert not broken, broken
