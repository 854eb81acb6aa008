"""Every process keeps up with the accounts: added, changed or stopped anywhere, they count here within two seconds.

The mark is one number, so looking often costs next to nothing; who reads the accounts anew is the composition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from saoma.identity.accounts import accounts_mark
from saoma.kit.db import Database

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
#: Looks between two turns of what is to be done each minute.
_MINUTE: Final = 30


async def keep_up(
    db: Database,
    refresh: Callable[[], Awaitable[None]],
    each_minute: Callable[[], Awaitable[object]],
    *,
    every: float = LOOK_EVERY,
) -> None:
    """Call `refresh` when an account has changed, and `each_minute` as its name says, until cancelled."""
    mark, looks = -1, 0
    while True:
        await asyncio.sleep(every)
        looks += 1
        try:
            async with db.reading() as rows:
                now = await accounts_mark(rows)
            if now != mark:
                await refresh()
                mark = now
            if looks % _MINUTE == 0:
                await each_minute()
        except Exception:
            log.exception("accounts.refresh_failed")
