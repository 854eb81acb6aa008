"""The database: a pool, and the one place where transactions begin.

No transaction may be open while the network is: whoever holds a `Transaction` makes no call to a gateway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, TypeVar, cast

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncTransaction
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from saoma.kit.errors import NOTHING_HERE, NotFound
from saoma.kit.together import Together

R = TypeVar("R", bound=msgspec.Struct)
Parameters = Mapping[str, Any]

set_json_dumps(msgspec.json.encode)
set_json_loads(msgspec.json.decode)


def json_column(value: object) -> Jsonb:
    """Wrap a value for a `jsonb` column."""
    return Jsonb(value)


class Rows:
    """Asks questions on one connection. SQL is ours and literal; values go in as `%(name)s` parameters only."""

    def __init__(self, connection: AsyncConnection[DictRow]) -> None:
        self.connection = connection

    async def run(self, sql: str, params: Parameters | None = None) -> int:
        """Run a statement; how many rows it touched."""
        cursor = await self.connection.execute(cast(Any, sql), params)
        return cursor.rowcount

    async def rows(self, kind: type[R], sql: str, params: Parameters | None = None) -> list[R]:
        """All rows as `kind`, whose fields are the columns."""
        cursor = await self.connection.execute(cast(Any, sql), params)
        return msgspec.convert(await cursor.fetchall(), list[kind])  # type: ignore[valid-type]

    async def maybe(self, kind: type[R], sql: str, params: Parameters | None = None) -> R | None:
        """The first row as `kind`, or None."""
        cursor = await self.connection.execute(cast(Any, sql), params)
        row = await cursor.fetchone()
        return None if row is None else msgspec.convert(row, kind)

    async def one(self, kind: type[R], sql: str, params: Parameters | None = None) -> R:
        """The first row as `kind`. Raises `NotFound` when there is none."""
        found = await self.maybe(kind, sql, params)
        if found is None:
            raise NotFound(NOTHING_HERE)
        return found

    async def value(self, sql: str, params: Parameters | None = None) -> Any:
        """The first column of the first row, or None."""
        cursor = await self.connection.execute(cast(Any, sql), params)
        row = await cursor.fetchone()
        return None if row is None else next(iter(row.values()))


class Transaction(Rows):
    """Rows that change together or not at all."""

    def __init__(self, connection: AsyncConnection[DictRow]) -> None:
        super().__init__(connection)
        self.told = False

    async def tell(self, topic: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
        """Write a live event with this transaction; it is delivered once the transaction has committed."""
        await self.connection.execute(
            "INSERT INTO live_events (topic, kind, data) VALUES (%s, %s, %s)", (topic, kind, Jsonb(dict(data or {})))
        )
        self.told = True


#: A server that vanished without a word (a cable, a firewall that forgot us) answers nothing and resets nothing.
#: Without these a statement would wait a quarter of an hour or for ever, and so would whoever waits for its connection.
#: What a deployment's own URL says counts more.
PATIENCE: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


async def _configure(connection: AsyncConnection[DictRow]) -> None:
    await connection.set_autocommit(True)


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 10, reconnect_seconds: float = 5.0) -> None:
        self.url = url
        #: Called after a commit that told something; the live bell hangs itself in here.
        self.on_told: Callable[[], None] = lambda: None
        #: What many requests of this process ask at the same moment is asked once.
        self.together = Together()
        #: What each connection is made with.
        self.arguments: dict[str, Any] = {**PATIENCE, **conninfo_to_dict(url)}
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            make_conninfo(**self.arguments),
            min_size=min_size,
            max_size=max_size,
            open=False,
            configure=_configure,
            kwargs={"row_factory": dict_row, "autocommit": True},
            timeout=30,
            # The pool waits twice as long before each next attempt. It is made to begin anew every few seconds, or a
            # server that was away for ten minutes would be missed for ten more.
            reconnect_timeout=reconnect_seconds,
            reconnect_failed=self._again,
        )

    @classmethod
    async def open(cls, url: str, *, min_size: int = 1, max_size: int = 10, wait_seconds: float = 30) -> Database:
        """A database that is connected. Raises `psycopg_pool.PoolTimeout` when the server stays away."""
        db = cls(url, min_size=min_size, max_size=max_size)
        await db.start(wait_seconds=wait_seconds)
        return db

    async def start(self, *, wait_seconds: float = 30) -> None:
        """Connect, waiting up to `wait_seconds`. Raises `psycopg_pool.PoolTimeout`, and is closed then."""
        try:
            await self._pool.open(wait=True, timeout=wait_seconds)
        except BaseException:
            await self.close()
            raise

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connected for as long as the block lasts, and closed however it ends.

        The pool's own tasks swallow a cancellation that meets an attempt to connect: left alone they would keep a
        process that failed at its start from ever ending, and so from being started anew."""
        await self.start()
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Give all connections back to the server."""
        await self._pool.close(timeout=2)

    async def _again(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
        if not pool.closed:
            await pool.check()

    async def _give_back(self, connection: AsyncConnection[DictRow]) -> None:
        """Return a connection to the pool. When it turns out to be dead, the others are looked at before their use."""
        dead = connection.closed
        await self._pool.putconn(connection)
        if dead:
            await self._pool.check()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Rows]:
        """One connection without a transaction: each statement stands alone."""
        connection = await self._pool.getconn()
        try:
            yield Rows(connection)
        finally:
            await self._give_back(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction: commits when the block ends, rolls back when it raises."""
        connection = await self._pool.getconn()
        transaction = Transaction(connection)
        try:
            async with AsyncTransaction(connection):
                yield transaction
        finally:
            await self._give_back(connection)
        if transaction.told:
            self.on_told()

    @contextlib.asynccontextmanager
    async def statement(self) -> AsyncIterator[Transaction]:
        """A transaction of a single statement, which begins and commits by itself: a third of the round trips."""
        connection = await self._pool.getconn()
        transaction = Transaction(connection)
        try:
            yield transaction
        finally:
            await self._give_back(connection)
        if transaction.told:
            self.on_told()

    async def alive(self) -> bool:
        """Whether the server answers a question within two seconds."""
        try:
            async with asyncio.timeout(2), self.reading() as rows:
                return bool(await rows.value("SELECT 1") == 1)
        except (TimeoutError, psycopg.Error, OSError):
            return False
