"""The drawer under a till opens for cash, by its printer's cable; wherever cash is written down.

Nobody waits for it: a drawer that stays shut is opened by its key."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from litestar import Response
from litestar.background_tasks import BackgroundTask

from saoma.checkout.paper_escpos import open_drawer
from saoma.checkout.printing import printer_of, send
from saoma.gateway import Method
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from saoma.payments.model import Payment


async def and_open(answer: Response[Any], db: Database, taken: Sequence[Payment], *, loopback: bool) -> Response[Any]:
    """The answer to a press that wrote `taken` down; after it, cash among it opens the drawer where it was taken.

    `loopback` says whether printers on this machine itself may be asked."""
    for payment in taken:
        if payment.method is Method.CASH:
            async with db.reading() as rows:
                printer = await printer_of(rows, payment.store_id, payment.terminal_id)
            if printer is not None and printer.has_drawer:
                answer.background = BackgroundTask(_kick, printer.address, loopback=loopback)
    return answer


async def _kick(address: str, *, loopback: bool) -> None:
    with contextlib.suppress(Refused):
        await send(address, open_drawer(), loopback=loopback)
