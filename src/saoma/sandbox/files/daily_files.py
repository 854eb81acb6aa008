"""The daily files of this local Alipay: a Beijing day's payments and refunds, and what was paid out for them.

They are made when somebody asks, so they always agree with the book, unless an error was planted on purpose. Which
files there are depends on the contract: in-store files of either region, those of the online products, auto debit's
in Hong Kong, and what people download from the portal (https://docs.antom.com/ac/globalbarcode/reconciliation,
https://docs.antom.com/ac/web/content)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial
from typing import Final

from saoma.kit.clock import beijing
from saoma.kit.errors import NotFound
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.movements import Line, Payout, Row, line_of, paid_out_on, payouts, rows_of
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.planting import FileError, FileKind, PlantedError
from saoma.sandbox.book.trades import Book
from saoma.sandbox.files import file_layouts
from saoma.sandbox.files.file_layouts import Layout, Style

__all__ = ["READY", "DailyFiles", "FileError", "FileKind", "PlantedError", "paid_out_on"]

#: Files of a day are there from nine o'clock the morning after.
READY: Final = time(9)


@dataclass(frozen=True, slots=True)
class _File:
    """One file that can be made: what it is called, whose day it is, and how its text comes about."""

    name: str
    kind: FileKind
    day: date
    content: Callable[[], bytes]


class DailyFiles:
    """Names and contents of the files a partner may fetch now."""

    def __init__(self, book: Book, partners: Partners) -> None:
        self._book = book
        self._partners = partners
        self._planting = book.planting

    def plant(self, error: PlantedError) -> PlantedError:
        """Let a file be wrong from now on. Raises `NotFound` for a partner nobody knows, `Invalid`."""
        self._partner(error.partner)
        return self._planting.plant(error)

    def planted(self) -> list[PlantedError]:
        """What is wrong on purpose."""
        return self._planting.all()

    def clear(self) -> None:
        """Write true files again."""
        self._planting.clear()

    def check_partner(self, partner: str) -> None:
        """Raises `NotFound` for one nobody knows, who would else be told that there are no files."""
        self._partner(partner)

    def names(self, partner: str) -> list[str]:
        """Every file that lies in a partner's SFTP folder now, oldest first."""
        return [file.name for file in self._ready(partner) if file.kind is not FileKind.PORTAL]

    def portal_names(self, partner: str) -> list[str]:
        """Every file that the portal would offer for download now, oldest first."""
        return [file.name for file in self._ready(partner) if file.kind is FileKind.PORTAL]

    def read(self, partner: str, name: str) -> bytes | None:
        """The content of a file; None where there is none of that name, or not yet."""
        for file in self._ready(partner):
            if file.name == name:
                text = file.content()
                cut = self._planting.has(partner, file.kind, file.day, FileError.CUT_OFF)
                return text[: len(text) - len(text.splitlines()[-1]) // 2 - 1] if cut else text
        return None

    def payouts(self, partner: str) -> list[Payout]:
        """What was paid out to a partner, or will be, oldest first. Raises `NotFound`."""
        self._book.pass_time()
        known = self._partner(partner)
        return payouts(rows_of(self._book, known), known)

    def _ready(self, partner: str) -> list[_File]:
        known = self._partners.find(partner)
        if known is None:
            return []
        self._book.pass_time()
        now = beijing(self._book.clock.now())
        last = now.date() - timedelta(days=1 if now.time() >= READY else 2)
        found = [
            file
            for file in self._files(known)
            if file.day <= last and not self._planting.has(partner, file.kind, file.day, FileError.MISSING)
        ]
        return sorted(found, key=lambda file: (file.day, [*FileKind].index(file.kind), file.name))

    def _partner(self, partner: str) -> Partner:
        known = self._partners.find(partner)
        if known is None:
            raise NotFound(f"There is no partner {partner!r} here.")
        return known

    def _files(self, partner: Partner) -> Iterator[_File]:
        pid, rows = partner.partner, rows_of(self._book, partner)
        of_line = {line: [row for row in rows if line_of(row.trade, partner) is line] for line in Line}
        for day, traded in _by(of_line[Line.IN_STORE], lambda row: row.day):
            yield self._file(partner, FileKind.TRANSACTION, day, f"{pid}_transaction_{day:%Y%m%d}.txt", traded)
        for day, settled in _by(of_line[Line.IN_STORE], lambda row: row.settles_on):
            yield self._file(partner, FileKind.SETTLEMENT, day, f"{pid}_settlement_{day:%Y%m%d}.txt", settled)
            if partner.is_hk:
                yield self._batches(partner, FileKind.BATCHES, day, f"{pid}_settlebatch_{day:%Y%m%d}.txt", settled, "|")
            else:
                for number, ending in enumerate(("csv", "txt"), 1):
                    name = f"{pid}_{day:%Y%m%d}{number:06d}.{ending}"
                    yield self._file(partner, FileKind.PORTAL, day, name, settled)
        for day, settled in _by(of_line[Line.AUTO_DEBIT], lambda row: row.settles_on):
            yield from self._in_batches(partner, FileKind.AUTO_DEBIT, day, settled)
        yield from self._online(partner, of_line[Line.ONLINE])

    def _online(self, partner: Partner, rows: list[Row]) -> Iterator[_File]:
        pid = partner.partner
        of_day: dict[date, list[_File]] = {}
        for day, traded in _by(rows, lambda row: row.day):
            name = f"{pid}_fptrade_{day:%Y%m%d}.csv"
            of_day.setdefault(day, []).append(self._file(partner, FileKind.ONLINE_TRADES, day, name, traded))
        for day, settled in _by(rows, lambda row: row.settles_on):
            name = f"{pid}_settlebatch_{day:%Y%m%d}.csv"
            files = of_day.setdefault(day, [])
            files += self._in_batches(partner, FileKind.ONLINE_SETTLEMENT, day, settled)
            files.append(self._batches(partner, FileKind.ONLINE_BATCHES, day, name, settled, ","))
        for day, files in of_day.items():
            yield from files
            there = [
                file for file in files if not self._planting.has(pid, file.kind, file.day, FileError.MISSING)
            ]  # fmt: skip
            if there:
                yield _File(f"{pid}_{day:%Y%m%d}.zip", FileKind.ARCHIVE, day, partial(_packed, there))

    def _in_batches(self, partner: Partner, kind: FileKind, day: date, rows: list[Row]) -> Iterator[_File]:
        for payout in payouts(rows, partner):
            own = [row for row in rows if row.trade.currency == payout.currency]
            name = f"{partner.partner}_settle_{day:%Y%m%d}_{payout.number}.csv"
            yield self._file(partner, kind, day, name, own)

    def _file(self, partner: Partner, kind: FileKind, day: date, name: str, rows: list[Row]) -> _File:
        def content() -> bytes:
            layout = _layout(kind, partner, name)
            shown = self._spoiled(rows, partner, kind, day)
            return self._encoded(layout.text(shown, style, self._head(partner, kind, day, len(shown))))

        style = Style(self._book.choices.negative_refunds)
        return _File(name, kind, day, content)

    def _batches(
        self, partner: Partner, kind: FileKind, day: date, name: str, rows: list[Row], delimiter: str
    ) -> _File:
        def altered(one: Payout, more: int, fee: int) -> Payout:
            return Payout(one.number, one.day, one.line, one.currency, one.gross + more, one.fee + fee)

        def content() -> bytes:
            paid = self._planting.spoiled(
                payouts(rows, partner), partner.partner, kind, lambda one: one.day, lambda one: one.number, altered
            )
            return self._encoded(file_layouts.batches(paid, delimiter))

        return _File(name, kind, day, content)

    def _spoiled(self, rows: list[Row], partner: Partner, kind: FileKind, day: date) -> list[Row]:
        return self._planting.spoiled(
            rows, partner.partner, kind, lambda _: day, lambda row: row.own, Row.altered
        )  # fmt: skip

    def _head(self, partner: Partner, kind: FileKind, day: date, rows: int) -> str:
        if kind is not FileKind.TRANSACTION:
            return ""
        errors = self._planting.of(partner.partner, kind, day)
        wrong = sum(one.error is FileError.WRONG_COUNT for one in errors)
        return f"Partner:{partner.partner}|Payment_time: {day}|Total_count:{rows + wrong}"

    def _encoded(self, text: str) -> bytes:
        return text.encode(self._book.choices.file_charset, "replace")


def _layout(kind: FileKind, partner: Partner, name: str) -> Layout:
    match kind:
        case FileKind.TRANSACTION:
            return file_layouts.TRANSACTIONS
        case FileKind.SETTLEMENT:
            return file_layouts.HK_SETTLEMENT if partner.is_hk else file_layouts.SETTLEMENT
        case FileKind.AUTO_DEBIT:
            return file_layouts.AUTO_DEBIT
        case FileKind.ONLINE_TRADES:
            return file_layouts.ONLINE_TRADES
        case FileKind.PORTAL:
            portal = file_layouts.PORTAL
            return Layout(portal.columns, portal.cells, "|" if name.endswith(".txt") else ",")
        case _:
            return file_layouts.ONLINE_SETTLEMENT


def _by(rows: Iterable[Row], day_of: Callable[[Row], date]) -> list[tuple[date, list[Row]]]:
    found: dict[date, list[Row]] = {}
    for row in rows:
        found.setdefault(day_of(row), []).append(row)
    return sorted(found.items())


def _packed(files: Iterable[_File]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            stamp = zipfile.ZipInfo(file.name, (file.day.year, file.day.month, file.day.day, 0, 0, 0))
            archive.writestr(stamp, file.content())
    return made.getvalue()
