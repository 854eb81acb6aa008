"""Offers on an order made ahead: they count for the moment the food is for, not for the moment somebody presses.

A happy hour in the afternoon is for who eats in the afternoon, whenever they order."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from saoma.kit.db import Transaction
from saoma.marketing import applying
from saoma.online.model import OnlineOrder


class Told(TypedDict):
    """What `marketing.applying.apply` is told about an order made ahead."""

    people: dict[str, str]
    host: str
    meant: datetime | None


def told(of: OnlineOrder, meant: datetime | None, buyer: str = "") -> Told:
    """Who orders (`buyer` is who holds the phone, "" outside the wallet), and for when. Pure."""
    who = buyer or of.buyer_id
    return Told(people={of.id: who} if who else {}, host=who, meant=meant)


async def renew(tx: Transaction, of: OnlineOrder, now: datetime, meant: datetime | None, buyer: str = "") -> None:
    """Let the basket have exactly what its offers give it. The order is locked and may change."""
    await applying.apply(tx, of.tab_id, now, **told(of, meant, buyer))
