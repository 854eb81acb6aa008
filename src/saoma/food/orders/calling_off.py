"""Telling the kitchen not to make what is paid: somebody changed their mind, or a dish can't be made after all.

The dishes are struck and stay visible to the cook for a while. Their money is not touched here: it is more than the
rest costs until it is given back, and whoever calls off sees to that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from saoma.food.model import Line, LineStatus
from saoma.food.orders import courses, portions
from saoma.food.orders.tabs import LONGEST_NOTE, LineId, locked, told
from saoma.kit.db import Transaction
from saoma.kit.errors import Invalid

_ON_THE_WAY: Final = """
SELECT * FROM tab_lines WHERE tab_id = %(tab)s AND id = ANY(%(lines)s) AND paid
    AND status IN ('sent', 'cooking', 'ready') ORDER BY created_at, id
"""
_STRIKE: Final = """
UPDATE tab_lines SET status = 'void', voided_at = clock_timestamp(), void_reason = %(reason)s, void_by = %(by)s,
    hold = '' WHERE id = ANY(%(lines)s) RETURNING id
"""


async def call_off(tx: Transaction, tab_id: str, line_ids: Sequence[str], by: str, reason: str) -> list[str]:
    """Strike these paid dishes while they are still on their way; answers which were. What was handed over stays.

    A repeat finds nothing left to strike. Raises `Invalid` without a reason."""
    if not reason.strip():
        raise Invalid("Say why this dish is struck from the bill.")
    at = await locked(tx, tab_id)
    found = await tx.rows(Line, _ON_THE_WAY, {"tab": tab_id, "lines": list(line_ids)})
    if not found:
        return []
    values = {"lines": [line.id for line in found], "by": by, "reason": reason.strip()[:LONGEST_NOTE]}
    struck = await tx.rows(LineId, _STRIKE, values)
    await portions.give_back(tx, at.store_id, [line.id for line in found if line.status is LineStatus.SENT])
    await courses.fire_due(tx, at.store_id, tab_id)
    await told(tx, tab_id, "void")
    await tx.tell(f"kitchen:{at.store_id}", "tickets", {"why": "void"})
    return [row.id for row in struck]
