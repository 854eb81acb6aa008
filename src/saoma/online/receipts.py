"""What a receipt says about an order made ahead: its number, the dishes, and what bringing it cost."""

from __future__ import annotations

from typing import Final

from saoma.checkout.receipt import ReceiptLine, ReceiptLines
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.discounts import discounts_of
from saoma.food.orders.receipt_lines import food_lines
from saoma.kit.db import Rows
from saoma.online import offers, orders
from saoma.online.model import Mode
from saoma.payments.model import Payment

_WHERE: Final = {
    Mode.EAT_HERE: ("Order {number}, to eat here", "{number} · 堂食"),
    Mode.PICK_UP: ("Order {number}, to pick up", "{number} · 自取"),
    Mode.BRING: ("Order {number}, delivered", "{number} · 外送"),
}


async def receipt_lines(rows: Rows, payment: Payment) -> ReceiptLines:
    """The lines of one payment of kind "online_order". Raises `NotFound` when its order is not there."""
    of = await orders.order(rows, payment.payable_id)
    offer = await offers.offer_of_store(rows, of.store_id)
    every = [line for line in await ordering.lines(rows, of.tab_id) if line.status is not LineStatus.VOID]
    english, chinese = _WHERE[of.mode]
    shown = [*food_lines(every, await discounts_of(rows, of.tab_id))]
    if of.fee:
        shown.append(ReceiptLine(name="Delivery", name_zh="配送费", quantity=1, amount=of.fee_money))
    return ReceiptLines(
        lines=tuple(shown),
        title=english.format(number=of.label),
        title_zh=chinese.format(number=of.label),
        back=f"/order/{offer.code}/o/{of.token}",
    )
