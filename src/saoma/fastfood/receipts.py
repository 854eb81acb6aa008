"""What a receipt says about a counter order: its number, the dishes, and how much of them one payment covered."""

from __future__ import annotations

from typing import Final

from saoma.checkout.receipt import ReceiptLines
from saoma.fastfood.counter import order
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.discounts import discounts_of
from saoma.food.orders.pricing import basket_total, tab_total
from saoma.food.orders.receipt_lines import food_lines
from saoma.kit.db import Rows
from saoma.payments.model import Payment

_HERE: Final = ("Order {number}", "{number} 号")
_TO_GO: Final = ("Order {number}, takeaway", "{number} 号 · 外带")


async def receipt_lines(rows: Rows, payment: Payment) -> ReceiptLines:
    """The lines of one payment of kind "counter_order". Raises `NotFound` when its order is not there."""
    of = await order(rows, payment.payable_id)
    every = [line for line in await ordering.lines(rows, of.tab_id) if line.status is not LineStatus.VOID]
    in_full = tab_total(every, of.currency) + basket_total(every, of.currency)
    english, chinese = _TO_GO if (await ordering.tab(rows, of.tab_id)).to_go else _HERE
    return ReceiptLines(
        lines=food_lines(every, await discounts_of(rows, of.tab_id)),
        title=english.format(number=of.number),
        title_zh=chinese.format(number=of.number),
        part="Part of this order" if payment.money < in_full else "",
        part_zh="这份订单的一部分" if payment.money < in_full else "",
    )
