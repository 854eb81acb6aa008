"""Buyers who pay later than their shop would like, or just before it gives up.

Each acts at a moment that may be over already, when the clock was pushed past it: what fell due later must not happen
first, so nobody here lets time pass. An order code that nobody scanned is scanned by whoever is named, else by the
buyer of the samples."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from saoma.kit.errors import NotFound
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.messages import declined
from saoma.sandbox.book.model import Trade, TradeStatus
from saoma.sandbox.book.trades import Book

#: Who pays what nobody else was named for: the buyer of the published samples.
ANYBODY: Final = "alice"
_OPEN: Final = (TradeStatus.ORDERED, TradeStatus.WAIT_BUYER_PAY)


def waits(book: Book, partner: str, number: str) -> bool:
    """Whether an order is there that a buyer could still pay."""
    book.pass_time()
    trade = book.trades.get((partner, number))
    return trade is not None and trade.status in _OPEN


def pay_at(book: Book, trade: Trade, at: datetime, who: str = "") -> bool:
    """Let its buyer pay an order. Tells whether it was paid: an empty wallet pays nothing, and its buyer reads why."""
    with book.store.writing():
        if not _scanned(book, trade, at, who):
            return False
        buyer = book.buyer(trade.buyer_id)
        try:
            book.charge(trade, buyer, at)
        except TurnedDown as no:
            book.wallets.note(declined(trade, buyer, trade.cny, no.code, at))
            return False
    return True


def refuse_at(book: Book, trade: Trade, at: datetime) -> bool:
    """Let its buyer say no. Tells whether it was closed by that."""
    if not trade.is_waiting:
        return False
    with book.store.writing():
        book.shut(trade, "refused", at)
    return True


def pay_now(book: Book, partner: str, number: str, who: str = "") -> bool:
    """Let the buyer of an order that waits pay it in this moment. Tells whether it was paid."""
    now = book.pass_time()
    trade = book.trades.get((partner, number))
    return trade is not None and pay_at(book, trade, now, who)


def pay_after(book: Book, partner: str, number: str, seconds: float, who: str = "") -> bool:
    """Let the buyer of an order that waits pay after so many seconds. Tells whether there is one."""
    now = book.pass_time()
    trade = book.trades.get((partner, number))
    if trade is None:
        return False
    with book.store.writing():
        if not _scanned(book, trade, now, who):
            return False
        trade.pays_at = now + timedelta(seconds=seconds)
        book.keep(trade)
        book.schedule(trade.pays_at, "pay", trade)
    return True


def _scanned(book: Book, trade: Trade, at: datetime, who: str) -> bool:
    """Whether the trade waits for a buyer, once its code is scanned."""
    if trade.status is TradeStatus.ORDERED:
        try:
            buyer = book.buyer(who or ANYBODY)
        except NotFound:
            return False
        if any(end and at >= end for end in (trade.code_expires_at, trade.expires_at)):
            return False
        book.exist(trade, buyer, at)
    return trade.is_waiting
