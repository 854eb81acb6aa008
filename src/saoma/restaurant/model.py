"""The rows of a restaurant's room: tables, sittings, guests.

A guest is somebody at a table during one sitting, not a customer record: the same person is another guest tomorrow."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from saoma.kit.money import Money

#: How many colours the phones have for people; seat 9 looks like seat 1 and differs by its number.
COLOURS: Final = 8


class Strength(StrEnum):
    """What a store asks for before a phone may send dishes to the kitchen from a table."""

    #: Whoever scans may order.
    OPEN = "open"
    #: Staff, or somebody who already orders at the table, say yes to each new phone.
    STAFF = "staff"
    #: The code shown at the table now, or its word; what was printed for good only asks.
    CODE = "code"


class Table(msgspec.Struct, frozen=True):
    """A table with the code that its printed QR carries. A retired table keeps its past and admits nobody."""

    id: str
    store_id: str
    code: str
    name: str
    area: str


class Sitting(msgspec.Struct, frozen=True):
    """Everything between the first scan at a table and its closing: one tab, one bill."""

    id: str
    table_id: str
    store_id: str
    tab_id: str
    currency: str
    status: str
    opened_at: datetime
    covered_at: datetime | None = None
    closed_at: datetime | None = None
    #: By how many people the table last split its bill.
    split_ways: int | None = None
    #: The sitting this one's bill was put together with; everything on it is found there now.
    merged_into: str | None = None
    #: Since when somebody at the table waits for the bill.
    bill_asked_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything may still be ordered or paid."""
        return self.status == "open"

    @property
    def topic(self) -> str:
        """The live topic of every phone at the table."""
        return f"sitting:{self.id}"


class Guest(msgspec.Struct, frozen=True):
    """One person at the table: an Alipay user (`buyer_id`), or somebody with a nickname only."""

    id: str
    sitting_id: str
    seat: int
    buyer_id: str | None = None
    name: str = ""
    #: Since when their dishes go to the kitchen; None until somebody or something at the table proved them.
    admitted_at: datetime | None = None
    knocked_at: datetime | None = None
    turned_away_at: datetime | None = None

    @property
    def colour(self) -> int:
        """Which of the phones' colours is theirs, from 1."""
        return (self.seat - 1) % COLOURS + 1

    @property
    def initial(self) -> str:
        """One letter of their name, or their seat's number."""
        return self.name[:1].upper() or str(self.seat)


class Place(msgspec.Struct, frozen=True):
    """What one scan needs to know at once: the table, its shop, and the sitting that is open there, if any."""

    table_id: str
    code: str
    table_name: str
    store_id: str
    store_name: str
    store_name_zh: str
    merchant_name: str
    merchant_name_zh: str
    currency: str
    zone: str
    account_id: str
    sitting_id: str | None = None
    tab_id: str | None = None
    opened_at: datetime | None = None
    covered_at: datetime | None = None
    split_ways: int | None = None
    turn: int = 1
    strength: Strength = Strength.OPEN
    #: The percentages this store offers as tips; none where it takes no tips.
    tips: list[int] = []

    @property
    def sitting(self) -> Sitting | None:
        """The open sitting, if there is one."""
        if self.sitting_id is None or self.tab_id is None or self.opened_at is None:
            return None
        return Sitting(
            self.sitting_id,
            self.table_id,
            self.store_id,
            self.tab_id,
            self.currency,
            "open",
            self.opened_at,
            self.covered_at,
            split_ways=self.split_ways,
        )


class ShareRow(msgspec.Struct, frozen=True):
    """A row of `bill_shares`: which part of which bill one payment covers. Sums in minor units; `amount` has no tip."""

    payment_id: str
    sitting_id: str
    guest_id: str | None
    choice: str
    lines: list[str]
    amount: int
    currency: str
    refunded: int
    state: str
    held_at: datetime
    settled_at: datetime | None = None
    tip: int = 0
    tip_refunded: int = 0
    surplus_refunded: int = 0
    dishes_refunded: int = 0

    @property
    def money(self) -> Money:
        """The amount with its currency."""
        return Money(self.amount, self.currency)

    @property
    def tip_money(self) -> Money:
        """The tip with its currency."""
        return Money(self.tip, self.currency)

    @property
    def charged(self) -> Money:
        """What the payment asked for, tip included."""
        return Money(self.amount + self.tip, self.currency)
