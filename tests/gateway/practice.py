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


#: Practice is written down under the real person's name here, and nothing else is.
_ITS_OWN = ("practice_runs", "practice_lessons", "live_events")


async def fingerprints(house: House, *ids: str) -> dict[str, str]:
    """A fingerprint of each table's rows that name one of these and belong to no practice."""
    prints = {}
    async with house.rooms.db.reading() as rows:
        tables = await rows.value("SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'")
        for table in set(tables) - set(_ITS_OWN):
            sql = (
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t"
                " WHERE t::text LIKE ANY (%(ids)s) AND t::text NOT LIKE '%%mpr_%%'"
            )
            if found := await rows.value(sql, {"ids": [f"%{one}%" for one in ids]}):
                prints[table] = found
    return prints


async def told(house: House, store_id: str) -> int:
    """How often the screens of a store were told that something changed."""
    async with house.rooms.db.reading() as rows:
        sql = "SELECT count(*) FROM live_events AS e WHERE e::text LIKE %(of)s"
        return int(await rows.value(sql, {"of": f"%{store_id}%"}))
