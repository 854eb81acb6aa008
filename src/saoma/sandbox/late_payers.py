"""Buyers who pay later than their shop would like, or just before it gives up.

An order code that nobody scanned is scanned first, by whoever is named or else by the buyer of the samples."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from saoma.kit.errors import Refused
from saoma.sandbox.model import Trade, TradeStatus
from saoma.sandbox.trades import Book

#: Who pays what nobody else was named for: the buyer of the published samples.
ANYBODY: Final = "alice"
_OPEN: Final = (TradeStatus.ORDERED, TradeStatus.WAIT_BUYER_PAY)


def waits(book: Book, partner: str, number: str) -> bool:
    """Whether an order is there that a buyer could still pay."""
    book.pass_time()
    trade = book.trades.get((partner, number))
    return trade is not None and trade.status in _OPEN


def pay_now(book: Book, trade: Trade, who: str = "") -> bool:
    """Let its buyer pay an order. Tells whether it was paid: an empty wallet pays nothing."""
    try:
        with book.moving():
            _scanned(book, trade, who)
            buyer = book.buyer(trade.buyer_id)
            book.pay(trade.trade_no, buyer.id, buyer.pin)
    except Refused:
        return False
    return True


def refuse_now(book: Book, trade: Trade) -> bool:
    """Let its buyer say no. Tells whether it was closed by that."""
    try:
        book.refuse(trade.trade_no, trade.buyer_id)
    except Refused:
        return False
    return True


def pay_after(book: Book, partner: str, number: str, seconds: float, who: str = "") -> bool:
    """Let the buyer of an order that waits pay after so many seconds. Tells whether there is one."""
    trade = book.trades.get((partner, number))
    if trade is None or trade.status not in _OPEN:
        return False
    try:
        with book.moving() as now:
            _scanned(book, trade, who)
            trade.pays_at = now + timedelta(seconds=seconds)
            book.keep(trade)
            book.schedule(trade.pays_at, "pay", trade)
    except Refused:
        return False
    return True


def _scanned(book: Book, trade: Trade, who: str) -> None:
    if trade.status is TradeStatus.ORDERED:
        book.scan(book.code_url(trade.qr_token), who or ANYBODY)
