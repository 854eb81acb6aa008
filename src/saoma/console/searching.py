"""Looking for payments and refunds: filters that live in the address, pages by the id of the last row.

Ids sort by birth; no page counts what comes after it, so the millionth row costs as much as the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from saoma.kit.db import Rows
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.payments.model import PAYMENT_COLUMNS, REFUND_COLUMNS, Payment, Refund

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What to look for. `text` is an id, an order, trade or buyer number; days are Beijing's."""

    merchant_id: str = ""
    store_id: str = ""
    status: str = ""
    method: str = ""
    text: str = ""
    amount: str = ""
    day_from: date | None = None
    day_to: date | None = None
    zone: str = "Asia/Shanghai"


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("Write a day as 2026-11-20.") from None


def filter_of(query: Mapping[str, str], merchant_id: str) -> PaymentFilter:
    """The filter an address asks for. Raises `Invalid` for a day that is none."""
    return PaymentFilter(
        merchant_id=merchant_id,
        store_id=query.get("store", ""),
        status=query.get("status", ""),
        method=query.get("method", ""),
        text=query.get("q", "").strip()[:80],
        amount=query.get("amount", "").strip()[:20],
        day_from=_day(query.get("from", "")),
        day_to=_day(query.get("to", "")),
    )


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _conditions(wanted: PaymentFilter) -> tuple[list[str], dict[str, Any]]:
    found: list[str] = []
    values: dict[str, Any] = {}

    def add(condition: str, **given: Any) -> None:
        found.append(condition)
        values.update(given)

    if wanted.merchant_id:
        add("merchant_id = %(merchant_id)s", merchant_id=wanted.merchant_id)
    else:
        add("NOT starts_with(merchant_id, 'mpr_')")
    if wanted.store_id:
        add("store_id = %(store_id)s", store_id=wanted.store_id)
    if wanted.status:
        add("status = %(status)s", status=wanted.status)
    if wanted.method:
        add("method = %(method)s", method=wanted.method)
    if wanted.text:
        add(
            "(id = %(text)s OR order_number = %(text)s OR trade_number = %(text)s OR buyer_id = %(text)s)",
            text=wanted.text,
        )
    if wanted.amount:
        add("(amount, currency) IN (SELECT * FROM unnest(%(minors)s::bigint[], %(moneys)s::text[]))", **_sums(wanted))
    if wanted.day_from:
        add("created_at >= %(from)s", **{"from": _start(wanted.day_from, wanted.zone)})
    if wanted.day_to:
        add("created_at < %(to)s", to=_start(wanted.day_to + timedelta(days=1), wanted.zone))
    return found, values


def _sums(wanted: PaymentFilter) -> dict[str, list[Any]]:
    pairs = []
    for currency in ("USD", "EUR", "GBP", "SGD", "HKD", "CNY", "AUD", "CAD", "NZD", "CHF", "MYR", "THB", "JPY", "KRW"):
        try:
            pairs.append((Money.parse(wanted.amount, currency).minor, currency))
        except Invalid:
            continue
    return {"minors": [minor for minor, _ in pairs], "moneys": [currency for _, currency in pairs]}


async def payments(rows: Rows, wanted: PaymentFilter, after: str = "", limit: int = PAGE) -> list[Payment]:
    """The newest payments that fit, older than the one named `after`."""
    conditions, values = _conditions(wanted)
    if after:
        conditions.append("id < %(after)s")
    where = " AND ".join(conditions) or "true"
    sql = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE {where} ORDER BY id DESC LIMIT %(limit)s"  # noqa: S608
    return await rows.rows(Payment, sql, values | {"after": after, "limit": limit})


async def refunds(rows: Rows, merchant_id: str, status: str, after: str = "", limit: int = PAGE) -> list[Refund]:
    """The newest refunds that fit, older than the one named `after`."""
    sql = f"""SELECT {REFUND_COLUMNS} FROM refunds
              WHERE (%(merchant_id)s = '' OR merchant_id = %(merchant_id)s) AND (%(status)s = '' OR status = %(status)s)
                AND (%(after)s = '' OR id < %(after)s)
                AND (%(merchant_id)s <> '' OR NOT starts_with(merchant_id, 'mpr_'))
              ORDER BY id DESC LIMIT %(limit)s"""  # noqa: S608
    return await rows.rows(Refund, sql, {"merchant_id": merchant_id, "status": status, "after": after, "limit": limit})


class RefusedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A message that failed a check and changed nothing."""

    id: int
    at: datetime
    last_at: datetime
    account_id: str
    why: str
    order_number: str
    payment_id: str | None
    times: int
    raw: str


class SeenNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was acted upon."""

    account_id: str
    notice_id: str
    payment_id: str
    at: datetime
    order_number: str


_REFUSED = "id, at, last_at, account_id, why, order_number, payment_id, times, raw"


async def refused_notices(rows: Rows, after: int = 0, limit: int = PAGE) -> list[RefusedNotice]:
    """Refused messages, the newest first."""
    sql = f"""SELECT {_REFUSED} FROM notices_refused WHERE %(after)s = 0 OR id < %(after)s
              ORDER BY id DESC LIMIT %(limit)s"""  # noqa: S608
    return await rows.rows(RefusedNotice, sql, {"after": after, "limit": limit})


async def refused_notice(rows: Rows, notice_id: int) -> RefusedNotice:
    """One of them. Raises `NotFound`."""
    return await rows.one(RefusedNotice, f"SELECT {_REFUSED} FROM notices_refused WHERE id = %(id)s", {"id": notice_id})  # noqa: S608


async def seen_notices(rows: Rows, limit: int = PAGE) -> list[SeenNotice]:
    """The latest messages that were acted upon, by the payments that are newest."""
    sql = """SELECT n.account_id, n.notice_id, n.payment_id, n.at, p.order_number
             FROM (SELECT id, order_number FROM payments ORDER BY id DESC LIMIT 500) AS p
             JOIN notices_seen AS n ON n.payment_id = p.id ORDER BY n.at DESC LIMIT %(limit)s"""
    return await rows.rows(SeenNotice, sql, {"limit": limit})
