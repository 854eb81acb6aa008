"""A shift on paper: the drawer's sum, each way to pay, who took what, what was paid in and out, the count. Pure.

While it is open, a cashier is not told what must be in the drawer: who knows the sum before counting counts to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from saoma.checkout.paper import Blank, Heading, Paper, Part, Row, Rule, Stamp, Words
from saoma.checkout.receipt_paper import METHODS
from saoma.checkout.shifts import Entry, Shift, drawer_of
from saoma.gateway import Method
from saoma.kit.db import Rows
from saoma.kit.i18n import Texts, texts
from saoma.kit.money import Money
from saoma.web.texts import clock_time, date_and_time, money

_MOVES: Final = {"pay_in": "Paid in", "pay_out": "Paid out"}


@dataclass(frozen=True, slots=True)
class Figure:
    """Something else that happened in a shift, told by whoever sells. `name` is a text's key, `by` a staff id."""

    name: str
    count: int
    amount: Money
    by: str = ""


@runtime_checkable
class ShiftFigures(Protocol):
    """Tells what a room knows about a shift's time, such as dishes that were voided."""

    async def __call__(self, rows: Rows, shift: Shift) -> Sequence[Figure]:
        """The figures, from the shift's beginning to its end or now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFacts:
    """All that a report is made of. `names` are of people by id; `reveal` shows an open drawer's expected sum."""

    shift: Shift
    book: tuple[Entry, ...]
    figures: tuple[Figure, ...]
    names: Mapping[str, str]
    shop: str
    till: str
    zone: str
    now: datetime
    reveal: bool
    lang: str

    def sum(self, amount: Money) -> str:
        """An amount as people read it."""
        return money(amount, self.lang)

    def at(self, moment: datetime) -> str:
        """A time as people read it."""
        return date_and_time(moment, self.zone, self.lang)

    def who(self, person: str) -> str:
        """Somebody's name; customers' phones and programs have none."""
        return self.names.get(person, "") or texts(self.lang)("Somebody else")


@dataclass(frozen=True, slots=True)
class Sums:
    """How often and how much was taken and given back. Whole minor units of one currency."""

    count: int = 0
    taken: int = 0
    given_back: int = 0

    def and_also(self, entry: Entry) -> Sums:
        """With one more line of the book."""
        if entry.kind == "refund":
            return Sums(self.count, self.taken, self.given_back + entry.amount)
        return Sums(self.count + 1, self.taken + entry.amount, self.given_back)


def sums_by(book: Sequence[Entry], column: str) -> dict[str, Sums]:
    """Sales and refunds by `method` or by person (`by`), in the order they first came."""
    found: dict[str, Sums] = {}
    for entry in book:
        if entry.kind in ("sale", "refund"):
            key = str(getattr(entry, column))
            found[key] = found.get(key, Sums()).and_also(entry)
    return found


def shift_paper(facts: ShiftFacts) -> Paper:
    """The report of a shift, closed or so far."""
    said, shift = texts(facts.lang), facts.shift
    title = said("Shift report") if not shift.is_open else said("Shift so far")
    parts: list[Part] = [Heading(facts.shop), Words(title), Words(facts.till, soft=True)]
    if shift.forgotten(facts.now):
        parts.append(Stamp(said("Not closed")))
    parts.append(Row(said("Shift opened"), facts.at(shift.opened_at), facts.who(shift.opened_by), soft=True))
    if shift.closed_at is not None:
        parts.append(Row(said("Shift closed"), facts.at(shift.closed_at), facts.who(shift.closed_by), soft=True))
    parts += _drawer(facts, said)
    parts += _sales(facts, said)
    parts += _moves(facts, said)
    parts += _count(facts, said)
    if facts.figures:
        parts += [Rule(), Words(said("In this store meanwhile"), start=True, strong=True)]
        for figure in facts.figures:
            name = f"{said(figure.name)} · {facts.who(figure.by)}" if figure.by else said(figure.name)
            parts.append(Row(f"{figure.count} × {name}", facts.sum(figure.amount), soft=True))
    if not shift.is_open:
        parts.append(Blank(said("Signature")))
    return Paper(f"{title} {facts.at(shift.opened_at)}", facts.lang, tuple(parts))


def _drawer(facts: ShiftFacts, said: Texts) -> list[Part]:
    drawer = drawer_of(facts.shift, list(facts.book))
    parts: list[Part] = [
        Rule(),
        Words(said("Cash drawer"), start=True, strong=True),
        Row(said("Float"), facts.sum(drawer.float_amount)),
    ]
    end = facts.shift.closing
    if end is None and not facts.reveal:
        return [*parts, Words(said("The rest is shown when the drawer has been counted."), soft=True, start=True)]
    parts.append(Row(said("Cash sales"), facts.sum(drawer.sales)))
    for name, amount in (
        ("Cash given back", -drawer.refunds),
        ("Paid in", drawer.paid_in),
        ("Paid out", -drawer.paid_out),
    ):
        if amount:
            parts.append(Row(said(name), facts.sum(amount)))
    parts.append(Row(said("Must be in the drawer"), facts.sum(drawer.expected), strong=True))
    if end is not None:
        parts.append(Row(said("Counted"), facts.sum(end.counted), strong=True))
        parts.append(Row(difference_words(end.difference, said), facts.sum(end.difference), strong=True))
        if end.explanation:
            parts.append(Words(f"{facts.who(facts.shift.closed_by)}: {end.explanation}", start=True))
    return parts


def difference_words(difference: Money, said: Texts) -> str:
    """What people call a difference."""
    if not difference:
        return said("It adds up")
    return said("Too much") if difference.minor > 0 else said("Missing")


def _sales(facts: ShiftFacts, said: Texts) -> list[Part]:
    shift = facts.shift
    if shift.is_open and not facts.reveal:
        return []
    parts: list[Part] = []
    for heading, column in (("Each way to pay", "method"), ("Who took it", "by")):
        found = sums_by(facts.book, column)
        if not found:
            continue
        parts += [Rule(), Words(said(heading), start=True, strong=True)]
        for key, sums in found.items():
            name = said(METHODS[Method(key)]) if column == "method" else facts.who(key)
            back = Money(sums.given_back, shift.currency)
            note = said("given back: {amount}", amount=facts.sum(back)) if back else ""
            parts.append(Row(f"{sums.count} × {name}", facts.sum(Money(sums.taken, shift.currency)), note))
    return parts


def _moves(facts: ShiftFacts, said: Texts) -> list[Part]:
    moves = [entry for entry in facts.book if entry.kind in _MOVES]
    if not moves:
        return []
    parts: list[Part] = [Rule(), Words(said("Cash put in and taken out"), start=True, strong=True)]
    for entry in moves:
        amount = entry.money if entry.kind == "pay_in" else -entry.money
        note = f"{entry.reason} · {facts.who(entry.by)}, {clock_time(entry.at, facts.zone, facts.lang)}"
        parts.append(Row(said(_MOVES[entry.kind]), facts.sum(amount), note))
    return parts


def _count(facts: ShiftFacts, said: Texts) -> list[Part]:
    if not facts.shift.counts:
        return []
    parts: list[Part] = [Rule(), Words(said("The count"), start=True, strong=True)]
    for minor, pieces in sorted(((int(minor), pieces) for minor, pieces in facts.shift.counts.items()), reverse=True):
        piece = Money(minor, facts.shift.currency)
        parts.append(Row(f"{pieces} × {facts.sum(piece)}", facts.sum(piece * pieces), soft=True))
    return parts
