"""Putting a whole menu in from a file, and taking it out again.

All or nothing: a file with any problem changes nothing. Photos are not part of files; they stay with the dishes
whose code they have."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, assert_never

from msgspec.structs import replace

from saoma.food.menus import undo
from saoma.food.menus.drafts import MenuDraft, SectionDraft, menu_drafted
from saoma.food.menus.editing import Stored, stations, store_menu
from saoma.food.menus.menu import menu
from saoma.food.menus.menu_csv import COLUMNS, read_csv, write_csv
from saoma.food.menus.menu_json import read_json, write_json
from saoma.food.menus.noting import Problem, Read, Reading, Unreadable
from saoma.kit.db import Database, Rows

__all__ = ["COLUMNS", "Problem", "Read", "Reading", "Unreadable", "export_menu", "import_menu", "read_menu"]

MOST_BYTES: Final = 2_000_000
#: Said instead of a text whose letters could be Chinese or Western.
UNKNOWN_LETTERS: Final = "\0?"
#: What menus in Chinese, or in a language of Western Europe, are written with.
_CHINESE: Final = re.compile(r"[\t\n\r -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef€¥·–—‘’“”…×℃①-⑩]*")
_WESTERN: Final = re.compile(r"[\t\n\r -~\u00a0-\u00ffŒœŠšŽžŸ€‚„…‘’“”•–—™‹›]*")


def read_menu(content: bytes, file_name: str, currency: str, known: Collection[str] = ()) -> Reading:
    """Read a file by what it is: JSON when its name or its first letter says so, CSV otherwise.

    Prices are in `currency`; `known` are the names of the parts of the day that the shop has already."""
    if file_name.lower().endswith((".xlsx", ".xls", ".numbers", ".ods")) or content[:2] == b"PK":
        return _unreadable("This is a spreadsheet. Save it as CSV (UTF-8) and choose that file.")
    if len(content) > MOST_BYTES:
        return _unreadable("This file is too large. Menus may have {most} MB.", most=str(MOST_BYTES // 1_000_000))
    text = _decoded(content)
    if text == UNKNOWN_LETTERS:
        return _unreadable("The letters of this file can't be told apart. Save it as “CSV UTF-8” and choose it again.")
    if text is None or "\x00" in text:
        return _unreadable("This file is not text. Save it as CSV (UTF-8) or JSON and choose it again.")
    if not text.strip():
        return _unreadable("This file is empty. Export the menu to see what one looks like.")
    if file_name.lower().endswith(".json") or text.lstrip()[:1] in "{[":
        return read_json(text, currency, known)
    return read_csv(text, currency, known)


def _unreadable(msgid: str, **values: str) -> Unreadable:
    return Unreadable((Problem(0, "", msgid, values),))


def _decoded(content: bytes) -> str | None:
    """The text, whatever spreadsheet wrote it: UTF-8, UTF-16 with its mark, Chinese (GB18030) or Western (CP1252).

    None for what is no text, `UNKNOWN_LETTERS` for what could be either."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _in(content, "utf-16")
    text = _in(content, "utf-8-sig")
    if text is not None:
        return text
    chinese, western = _in(content, "gb18030"), _in(content, "cp1252")
    if chinese is not None and not _CHINESE.fullmatch(chinese):
        chinese = None
    if western is not None and not _WESTERN.fullmatch(western):
        western = None
    if western is None:
        return chinese
    # Every byte is a letter of the West. Chinese comes in pairs of high bytes, one after the other; accents stand alone
    # in their words, so that a row of them is no text that anybody wrote.
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", content)]
    if chinese is not None and all(run % 2 == 0 for run in runs):
        return chinese
    return western if all(run <= 2 for run in runs) else UNKNOWN_LETTERS


def _in(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


async def import_menu(
    db: Database, store_id: str, content: bytes, file_name: str, *, retire_others: bool = False, by: str = ""
) -> Stored | Unreadable:
    """Read a file and store it; or say what is wrong with it and change nothing.

    Dishes with a known code are changed, others added; those not in the file stay, or go (`retire_others`). A section
    that the file only names stays what it is. Raises `NotFound` when the store has no menu."""
    async with db.reading() as rows:
        now = await menu(rows, store_id)
        before = menu_drafted(now, {station.id: station.name for station in await stations(rows, store_id)})
    found = read_menu(content, file_name, now.currency, {part.name for part in now.dayparts})
    match found:
        case Unreadable():
            return found
        case Read(draft):
            async with db.transaction() as tx:
                await undo.remember(tx, store_id, "imported_menu", by)
                return await store_menu(tx, store_id, _with_unsaid(draft, before), retire_others=retire_others)
        case _:
            assert_never(found)


def _with_unsaid(draft: MenuDraft, before: MenuDraft) -> MenuDraft:
    """Most columns can be left out: of a section without them only its dishes are meant, not that it has nothing."""
    known = {section.name: section for section in before.sections}
    sections = tuple(
        replace(known[section.name], items=section.items)
        if section.name in known and section == SectionDraft(name=section.name, items=section.items)
        else section
        for section in draft.sections
    )
    return replace(draft, sections=sections)


async def export_menu(rows: Rows, store_id: str, *, as_json: bool = False) -> bytes:
    """The menu as a file that `import_menu` reads back; CSV carries the mark that makes spreadsheets read UTF-8."""
    now = await menu(rows, store_id)
    names = {station.id: station.name for station in await stations(rows, store_id)}
    draft = menu_drafted(now, names)
    if as_json:
        return write_json(draft, now.currency).encode()
    return write_csv(draft, now.currency).encode("utf-8-sig")
