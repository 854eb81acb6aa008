"""What was ever paid, or tried, for one payable: read in whatever connection the asking page has open."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Rows
from saoma.payments.model import PAYMENT_COLUMNS, Payment

_ALL: Final = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE payable_kind = %(kind)s AND payable_id = %(id)s ORDER BY created_at, id
"""  # noqa: S608
_BY_KEY: Final = "SELECT id FROM payments WHERE payable_kind = %(kind)s AND payable_id = %(id)s AND key = %(key)s"


async def payments_for(rows: Rows, kind: str, id: str) -> list[Payment]:
    """Every payment for one payable, the oldest first."""
    return await rows.rows(Payment, _ALL, {"kind": kind, "id": id})


async def payment_by_key(rows: Rows, kind: str, id: str, key: str) -> str | None:
    """The id of the payment that this very press made before; None when it made none."""
    found: str | None = await rows.value(_BY_KEY, {"kind": kind, "id": id, "key": key})
    return found
