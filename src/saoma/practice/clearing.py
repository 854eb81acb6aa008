"""What practice leaves behind is cleared every night: lessons that nobody goes on with, and the stores they were in.

What was passed stays, and so do the payments: the book is only ever added to. A store in which a payment still moves,
or moved within a day, waits for another night."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from saoma.delivery.clearing import clear_delivery
from saoma.fastfood.clearing import clear_fastfood
from saoma.kit.db import Database, Transaction
from saoma.online.clearing import clear_online
from saoma.payments.watch import Nightly
from saoma.practice.place import one_by_one
from saoma.restaurant.clearing import clear_restaurant

log = structlog.get_logger(__name__)

#: A lesson that was begun longer ago is over, whether it was finished or not.
WAITS: Final = timedelta(days=7)
#: For so long a store must have been quiet.
_QUIET: Final = timedelta(days=1)
#: People, stores and merchants of one night at most, each in a short transaction of its own; the rest waits.
PART: Final = 500

_OVER: Final = """
SELECT r.staff_id AS id, p.merchant_id FROM practice_runs AS r JOIN staff AS p ON p.id = r.staff_id
WHERE r.began_at < %(over)s ORDER BY r.began_at, r.staff_id LIMIT %(part)s
"""
_END: Final = "DELETE FROM practice_runs WHERE staff_id = %(id)s AND began_at < %(over)s"
_DOUBLE: Final = "DELETE FROM staff WHERE double_of = %(id)s AND starts_with(merchant_id, 'mpr_')"

#: Of a practice merchant, nobody's, and nothing in it can move any more.
_LEFT: Final = """
FROM stores AS s JOIN merchants AS m ON m.id = s.merchant_id
WHERE m.practice_of IS NOT NULL AND starts_with(m.id, 'mpr_')
  AND NOT EXISTS (SELECT FROM staff AS who WHERE who.store_id = s.id)
  AND NOT EXISTS (SELECT FROM practice_runs AS r WHERE r.store_id = s.id)
  AND NOT EXISTS (SELECT FROM payments AS p WHERE p.store_id = s.id
                  AND (p.due_at IS NOT NULL OR p.created_at > %(quiet)s OR EXISTS (
                      SELECT FROM refunds AS b WHERE b.payment_id = p.id
                      AND (b.due_at IS NOT NULL OR b.created_at > %(quiet)s))))
"""
_STORES: Final = f"SELECT s.id, m.practice_of AS merchant_id {_LEFT} ORDER BY s.id LIMIT %(part)s"
_STILL_LEFT: Final = f"SELECT EXISTS (SELECT {_LEFT} AND s.id = %(id)s)"

_EMPTY: Final = """
practice_of IS NOT NULL AND starts_with(id, 'mpr_')
  AND NOT EXISTS (SELECT FROM staff WHERE merchant_id = merchants.id)
  AND NOT EXISTS (SELECT FROM stores WHERE merchant_id = merchants.id)
"""
_MERCHANTS: Final = f"""
SELECT id, practice_of AS merchant_id FROM merchants WHERE {_EMPTY} ORDER BY id LIMIT %(part)s
"""  # noqa: S608
_MERCHANT: Final = f"DELETE FROM merchants WHERE id = %(id)s AND {_EMPTY}"  # noqa: S608


class _Left(msgspec.Struct, frozen=True):
    """Something left behind, and the real merchant whose people practised there."""

    id: str
    merchant_id: str


def nightly(db: Database) -> dict[str, Nightly]:
    """The chore for the watch, by the name of its row."""

    async def clear(now: datetime, _: datetime | None) -> str:
        return await clear_practice(db, now)

    return {"practice": clear}


async def clear_practice(db: Database, now: datetime, part: int = PART) -> str:
    """Clear what nobody practises with any more, at most `part` of a kind; says what it was."""
    given = {"over": now - WAITS, "quiet": now - _QUIET, "part": part}

    async def person(tx: Transaction, left: _Left) -> int:
        ended = await tx.run(_END, given | {"id": left.id})
        if ended:
            await tx.run(_DOUBLE, {"id": left.id})
        return ended

    async def store(tx: Transaction, left: _Left) -> int:
        if not await tx.value(_STILL_LEFT, given | {"id": left.id}):
            return 0
        await clear_delivery(tx, left.id)
        await clear_online(tx, left.id)
        await clear_fastfood(tx, left.id)
        await clear_restaurant(tx, left.id)
        await tx.run("DELETE FROM terminals WHERE store_id = %(id)s", {"id": left.id})
        return await tx.run("DELETE FROM stores WHERE id = %(id)s", {"id": left.id})

    async def merchant(tx: Transaction, left: _Left) -> int:
        return await tx.run(_MERCHANT, {"id": left.id})

    cleared = []
    # In this order: who ends leaves a store, and the last store leaves a merchant.
    for which, clear in ((_OVER, person), (_STORES, store), (_MERCHANTS, merchant)):
        async with db.reading() as rows:
            found = await rows.rows(_Left, which, given)
        count = 0
        for left in found:
            async with db.transaction() as tx:
                await one_by_one(tx, left.merchant_id)
                count += await clear(tx, left)
        cleared.append(count)
    lessons, stores, merchants = cleared
    if not any(cleared):
        return "all is well"
    log.info("practice.cleared", lessons=lessons, stores=stores, merchants=merchants)
    return f"{lessons} lessons, {stores} stores"
