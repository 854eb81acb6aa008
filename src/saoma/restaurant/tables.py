"""Tables and the codes printed on them.

A code can't be guessed and can be replaced: whoever keeps a photo of the old one finds nothing behind it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.restaurant.model import Place, Table
from saoma.restaurant.tips import USUAL

_LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 16
_COLUMNS: Final = "id, store_id, code, name, area"

NO_SUCH_TABLE: Final = "This table code is not in use. Scan the code on the table again, or ask the staff."
NAME_TAKEN: Final = "Another table already has this name."


def new_code() -> str:
    """A fresh code: 16 letters without look-alikes, 78 random bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def path_of(code: str) -> str:
    """Where the QR leads, relative to the shop's address."""
    return f"/t/{code}"


def _tidy(name: str, area: str) -> tuple[str, str]:
    name, area = " ".join(name.split()), " ".join(area.split())
    if not name or len(name) > 40:
        raise Invalid("Give the table a name of 1 to 40 characters, such as 12 or Terrace 3.")
    if len(area) > 40:
        raise Invalid("An area's name may have up to 40 characters.")
    return name, area


async def _ensure_free(tx: Transaction, store_id: str, name: str, besides: str = "") -> None:
    taken = await tx.value(
        "SELECT 1 FROM dining_tables WHERE store_id = %(store)s AND lower(name) = lower(%(name)s)"
        " AND retired_at IS NULL AND id <> %(besides)s",
        {"store": store_id, "name": name, "besides": besides},
    )
    if taken:
        raise Conflict(NAME_TAKEN)


async def add_table(tx: Transaction, store_id: str, name: str, now: datetime, area: str = "") -> Table:
    """Put up a table. Raises `Invalid` for a bad name and `Conflict` for one that is taken."""
    name, area = _tidy(name, area)
    await tx.run("SELECT pg_advisory_xact_lock(hashtext(%(lock)s))", {"lock": f"tables:{store_id}"})
    await _ensure_free(tx, store_id, name)
    table = Table(id=new_id("tbl"), store_id=store_id, code=new_code(), name=name, area=area)
    await tx.run(
        "INSERT INTO dining_tables (id, store_id, code, name, area, created_at)"
        " VALUES (%(id)s, %(store)s, %(code)s, %(name)s, %(area)s, %(now)s)",
        {"id": table.id, "store": store_id, "code": table.code, "name": name, "area": area, "now": now},
    )
    return table


async def rename_table(tx: Transaction, store_id: str, table_id: str, name: str, area: str) -> Table:
    """Give a table another name or area; its code stays. Raises `Invalid`, `Conflict`, `NotFound`."""
    name, area = _tidy(name, area)
    await tx.run("SELECT pg_advisory_xact_lock(hashtext(%(lock)s))", {"lock": f"tables:{store_id}"})
    await _ensure_free(tx, store_id, name, besides=table_id)
    return await tx.one(
        Table,
        "UPDATE dining_tables SET name = %(name)s, area = %(area)s"  # noqa: S608 - constant columns
        f" WHERE id = %(id)s AND store_id = %(store)s AND retired_at IS NULL RETURNING {_COLUMNS}",
        {"id": table_id, "store": store_id, "name": name, "area": area},
    )


async def renew_code(tx: Transaction, store_id: str, table_id: str) -> Table:
    """Replace a table's code: the printed one stops working now. Raises `NotFound`."""
    return await tx.one(
        Table,
        "UPDATE dining_tables SET code = %(code)s"  # noqa: S608 - constant columns
        f" WHERE id = %(id)s AND store_id = %(store)s AND retired_at IS NULL RETURNING {_COLUMNS}",
        {"id": table_id, "store": store_id, "code": new_code()},
    )


async def retire_table(tx: Transaction, store_id: str, table_id: str, now: datetime) -> None:
    """Take a table away. Raises `Conflict` while people sit at it and `NotFound` for another shop's."""
    await tx.one(
        Table,
        f"SELECT {_COLUMNS} FROM dining_tables"  # noqa: S608 - constant columns
        " WHERE id = %(id)s AND store_id = %(store)s AND retired_at IS NULL FOR UPDATE",
        {"id": table_id, "store": store_id},
    )
    sitting = await tx.value(
        "SELECT 1 FROM sittings WHERE table_id = %(id)s AND status = 'open'",
        {"id": table_id},
    )
    if sitting:
        raise Conflict("Somebody sits at this table. Close its bill first.")
    await tx.run("UPDATE dining_tables SET retired_at = %(now)s WHERE id = %(id)s", {"id": table_id, "now": now})


async def next_party(tx: Transaction, table_id: str) -> None:
    """Begin another turn of a table: codes and words of the one before are refused from now on."""
    await tx.run(
        "INSERT INTO table_turns (table_id, turn) VALUES (%(id)s, 2)"
        " ON CONFLICT (table_id) DO UPDATE SET turn = table_turns.turn + 1, wrong_words = 0",
        {"id": table_id},
    )
    await tx.tell(f"table:{table_id}", "turn")


class _Turn(msgspec.Struct, frozen=True):
    table_id: str
    turn: int


async def turns_of(rows: Rows, store_id: str) -> dict[str, int]:
    """Which party each table of a shop is at; a table that is missing is at its first."""
    found = await rows.rows(
        _Turn,
        "SELECT n.table_id, n.turn FROM table_turns n JOIN dining_tables t ON t.id = n.table_id"
        " WHERE t.store_id = %(store)s",
        {"store": store_id},
    )
    return {row.table_id: row.turn for row in found}


async def tables(rows: Rows, store_id: str) -> list[Table]:
    """A shop's tables, by area, then in the order people count (2 before 10)."""
    return await rows.rows(
        Table,
        f"SELECT {_COLUMNS} FROM dining_tables"  # noqa: S608 - constant columns
        " WHERE store_id = %(store)s AND retired_at IS NULL"
        " ORDER BY area, substring(name from '^[^0-9]*'), length(substring(name from '[0-9]+')) NULLS LAST,"
        " substring(name from '[0-9]+'), name",
        {"store": store_id},
    )


async def place(rows: Rows, code: str) -> Place:
    """Whose table a code is, and what goes on there. Raises `NotFound` for a code that is not in use."""
    found = await rows.maybe(
        Place,
        "SELECT t.id AS table_id, t.code, t.name AS table_name, t.store_id,"
        " s.name AS store_name, s.name_zh AS store_name_zh, s.zone,"
        " m.name AS merchant_name, m.name_zh AS merchant_name_zh, m.currency, m.account_id,"
        " g.id AS sitting_id, g.tab_id, g.opened_at, g.covered_at, g.split_ways,"
        " coalesce(n.turn, 1) AS turn, coalesce(r.strength, 'open') AS strength,"
        " coalesce(r.tips, %(usual)s::int[]) AS tips"
        " FROM dining_tables t JOIN stores s ON s.id = t.store_id JOIN merchants m ON m.id = s.merchant_id"
        " LEFT JOIN dining_rules r ON r.store_id = s.id LEFT JOIN table_turns n ON n.table_id = t.id"
        " LEFT JOIN sittings g ON g.table_id = t.id AND g.status = 'open'"
        " WHERE t.code = %(code)s AND t.retired_at IS NULL",
        {"code": code, "usual": list(USUAL)},
    )
    if found is None:
        raise NotFound(NO_SUCH_TABLE)
    return found
