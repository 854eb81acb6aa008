"""Sessions on the server: a cookie holds a random id, the table `sessions` holds what is known under its hash.

A session is written only when it changed, and an id that no one here gave out is never taken over (fixation)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.base import SessionMiddleware
from litestar.middleware.session.server_side import ServerSideSessionBackend, ServerSideSessionConfig
from litestar.stores.base import Store
from litestar.types import Empty, Message
from psycopg_pool import PoolTimeout

from saoma.kit.clock import Clock
from saoma.kit.db import Database

Connection = ASGIConnection[Any, Any, Any, Any]

COOKIE: Final = "saoma_session"
#: How long a device is remembered after its last visit.
LASTS: Final = timedelta(days=30)
_SHAPE: Final = re.compile(r"[0-9a-f]{64}")
#: Where a request remembers what it was given: (the cookie's id, the stored bytes or None).
_LOADED: Final = "saoma_session_loaded"


class _Row(msgspec.Struct, frozen=True):
    id: str
    data: bytes
    expires_at: datetime | None


class PostgresSessions(Store):
    """Litestar's store on the table `sessions`. Ids are kept as hashes: a copy of the table opens no session."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def set(self, key: str, value: str | bytes, expires_in: int | timedelta | None = None) -> None:
        """Keep `value` under `key`, for as long as told (seconds or a timedelta), or for good."""
        data = value.encode() if isinstance(value, str) else value
        until = None if expires_in is None else self._clock.now() + _span(expires_in)
        async with self._db.reading() as rows:
            await rows.run(
                """INSERT INTO sessions (id, data, expires_at) VALUES (%(id)s, %(data)s, %(until)s)
                   ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at""",
                {"id": _hash(key), "data": data, "until": until},
            )

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        """What is kept under `key`, or None. With `renew_for`, its end is moved, at most once in a day."""
        row = await self._db.together.each("sessions", _hash(key), self._read)
        if row is None:
            return None
        if renew_for is not None and row.expires_at is not None:
            until = self._clock.now() + _span(renew_for)
            if until - row.expires_at > timedelta(days=1):
                async with self._db.reading() as rows:
                    await rows.run(
                        "UPDATE sessions SET expires_at = %(until)s WHERE id = %(id)s",
                        {"id": _hash(key), "until": until},
                    )
        return row.data

    async def _read(self, ids: list[str]) -> dict[str, _Row]:
        """What is kept under these hashes: one question for all the devices that come at the same moment."""
        async with self._db.reading() as rows:
            found = await rows.rows(
                _Row,
                """SELECT id, data, expires_at FROM sessions
                   WHERE id = ANY(%(ids)s) AND (expires_at IS NULL OR expires_at > %(now)s)""",
                {"ids": ids, "now": self._clock.now()},
            )
        return {row.id: row for row in found}

    async def delete(self, key: str) -> None:
        """Forget `key`; nothing happens if it is unknown."""
        async with self._db.reading() as rows:
            await rows.run("DELETE FROM sessions WHERE id = %(id)s", {"id": _hash(key)})

    async def delete_all(self) -> None:
        """Sign everybody out."""
        async with self._db.reading() as rows:
            await rows.run("DELETE FROM sessions")

    async def exists(self, key: str) -> bool:
        """Whether `key` is kept and not over."""
        return await self.get(key) is not None

    async def expires_in(self, key: str) -> int | None:
        """Seconds until `key` is over; None for one that is unknown or has no end."""
        async with self._db.reading() as rows:
            until = await rows.value("SELECT expires_at FROM sessions WHERE id = %(id)s", {"id": _hash(key)})
        return None if until is None else int((until - self._clock.now()).total_seconds())

    async def delete_expired(self) -> int:
        """Forget what is over; how many there were."""
        async with self._db.reading() as rows:
            return await rows.run("DELETE FROM sessions WHERE expires_at < %(now)s", {"now": self._clock.now()})


class Sessions(ServerSideSessionBackend):
    """Reads the session before a request and keeps what changed after it."""

    async def load_from_connection(self, connection: Connection) -> dict[str, Any]:
        """What is known of this device; nothing for an id of an unknown shape or one that nobody gave out."""
        session_id = connection.cookies.get(COOKIE, "")
        data = None
        if _SHAPE.fullmatch(session_id):
            data = await self.get(session_id, store=self.config.get_store_from_app(connection.app))
        connection.scope["state"][_LOADED] = (session_id, data)
        return self.deserialize_data(data) if data is not None else {}

    async def store_in_message(self, scope_session: Any, message: Message, connection: Connection) -> None:
        """Keep the session if it changed, and hand out its cookie if it is new."""
        given_id, given = connection.scope["state"].get(_LOADED, ("", None))
        session_id = connection.cookies.get(COOKIE, "")
        store = self.config.get_store_from_app(connection.app)
        if scope_session is Empty or not scope_session:
            if given_id:
                if given is not None:
                    await self.delete(given_id, store=store)
                self._set_cookie(message, "", max_age=0)
            return
        data = self.serialize_data(scope_session, connection.scope)
        if session_id == given_id and given is None:
            session_id = self.generate_session_id()
        if session_id == given_id and data == given:
            return
        await self.set(session_id, data, store=store)
        if session_id != given_id:
            self._set_cookie(message, session_id, max_age=400 * 24 * 3600)

    def _set_cookie(self, message: Message, value: str, *, max_age: int) -> None:
        cookie = Cookie(
            key=COOKIE,
            value=value,
            max_age=max_age,
            path="/",
            secure=self.config.secure,
            httponly=True,
            samesite="lax",
        )
        headers = MutableScopeHeaders.from_message(message)
        headers.add("Set-Cookie", cookie.to_header(header=""))


@dataclass
class SessionConfig(ServerSideSessionConfig):
    """Litestar's settings with our backend."""

    _backend_class = Sessions


@contextlib.asynccontextmanager
async def swept(store: PostgresSessions, every: timedelta = timedelta(hours=1)) -> AsyncIterator[None]:
    """A lifespan during which sessions that are over are forgotten now and then."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            with contextlib.suppress(psycopg.Error, PoolTimeout, OSError):
                await store.delete_expired()

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def session_middleware(*, secure: bool) -> DefineMiddleware:
    """The middleware for `build_app`; the store is the one registered as `sessions`."""
    config = SessionConfig(key=COOKIE, max_age=int(LASTS.total_seconds()), renew_on_access=True, secure=secure)
    return DefineMiddleware(SessionMiddleware, backend=Sessions(config))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _span(length: int | timedelta) -> timedelta:
    return length if isinstance(length, timedelta) else timedelta(seconds=length)
