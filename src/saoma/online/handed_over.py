"""What the composition takes from this room, in one place: its payable, its receipts, its questions for the audit.

Screens are not here: they are in `screens`, and nobody but the composition imports those."""

from __future__ import annotations

from saoma.online.book_rules import RULES
from saoma.online.bringing import ended
from saoma.online.calling import called
from saoma.online.model import KIND
from saoma.online.paying import OnlineBill
from saoma.online.receipts import receipt_lines
from saoma.online.seating import Seating

__all__ = ["KIND", "RULES", "OnlineBill", "Seating", "called", "ended", "receipt_lines"]
