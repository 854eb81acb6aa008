"""Striking dishes from a table's bill: all that are named or none, once, and never so that more is paid than is owed.

Money that was given back before for what is struck now ends to count as paid: it must not pay for a later dish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from saoma.food.model import Line, LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.voiding import void_pieces
from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.money import Money
from saoma.restaurant import sittings
from saoma.restaurant.bill import Bill, forgiven_no_more
from saoma.restaurant.model import Sitting

PAID_ALREADY: Final = (
    "More of this bill is paid, or being paid, than it would come to then. Give money back with a refund instead."
)
GONE: Final = "A dish of this bill is not there any more. Look at the bill again."


@dataclass(frozen=True, slots=True)
class Struck:
    """A line that is struck now; `news` says that it was not before."""

    line: Line
    news: bool


async def strike(
    tx: Transaction, held: Sitting, pieces: Mapping[str, int], by: str, reason: str, key: str, now: datetime
) -> list[Struck]:
    """Strike so many pieces of these dishes of a sitting that is locked. The same `key` strikes them once.

    Raises `Invalid` without a reason, `NotFound` for a dish that is not on this bill, and `Conflict` for one that is
    paid or being paid, and where more would be paid than the bill comes to then."""
    before = await sittings.bill_of(tx, held)
    here = {line.id: line for line in await ordering.lines(tx, held.tab_id)}
    done = []
    for line_id in sorted(pieces):
        line = here.get(line_id)
        if line is None:
            raise NotFound(GONE)
        struck = await void_pieces(tx, line_id, pieces[line_id], by, reason, key)
        known = struck.id in here and struck.id != line_id
        done.append(Struck(struck, line.status is not LineStatus.VOID and not known))
    after = await sittings.bill_of(tx, held)
    await _forgive_no_more(tx, after, before.ordered - after.ordered)
    if (await sittings.reckon(tx, held, now)).beyond > before.beyond:
        raise Conflict(PAID_ALREADY)
    return done


async def _forgive_no_more(tx: Transaction, bill: Bill, fell: Money) -> None:
    for payment_id, part in forgiven_no_more(bill, fell).items():
        await tx.run(
            "UPDATE bill_shares SET surplus_refunded = surplus_refunded + %(part)s WHERE payment_id = %(payment)s",
            {"part": part, "payment": payment_id},
        )
