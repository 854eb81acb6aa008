"""What moved a partner's money, row by row, and what is paid out for it: the book as the daily files see it. Pure.

A payment's fee is rounded once and goes back in the parts of its refunds, in the order in which they were carried out:
what is refunded whole costs nothing, and no row changes after its day. Payouts follow on the next working day, one for
each currency and line of products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.clock import BEIJING, beijing_day
from saoma.kit.money import EXPONENTS, Money
from saoma.sandbox.book.model import Partner, Product, Refund, Trade
from saoma.sandbox.book.trades import Book
from saoma.sandbox.choices import Choices

#: The afternoon payouts are made.
PAID_OUT: Final = time(15, 46)


class Line(StrEnum):
    """A line of products, with files and payouts of its own."""

    IN_STORE = "in_store"
    ONLINE = "online"
    AUTO_DEBIT = "auto_debit"


@dataclass(frozen=True, slots=True)
class Row:
    """One movement. `gross` and `fee` are in the settlement currency, `asked` in the pricing one; none is negative."""

    own: str
    trade: Trade
    kind: str
    gross: int
    fee: int
    asked: int
    at: datetime
    wallet: str
    industry: str
    remark: str = ""

    @property
    def day(self) -> date:
        """The Beijing day it belongs to."""
        return beijing_day(self.at)

    @property
    def settles_on(self) -> date:
        """The day it is paid out."""
        return paid_out_on(self.day)

    @property
    def sign(self) -> int:
        """1 for money that came, -1 for money that went back."""
        return 1 if self.kind == "PAYMENT" else -1

    @property
    def money(self) -> Money:
        """What moved, in the settlement currency."""
        return Money(self.gross, self.trade.currency)

    @property
    def charge(self) -> Money:
        """The fee that was taken or given back with it."""
        return Money(self.fee, self.trade.currency)

    @property
    def net(self) -> Money:
        """What the merchant gets of it."""
        return self.money - self.charge

    @property
    def asked_money(self) -> Money:
        """What moved, in the pricing currency."""
        return Money(self.asked, self.trade.trans_currency)

    def altered(self, more: int, fee: int) -> Row:
        """The same with other amounts."""
        return replace(self, gross=self.gross + more, asked=self.asked + more, fee=self.fee + fee)


class Payout(msgspec.Struct, frozen=True):
    """One payment to a merchant's bank. Amounts are minor units of `currency`; days of refunds fall below nothing."""

    number: str
    day: date
    line: Line
    currency: str
    gross: int
    fee: int

    @property
    def net(self) -> int:
        """What goes to the bank."""
        return self.gross - self.fee


def line_of(trade: Trade, partner: Partner) -> Line:
    """To which line of products a trade belongs."""
    if trade.product is Product.AGREEMENT:
        return Line.AUTO_DEBIT if partner.is_hk else Line.ONLINE
    return Line.ONLINE if trade.product is Product.WEB else Line.IN_STORE


def rows_of(book: Book, partner: Partner, line: Line | None = None) -> list[Row]:
    """Everything that moved a partner's money, oldest first."""
    found: list[Row] = []
    for trade in book.by_trade_no.values():
        if trade.partner == partner.partner and trade.paid_at and line in (None, line_of(trade, partner)):
            found += _rows(book, trade, partner)
    return sorted(found, key=lambda row: (row.at, row.own))


def payouts(rows: Iterable[Row], partner: Partner) -> list[Payout]:
    """What is paid out for rows, oldest first."""
    batches: dict[tuple[date, Line, str], list[Row]] = {}
    for row in rows:
        batches.setdefault((row.settles_on, line_of(row.trade, partner), row.trade.currency), []).append(row)
    made: list[Payout] = []
    for (day, line, currency), together in sorted(batches.items(), key=lambda one: one[0]):
        gross = sum(row.sign * row.gross for row in together)
        fee = sum(row.sign * row.fee for row in together)
        number = f"{day:%Y%m%d}{[*Line].index(line) + 1}{[*EXPONENTS].index(currency):03d}"
        made.append(Payout(number, day, line, currency, gross, fee))
    return made


def paid_out_on(day: date) -> date:
    """The next working day; this Alipay keeps no holidays."""
    return day + timedelta(days={4: 3, 5: 2}.get(day.weekday(), 1))


def paid_out_at(day: date) -> datetime:
    """The moment of a day's payouts."""
    return datetime.combine(day, PAID_OUT, BEIJING)


def _rows(book: Book, trade: Trade, partner: Partner) -> Iterator[Row]:
    def row(own: str, kind: str, gross: int, fee: int, asked: int, at: datetime, remark: str = "") -> Row:
        return Row(own, trade, kind, gross, fee, asked, at, wallet, trade.industry or partner.industry, remark)

    assert trade.paid_at is not None
    wallet, whole, choices = book.buyer(trade.buyer_id).payment_inst, trade.settle_amount, book.choices
    commission = trade.channel_fee if choices.channel_fee_in_fee else 0
    taken = min(fee_of(whole, partner) + commission, whole)
    yield row(trade.out_trade_no, "PAYMENT", whole, taken, trade.amount, trade.paid_at)
    if trade.close_reason == "cancelled" and trade.closed_at:
        yield row(trade.trade_no, "CANCEL", whole, taken, trade.amount, trade.closed_at)
    if trade.close_reason == "reversed" and trade.closed_at:
        yield row(trade.out_trade_no, "REVERSAL", whole, taken, trade.amount, trade.closed_at)
    given, asked = 0, 0
    for refund, done_at in carried_out(book, trade):
        asked += refund.amount
        # the same rate for the whole life of a trade; the last part takes what rounding left over
        now_given = whole * asked // trade.amount
        fee = fee_back(taken, whole, given, now_given, partner, choices)
        yield row(refund.own_no, "REFUND", now_given - given, fee, refund.amount, done_at, refund.reason)
        given = now_given


def carried_out(book: Book, trade: Trade) -> list[tuple[Refund, datetime]]:
    """The refunds of a trade whose money moved, with the moment, in that order: a later one changes no earlier row."""
    done = [(refund, refund.done_at) for refund in book.refunds_of(trade) if refund.done_at]
    return sorted(done, key=lambda one: one[1])


def fee_of(gross: int, partner: Partner) -> int:
    """The contract's fee of a payment."""
    return int((Decimal(gross) * Decimal(partner.fee_rate)).to_integral_value(ROUND_HALF_UP))


def fee_back(taken: int, whole: int, before: int, after: int, partner: Partner, choices: Choices) -> int:
    """What goes back of a fee `taken` for `whole`, when the sum of the refunds rises from `before` to `after`."""
    if partner.refund_fee_kept or not whole:
        return 0
    if choices.refund_fee == "rounded_alone":
        before, after = 0, after - before
    first, last = ((2 * taken * given + whole) // (2 * whole) for given in (before, after))
    return last - first
