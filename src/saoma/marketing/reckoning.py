"""Which offers a basket gets and how much they take off which line: exact to the minor unit. Pure.

The order in which offers are handed in never matters: they are reckoned by priority, and of the combinations that the
stacking rules allow the one that is best for the customer is given. A frozen line counts, and keeps what it has."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from saoma.kit.money import Money
from saoma.marketing.model import Audience, Mechanism, Offer

#: So many combinations of offers are looked at; more than any shop that wants to be understood has.
MOST_COMBINATIONS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One line of a basket. `cost` is its price less what staff took off; `spent` are points already spent on it.

    `at` is when it was ordered, by the store's clock: a dish of the happy hour stays one. A `frozen` line is held or
    paid by a payment: `has` says what offers took off it, and nobody changes that."""

    id: str
    item_id: str
    section_id: str
    unit: int
    quantity: int
    cost: int
    at: datetime
    spent: int = 0
    buyer: str = ""
    frozen: bool = False
    has: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a bill besides its dishes.

    `host` is the buyer who opened it: public offers are held out by host, personal ones by who ordered the dish.
    `newcomers` never paid here; `members` has the segment's buyers among those at the table; `left` is what remains of
    offers with a budget; `used` how often this host had an offer on other bills; `coupons` the offers whose code was
    entered. `at_least` is what the bill must still come to: money that was paid or is being paid without dishes."""

    channel: str
    currency: str
    host: str = ""
    newcomers: frozenset[str] = frozenset()
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    coupons: frozenset[str] = frozenset()
    held_out: frozenset[tuple[str, str]] = frozenset()
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Granted:
    """What one offer takes off which lines. `cut` when its budget did not reach for all of it."""

    offer: Offer
    shares: Mapping[str, int]
    cut: bool = False

    @property
    def amount(self) -> int:
        """How much in all."""
        return sum(self.shares.values())


def in_time(offer: Offer, at: datetime) -> bool:
    """Whether the offer holds at this moment; `at` is by the store's clock."""
    if offer.starts_at is not None and at < offer.starts_at:
        return False
    if offer.ends_at is not None and at >= offer.ends_at:
        return False
    day, clock = at.weekday(), at.time()
    begins, ends = offer.from_time, offer.until_time
    if begins is not None and ends is not None and ends <= begins and clock < ends:
        day = (at - timedelta(days=1)).weekday()
    elif begins is not None and ends is not None and ends <= begins:
        if clock < begins:
            return False
    elif (begins is not None and clock < begins) or (ends is not None and clock >= ends):
        return False
    return not offer.days or day in offer.days


def is_for(offer: Offer, piece: Piece, facts: Facts) -> bool:
    """Whether this line is one the offer is about."""
    if (offer.sections or offer.items) and piece.section_id not in offer.sections and piece.item_id not in offer.items:
        return False
    match offer.audience:
        case Audience.EVERYONE:
            who = facts.host
        case Audience.FIRST_ORDER:
            who = piece.buyer
            if who not in facts.newcomers:
                return False
        case Audience.SEGMENT:
            who = piece.buyer
            if who not in facts.members.get(offer.segment_id or "", frozenset()):
                return False
        case _:
            assert_never(offer.audience)
    if not offer.needs_coupon and (offer.id, who) in facts.held_out:
        return False
    return in_time(offer, piece.at)


def may_be_given(offer: Offer, facts: Facts) -> bool:
    """Whether anything but the dishes speaks against it: channel, coupon, how often this buyer had it."""
    if offer.channels and facts.channel not in offer.channels:
        return False
    if offer.needs_coupon and offer.id not in facts.coupons:
        return False
    return not (offer.most_uses_each and facts.used.get(offer.id, 0) >= offer.most_uses_each)


def _wanted(offer: Offer, mine: Sequence[Piece], value: Mapping[str, int]) -> int:
    """What the offer gives on these lines in all, whatever frozen ones already have of it."""
    match offer.mechanism:
        case Mechanism.PERCENT:
            of = sum(value[piece.id] for piece in mine if not piece.frozen)
            return (of * offer.percent * 2 + 100) // 200
        case Mechanism.AMOUNT:
            return offer.amount
        case Mechanism.SPEND_SAVE:
            return offer.amount if sum(piece.cost for piece in mine) >= offer.threshold else 0
        case Mechanism.BUY_GET:
            units = sorted(itertools.chain.from_iterable([piece.unit] * piece.quantity for piece in mine))
            return sum(units[: len(units) // (offer.buy + 1)])
        case _:
            assert_never(offer.mechanism)


def _shared(offer: Offer, want: int, mine: Sequence[Piece], room: Mapping[str, int], currency: str) -> dict[str, int]:
    """`want` over the lines that are open, none below zero: in proportion, or from the cheapest dish on."""
    takers = [piece for piece in mine if not piece.frozen and room[piece.id] > 0]
    want = min(want, sum(room[piece.id] for piece in takers))
    if want <= 0:
        return {}
    shares: dict[str, int] = {}
    if offer.mechanism is Mechanism.BUY_GET:
        for piece in sorted(takers, key=lambda piece: (piece.unit, piece.id)):
            shares[piece.id] = min(want, room[piece.id])
            want -= shares[piece.id]
    else:
        by_id = sorted(takers, key=lambda piece: piece.id)
        parts = Money(want, currency).split([room[piece.id] for piece in by_id])
        shares = {piece.id: part.minor for piece, part in zip(by_id, parts, strict=True)}
    return {line: share for line, share in shares.items() if share}


def _together(offers: Sequence[Offer], pieces: Sequence[Piece], facts: Facts) -> list[Granted]:
    """These offers one after the other, each on what the earlier ones left."""
    value = {piece.id: piece.cost for piece in pieces}
    room = {piece.id: max(0, piece.cost - piece.spent) for piece in pieces}
    kept = sum(piece.cost - piece.spent - sum(piece.has.values()) for piece in pieces if piece.frozen)
    may_go = max(0, kept + sum(room[piece.id] for piece in pieces if not piece.frozen) - facts.at_least)
    granted = []
    for offer in offers:
        mine = [piece for piece in pieces if is_for(offer, piece, facts)]
        had = sum(piece.has.get(offer.id, 0) for piece in pieces if piece.frozen)
        want = _wanted(offer, mine, value) - (0 if offer.mechanism is Mechanism.PERCENT else had)
        if offer.most_per_bill:
            want = min(want, offer.most_per_bill - had)
        budget = facts.left.get(offer.id)
        allowed = want if budget is None else min(want, budget - had)
        shares = _shared(offer, min(allowed, may_go), mine, room, facts.currency)
        if not shares:
            continue
        for line, share in shares.items():
            room[line] -= share
            value[line] -= share
        may_go -= sum(shares.values())
        granted.append(Granted(offer, shares, cut=allowed < want))
    return granted


def _combinations(offers: Sequence[Offer], frozen: frozenset[str]) -> Iterable[tuple[Offer, ...]]:
    """The sets of offers that the stacking rules allow, each in the order it is reckoned in.

    What frozen lines have of an offer binds the rest of the bill: it counts as chosen already."""
    bound = [offer for offer in offers if offer.id in frozen]
    groups: dict[str, list[Offer | None]] = {}
    alone = []
    for offer in offers:
        if offer.exclusive:
            if all(other.id == offer.id for other in bound):
                alone.append((offer,))
        elif offer.stack_group:
            groups.setdefault(offer.stack_group, [None]).append(offer)
        else:
            groups[f"={offer.id}"] = [offer]
    if any(offer.exclusive for offer in bound):
        return alone
    for offer in bound:
        if offer.stack_group:
            groups[offer.stack_group] = [offer]
    sets = itertools.islice(itertools.product(*groups.values()), MOST_COMBINATIONS)
    order = {offer.id: place for place, offer in enumerate(offers)}
    together = [
        tuple(sorted((offer for offer in one if offer is not None), key=lambda offer: order[offer.id])) for one in sets
    ]
    return [*together, *alone]


def reckon(offers: Iterable[Offer], pieces: Sequence[Piece], facts: Facts) -> list[Granted]:
    """What is taken off this basket, best for the customer within the rules; each offer at most once.

    Never more than a line or the bill costs. The answer does not depend on the order of `offers` or `pieces`."""
    given = sorted(
        (offer for offer in offers if may_be_given(offer, facts)), key=lambda offer: (-offer.priority, offer.id)
    )
    lines = sorted(pieces, key=lambda piece: piece.id)
    frozen = frozenset(offer for piece in lines if piece.frozen for offer, amount in piece.has.items() if amount)
    best: list[Granted] = []
    most = 0
    for one in _combinations(given, frozen):
        granted = _together(one, lines, facts)
        amount = sum(each.amount for each in granted)
        if amount > most or (amount == most and amount and len(granted) < len(best)):
            best, most = granted, amount
    return best


def missing(offer: Offer, pieces: Sequence[Piece], facts: Facts) -> int:
    """How much more must be ordered of what the offer is for before it gives anything; 0 when that isn't the reason."""
    if offer.mechanism is not Mechanism.SPEND_SAVE:
        return 0
    so_far = sum(piece.cost for piece in pieces if is_for(offer, piece, facts))
    return max(0, offer.threshold - so_far)


def there(moment: datetime, zone: str) -> datetime:
    """A moment by the clock on the store's wall."""
    return moment.astimezone(ZoneInfo(zone))
