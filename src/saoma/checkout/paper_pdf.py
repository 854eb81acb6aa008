"""A slip as a PDF, as wide as receipt paper and as long as it needs to be.

Chinese is set in STSong-Light, one of the faces that readers of PDF bring along, so that no font is kept or sent."""

from __future__ import annotations

import io
from functools import cache
from typing import Final, assert_never

import segno
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from saoma.checkout.paper import Blank, Code, Heading, Paper, Part, Row, Rule, Stamp, Words

_MM: Final = 72 / 25.4
_WIDTH: Final = 80 * _MM
_MARGIN: Final = 5 * _MM
_INSIDE: Final = _WIDTH - 2 * _MARGIN
_LATIN: Final = "Helvetica"
_STRONG: Final = "Helvetica-Bold"
_CHINESE: Final = "STSong-Light"
_LEADING: Final = 1.45
_CODE_SIDE: Final = 28 * _MM
_BLANK: Final = 12 * _MM


@cache
def _chinese() -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    return _CHINESE


def _runs(text: str, face: str) -> list[tuple[str, str]]:
    """The text in pieces of one face each: what Helvetica has is set in it, the rest in the Chinese face."""
    found: list[tuple[str, str]] = []
    # Helvetica has no minus sign; a dash of its own is nearer to it than one of the Chinese face.
    for letter in text.replace("\N{MINUS SIGN}", "\N{EN DASH}"):
        try:
            letter.encode("cp1252")
            wanted = face
        except UnicodeEncodeError:
            wanted = _chinese()
        if found and found[-1][0] == wanted:
            found[-1] = (wanted, found[-1][1] + letter)
        else:
            found.append((wanted, letter))
    return found


def _wide(text: str, face: str, size: float) -> float:
    return sum(pdfmetrics.stringWidth(run, font, size) for font, run in _runs(text, face))


def folded(text: str, face: str, size: float, room: float) -> list[str]:
    """The text in lines that fit into `room` points: between words where there are words, else between letters."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for letter in paragraph:
            if line and _wide(line + letter, face, size) > room:
                at = line.rfind(" ")
                whole_words = at > 0 and letter.isascii() and line[-1].isascii()
                lines.append(line[:at] if whole_words else line)
                line = line[at + 1 :] if whole_words else ""
            line += letter
        lines.append(line.strip())
    return lines


class _Pen:
    """Draws downwards. Without a canvas it only measures, by the very steps it draws with."""

    def __init__(self, canvas: Canvas | None, top: float) -> None:
        self.canvas = canvas
        self.y = top

    def line(self, text: str, size: float, *, face: str = _LATIN, at: str = "middle", room: float = _INSIDE) -> None:
        for line in folded(text, face, size, room):
            self.y -= size * _LEADING
            wide = _wide(line, face, size)
            x = {"start": _MARGIN, "middle": (_WIDTH - wide) / 2, "end": _WIDTH - _MARGIN - wide}[at]
            self._write(line, x, size, face)

    def _write(self, text: str, x: float, size: float, face: str) -> None:
        for font, run in _runs(text, face):
            if self.canvas is not None:
                self.canvas.setFont(font, size)
                self.canvas.drawString(x, self.y, run)
            x += pdfmetrics.stringWidth(run, font, size)

    def gap(self, points: float) -> None:
        self.y -= points

    def across(self, *, dashed: bool = True, start: float = _MARGIN, end: float = _WIDTH - _MARGIN) -> None:
        if self.canvas is not None:
            self.canvas.setLineWidth(0.5)
            self.canvas.setDash([2, 2] if dashed else [])
            self.canvas.line(start, self.y, end, self.y)

    def code(self, text: str) -> None:
        modules = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
        step = _CODE_SIDE / len(modules)
        left = (_WIDTH - _CODE_SIDE) / 2
        for down, row in enumerate(modules):
            for right, dark in enumerate(row):
                if dark and self.canvas is not None:
                    x, y = left + right * step, self.y - (down + 1) * step
                    self.canvas.rect(x, y, step * 1.02, step * 1.02, stroke=0, fill=1)
        self.y -= _CODE_SIDE

    def row(self, row: Row) -> None:
        face, size = (_STRONG, 10.5) if row.strong else ("Courier" if row.code else _LATIN, 8 if row.soft else 9.5)
        figure = _wide(row.figure, face, size)
        names = folded(row.name, _STRONG if row.strong else _LATIN, size, max(_INSIDE - figure - 6, _INSIDE * 0.35))
        below = figure > _INSIDE * 0.6
        for place, name in enumerate(names):
            self.y -= size * _LEADING
            self._write(name, _MARGIN, size, _STRONG if row.strong else _LATIN)
            if place == 0 and not below:
                self._write(row.figure, _WIDTH - _MARGIN - figure, size, face)
        if below:
            self.line(row.figure, size, face=face, at="end")
        if row.note:
            self.line(row.note, 7.5, at="start", room=_INSIDE * 0.75)

    def part(self, part: Part) -> None:
        match part:
            case Heading(text):
                self.line(text, 15, face=_STRONG)
                self.gap(2)
            case Words(text, soft, start, strong):
                face = _STRONG if strong else _LATIN
                self.line(text, 8 if soft else 9.5, face=face, at="start" if start else "middle")
            case Stamp(text):
                self.gap(5)
                self.across(dashed=False)
                self.gap(-2)
                self.line(text, 13, face=_STRONG)
                self.gap(6)
                self.across(dashed=False)
                self.gap(2)
            case Row():
                self.row(part)
            case Rule():
                self.gap(7)
                self.across()
            case Code(text, label):
                self.gap(8)
                self.code(text)
                self.line(label, 8)
            case Blank(label):
                self.gap(_BLANK)
                self.across(dashed=False, end=_MARGIN + _INSIDE * 0.7)
                self.line(label, 7.5, at="start")
            case _:
                assert_never(part)


def pdf(paper: Paper) -> bytes:
    """The slip as a PDF of one page. The same slip gives the same bytes."""
    measured = _Pen(None, 0)
    for part in paper.parts:
        measured.part(part)
    tall = 2 * _MARGIN - measured.y
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(_WIDTH, tall), invariant=1, pageCompression=1, lang=paper.lang)
    canvas.setTitle(paper.title)
    canvas.setAuthor("Saoma")
    pen = _Pen(canvas, tall - _MARGIN)
    for part in paper.parts:
        pen.part(part)
    canvas.showPage()
    canvas.save()
    return out.getvalue()
