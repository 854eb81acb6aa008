"""The audit trail: who did what to which thing, when. Append only; the database refuses anything else.

`who` is a staff id, `buyer`, or the name of a program; `detail` never holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the trail."""

    at: datetime
    who: str
    what: str
    subject: str
    detail: dict[str, Any]


async def note(
    tx: Transaction,
    clock: Clock,
    *,
    who: str,
    what: str,
    subject: str,
    merchant_id: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line, in the transaction of the thing that was done."""
    await tx.run(
        """INSERT INTO audit (at, who, what, subject, merchant_id, detail)
           VALUES (%(at)s, %(who)s, %(what)s, %(subject)s, %(merchant_id)s, %(detail)s::jsonb)""",
        {
            "at": clock.now(),
            "who": who,
            "what": what,
            "subject": subject,
            "merchant_id": merchant_id,
            "detail": msgspec.json.encode(dict(detail or {})).decode(),
        },
    )


async def trail(rows: Rows, subject: str, limit: int = 100) -> list[Entry]:
    """What happened to one thing, newest first."""
    return await rows.rows(
        Entry,
        "SELECT at, who, what, subject, detail FROM audit WHERE subject = %(subject)s ORDER BY id DESC LIMIT %(limit)s",
        {"subject": subject, "limit": limit},
    )
