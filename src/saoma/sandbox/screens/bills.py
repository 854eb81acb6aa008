"""A buyer's bills: what was paid or asked for, with the numbers that a help desk wants, and what came back.

A bill is read off its trade whenever it is looked at, so a refund shows the moment it is done."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.kit.clock import beijing
from saoma.kit.money import Money
from saoma.sandbox.book.model import CNY
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import phone_of, shown, the_buyer
from saoma.sandbox.wallet.wallets import Bill, BillState, Wallet

_SPENT = (BillState.PAID, BillState.PART_REFUNDED)


def _spent(bills: list[Bill]) -> Money:
    return Money(sum(bill.trade.cny - bill.returned.minor for bill in bills if bill.state in _SPENT), CNY)


@get("/wallet/bills", sync_to_thread=False)
def bills(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """All of them, month by month in Beijing, the latest first."""
    phone = phone_of(request)
    wallet = Wallet(book, the_buyer(phone, book).id)
    months = [
        (month, list(of_month))
        for month, of_month in groupby(wallet.bills(), lambda bill: beijing(bill.trade.created_at).strftime("%Y-%m"))
    ]
    shown_months = [(month, _spent(of_month), of_month) for month, of_month in months]
    return shown(phone, "bills.html", buyer=wallet.buyer, months=shown_months)


@get("/wallet/bills/{trade_no:str}", sync_to_thread=False)
def bill(request: Request[Any, Any, Any], book: NamedDependency[Book], trade_no: FromPath[str]) -> Response[str]:
    """One of them. Raises `NotFound`."""
    phone = phone_of(request)
    wallet = Wallet(book, the_buyer(phone, book).id)
    return shown(phone, "bill.html", buyer=wallet.buyer, bill=wallet.bill(trade_no))


handlers = [bills, bill]
