"""Lies and silence on demand: forged notifications, and true ones held back, to see what a partner makes of it.

Signed well, it is what a thief with the key would send, or a mistake at Alipay; with a spoiled signature, anybody."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from saoma.sandbox.notices import Notices

#: How long whoever moves the clock, or lets go of what was held back, waits for the partners' answers, in seconds.
PATIENCE: Final = 3.0


class Forged(msgspec.Struct, forbid_unknown_fields=True):
    """What a forged notification says differently; `spoil_signature` makes its signature fail."""

    changes: dict[str, str] = {}
    spoil_signature: bool = False


class Heard(msgspec.Struct):
    """What the partner answered to it."""

    at: str
    status: int
    answer: str


@post("/notifications/{number:str}/forge", status_code=200)
async def forge(number: FromPath[str], data: JSONBody[Forged], notices: NamedDependency[Notices]) -> Heard:
    """Tell a lie about an order: its last notification with other fields, under an id of its own."""
    told = await notices.forge(number, data.changes, spoiled=data.spoil_signature)
    return Heard(told.at.isoformat(), told.status, told.answer)


class Hold(msgspec.Struct, forbid_unknown_fields=True):
    """Whether notifications are held back."""

    held: bool


@post("/notifications/hold", status_code=200)
async def hold(data: JSONBody[Hold], notices: NamedDependency[Notices]) -> Hold:
    """Send no notification for now, whatever is due; or send what was held back."""
    notices.hold(held=data.held)
    if not data.held:
        await notices.send_due(patience=PATIENCE)
    return data
