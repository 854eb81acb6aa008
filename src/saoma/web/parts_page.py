"""`/_parts`: every part in every state, in both themes, from the same templates that the screens use.

It is the living version of docs/look.md; what is not on it does not exist yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get

from saoma.kit.money import Money
from saoma.web.page import now_of, page


@get("/_parts", include_in_schema=False, sync_to_thread=False)
def parts_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Every part in every state."""
    now = now_of(request)
    return page(
        request,
        "web/parts_page.html",
        bill=Money(3650, "USD"),
        large=Money(123456789, "USD"),
        whole=Money(12800, "JPY"),
        now=now,
        before=now - timedelta(minutes=7),
        long_ago=now - timedelta(hours=5),
        until=now + timedelta(seconds=24),
    )
