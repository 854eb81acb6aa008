"""The real database on one plain connection that answers before anybody else runs, and processes that die at it.

Whoever asks is answered at once, without a turn of the loop: so the order of everything is the world's choice alone.
A process is killed before a transaction, before its commit or right after it, by a countdown."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row

from saoma.kit.db import Database, Rows, Transaction


class ProcessDied(BaseException):
    """Stands for SIGKILL: nothing in the product may catch it."""


class _Found:
    """A cursor that is awaited like the product's, and has its rows already."""

    def __init__(self, cursor: Cursor[DictRow]) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount

    async def fetchone(self) -> DictRow | None:
        return self._cursor.fetchone()

    async def fetchall(self) -> list[DictRow]:
        return self._cursor.fetchall()


class _Plain:
    """A connection that is awaited like the product's."""

    def __init__(self, connection: Connection[DictRow]) -> None:
        self._connection = connection

    async def execute(self, query: Any, params: Any = None) -> _Found:
        return _Found(self._connection.execute(query, params))


def connect(url: str) -> Connection[DictRow]:
    """A connection for a whole run. Nothing of a simulation needs to survive a power cut."""
    connection = psycopg.connect(url, autocommit=True, row_factory=cast(Any, dict_row), prepare_threshold=2)
    connection.execute("SET synchronous_commit = off")
    connection.prepared_max = 300
    return cast("Connection[DictRow]", connection)


class ProcessDatabase(Database):
    """The database as one process sees it. `dies_in` counts the moments until it is killed."""

    def __init__(self, connection: Connection[DictRow], on_death: Callable[[], None]) -> None:
        self.url = ""
        self.on_told = lambda: None
        self.dead = False
        #: Whether it was used since somebody last set this back.
        self.used = True
        self.dies_in: int | None = None
        self._connection = connection
        self._plain = cast(Any, _Plain(connection))
        self._on_death = on_death

    def die(self) -> None:
        """Kill the process, whatever it is doing."""
        if not self.dead:
            self.dead = True
            self._on_death()

    def live(self) -> None:
        """Go on living: raises `ProcessDied` where the process is dead or dies now."""
        if self.dead:
            raise ProcessDied
        self.used = True
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.die()
                raise ProcessDied

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Rows]:
        """Questions without a transaction."""
        self.live()
        yield Rows(self._plain)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction; a process may die on either side of its commit."""
        self.live()
        with self._connection.transaction():
            yield Transaction(self._plain)
            self.live()
        self.live()

    @contextlib.asynccontextmanager
    async def statement(self) -> AsyncIterator[Transaction]:
        """A transaction of a single statement."""
        self.live()
        yield Transaction(self._plain)
        self.live()
