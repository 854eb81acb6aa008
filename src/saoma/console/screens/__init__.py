"""What operators and managers look at. Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Any

from saoma.console.screens import (
    console_accounts,
    console_alarms,
    console_cases,
    console_health,
    console_notices,
    console_payments,
    console_recon,
    console_refunds,
    console_shops,
    console_staff,
)

#: Every page of the console.
routers: tuple[Any, ...] = (
    console_health.router,
    console_cases.router,
    console_alarms.router,
    console_payments.router,
    console_refunds.router,
    console_notices.router,
    console_recon.router,
    console_accounts.router,
    console_shops.router,
    console_staff.router,
)
