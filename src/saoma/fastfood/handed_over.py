"""What the composition takes from this room, in one place: payable, listener, receipts, questions for the audit.

Screens are not here: they are in `screens`, and nobody but the composition imports those."""

from __future__ import annotations

from saoma.fastfood.book_rules import RULES
from saoma.fastfood.model import KIND
from saoma.fastfood.offline import CounterOrders
from saoma.fastfood.paying import CounterBill
from saoma.fastfood.receipts import receipt_lines
from saoma.fastfood.stopping import Stops

__all__ = ["KIND", "RULES", "CounterBill", "CounterOrders", "Stops", "receipt_lines"]
