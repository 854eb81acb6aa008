"""The watch: every minute a look for what no single event shows, and every night the audit; both ring when they find.

Whichever worker comes first does it. That workers are silent is found by the app's processes, for who else could."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

import msgspec
import structlog

from saoma.kit.clock import BEIJING, Clock, beijing
from saoma.kit.db import Database, Rows
from saoma.kit.due import DueWork
from saoma.payments.alarm_rules import rule
from saoma.payments.alarms import raise_alarm
from saoma.payments.audit import audited
from saoma.payments.clearing import clear_old_lines

log = structlog.get_logger(__name__)

_EVERY: Final = timedelta(minutes=1)
_AUDIT_AT: Final = time(3, 30)
_LEASE: Final = timedelta(minutes=5)
#: Told the time, and when it was done last, it says how it went.
Nightly = Callable[[datetime, datetime | None], Awaitable[str]]
#: A process that has not been heard of for so long is gone.
SILENT_AFTER: Final = timedelta(seconds=45)
#: Work that has been due for so long has nobody who does it.
LATE_AFTER: Final = timedelta(minutes=2)
_NOTICE_WITHIN: Final = timedelta(hours=1)
_NOTICE_LOOK_BACK: Final = timedelta(hours=3)
_REFUND_DAY: Final = timedelta(days=1)

#: The provider's words, and ours in their place, that count as trouble with it.
TROUBLE: Final = (
    "SYSTEM_ERROR",
    "aop.ACQ.SYSTEM_ERROR",
    "ACQ.SYSTEM_ERROR",
    "silence",
    "not_sent",
    "fault",
    "bad_signature",
    "unreadable",
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A group that is in trouble, and how often it was seen."""

    key: str
    merchant_id: str
    count: int


class Chore(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is done again and again: when it was, what it said, when it is next."""

    id: str
    due_at: datetime | None
    done_at: datetime | None
    said: str


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One process, and when it was last heard of."""

    process: str
    kind: str
    started_at: datetime
    at: datetime


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One table of due work: how many rows wait, how many are due by now, since when the oldest."""

    name: str
    waiting: int
    due: int
    oldest: datetime | None


_TROUBLE_NOW = """
SELECT p.account_id AS key, '' AS merchant_id, count(*) AS count FROM payment_events AS e
JOIN payments AS p ON p.id = e.payment_id
WHERE e.at > %(since)s AND e.at <= %(now)s AND e.code = ANY(%(codes)s) AND p.account_id <> 'acc_practice'
GROUP BY p.account_id
HAVING count(*) >= %(least)s
"""
_CODES_NOW = """
SELECT DISTINCT code AS key, '' AS merchant_id, 1::bigint AS count FROM payment_events
WHERE at > %(since)s AND at <= %(now)s AND code <> '' AND door IN ('answer', 'query', 'notice')
"""
_NEVER_NOTIFIED = """
SELECT account_id AS key, min(merchant_id) AS merchant_id, count(*) AS count FROM payments AS p
WHERE created_at > %(from)s AND created_at <= %(until)s AND status = 'succeeded'
  AND method IN ('barcode', 'wallet_page', 'order_code') AND account_id <> 'acc_practice'
  AND NOT EXISTS (SELECT FROM payment_events AS e WHERE e.payment_id = p.id AND e.door = 'notice')
GROUP BY account_id
"""
_REFUNDS_PENDING = """
SELECT merchant_id AS key, merchant_id, count(*) AS count FROM refunds
WHERE due_at IS NOT NULL AND status = 'pending' AND created_at < %(before)s
  AND NOT starts_with(merchant_id, 'mpr_') GROUP BY merchant_id
"""


class Watch:
    """Looks and rings. `known` says whether a code has a line in the table; `tables` are those with due work.

    `more_rules` are other rooms' audit questions; `keep_lines` says how long the lines of daily files are kept;
    `more_chores` are what other rooms have done every night, by the names of their rows."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        known: Callable[[str], bool] = lambda code: True,
        tables: Sequence[str] = ("payments", "refunds"),
        more_rules: Mapping[str, str] | None = None,
        keep_lines: timedelta = timedelta(days=120),
        more_chores: Mapping[str, Nightly] | None = None,
    ) -> None:
        self.db = db
        self.clock = clock
        self.tables = tuple(tables)
        self._known = known
        self._more_rules = dict(more_rules or {})
        self._keep_lines = keep_lines
        self._chores: dict[str, Nightly] = {
            "watch": self.look,
            "audit": self.audit,
            "lines": self.clear,
            **(more_chores or {}),
        }

    def works(self) -> list[DueWork]:
        """What a worker must drive."""
        return [DueWork("chores", "chores", _LEASE, self.do)]

    async def do(self, chore_id: str) -> None:
        """Do one chore and say when it is next. Safe to repeat: it only looks, and alarms are grouped."""
        now = self.clock.now()
        async with self.db.reading() as rows:
            last = await rows.value("SELECT done_at FROM chores WHERE id = %(id)s", {"id": chore_id})
        said = await self._chores[chore_id](now, last if isinstance(last, datetime) else None)
        due_at = now + _EVERY if chore_id == "watch" else next_night(now)
        async with self.db.reading() as rows:
            await rows.run(
                "UPDATE chores SET done_at = %(now)s, due_at = %(due)s, tries = 0, said = %(said)s WHERE id = %(id)s",
                {"id": chore_id, "now": now, "due": due_at, "said": said},
            )

    async def look(self, now: datetime, last: datetime | None) -> str:
        """One look at everything that is counted, late, pending or missing; how many groups rang."""
        # Not further back than ten minutes: after a long pause, what is over is for the audit, not for the alarm.
        since = max(last or now - _EVERY, now - timedelta(minutes=10))
        rang = 0
        async with self.db.reading() as rows:
            for name, found in [
                ("gateway_trouble", await self._trouble(rows, now)),
                ("unknown_code", await self._codes(rows, since, now)),
                ("never_notified", await self._unnotified(rows, now)),
                ("refund_pending", await rows.rows(Found, _REFUNDS_PENDING, {"before": now - _REFUND_DAY})),
                ("due_late", await self._late(rows, now)),
            ]:
                for each in found:
                    rang += 1
                    await raise_alarm(rows, name, each.key, f"{each.key}: {each.count}", each.merchant_id, now)
        return f"{rang} rang" if rang else "all is well"

    async def _trouble(self, rows: Rows, now: datetime) -> list[Found]:
        about = rule("gateway_trouble")
        moment: dict[str, Any] = {"since": now - about.window, "now": now, "codes": list(TROUBLE), "least": about.count}
        return await rows.rows(Found, _TROUBLE_NOW, moment)

    async def _codes(self, rows: Rows, since: datetime, now: datetime) -> list[Found]:
        said = await rows.rows(Found, _CODES_NOW, {"since": since, "now": now})
        return [each for each in said if not self._known(each.key)]

    async def _unnotified(self, rows: Rows, now: datetime) -> list[Found]:
        between = {"from": now - _NOTICE_LOOK_BACK, "until": now - _NOTICE_WITHIN}
        return await rows.rows(Found, _NEVER_NOTIFIED, between)

    async def _late(self, rows: Rows, now: datetime) -> list[Found]:
        queues = await due_queues(rows, self.tables, now)
        late = now - LATE_AFTER
        return [
            Found(key=queue.name, merchant_id="", count=queue.due)
            for queue in queues
            if queue.oldest is not None and queue.oldest < late
        ]

    async def audit(self, now: datetime, _: datetime | None) -> str:
        """Ask every rule of the books; ring for each that is broken, naming the first few rows."""
        broken = total = 0
        async with self.db.transaction() as tx:
            async for name, found in audited(tx, now, self._more_rules):
                first: list[str] = []
                count = 0
                async for fault in found:
                    count += 1
                    if count <= 3:
                        first.append(f"{fault.id} {fault.detail}")
                if count:
                    broken, total = broken + 1, total + count
                    await raise_alarm(tx, "audit_breach", name, f"{name}: {count}; {'; '.join(first)}", now=now)
        return f"{broken} rules broken, {total} rows" if broken else "all is well"

    async def clear(self, now: datetime, _: datetime | None) -> str:
        """Let go of the lines of old daily files."""
        cleared = await clear_old_lines(self.db, now, self._keep_lines)
        return f"{cleared} lines" if cleared else "all is well"


def next_night(now: datetime) -> datetime:
    """Half past three in the morning in Beijing: after the cancel window and the files, before the day."""
    there = beijing(now)
    at = datetime.combine(there.date(), _AUDIT_AT, BEIJING)
    return at if at > there else at + timedelta(days=1)


async def chores(rows: Rows) -> list[Chore]:
    """What is done again and again, by name."""
    return await rows.rows(Chore, "SELECT id, due_at, done_at, said FROM chores ORDER BY id")


async def due_queues(rows: Rows, tables: Sequence[str], now: datetime) -> list[Queue]:
    """How each table of due work stands, in one question. `tables` are names of our own, never a visitor's."""
    if not all(table.isidentifier() for table in tables):
        raise ValueError("a table's name is an identifier")
    parts = [
        f"""SELECT '{table}' AS name, count(due_at) AS waiting, count(due_at) FILTER (WHERE due_at <= %(now)s) AS due,
            min(due_at) AS oldest FROM {table} WHERE due_at IS NOT NULL"""  # noqa: S608
        for table in tables
    ]
    return await rows.rows(Queue, " UNION ALL ".join(parts), {"now": now})


async def beat(rows: Rows, process: str, kind: str, now: datetime) -> None:
    """Say that this process lives; what has been silent for a day is forgotten."""
    await rows.run(
        """INSERT INTO heartbeats (process, kind, started_at, at) VALUES (%(process)s, %(kind)s, %(now)s, %(now)s)
           ON CONFLICT (process) DO UPDATE SET at = excluded.at""",
        {"process": process, "kind": kind, "now": now},
    )
    await rows.run("DELETE FROM heartbeats WHERE at < %(long_ago)s", {"long_ago": now - timedelta(days=1)})


async def beats(rows: Rows) -> list[Beat]:
    """Every process that was heard of within a day, workers last."""
    return await rows.rows(Beat, "SELECT process, kind, started_at, at FROM heartbeats ORDER BY kind, process")


async def workers_silent(rows: Rows, now: datetime, waiting_since: datetime) -> bool:
    """Whether no worker has been heard of lately; a deployment that has only just started is given time."""
    if now - waiting_since < SILENT_AFTER:
        return False
    last = await rows.value("SELECT max(at) FROM heartbeats WHERE kind = 'worker'")
    return not isinstance(last, datetime) or now - last > SILENT_AFTER
