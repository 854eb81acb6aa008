"""One day of one account, reconciled three ways: our payments and refunds, the provider's trades, what was paid out.

A run is a row and may be run as often as one likes: files are told by their digests, differences by their keys, payouts
by their trades, so a second time adds nothing, and whoever follows a killed process goes on where it stopped. All days
are Alipay's, GMT+8 (https://docs.antom.com/ac/globalbarcode/reconciliation)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec
import structlog

from saoma.gateway import StatementKind, StatementUnreadable
from saoma.kit.clock import BEIJING, Clock
from saoma.kit.db import Database
from saoma.kit.errors import SaomaError
from saoma.kit.ids import new_id
from saoma.payments import differences, findings, payouts
from saoma.payments.statement_lines import PART, DailyFile, LoadedFile, Progress, Watch, load

log = structlog.get_logger(__name__)


class RunStatus(StrEnum):
    """Where a run stands. `WAITING` wants a file that is not there; `NOTHING` was a day without trade."""

    WAITING = "waiting"
    LOADING = "loading"
    MATCHING = "matching"
    DONE = "done"
    NOTHING = "nothing"
    FAILED = "failed"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one account. `agree` and `differ` count lines and differences; `problem` is what is wrong.

    Once it is `cleared_at`, its lines are gone and its counts and differences stay."""

    id: str
    account_id: str
    day: date
    status: RunStatus
    pass_: int = msgspec.field(name="pass")
    problem: str
    lines: int
    agree: int
    differ: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    tries: int
    cleared_at: datetime | None


RUN_COLUMNS: Final = ", ".join(field.encode_name for field in msgspec.structs.fields(Run))


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract says. Fees are not checked without a `fee_rate`; `since` is the first day that is reconciled.

    `grace_days` are allowed after the next working day before something counts as never settled (holidays). Without
    `pays_out` no settlement file is missed: an acquirer pays its merchants in ways of its own."""

    partner: str
    since: date
    fee_rate: Decimal | None = None
    refund_fee_kept: bool = False
    grace_days: int = 4
    pays_out: bool = True


class Busy(SaomaError):
    """Somebody is reconciling this very day already: their result will do."""


#: Tells a person of a missing or wrong file: (rule, key, text).
Ring = Callable[[str, str, str], Awaitable[None]]


async def _no_ring(_rule: str, _key: str, _text: str) -> None:
    return None


def _no_watch(_progress: Progress) -> None:
    return None


_RUN: Final = f"""
INSERT INTO recon_runs (id, account_id, day, status, created_at)
VALUES (%(id)s, %(account)s, %(day)s, 'waiting', %(now)s)
ON CONFLICT (account_id, day) DO UPDATE SET day = excluded.day RETURNING {RUN_COLUMNS}
"""  # noqa: S608
_STEP: Final = f"""
UPDATE recon_runs SET status = %(status)s, problem = %(problem)s, started_at = coalesce(%(started)s, started_at),
    finished_at = %(finished)s, pass = pass + %(passes)s
WHERE id = %(id)s RETURNING {RUN_COLUMNS}
"""  # noqa: S608
_FILES: Final = (
    "SELECT id, matched, loaded, kind, name FROM recon_files WHERE run_id = %(id)s AND complete ORDER BY kind"
)
_MATCHED: Final = "UPDATE recon_files SET matched = %(to)s WHERE id = %(file)s"
_COUNT: Final = """
UPDATE recon_runs SET lines = read.lines, agree = read.lines - open.lines, differ = open.differ
FROM (
    SELECT count(*) AS differ,
        count(DISTINCT (file_kind, row)) FILTER (WHERE row IS NOT NULL AND class <> 'never_settled') AS lines
    FROM recon_findings WHERE run_id = %(id)s AND gone_at IS NULL
) AS open, (
    SELECT coalesce(sum(loaded), 0) AS lines FROM recon_files WHERE run_id = %(id)s AND complete
) AS read
WHERE id = %(id)s
"""
#: Whether a day's transaction file, or its settlement file, is missed when it is not there.
_TRADED: Final = """
SELECT EXISTS (SELECT FROM payments WHERE account_id = %(account)s AND paid_at >= %(first)s AND paid_at < %(last)s
               AND method IN ('barcode', 'wallet_page', 'order_code', 'merchant_code')
               AND (status = 'succeeded' OR gave_back))
    OR EXISTS (SELECT FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
               WHERE p.account_id = %(account)s AND r.status = 'succeeded' AND r.final_at >= %(first)s
               AND r.final_at < %(last)s AND p.method IN ('barcode', 'wallet_page', 'order_code', 'merchant_code'))
"""
_PAID_OUT: Final = """
SELECT EXISTS (SELECT FROM recon_files AS f WHERE f.account_id = %(account)s AND f.kind = 'trades' AND f.complete
    AND f.loaded > 0
    AND f.day + (CASE extract(isodow FROM f.day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END)::int = %(day)s)
"""


def beijing_span(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day at Alipay, and the first after it."""
    first = datetime.combine(day, time(), BEIJING)
    return first, first + timedelta(days=1)


async def run_of(db: Database, clock: Clock, account_id: str, day: date) -> Run:
    """The run of that day, made if it is new."""
    new = {"id": new_id("rec"), "account": account_id, "day": day, "now": clock.now()}
    async with db.transaction() as tx:
        return await tx.one(Run, _RUN, new)


@contextlib.asynccontextmanager
async def alone(db: Database, account_id: str, day: date) -> AsyncIterator[None]:
    """Nobody else runs this day. The lock is the connection's, so it ends with the process. Raises `Busy`."""
    key = f"{account_id}:{day}"
    async with db.reading() as rows:
        if not await rows.value("SELECT pg_try_advisory_lock(hashtextextended(%(key)s, 9))", {"key": key}):
            raise Busy(f"the {day} of this account is being reconciled already")
        try:
            yield
        finally:
            await rows.value("SELECT pg_advisory_unlock(hashtextextended(%(key)s, 9))", {"key": key})


async def reconcile(
    db: Database,
    clock: Clock,
    day: date,
    account_id: str,
    files: Sequence[DailyFile],
    terms: Terms,
    *,
    ring: Ring = _no_ring,
    watch: Watch = _no_watch,
) -> Run:
    """Reconcile a day with the files that are there; the run as it stands then.

    A file that can't be read leaves the run `FAILED`, a missing one leaves it `WAITING`, both with an alarm; run it
    again when the file is there. Raises `Busy`."""
    async with alone(db, account_id, day):
        run = await run_of(db, clock, account_id, day)
        if run.cleared_at is not None:
            if not files:
                # Its lines were cleared long after it was done: without its files there is nothing new to say of it.
                return run
            async with db.transaction() as tx:
                await tx.run("UPDATE recon_runs SET cleared_at = NULL WHERE id = %(id)s", {"id": run.id})
        run = await _step(db, run, RunStatus.LOADING, started=clock.now())
        try:
            for file in files:
                await load(db, clock, run.id, account_id, day, file, terms.partner, watch)
        except StatementUnreadable as error:
            await ring("file_wrong", f"{account_id}:{day}", str(error))
            return await _step(db, run, RunStatus.FAILED, problem=str(error), finished=clock.now())
        return await _Day(db, clock, day, run, terms, ring, watch).match()


async def _step(
    db: Database, run: Run, status: RunStatus, *, problem: str = "", started: datetime | None = None,
    finished: datetime | None = None, passes: int = 0,
) -> Run:  # fmt: skip
    params = {"id": run.id, "status": status.value, "problem": problem, "started": started, "finished": finished}
    async with db.transaction() as tx:
        after = await tx.one(Run, _STEP, params | {"passes": passes})
        await tx.tell("reconciliation", "run", {"run_id": run.id, "status": status.value})
    return after


class _Matched(msgspec.Struct, frozen=True):
    id: int
    matched: int
    loaded: int
    kind: StatementKind
    name: str


@dataclass(slots=True)
class _Day:
    """One pass over one day whose files are in the database."""

    db: Database
    clock: Clock
    day: date
    run: Run
    terms: Terms
    ring: Ring
    watch: Watch

    async def match(self) -> Run:
        """Look at every line and at everything that should be a line."""
        async with self.db.reading() as rows:
            files = await rows.rows(_Matched, _FILES, {"id": self.run.id})
        begun = any(0 < file.matched < file.loaded for file in files)
        self.run = await _step(self.db, self.run, RunStatus.MATCHING, passes=0 if begun else 1)
        if not begun:
            async with self.db.transaction() as tx:
                await tx.run("UPDATE recon_files SET matched = 0 WHERE run_id = %(id)s", {"id": self.run.id})
            files = [msgspec.structs.replace(file, matched=0) for file in files]
        # trades before payouts: what was paid out is compared with what was traded
        for file in sorted(files, key=lambda file: file.kind is StatementKind.SETTLEMENT):
            await self._file(file)
        missing = await self._missing({file.kind for file in files})
        has_trades = any(file.kind is StatementKind.TRADES for file in files)
        await self._rest(whole=has_trades or not missing)
        await findings.make_cases(self.db, self.clock, self.run.account_id)
        async with self.db.transaction() as tx:
            await tx.run(_COUNT, {"id": self.run.id})
        return await self._end(missing, files)

    async def _end(self, missing: list[str], files: list[_Matched]) -> Run:
        now = self.clock.now()
        if missing:
            problem = f"no {' and no '.join(missing)} for {self.day}, a day that should have one"
            await self.ring("file_missing", f"{self.run.account_id}:{self.day}", f"There is {problem}.")
            return await _step(self.db, self.run, RunStatus.WAITING, problem=problem, finished=now)
        status = RunStatus.DONE if files else RunStatus.NOTHING
        run = await _step(self.db, self.run, status, finished=now)
        log.info("reconciliation.done", day=str(self.day), account=run.account_id, lines=run.lines, differ=run.differ)
        return run

    async def _file(self, file: _Matched) -> None:
        for start in range(file.matched, file.loaded, PART):
            end = min(start + PART, file.loaded)
            params = self._params() | {"file": file.id, "name": file.name, "from": start, "to": end}
            async with self.db.transaction() as tx:
                if file.kind is StatementKind.TRADES:
                    await differences.judge_trades(tx, params)
                else:
                    await payouts.enter(tx, params)
                    await differences.judge_settled(tx, params)
                await tx.run(_MATCHED, params)
            self.watch(Progress("matching", file.name, end, file.loaded))

    async def _missing(self, there: set[StatementKind]) -> list[str]:
        first, last = beijing_span(self.day)
        params = {"account": self.run.account_id, "first": first, "last": last, "day": self.day}
        missing = []
        async with self.db.reading() as rows:
            if StatementKind.TRADES not in there and await rows.value(_TRADED, params):
                missing.append("transaction file")
            awaited = self.terms.pays_out and StatementKind.SETTLEMENT not in there
            if awaited and await rows.value(_PAID_OUT, params):
                missing.append("settlement file")
        return missing

    async def _rest(self, *, whole: bool) -> None:
        first, last = beijing_span(self.day)
        # neighbours too: what happened around midnight may be written on either side of it
        span = {"first": first - timedelta(days=1, hours=7), "last": last + timedelta(days=1), "whole": whole}
        params = self._params() | span
        async with self.db.transaction() as tx:
            await differences.look_for_ours(tx, params)
            await differences.look_for_unsettled(tx, params)
            await payouts.post_late(tx, params)
        async with self.db.transaction() as tx:
            await differences.forget_what_went_away(tx, params)

    def _params(self) -> dict[str, Any]:
        terms = self.terms
        return {
            "account": self.run.account_id, "run": self.run.id, "day": self.day, "pass": self.run.pass_,
            "now": self.clock.now(), "rate": terms.fee_rate, "kept": terms.refund_fee_kept,
            "since": terms.since, "grace": terms.grace_days,
        }  # fmt: skip


async def expects_file(db: Database, account_id: str, day: date) -> bool:
    """Whether our books say that this day must have a transaction file."""
    first, last = beijing_span(day)
    async with db.reading() as rows:
        return bool(await rows.value(_TRADED, {"account": account_id, "first": first, "last": last}))


__all__ = ["Busy", "DailyFile", "LoadedFile", "Progress", "Run", "RunStatus", "Terms", "beijing_span", "reconcile"]
