"""The rows of offers: read, written, begun, paused and ended.

Whoever decides is written into the audit by the screen; what has begun is not changed any more, only ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.ids import new_id
from saoma.marketing.model import Offer, OfferStatus
from saoma.marketing.words import Names

COLUMNS: Final = ", ".join(Offer.__struct_fields__)
NO_SUCH_OFFER: Final = "There is no such offer here."

_ALLOWED: Final = {
    OfferStatus.RUNNING: {OfferStatus.DRAFT, OfferStatus.PAUSED, OfferStatus.RUNNING},
    OfferStatus.PAUSED: {OfferStatus.RUNNING, OfferStatus.PAUSED},
    OfferStatus.ENDED: {OfferStatus.DRAFT, OfferStatus.RUNNING, OfferStatus.PAUSED, OfferStatus.ENDED},
}


class _Named(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_zh: str


async def running(rows: Rows, store_id: str) -> list[Offer]:
    """The offers of a store that are given now."""
    return await rows.rows(
        Offer,
        f"SELECT {COLUMNS} FROM offers WHERE store_id = %(store)s AND status = 'running'",  # noqa: S608
        {"store": store_id},
    )


async def every(rows: Rows, store_id: str) -> list[Offer]:
    """All offers of a store, the newest first, ended ones last."""
    return await rows.rows(
        Offer,
        f"SELECT {COLUMNS} FROM offers WHERE store_id = %(store)s"  # noqa: S608
        " ORDER BY status = 'ended', made_at DESC, id",
        {"store": store_id},
    )


async def offer_at(rows: Rows, store_id: str, offer_id: str) -> Offer:
    """The offer, if it is this store's. Raises `NotFound`."""
    found = await rows.maybe(
        Offer,
        f"SELECT {COLUMNS} FROM offers WHERE id = %(id)s AND store_id = %(store)s",  # noqa: S608
        {"id": offer_id, "store": store_id},
    )
    if found is None:
        raise NotFound(NO_SUCH_OFFER)
    return found


def _values(offer: Offer) -> dict[str, Any]:
    values = {name: getattr(offer, name) for name in Offer.__struct_fields__}
    values |= {name: list(values[name]) for name in ("sections", "items", "days", "channels")}
    values |= {name: values[name].value for name in ("status", "mechanism", "audience")}
    return values


async def store_offer(tx: Transaction, offer: Offer, now: datetime, by: str = "") -> Offer:
    """Write a new offer (its `id` "" gets one) or change one that was never begun.

    Raises `Conflict` for one that has begun: what people were promised is not changed under them."""
    if offer.id:
        known = await offer_at(tx, offer.store_id, offer.id)
        if known.status is not OfferStatus.DRAFT:
            raise Conflict("This offer has begun already. End it and make a new one.")
        sets = ", ".join(f"{name} = %({name})s" for name in Offer.__struct_fields__ if name not in ("id", "store_id"))
        await tx.run(f"UPDATE offers SET {sets} WHERE id = %(id)s", _values(offer))  # noqa: S608
        return offer
    new = msgspec.structs.replace(offer, id=new_id("ofr"))
    marks = ", ".join(f"%({name})s" for name in Offer.__struct_fields__)
    await tx.run(
        f"INSERT INTO offers ({COLUMNS}, made_by, made_at, begun_at)"  # noqa: S608
        f" VALUES ({marks}, %(by)s, %(now)s, CASE WHEN %(status)s = 'running' THEN %(now)s::timestamptz END)",
        _values(new) | {"by": by, "now": now},
    )
    return new


async def turn(tx: Transaction, store_id: str, offer_id: str, status: OfferStatus, now: datetime) -> Offer:
    """Begin, pause or end an offer. Raises `Conflict` where that can't be; a repeat changes nothing."""
    await tx.run("SELECT FROM offers WHERE id = %(id)s FOR UPDATE", {"id": offer_id})
    known = await offer_at(tx, store_id, offer_id)
    if known.status not in _ALLOWED.get(status, set()):
        raise Conflict("This offer has ended. Make a new one.")
    await tx.run(
        "UPDATE offers SET status = %(status)s,"
        " begun_at = CASE WHEN %(status)s = 'running' THEN coalesce(begun_at, %(now)s) ELSE begun_at END,"
        " ended_at = CASE WHEN %(status)s = 'ended' THEN coalesce(ended_at, %(now)s) END WHERE id = %(id)s",
        {"id": offer_id, "status": status.value, "now": now},
    )
    return msgspec.structs.replace(known, status=status)


async def names_of(rows: Rows, offers: Sequence[Offer]) -> Names:
    """How the menu calls the sections and dishes these offers are for."""
    sections = sorted({one for offer in offers for one in offer.sections})
    items = sorted({one for offer in offers for one in offer.items})
    if not sections and not items:
        return {}
    found = await rows.rows(
        _Named,
        "SELECT id, name, name_zh FROM menu_sections WHERE id = ANY(%(sections)s)"
        " UNION ALL SELECT id, name, name_zh FROM menu_items WHERE id = ANY(%(items)s)",
        {"sections": sections, "items": items},
    )
    return {row.id: (row.name, row.name_zh) for row in found}
