"""What a shop's owner decides about its tables: what a phone must show before it may order, and which tips are offered.

A shop that has said nothing is open, as a printed code has always been: whoever scans may order."""

from __future__ import annotations

from datetime import datetime

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.restaurant.model import Strength
from saoma.restaurant.tips import USUAL


class DiningRules(msgspec.Struct, frozen=True):
    """The rules of one store."""

    strength: Strength = Strength.OPEN
    tips: list[int] = msgspec.field(default_factory=lambda: list(USUAL))


async def rules_of(rows: Rows, store_id: str) -> DiningRules:
    """A store's rules, or the usual ones."""
    found = await rows.maybe(
        DiningRules, "SELECT strength, tips FROM dining_rules WHERE store_id = %(id)s", {"id": store_id}
    )
    return found or DiningRules()


async def set_rules(tx: Transaction, store_id: str, rules: DiningRules, now: datetime) -> None:
    """Change a store's rules; they hold from the next press of every phone on."""
    await tx.run(
        "INSERT INTO dining_rules (store_id, strength, tips, changed_at)"
        " VALUES (%(store)s, %(strength)s, %(tips)s, %(now)s) ON CONFLICT (store_id) DO UPDATE"
        " SET strength = excluded.strength, tips = excluded.tips, changed_at = excluded.changed_at",
        {"store": store_id, "strength": rules.strength.value, "tips": rules.tips, "now": now},
    )
