"""How payments hold, pay and let go of lines: a line belongs to at most one payment at a time.

A line that was paid never changes hands again; money given back is a refund of the payment, not a change here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from saoma.food.model import ORDERED, Line
from saoma.food.orders.tabs import LineId, lock_tabs_of, told
from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict, NotFound

_ORDERED = sorted(status.value for status in ORDERED)


class Payer(Protocol):
    """Whatever has the id of a payment; `payments.model.Payment` does."""

    @property
    def id(self) -> str:
        """The payment's id."""


async def hold_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str]) -> None:
    """Reserve sent lines for a payment that is being opened. Repeats are harmless.

    All or nothing: raises `Conflict` when another payment holds or has paid one, or it is not on the bill."""
    wanted = sorted(set(line_ids))
    tabs = await lock_tabs_of(tx, wanted)
    held = await tx.rows(
        LineId,
        "UPDATE tab_lines SET paid_by = %(payment)s WHERE id = ANY(%(lines)s) AND status = ANY(%(ordered)s)"
        " AND (paid_by IS NULL OR paid_by = %(payment)s) RETURNING id",
        {"payment": payment.id, "lines": wanted, "ordered": _ORDERED},
    )
    if len(held) != len(wanted):
        free = {row.id for row in held}
        await _refuse_hold(tx, [line_id for line_id in wanted if line_id not in free])
    for tab_id in tabs:
        await told(tx, tab_id, "held")


async def pay_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str]) -> list[str]:
    """Mark lines paid; answers the ids that are now paid by this payment.

    Lines let go in the meantime are taken if still free (late money); those of another payment are not: what is missing
    in the answer is surplus, and the caller's to put before a person. Repeats are harmless."""
    wanted = sorted(set(line_ids))
    tabs = await lock_tabs_of(tx, wanted)
    paid = await tx.rows(
        LineId,
        "UPDATE tab_lines SET paid_by = %(payment)s, paid = true WHERE id = ANY(%(lines)s)"
        " AND status = ANY(%(ordered)s) AND (paid_by IS NULL OR paid_by = %(payment)s) RETURNING id",
        {"payment": payment.id, "lines": wanted, "ordered": _ORDERED},
    )
    for tab_id in tabs:
        await told(tx, tab_id, "paid")
    return [row.id for row in paid]


async def release_lines(tx: Transaction, payment: Payer, line_ids: Sequence[str] | None = None) -> None:
    """Let go of what this payment holds and has not paid (all of it, or only `line_ids`). Repeats are harmless."""
    wanted = None if line_ids is None else sorted(set(line_ids))
    held = await tx.rows(
        LineId,
        "SELECT id FROM tab_lines WHERE paid_by = %(payment)s AND NOT paid"
        " AND (%(lines)s::text[] IS NULL OR id = ANY(%(lines)s))",
        {"payment": payment.id, "lines": wanted},
    )
    tabs = await lock_tabs_of(tx, [row.id for row in held])
    await tx.run(
        "UPDATE tab_lines SET paid_by = NULL WHERE id = ANY(%(lines)s) AND paid_by = %(payment)s AND NOT paid",
        {"payment": payment.id, "lines": [row.id for row in held]},
    )
    for tab_id in tabs:
        await told(tx, tab_id, "released")


async def _refuse_hold(tx: Transaction, line_ids: list[str]) -> None:
    taken = await tx.maybe(
        Line, "SELECT * FROM tab_lines WHERE id = ANY(%(lines)s) ORDER BY id LIMIT 1", {"lines": line_ids}
    )
    if taken is None:
        raise NotFound("A dish of this bill is not there any more. Look at the bill again.")
    if taken.paid:
        text = "“{dish}” has been paid already. Look at the bill again."
    elif taken.paid_by is not None:
        text = "Someone is paying for “{dish}” right now. Wait until that has ended."
    else:
        text = "“{dish}” is not on the bill. Look at the bill again."
    raise Conflict(text, dish=taken.name, dish_zh=taken.name_zh or taken.name)
