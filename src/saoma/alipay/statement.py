"""Reads Alipay's daily files as a stream of lines in our words, whatever product and portal wrote them.

Nothing is held but the line being read, so a file of any size fits; the count and the sums that a file states about
itself are checked when its last line has been read, so a reader must come to the end before it believes anything.
Formats: https://global.alipay.com/docs/ac/globalbarcode/transaction_format (see `layouts` for the others)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import BinaryIO, Final

from saoma.alipay.layouts import COMPARE_FILE, HK_BATCHES, KINDS, Layout, bare, recognise
from saoma.gateway import LineKind, StatementKind, StatementLine, StatementUnreadable
from saoma.kit.clock import BEIJING
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: Longer lines are no lines of a daily file; nobody may make us hold them.
_LONGEST: Final = 64 * 1024
_HEAD: Final = re.compile(r"Partner:\s*(\d{16})\|Payment_time:\s*(\d{4}-\d\d-\d\d)\|Total_count:\s*(\d{1,9})\s*")
_TOTAL: Final = re.compile(r"#(交易|退款)合计：(\d{1,9})笔，商家实收(?:退款)?共(-?[\d.]{1,16})元")
#: What a service answers in place of a file (https://docs.antom.com/ac/web/content).
_NO_FILE: Final = ("File download failed", "Date format incorrect", "System exception", "Internet connected exception")
_SETTLED: Final = {"L", "SETTLED"}
_STATUSES: Final = _SETTLED | {"P", ""}
_COMPARE_TYPE: Final = 5
_CNY_TOLERANCE: Final = Decimal("0.05")


@lru_cache(16_384)
def _money(text: str, currency: str) -> Money:
    """An amount without its sign. Prices repeat all day, so most are read once."""
    return Money.parse(text.removeprefix("-"), currency)


@dataclass(slots=True)
class Statement:
    """An opened daily file. `lines` may be walked once; `partner`, `day` and `total_count` only where it has a head.

    `at_row` is the line of the file that was read last."""

    name: str
    layout: Layout
    lines: Iterator[StatementLine]
    partner: str = ""
    day: date | None = None
    total_count: int | None = None
    at_row: int = 0

    @property
    def kind(self) -> StatementKind:
        """What the file tells of."""
        return self.layout.kind

    @property
    def layout_name(self) -> str:
        """Which layout it is, for people."""
        return self.layout.name


@dataclass(frozen=True, slots=True)
class PayoutBatch:
    """One payout to the bank, all its trades together."""

    number: str
    day: date
    gross: Money
    fee: Money
    net: Money


@dataclass(slots=True)
class _Text:
    """The lines of a file as text: UTF-8 until a line is not, GBK from there on."""

    stream: BinaryIO
    name: str
    row: int = 0
    codec: str = "utf-8"

    def wrong(self, what: str, column: str = "") -> StatementUnreadable:
        """An error that says where."""
        where = f"{self.name} line {self.row}" + (f", column {column}" if column else "")
        return StatementUnreadable(f"{where}: {what}")

    def next(self) -> str | None:
        """The next line that is not blank, without its end; None at the end of the file."""
        while True:
            data = self.stream.readline(_LONGEST + 1)
            if not data:
                return None
            self.row += 1
            if len(data) > _LONGEST:
                raise self.wrong("is longer than any line of a daily file")
            if self.row == 1:
                if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    raise self.wrong("the file is in UTF-16; UTF-8 and GBK are read")
                if data[:2] == b"PK":
                    raise self.wrong("this is a ZIP archive: unpack it first")
                data = data.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in data:
                raise self.wrong("holds a zero byte: this is no text")
            text = self._decode(data).rstrip("\r\n")
            if text.strip():
                return text

    def _decode(self, data: bytes) -> str:
        for codec in (self.codec, "gbk"):
            try:
                text = data.decode(codec)
            except UnicodeDecodeError:
                continue
            self.codec = codec
            return text
        raise self.wrong("is written neither in UTF-8 nor in GBK")

    def split(self, text: str, delimiter: str) -> list[str]:
        """The cells of a line. A quoted cell can't go on in the next line."""
        if delimiter == "|" or '"' not in text:
            return text.split(delimiter)
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            raise self.wrong("a quotation mark is left open, or stands inside a cell") from None


@dataclass(slots=True)
class _Sums:
    """What was counted, to be compared with what the file says of itself."""

    count: int = 0
    by_kind: dict[str, tuple[int, Decimal]] = field(default_factory=dict)

    def add(self, kind: str, received: Decimal) -> None:
        number, total = self.by_kind.get(kind, (0, Decimal()))
        self.by_kind[kind] = number + 1, total + received


def open_statement(stream: BinaryIO, name: str = "file") -> Statement:
    """Read a file's head; its lines follow as they are asked for.

    Raises `StatementUnreadable` here and while the lines are walked."""
    text = _Text(stream, name)
    first = text.next()
    if first is None:
        raise StatementUnreadable(f"{name}: the file is empty")
    if first.lstrip().startswith("<"):
        code = re.search(r"<error>([A-Z_]{1,64})</error>", first)
        raise text.wrong(f"this is the gateway's refusal, no file: {code[1] if code else first[:80]}")
    if first.startswith(_NO_FILE):
        raise text.wrong(f"Alipay gave no file: {first[:120]}")
    head = _HEAD.fullmatch(first)
    if head is not None:
        return _with_head(text, head)
    while first is not None and first.startswith("#"):
        first = text.next()
    if first is None:
        raise text.wrong("the file ends before its column names")
    return _statement(text, _layout(text, first), first)


def _with_head(text: _Text, head: re.Match[str]) -> Statement:
    try:
        day = date.fromisoformat(head[2])
    except ValueError:
        raise text.wrong(f"{head[2]} is no day", "Payment_time") from None
    names = text.next()
    if names is None:
        raise text.wrong("the file ends before its column names")
    made = _statement(text, _layout(text, names), names)
    made.partner, made.day, made.total_count = head[1], day, int(head[3])
    return made


def _layout(text: _Text, names: str) -> Layout:
    for delimiter in ("|", ",", "\t"):
        if delimiter not in names:
            continue
        cells = text.split(names, delimiter)
        found = recognise(cells, delimiter)
        if found is not None:
            return found
        if tuple(map(bare, cells)) == HK_BATCHES:
            raise text.wrong("this lists payouts, not trades")
        if delimiter == "|" and len(cells) == len(COMPARE_FILE.columns) and cells[_COMPARE_TYPE] in KINDS:
            return COMPARE_FILE
    raise text.wrong(f"these are no column names of a file we know: {names[:120]!r}")


def _statement(text: _Text, layout: Layout, first: str) -> Statement:
    made = Statement(text.name, layout, iter(()))
    made.lines = _lines(text, made, first if layout is COMPARE_FILE else None)
    return made


def _lines(text: _Text, statement: Statement, pending: str | None) -> Iterator[StatementLine]:
    layout = statement.layout
    width, reader, sums = len(layout.columns), _Cells(text, layout), _Sums()
    # the mainland bill says where its rows end; nothing may follow but remarks
    ended = False
    while (line := pending if pending is not None else text.next()) is not None:
        pending = None
        if line.startswith("#"):
            ended = ended or sums.count > 0
            _check_total(text, line, sums)
            continue
        if ended:
            raise text.wrong("rows go on after the file's closing lines")
        cells = text.split(line, layout.delimiter)
        if len(cells) != width:
            raise text.wrong(f"has {len(cells)} columns where {width} were named")
        made = reader.read(cells)
        sums.count += 1
        if "received" in reader.at:
            sums.add(reader.text("type"), reader.number("received"))
        statement.at_row = text.row
        yield made
    if statement.total_count is not None and sums.count != statement.total_count:
        raise text.wrong(f"the file has {sums.count} rows, but its head says {statement.total_count}", "Total_count")


def _check_total(text: _Text, line: str, sums: _Sums) -> None:
    told = _TOTAL.match(line.replace(" ", ""))
    if told is None:
        return
    count, received = sums.by_kind.get(told[1], (0, Decimal()))
    if count != int(told[2]):
        raise text.wrong(f"{told[1]}: {count} rows were read, but the closing line says {told[2]}")
    try:
        agrees = abs(received) == abs(Decimal(told[3]))
    except ArithmeticError:
        raise text.wrong(f"{told[3]!r} is not an amount") from None
    if not agrees:
        raise text.wrong(f"{told[1]}: the rows add up to {received}, but the closing line says {told[3]}")


class _Cells:
    """Makes a line of ours from a row's cells. One per file: it remembers where each field stands."""

    def __init__(self, text: _Text, layout: Layout) -> None:
        self._text = text
        self._layout = layout
        self.at = {name: i for i, name in reversed(list(enumerate(layout.fields))) if name}
        self._cells: list[str] = []
        self._settles = layout.kind is StatementKind.SETTLEMENT

    def wrong(self, name: str, what: str) -> StatementUnreadable:
        return self._text.wrong(what, f"{self.at[name] + 1} ({self._layout.columns[self.at[name]]})")

    def text(self, name: str) -> str:
        where = self.at.get(name)
        return "" if where is None else self._cells[where].strip()

    def number(self, name: str) -> Decimal:
        try:
            return Decimal(self.text(name) or "0")
        except ArithmeticError:
            raise self.wrong(name, f"{self.text(name)!r} is not a number") from None

    def read(self, cells: list[str]) -> StatementLine:
        self._cells = cells
        currency = self.text("currency") or self._layout.currency
        kind = KINDS.get(self.text("type").upper())
        if kind is None:
            raise self.wrong("type", f"{self.text('type')[:40]!r} is no kind of line we know")
        own, trade = self._numbers(kind)
        if kind is LineKind.REFUND and trade and own == trade:
            # a settled cancel is typed as a refund and carries Alipay's number twice
            kind = LineKind.CANCEL
        gross = self._money("gross", currency)
        net = self._money("net", currency) if self.text("net") else None
        fee = self._money("fee", currency) if self.text("fee") else Money.zero(currency)
        return StatementLine(
            row=self._text.row,
            kind=kind,
            own_number=own,
            trade_number=trade,
            amount=self._asked(gross),
            gross=gross,
            fee=fee,
            at=self._time("at"),
            net=(net if net is not None else self._less(gross, fee, kind)) if self._settles else None,
            settled_at=self._settled(),
            rate=self.text("rate") or self.text("trans_rate"),
            remark=self.text("remark"),
            merchant=self.text("merchant"),
            doubt=self._doubt(),
        )

    def _doubt(self) -> str:
        """Whether amount and rate make the yuan the line states; the published sample is off by two fen itself."""
        if not (self.text("cny_gross") and self.text("rate")):
            return ""
        for foreign, yuan in (("gross", "cny_gross"), ("net", "cny_net")):
            product = abs(self.number(foreign)) * self.number("rate")
            if self.text(yuan) and not abs(product - abs(self.number(yuan))) <= _CNY_TOLERANCE:
                return self._layout.columns[self.at[yuan]]
        return ""

    def _less(self, gross: Money, fee: Money, kind: LineKind) -> Money:
        net = gross - fee
        if net.minor < 0:
            raise self.wrong("fee", f"the fee of this {kind} is more than its amount")
        return net

    def _numbers(self, kind: LineKind) -> tuple[str, str]:
        own, trade = self.text("own_number"), self.text("trade_number")
        if "order_number" in self.at:
            own = self.text("refund_number" if kind is LineKind.REFUND else "order_number") or self.text("order_number")
        for name, number in (("own_number", own), ("trade_number", trade)):
            if name in self.at and (len(number) > 64 or not number.isprintable()):
                raise self.wrong(name, f"{number[:80]!r} is no number of a trade")
        if not own and not trade:
            name = "own_number" if "own_number" in self.at else "trade_number"
            raise self.wrong(name, "the line names no trade")
        return own, trade

    def _asked(self, gross: Money) -> Money:
        currency = self.text("trans_currency")
        if not currency or not self.text("trans_amount"):
            return gross
        return self._money("trans_amount", currency)

    def _money(self, name: str, currency: str) -> Money:
        text = self.text(name)
        try:
            return _money(text, currency)
        except Invalid as error:
            # a currency nobody knows is reported where it stands, not where it was needed
            at_currency = repr(currency) in str(error) and "currency" in self.at
            raise self.wrong("currency" if at_currency and name in _SETTLED_FIELDS else name, str(error)) from None

    def _settled(self) -> datetime | None:
        if not self._settles:
            return None
        status = self.text("status").upper()
        if status not in _STATUSES:
            raise self.wrong("status", f"{status[:40]!r} is no status we know")
        if status == "P" or not self.text("settled_at"):
            return None
        return self._time("settled_at")

    def _time(self, name: str) -> datetime:
        text = self.text(name)
        if len(text) == 19:
            # 2024-01-05, 2024.01.05, 2024/01/05, 01/05/2024, each followed by 12:15:32
            if text[2] == "/":
                text = f"{text[6:10]}-{text[0:2]}-{text[3:5]}{text[10:]}"
            elif text[4] in "./":
                text = text.replace(text[4], "-")
        elif len(text) == 14 and text.isdigit() and text.isascii():
            text = f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"
        try:
            if len(text) != 19 or text[10] not in " T" or not text.isascii():
                raise ValueError
            return datetime.fromisoformat(text).replace(tzinfo=BEIJING)
        except ValueError:
            raise self.wrong(name, f"{self.text(name)[:40]!r} is not a time such as 2024-01-05 12:15:32") from None


_SETTLED_FIELDS: Final = ("gross", "fee", "net")


def read_payouts(stream: BinaryIO, name: str = "file") -> Iterator[PayoutBatch]:
    """The payouts of an AlipayHK batch file. Raises `StatementUnreadable`."""
    text = _Text(stream, name)
    names = text.next()
    delimiter = "|" if names and "|" in names else ","
    if names is None or tuple(map(bare, text.split(names, delimiter))) != HK_BATCHES:
        raise text.wrong("this is no list of payouts")
    while (line := text.next()) is not None:
        cells = [cell.strip() for cell in text.split(line, delimiter)]
        if len(cells) != len(HK_BATCHES):
            raise text.wrong(f"has {len(cells)} columns where {len(HK_BATCHES)} were named")
        try:
            day = date.fromisoformat(cells[1].replace(".", "-").replace("/", "-"))
            gross, fee, net = (Money.parse(cell, cells[5]) for cell in cells[2:5])
        except ValueError:
            raise text.wrong(f"{cells[1][:40]!r} is no day", "2 (settle_date)") from None
        except Invalid as error:
            raise text.wrong(str(error)) from None
        yield PayoutBatch(cells[0], day, gross, fee, net)
