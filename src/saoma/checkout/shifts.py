"""Shifts: one drawer's time between two counts, what went through it, and how it ended.

A drawer belongs to a device; devices of a store that aren't paired share one. Each sale and refund at a till is entered
in the transaction that makes it final, under a lock that closing waits for: none falls between two shifts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from saoma.checkout.cash import Closing, Drawer, closing, counted
from saoma.gateway import Method, is_practice
from saoma.identity import audit
from saoma.identity.model import Staff, Store
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund

#: Nobody works longer: whoever sees a shift this old is told that somebody forgot to close it.
FORGOTTEN_AFTER: Final = timedelta(hours=18)
#: What a till takes. What customers pay on their own phones passes no till.
AT_A_TILL: Final = frozenset({Method.BARCODE, Method.ORDER_CODE, Method.CASH, Method.CARD_TERMINAL, Method.ACCOUNT})

NO_SHIFT: Final = "Nobody has opened a shift at this till. Count the float and open one, then take cash."
ALREADY_OPEN: Final = "A shift is open at this till already. Look at it, and close it before you begin another."
ALREADY_CLOSED: Final = "This shift is closed already."
NOT_IN_PRACTICE: Final = "There are no shifts in practice: its money is not real."
SAY_WHY: Final = "Write what the money is for; it is kept with the shift."
TOO_MUCH: Final = "That is more than there can be in the drawer."
ABOVE_ZERO: Final = "Write an amount above zero."


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One shift as its row stands. Amounts are minor units of `currency`; `counts` is how many of each piece."""

    id: str
    merchant_id: str
    store_id: str
    terminal_id: str
    currency: str
    opened_by: str
    opened_at: datetime
    float_amount: int
    closed_by: str
    closed_at: datetime | None
    expected: int | None
    counted: int | None
    counts: dict[str, int]
    explanation: str

    @property
    def is_open(self) -> bool:
        """Whether money still goes through it."""
        return self.closed_at is None

    @property
    def money_float(self) -> Money:
        """What lay in the drawer at the beginning."""
        return Money(self.float_amount, self.currency)

    @property
    def closing(self) -> Closing | None:
        """How it ended."""
        if self.expected is None or self.counted is None:
            return None
        return Closing(Money(self.expected, self.currency), Money(self.counted, self.currency), self.explanation)

    def forgotten(self, now: datetime) -> bool:
        """Whether somebody seems to have gone home without closing it."""
        return self.is_open and now - self.opened_at > FORGOTTEN_AFTER


_SHIFT: Final = ", ".join(Shift.__struct_fields__)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the drawer's book."""

    at: datetime
    kind: str
    method: str
    amount: int
    currency: str
    payment_id: str | None
    refund_id: str | None
    by: str
    reason: str

    @property
    def money(self) -> Money:
        """How much, never below zero; `kind` says which way."""
        return Money(self.amount, self.currency)


_ENTRY: Final = ", ".join(Entry.__struct_fields__)


async def open_at(rows: Rows, store_id: str, terminal_id: str) -> Shift | None:
    """The shift that is open at a device's drawer."""
    return await rows.maybe(
        Shift,
        f"SELECT {_SHIFT} FROM shifts"  # noqa: S608
        " WHERE store_id = %(store)s AND terminal_id = %(terminal)s AND closed_at IS NULL",
        {"store": store_id, "terminal": terminal_id},
    )


async def shift_in(rows: Rows, store_ids: list[str], shift_id: str) -> Shift:
    """A shift of one of these stores. Raises `NotFound` for any other."""
    found = await rows.maybe(
        Shift,
        f"SELECT {_SHIFT} FROM shifts WHERE id = %(id)s AND store_id = ANY(%(stores)s)",  # noqa: S608
        {"id": shift_id, "stores": store_ids},
    )
    if found is None:
        raise NotFound(NOTHING_HERE)
    return found


async def latest(rows: Rows, store_id: str, limit: int = 60) -> list[Shift]:
    """A store's shifts: open ones first, then the last that ended."""
    return await rows.rows(
        Shift,
        f"SELECT {_SHIFT} FROM shifts WHERE store_id = %(store)s"  # noqa: S608
        " ORDER BY closed_at IS NOT NULL, coalesce(closed_at, opened_at) DESC, id LIMIT %(limit)s",
        {"store": store_id, "limit": limit},
    )


async def entries(rows: Rows, shift_id: str) -> list[Entry]:
    """All that went through a drawer in a shift, oldest first."""
    return await rows.rows(
        Entry,
        f"SELECT {_ENTRY} FROM drawer_entries WHERE shift_id = %(id)s ORDER BY id",  # noqa: S608
        {"id": shift_id},
    )


async def outside(rows: Rows, store_id: str, since: datetime) -> list[Entry]:
    """Cash that was taken or given back where nobody had opened a shift, latest first."""
    return await rows.rows(
        Entry,
        f"SELECT {_ENTRY} FROM drawer_entries WHERE store_id = %(store)s AND shift_id IS NULL"  # noqa: S608
        " AND method = 'cash' AND at >= %(since)s ORDER BY id DESC LIMIT 200",
        {"store": store_id, "since": since},
    )


def drawer_of(shift: Shift, book: list[Entry]) -> Drawer:
    """What went through the drawer itself: cash, and nothing else. Pure."""

    def of(kind: str) -> Money:
        cash = [each.amount for each in book if each.kind == kind and each.method == Method.CASH]
        return Money(sum(cash), shift.currency)

    return Drawer(shift.money_float, of("sale"), of("refund"), of("pay_in"), of("pay_out"))


async def begin(tx: Transaction, clock: Clock, staff: Staff, store: Store, terminal_id: str, float_: Money) -> Shift:
    """Open a shift with a counted float. Raises `Conflict` while another is open at this drawer, `Invalid`."""
    if is_practice(store.merchant_id):
        raise NotAllowed(NOT_IN_PRACTICE)
    if float_.minor < 0:
        raise Invalid(ABOVE_ZERO)
    new = Shift(
        id=new_id("sft"),
        merchant_id=store.merchant_id,
        store_id=store.id,
        terminal_id=terminal_id,
        currency=float_.currency,
        opened_by=staff.id,
        opened_at=clock.now(),
        float_amount=float_.minor,
        closed_by="",
        closed_at=None,
        expected=None,
        counted=None,
        counts={},
        explanation="",
    )
    added = await tx.run(
        """INSERT INTO shifts (id, merchant_id, store_id, terminal_id, currency, opened_by, opened_at, float_amount)
           VALUES (%(id)s, %(merchant_id)s, %(store_id)s, %(terminal_id)s, %(currency)s, %(opened_by)s, %(opened_at)s,
                   %(float_amount)s)
           ON CONFLICT (store_id, terminal_id) WHERE closed_at IS NULL DO NOTHING""",
        msgspec.structs.asdict(new),
    )
    if not added:
        raise Conflict(ALREADY_OPEN)
    await _noted(tx, clock, staff, "opened_shift", new, {"float": str(float_)})
    return new


async def _locked(tx: Transaction, shift_id: str) -> Shift:
    shift = await tx.one(Shift, f"SELECT {_SHIFT} FROM shifts WHERE id = %(id)s FOR UPDATE", {"id": shift_id})  # noqa: S608
    if not shift.is_open:
        raise Conflict(ALREADY_CLOSED)
    return shift


async def put(
    tx: Transaction, clock: Clock, staff: Staff, shift_id: str, kind: str, amount: Money, reason: str, key: str
) -> None:
    """Pay cash into the drawer or out of it, for a reason. The same `key` does it once.

    Raises `Invalid` for an amount that can't be or no reason, `Conflict` for a closed shift."""
    shift = await _locked(tx, shift_id)
    why = " ".join(reason.split())[:128]
    if kind not in ("pay_in", "pay_out"):
        raise Invalid("Choose whether money goes in or out.")
    if not why:
        raise Invalid(SAY_WHY)
    if amount.minor <= 0:
        raise Invalid(ABOVE_ZERO)
    known = {"shift": shift.id, "key": key}
    if key and await tx.value("SELECT 1 FROM drawer_entries WHERE shift_id = %(shift)s AND key = %(key)s", known):
        return
    if kind == "pay_out" and amount > drawer_of(shift, await entries(tx, shift.id)).expected:
        raise Invalid(TOO_MUCH)
    await tx.run(
        """INSERT INTO drawer_entries (store_id, terminal_id, shift_id, at, kind, method, amount, currency, by, reason,
                                       key)
           VALUES (%(store)s, %(terminal)s, %(shift)s, %(at)s, %(kind)s, 'cash', %(amount)s, %(currency)s, %(by)s,
                   %(why)s, %(key)s)""",
        {
            **known,
            "store": shift.store_id,
            "terminal": shift.terminal_id,
            "at": clock.now(),
            "kind": kind,
            "amount": amount.minor,
            "currency": shift.currency,
            "by": staff.id,
            "why": why,
        },
    )
    await _noted(tx, clock, staff, kind, shift, {"amount": str(amount), "reason": why})


class Unexplained(Conflict):
    """The count differs from what must be there, and nobody has said why yet. Nothing was closed."""

    def __init__(self, expected: Money, found: Money) -> None:
        super().__init__("The count differs from what must be in the drawer. Count again, or write what happened.")
        self.expected = expected
        self.found = found


async def close(
    tx: Transaction,
    clock: Clock,
    staff: Staff,
    shift_id: str,
    counts: Mapping[int, int],
    explanation: str = "",
    seen: Money | None = None,
) -> Shift:
    """End a shift by what was counted. `seen` is the difference that the explanation is about.

    Raises `Unexplained` for a difference without words, or with words about another one; `Conflict`, `Invalid`."""
    shift = await _locked(tx, shift_id)
    drawer = drawer_of(shift, await entries(tx, shift.id))
    found = counted(counts, shift.currency)
    about_this = seen is None or seen == found - drawer.expected
    end = closing(drawer, found, explanation if about_this else "")
    if end is None:
        raise Unexplained(drawer.expected, found)
    given = {
        "id": shift.id,
        "by": staff.id,
        "at": clock.now(),
        "expected": end.expected.minor,
        "counted": end.counted.minor,
        "counts": json_column({str(minor): pieces for minor, pieces in counts.items() if pieces}),
        "explanation": end.explanation,
    }
    closed = await tx.one(
        Shift,
        f"""UPDATE shifts SET closed_by = %(by)s, closed_at = %(at)s, expected = %(expected)s, counted = %(counted)s,
                counts = %(counts)s, explanation = %(explanation)s
            WHERE id = %(id)s RETURNING {_SHIFT}""",  # noqa: S608
        given,
    )
    said = {"difference": str(end.difference), "explanation": end.explanation}
    await _noted(tx, clock, staff, "closed_shift", shift, said)
    return closed


async def _noted(
    tx: Transaction, clock: Clock, staff: Staff, what: str, shift: Shift, detail: Mapping[str, str]
) -> None:
    await audit.note(tx, clock, who=staff.id, what=what, subject=shift.id, merchant_id=shift.merchant_id, detail=detail)
    await tx.tell(f"till:{shift.store_id}", "shift", {"shift_id": shift.id})


async def asked_at(tx: Transaction, payment: Payment, key: str, terminal_id: str) -> None:
    """Remember at which device a refund is asked for: cash goes back out of its drawer."""
    await tx.run(
        """INSERT INTO refunds_asked_at (payment_id, key, store_id, terminal_id)
           VALUES (%(payment)s, %(key)s, %(store)s, %(terminal)s) ON CONFLICT DO NOTHING""",
        {"payment": payment.id, "key": key, "store": payment.store_id, "terminal": terminal_id},
    )


_SALE: Final = """
WITH here AS (
    SELECT id FROM shifts WHERE store_id = %(store)s AND terminal_id = %(terminal)s AND closed_at IS NULL FOR SHARE
)
INSERT INTO drawer_entries (store_id, terminal_id, shift_id, at, kind, method, amount, currency, payment_id, by)
SELECT %(store)s, %(terminal)s, (SELECT id FROM here), %(at)s, 'sale', %(method)s, %(amount)s, %(currency)s,
       %(payment)s, %(by)s
WHERE %(method)s = 'cash' OR EXISTS (SELECT FROM here)
ON CONFLICT (payment_id) WHERE kind = 'sale' DO NOTHING
"""
#: The drawer where the refund was asked for; where that is not known, the asker's own, then the one that took it.
_REFUND: Final = """
WITH asked AS (
    SELECT a.terminal_id FROM refunds AS r JOIN refunds_asked_at AS a ON a.payment_id = r.payment_id AND a.key = r.key
    WHERE r.id = %(refund)s
), here AS (
    SELECT id, terminal_id FROM shifts WHERE store_id = %(store)s AND closed_at IS NULL AND CASE
        WHEN EXISTS (SELECT FROM asked) THEN terminal_id = (SELECT terminal_id FROM asked)
        ELSE opened_by = %(by)s OR terminal_id = %(terminal)s END
    ORDER BY opened_by <> %(by)s, opened_at LIMIT 1 FOR SHARE
)
INSERT INTO drawer_entries (store_id, terminal_id, shift_id, at, kind, method, amount, currency, payment_id, refund_id,
                            by)
SELECT %(store)s, coalesce((SELECT terminal_id FROM here), (SELECT terminal_id FROM asked), %(terminal)s),
       (SELECT id FROM here), %(at)s, 'refund', %(method)s, %(amount)s, %(currency)s, %(payment)s, %(refund)s, %(by)s
WHERE %(method)s = 'cash' OR EXISTS (SELECT FROM here)
ON CONFLICT (refund_id) WHERE kind = 'refund' DO NOTHING
"""


class Drawers:
    """A `Listener` of the payment core: enters what tills take and give back into their drawers' books."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """Enter a payment at a till that was paid."""
        if payment.status is Status.SUCCEEDED and _counts(payment):
            await tx.run(_SALE, self._of(payment, payment.amount, payment.opened_by))

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Enter what went back."""
        if refund.status is RefundStatus.SUCCEEDED and _counts(payment):
            given = self._of(payment, refund.amount, refund.requested_by)
            await tx.run(_REFUND, given | {"refund": refund.id})

    def _of(self, payment: Payment, amount: int, by: str) -> dict[str, object]:
        return {
            "store": payment.store_id,
            "terminal": payment.terminal_id,
            "at": self.clock.now(),
            "method": payment.method.value,
            "amount": amount,
            "currency": payment.currency,
            "payment": payment.id,
            "by": by,
        }


def _counts(payment: Payment) -> bool:
    return payment.method in AT_A_TILL and bool(payment.store_id) and not is_practice(payment.merchant_id)
