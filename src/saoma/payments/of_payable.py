"""What was ever paid, or tried, for one payable: read in whatever connection the asking page has open."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Rows
from saoma.payments.model import PAYMENT_COLUMNS, REFUND_COLUMNS, Payment, Refund

_ALL: Final = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE payable_kind = %(kind)s AND payable_id = ANY(%(ids)s)
ORDER BY created_at, id
"""  # noqa: S608
_ONE: Final = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = %(payment)s AND payable_kind = %(kind)s AND payable_id = %(id)s
"""  # noqa: S608
_REFUNDS: Final = f"""
SELECT {", ".join(f"r.{name}" for name in REFUND_COLUMNS.split(", "))} FROM refunds AS r
JOIN payments AS p ON p.id = r.payment_id
WHERE p.payable_kind = %(kind)s AND p.payable_id = ANY(%(ids)s) ORDER BY r.created_at, r.id
"""  # noqa: S608
_BY_KEY: Final = "SELECT id FROM payments WHERE payable_kind = %(kind)s AND payable_id = %(id)s AND key = %(key)s"


async def payments_for(rows: Rows, kind: str, *ids: str) -> list[Payment]:
    """Every payment for one payable, or for several of a kind, the oldest first."""
    return await rows.rows(Payment, _ALL, {"kind": kind, "ids": list(ids)})


async def payment_of(rows: Rows, kind: str, id: str, payment_id: str) -> Payment:
    """One payment, if it is for that payable. Raises `NotFound` for any other."""
    return await rows.one(Payment, _ONE, {"kind": kind, "id": id, "payment": payment_id})


async def refunds_for(rows: Rows, kind: str, *ids: str) -> list[Refund]:
    """Every refund of every payment for one payable, or for several of a kind, the oldest first."""
    return await rows.rows(Refund, _REFUNDS, {"kind": kind, "ids": list(ids)})


async def payment_by_key(rows: Rows, kind: str, id: str, key: str) -> str | None:
    """The id of the payment that this very press made before; None when it made none."""
    found: str | None = await rows.value(_BY_KEY, {"kind": kind, "id": id, "key": key})
    return found
