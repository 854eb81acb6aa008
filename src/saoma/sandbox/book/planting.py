"""Errors planted in daily files on purpose: which file, which row, what is wrong with it.

One list for every kind of file, also for those that a service answers; a file is written when somebody reads it, so an
error planted now shows in files of days long gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.book.store import Store

T = TypeVar("T")


class FileKind(StrEnum):
    """Every kind of file that tells of a day."""

    TRANSACTION = "transaction"
    SETTLEMENT = "settlement"
    BATCHES = "batches"
    AUTO_DEBIT = "auto_debit"
    ONLINE_TRADES = "fptrade"
    ONLINE_SETTLEMENT = "settle"
    ONLINE_BATCHES = "settlebatch"
    ARCHIVE = "archive"
    PORTAL = "portal"
    COMPARE = "forex_compare_file"
    LIQUIDATION = "forex_liquidation_file"
    BILL = "bill"


class FileError(StrEnum):
    """What may be wrong with a file on purpose."""

    DROP_ROW = "drop_row"
    ALTER_AMOUNT = "alter_amount"
    ALTER_FEE = "alter_fee"
    DUPLICATE_ROW = "duplicate_row"
    WRONG_COUNT = "wrong_count"
    CUT_OFF = "cut_off"
    MISSING = "missing"


_ROWS: Final = frozenset(
    {FileError.DROP_ROW, FileError.ALTER_AMOUNT, FileError.ALTER_FEE, FileError.DUPLICATE_ROW}
)  # fmt: skip
#: Written by a service for a period, or for one call: no file stands anywhere that could be missing or cut off.
_ANSWERS: Final = frozenset({FileKind.COMPARE, FileKind.LIQUIDATION, FileKind.BILL})


class PlantedError(msgspec.Struct, forbid_unknown_fields=True):
    """One error in one file. `number` is the own number of the row it is about; empty is the file's first."""

    partner: str
    day: date
    error: FileError
    kind: FileKind = FileKind.TRANSACTION
    number: str = ""


def check_possible(error: FileError, kind: FileKind) -> None:
    """Raises `Invalid` for an error that such a file can't have."""
    if error is FileError.WRONG_COUNT and kind is not FileKind.TRANSACTION:
        raise Invalid(f"A {kind.value} file states no count that could be wrong.")
    if error in _ROWS and kind is FileKind.ARCHIVE:
        raise Invalid("An archive has no rows: plant the error in one of its files.")
    if error not in _ROWS and kind in _ANSWERS:
        raise Invalid(f"{kind.value} is answered by a service: only its rows can be wrong.")


class Planting:
    """All planted errors."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._errors = list(store.read("file_error", PlantedError))

    def plant(self, error: PlantedError) -> PlantedError:
        """Let a file be wrong from now on. Raises `Invalid` for an error that such a file can't have."""
        check_possible(error.error, error.kind)
        self._errors.append(error)
        self._store.keep("file_error", str(len(self._errors)), error)
        return error

    def all(self) -> list[PlantedError]:
        """What is wrong on purpose."""
        return list(self._errors)

    def clear(self) -> None:
        """Write true files again."""
        for number in range(len(self._errors)):
            self._store.drop("file_error", str(number + 1))
        self._errors = []

    def of(self, partner: str, kind: FileKind, day: date) -> list[PlantedError]:
        """What is wrong with one file."""
        return [one for one in self._errors if (one.partner, one.kind, one.day) == (partner, kind, day)]

    def has(self, partner: str, kind: FileKind, day: date, error: FileError) -> bool:
        """Whether one file has an error that is about all of it."""
        return any(one.error is error for one in self.of(partner, kind, day))

    def spoiled(
        self,
        rows: Iterable[T],
        partner: str,
        kind: FileKind,
        day_of: Callable[[T], date],
        number_of: Callable[[T], str],
        alter: Callable[[T, int, int], T],
    ) -> list[T]:
        """The rows with what is wrong on purpose. `alter` adds minor units to a row's amount and to its fee."""
        made: list[T] = []
        seen: set[date] = set()
        for row in rows:
            day = day_of(row)
            errors = {
                one.error
                for one in self.of(partner, kind, day)
                if one.number == number_of(row) or (not one.number and day not in seen)
            }
            seen.add(day)
            if FileError.DROP_ROW in errors:
                continue
            more, fee = int(FileError.ALTER_AMOUNT in errors), int(FileError.ALTER_FEE in errors)
            row = alter(row, more, fee) if more or fee else row
            made += [row] * (2 if FileError.DUPLICATE_ROW in errors else 1)
        return made
