"""What somebody wants to take for an order, checked against what the screen showed: at the counter and at a kiosk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from saoma.fastfood import counter
from saoma.fastfood.model import KIND, CounterOrder
from saoma.fastfood.paying import part_of
from saoma.fastfood.reckoning import AMOUNT_CHANGED, BEING_PAID, NOTHING_CHOSEN, PAID_ALREADY
from saoma.food.model import called
from saoma.identity.counters import Counter
from saoma.kit.db import Rows
from saoma.kit.errors import Conflict
from saoma.kit.i18n import texts
from saoma.kit.money import Money
from saoma.web.presses import press_key


@dataclass(frozen=True, slots=True)
class Wish:
    """All that is left of one order, and who takes it where."""

    at: Counter
    order: CounterOrder
    subject: str
    amount: Money
    terminal_id: str
    key: str

    def of_order(self) -> dict[str, Any]:
        """What every way to pay is told."""
        return {
            "store_id": self.at.store.id,
            "terminal_id": self.terminal_id,
            "staff": self.at.staff,
            "amount": self.amount,
            "subject": self.subject,
            "payable_kind": KIND,
            "payable_id": self.order.id,
            "part": part_of(self.order),
            "key": self.key,
        }


async def wish_of(
    rows: Rows, at: Counter, order: CounterOrder, form: Mapping[str, Any], lang: str, terminal_id: str
) -> Wish:
    """All that is left of the order, if that is what the form's screen showed. Raises `Conflict`."""
    account = await counter.account(rows, order)
    if not account.left:
        raise Conflict(PAID_ALREADY if order.fired_at else BEING_PAID if account.held else NOTHING_CHOSEN)
    if str(form.get("shown", "")) not in ("", str(account.left.minor)):
        raise Conflict(AMOUNT_CHANGED)
    number = texts(lang)("Order {number}", number=order.number)
    subject = f"{called(at.store.name, at.store.name_zh, lang)} · {number}"
    return Wish(at, order, subject, account.left, terminal_id, press_key(form, whose=at.staff.id))
