"""Databases of a test's own, used again: emptying one is ten times as fast as copying the template.

A table that a test made goes with the rows. A database that doesn't look like the template then (a test took a rule
away, or left a connection that writes) is thrown away, so no test can tell whether its database was used before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from saoma.kit.postgres import EmbeddedPostgres
from tests import kept

#: The tables that hold rows or did: those that were never written to have no pages.
_WRITTEN = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0"""

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

#: What a database is made of, without its rows. Each list is sorted by itself: the order in which rows are found may be
#: another one tomorrow.
_SHAPE = """
SELECT md5(concat_ws(chr(10),
    (SELECT string_agg(one, ',' ORDER BY one) FROM (
        SELECT concat(c.relname, '.', a.attname, a.atttypid, a.attnotnull, a.attgenerated) AS one
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace) AS columns),
    (SELECT string_agg(one, ',' ORDER BY one) FROM (
        SELECT concat(conrelid::regclass, '.', conname, convalidated) AS one
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace) AS rules),
    (SELECT string_agg(one, ',' ORDER BY one) FROM (
        SELECT concat(tgrelid::regclass, '.', tgname, tgenabled) AS one
        FROM pg_trigger WHERE NOT tgisinternal OR tgenabled <> 'O') AS triggers),
    (SELECT string_agg(one, ',' ORDER BY one) FROM (
        SELECT concat(proname, '.', md5(prosrc)) AS one FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace) AS functions),
    (SELECT string_agg(setconfig::text, ',' ORDER BY setconfig::text) FROM pg_db_role_setting AS s
     WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))))"""


#: The sequences that gave a number.
_COUNTED = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"

_AGAIN = "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{0}, %s)"


@dataclass(frozen=True)
class _Likeness:
    """The template as every database on the shelf must be again: its shape, and the rows that it begins with."""

    tables: frozenset[str]
    shape: str
    rows: dict[str, str]


def _rows_of(table: str) -> sql.Composed:
    return sql.SQL("SELECT coalesce(json_agg(t ORDER BY t::text), '[]')::text FROM {} AS t").format(
        sql.Identifier(table)
    )


def _one(connection: Connection[TupleRow], question: sql.Composed | str) -> str:
    found = connection.execute(sql.SQL(question) if isinstance(question, str) else question).fetchone()
    assert found is not None
    return str(found[0])


class Shelf:
    """Where databases wait for their next test; one for each process of a run."""

    def __init__(self, server: EmbeddedPostgres, template: str) -> None:
        self._server = server
        self._template = template
        self._waiting: list[str] = []
        self._open: dict[str, Connection[TupleRow]] = {}
        with psycopg.connect(server.url(template), autocommit=True) as connection:
            written = [str(row[0]) for row in connection.execute(_WRITTEN)]
            rows = {table: _one(connection, _rows_of(table)) for table in written}
            tables = frozenset(str(row[0]) for row in connection.execute(_TABLES))
            self._likeness = _Likeness(tables, _one(connection, _SHAPE), rows)

    def take(self) -> tuple[str, str]:
        """The name and address of a database like the template."""
        if self._waiting:
            name = self._waiting.pop()
            return name, self._server.url(name)
        name = f"t_{uuid.uuid4().hex[:12]}"
        return name, self._server.make_database(name, template=self._template)

    def give_back(self, name: str) -> None:
        """Empty it for the next test, or throw it away when it is not what it was."""
        try:
            again = self._emptied(name)
        except psycopg.OperationalError:
            # The test cut connections or stopped the server: so it did with ours.
            again = False
        if again:
            self._waiting.append(name)
        else:
            self._throw_away(name)

    def close(self) -> None:
        """Throw all of them away."""
        for name in self._waiting:
            self._throw_away(name)

    def _throw_away(self, name: str) -> None:
        if name in self._open:
            self._open.pop(name).close()
        kept.forget(name)
        self._server.drop_database(name)

    def _connection(self, name: str) -> Connection[TupleRow]:
        # Kept open: a new connection learns the catalog anew, which takes longer than the cleaning.
        if name not in self._open:
            self._open[name] = psycopg.connect(self._server.url(name), autocommit=True)
        return self._open[name]

    def _emptied(self, name: str) -> bool:
        like, connection = self._likeness, self._connection(name)
        connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL (%s)",
            [[connection.info.backend_pid, *kept.pids(name)]],
        )
        for (table,) in connection.execute(_TABLES).fetchall():
            if table not in like.tables:
                connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
        if _one(connection, _SHAPE) != like.shape:
            return False
        with connection.transaction():
            # Rules that keep rows from being deleted are for the product, not for cleaning up after a test.
            connection.execute("SET LOCAL session_replication_role = replica")
            for (table,) in connection.execute(_WRITTEN).fetchall():
                if table not in like.rows:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table, rows in like.rows.items():
                if _one(connection, _rows_of(table)) != rows:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                    connection.execute(sql.SQL(_AGAIN).format(sql.Identifier(table)), [rows])
            for (sequence,) in connection.execute(_COUNTED).fetchall():
                connection.execute("SELECT setval(%s::regclass, 1, false)", [sequence])
        return True
