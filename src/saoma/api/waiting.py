"""`Prefer: wait=N`: hold the answer until a payment or refund has ended, or N seconds have passed.

The wait looks on, it does nothing: a caller who leaves stops the looking and not the payment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from saoma.kit.live import Live

T = TypeVar("T")
#: Looked at this often even where no bell rings.
_LOOK_EVERY: Final = 1.0


async def until_ended(
    live: Live, payment_id: str, read: Callable[[], Awaitable[T]], ended: Callable[[T], bool], seconds: float
) -> T:
    """The thing as it stands when it has ended, or after `seconds`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    with live.subscribe([f"payment:{payment_id}"]) as ear:
        thing = await read()
        while not ended(thing):
            left = until - loop.time()
            if left <= 0:
                break
            await ear.next(min(left, _LOOK_EVERY))
            thing = await read()
    return thing
