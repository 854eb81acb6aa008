"""Sittings: who is at a table, from the first scan until the bill is done.

A table has one open sitting and everyone who scans joins it; a stranger who scans after the bill was paid is the next
party, not a late friend."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from saoma.delivery.running import on_its_way
from saoma.food.kitchen.prep_facts import ready_about
from saoma.food.model import Line, LineStatus, TabStatus
from saoma.food.orders import ordering
from saoma.food.orders.discounts import Discount, discounts_of
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.marketing import applying
from saoma.restaurant import offers
from saoma.restaurant.bill import Bill, Dish, Share, ShareState
from saoma.restaurant.model import Guest, Place, ShareRow, Sitting, Strength
from saoma.restaurant.tables import next_party, place

#: A paid table keeps its page this long for receipts and last looks, then it is free.
LINGERS: Final = timedelta(minutes=20)
#: A table where nothing was ordered is forgotten after this long without anybody joining or ordering.
FORGOTTEN_AFTER: Final = timedelta(hours=2)

LONGEST_NAME: Final = 20
SITTING_OVER: Final = "This bill is closed. Scan the code on the table to begin a new one."
#: So many phones nobody let in may be at one table; whoever has its code or word comes in all the same.
MOST_OUTSIDE: Final = 20
TOO_MANY: Final = "No table has this many seats."
NOT_AT_THIS_TABLE: Final = "You are not at this table. Scan the code on the table to join it."

_SITTING: Final = (
    "id, table_id, store_id, tab_id, currency, status, opened_at, covered_at, closed_at, split_ways, merged_into,"
    " bill_asked_at"
)
_GUEST: Final = "id, sitting_id, seat, buyer_id, name, admitted_at, knocked_at, turned_away_at"
_OUTSIDE: Final = "SELECT count(*) FROM guests WHERE sitting_id = %(id)s AND admitted_at IS NULL"
_SHARE: Final = (
    "payment_id, sitting_id, guest_id, choice, lines, amount, currency, refunded, state, held_at, settled_at,"
    " tip, tip_refunded, surplus_refunded, dishes_refunded"
)


@dataclass(frozen=True, slots=True)
class Meal:
    """Everything the screens show about one sitting, read together: people, dishes, bill."""

    sitting: Sitting
    guests: tuple[Guest, ...]
    lines: tuple[Line, ...]
    shares: tuple[ShareRow, ...]
    #: When the last dish that is being made will be ready; None as long as that would be a guess.
    ready_about: datetime | None = None
    #: What is taken off the dishes, and why.
    discounts: tuple[Discount, ...] = ()
    #: The dishes that a runner carries to this table now.
    carried: frozenset[str] = frozenset()

    @property
    def bill(self) -> Bill:
        """The bill of what was sent."""
        return bill_from(self.sitting.currency, self.lines, self.shares)

    @property
    def basket(self) -> tuple[Line, ...]:
        """What waits to be sent."""
        return tuple(line for line in self.lines if line.status is LineStatus.BASKET)

    @property
    def ordered(self) -> tuple[Line, ...]:
        """What was sent and not voided."""
        return tuple(line for line in self.lines if line.ordered)

    def guest(self, guest_id: str | None) -> Guest | None:
        """The guest with this id, None for staff and strangers."""
        return next((guest for guest in self.guests if guest.id == guest_id), None)


def bill_from(currency: str, lines: tuple[Line, ...] | list[Line], shares: tuple[ShareRow, ...]) -> Bill:
    """The bill that lines and shares make together."""
    dishes = tuple(Dish(line.id, line.guest_id or None, line.due, line.discount > 0) for line in lines if line.ordered)
    taken = tuple(
        Share(
            row.payment_id,
            row.money,
            ShareState(row.state),
            frozenset(row.lines),
            row.guest_id,
            row.refunded,
            row.tip,
            row.tip_refunded,
            even=row.choice == "even",
            surplus_refunded=row.surplus_refunded,
            dishes_refunded=row.dishes_refunded,
        )
        for row in shares
    )
    return Bill(currency, dishes, taken)


def tidy_name(nickname: str) -> str:
    """A nickname fit to be shown: one line, no control characters. Raises `Invalid` when it is too long."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in nickname).split())
    if len(name) > LONGEST_NAME:
        raise Invalid("Choose a name of up to 20 characters.")
    return name


# -- asking ----------------------------------------------------------------------------------------------------------


async def sitting(rows: Rows, sitting_id: str) -> Sitting:
    """The sitting. Raises `NotFound`."""
    return await rows.one(
        Sitting,
        f"SELECT {_SITTING} FROM sittings WHERE id = %(id)s",  # noqa: S608 - constant columns
        {"id": sitting_id},
    )


async def lock(tx: Transaction, sitting_id: str) -> Sitting:
    """The sitting, locked until the transaction ends: whoever touches the bill comes one after the other."""
    return await tx.one(
        Sitting,
        f"SELECT {_SITTING} FROM sittings WHERE id = %(id)s FOR UPDATE",  # noqa: S608 - constant columns
        {"id": sitting_id},
    )


async def guests(rows: Rows, sitting_id: str) -> list[Guest]:
    """Who is at the table, in the order they joined."""
    return await rows.rows(
        Guest,
        f"SELECT {_GUEST} FROM guests WHERE sitting_id = %(id)s ORDER BY seat",  # noqa: S608 - constant columns
        {"id": sitting_id},
    )


async def shares(rows: Rows, sitting_id: str) -> list[ShareRow]:
    """The parts of the bill that payments took, oldest first."""
    return await rows.rows(
        ShareRow,
        f"SELECT {_SHARE} FROM bill_shares WHERE sitting_id = %(id)s ORDER BY held_at, payment_id",  # noqa: S608
        {"id": sitting_id},
    )


async def meal(rows: Rows, sitting: Sitting) -> Meal:
    """The whole sitting, in three questions; one more while the kitchen makes something, while something stands ready,
    and for discounts."""
    lines = tuple(await ordering.lines(rows, sitting.tab_id))
    made = any(line.status in (LineStatus.SENT, LineStatus.COOKING) and not line.hold for line in lines)
    return Meal(
        sitting,
        tuple(await guests(rows, sitting.id)),
        lines,
        tuple(await shares(rows, sitting.id)),
        await ready_about(rows, sitting.store_id, sitting.tab_id) if made else None,
        tuple(await discounts_of(rows, sitting.tab_id)) if any(line.discount for line in lines) else (),
        await on_its_way(rows, sitting.tab_id)
        if any(line.status is LineStatus.READY for line in lines)
        else frozenset(),
    )


async def people(rows: Rows, sitting: Sitting) -> Meal:
    """Who sits there, in one question: the meal without dishes and shares."""
    return Meal(sitting, tuple(await guests(rows, sitting.id)), (), ())


async def bill_of(rows: Rows, sitting: Sitting) -> Bill:
    """The bill as it stands."""
    lines = await ordering.lines(rows, sitting.tab_id)
    return bill_from(sitting.currency, lines, tuple(await shares(rows, sitting.id)))


# -- sitting down ----------------------------------------------------------------------------------------------------


async def join(
    tx: Transaction,
    table_code: str,
    buyer_id: str | None,
    nickname: str,
    now: datetime,
    guest_id: str | None = None,
    proof: int | None = None,
) -> tuple[Sitting, Guest]:
    """Sit down at a table: the open sitting, or a new one, and who you are in it.

    `guest_id` is what the phone remembers of an earlier scan, `proof` the turn of the table that a code or word proved:
    with that of now (or where the shop asks for none) the guest is let in at once. Raises `NotFound` for a code that
    is not in use and `Invalid` for a nickname that is too long."""
    name = tidy_name(nickname)
    await tx.run("SELECT 1 FROM dining_tables WHERE code = %(code)s FOR UPDATE", {"code": table_code})
    here = await place(tx, table_code)
    open_sitting = here.sitting
    admitted = "open" if here.strength is Strength.OPEN else "code" if proof == here.turn else ""
    if open_sitting is not None:
        known = await _known(tx, open_sitting, buyer_id, guest_id)
        if known is not None:
            return open_sitting, await _refresh(tx, known, buyer_id, name, now if admitted == "code" else None)
        if open_sitting.covered_at is not None and not await _still_choosing(tx, open_sitting):
            await close(tx, open_sitting.id, now, by="next party")
            open_sitting = None
    if open_sitting is None:
        open_sitting = await _open(tx, here, now)
    if not admitted and int(await tx.value(_OUTSIDE, {"id": open_sitting.id})) >= MOST_OUTSIDE:
        raise Conflict(TOO_MANY)
    guest = await tx.one(
        Guest,
        "INSERT INTO guests (id, sitting_id, seat, buyer_id, name, joined_at, admitted_at, admitted_by)"  # noqa: S608
        " SELECT %(id)s, %(sitting)s, coalesce(max(seat), 0) + 1, %(buyer)s, %(name)s, %(now)s, %(admitted_at)s, %(by)s"
        f" FROM guests WHERE sitting_id = %(sitting)s RETURNING {_GUEST}",
        {
            "id": new_id("gst"),
            "sitting": open_sitting.id,
            "buyer": buyer_id,
            "name": name,
            "now": now,
            "admitted_at": now if admitted else None,
            "by": admitted,
        },
    )
    await _put_off(tx, open_sitting, now)
    await tx.tell(open_sitting.topic, "guests")
    await tx.tell(f"till:{open_sitting.store_id}", "bill", {"sitting": open_sitting.id})
    return open_sitting, guest


async def open_for_staff(tx: Transaction, store_id: str, table_id: str, now: datetime) -> Sitting:
    """The table's open sitting, or a new one begun by staff. Raises `NotFound` for another shop's table."""
    code = await tx.value(
        "SELECT code FROM dining_tables WHERE id = %(id)s AND store_id = %(store)s AND retired_at IS NULL FOR UPDATE",
        {"id": table_id, "store": store_id},
    )
    if code is None:
        raise NotFound("There is no such table here.")
    here = await place(tx, code)
    if here.sitting is not None:
        return here.sitting
    sitting = await _open(tx, here, now, "waiter")
    await tx.tell(f"till:{store_id}", "bill", {"sitting": sitting.id})
    return sitting


async def _known(tx: Transaction, sitting: Sitting, buyer_id: str | None, guest_id: str | None) -> Guest | None:
    people = await guests(tx, sitting.id)
    by_buyer = next((guest for guest in people if buyer_id is not None and guest.buyer_id == buyer_id), None)
    if by_buyer is not None:
        return by_buyer
    remembered = next((guest for guest in people if guest.id == guest_id), None)
    if remembered is not None and buyer_id is not None and remembered.buyer_id is not None:
        return None
    return remembered


async def _refresh(
    tx: Transaction, guest: Guest, buyer_id: str | None, name: str, admitted_at: datetime | None
) -> Guest:
    """A nickname may be given later, a phone may come back inside the wallet, or with the code of now."""
    lets_in = admitted_at is not None and guest.admitted_at is None
    if (not name or name == guest.name) and (buyer_id is None or buyer_id == guest.buyer_id) and not lets_in:
        return guest
    changed = await tx.one(
        Guest,
        "UPDATE guests SET name = CASE WHEN %(name)s = '' THEN name ELSE %(name)s END,"  # noqa: S608
        " admitted_by = CASE WHEN admitted_at IS NULL AND %(at)s::timestamptz IS NOT NULL THEN 'code'"
        " ELSE admitted_by END, admitted_at = coalesce(admitted_at, %(at)s),"
        f" buyer_id = coalesce(buyer_id, %(buyer)s) WHERE id = %(id)s RETURNING {_GUEST}",
        {"id": guest.id, "name": name, "buyer": buyer_id, "at": admitted_at},
    )
    await tx.tell(f"sitting:{guest.sitting_id}", "guests")
    return changed


async def _still_choosing(tx: Transaction, sitting: Sitting) -> bool:
    return any(line.status is LineStatus.BASKET for line in await ordering.lines(tx, sitting.tab_id))


async def _open(tx: Transaction, place: Place, now: datetime, channel: str = "table") -> Sitting:
    tab = await ordering.open_tab(tx, place.store_id, channel, place.table_name)
    return await tx.one(
        Sitting,
        "INSERT INTO sittings (id, table_id, store_id, tab_id, currency, status, opened_at, due_at)"  # noqa: S608
        " VALUES (%(id)s, %(table)s, %(store)s, %(tab)s, %(currency)s, 'open', %(now)s, %(due)s)"
        f" RETURNING {_SITTING}",
        {
            "id": new_id("sit"),
            "table": place.table_id,
            "store": place.store_id,
            "tab": tab.id,
            "currency": tab.currency,
            "now": now,
            "due": now + FORGOTTEN_AFTER,
        },
    )


# -- ordering and leaving --------------------------------------------------------------------------------------------


async def take_more(tx: Transaction, sitting_id: str, now: datetime) -> Sitting:
    """Make the sitting take orders (again, if its bill was already paid). Raises `Conflict` once it is closed."""
    held = await lock(tx, sitting_id)
    if not held.is_open:
        raise Conflict(SITTING_OVER)
    if (await ordering.tab(tx, held.tab_id)).status is TabStatus.SETTLED:
        await ordering.reopen_tab(tx, held.tab_id)
    await _put_off(tx, held, now)
    return held


async def _put_off(tx: Transaction, sitting: Sitting, now: datetime) -> None:
    wait = FORGOTTEN_AFTER if sitting.covered_at is None else LINGERS
    await tx.run("UPDATE sittings SET due_at = %(due)s WHERE id = %(id)s", {"id": sitting.id, "due": now + wait})


async def ask_for_bill(tx: Transaction, sitting_id: str, since: datetime | None) -> None:
    """Note since when a table waits for its bill, or with None that nobody waits any more. Tells till and phones.

    Asking again leaves the first time standing: it says how long they have waited."""
    held = await lock(tx, sitting_id)
    await tx.run(
        "UPDATE sittings SET bill_asked_at = CASE WHEN %(since)s::timestamptz IS NULL THEN NULL"
        " ELSE coalesce(bill_asked_at, %(since)s) END WHERE id = %(id)s AND status = 'open'",
        {"id": sitting_id, "since": since},
    )
    await tx.tell(held.topic, "bill")
    await tx.tell(f"till:{held.store_id}", "bill", {"sitting": sitting_id})


async def remember_ways(tx: Transaction, sitting_id: str, ways: int) -> None:
    """Keep by how many people the table splits, for the next phone that asks. The caller holds the sitting's lock."""
    await tx.run(
        "UPDATE sittings SET split_ways = %(ways)s WHERE id = %(id)s AND split_ways IS DISTINCT FROM %(ways)s",
        {"id": sitting_id, "ways": ways},
    )


async def reckon(tx: Transaction, sitting: Sitting, now: datetime) -> Bill:
    """After the bill changed: let offers see it, note whether it is covered, settle or reopen the tab, tell everybody.

    The caller holds the sitting's lock."""
    known = offers.told(await guests(tx, sitting.id), await shares(tx, sitting.id))
    await applying.apply(tx, sitting.tab_id, now, **known)
    bill = await bill_of(tx, sitting)
    if sitting.is_open:
        status = (await ordering.tab(tx, sitting.tab_id)).status
        if bill.covered and status is TabStatus.OPEN:
            # A dish that waits in the basket keeps the tab open; money is never refused over it.
            with contextlib.suppress(Conflict):
                await ordering.settle_tab(tx, sitting.tab_id)
        elif not bill.covered and status is TabStatus.SETTLED:
            await ordering.reopen_tab(tx, sitting.tab_id)
        await tx.run(
            "UPDATE sittings SET due_at = %(due)s, tries = 0,"
            " covered_at = CASE WHEN %(covered)s THEN coalesce(covered_at, %(now)s) END WHERE id = %(id)s",
            {
                "id": sitting.id,
                "covered": bill.covered,
                "now": now,
                "due": now + (LINGERS if bill.covered else FORGOTTEN_AFTER),
            },
        )
    if sitting.is_open and bill.covered and sitting.covered_at is None:
        await next_party(tx, sitting.table_id)
    await tx.tell(sitting.topic, "bill")
    await tx.tell(f"till:{sitting.store_id}", "bill", {"sitting": sitting.id})
    return bill


async def close(tx: Transaction, sitting_id: str, now: datetime, by: str) -> Sitting:
    """End a sitting; the next scan begins a new one. A repeat is harmless.

    Raises `Conflict` while anything on the bill is unpaid or a payment is open."""
    held = await lock(tx, sitting_id)
    if not held.is_open:
        return held
    bill = await bill_of(tx, held)
    if bill.held:
        raise Conflict("A payment is still open on this bill. Wait until it has ended, or cancel it.")
    if bill.left:
        raise Conflict("This bill is not paid in full. Take the rest first.")
    await ordering.close_tab(tx, held.tab_id)
    await applying.let_go(tx, held.tab_id, now)
    closed = await tx.one(
        Sitting,
        "UPDATE sittings SET status = 'closed', closed_at = %(now)s, closed_by = %(by)s, due_at = NULL"  # noqa: S608
        f" WHERE id = %(id)s RETURNING {_SITTING}",
        {"id": sitting_id, "now": now, "by": by},
    )
    if held.covered_at is None:
        await next_party(tx, held.table_id)
    await tx.tell(held.topic, "closed")
    await tx.tell(f"till:{held.store_id}", "bill", {"sitting": sitting_id})
    return closed
