"""After a rough run: the books of both sides and what the tills were told, held against each other.

Every sentence that comes out of here is a breach; what is a person's case is counted and is none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import msgspec

from saoma.demo.cast import DemoFile
from saoma.demo.tills import Told
from saoma.kit.db import Database, Rows
from saoma.kit.money import Money

_OPEN: Final = """
SELECT (SELECT count(*) FROM payments WHERE status IN ('created', 'pending', 'cancelling') OR due_at IS NOT NULL)
     + (SELECT count(*) FROM refunds WHERE status = 'pending' OR due_at IS NOT NULL)
"""
_PAYMENTS: Final = """
SELECT p.id, p.order_number, p.account_id, p.method, p.status, p.amount, p.currency, p.refunded, p.code,
    EXISTS (SELECT FROM cases AS c WHERE (c.subject_kind = 'payment' AND c.subject_id = p.id)
        OR (c.subject_kind = 'refund' AND c.subject_id IN (SELECT id FROM refunds WHERE payment_id = p.id))) AS has_case
FROM payments AS p
"""
_TWICE: Final = """
SELECT payable_id AS name, count(*) AS count FROM payments WHERE payable_kind = 'api' AND status = 'succeeded'
GROUP BY store_id, payable_id HAVING count(*) > 1
"""
_CASES: Final = """
SELECT kind || ', ' || subject_kind || ', ' || status AS name, count(*) AS count FROM cases GROUP BY 1 ORDER BY 1
"""
_FINDINGS: Final = """
SELECT f.class || CASE WHEN f.case_id IS NULL THEN ' WITHOUT A CASE' ELSE '' END AS name, count(*) AS count
FROM recon_findings AS f WHERE f.gone_at IS NULL GROUP BY 1 ORDER BY 1
"""


_LINES: Final = """
SELECT r.day || ': ' || sum(r.lines) || ' lines read, ' || sum(r.agree) || ' agree, ' || sum(r.differ) || ' differ'
    AS name, sum(r.lines)::bigint AS count
FROM recon_runs AS r GROUP BY r.day HAVING bool_or(r.status <> 'waiting') ORDER BY r.day
"""


class OurPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What our book says of one payment, and whether a person has it."""

    id: str
    order_number: str
    account_id: str
    method: str
    status: str
    amount: int
    currency: str
    refunded: int
    code: str
    has_case: bool


class Count(msgspec.Struct, frozen=True):
    """How many of something."""

    name: str
    count: int


@dataclass
class Books:
    """What was counted, and the breaches in words."""

    states: Counter[str] = field(default_factory=Counter)
    cases: list[Count] = field(default_factory=list)
    trades: int = 0
    sold: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


async def still_open(rows: Rows) -> int:
    """How many payments and refunds have not ended."""
    return int(await rows.value(_OPEN))


async def findings(rows: Rows) -> list[Count]:
    """What reconciliation found and did not see go away, by class."""
    return await rows.rows(Count, _FINDINGS)


async def lines_read(rows: Rows) -> list[Count]:
    """Each reconciled day in words, and how many lines its files had."""
    return await rows.rows(Count, _LINES)


async def compare(demo: DemoFile, told: Told) -> Books:
    """Hold everything against everything."""
    books = Books()
    db = await Database.open(demo.database_url, max_size=1)
    try:
        async with db.reading() as rows:
            ours = await rows.rows(OurPayment, _PAYMENTS)
            refunds = {
                each.name for each in await rows.rows(Count, "SELECT id AS name, 1::bigint AS count FROM refunds")
            }
            books.cases = await rows.rows(Count, _CASES)
            twice = await rows.rows(Count, _TWICE)
            books.breaches += [f"order {each.name} is paid {each.count} times" for each in twice]
    finally:
        await db.close()
    for payment in ours:
        books.states[f"{payment.method} {payment.status}"] += 1
    for account in demo.accounts:
        mine = [payment for payment in ours if payment.account_id == account["id"]]
        await _with_theirs(demo.sandbox_url, account["partner"], mine, books)
    books.breaches += _with_tills(ours, refunds, told)
    return books


async def _with_theirs(sandbox_url: str, partner: str, ours: Sequence[OurPayment], books: Books) -> None:
    theirs = {trade["out_trade_no"]: trade for trade in await trades(sandbox_url, partner)}
    known = {payment.order_number for payment in ours}
    books.trades += len(theirs)
    books.breaches += [f"{number}: a trade of theirs that we know nothing of" for number in theirs.keys() - known]
    here = there = 0
    for payment in ours:
        trade = theirs.get(payment.order_number)
        if payment.status == "needs_attention" or (payment.has_case and difference(payment, trade)):
            # a person looks into it; without a case the audit would say so
            continue
        said = difference(payment, trade)
        if said:
            books.breaches.append(f"{payment.order_number} ({payment.method}): {said}")
        here += payment.amount - payment.refunded if payment.status == "succeeded" else 0
        there += _kept(trade) if trade else 0
    books.sold["ours"] += here
    books.sold["theirs"] += there
    if here != there:
        books.breaches.append(f"{partner}: {here} kept here, {there} there")


def _minor(trade: dict[str, Any], name: str) -> int:
    return Money.parse(str(trade[name]), trade["currency"]).minor


def _kept(trade: dict[str, Any]) -> int:
    paid = trade["paid_at"] is not None and trade["close_reason"] != "cancelled"
    return _minor(trade, "amount") - _minor(trade, "refunded") if paid else 0


def difference(payment: OurPayment, trade: dict[str, Any] | None) -> str:
    """In what a payment of ours and their trade of it differ; empty when they agree."""
    if trade is None:
        return "we say paid, they know no such trade" if payment.status == "succeeded" else ""
    if (_minor(trade, "amount"), trade["currency"]) != (payment.amount, payment.currency):
        return f"{trade['amount']} {trade['currency']} there, {payment.amount} {payment.currency} here"
    paid_there = trade["paid_at"] is not None and trade["close_reason"] != "cancelled"
    if trade["status"] == "WAIT_BUYER_PAY":
        return f"still waits for the buyer there, {payment.status} here"
    if paid_there != (payment.status == "succeeded"):
        return f"{trade['status']} ({trade['close_reason'] or 'open'}) there, {payment.status} {payment.code} here"
    if paid_there and _minor(trade, "refunded") != payment.refunded:
        return f"{trade['refunded']} given back there, {payment.refunded} here"
    return ""


def _with_tills(ours: Sequence[OurPayment], refunds: set[str], told: Told) -> list[str]:
    """What a till was told must be in the book, and an end it was told must still be one."""
    said = list(told.wrong)
    by_id = {payment.id: payment for payment in ours}
    said += [f"{number}: told to a till, and lost" for number in told.refunds if number not in refunds]
    for number, status in told.statuses.items():
        payment = by_id.get(number)
        if payment is None:
            said.append(f"{number}: told to a till as {status}, and lost")
        elif status in ("succeeded", "failed", "cancelled") and payment.status != status and not payment.has_case:
            said.append(f"{number}: told to a till as {status}, now {payment.status} {payment.code}")
    return said


async def trades(sandbox_url: str, partner: str) -> list[dict[str, Any]]:
    """The local Alipay's own book of one partner."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox_url}/control/trades", params={"partner": partner}) as answer,
    ):
        found: list[dict[str, Any]] = json.loads(await answer.text())["trades"]
        return found
