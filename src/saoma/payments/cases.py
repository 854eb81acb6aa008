"""Cases: work for a person, each with the money at risk, the moves that are allowed, and a ruling with its reason.

A case is found again by its key: opening it twice updates it, and one that was ruled upon stays closed. Closing a case
moves no money by itself; what a move does to a payment is `payments.ruling`'s affair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from saoma.kit.db import Rows, Transaction, json_column
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id
from saoma.kit.lifecycle import Lifecycle
from saoma.kit.money import Money, exponent


class Kind(StrEnum):
    """What is the matter."""

    PAYMENT_STUCK = "payment_stuck"
    LATE_MONEY = "late_money"
    REFUND_STUCK = "refund_stuck"
    WRONG_AMOUNT = "wrong_amount"
    BAD_SIGNATURE_BURST = "bad_signature_burst"
    UNMATCHED_NOTICE = "unmatched_notice"
    ONLY_THEIRS = "only_theirs"
    ONLY_OURS = "only_ours"
    AMOUNT_DIFFERS = "amount_differs"
    STATUS_DIFFERS = "status_differs"
    FEE_DIFFERS = "fee_differs"
    SETTLED_TWICE = "settled_twice"
    NEVER_SETTLED = "never_settled"
    UNMATCHED_MERCHANT_CODE = "unmatched_merchant_code"
    SURPLUS = "surplus"
    #: Paid food that can't be made as it was promised: closed, sold out, or paid when its time was gone.
    CANNOT_BE_MADE = "cannot_be_made"
    #: Paid food that came back from the customer's door; what to give back is proposed by a rule.
    NOT_DELIVERED = "not_delivered"


class Move(StrEnum):
    """What a person may decide. The first six change a payment or refund, the others only close the case."""

    PAID = "paid"
    UNPAID = "unpaid"
    REFUND = "refund"
    REFUNDED = "refunded"
    NOT_REFUNDED = "not_refunded"
    #: A part of a payment that is booked: exactly the money at risk.
    GIVE_BACK = "give_back"
    EXPLAINED = "explained"
    DEALT_WITH = "dealt_with"
    NOT_OURS = "not_ours"


#: Moves that change what the books say about money.
MOVES_MONEY: Final = frozenset({Move.PAID, Move.UNPAID, Move.REFUND, Move.REFUNDED, Move.NOT_REFUNDED, Move.GIVE_BACK})

_PAYMENT: Final = (Move.PAID, Move.UNPAID, Move.REFUND)
_DIFFERENCE: Final = (Move.EXPLAINED, Move.DEALT_WITH)
_STRANGER: Final = (Move.EXPLAINED, Move.DEALT_WITH, Move.NOT_OURS)

#: The allowed moves of each kind, the most likely first.
MOVES: Final[Mapping[Kind, tuple[Move, ...]]] = {
    Kind.PAYMENT_STUCK: _PAYMENT,
    Kind.LATE_MONEY: (Move.REFUND, Move.PAID, Move.UNPAID),
    Kind.REFUND_STUCK: (Move.REFUNDED, Move.NOT_REFUNDED),
    Kind.WRONG_AMOUNT: (Move.UNPAID, Move.PAID),
    Kind.BAD_SIGNATURE_BURST: _STRANGER,
    Kind.UNMATCHED_NOTICE: _STRANGER,
    Kind.ONLY_THEIRS: _STRANGER,
    Kind.ONLY_OURS: _DIFFERENCE,
    Kind.AMOUNT_DIFFERS: _DIFFERENCE,
    Kind.STATUS_DIFFERS: _DIFFERENCE,
    Kind.FEE_DIFFERS: _DIFFERENCE,
    Kind.SETTLED_TWICE: _DIFFERENCE,
    Kind.NEVER_SETTLED: _DIFFERENCE,
    Kind.UNMATCHED_MERCHANT_CODE: _STRANGER,
    Kind.SURPLUS: (Move.GIVE_BACK, Move.EXPLAINED, Move.DEALT_WITH),
    Kind.CANNOT_BE_MADE: (Move.DEALT_WITH, Move.EXPLAINED),
    Kind.NOT_DELIVERED: (Move.DEALT_WITH, Move.EXPLAINED),
}


class CaseStatus(StrEnum):
    """Where a case stands. `PROPOSED` waits for a second person."""

    OPEN = "open"
    PROPOSED = "proposed"
    CLOSED = "closed"


class CaseEvent(StrEnum):
    """What may happen to a case."""

    RULED = "ruled"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    #: The trouble went away, or its payment was ruled upon elsewhere.
    RESOLVED = "resolved"


#: The life of a case.
CASE: Final = Lifecycle(
    "Case",
    CaseStatus.OPEN,
    {
        (CaseStatus.OPEN, CaseEvent.RULED): CaseStatus.CLOSED,
        (CaseStatus.OPEN, CaseEvent.PROPOSED): CaseStatus.PROPOSED,
        (CaseStatus.OPEN, CaseEvent.RESOLVED): CaseStatus.CLOSED,
        (CaseStatus.PROPOSED, CaseEvent.CONFIRMED): CaseStatus.CLOSED,
        (CaseStatus.PROPOSED, CaseEvent.WITHDRAWN): CaseStatus.OPEN,
        (CaseStatus.PROPOSED, CaseEvent.RESOLVED): CaseStatus.CLOSED,
    },
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case as its row stands. `move`, `moved_by` and `reason` are a proposal until the case is closed."""

    id: str
    merchant_id: str
    kind: str
    subject_kind: str
    subject_id: str
    title: str
    at_risk: int | None
    currency: str | None
    proposed: str
    detail: dict[str, Any]
    key: str
    status: CaseStatus
    times: int
    opened_at: datetime
    changed_at: datetime
    move: str
    moved_by: str
    moved_at: datetime | None
    reason: str
    confirmed_by: str
    closed_at: datetime | None

    @property
    def money(self) -> Money | None:
        """The money at risk, where there is any."""
        return None if self.at_risk is None or self.currency is None else Money(self.at_risk, self.currency)

    @property
    def closed(self) -> bool:
        """Whether somebody (or the course of things) has ended it."""
        return self.status is CaseStatus.CLOSED


class CaseStep(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what happened to a case."""

    at: datetime
    who: str
    what: str
    move: str
    reason: str


CASE_COLUMNS: Final = ", ".join(Case.__struct_fields__)

_OPEN = f"""
INSERT INTO cases (id, merchant_id, kind, subject_kind, subject_id, title, at_risk, currency, proposed, detail, key,
                   status, opened_at, changed_at)
VALUES (%(id)s, %(merchant_id)s, %(kind)s, %(subject_kind)s, %(subject_id)s, %(title)s, %(at_risk)s, %(currency)s,
        %(proposed)s, %(detail)s, %(key)s, 'open', coalesce(%(now)s::timestamptz, clock_timestamp()),
        coalesce(%(now)s::timestamptz, clock_timestamp()))
ON CONFLICT (key) DO UPDATE SET
    times = cases.times + 1,
    changed_at = CASE WHEN cases.status = 'closed' THEN cases.changed_at ELSE excluded.changed_at END,
    title = CASE WHEN cases.status = 'closed' THEN cases.title ELSE excluded.title END,
    at_risk = CASE WHEN cases.status = 'closed' THEN cases.at_risk ELSE excluded.at_risk END,
    currency = CASE WHEN cases.status = 'closed' THEN cases.currency ELSE excluded.currency END,
    proposed = CASE WHEN cases.status = 'closed' THEN cases.proposed ELSE excluded.proposed END,
    detail = CASE WHEN cases.status = 'closed' THEN cases.detail ELSE excluded.detail END
RETURNING {CASE_COLUMNS}
"""  # noqa: S608
_STEP = """
INSERT INTO case_events (case_id, at, who, what, move, reason)
VALUES (%(id)s, coalesce(%(now)s::timestamptz, clock_timestamp()), %(who)s, %(what)s, %(move)s, %(reason)s)
"""


async def open_case(
    tx: Transaction,
    *,
    merchant_id: str,
    kind: Kind | str,
    subject_kind: str,
    subject_id: str,
    title: str,
    at_risk: Money | None,
    proposed: str,
    detail: Mapping[str, Any] | None = None,
    key: str,
    now: datetime | None = None,
) -> Case:
    """Open the case of that key, or update the one that is open; one that was closed stays as it was ruled.

    `proposed` names the likely move, `detail` is shown as it is. Raises `ValueError` for a kind that is not known."""
    params = {
        "id": new_id("cas"),
        "merchant_id": merchant_id,
        "kind": Kind(kind).value,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "title": title,
        "at_risk": None if at_risk is None else at_risk.minor,
        "currency": None if at_risk is None else at_risk.currency,
        "proposed": proposed,
        "detail": json_column(dict(detail or {})),
        "key": key,
        "now": now,
    }
    found = await tx.one(Case, _OPEN, params)
    if found.times == 1:
        await _step(tx, found.id, "saoma", "opened", now=now)
        await tx.tell("cases", "case", {"case_id": found.id})
    return found


async def _step(
    tx: Transaction, case_id: str, who: str, what: str, *, move: str = "", reason: str = "", now: datetime | None
) -> None:
    await tx.run(_STEP, {"id": case_id, "who": who, "what": what, "move": move, "reason": reason, "now": now})


async def lock_case(tx: Transaction, case_id: str) -> Case:
    """The case, locked until the transaction ends. Raises `NotFound`."""
    return await tx.one(Case, f"SELECT {CASE_COLUMNS} FROM cases WHERE id = %(id)s FOR UPDATE", {"id": case_id})  # noqa: S608


def allowed(case: Case) -> tuple[Move, ...]:
    """What may be decided about this case now; nothing once it is closed."""
    return () if case.closed else MOVES[Kind(case.kind)]


def needs_two(case: Case, move: Move, above: int) -> bool:
    """Whether a second person must confirm: a move of more money than `above`, in whole units of its currency."""
    money = case.money
    return money is not None and move in MOVES_MONEY and money.minor > above * 10 ** exponent(money.currency)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one person's word does to a case: the event, and whether the move is carried out now."""

    event: CaseEvent
    act: bool


def verdict(case: Case, move: Move, by: str, reason: str, above: int) -> Verdict:
    """Decide about a ruling, pure. Raises `Invalid` without a reason, `Conflict` for a move that is not allowed now."""
    if not reason.strip():
        raise Invalid("Write why: the reason is kept with the ruling.")
    if case.closed:
        raise Conflict("This case is closed already. Look at its ruling.")
    if move not in allowed(case):
        raise Conflict("This is not among the moves of this case.")
    if not needs_two(case, move, above):
        return Verdict(CaseEvent.RULED if case.status is CaseStatus.OPEN else CaseEvent.RESOLVED, act=True)
    if case.status is CaseStatus.OPEN:
        return Verdict(CaseEvent.PROPOSED, act=False)
    if by == case.moved_by:
        raise Conflict("A second person must confirm this. You proposed it.")
    if move.value != case.move:
        raise Conflict("Another move was proposed. Confirm that one, or send it back first.")
    return Verdict(CaseEvent.CONFIRMED, act=True)


_MOVE_CASE = f"""
UPDATE cases SET status = %(status)s, move = %(move)s, moved_by = %(moved_by)s, moved_at = %(moved_at)s,
    reason = %(reason)s, confirmed_by = %(confirmed_by)s, changed_at = %(now)s,
    closed_at = CASE WHEN %(status)s = 'closed' THEN %(now)s::timestamptz END
WHERE id = %(id)s RETURNING {CASE_COLUMNS}
"""  # noqa: S608


async def apply_event(
    tx: Transaction, case: Case, event: CaseEvent, *, by: str, move: str, reason: str, now: datetime
) -> Case:
    """Write what became of a case that `tx` has locked. Raises `IllegalTransition`."""
    status = CASE.next(case.status, event)
    mine = {"move": move, "moved_by": by, "moved_at": now, "reason": reason, "confirmed_by": ""}
    if event is CaseEvent.CONFIRMED:
        mine = {
            "move": case.move,
            "moved_by": case.moved_by,
            "moved_at": case.moved_at,
            "reason": f"{case.reason} / {reason}",
            "confirmed_by": by,
        }
    if event is CaseEvent.WITHDRAWN:
        mine = {"move": "", "moved_by": "", "moved_at": None, "reason": "", "confirmed_by": ""}
    after = await tx.one(Case, _MOVE_CASE, {"id": case.id, "status": status.value, "now": now, **mine})
    await _step(tx, case.id, by, event.value, move=move, reason=reason, now=now)
    await tx.tell("cases", "case", {"case_id": case.id})
    return after


async def close_case(
    tx: Transaction, case_id: str, by: str, ruling: str, reason: str, now: datetime | None = None
) -> Case:
    """Close a case that has become pointless or was settled elsewhere; one that is closed is left alone.

    A person's ruling with its checks goes through `payments.ruling`. Raises `NotFound`."""
    case = await lock_case(tx, case_id)
    if case.closed:
        return case
    if now is None:
        now = await tx.value("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return await apply_event(tx, case, CaseEvent.RESOLVED, by=by, move=ruling, reason=reason, now=now)


async def close_cases_of(
    tx: Transaction, subject_kind: str, subject_id: str, by: str, ruling: str, reason: str, now: datetime
) -> None:
    """Close every case about one thing: what it waited for has been decided."""
    found = await tx.rows(
        Case,
        f"""SELECT {CASE_COLUMNS} FROM cases
            WHERE subject_kind = %(kind)s AND subject_id = %(id)s AND status <> 'closed' FOR UPDATE""",  # noqa: S608
        {"kind": subject_kind, "id": subject_id},
    )
    for case in found:
        await apply_event(tx, case, CaseEvent.RESOLVED, by=by, move=ruling, reason=reason, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases to show. An empty `merchant_id` is every merchant's; `status` is `waiting`, `closed` or `all`."""

    merchant_id: str = ""
    kind: str = ""
    status: str = "waiting"


_CASES = f"""
SELECT {CASE_COLUMNS} FROM cases
WHERE merchant_id = coalesce(nullif(%(merchant_id)s, ''), merchant_id) AND (%(kind)s = '' OR kind = %(kind)s)
  AND (%(merchant_id)s <> '' OR NOT starts_with(merchant_id, 'mpr_'))
  AND (%(status)s = 'all' OR (status = 'closed') = (%(status)s = 'closed'))
  AND (%(at)s::timestamptz IS NULL OR (opened_at, id) > (%(at)s::timestamptz, %(after)s))
ORDER BY opened_at, id LIMIT %(limit)s
"""  # noqa: S608


async def cases(rows: Rows, filters: CaseFilter, cursor: str = "", limit: int = 50) -> list[Case]:
    """Cases, the longest waiting first. `cursor` is the id of the last one of the page before."""
    at = await rows.value("SELECT opened_at FROM cases WHERE id = %(id)s", {"id": cursor}) if cursor else None
    params = {"merchant_id": filters.merchant_id, "kind": filters.kind, "status": filters.status, "limit": limit}
    return await rows.rows(Case, _CASES, params | {"at": at, "after": cursor})


async def case(rows: Rows, case_id: str) -> Case:
    """One case. Raises `NotFound`."""
    return await rows.one(Case, f"SELECT {CASE_COLUMNS} FROM cases WHERE id = %(id)s", {"id": case_id})  # noqa: S608


async def cases_of(rows: Rows, subject_kind: str, subject_id: str) -> list[Case]:
    """Every case there ever was about one thing, oldest first."""
    sql = f"""SELECT {CASE_COLUMNS} FROM cases WHERE subject_kind = %(kind)s AND subject_id = %(id)s
              ORDER BY opened_at, id"""  # noqa: S608
    return await rows.rows(Case, sql, {"kind": subject_kind, "id": subject_id})


async def steps(rows: Rows, case_id: str) -> list[CaseStep]:
    """What happened to one case, in order."""
    sql = "SELECT at, who, what, move, reason FROM case_events WHERE case_id = %(id)s ORDER BY id"
    return await rows.rows(CaseStep, sql, {"id": case_id})
