"""Lies on demand: a notification that tells something else than the truth, to see whether a partner believes it.

Signed well, it is what a thief with the key would send, or a mistake at Alipay; with a spoiled signature, anybody."""

from __future__ import annotations

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from saoma.sandbox.notices import Notices


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
