"""What operators and managers look at. Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Any

from saoma.console.screens import (
    console_account_forms,
    console_accounts,
    console_alarms,
    console_cases,
    console_going_live,
    console_health,
    console_notices,
    console_payments,
    console_recon,
    console_refunds,
    console_shops,
    console_signature,
    console_sources,
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
    console_sources.router,
    console_recon.router,
    console_accounts.router,
    console_account_forms.router,
    console_going_live.router,
    console_shops.router,
    console_signature.router,
    console_staff.router,
)
