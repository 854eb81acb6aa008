"""What stands on a slip of paper, described once: a page, a PDF and a receipt printer all draw the same description.

It holds finished words in one language; whoever draws it decides only where they go, never what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    """The largest words, in the middle."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, in the middle unless `start`; `soft` is small print, `strong` says what comes below."""

    text: str
    soft: bool = False
    start: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """A word nobody may overlook, such as COPY."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Something on the left and its figure on the right; `note` is small print below the left side.

    `strong` is for what everything before adds up to, `soft` for particulars, `code` for figures to be read aloud."""

    name: str
    figure: str
    note: str = ""
    strong: bool = False
    soft: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across: what follows is another matter."""


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code of `text`, with words below it."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Blank:
    """Room to write on by hand, such as for a signature, with words below it."""

    label: str


Part: TypeAlias = Heading | Words | Stamp | Row | Rule | Code | Blank


@dataclass(frozen=True, slots=True)
class Paper:
    """A slip from top to bottom. `title` names it where files and windows have names; it is not drawn.

    `drawer` says that the cash drawer opens when a printer prints it."""

    title: str
    lang: str
    parts: tuple[Part, ...]
    drawer: bool = False


def kind_of(part: Part) -> str:
    """What a template calls a part."""
    return type(part).__name__.lower()
