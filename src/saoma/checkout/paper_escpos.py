"""A slip as the bytes that receipt printers take (ESC/POS), for paper of 80 mm and of 58 mm.

A letter is one or two columns wide by what it is in the printer's own code page, so widths are counted after encoding:
in GBK every Chinese character takes two. Codes are drawn as pictures, which every such printer can do.

Commands: https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/commands.html"""

from __future__ import annotations

import contextlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

import segno

from saoma.checkout.paper import Blank, Code, Heading, Paper, Part, Row, Rule, Stamp, Words


class Letters(StrEnum):
    """What a printer writes: Chinese and ASCII, or the letters of western Europe."""

    GBK = "gbk"
    WESTERN = "cp858"


@dataclass(frozen=True, slots=True)
class Printer:
    """What a printer can do. `dots` is how many fit beside each other, `columns` how many letters of its first font."""

    millimetres: int = 80
    letters: Letters = Letters.GBK

    @property
    def columns(self) -> int:
        """Letters in a line."""
        return 48 if self.millimetres == 80 else 32

    @property
    def dots(self) -> int:
        """Dots in a line."""
        return 576 if self.millimetres == 80 else 384


#: The widths of paper there are.
WIDTHS: Final = (80, 58)

_ESC: Final = b"\x1b"
_GS: Final = b"\x1d"
_BEGIN: Final = _ESC + b"@"
_CHINESE_ON: Final = b"\x1c&"
_CHINESE_OFF: Final = b"\x1c."
_PAGE_858: Final = _ESC + b"t\x13"
_BOLD: Final = (_ESC + b"E\x00", _ESC + b"E\x01")
_SIZE: Final = {False: _GS + b"!\x00", True: _GS + b"!\x11"}
_START, _MIDDLE = _ESC + b"a\x00", _ESC + b"a\x01"
_REVERSED: Final = (_GS + b"B\x00", _GS + b"B\x01")
_FEED_AND_CUT: Final = _GS + b"V\x42\x00"
#: Pin 2, 50 ms on and 500 ms off: what drawers are wired for.
_OPEN_DRAWER: Final = _ESC + b"p\x00\x19\xfa"
#: Signs of money that a code page may lack, in other words.
_SIGNS: Final = dict(zip("¥£€₩฿₱₪₽", ("￥", "￡", "EUR ", "KRW ", "THB ", "PHP ", "ILS ", "RUB "), strict=True))
_PLAINER: Final = str.maketrans({"\N{MINUS SIGN}": "-", "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " "})


def encoded(text: str, letters: Letters) -> bytes:
    """The text in a printer's code page. What that lacks loses its accents first, and becomes `?` last.

    Control characters are left out: no name of a dish shall command the printer."""
    out = bytearray()
    for letter in text.translate(_PLAINER):
        if unicodedata.category(letter)[0] == "C":
            continue
        out += _one(letter, letters)
    return bytes(out)


@lru_cache(maxsize=4096)
def _one(letter: str, letters: Letters) -> bytes:
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    for dress in (letter, _SIGNS.get(letter, bare)):
        with contextlib.suppress(UnicodeEncodeError):
            found = dress.encode(letters)
            return found if min(found, default=0x20) >= 0x20 else b"?"
    return b"?"


def folded(text: str, letters: Letters, columns: int) -> list[bytes]:
    """The text in lines of at most so many columns: between words where there are words, else between letters."""
    lines: list[bytes] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for letter in paragraph:
            if line and len(encoded(line + letter, letters)) > columns:
                at = line.rfind(" ")
                whole_words = at > 0 and letter.isascii() and line[-1].isascii()
                lines.append(encoded(line[:at] if whole_words else line, letters))
                line = line[at + 1 :] if whole_words else ""
            line += letter
        lines.append(encoded(line.strip(), letters))
    return lines


def _picture(text: str, dots: int) -> bytes:
    """A QR code as a raster picture (GS v 0), as large as a hand's width of paper allows, with its quiet zone."""
    modules = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    step = max(1, min(8, int(dots * 0.6) // len(modules)))
    side = len(modules) * step
    across = (side + 7) // 8
    out = bytearray(_GS + b"v0\x00" + across.to_bytes(2, "little") + side.to_bytes(2, "little"))
    for row in modules:
        bits = "".join(("1" if dark else "0") * step for dark in row).ljust(across * 8, "0")
        out += int(bits, 2).to_bytes(across, "big") * step
    return bytes(out)


class _Writer:
    """Writes one slip for one printer."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.out = bytearray(_BEGIN)
        self.out += _CHINESE_ON if printer.letters is Letters.GBK else _CHINESE_OFF + _PAGE_858

    def lines(self, text: str, *, large: bool = False, bold: bool = False, start: bool = False, room: int = 0) -> None:
        columns = room or self.printer.columns // (2 if large else 1)
        self.out += (_START if start else _MIDDLE) + _SIZE[large] + _BOLD[bold]
        for line in folded(text, self.printer.letters, columns):
            self.out += line + b"\n"
        self.out += _SIZE[False] + _BOLD[False]

    def row(self, row: Row) -> None:
        letters, columns = self.printer.letters, self.printer.columns
        figure = encoded(row.figure, letters)
        below = len(figure) > columns * 2 // 3
        names = folded(row.name, letters, columns if below else columns - len(figure) - 1)
        self.out += _START + _BOLD[row.strong]
        for place, name in enumerate(names):
            end = b"" if place or below else figure.rjust(columns - len(name))
            self.out += name + end + b"\n"
        if below:
            for piece in folded(row.figure, letters, columns):
                self.out += piece.rjust(columns) + b"\n"
        self.out += _BOLD[False]
        for line in folded(row.note, letters, columns - 2) if row.note else ():
            self.out += b"  " + line + b"\n"

    def part(self, part: Part) -> None:
        match part:
            case Heading(text):
                self.lines(text, large=True, bold=True)
            case Words(text, _, start, strong):
                self.lines(text, start=start, bold=strong)
            case Stamp(text):
                self.out += _REVERSED[True]
                self.lines(f" {text} ", large=True, bold=True)
                self.out += _REVERSED[False]
            case Row():
                self.row(part)
            case Rule():
                self.out += _START + b"-" * self.printer.columns + b"\n"
            case Code(text, label):
                self.out += _MIDDLE + _picture(text, self.printer.dots)
                self.lines(label)
            case Blank(label):
                self.out += _START + b"\n\n\n" + b"_" * (self.printer.columns * 2 // 3) + b"\n"
                self.lines(label, start=True)
            case _:
                assert_never(part)


def escpos(paper: Paper, printer: Printer, *, drawer: bool | None = None) -> bytes:
    """The slip for `printer`, cut off at its end. `drawer` opens the drawer first; None does what the paper says."""
    writer = _Writer(printer)
    if paper.drawer if drawer is None else drawer:
        writer.out += _OPEN_DRAWER
    for part in paper.parts:
        writer.part(part)
    writer.out += b"\n" + _FEED_AND_CUT
    return bytes(writer.out)


def open_drawer() -> bytes:
    """What opens the drawer without printing anything."""
    return _BEGIN + _OPEN_DRAWER
