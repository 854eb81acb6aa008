"""The screens of checkout: paying in the wallet, the panel a till shows, receipts, shifts, and Alipay's notifications.

Only `saoma.app` imports screens."""

from typing import Final

from litestar import Router

from saoma.checkout.screens import notify, pay, printers, receipts, shifts, till_payments

#: All of them.
routers: Final[tuple[Router, ...]] = (
    *(pay.router, receipts.router, shifts.router),
    *(printers.router, till_payments.router, notify.router),
)
