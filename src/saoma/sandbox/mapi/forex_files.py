"""The files that online partners download by an API: transactions, settlements, exchange rates, as plain text.

Nothing here is XML but a gateway's refusal: whoever reads such a file looks first whether it is one, then whether it
is a sentence, and only then for rows. Layouts and sentences are those that a public client parses; no official page
of these services is readable."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from saoma.kit.clock import beijing_day
from saoma.sandbox import lifetimes
from saoma.sandbox.book import rates
from saoma.sandbox.book.movements import Line, Row, paid_out_at, rows_of
from saoma.sandbox.book.planting import FileKind
from saoma.sandbox.files.file_layouts import clean
from saoma.sandbox.mapi.asking import Asked, Operation, Plain, Words
from saoma.sandbox.parameters import BASIC, Rule

#: What the file services say instead of SYSTEM_ERROR.
OUT_OF_ORDER: Final = "System exception"
_FAILED: Final = "File download failed:"
_NOTHING: Final = "No balance account data in the period"
_LONGEST: Final = 10

_PERIOD: Final[dict[str, Rule]] = BASIC | {"start_date": Rule(), "end_date": Rule()}


def _compare_file(asked: Asked) -> Plain:
    """Every payment and refund whose own day lies in the period, settled or not."""
    return _file(asked, settled_only=False)


def _liquidation_file(asked: Asked) -> Plain:
    """Every payment and refund that was paid out in the period."""
    return _file(asked, settled_only=True)


def _file(asked: Asked, *, settled_only: bool) -> Plain:
    today = beijing_day(asked.book.clock.now())
    period = read_period(asked.get("start_date"), asked.get("end_date"), today)
    if isinstance(period, str):
        return Plain(period)
    asked.book.pass_time()
    start, end = period
    kind = FileKind.LIQUIDATION if settled_only else FileKind.COMPARE

    def day_of(row: Row) -> date:
        return row.settles_on if settled_only else row.day

    line = None if asked.book.choices.file_services_list_all else Line.ONLINE
    rows = [row for row in rows_of(asked.book, asked.partner, line) if start <= day_of(row) <= end]
    told = asked.book.planting.spoiled(
        rows, asked.partner.partner, kind, day_of, lambda row: row.own, Row.altered
    )  # fmt: skip
    return Plain("".join(f"{_line(asked, row)}\n" for row in told) or _NOTHING)


def _line(asked: Asked, row: Row) -> str:
    paid_out = paid_out_at(row.settles_on)
    is_settled = paid_out <= asked.book.clock.now()
    cells = [
        row.own, row.money.text, row.trade.currency, lifetimes.wire_time(row.at),
        lifetimes.wire_time(paid_out) if is_settled else "", "P" if row.sign > 0 else "R",
        row.charge.text, "L" if is_settled else "P", clean(row.remark),
    ]  # fmt: skip
    return "|".join(cells)


def read_period(start: str, end: str, today: date) -> tuple[date, date] | str:
    """The period asked for, or the sentence that says why not."""
    if not start or not end:
        return _FAILED + "Illegal Date period!"
    days = [_day(start), _day(end)]
    first, last = days
    if first is None or last is None:
        return "Date format incorrect YYYYMMDD"
    if last < first:
        return _FAILED + "Finish date ahead of begin date"
    if last - first >= timedelta(days=_LONGEST):
        return _FAILED + "Over 10 days to Date period"
    if last >= today:
        return _FAILED + "Finish date not ahead of today"
    return first, last


def _day(text: str) -> date | None:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _rate_file(asked: Asked) -> Plain:
    """CNY for one unit of each currency, as of the beginning of the Beijing day."""
    today = beijing_day(asked.book.clock.now())
    known = ((name, asked.book.rates.cny(name, today)) for name in rates.CNY_PER_UNIT if name != "CNY")
    return Plain("".join(f"{today:%Y%m%d}|000000|{name}|{rate}\n" for name, rate in known))


OPERATIONS: Final = (
    Operation("forex_compare_file", _PERIOD, _compare_file, Words.TEXT, ""),
    Operation("forex_liquidation_file", _PERIOD, _liquidation_file, Words.TEXT, ""),
    Operation("forex_rate_file", BASIC, _rate_file, Words.TEXT, ""),
)
