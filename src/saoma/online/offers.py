"""What a store offers ahead: read by its code or its id, changed in the office; and what its kitchen has promised.

`lock` holds the row under which slots are given away: whoever promises one asks `free_slots` again behind it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from saoma.food.kitchen.prep_facts import habits
from saoma.food.model import called
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import NotFound
from saoma.online.effort import Wanted, load_of, prep_time
from saoma.online.model import PROMISED, Hours, Mode, Offer
from saoma.online.slots import LONGEST, Plan, Slot, Taken, slots

NO_SUCH_CODE: Final = "This code is not in use. Ask the shop for its new one."
_LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 12
_OFFER: Final = """
SELECT o.*, s.merchant_id, m.account_id, s.name AS store_name, s.name_zh AS store_name_zh, s.zone,
    m.name AS merchant_name, m.name_zh AS merchant_name_zh, n.currency,
    coalesce((SELECT jsonb_agg(jsonb_build_array(h.weekday, h.opens, h.closes) ORDER BY h.weekday, h.opens)
              FROM online_hours AS h WHERE h.store_id = o.store_id), '[]') AS spans,
    EXISTS (SELECT FROM delivery_zones AS z LEFT JOIN delivery_settings AS d ON d.store_id = z.store_id
            WHERE z.store_id = o.store_id AND NOT z.retired AND coalesce(d.takes, true)) AS brings
FROM online_stores AS o JOIN stores AS s ON s.id = o.store_id JOIN merchants AS m ON m.id = s.merchant_id
JOIN menus AS n ON n.store_id = o.store_id
"""
_DISHES: Final = """
SELECT l.item_id, coalesce(i.station_id, s.station_id, '') AS station_id, sum(l.quantity)::int AS quantity
FROM tab_lines AS l JOIN menu_items AS i ON i.id = l.item_id JOIN menu_sections AS s ON s.id = i.section_id
WHERE l.tab_id = %(tab)s AND l.status = 'basket' GROUP BY 1, 2
"""
_BUSY: Final = """
SELECT coalesce(station_id, '') AS place, sum(quantity)::int AS pieces FROM tab_lines
WHERE store_id = %(store)s AND status IN ('sent', 'cooking') AND hold = '' GROUP BY 1
"""
#: An order whose promise can't be kept waits for a person and is not made, so it takes nothing.
_TAKEN: Final = """
SELECT slot_at, slot_minutes, load FROM online_orders
WHERE store_id = %(store)s AND slot_at >= %(since)s AND status = ANY(%(promised)s) AND trouble = ''
    AND id <> %(besides)s
"""


class _OfferRow(Offer, frozen=True, kw_only=True):
    hours: tuple[Hours, ...] = ()
    spans: list[tuple[int, int, int]] = []
    brings: bool = False


class _DishRow(msgspec.Struct, frozen=True):
    item_id: str
    station_id: str
    quantity: int


class _BusyRow(msgspec.Struct, frozen=True):
    place: str
    pieces: int


class _TakenRow(msgspec.Struct, frozen=True):
    slot_at: datetime
    slot_minutes: int
    load: dict[str, int]


async def offer_of_code(rows: Rows, code: str) -> Offer:
    """What the shop with this public code offers. Raises `NotFound`."""
    return await _offer(rows, "WHERE o.code = %(value)s", code)


async def offer_of_store(rows: Rows, store_id: str) -> Offer:
    """What a store offers. Raises `NotFound` for one that was never set up (`set_up`)."""
    return await _offer(rows, "WHERE o.store_id = %(value)s", store_id)


async def offer_if_any(rows: Rows, store_id: str) -> Offer | None:
    """The same; None for a store that was never set up."""
    known = await rows.value("SELECT 1 FROM online_stores WHERE store_id = %(store)s", {"store": store_id})
    return await offer_of_store(rows, store_id) if known else None


async def lock(tx: Transaction, store_id: str) -> Offer:
    """The same, and nobody else gives a slot of this store away before the transaction ends."""
    await tx.run("SELECT 1 FROM online_stores WHERE store_id = %(store)s FOR UPDATE", {"store": store_id})
    return await offer_of_store(tx, store_id)


async def _offer(rows: Rows, where: str, value: str) -> Offer:
    found = await rows.maybe(_OfferRow, _OFFER + where, {"value": value})
    if found is None:
        raise NotFound(NO_SUCH_CODE)
    fields = {name: getattr(found, name) for name in Offer.__struct_fields__ if name != "hours"}
    # The office says under "Delivery" whether and where it delivers.
    return Offer(**fields | {"bring": found.brings}, hours=tuple(Hours(*span) for span in found.spans))


async def set_up(tx: Transaction, store_id: str) -> Offer:
    """Give a store its code, with nothing switched on; one that has it keeps everything. It must have a menu."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    fresh = await tx.run(
        "INSERT INTO online_stores (store_id, code) VALUES (%(store)s, %(code)s) ON CONFLICT DO NOTHING",
        {"store": store_id, "code": code},
    )
    if fresh:
        await set_hours(tx, store_id, [Hours(day, 11 * 60, 21 * 60) for day in range(7)])
    return await offer_of_store(tx, store_id)


async def set_hours(tx: Transaction, store_id: str, hours: Sequence[Hours]) -> None:
    """The opening hours of the week, replacing those there were."""
    await tx.run("DELETE FROM online_hours WHERE store_id = %(store)s", {"store": store_id})
    for span in hours:
        await tx.run(
            "INSERT INTO online_hours (store_id, weekday, opens, closes)"
            " VALUES (%(store)s, %(weekday)s, %(opens)s, %(closes)s)",
            {"store": store_id, **msgspec.structs.asdict(span)},
        )


async def change(tx: Transaction, store_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of `online_stores`; the names are ours, never a form's."""
    params = {name: json_column(value) if name == "stations" else value for name, value in values.items()}
    sets = ", ".join(f"{name} = %({name})s" for name in params)
    await tx.run(f"UPDATE online_stores SET {sets} WHERE store_id = %(store)s", {**params, "store": store_id})  # noqa: S608
    await tx.tell(f"menu:{store_id}", "menu", {"why": "online"})


def plan_of(offer: Offer) -> Plan:
    """When it promises food and how much."""
    return Plan(
        zone=offer.zone,
        every=timedelta(minutes=offer.every_minutes),
        hours=offer.hours,
        limits=offer.limits,
        lead=timedelta(minutes=offer.lead_minutes),
        days_ahead=offer.days_ahead,
        closed_on=offer.closed_on,
    )


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What one basket asks of the kitchen: `prep` on a quiet day, `soonest` with what it has to make now."""

    prep: timedelta
    soonest: timedelta
    load: dict[str, int]


async def effort(rows: Rows, offer: Offer, tab_id: str) -> Effort:
    """Of the dishes in a tab's basket, by what such dishes took before."""
    found = await rows.rows(_DishRow, _DISHES, {"tab": tab_id})
    dishes = [Wanted(row.item_id, row.station_id, row.quantity) for row in found]
    known = await habits(rows, offer.store_id, [dish.item_id for dish in dishes])
    busy = {row.place: row.pieces for row in await rows.rows(_BusyRow, _BUSY, {"store": offer.store_id})}
    return Effort(
        prep=prep_time(dishes, known),
        soonest=prep_time(dishes, known, busy),
        load=load_of(dishes, known, offer.counts, offer.stations),
    )


async def taken(rows: Rows, store_id: str, since: datetime, besides: str = "") -> list[Taken]:
    """What was promised since `since`, slot by slot, without the order `besides`."""
    found: dict[tuple[datetime, int], dict[str, int]] = {}
    params = {"store": store_id, "since": since, "promised": [each.value for each in PROMISED], "besides": besides}
    for row in await rows.rows(_TakenRow, _TAKEN, params):
        sums = found.setdefault((row.slot_at, row.slot_minutes), {})
        for place, size in row.load.items():
            sums[place] = sums.get(place, 0) + size
    return [Taken(at, at + timedelta(minutes=minutes), sums) for (at, minutes), sums in found.items()]


async def free_slots(rows: Rows, offer: Offer, asks: Effort, now: datetime, besides: str = "") -> list[Slot]:
    """Every time that could be promised for this effort, the full ones marked."""
    # A slot that has begun may overlap one that can still be promised.
    promised = await taken(rows, offer.store_id, now - LONGEST, besides)
    return slots(plan_of(offer), now, asks.soonest, asks.load, promised)


#: Nothing chosen yet: what the page shows before the first dish.
NOTHING: Final = Effort(prep=timedelta(), soonest=timedelta(), load={})
#: The channel of menu and kitchen for each way.
CHANNELS: Final[Mapping[Mode, str]] = {
    Mode.EAT_HERE: "preorder",
    Mode.PICK_UP: "takeaway",
    Mode.BRING: "delivery",
}


def shop_name(offer: Offer, lang: str) -> str:
    """What the shop is called."""
    return called(offer.merchant_name, offer.merchant_name_zh, lang)
