"""Clearing a store that was only for practice: its offers, coupons, points and segments.

Only practice calls it; what a real store promised is kept for good."""

from __future__ import annotations

from typing import Final

from saoma.kit.db import Transaction

_OFFERS: Final = "(SELECT id FROM offers WHERE store_id = %(store)s)"
#: What points at something comes before it.
_ALL: Final = (
    f"DELETE FROM offer_uses WHERE offer_id IN {_OFFERS}",  # noqa: S608
    f"DELETE FROM coupons WHERE offer_id IN {_OFFERS}",  # noqa: S608
    "DELETE FROM offers WHERE store_id = %(store)s",
    "DELETE FROM segments WHERE store_id = %(store)s",
    "DELETE FROM points_moves WHERE earned_id IN (SELECT id FROM points_earned WHERE store_id = %(store)s)",
    "DELETE FROM points_earned WHERE store_id = %(store)s",
    "DELETE FROM points_rules WHERE store_id = %(store)s",
)


async def clear_marketing(tx: Transaction, store_id: str) -> None:
    """Delete every offer of this store and all that was given by it."""
    for statement in _ALL:
        await tx.run(statement, {"store": store_id})
