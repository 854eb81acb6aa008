"""Connections whose server processes outlive a test: each learns the catalog once, not once for every test.

What a test did on one is forgotten by `DISCARD ALL`, as if it were new; one that a test left in the middle of something
is closed in earnest. Only databases of the shelf are reached by these."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import ConnStatus, ExecStatus, PGconn, TransactionStatus
from psycopg.rows import DictRow

from saoma.kit.db import Database

_MOST: Final = 8
_waiting: Final[defaultdict[str, list[PGconn]]] = defaultdict(list)


class Kept(AsyncConnection[DictRow]):
    """A pool's connection that is put aside when the pool closes it."""

    name = ""

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, autocommit: bool = False, row_factory: Any = None, **more: Any
    ) -> Kept:
        """One that waits, or a new one."""
        name = str(conninfo_to_dict(conninfo)["dbname"])
        while _waiting[name]:
            pgconn = _waiting[name].pop()
            # A test may have cut off whoever was connected.
            if pgconn.exec_(b"").status == ExecStatus.EMPTY_QUERY:
                made = cls(pgconn, row_factory)
                await made.set_autocommit(autocommit)
                break
            pgconn.finish()
        else:
            made = await super().connect(conninfo, autocommit=autocommit, row_factory=row_factory, **more)
        made.name = name
        return made

    async def close(self) -> None:
        """Put it aside as if it were new."""
        if self._put_aside():
            _waiting[self.name].append(self.pgconn)
            # Whoever still holds this finds it closed.
            self.pgconn = PGconn()
        await super().close()

    def _put_aside(self) -> bool:
        if self.closed or len(_waiting[self.name]) >= _MOST:
            return False
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        return self.pgconn.exec_(b"DISCARD ALL").status == ExecStatus.COMMAND_OK and self.pgconn.notifies() is None


def keep(db: Database) -> Database:
    """The same, with connections that are kept; it must not be started yet."""
    db._pool.connection_class = Kept
    return db


def pids(name: str) -> list[int]:
    """The server's processes that wait for the next test of this database."""
    return [pgconn.backend_pid for pgconn in _waiting[name] if pgconn.status == ConnStatus.OK]


def forget(name: str) -> None:
    """The database goes: hang up."""
    for pgconn in _waiting.pop(name, []):
        pgconn.finish()
