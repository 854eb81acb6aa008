"""What the cashier at the counter, the customers in front of it and those at a kiosk look at."""

from __future__ import annotations

from typing import Any

from saoma.fastfood.screens import (
    board,
    counter,
    counter_coupons,
    counter_paying,
    counter_refunds,
    display,
    kiosk,
    kiosk_paying,
)

#: For the composition; nobody else imports screens.
routers: tuple[Any, ...] = (
    counter.router,
    counter_paying.router,
    counter_coupons.router,
    counter_refunds.router,
    display.router,
    board.router,
    kiosk.router,
    kiosk_paying.router,
)
