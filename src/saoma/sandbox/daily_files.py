"""The daily files of this local Alipay: a Beijing day's payments and refunds, and what was paid out for them.

They are made when somebody asks, so they always agree with the book, unless an error was planted on purpose
(https://global.alipay.com/docs/ac/globalbarcode/transaction_format,
https://global.alipay.com/docs/ac/globalbarcode/settlement_format)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.clock import BEIJING, beijing, beijing_day
from saoma.kit.errors import NotFound
from saoma.kit.money import Money
from saoma.sandbox import lifetimes, rates
from saoma.sandbox.model import Partner, Trade
from saoma.sandbox.partners import Partners
from saoma.sandbox.trades import Book

#: Files of a day are there from nine o'clock the morning after.
READY: Final = time(9)
#: The afternoon payouts are made.
PAID_OUT: Final = time(15, 46)
_TRADES: Final = (
    "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|"
    "Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|"
    "Trans_forex_rate"
)
_SETTLED: Final = (
    "Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|Payment_time|"
    "Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
    "Trans_currency|Trans_amount|Trans_forex_rate"
)


class FileKind(StrEnum):
    """Which of a day's two files."""

    TRANSACTION = "transaction"
    SETTLEMENT = "settlement"


class FileError(StrEnum):
    """What may be wrong with a file on purpose."""

    DROP_ROW = "drop_row"
    ALTER_AMOUNT = "alter_amount"
    DUPLICATE_ROW = "duplicate_row"
    WRONG_COUNT = "wrong_count"
    MISSING = "missing"


class PlantedError(msgspec.Struct, forbid_unknown_fields=True):
    """One error in one file. `number` is the own number of the row it is about; empty is the file's first."""

    partner: str
    day: date
    error: FileError
    kind: FileKind = FileKind.TRANSACTION
    number: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a daily file before it is written: its own number, its trade, what moved and when."""

    own: str
    trade: Trade
    kind: str
    gross: int
    asked: int
    at: datetime
    remark: str = ""


class DailyFiles:
    """Names and contents of the files a partner may fetch now."""

    def __init__(self, book: Book, partners: Partners) -> None:
        self._book = book
        self._partners = partners
        store = book.store
        self._errors = list(store.read("file_error", PlantedError))

    def plant(self, error: PlantedError) -> PlantedError:
        """Let a file be wrong from now on. Raises `NotFound` for a partner nobody knows."""
        if self._partners.find(error.partner) is None:
            raise NotFound(f"There is no partner {error.partner!r} here.")
        self._errors.append(error)
        self._book.store.keep("file_error", str(len(self._errors)), error)
        return error

    def planted(self) -> list[PlantedError]:
        """What is wrong on purpose."""
        return list(self._errors)

    def clear(self) -> None:
        """Write true files again."""
        for number in range(len(self._errors)):
            self._book.store.drop("file_error", str(number + 1))
        self._errors = []

    def names(self, partner: str) -> list[str]:
        """Every file that is there now, oldest first."""
        self._book.pass_time()
        return [name_of(partner, kind, day) for kind, day in self._ready(partner)]

    def read(self, partner: str, name: str) -> bytes | None:
        """The content of a file; None where there is none of that name, or not yet."""
        self._book.pass_time()
        for kind, day in self._ready(partner):
            if name == name_of(partner, kind, day):
                return self._content(partner, kind, day)
        return None

    def _ready(self, partner: str) -> Iterator[tuple[FileKind, date]]:
        now = beijing(self._book.clock.now())
        last = now.date() - timedelta(days=1 if now.time() >= READY else 2)
        traded = sorted({beijing_day(row.at) for row in rows_of(self._book, partner)})
        days = [(FileKind.TRANSACTION, day) for day in traded]
        days += [(FileKind.SETTLEMENT, day) for day in sorted({paid_out_on(day) for day in traded})]
        missing = {(one.kind, one.day) for one in self._of(partner) if one.error is FileError.MISSING}
        return (one for one in sorted(days, key=lambda one: one[1]) if one[1] <= last and one not in missing)

    def _of(self, partner: str) -> list[PlantedError]:
        return [one for one in self._errors if one.partner == partner]

    def _content(self, partner: str, kind: FileKind, day: date) -> bytes:
        known = self._partners.find(partner)
        assert known is not None
        matters = sorted(
            (
                row
                for row in rows_of(self._book, partner)
                if (
                    beijing_day(row.at) == day
                    if kind is FileKind.TRANSACTION
                    else paid_out_on(beijing_day(row.at)) == day
                )
            ),
            key=lambda row: (row.at, row.own),
        )
        errors = [one for one in self._of(partner) if (one.kind, one.day) == (kind, day)]
        lines, wrong = _with_errors(matters, errors, known, kind, day)
        if kind is FileKind.SETTLEMENT:
            return "\n".join([_SETTLED, *lines, ""]).encode()
        head = f"Partner:{partner}|Payment_time: {day}|Total_count:{len(lines) + wrong}"
        return "\n".join([head, _TRADES, *lines, ""]).encode()


def rows_of(book: Book, partner: str) -> Iterator[Row]:
    """Everything that moved a partner's money, in no order."""
    for (owner, number), trade in book.trades.items():
        if owner != partner or trade.paid_at is None:
            continue
        yield Row(number, trade, "PAYMENT", trade.settle_amount, trade.amount, trade.paid_at)
        if trade.close_reason == "cancelled" and trade.closed_at:
            yield Row(trade.trade_no, trade, "CANCEL", trade.settle_amount, trade.amount, trade.closed_at)
        if trade.close_reason == "reversed" and trade.closed_at:
            yield Row(number, trade, "REVERSAL", trade.settle_amount, trade.amount, trade.closed_at)
        given, asked = 0, 0
        for refund in book.refunds_of(trade):
            if refund.state != "SUCCESS" or refund.done_at is None:
                continue
            asked += refund.amount
            # the same rate for the whole life of a trade; the last part takes what rounding left over
            now_given = trade.settle_amount * asked // trade.amount
            yield Row(refund.own_no, trade, "REFUND", now_given - given, refund.amount, refund.done_at, refund.reason)
            given = now_given


def _with_errors(
    rows: list[Row], errors: list[PlantedError], partner: Partner, kind: FileKind, day: date
) -> tuple[list[str], int]:
    lines, wrong = [], 0
    for error in errors:
        wrong += error.error is FileError.WRONG_COUNT
    for place, row in enumerate(rows):
        meant = [one.error for one in errors if one.number == row.own or (not one.number and place == 0)]
        if FileError.DROP_ROW in meant:
            continue
        altered = 1 if FileError.ALTER_AMOUNT in meant else 0
        made = _trade_line if kind is FileKind.TRANSACTION else _settled_line
        line = made(row, partner, day, altered)
        lines += [line] * (2 if FileError.DUPLICATE_ROW in meant else 1)
    return lines, wrong


def name_of(partner: str, kind: FileKind, day: date) -> str:
    """What a file is called."""
    return f"{partner}_{kind.value}_{day:%Y%m%d}.txt"


def paid_out_on(day: date) -> date:
    """The next working day; this Alipay keeps no holidays."""
    return day + timedelta(days={4: 3, 5: 2}.get(day.weekday(), 1))


def fee_of(row: Row, partner: Partner) -> Money:
    """What the contract takes of a row, in the settlement currency."""
    exact = Decimal(row.gross) * Decimal(partner.fee_rate)
    return Money(int(exact.to_integral_value("ROUND_HALF_UP")), row.trade.currency)


def _clean(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def _trade_line(row: Row, partner: Partner, _day: date, altered: int) -> str:
    trade = row.trade
    gross = Money(row.gross + altered, trade.currency)
    asked = Money(row.asked + altered, trade.trans_currency)
    cells = [row.own, trade.trade_no, gross.text, fee_of(row, partner).text, trade.currency,
             lifetimes.wire_date_time(row.at), row.kind, _clean(row.remark), "5812", _clean(trade.merchant),
             _clean(trade.store), "" if trade.code else "shopQrCode", trade.trans_currency, asked.text,
             trade.settle_rate]  # fmt: skip
    return "|".join(cells)


def _settled_line(row: Row, partner: Partner, day: date, altered: int) -> str:
    trade = row.trade
    gross, fee = Money(row.gross + altered, trade.currency), fee_of(row, partner)
    net, rate = gross - fee, rates.cny_rate(trade.currency)
    cny, cny_net = (Money(rates.to_cny(money, rate), "CNY") for money in (gross, net))
    asked = Money(row.asked, trade.trans_currency)
    at = datetime.combine(day, PAID_OUT, BEIJING)
    cells = [row.own, trade.trade_no, gross.text, cny.text, fee.text, net.text, cny_net.text, trade.currency, rate,
             lifetimes.wire_date_time(row.at), lifetimes.wire_date_time(at), "P" if row.kind == "PAYMENT" else "R",
             "L", _clean(row.remark), "5812", _clean(trade.merchant), _clean(trade.store),
             "" if trade.code else "shopQrCode", trade.trans_currency, asked.text, trade.settle_rate]  # fmt: skip
    return "|".join(cells)
