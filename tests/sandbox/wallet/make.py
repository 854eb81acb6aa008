"""Makes the orders and codes that wallet tests pay; the defaults make valid things."""

from __future__ import annotations

from datetime import UTC, datetime

from saoma.kit.clock import MovableClock
from saoma.kit.money import Money
from saoma.sandbox.book.model import Order, Product, StaticCode
from saoma.sandbox.book.trades import Book

PARTNER = "2088000000000001"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def order(
    number: str = "A-1",
    amount: str = "36.50",
    currency: str = "USD",
    subject: str = "Noodle House, table 4",
    merchant: str = "Noodle House 面馆",
    store: str = "Harbour",
    product: Product = Product.WALLET_PAGE,
) -> Order:
    """A partner's order."""
    return Order(
        partner=PARTNER,
        number=number,
        product=product,
        subject=subject,
        amount=Money.parse(amount, currency),
        currency=currency,
        merchant=merchant,
        store=store,
    )


def shop_code(book: Book, token: str = "stx000000000000000000abc", currency: str = "USD") -> StaticCode:
    """A shop's printed code, known to `book`."""
    code = StaticCode(
        token=token,
        partner=PARTNER,
        qrcode=book.code_url(token),
        store_key="ST_01",
        with_fee=False,
        trans_currency=currency,
        currency=currency,
        merchant="Noodle House 面馆",
        store="Harbour",
        biz_data="{}",
        created_at=book.clock.now(),
    )
    book.static_codes[token] = code
    return code


def book(balance: str = "5000") -> Book:
    """A book where Amy has `balance` yuan and Ben is asked for his PIN at tills."""
    made = Book(MovableClock(NOON))
    made.add_buyer("amy", "Amy", Money.parse(balance, "CNY"))
    made.add_buyer("ben", "Ben", Money.parse(balance, "CNY"), pin_required=True)
    return made
