"""Tabs and their lines: adding, changing, sending to the kitchen, and being held and paid by payments.

Every function here runs in the caller's transaction and locks the tab first, so that two phones pressing at once come
one after the other; a repeated request (same key) changes nothing and answers the same.

Each change tells the live topic `tab:<tab_id>` (kind `lines`); sending and voids also tell `kitchen:<store_id>`
(kind `tickets`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from saoma.food.model import Line, Tab
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict


class Payer(Protocol):
    """Whatever has the id of a payment; `payments.model.Payment` does."""

    @property
    def id(self) -> str: ...


class SoldOut(Conflict):
    """A dish in the basket is sold out; the text names it. Nothing was sent."""


class PriceChanged(Conflict):
    """A price differs from the one the guest saw; the text names dish, old and new price. Nothing was sent.

    `requote` (or `order`, which does it all) puts the new prices into the basket; the next press sends them."""


async def open_tab(tx: Transaction, store_id: str, channel: str, label: str) -> Tab:
    """Begin a tab in the currency of the store's menu. Raises `NotFound` when the store has no menu."""
    raise NotImplementedError


async def tab(rows: Rows, tab_id: str) -> Tab:
    """The tab. Raises `NotFound`."""
    raise NotImplementedError


async def lines(rows: Rows, tab_id: str) -> list[Line]:
    """All lines in the order they were added, voided ones too, except those taken out of the basket again."""
    raise NotImplementedError


async def add_line(
    tx: Transaction,
    tab_id: str,
    item_id: str,
    option_ids: Sequence[str],
    quantity: int,
    guest_id: str,
    note: str,
    key: str,
) -> Line:
    """Put a dish into the basket at today's price. `guest_id` "" is staff. `key` is the caller's idempotency key.

    The same key with the same content answers the line it made; with other content `Conflict`. Raises `SoldOut`,
    `Invalid` (choices, quantity, a note over 500 letters), `NotFound` (no such dish here, or hidden) and `Conflict` if
    the tab is not open."""
    raise NotImplementedError


async def set_quantity(tx: Transaction, line_id: str, quantity: int, guest_id: str | None) -> Line | None:
    """Change how many are in the basket; 0 takes the line out and answers None.

    Only the guest who added it may (`guest_id` None: staff, who may change any). Raises `NotAllowed`, `NotFound`,
    `Invalid`, and `Conflict` once it was sent."""
    raise NotImplementedError


async def send(tx: Transaction, tab_id: str, by: str, guest_id: str | None = None) -> list[Line]:
    """Send the basket (or with `guest_id` only that guest's part) as the next round; answers what was sent.

    Freezes prices. An empty basket, because somebody else was quicker, answers an empty list. All or nothing: raises
    `SoldOut` or `PriceChanged` naming the dish, `Conflict` when the tab is not open."""
    raise NotImplementedError


async def requote(tx: Transaction, tab_id: str) -> list[Line]:
    """Put today's prices into the basket; answers the lines that changed, with `unit_amount_before`."""
    raise NotImplementedError


async def order(db: Database, tab_id: str, by: str, guest_id: str | None = None) -> list[Line]:
    """The whole press of a button: `send` in its own transaction; on `PriceChanged` the basket is requoted before the
    refusal goes on, so that the guest sees the new prices and the next press sends. Screens call this."""
    raise NotImplementedError


async def void_line(tx: Transaction, line_id: str, by: str, reason: str) -> Line:
    """Strike a sent dish from the bill, with a reason. Raises `Conflict` when a payment holds or has paid it."""
    raise NotImplementedError


async def hold_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str]) -> None:
    """Reserve sent lines for a payment that is being opened. Repeats are harmless.

    All or nothing: raises `Conflict` when another payment holds or has paid one, or it is not on the bill."""
    raise NotImplementedError


async def pay_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str]) -> list[str]:
    """Mark lines paid; answers the ids that are now paid by this payment.

    Lines let go in the meantime are taken if still free (late money); those of another payment are not: what is missing
    in the answer is surplus, and the caller's to put before a person. Repeats are harmless."""
    raise NotImplementedError


async def release_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str] | None = None) -> None:
    """Let go of what this payment holds and has not paid (all of it, or only `line_ids`). Repeats are harmless."""
    raise NotImplementedError


async def settle_tab(tx: Transaction, tab_id: str) -> Tab:
    """The tab is paid in full: takes no more orders until `reopen_tab`.

    Raises `Conflict` while a dish still waits in the basket: it would be lost."""
    raise NotImplementedError


async def reopen_tab(tx: Transaction, tab_id: str) -> Tab:
    """A settled tab takes orders again. Raises `Conflict` when it was closed."""
    raise NotImplementedError


async def close_tab(tx: Transaction, tab_id: str) -> Tab:
    """The guests left: what is still in the basket is dropped. Raises `Conflict` while a payment holds a line."""
    raise NotImplementedError
