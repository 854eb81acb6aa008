"""How often a receipt was put on paper: the first is the original, each later one says which copy it is.

A customer's own page is no paper and counts for nothing; what staff print, download or send to a printer does."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from saoma.kit.db import Rows, Transaction

_NEXT: Final = "SELECT coalesce(max(number) + 1, 0) FROM receipt_prints WHERE subject_id = %(id)s"


async def printed(rows: Rows, subject_id: str) -> int:
    """How often the receipt of this payment or refund was put on paper."""
    return int(await rows.value(_NEXT, {"id": subject_id}))


async def count(tx: Transaction, subject_id: str, by: str, how: str, now: datetime) -> int:
    """Note one more and tell which it is: 0 for the original, then 1, 2, 3. Two at once are never both the original."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(id)s, 22))", {"id": subject_id})
    before = await printed(tx, subject_id)
    await tx.run(
        "INSERT INTO receipt_prints (subject_id, number, by, how, at) VALUES (%(id)s, %(n)s, %(by)s, %(how)s, %(at)s)",
        {"id": subject_id, "n": before, "by": by, "how": how, "at": now},
    )
    return before


async def take_back(tx: Transaction, subject_id: str, number: int) -> None:
    """Forget one that never came out, so that the next is not called a copy of nothing."""
    await tx.run(
        "DELETE FROM receipt_prints WHERE subject_id = %(id)s AND number = %(n)s", {"id": subject_id, "n": number}
    )
