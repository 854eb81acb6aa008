"""The toy wallet's screens: what a buyer's phone shows, and the pages a phone fetches from partners.

`wallet_router` is all that the sandbox's server mounts; on hosts that are no phone it shows whose phones there are."""

from __future__ import annotations

from typing import Any

from litestar import Router

from saoma.kit.errors import Refused
from saoma.sandbox.screens import bills, cashier, code, consent, counter, home, partner_pages, scan, toy_shop
from saoma.sandbox.screens.phone import keep_language, refused

__all__ = ["wallet_router"]


def wallet_router() -> Router:
    """The wallet's pages and the partner pages; `book` and `browser` are injected."""
    handlers: list[Any] = [
        *home.handlers, *bills.handlers, *code.handlers, *consent.handlers, *counter.handlers, *cashier.handlers,
        *scan.handlers, *toy_shop.handlers, *partner_pages.handlers,
    ]  # fmt: skip
    return Router(
        "/",
        route_handlers=handlers,
        exception_handlers={Refused: refused},
        before_request=keep_language,
        include_in_schema=False,
    )
