"""What must be true of a world: at any moment, at rest, and once people have ruled on what was left to them.

Alipay's own book is the truth. Ours may be behind it, but never say what is not so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from saoma.gateway import Method
from saoma.kit.db import Database, Rows
from saoma.payments.audit import faults
from saoma.payments.lifecycle import FINAL, Status
from saoma.sandbox.book.model import Product, Trade, TradeStatus
from saoma.sandbox.book.trades import Book
from tests.simulation.alipay import PARTNER
from tests.simulation.network import Network
from tests.simulation.tabs import shares


class Breach(AssertionError):
    """Something that must never be."""


class Seen(msgspec.Struct, frozen=True):
    """One payment as its row stands."""

    id: str
    order_number: str
    method: Method
    status: Status
    amount: int
    refunded: int
    refund_reserved: int
    booked: bool
    payable_state: str
    payable_kind: str
    payable_id: str
    code: str
    trade_number: str
    due_at: datetime | None
    #: When the next of its refunds is due.
    refund_due_at: datetime | None


_OWN = ", ".join(name for name in Seen.__struct_fields__ if name != "refund_due_at")
_SEEN = f"""
SELECT {_OWN}, (SELECT min(due_at) FROM refunds WHERE payment_id = payments.id) AS refund_due_at
FROM payments WHERE account_id = %(id)s ORDER BY created_at, id
"""
_WITHOUT_CASE = """
SELECT p.id FROM payments AS p WHERE p.account_id = %(id)s AND p.status = 'needs_attention' AND NOT EXISTS (
    SELECT FROM cases AS c WHERE c.subject_kind = 'payment' AND c.subject_id = p.id AND c.status <> 'closed')
UNION ALL
SELECT r.id FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
WHERE p.account_id = %(id)s AND r.status = 'needs_attention' AND NOT EXISTS (
    SELECT FROM cases AS c WHERE c.subject_kind = 'refund' AND c.subject_id = r.id AND c.status <> 'closed')
LIMIT 1
"""
_REFUNDS = """
SELECT r.refund_number, r.payment_id, r.amount, r.status, r.id FROM refunds AS r JOIN payments AS p
ON p.id = r.payment_id WHERE p.account_id = %(id)s ORDER BY r.created_at, r.id
"""
_BOOKED = """
SELECT p.id, coalesce(sum(CASE s.kind WHEN 'sale' THEN s.amount WHEN 'refund' THEN -s.amount
    WHEN 'reversal' THEN -s.amount END), 0)::bigint AS net, coalesce(sum(
    CASE WHEN s.destination = 'alipay_clearing' THEN s.amount WHEN s.source = 'alipay_clearing' THEN -s.amount END), 0
    )::bigint AS held
FROM payments AS p LEFT JOIN postings AS s ON s.payment_id = p.id WHERE p.account_id = %(id)s GROUP BY p.id
"""


class SeenRefund(msgspec.Struct, frozen=True):
    """One refund as its row stands."""

    refund_number: str
    payment_id: str
    amount: int
    status: str
    id: str


class _Booked(msgspec.Struct, frozen=True):
    id: str
    net: int
    held: int


async def seen(db: Database, account_id: str) -> list[Seen]:
    """Every payment of an account, oldest first."""
    async with db.reading() as rows:
        return await rows.rows(Seen, _SEEN, {"id": account_id})


async def refunds(db: Database, account_id: str) -> list[SeenRefund]:
    """Every refund of an account, oldest first."""
    async with db.reading() as rows:
        return await rows.rows(SeenRefund, _REFUNDS, {"id": account_id})


def due(payments: Sequence[Seen]) -> datetime | None:
    """When a worker has something to do next."""
    moments = [moment for payment in payments for moment in (payment.due_at, payment.refund_due_at) if moment]
    return min(moments, default=None)


def kept(trade: Trade | None) -> int:
    """What Alipay holds for us of a trade, in minor units."""
    return 0 if trade is None or trade.paid_at is None else trade.amount - trade.refunded


def _must(holds: object, what: str) -> None:
    if not holds:
        raise Breach(what)


def trade_of(book: Book, payment: Seen) -> Trade | None:
    """Alipay's side of a payment."""
    return book.trades.get((PARTNER, payment.order_number))


def payable(trade: Trade | None, now: datetime) -> bool:
    """Whether a buyer could still pay it."""
    if trade is None:
        return False
    if trade.status is TradeStatus.ORDERED:
        return trade.code_expires_at is None or now < trade.code_expires_at
    return trade.status is TradeStatus.WAIT_BUYER_PAY


def at_any_time(payments: Sequence[Seen], book: Book, network: Network, hasty: set[str]) -> None:
    """What holds after every step. Of `hasty` payments somebody said, without waiting for the truth, what became of
    them: late money may say otherwise."""
    numbers = {payment.order_number for payment in payments}
    for (partner, number), trade in book.trades.items():
        if partner == PARTNER and trade.product is not Product.STATIC_CODE:
            _must(number in numbers, f"Alipay has a trade {number} that no row of ours stands for")
        _must(trade.refunded <= trade.amount, f"{number} gave back {trade.refunded} of {trade.amount}")
    for payment in payments:
        theirs = trade_of(book, payment)
        name = f"{payment.order_number} ({payment.status}, {payment.code})"
        _must(payment.refunded <= payment.refund_reserved <= payment.amount, f"{name} promises too much back")
        if payment.status is Status.SUCCEEDED:
            _must(theirs is not None and theirs.paid_at is not None, f"{name} has succeeded, but nobody paid")
            _must(theirs is not None and theirs.amount == payment.amount, f"{name} was paid another amount")
        elif payment.status in (Status.FAILED, Status.CANCELLED) and payment.id not in hasty:
            # a copy of the request that arrives after the end can open a trade, if Alipay has forgotten that end
            excused = payment.order_number in network.forgotten or (
                payment.status is Status.FAILED and network.astray.get(payment.order_number)
            )
            _must(excused or not payable(theirs, book.clock.now()), f"{name} is over, but can still be paid")


async def at_rest(db: Database, account_id: str, payments: Sequence[Seen]) -> None:
    """What holds when nothing is due: everything has ended, or is somebody's case."""
    for payment in payments:
        over = payment.status in FINAL or payment.status is Status.NEEDS_ATTENTION
        _must(over, f"{payment.order_number} is {payment.status} and nobody looks after it")
    for refund in await refunds(db, account_id):
        _must(refund.status != "pending", f"refund {refund.refund_number} is pending and nobody looks after it")
    async with db.reading() as rows:
        alone = await rows.value(_WITHOUT_CASE, {"id": account_id})
    _must(alone is None, f"{alone} needs a person and is nobody's case")


async def books_agree(db: Database, account_id: str, store_id: str, payments: Sequence[Seen], book: Book) -> None:
    """Trade by trade: Alipay's money, ours, the ledger's and the tabs'. What waits for a person is left out."""
    async with db.reading() as rows:
        booked = {row.id: row for row in await rows.rows(_Booked, _BOOKED, {"id": account_id})}
        await _tabs_agree(rows, store_id, payments)
    given: dict[str, dict[str, int]] = {}
    waiting = {payment.order_number for payment in payments if payment.status is Status.NEEDS_ATTENTION}
    stuck = set()
    for refund in await refunds(db, account_id):
        if refund.status == "succeeded":
            given.setdefault(refund.payment_id, {})[refund.refund_number] = refund.amount
        elif refund.status == "needs_attention":
            stuck.add(refund.payment_id)
    waiting |= {payment.order_number for payment in payments if payment.id in stuck}
    for payment in payments:
        if payment.order_number in waiting:
            continue
        trade = trade_of(book, payment)
        ours = payment.amount - payment.refunded if payment.status is Status.SUCCEEDED else 0
        name = f"{payment.order_number} ({payment.status}, {payment.code})"
        _must(kept(trade) == ours, f"{name}: Alipay holds {kept(trade)}, we say {ours}")
        _must(booked[payment.id].net == ours, f"{name}: the ledger says {booked[payment.id].net}, we say {ours}")
        _must(booked[payment.id].held == ours, f"{name}: alipay_clearing holds {booked[payment.id].held}, not {ours}")
        theirs = {one.refund_no: one.amount for one in book.refunds_of(trade)} if trade else {}
        ours_given = given.get(payment.id, {})
        _must(theirs == ours_given, f"{name}: Alipay refunded {theirs}, we say {ours_given}")
    numbers = {payment.order_number for payment in payments}
    for one in book.all_trades(PARTNER):
        unknown = one.out_trade_no not in numbers
        _must(not unknown or not kept(one), f"Alipay holds {kept(one)} of {one.out_trade_no}, unknown to us")
    for buyer in book.buyers():
        spent = sum(trade.cny - trade.refunded_cny for trade in book.of_buyer.get(buyer.id, []) if trade.paid_at)
        _must(FIRST_BALANCES[buyer.id] - spent == buyer.balance, f"{buyer.id}'s wallet holds {buyer.balance}")


async def _tabs_agree(rows: Rows, store_id: str, payments: Sequence[Seen]) -> None:
    parts = {share.payment_id: share for share in await shares(rows, store_id)}
    paid: dict[str, int] = {}
    for payment in payments:
        if payment.payable_kind != "tab":
            continue
        share = parts[payment.id]
        name = f"{payment.order_number} ({payment.status})"
        _must(share.state == payment.payable_state, f"{name}: its tab says {share.state}, not {payment.payable_state}")
        _must(share.amount == payment.amount, f"{name}: its tab counts {share.amount}")
        _must(share.refunded == payment.refunded or share.state != "paid", f"{name}: its tab misses a refund")
        if share.state == "paid" and not share.arrived:
            paid[share.tab_id] = paid.get(share.tab_id, 0) + share.amount
            _must(paid[share.tab_id] <= share.due, f"the tab of {name} was paid twice")


async def audited(db: Database, later: datetime) -> None:
    """The product's own audit of everything in the database, asked when nothing may be open any more."""
    async with db.reading() as rows:
        found = await faults(rows, later)
    _must(not found, f"the audit finds: {found[:3]}")


#: What the toy wallets hold to begin with.
FIRST_BALANCES = {"alice": 10_000_000_00}
