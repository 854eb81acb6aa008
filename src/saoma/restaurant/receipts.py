"""What a receipt says about a meal: the dishes one payment covered, where they were eaten, and the way back.

A payment of an amount without dishes lists the whole bill and says that it is a part of it."""

from __future__ import annotations

from saoma.checkout.receipt import ReceiptLines
from saoma.food.orders import ordering
from saoma.food.orders.discounts import discounts_of
from saoma.food.orders.receipt_lines import food_lines
from saoma.kit.db import Rows
from saoma.kit.money import Money, total
from saoma.payments.model import Payment
from saoma.restaurant.model import Table
from saoma.restaurant.moving import lives_on
from saoma.restaurant.sittings import sitting
from saoma.restaurant.tables import path_of


async def receipt_lines(rows: Rows, payment: Payment) -> ReceiptLines:
    """The lines of one payment of kind "sitting". Raises `NotFound` when its sitting is not there."""
    of = await sitting(rows, await lives_on(rows, payment.payable_id))
    table = await rows.one(
        Table,
        "SELECT id, store_id, code, name, area FROM dining_tables WHERE id = %(id)s",
        {"id": of.table_id},
    )
    every = [line for line in await ordering.lines(rows, of.tab_id) if line.ordered]
    named = {str(line) for line in payment.part.get("lines", [])}
    shown = [line for line in every if line.id in named] if named else every
    in_full = total((line.due for line in shown), payment.currency)
    tip = Money(int(payment.part.get("tip", 0)), payment.currency)
    partly = in_full != payment.money - tip
    return ReceiptLines(
        lines=food_lines(shown, await discounts_of(rows, of.tab_id)),
        title=f"Table {table.name}" if table.name.isdecimal() else table.name,
        title_zh=f"{table.name} 号桌" if table.name.isdecimal() else table.name,
        part="Part of the table's bill" if partly or len(shown) < len(every) else "",
        part_zh="整桌账单的一部分" if partly or len(shown) < len(every) else "",
        back=path_of(table.code),
        tip=tip if tip else None,
    )
