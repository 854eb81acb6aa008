"""How often something may be tried: counted in the database, so that many processes count together.

A try is counted before it is judged; otherwise a hundred at once would all be judged against the same count."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Refused


class TooManyTries(Refused):
    """Tried too often; `minutes` says how long to wait."""

    status = 429

    def __init__(self, minutes: int) -> None:
        super().__init__("Too many tries. Wait {minutes} min and try again.", minutes=minutes)
        self.minutes = minutes


class _Window(msgspec.Struct, frozen=True):
    tries: int
    window_ends_at: datetime


class Tries:
    """Counts tries in windows of time."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def count(self, key: str, limit: int, window: timedelta) -> None:
        """Count one try of `key`. Raises `TooManyTries` when there were more than `limit` in the window."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            row = await tx.one(
                _Window,
                """INSERT INTO sign_in_tries AS t (key, tries, window_ends_at) VALUES (%(key)s, 1, %(ends)s)
                   ON CONFLICT (key) DO UPDATE SET
                       tries = CASE WHEN t.window_ends_at <= %(now)s THEN 1 ELSE t.tries + 1 END,
                       window_ends_at = CASE WHEN t.window_ends_at <= %(now)s THEN %(ends)s ELSE t.window_ends_at END
                   RETURNING tries, window_ends_at""",
                {"key": key, "now": now, "ends": now + window},
            )
            await tx.run(
                """DELETE FROM sign_in_tries WHERE key IN
                   (SELECT key FROM sign_in_tries WHERE window_ends_at < %(now)s LIMIT 10 FOR UPDATE SKIP LOCKED)""",
                {"now": now},
            )
        if row.tries > limit:
            raise TooManyTries(max(1, -(-int((row.window_ends_at - now).total_seconds()) // 60)))

    async def forget(self, key: str) -> None:
        """Start counting `key` anew: it was right this time."""
        async with self._db.reading() as rows:
            await rows.run("DELETE FROM sign_in_tries WHERE key = %(key)s", {"key": key})

    async def give_back(self, key: str) -> None:
        """Take back the one try of `key` that proved right; wrong ones of others stay counted."""
        async with self._db.reading() as rows:
            await rows.run("UPDATE sign_in_tries SET tries = tries - 1 WHERE key = %(key)s AND tries > 0", {"key": key})
