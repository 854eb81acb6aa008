"""An offer tried on a basket before anybody gets it: the same arithmetic as on a bill. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import msgspec

from saoma.food.model import Menu
from saoma.kit.money import Money
from saoma.marketing.model import Offer
from saoma.marketing.reckoning import Facts, Piece, in_time, missing, reckon

_YOU = "you"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the basket costs without and with the offer. `short` is what is missing until it gives anything; `at` is
    the moment that was tried, None when it never holds."""

    without: Money
    off: Money
    short: Money
    at: datetime | None

    @property
    def left(self) -> Money:
        """What is to be paid."""
        return self.without - self.off


def next_time(offer: Offer, now: datetime) -> datetime | None:
    """The first moment from now on when the offer holds, by the store's clock; None in the next year."""
    for day in range(366):
        at = now + timedelta(days=day)
        for clock in ([now.timetz()] if not day else []) + [(offer.from_time or time()).replace(tzinfo=now.tzinfo)]:
            moment = datetime.combine(at.date(), clock)
            if moment >= now and in_time(offer, moment):
                return moment
    return None


def tried(offer: Offer, quantities: Mapping[str, int], menu: Menu, now: datetime) -> Tried:
    """What this offer takes off these dishes (item id to how many) for somebody who may have it."""
    at = next_time(offer, now)
    offer = msgspec.structs.replace(offer, id="tried", needs_coupon=False, holdout=0)
    pieces = [
        Piece(
            id=item.id,
            item_id=item.id,
            section_id=section.id,
            unit=item.price,
            quantity=quantities[item.id],
            cost=item.price * quantities[item.id],
            at=at or now,
            buyer=_YOU,
        )
        for section in menu.sections
        for item in section.items
        if quantities.get(item.id)
    ]
    facts = Facts(
        channel=offer.channels[0] if offer.channels else "table",
        currency=menu.currency,
        host=_YOU,
        newcomers=frozenset({_YOU}),
        members={offer.segment_id or "": frozenset({_YOU})},
    )
    granted = reckon([offer], pieces, facts) if at is not None else []
    return Tried(
        Money(sum(piece.cost for piece in pieces), menu.currency),
        Money(sum(each.amount for each in granted), menu.currency),
        Money(missing(offer, pieces, facts) if pieces else 0, menu.currency),
        at,
    )
