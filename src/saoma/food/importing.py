"""Putting a whole menu in from a file, and taking it out again.

All or nothing: a file with any problem changes nothing. Photos are not part of files; they stay with the dishes
whose code they have."""

from __future__ import annotations

from typing import Final, assert_never

from saoma.food.drafts import menu_drafted
from saoma.food.editing import Stored, stations, store_menu
from saoma.food.menu import menu
from saoma.food.menu_csv import COLUMNS, read_csv, write_csv
from saoma.food.menu_json import read_json, write_json
from saoma.food.noting import Problem, Read, Reading, Unreadable
from saoma.kit.db import Database, Rows

__all__ = ["COLUMNS", "Problem", "Read", "Reading", "Unreadable", "export_menu", "import_menu", "read_menu"]

MOST_BYTES: Final = 2_000_000


def read_menu(content: bytes, file_name: str, currency: str) -> Reading:
    """Read a file by what it is: JSON when its name or its first letter says so, CSV otherwise.

    Prices are in `currency`."""
    if file_name.lower().endswith((".xlsx", ".xls", ".numbers", ".ods")) or content[:2] == b"PK":
        return _unreadable("This is a spreadsheet. Save it as CSV (UTF-8) and choose that file.")
    if len(content) > MOST_BYTES:
        return _unreadable("This file is too large. Menus may have {most} MB.", most=str(MOST_BYTES // 1_000_000))
    text = _decoded(content)
    if text is None or "\x00" in text:
        return _unreadable("This file is not text. Save it as CSV (UTF-8) or JSON and choose it again.")
    if not text.strip():
        return _unreadable("This file is empty. Export the menu to see what one looks like.")
    if file_name.lower().endswith(".json") or text.lstrip()[:1] in "{[":
        return read_json(text, currency)
    return read_csv(text, currency)


def _unreadable(msgid: str, **values: str) -> Unreadable:
    return Unreadable((Problem(0, "", msgid, values),))


def _decoded(content: bytes) -> str | None:
    """UTF-8, or what Chinese spreadsheets write (GB18030), or UTF-16 with its mark; None for anything else."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


async def import_menu(
    db: Database, store_id: str, content: bytes, file_name: str, *, retire_others: bool = False
) -> Stored | Unreadable:
    """Read a file and store it; or say what is wrong with it and change nothing.

    Dishes with a known code are changed, others added; those not in the file stay, or go (`retire_others`). Raises
    `NotFound` when the store has no menu."""
    async with db.reading() as rows:
        currency = (await menu(rows, store_id)).currency
    found = read_menu(content, file_name, currency)
    match found:
        case Unreadable():
            return found
        case Read(draft):
            async with db.transaction() as tx:
                return await store_menu(tx, store_id, draft, retire_others=retire_others)
        case _:
            assert_never(found)


async def export_menu(rows: Rows, store_id: str, *, as_json: bool = False) -> bytes:
    """The menu as a file that `import_menu` reads back; CSV carries the mark that makes spreadsheets read UTF-8."""
    now = await menu(rows, store_id)
    names = {station.id: station.name for station in await stations(rows, store_id)}
    draft = menu_drafted(now, names)
    if as_json:
        return write_json(draft, now.currency).encode()
    return write_csv(draft, now.currency).encode("utf-8-sig")
