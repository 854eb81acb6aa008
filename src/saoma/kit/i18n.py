"""The languages: English is the text in the code and its key; each room's zh.po holds the Chinese.

Catalogs are read once. A missing text shows in English and is logged once, so that a page never fails over words."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

#: The languages people can choose, the first being the one the code is written in.
LANGUAGES: Final = ("en", "zh")

_ROOMS: Final = Path(__file__).resolve().parent.parent


class Texts(Protocol):
    """Texts of one language."""

    lang: str

    def __call__(self, msgid: str, /, **values: object) -> str:
        """The text for `msgid`, with `{names}` filled from `values`."""

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        """The form for `count`, which the text names `{count}`."""


class _English:
    lang = "en"

    def __call__(self, msgid: str, /, **values: object) -> str:
        return _fill(msgid, values)

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        return _fill(one if count == 1 else many, {"count": count, **values})


class _Chinese:
    """Chinese has one form for every number."""

    lang = "zh"

    def __init__(self, catalog: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._missed: set[str] = set()

    def __call__(self, msgid: str, /, **values: object) -> str:
        return _fill(self._find(msgid) or msgid, values)

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        found = self._find(one) or (one if count == 1 else many)
        return _fill(found, {"count": count, **values})

    def _find(self, msgid: str) -> str:
        found = self._catalog.get(msgid, "")
        if not found and msgid and msgid not in self._missed:
            self._missed.add(msgid)
            # Loaded for this only: it brings rich with it, and a small program wants to start at once.
            import structlog

            structlog.get_logger(__name__).warning("text.missing", lang=self.lang, text=msgid)
        return found


def _fill(text: str, values: Mapping[str, object]) -> str:
    return text.format_map(values) if values else text


def read_catalog(path: Path) -> dict[str, str]:
    """Texts of one .po file by their English; fuzzy and empty ones are left out; a plural's key is its singular."""
    # Who speaks English only starts without Babel.
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalog = read_po(file, locale="zh_Hans_CN")
    found: dict[str, str] = {}
    for message in catalog:
        if not message.id or message.fuzzy:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        text = message.string if isinstance(message.string, str) else message.string[0]
        if text:
            found[key] = text
    return found


@functools.cache
def texts(lang: str) -> Texts:
    """The texts of `lang` from every room's catalog; anything but Chinese is English."""
    if lang != "zh":
        return _English()
    catalog: dict[str, str] = {}
    for path in sorted(_ROOMS.glob("*/zh.po")):
        catalog |= read_catalog(path)
    return _Chinese(catalog)
