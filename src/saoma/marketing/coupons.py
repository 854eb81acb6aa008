"""Coupon codes: made in batches, each good for one bill.

Whoever enters a code takes its row first: of two phones that enter one code at once, one has it, the other is told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from saoma.food.orders import discounts, tabs
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.marketing import applying
from saoma.marketing.model import Audience, OfferStatus
from saoma.marketing.offers import offer_at
from saoma.marketing.reckoning import in_time, may_be_given, missing, reckon, there

#: Letters and digits that nobody confuses; twelve of them are 58 bits.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 12
MOST_IN_A_BATCH: Final = 10_000

UNKNOWN: Final = "There is no such coupon code. Check the letters and try again."
USED: Final = "This coupon code has been used on another bill already."
ONE_EACH: Final = "This bill has a coupon of this offer already. Keep this one for another time."
OVER: Final = "The offer of this coupon is not running now."
NOT_NOW: Final = "This coupon does not hold at this time."
NOT_HERE: Final = "This coupon does not hold for this kind of order."
NOT_YOURS: Final = "This coupon is for other guests, or you have used it as often as you may."
ORDER_MORE: Final = "Order {amount} more of what this coupon is for, then enter it again."
NOT_FOR_THESE: Final = "This coupon is not for the dishes on this bill, or they are paid already."
BETTER_ALREADY: Final = "This bill has a better offer already that can't go together with this coupon."
NOTHING_LEFT: Final = "Nothing is left of this coupon's offer."


#: An offer is given once on a bill: a second code of it would be used up for nothing.
_ANOTHER: Final = (
    "SELECT code FROM coupons WHERE tab_id = %(tab)s AND offer_id = %(offer)s AND code <> %(code)s LIMIT 1"
)


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """One code. `tab_id` is the bill that has it."""

    code: str
    offer_id: str
    batch: str
    tab_id: str | None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Codes that were made together."""

    batch: str
    made_at: datetime
    codes: int
    entered: int


def tidy(code: str) -> str:
    """A code as it is kept, whatever people put between its letters."""
    return "".join(letter for letter in code.upper() if letter.isalnum())[:32]


def printed(code: str) -> str:
    """A code as people read it: in groups of four."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


async def make_batch(tx: Transaction, store_id: str, offer_id: str, count: int, now: datetime) -> str:
    """Make `count` codes nobody can guess; answers the batch's name. Raises `Invalid` and `Conflict`."""
    offer = await offer_at(tx, store_id, offer_id)
    if not offer.needs_coupon:
        raise Conflict("This offer needs no coupon: everybody gets it.")
    if offer.status is OfferStatus.ENDED:
        raise Conflict("This offer has ended. Make a new one.")
    if not 1 <= count <= MOST_IN_A_BATCH:
        raise Invalid("Make between 1 and {most} codes at once.", most=MOST_IN_A_BATCH)
    batch = new_id("bat")
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(count)]
    await tx.run(
        "INSERT INTO coupons (code, offer_id, batch, made_at)"
        " SELECT code, %(offer)s, %(batch)s, %(now)s FROM unnest(%(codes)s::text[]) AS c (code)",
        {"offer": offer_id, "batch": batch, "now": now, "codes": codes},
    )
    return batch


async def batches(rows: Rows, offer_id: str) -> list[Batch]:
    """The batches of an offer, the newest first."""
    return await rows.rows(
        Batch,
        "SELECT batch, min(made_at) AS made_at, count(*) AS codes, count(tab_id) AS entered FROM coupons"
        " WHERE offer_id = %(offer)s GROUP BY batch ORDER BY made_at DESC, batch",
        {"offer": offer_id},
    )


async def codes(rows: Rows, offer_id: str, batch: str) -> list[Coupon]:
    """The codes of one batch."""
    return await rows.rows(
        Coupon,
        "SELECT code, offer_id, batch, tab_id FROM coupons WHERE offer_id = %(offer)s AND batch = %(batch)s"
        " ORDER BY code",
        {"offer": offer_id, "batch": batch},
    )


async def enter(
    tx: Transaction,
    tab_id: str,
    code: str,
    now: datetime,
    *,
    people: Mapping[str, str] | None = None,
    host: str = "",
    at_least: int = 0,
    meant: datetime | None = None,
) -> Money:
    """Use a code on this bill; answers what its offer takes off. Entered again on the same bill it changes nothing.

    Raises a `Refused` that says why it doesn't fit; then nothing has changed (the caller's transaction is undone)."""
    at = await tabs.locked(tx, tab_id)
    found = await tx.maybe(
        Coupon,
        "SELECT c.code, c.offer_id, c.batch, c.tab_id FROM coupons c JOIN offers o ON o.id = c.offer_id"
        " WHERE c.code = %(code)s AND o.store_id = %(store)s FOR UPDATE OF c",
        {"code": tidy(code), "store": at.store_id},
    )
    if found is None:
        raise NotFound(UNKNOWN)
    if found.tab_id not in (None, tab_id):
        raise Conflict(USED)
    others = {"tab": tab_id, "offer": found.offer_id, "code": found.code}
    if await tx.value(_ANOTHER, others):
        raise Conflict(ONE_EACH)
    await tx.run(
        "UPDATE coupons SET tab_id = %(tab)s, buyer_id = %(buyer)s, entered_at = %(now)s"
        " WHERE code = %(code)s AND tab_id IS NULL",
        {"tab": tab_id, "buyer": host, "now": now, "code": found.code},
    )
    await applying.apply(tx, tab_id, now, people=people, host=host, at_least=at_least, meant=meant)
    given = [one for one in await discounts.discounts_of(tx, tab_id) if one.source == found.offer_id]
    if given:
        return given[0].amount
    offer = await offer_at(tx, at.store_id, found.offer_id)
    seen = await applying.look(tx, at, [offer], now, people or {}, host, at_least, meant)
    if offer.status is not OfferStatus.RUNNING or (offer.ends_at is not None and offer.ends_at <= now):
        raise Conflict(OVER)
    if offer.channels and at.channel not in offer.channels:
        raise Conflict(NOT_HERE)
    if not may_be_given(offer, seen.facts):
        raise Conflict(NOT_YOURS)
    if not in_time(offer, there(meant or now, seen.zone)):
        raise Conflict(NOT_NOW)
    if (short := missing(offer, seen.pieces, seen.facts)) and offer.audience is Audience.EVERYONE:
        raise Conflict(ORDER_MORE, amount=Money(short, at.currency))
    if seen.facts.left.get(offer.id) == 0:
        raise Conflict(NOTHING_LEFT)
    raise Conflict(BETTER_ALREADY if reckon([offer], seen.pieces, seen.facts) else NOT_FOR_THESE)
