"""What is taken off the lines of a tab, and why: every discount explains itself and is spread over lines.

A line that a payment holds or has paid keeps the discount it has; `tab_lines.discount` is kept by the database as the
sum of a line's shares, so nothing here ever writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from saoma.food.model import Line, LineStatus, called
from saoma.food.orders.tabs import lines, locked, told
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id
from saoma.kit.money import Money, total

LINE_TAKEN: Final = "“{dish}” is paid or being paid. Its price can't be changed any more."
TOO_MUCH_OFF: Final = "That is more than what is left to take off. Choose a smaller amount."
NOTHING_TO_TAKE_OFF: Final = "There is nothing on this bill that a discount could be taken off."


class Kind(StrEnum):
    """What gave a discount."""

    OFFER = "offer"
    COUPON = "coupon"
    POINTS = "points"
    MANUAL = "manual"


class Discounted(Protocol):
    """What a discount is spread over; `food.model.Line` is one."""

    @property
    def id(self) -> str:
        """The line's id."""

    @property
    def due(self) -> Money:
        """What may still be taken off it."""


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a bill is lower. `shares` says how much of it is taken off which line, in minor units.

    `name` and `why` are what people read ("Happy hour", "20% off noodles until 18:00"); `by` is the person who decided
    it, "" when nobody had to; `source` what gave it (an offer's id)."""

    id: str
    tab_id: str
    kind: Kind
    source: str
    name: str
    name_zh: str
    why: str
    why_zh: str
    by: str
    key: str
    currency: str
    shares: dict[str, int]

    @property
    def amount(self) -> Money:
        """How much it takes off in all; above zero."""
        return Money(sum(self.shares.values()), self.currency)

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return called(self.name, self.name_zh, lang)

    def explained(self, lang: str) -> str:
        """Why, in `lang`; may be empty when the name says it all."""
        return called(self.why, self.why_zh, lang)

    def within(self, line_ids: Iterable[str]) -> Money:
        """How much of it these lines have."""
        return Money(sum(self.shares.get(line_id, 0) for line_id in set(line_ids)), self.currency)


def spread(amount: Money, over: Sequence[Discounted]) -> dict[str, Money]:
    """Shares of `amount` in proportion to what each line still costs, the odd units to the largest remainders.

    No line goes below zero: an amount above what all of them cost is cut to that. Lines that get nothing are left
    out. Raises `Invalid` for an amount below zero."""
    if amount.minor < 0:
        raise Invalid("A discount can't be below zero.")
    open_ones = [line for line in over if line.due.minor > 0]
    most = total((line.due for line in open_ones), amount.currency)
    taken = min(amount, most)
    if not taken:
        return {}
    shares = taken.split([line.due.minor for line in open_ones])
    return {line.id: share for line, share in zip(open_ones, shares, strict=True) if share}


def free(line: Line) -> bool:
    """Whether a discount may still be put on this line or taken off it."""
    return line.status is not LineStatus.VOID and line.paid_by is None


async def put(
    tx: Transaction,
    tab_id: str,
    *,
    kind: Kind,
    shares: Mapping[str, Money],
    name: str,
    key: str,
    name_zh: str = "",
    why: str = "",
    why_zh: str = "",
    by: str = "",
    source: str = "",
) -> Discount:
    """Take `shares` (see `spread`) off the lines of this tab, for one reason.

    `key` is the caller's idempotency key: another call with it answers the discount that is there. Raises `Conflict`
    when a line is paid, being paid, gone or costs less than its share, and for nothing at all. A caller whose bill is
    paid by amounts without dishes asks first that what is left covers it."""
    at = await locked(tx, tab_id)
    for known in await discounts_of(tx, tab_id):
        if known.key == key:
            return known
    if not shares:
        raise Conflict(NOTHING_TO_TAKE_OFF)
    here = {line.id: line for line in await lines(tx, tab_id)}
    for line_id, share in shares.items():
        line = here.get(line_id)
        if line is None or line.status is LineStatus.VOID:
            raise Conflict("A dish of this bill is not there any more. Look at the bill again.")
        if not free(line):
            raise Conflict(LINE_TAKEN, dish=line.name, dish_zh=line.name_zh or line.name)
        if share.minor <= 0 or share > line.due:
            raise Conflict(TOO_MUCH_OFF)
    discount_id = new_id("dsc")
    await tx.run(
        "INSERT INTO tab_discounts (id, tab_id, kind, source, name, name_zh, why, why_zh, by, key)"
        " VALUES (%(id)s, %(tab)s, %(kind)s, %(source)s, %(name)s, %(name_zh)s, %(why)s, %(why_zh)s, %(by)s, %(key)s)",
        {
            "id": discount_id,
            "tab": tab_id,
            "kind": kind.value,
            "source": source,
            "name": name,
            "name_zh": name_zh,
            "why": why,
            "why_zh": why_zh,
            "by": by,
            "key": key,
        },
    )
    await tx.run(
        "INSERT INTO line_discounts (discount_id, line_id, amount)"
        " SELECT %(id)s, line_id, amount FROM unnest(%(lines)s::text[], %(amounts)s::bigint[]) AS s (line_id, amount)",
        {"id": discount_id, "lines": list(shares), "amounts": [share.minor for share in shares.values()]},
    )
    await told(tx, tab_id, "discount")
    return Discount(
        id=discount_id,
        tab_id=tab_id,
        kind=kind,
        source=source,
        name=name,
        name_zh=name_zh,
        why=why,
        why_zh=why_zh,
        by=by,
        key=key,
        currency=at.currency,
        shares={line_id: share.minor for line_id, share in shares.items()},
    )


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A discount as a rule wants it; `key` names the rule on this tab. Shares in minor units, above zero."""

    kind: Kind
    key: str
    source: str
    name: str
    name_zh: str = ""
    why: str = ""
    why_zh: str = ""
    shares: dict[str, int]


async def renew(tx: Transaction, tab_id: str, kinds: Sequence[Kind], wanted: Sequence[Wanted]) -> None:
    """Let the free lines of a tab have exactly the `wanted` discounts of these kinds; other lines keep what they have.

    The tab is locked by the caller, and `wanted` names free lines only."""
    await tx.run(
        "DELETE FROM line_discounts s USING tab_discounts d, tab_lines l WHERE d.id = s.discount_id"
        " AND l.id = s.line_id AND d.tab_id = %(tab)s AND d.kind = ANY(%(kinds)s)"
        " AND l.paid_by IS NULL AND l.status <> 'void'",
        {"tab": tab_id, "kinds": [kind.value for kind in kinds]},
    )
    for one in wanted:
        discount_id = await tx.value(
            "INSERT INTO tab_discounts (id, tab_id, kind, source, name, name_zh, why, why_zh, key)"
            " VALUES (%(id)s, %(tab)s, %(kind)s, %(source)s, %(name)s, %(name_zh)s, %(why)s, %(why_zh)s, %(key)s)"
            " ON CONFLICT (tab_id, key) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh,"
            " why = excluded.why, why_zh = excluded.why_zh RETURNING id",
            {
                "id": new_id("dsc"),
                "tab": tab_id,
                "kind": one.kind.value,
                "source": one.source,
                "name": one.name,
                "name_zh": one.name_zh,
                "why": one.why,
                "why_zh": one.why_zh,
                "key": one.key,
            },
        )
        await tx.run(
            "INSERT INTO line_discounts (discount_id, line_id, amount)"
            " SELECT %(id)s, line_id, amount FROM unnest(%(lines)s::text[], %(amounts)s::bigint[])"
            " AS s (line_id, amount)",
            {"id": discount_id, "lines": list(one.shares), "amounts": list(one.shares.values())},
        )
    await _forget_empty(tx, tab_id)
    await told(tx, tab_id, "discount")


async def take_off(tx: Transaction, tab_id: str, discount_id: str) -> bool:
    """Undo a discount on the lines that are still free; whether anything was undone. Repeats are harmless.

    Lines that are held or paid keep their part of it, and the discount stays on the bill with that part."""
    await locked(tx, tab_id)
    undone = await tx.run(
        "DELETE FROM line_discounts WHERE discount_id = %(discount)s AND line_id IN"
        " (SELECT id FROM tab_lines WHERE tab_id = %(tab)s AND paid_by IS NULL AND status <> 'void')",
        {"discount": discount_id, "tab": tab_id},
    )
    await _forget_empty(tx, tab_id)
    if undone:
        await told(tx, tab_id, "discount")
    return bool(undone)


async def forget_line(tx: Transaction, line: Line) -> None:
    """A line was voided or taken out: what was taken off it is over. The tab is locked."""
    if line.discount:
        await tx.run("DELETE FROM line_discounts WHERE line_id = %(line)s", {"line": line.id})
        await _forget_empty(tx, line.tab_id)


async def shrink_line(tx: Transaction, line: Line, amount: int) -> None:
    """A free line is about to cost `amount` only: its discounts shrink in proportion. Call it before. The tab is
    locked."""
    if not line.discount or amount >= line.amount:
        return
    where = {"line": line.id, "amount": amount, "before": line.amount}
    await tx.run(
        "DELETE FROM line_discounts WHERE line_id = %(line)s"
        " AND div(amount::numeric * %(amount)s, %(before)s::numeric) = 0",
        where,
    )
    await tx.run(
        "UPDATE line_discounts SET amount = div(amount::numeric * %(amount)s, %(before)s::numeric)"
        " WHERE line_id = %(line)s",
        where,
    )
    await _forget_empty(tx, line.tab_id)


async def discounts_of(rows: Rows, tab_id: str) -> list[Discount]:
    """All that is taken off a tab, in the order it was put on."""
    return await rows.rows(
        Discount,
        "SELECT d.id, d.tab_id, d.kind, d.source, d.name, d.name_zh, d.why, d.why_zh, d.by, d.key, t.currency,"
        " jsonb_object_agg(s.line_id, s.amount ORDER BY s.line_id) AS shares"
        " FROM tab_discounts d JOIN tabs t ON t.id = d.tab_id JOIN line_discounts s ON s.discount_id = d.id"
        " JOIN tab_lines l ON l.id = s.line_id AND l.status <> 'void'"
        " WHERE d.tab_id = %(tab)s GROUP BY d.id, t.currency ORDER BY d.created_at, d.id",
        {"tab": tab_id},
    )


async def _forget_empty(tx: Transaction, tab_id: str) -> None:
    await tx.run(
        "DELETE FROM tab_discounts d WHERE tab_id = %(tab)s"
        " AND NOT EXISTS (SELECT FROM line_discounts s WHERE s.discount_id = d.id)",
        {"tab": tab_id},
    )
