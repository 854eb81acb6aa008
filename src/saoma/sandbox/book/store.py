"""What outlives the process: one SQLite file that is written before anything is answered.

Truth lives in memory while the process runs; the file is only read at start-up (and for the call log). Records
changed inside `writing()` are committed once, at its outermost end: answer after that, never before."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

#: How many calls the log remembers; a replay of a whole restaurant fits.
CALLS_KEPT: Final = 30_000
_SWEEP_EVERY: Final = 500

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS kept (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, service TEXT NOT NULL, partner TEXT NOT NULL,
    out_trade_no TEXT NOT NULL, request TEXT NOT NULL, response TEXT, why TEXT NOT NULL, heard BLOB,
    outward INTEGER NOT NULL DEFAULT 0
);
"""
#: Columns that books from before have not; each with its kind.
_ADDED: Final = {"heard": "BLOB", "outward": "INTEGER NOT NULL DEFAULT 0"}


class Call(msgspec.Struct):
    """One call as it was made and answered. `response` is None where the sandbox kept silent; `why` tells a developer
    what a bare refusal hides."""

    at: str
    service: str
    partner: str
    out_trade_no: str
    request: dict[str, str]
    response: str | None
    why: str = ""


class Heard(msgspec.Struct):
    """A request as it came, before anybody read it. `answer` are the headers that went back, where they matter."""

    method: str
    address: str
    headers: dict[str, str]
    body: bytes
    answer: dict[str, str] = {}


class HeardCall(msgspec.Struct):
    """A call of the log with its place in it; `heard` is None for calls that came by no gateway.

    `outward`: it was made by the sandbox, to a partner; its answer's status stands in `heard.answer`."""

    id: int
    call: Call
    heard: Heard | None
    outward: bool = False


class Sought(msgspec.Struct, frozen=True):
    """Which calls are looked for: those behind the place `after` and before `before` (0: no bound), of a partner, a
    service, an order, and with a text in them."""

    after: int = 0
    before: int = 0
    partner: str = ""
    service: str = ""
    number: str = ""
    text: str = ""


def _heard_call(row: Sequence[Any]) -> HeardCall:
    place, at, service, who, order, asked, said, why, heard, outward = row
    came = msgspec.json.decode(heard, type=Heard) if heard else None
    return HeardCall(place, Call(at, service, who, order, json.loads(asked), said, why), came, bool(outward))


class Store:
    """The file, or memory only when `path` is None. One connection, used from one thread."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # in WAL mode a commit hands the pages to the operating system, which a killed process can't take back;
        # only a power cut could lose the last moments, and no demo survives that unnoticed
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)
        known = {row[1] for row in self._db.execute("PRAGMA table_info(calls)")}
        for column, kind in _ADDED.items():
            if column not in known:
                self._db.execute(f"ALTER TABLE calls ADD COLUMN {column} {kind}")
        self._changed: dict[tuple[str, str], Any] = {}
        self._calls: list[tuple[str, str, str, str, str, str | None, str, Heard | None, bool]] = []
        self._heard: Heard | None = None
        #: Called after calls were written, so that whoever watches looks again.
        self.watchers: set[Callable[[], None]] = set()
        self._calls_logged = 0
        self._depth = 0

    def read(self, kind: str, record: type[T]) -> Iterator[T]:
        """Every kept record of a kind, in no order."""
        decode = msgspec.json.Decoder(record).decode
        for (body,) in self._db.execute("SELECT body FROM kept WHERE kind = ?", (kind,)):
            yield decode(body)

    def one(self, kind: str, key: str, record: type[T]) -> T | None:
        """One kept record, if there is one."""
        row = self._db.execute("SELECT body FROM kept WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=record)

    def keep(self, kind: str, key: str, record: Any) -> None:
        """Write `record` (as it will be then) with the next commit."""
        self._changed[kind, key] = record
        self._settle()

    def drop(self, kind: str, key: str) -> None:
        """Forget a record with the next commit."""
        self._changed[kind, key] = None
        self._settle()

    def log(
        self, at: str, service: str, partner: str, number: str, asked: dict[str, str], said: str | None, why: str = "",
        *, outward: bool = False,
    ) -> None:  # fmt: skip
        """Note a call; it is written with the next commit. `outward`: one that the sandbox made."""
        self._calls.append(
            (at, service, partner, number, json.dumps(asked, ensure_ascii=False), said, why, self._heard, outward)
        )
        self._settle()

    def calls(self, partner: str = "", number: str = "", limit: int = CALLS_KEPT) -> list[Call]:
        """The remembered calls of partners, oldest first, the latest `limit` of them."""
        rows = self._db.execute(
            "SELECT at, service, partner, out_trade_no, request, response, why FROM calls"
            " WHERE NOT outward AND (?1 = '' OR partner = ?1) AND (?2 = '' OR out_trade_no = ?2)"
            " ORDER BY id DESC LIMIT ?3",
            (partner, number, limit),
        ).fetchall()
        return [
            Call(at, service, who, order, json.loads(asked), said, why)
            for at, service, who, order, asked, said, why in reversed(rows)
        ]

    @contextmanager
    def hearing(self, heard: Heard) -> Iterator[Heard]:
        """What is logged inside came as `heard`; written at the end, so that answer headers may be added."""
        with self.writing():
            self._heard = heard
            try:
                yield heard
            finally:
                self._heard = None

    def heard(self, sought: Sought = Sought(), *, limit: int = 100) -> list[HeardCall]:
        """Calls as they came and went, the latest first, at most `limit` of those that are sought."""
        text = "%" + re.sub(r"([\\%_])", r"\\\1", sought.text) + "%" if sought.text else ""
        rows = self._db.execute(
            "SELECT id, at, service, partner, out_trade_no, request, response, why, heard, outward FROM calls"
            " WHERE id > ?1 AND (?2 = 0 OR id < ?2) AND (?3 = '' OR partner = ?3) AND (?4 = '' OR service = ?4)"
            " AND (?5 = '' OR out_trade_no = ?5) AND (?6 = '' OR request LIKE ?6 ESCAPE '\\'"
            " OR out_trade_no LIKE ?6 ESCAPE '\\' OR service LIKE ?6 ESCAPE '\\' OR partner LIKE ?6 ESCAPE '\\'"
            " OR response LIKE ?6 ESCAPE '\\' OR why LIKE ?6 ESCAPE '\\') ORDER BY id DESC LIMIT ?7",
            (sought.after, sought.before, sought.partner, sought.service, sought.number, text, limit),
        )
        return [_heard_call(row) for row in rows]

    def heard_one(self, call_id: int) -> HeardCall | None:
        """One call by its place in the log."""
        return next(iter(self.heard(Sought(after=call_id - 1, before=call_id + 1), limit=1)), None)

    def counted(self, *, after: int) -> int:
        """How many remembered calls of partners stand behind a place."""
        found = self._db.execute("SELECT COUNT(*) FROM calls WHERE id > ? AND NOT outward", (after,)).fetchone()
        return int(found[0])

    def services(self) -> list[str]:
        """The services that were ever called."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT service FROM calls ORDER BY service") if row[0]]

    def name(self) -> str:
        """A name for this book's log: places in another one mean other calls."""
        known = self.one("log", "name", str)
        if known is None:
            known = secrets.token_hex(6)
            self.keep("log", "name", known)
        return known

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Everything kept inside is committed together when the outermost `writing` ends, also after an error:

        what memory holds is what happened."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._settle()

    def check(self) -> None:
        """Raises `sqlite3.Error` when nothing can be written any more."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        self._db.close()

    def _settle(self) -> None:
        if self._depth or not (self._changed or self._calls):
            return
        changed, self._changed = self._changed, {}
        calls, self._calls = self._calls, []
        encode = msgspec.json.encode
        bodies = [(*place, None if record is None else encode(record)) for place, record in changed.items()]
        try:
            self._commit(bodies, [(*call[:-2], encode(call[-2]) if call[-2] else None, call[-1]) for call in calls])
        except sqlite3.Error:
            # memory has moved on: a full disk or another program's lock may cost lines of the log, but no money
            self._changed = changed | self._changed
            raise
        if calls:
            for look in list(self.watchers):
                look()

    def _commit(self, bodies: Sequence[tuple[str, str, bytes | None]], calls: Sequence[tuple[Any, ...]]) -> None:
        db = self._db
        db.execute("BEGIN")
        try:
            for kind, key, body in bodies:
                if body is None:
                    db.execute("DELETE FROM kept WHERE kind = ? AND key = ?", (kind, key))
                else:
                    db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, body))
            db.executemany(
                "INSERT INTO calls (at, service, partner, out_trade_no, request, response, why, heard, outward)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                calls,
            )
            self._calls_logged += len(calls)
            if self._calls_logged >= _SWEEP_EVERY:
                self._calls_logged = 0
                db.execute("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - ?", (CALLS_KEPT,))
            db.execute("COMMIT")
        except BaseException:
            # some errors have rolled back by themselves
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
