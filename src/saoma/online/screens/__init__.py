"""What customers who order ahead, and the staff who keep the promise, look at. Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Final

from litestar import Router

from saoma.online.screens import benefits, bringing, customer, inbox, office, placed, placing

#: All of them.
routers: Final[tuple[Router, ...]] = (
    customer.router,
    benefits.router,
    bringing.router,
    placing.router,
    placed.router,
    inbox.router,
    office.router,
)
