"""What the tests of practice do at the till: press, look at the coach, ask the database."""

from __future__ import annotations

import re
from typing import Any

from tests.gateway.house import House, Shop


async def post(shop: Shop, path: str, **data: str) -> Any:
    """Send a form as a page of ours would."""
    data["_csrf_token"] = shop.browser.cookies["saoma_csrf"]
    return await shop.browser.post(path, data=data)


async def coach(shop: Shop) -> tuple[str, str, str]:
    """How the lesson stands: outcome, stage, the code on the customer's phone."""
    html = (await post(shop, "/practice/coach")).text
    found = re.search(r'data-stage="(\d+)" data-outcome="(\w+)"', html)
    assert found, html
    code = re.search(r'data-scan-code="(\d+)"', html)
    return found[2], found[1], code[1] if code else ""


async def value(house: House, sql: str) -> Any:
    async with house.rooms.db.reading() as rows:
        return await rows.value(sql)
