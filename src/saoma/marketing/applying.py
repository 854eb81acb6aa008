"""Offers put on a bill: rooms call `apply` in the transaction in which a tab changed, and the bill is right.

The tab is locked first and limited offers after it, always in this order: so two phones at once never give more than a
budget has. Whatever is free is reckoned anew; lines that a payment holds or has paid keep what they have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from saoma.food.model import Line, LineStatus, Tab
from saoma.food.orders import discounts, tabs
from saoma.food.orders.discounts import Discount, Kind, Wanted
from saoma.identity import model as identity
from saoma.kit.db import Rows, Transaction
from saoma.marketing import points, segments
from saoma.marketing.model import Audience, Offer
from saoma.marketing.offers import names_of, running
from saoma.marketing.reckoning import Facts, Granted, Piece, reckon, there
from saoma.marketing.words import why

#: What rules decide; what a person took off by hand and points are left alone.
BY_RULE: Final = (Kind.OFFER, Kind.COUPON)


#: Whether there is anything to do at all: most shops most of the time have no offer.
_ANYTHING: Final = """
SELECT EXISTS (SELECT FROM offers o JOIN tabs t ON t.store_id = o.store_id
        WHERE t.id = %(tab)s AND o.status = 'running')
    OR EXISTS (SELECT FROM tab_discounts WHERE tab_id = %(tab)s)
    OR EXISTS (SELECT FROM points_moves WHERE tab_id = %(tab)s)
"""


#: An offer is given once on a bill: where both had a code of it, one is good for another time, unless it is paid.
_FREE_SECOND: Final = """
UPDATE coupons c SET tab_id = NULL, entered_at = NULL, buyer_id = ''
WHERE c.tab_id = %(from)s AND EXISTS (SELECT FROM coupons o WHERE o.tab_id = %(to)s AND o.offer_id = c.offer_id)
    AND NOT EXISTS (SELECT FROM tab_discounts d JOIN line_discounts s ON s.discount_id = d.id
        JOIN tab_lines l ON l.id = s.line_id
        WHERE d.tab_id IN (%(from)s, %(to)s) AND d.source = c.offer_id AND l.paid_by IS NOT NULL)
"""


class _Used(msgspec.Struct, frozen=True):
    offer_id: str
    amount: int


class _Section(msgspec.Struct, frozen=True):
    id: str
    section_id: str


def held_out(offer: Offer, buyer: str) -> bool:
    """Whether this buyer is one of those who never get the offer, so that it can be measured: always the same."""
    if not buyer or not offer.holdout:
        return False
    mark = hashlib.sha256(f"{offer.id}:{buyer}".encode()).digest()
    return int.from_bytes(mark[:8], "big") % 100 < offer.holdout


async def apply(
    tx: Transaction,
    tab_id: str,
    now: datetime,
    *,
    people: Mapping[str, str] | None = None,
    host: str = "",
    at_least: int = 0,
    meant: datetime | None = None,
) -> None:
    """Let the tab have exactly the discounts that its offers give it now.

    `people` are the buyers behind guest ids, `host` the buyer who opened the bill, `at_least` what the bill must still
    come to because it was paid, or is being paid, without naming dishes; `meant` is when dishes that wait are to be
    had, which is now unless they are ordered ahead. Repeats change nothing."""
    if not await tx.value(_ANYTHING, {"tab": tab_id}):
        return
    at = await tabs.locked(tx, tab_id)
    await points.return_unused(tx, tab_id, now)
    offers = await running(tx, at.store_id)
    on_it = [one for one in await discounts.discounts_of(tx, tab_id) if one.kind in BY_RULE] if not offers else None
    if not offers and not on_it:
        return
    limited = sorted(offer.id for offer in offers if offer.limited)
    if limited:
        await tx.run("SELECT FROM offers WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE", {"ids": limited})
    seen = await look(tx, at, offers, now, people or {}, host, at_least, meant)
    granted = reckon(offers, seen.pieces, seen.facts)
    if not _same(seen, granted):
        await _write(tx, at, seen, granted)
    await _count(tx, at, seen, granted, now)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What `reckon` is asked about one bill."""

    pieces: list[Piece]
    facts: Facts
    discounts: list[Discount]
    zone: str


async def look(
    rows: Rows,
    at: Tab,
    offers: Sequence[Offer],
    now: datetime,
    people: Mapping[str, str],
    host: str,
    at_least: int,
    meant: datetime | None = None,
) -> Seen:
    """Read the bill and all that is known about who has it."""
    zone = (await identity.store(rows, at.store_id)).zone
    every = await tabs.lines(rows, at.id)
    sent = [line for line in every if line.ordered]
    counted = sent or [line for line in every if line.status is LineStatus.BASKET]
    on_it = await discounts.discounts_of(rows, at.id)
    sections = {
        row.id: row.section_id
        for row in await rows.rows(
            _Section,
            "SELECT id, section_id FROM menu_items WHERE id = ANY(%(items)s)",
            {"items": sorted({line.item_id for line in counted})},
        )
    }
    buyers = sorted({people[line.guest_id] for line in counted if people.get(line.guest_id)} | ({host} - {""}))
    pieces = [_piece(line, on_it, sections, people, meant or now, zone) for line in counted]
    coupons = await rows.rows(_Used, "SELECT offer_id, 0 AS amount FROM coupons WHERE tab_id = %(tab)s", {"tab": at.id})
    facts = Facts(
        channel=at.channel,
        currency=at.currency,
        host=host,
        newcomers=await segments.newcomers(rows, at.store_id, buyers, at.opened_at)
        if any(offer.audience is Audience.FIRST_ORDER for offer in offers)
        else frozenset(),
        members=await _members(rows, offers, buyers, now),
        left=await _left(rows, at, offers, there(now, zone)),
        used=await _times(rows, at, offers, host),
        coupons=frozenset(row.offer_id for row in coupons),
        held_out=frozenset(
            (offer.id, buyer) for offer in offers for buyer in {*buyers, host} if held_out(offer, buyer)
        ),
        at_least=at_least,
    )
    return Seen(pieces=pieces, facts=facts, discounts=on_it, zone=zone)


def _piece(
    line: Line,
    on_it: Sequence[Discount],
    sections: Mapping[str, str],
    people: Mapping[str, str],
    now: datetime,
    zone: str,
) -> Piece:
    by_hand = sum(one.shares.get(line.id, 0) for one in on_it if one.kind is Kind.MANUAL)
    has: dict[str, int] = {}
    for one in on_it:
        if one.kind in BY_RULE and line.id in one.shares:
            has[one.source] = has.get(one.source, 0) + one.shares[line.id]
    return Piece(
        id=line.id,
        item_id=line.item_id,
        section_id=sections.get(line.item_id, ""),
        unit=line.unit_amount,
        quantity=line.quantity,
        cost=line.amount - by_hand,
        spent=sum(one.shares.get(line.id, 0) for one in on_it if one.kind is Kind.POINTS),
        at=there(line.sent_at or now, zone),
        buyer=people.get(line.guest_id, ""),
        frozen=not discounts.free(line),
        has=has,
    )


async def _members(
    rows: Rows, offers: Sequence[Offer], buyers: Sequence[str], now: datetime
) -> dict[str, frozenset[str]]:
    wanted = {offer.segment_id for offer in offers if offer.audience is Audience.SEGMENT and offer.segment_id}
    if not wanted or not buyers:
        return {}
    known = await segments.segments(rows, offers[0].store_id)
    return {one.id: await segments.members(rows, one, now, buyers) for one in known if one.id in wanted}


async def _left(rows: Rows, at: Tab, offers: Sequence[Offer], here: datetime) -> dict[str, int]:
    """What each budget still has for this bill: what the bill itself has of it counts as free."""
    left: dict[str, int] = {}
    for offer in offers:
        given = {"offer": offer.id, "tab": at.id, "day": here.date()}
        if offer.budget:
            used = await rows.value(
                "SELECT coalesce(sum(amount), 0)::bigint FROM offer_uses WHERE offer_id = %(offer)s"
                " AND tab_id <> %(tab)s",
                given,
            )
            left[offer.id] = max(0, offer.budget - int(used))
        if offer.budget_daily:
            used = await rows.value(
                "SELECT coalesce(sum(amount), 0)::bigint FROM offer_uses WHERE offer_id = %(offer)s"
                " AND tab_id <> %(tab)s AND day = coalesce((SELECT day FROM offer_uses"
                " WHERE offer_id = %(offer)s AND tab_id = %(tab)s), %(day)s)",
                given,
            )
            today = max(0, offer.budget_daily - int(used))
            left[offer.id] = min(left.get(offer.id, today), today)
    return left


async def _times(rows: Rows, at: Tab, offers: Sequence[Offer], host: str) -> dict[str, int]:
    wanted = [offer.id for offer in offers if offer.most_uses_each]
    if not wanted or not host:
        return {}
    found = await rows.rows(
        _Used,
        "SELECT offer_id, count(*) AS amount FROM offer_uses WHERE offer_id = ANY(%(offers)s)"
        " AND buyer_id = %(buyer)s AND tab_id <> %(tab)s GROUP BY offer_id",
        {"offers": wanted, "buyer": host, "tab": at.id},
    )
    return {row.offer_id: row.amount for row in found}


def _same(seen: Seen, granted: Sequence[Granted]) -> bool:
    """Whether the free lines have exactly this already."""
    free = {piece.id for piece in seen.pieces if not piece.frozen}
    has: dict[str, dict[str, int]] = {}
    for one in seen.discounts:
        if one.kind in BY_RULE:  # an offer that two bills had before they were put together is there twice
            of_offer = has.setdefault(one.source, {})
            for line, share in one.shares.items():
                if line in free:
                    of_offer[line] = of_offer.get(line, 0) + share
    return {offer: shares for offer, shares in has.items() if shares} == {
        each.offer.id: dict(each.shares) for each in granted
    }


async def _write(tx: Transaction, at: Tab, seen: Seen, granted: Sequence[Granted]) -> None:
    names = await names_of(tx, [each.offer for each in granted])
    await discounts.renew(
        tx,
        at.id,
        BY_RULE,
        [
            Wanted(
                kind=Kind.COUPON if each.offer.needs_coupon else Kind.OFFER,
                key=f"offer:{each.offer.id}",
                source=each.offer.id,
                name=each.offer.name,
                name_zh=each.offer.name_zh,
                why=why(each.offer, at.currency, names, "en", cut=each.cut),
                why_zh=why(each.offer, at.currency, names, "zh", cut=each.cut),
                shares=dict(each.shares),
            )
            for each in granted
        ],
    )


async def _count(tx: Transaction, at: Tab, seen: Seen, granted: Sequence[Granted], now: datetime) -> None:
    """What this bill has of each offer, for budgets and for what the office shows."""
    amounts: dict[str, int] = {}
    for piece in seen.pieces:
        if piece.frozen:
            for offer, amount in piece.has.items():
                amounts[offer] = amounts.get(offer, 0) + amount
    for each in granted:
        amounts[each.offer.id] = amounts.get(each.offer.id, 0) + each.amount
    await tx.run(
        "DELETE FROM offer_uses WHERE tab_id = %(tab)s AND offer_id <> ALL(%(kept)s)",
        {"tab": at.id, "kept": [offer for offer, amount in amounts.items() if amount]},
    )
    for offer, amount in amounts.items():
        if amount:
            await tx.run(
                "INSERT INTO offer_uses (offer_id, tab_id, buyer_id, day, amount, at)"
                " VALUES (%(offer)s, %(tab)s, %(buyer)s, %(day)s, %(amount)s, %(now)s)"
                " ON CONFLICT (offer_id, tab_id) DO UPDATE SET amount = excluded.amount,"
                " buyer_id = CASE WHEN excluded.buyer_id = '' THEN offer_uses.buyer_id ELSE excluded.buyer_id END",
                {
                    "offer": offer,
                    "tab": at.id,
                    "buyer": seen.facts.host,
                    "day": there(now, seen.zone).date(),
                    "amount": amount,
                    "now": now,
                },
            )


async def put_together(tx: Transaction, source: str, target: str) -> None:
    """The dishes and discounts of `source` went to `target`: so do its coupons, its points, and what budgets gave it.

    Both tabs are locked; `apply` on the target then counts what that bill has of each offer."""
    given = {"from": source, "to": target}
    await tx.run(_FREE_SECOND, given)
    await tx.run("UPDATE coupons SET tab_id = %(to)s WHERE tab_id = %(from)s", given)
    await tx.run("UPDATE points_moves SET tab_id = %(to)s WHERE tab_id = %(from)s", given)
    await tx.run(
        "INSERT INTO offer_uses AS u (offer_id, tab_id, buyer_id, day, amount, at)"
        " SELECT offer_id, %(to)s, buyer_id, day, amount, at FROM offer_uses WHERE tab_id = %(from)s"
        " ON CONFLICT (offer_id, tab_id) DO UPDATE SET amount = u.amount + excluded.amount",
        given,
    )
    await tx.run("DELETE FROM offer_uses WHERE tab_id = %(from)s", given)


async def let_go(tx: Transaction, tab_id: str, now: datetime) -> None:
    """A bill was given up: its offers' budgets, coupon codes and points are free again. Close the tab first."""
    await tabs.locked(tx, tab_id)
    unpaid = "NOT EXISTS (SELECT FROM tab_lines WHERE tab_id = %(tab)s AND status NOT IN ('basket', 'void'))"
    given = {"tab": tab_id}
    await tx.run(f"DELETE FROM offer_uses WHERE tab_id = %(tab)s AND {unpaid}", given)  # noqa: S608
    await tx.run(
        "UPDATE coupons SET tab_id = NULL, entered_at = NULL, buyer_id = ''"  # noqa: S608
        f" WHERE tab_id = %(tab)s AND {unpaid}",
        given,
    )
    await points.return_unused(tx, tab_id, now)
