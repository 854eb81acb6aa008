"""What the cashier at the counter and the customers in front of it look at."""

from __future__ import annotations

from typing import Any

from saoma.fastfood.screens import board, counter, counter_paying, display

#: For the composition; nobody else imports screens.
routers: tuple[Any, ...] = (counter.router, counter_paying.router, display.router, board.router)
