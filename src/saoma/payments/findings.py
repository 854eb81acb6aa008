"""What reconciliation found, for people: runs, differences page by page, a file to take away, and a case for each.

Cases are opened after the differences are safe in the book and remembered with them, so none is opened twice; beyond a
number per day and class one case stands for the rest."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Final

import msgspec

from saoma.kit.clock import Clock, beijing
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.money import Money
from saoma.payments import cases

#: Differences of one class on one day that get a case each; a wrong file must not bury the console.
CASES_PER_CLASS: Final = 200
_AT_ONCE: Final = 100

CLASSES: Final = (
    *("only_theirs", "only_ours", "amount_differs", "status_differs"),
    *("fee_differs", "settled_twice", "never_settled"),
)
TITLES: Final = {
    "only_theirs": "Alipay's file has a {kind} we know nothing of",
    "only_ours": "Our {kind} is missing in Alipay's file",
    "amount_differs": "Alipay's file has another amount for a {kind}",
    "status_differs": "Alipay's file has a {kind} that ended otherwise here",
    "fee_differs": "The fee of a {kind} is not what the contract says",
    "settled_twice": "A {kind} was paid out twice",
    "never_settled": "A {kind} was never paid out",
}
#: One case for all of them, where a whole file is doubtful.
TOO_MANY: Final = "A great many differences of one kind on one day: is it the right file?"
#: What to do about it, in the words of the procedure.
ACTIONS: Final = {
    "only_theirs": "query, then book it or refund it",
    "only_ours": "query, then correct our books or ask Alipay",
    "amount_differs": "stop, and ask Alipay",
    "status_differs": "query, then book it or refund it",
    "fee_differs": "ask Alipay",
    "settled_twice": "ask Alipay",
    "never_settled": "ask Alipay",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `class_` is one of `CLASSES`; `row` is the line of `file_name`, None where no line is."""

    id: int
    account_id: str
    run_id: str
    day: date
    class_: str = msgspec.field(name="class")
    file_kind: str
    file_name: str
    row: int | None
    kind: str
    own_number: str
    trade_number: str
    payment_id: str | None
    refund_id: str | None
    merchant_id: str
    theirs: int | None
    theirs_currency: str | None
    ours: int | None
    ours_currency: str | None
    what: str
    said: str
    found_at: datetime
    gone_at: datetime | None
    case_id: str | None

    @property
    def their_money(self) -> Money | None:
        """What the file says."""
        return None if self.theirs is None or self.theirs_currency is None else Money(self.theirs, self.theirs_currency)

    @property
    def our_money(self) -> Money | None:
        """What we say, or would have expected."""
        return None if self.ours is None or self.ours_currency is None else Money(self.ours, self.ours_currency)

    @property
    def at_risk(self) -> Money | None:
        """How much money this is about."""
        ours, theirs = self.our_money, self.their_money
        if ours is None or theirs is None or self.class_ in ("status_differs", "settled_twice"):
            return theirs if theirs is not None else ours
        if ours.currency != theirs.currency:
            return theirs
        return Money(abs(ours.minor - theirs.minor), ours.currency)


FINDING_COLUMNS: Final = ", ".join(field.encode_name for field in msgspec.structs.fields(Finding))


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list."""

    id: str
    account_id: str
    account_name: str
    day: date
    status: str
    problem: str
    lines: int
    agree: int
    differ: int
    started_at: datetime | None
    finished_at: datetime | None


_RUNS: Final = """
SELECT r.id, r.account_id, coalesce(a.name, r.account_id) AS account_name, r.day, r.status, r.problem, r.lines,
    r.agree, r.differ, r.started_at, r.finished_at
FROM recon_runs AS r LEFT JOIN accounts AS a ON a.id = r.account_id
WHERE (%(account)s = '' OR r.account_id = %(account)s) AND (%(before)s::date IS NULL OR r.day < %(before)s::date)
ORDER BY r.day DESC, r.account_id LIMIT %(limit)s
"""
_RUN: Final = """
SELECT r.id, r.account_id, coalesce(a.name, r.account_id) AS account_name, r.day, r.status, r.problem, r.lines,
    r.agree, r.differ, r.started_at, r.finished_at
FROM recon_runs AS r LEFT JOIN accounts AS a ON a.id = r.account_id WHERE r.id = %(id)s
"""
_LINES: Final = f"""
SELECT {FINDING_COLUMNS} FROM recon_findings WHERE run_id = %(run)s AND (%(kind)s = '' OR class = %(kind)s)
    AND id > %(cursor)s AND (%(gone)s OR gone_at IS NULL) ORDER BY id LIMIT %(limit)s
"""  # noqa: S608


class ClassCount(msgspec.Struct, frozen=True):
    """How many differences of one class a run has."""

    name: str
    count: int


async def runs(rows: Rows, account_id: str = "", before: date | None = None, limit: int = 30) -> list[RunLine]:
    """Runs, the latest day first; `before` is the last day of the page before."""
    return await rows.rows(RunLine, _RUNS, {"account": account_id, "before": before, "limit": limit})


async def run(rows: Rows, run_id: str) -> RunLine:
    """One run. Raises `NotFound`."""
    return await rows.one(RunLine, _RUN, {"id": run_id})


async def counts(rows: Rows, run_id: str) -> dict[str, int]:
    """How many open differences a run has of each class, also of those it has none of."""
    found = await rows.rows(
        ClassCount,
        """SELECT class AS name, count(*) AS count FROM recon_findings
           WHERE run_id = %(id)s AND gone_at IS NULL GROUP BY class""",
        {"id": run_id},
    )
    return dict.fromkeys(CLASSES, 0) | {one.name: one.count for one in found}


async def lines(
    rows: Rows, run_id: str, kind: str = "", cursor: int = 0, limit: int = 100, *, gone: bool = False
) -> list[Finding]:
    """Differences of a run, of one class or of all; `cursor` is the id of the last one seen, `gone` adds those over."""
    params = {"run": run_id, "kind": kind, "cursor": cursor, "limit": limit, "gone": gone}
    return await rows.rows(Finding, _LINES, params)


_HEADINGS: Final = (
    *("day", "class", "kind", "own_number", "trade_number", "theirs", "theirs_currency", "ours", "ours_currency"),
    *("what", "our_status", "file", "line", "payment", "refund", "case", "found_at"),
)


async def export_csv(rows: Rows, run_id: str, kind: str = "") -> AsyncIterator[str]:
    """The differences of a run as CSV, piece by piece. Cells that a spreadsheet would reckon with are made text."""
    yield _csv(list(_HEADINGS))
    cursor = 0
    while page := await lines(rows, run_id, kind, cursor, 500):
        cursor = page[-1].id
        yield "".join(_csv(_cells(one)) for one in page)


def _cells(one: Finding) -> list[str]:
    ours, theirs = one.our_money, one.their_money
    return [
        str(one.day), one.class_, one.kind, one.own_number, one.trade_number,
        theirs.text if theirs else "", one.theirs_currency or "", ours.text if ours else "", one.ours_currency or "",
        one.what, one.said, one.file_name, str(one.row or ""), one.payment_id or "", one.refund_id or "",
        one.case_id or "", f"{beijing(one.found_at):%Y-%m-%d %H:%M:%S}",
    ]  # fmt: skip


def _csv(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells)
    return out.getvalue()


_WITHOUT: Final = f"""
SELECT {FINDING_COLUMNS} FROM recon_findings
WHERE account_id = %(account)s AND case_id IS NULL AND gone_at IS NULL ORDER BY id LIMIT %(limit)s FOR UPDATE
"""  # noqa: S608
_HOW_MANY: Final = """
SELECT count(*) FROM recon_findings WHERE run_id = %(run)s AND class = %(class)s AND case_id IS NOT NULL
"""
_REST: Final = """
UPDATE recon_findings SET case_id = %(case)s WHERE run_id = %(run)s AND class = %(class)s AND case_id IS NULL
"""
_OVER: Final = f"""
SELECT {FINDING_COLUMNS} FROM recon_findings AS f WHERE account_id = %(account)s AND gone_at IS NOT NULL
  AND EXISTS (SELECT FROM cases AS c WHERE c.id = f.case_id AND c.status <> 'closed' AND c.key = 'recon:' || f.id)
ORDER BY id LIMIT %(limit)s
"""  # noqa: S608


async def make_cases(db: Database, clock: Clock, account_id: str) -> None:
    """Open a case for each difference that has none, and close those of differences that are none any more."""
    while True:
        async with db.transaction() as tx:
            found = await tx.rows(Finding, _WITHOUT, {"account": account_id, "limit": _AT_ONCE})
            for one in found:
                await _case(tx, one, clock.now())
        if len(found) < _AT_ONCE:
            break
    while True:
        async with db.transaction() as tx:
            over = await tx.rows(Finding, _OVER, {"account": account_id, "limit": _AT_ONCE})
            for one in over:
                why = "The file and the books agree now."
                await cases.close_case(tx, one.case_id or "", "saoma", cases.Move.EXPLAINED.value, why, clock.now())
        if len(over) < _AT_ONCE:
            return


async def _case(tx: Transaction, one: Finding, now: datetime) -> None:
    group = {"run": one.run_id, "class": one.class_}
    if await tx.value(_HOW_MANY, group) >= CASES_PER_CLASS:
        made = await cases.open_case(
            tx, merchant_id="", kind=one.class_, subject_kind="reconciliation", subject_id=one.run_id,
            title=TOO_MANY,
            at_risk=None, proposed=cases.Move.DEALT_WITH.value, detail={"day": str(one.day)},
            key=f"recon:{one.run_id}:{one.class_}", now=now,
        )  # fmt: skip
        await tx.run(_REST, group | {"case": made.id})
        return
    subject = ("refund", one.refund_id) if one.refund_id else ("payment", one.payment_id) if one.payment_id else None
    made = await cases.open_case(
        tx, merchant_id=one.merchant_id, kind=one.class_,
        subject_kind=subject[0] if subject else "finding", subject_id=(subject and subject[1]) or str(one.id),
        title=TITLES[one.class_].format(kind=one.kind), at_risk=one.at_risk,
        proposed=cases.Move.DEALT_WITH.value, detail=_detail(one), key=f"recon:{one.id}", now=now,
    )  # fmt: skip
    await tx.run("UPDATE recon_findings SET case_id = %(case)s WHERE id = %(id)s", {"case": made.id, "id": one.id})


def _detail(one: Finding) -> dict[str, str]:
    told = {
        "day": str(one.day), "action": ACTIONS[one.class_], "own_number": one.own_number,
        "trade_number": one.trade_number, "file": one.file_name, "line": str(one.row or ""),
        "theirs": str(one.their_money or ""), "ours": str(one.our_money or ""), "our_status": one.said,
        "what": one.what, "run": one.run_id,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}
