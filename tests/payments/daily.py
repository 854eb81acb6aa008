"""Makes days: payments and refunds as rows, and the daily files that Alipay would write about them.

A `Day` knows the truth; errors are planted in its files or in the books, and `planted` says what must be found."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from saoma.alipay.layouts import IN_STORE_SETTLEMENT, IN_STORE_TRADES
from saoma.alipay.statement import open_statement
from saoma.kit.clock import BEIJING
from saoma.kit.db import Database
from saoma.payments.statement_lines import DailyFile

ACCOUNT = "acc_day"
PARTNER = "2088000000000001"
RATE = Decimal("0.012")

_PAYMENT = """
INSERT INTO payments (id, merchant_id, account_id, order_number, method, status, amount, currency, subject,
    payable_kind, payable_id, part, policy, shop, opened_by, key, fingerprint, trade_number, refunded, refund_reserved,
    gave_back, booked, payable_state, created_at, give_up_at, due_at, paid_at, final_at)
VALUES (%(id)s, %(merchant)s, %(account)s, %(number)s, 'barcode', %(status)s, %(amount)s, %(currency)s, 'Noodles',
    'bill', 'b', '{}', 'barcode', '{}', 'stf', %(id)s, '', %(trade)s, %(refunded)s, %(refunded)s, %(gave_back)s,
    %(booked)s, %(payable)s, %(at)s, %(at)s, NULL, %(paid_at)s, %(final_at)s)
"""
_REFUND = """
INSERT INTO refunds (id, payment_id, merchant_id, refund_number, amount, currency, status, reason, requested_by, key,
    fingerprint, created_at, final_at)
VALUES (%(id)s, %(payment)s, %(merchant)s, %(number)s, %(amount)s, %(currency)s, 'succeeded', '', 'stf', %(id)s, '',
    %(at)s, %(at)s)
"""
_SALE = """
INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payment_id)
VALUES (%(at)s, 'sale', %(merchant)s, 'sales', 'alipay_clearing', %(amount)s, %(currency)s, %(id)s)
"""
_BACK = """
INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payment_id, refund_id)
VALUES (%(at)s, 'refund', %(merchant)s, 'alipay_clearing', 'refunds', %(amount)s, %(currency)s, %(payment)s, %(id)s)
"""


def fee(minor: int) -> int:
    """What the contract charges."""
    return int((Decimal(minor) * RATE).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def text(minor: int) -> str:
    """Cents as the files write them."""
    return f"{Decimal(minor) / 100:.2f}"


@dataclass
class Row:
    """One line of a transaction file; what was paid out for it follows."""

    kind: str
    own: str
    trade: str
    minor: int
    at: datetime
    charge: int = -1
    currency: str = "USD"

    def __post_init__(self) -> None:
        self.charge = fee(self.minor) if self.charge < 0 else self.charge

    def line(self) -> str:
        """As Alipay writes it."""
        cells = [self.own, self.trade, text(self.minor), text(self.charge), self.currency,
                 f"{self.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}", self.kind, "", "5812", "Noodle House", "T01",
                 "shopQrCode", self.currency, text(self.minor), "1"]  # fmt: skip
        return "|".join(cells)

    def settled(self, at: datetime) -> str:
        """The same, paid out."""
        own = self.trade if self.kind == "CANCEL" else self.own
        cells = [own, self.trade, text(self.minor), text(int(self.minor * 7)), text(self.charge),
                 text(self.minor - self.charge), text((self.minor - self.charge) * 7), self.currency, "7.00000000",
                 f"{self.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}", f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
                 "P" if self.kind == "PAYMENT" else "R", "L", "", "5812", "Noodle House", "T01", "shopQrCode",
                 self.currency, text(self.minor), "1"]  # fmt: skip
        return "|".join(cells)


_TRADE_NAMES = (
    "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|"
    "Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|"
    "Trans_forex_rate"
)
_SETTLED_NAMES = (
    "Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|Payment_time|"
    "Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
    "Trans_currency|Trans_amount|Trans_forex_rate"
)
assert len(IN_STORE_TRADES.columns) == _TRADE_NAMES.count("|") + 1
assert len(IN_STORE_SETTLEMENT.columns) == _SETTLED_NAMES.count("|") + 1


def file_of(data: bytes, name: str) -> DailyFile:
    """A file in memory."""
    return DailyFile(name, hashlib.sha256(data).hexdigest(), lambda: open_statement(io.BytesIO(data), name))


def trades_file(day: date, rows: list[Row], count: int | None = None, partner: str = PARTNER) -> DailyFile:
    """A transaction file of these rows."""
    head = f"Partner:{partner}|Payment_time: {day}|Total_count:{len(rows) if count is None else count}"
    data = "\n".join([head, _TRADE_NAMES, *(row.line() for row in rows)]) + "\n"
    return file_of(data.encode(), f"{partner}_transaction_{day:%Y%m%d}.txt")


def settlement_file(day: date, rows: list[Row], partner: str = PARTNER) -> DailyFile:
    """A settlement file of these rows."""
    at = datetime.combine(day, time(15, 46), BEIJING)
    data = "\n".join([_SETTLED_NAMES, *(row.settled(at) for row in rows)]) + "\n"
    return file_of(data.encode(), f"{partner}_settlement_{day:%Y%m%d}.txt")


@dataclass
class Day:
    """A day of trade in both books."""

    db: Database
    day: date = date(2026, 3, 2)
    rows: list[Row] = field(default_factory=list)
    _count: int = 0

    def at(self, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
        """A moment of that day in Beijing."""
        return datetime.combine(self.day, time(hour, minute, second), BEIJING)

    async def payment(
        self, minor: int = 1250, *, at: datetime | None = None, status: str = "succeeded", gave_back: bool = False,
        heard_at: datetime | None = None, trade: str | None = None, ours: bool = True, theirs: bool = True,
        currency: str = "USD",
    ) -> Row:  # fmt: skip
        """One payment, on our side (`ours`) and in Alipay's file (`theirs`)."""
        self._count += 1
        at = at or self.at(12, self._count // 60 % 60, self._count % 60)
        number = f"P{self.day:%m%d}{self._count:06d}"
        row = Row("PAYMENT", number, trade or f"{self.day:%Y%m%d}2100{self._count:016d}", minor, at, currency=currency)
        if theirs:
            self.rows.append(row)
        if ours:
            booked = status == "succeeded"
            final = status in ("succeeded", "failed", "cancelled")
            params = {
                "id": f"pay_{number}", "merchant": "mer_day", "account": ACCOUNT, "number": number, "status": status,
                "amount": minor, "currency": currency, "trade": row.trade, "refunded": 0, "gave_back": gave_back,
                "booked": booked, "payable": "paid" if booked else "released", "at": at,
                "paid_at": (heard_at or at) if booked or gave_back else None,
                "final_at": (heard_at or at) if final else None,
            }  # fmt: skip
            async with self.db.transaction() as tx:
                await tx.run(_PAYMENT, params)
                if booked:
                    await tx.run(_SALE, params)
        return row

    async def refund(self, of: Row, minor: int, *, at: datetime | None = None, theirs: bool = True) -> Row:
        """A refund of one payment."""
        self._count += 1
        row = Row("REFUND", f"R{self.day:%m%d}{self._count:06d}", of.trade, minor, at or self.at(18))
        params = {"id": f"ref_{row.own}", "payment": f"pay_{of.own}", "merchant": "mer_day", "number": row.own,
                  "amount": minor, "currency": of.currency, "at": row.at}  # fmt: skip
        async with self.db.transaction() as tx:
            await tx.run(
                "UPDATE payments SET refund_reserved = refund_reserved + %(amount)s, refunded = refunded + %(amount)s "
                "WHERE id = %(payment)s",
                params,
            )
            await tx.run(_REFUND, params)
            await tx.run(_BACK, params)
        if theirs:
            self.rows.append(row)
        return row

    async def cancelled(
        self, minor: int = 800, *, at: datetime | None = None, undone_at: datetime | None = None
    ) -> Row:
        """A payment that was paid and cancelled: two lines that net to nothing."""
        paid = await self.payment(minor, at=at, status="cancelled", gave_back=True, heard_at=undone_at)
        row = Row("CANCEL", paid.trade, paid.trade, minor, undone_at or paid.at + timedelta(seconds=20))
        self.rows.append(row)
        return row

    @property
    def trades(self) -> DailyFile:
        """The day's transaction file."""
        return trades_file(self.day, self.rows)
