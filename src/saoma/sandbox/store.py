"""What outlives the process: one SQLite file that is written before anything is answered.

Truth lives in memory while the process runs; the file is only read at start-up (and for the call log). Records
changed inside `writing()` are committed once, at its outermost end: answer after that, never before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
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
    out_trade_no TEXT NOT NULL, request TEXT NOT NULL, response TEXT, why TEXT NOT NULL, heard BLOB
);
"""


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
    """A call of the log with its place in it; `heard` is None for calls that came by no gateway."""

    id: int
    call: Call
    heard: Heard | None


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
        if "heard" not in {row[1] for row in self._db.execute("PRAGMA table_info(calls)")}:
            self._db.execute("ALTER TABLE calls ADD COLUMN heard BLOB")
        self._changed: dict[tuple[str, str], Any] = {}
        self._calls: list[tuple[str, str, str, str, str, str | None, str, Heard | None]] = []
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
        self, at: str, service: str, partner: str, number: str, asked: dict[str, str], said: str | None, why: str = ""
    ) -> None:
        """Note a call; it is written with the next commit."""
        self._calls.append(
            (at, service, partner, number, json.dumps(asked, ensure_ascii=False), said, why, self._heard)
        )
        self._settle()

    def calls(self, partner: str = "", number: str = "", limit: int = CALLS_KEPT) -> list[Call]:
        """The remembered calls, oldest first, the latest `limit` of them."""
        rows = self._db.execute(
            "SELECT at, service, partner, out_trade_no, request, response, why FROM calls"
            " WHERE (?1 = '' OR partner = ?1) AND (?2 = '' OR out_trade_no = ?2) ORDER BY id DESC LIMIT ?3",
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

    def heard(self, *, after: int = 0, call_id: int = 0, limit: int = 100) -> list[HeardCall]:
        """Calls as they came, the latest first: one by its place, or the latest `limit` behind a place."""
        rows = self._db.execute(
            "SELECT id, at, service, partner, out_trade_no, request, response, why, heard FROM calls"
            " WHERE id > ?1 AND (?2 = 0 OR id = ?2) ORDER BY id DESC LIMIT ?3",
            (after, call_id, limit),
        )
        found = []
        for place, at, service, who, order, asked, said, why, heard in rows:
            came = msgspec.json.decode(heard, type=Heard) if heard else None
            found.append(HeardCall(place, Call(at, service, who, order, json.loads(asked), said, why), came))
        return found

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
        db = self._db
        db.execute("BEGIN")
        try:
            for (kind, key), record in changed.items():
                if record is None:
                    db.execute("DELETE FROM kept WHERE kind = ? AND key = ?", (kind, key))
                else:
                    db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, encode(record)))
            db.executemany(
                "INSERT INTO calls (at, service, partner, out_trade_no, request, response, why, heard)"
                " VALUES (?,?,?,?,?,?,?,?)",
                [(*call[:-1], encode(call[-1]) if call[-1] else None) for call in calls],
            )
            self._calls_logged += len(calls)
            if self._calls_logged >= _SWEEP_EVERY:
                self._calls_logged = 0
                db.execute("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - ?", (CALLS_KEPT,))
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
        if calls:
            for look in list(self.watchers):
                look()
