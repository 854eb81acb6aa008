"""What a wallet tells its buyer, read off the book. Pure; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from saoma.kit.money import Money
from saoma.sandbox.book.model import CNY, Buyer, Message, Note, Order, Refund, Trade


def told_of(trade: Trade, refunds: Iterable[Refund]) -> list[Message]:
    """The lines one trade left in its buyer's wallet."""

    def line(at: datetime, kind: str, amount: Money, cny: Money) -> Message:
        return Message(at, kind, amount, cny, trade.merchant or trade.partner, trade.subject, trade.trade_no)

    lines = []
    if trade.is_waiting:
        lines.append(line(trade.created_at, "waiting", trade.money, trade.cny_money))
    if trade.paid_at:
        lines.append(line(trade.paid_at, "paid", trade.money, trade.cny_money))
    for refund in refunds:
        if refund.done_at:
            lines.append(
                line(refund.done_at, "refunded", Money(refund.amount, trade.trans_currency), Money(refund.cny, CNY))
            )
    if trade.closed_at and trade.close_reason != "refunded":
        kind = "returned" if trade.paid_at else "closed"
        lines.append(line(trade.closed_at, kind, trade.money, trade.cny_money))
    return lines


def noted(note: Note) -> Message:
    """A line that no trade left."""
    return Message(
        note.at, note.kind, Money(note.amount, note.currency), Money(note.cny, CNY), note.merchant, note.subject, "",
        note.code,
    )  # fmt: skip


def declined(asked: Order | Trade, buyer: Buyer, fen: int, code: str, at: datetime) -> Note:
    """Alipay said no with `code` when a till scanned the buyer or the buyer confirmed: no money moved."""
    money = asked.money if isinstance(asked, Trade) else asked.amount
    return Note(
        at, buyer.id, "declined", code, asked.merchant or asked.partner, asked.subject, money.minor, money.currency,
        fen,
    )  # fmt: skip
