"""What a receipt says about the thing that was paid for: written by whoever sold it, printed here.

Checkout knows no dish and no ticket: `saoma.app` hands it one writer per kind of payable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from saoma.kit.db import Rows
from saoma.kit.money import Money
from saoma.kit.seal import Seal
from saoma.payments.model import Payment

#: What a receipt's link is signed for.
PURPOSE: Final = "receipt"


def receipt_path(seal: Seal, payment_id: str) -> str:
    """The path of a receipt that its holder may open without being known."""
    return f"/receipt/{payment_id}?k={seal.sign(PURPOSE, payment_id)}"


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line: what, how many, how much in all. `note` is small print below it (options)."""

    name: str
    quantity: int
    amount: Money
    name_zh: str = ""
    note: str = ""
    note_zh: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptLines:
    """What one payment paid for. `title` says where or which ("Table 5"); `back` is the path customers came from.

    Lines may sum to more than the payment when it covers a part of them; `part` then says so in words. `tip` is what of
    the payment was given on top of them."""

    lines: tuple[ReceiptLine, ...] = ()
    title: str = ""
    title_zh: str = ""
    part: str = ""
    part_zh: str = ""
    back: str = ""
    tip: Money | None = None


class ReceiptWriter(Protocol):
    """Knows what payments of one kind paid for."""

    async def __call__(self, rows: Rows, payment: Payment) -> ReceiptLines:
        """The lines of one payment; may be asked before it is paid, to show what is being paid for."""
