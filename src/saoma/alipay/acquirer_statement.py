"""An acquirer's statement of one day: fetched page by page through the partner API, kept as a file, read line by line.

The file is ours: a head with the day and the number of lines, then one JSON line each. Only a file whose lines are all
there is believed. A whole refund that undid a payment of ours carries the number of that undoing, and is a reversal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount, AcquirerClient
from saoma.alipay.client import NoBelievableAnswer
from saoma.alipay.sftp import FilesUnreachable, Trouble
from saoma.gateway import LineKind, StatementKind, StatementLine, StatementUnreadable
from saoma.kit.errors import Invalid, NotSent
from saoma.kit.money import Money

#: How our files are called, so that they are told from Alipay's.
ENDING: Final = ".acquirer.jsonl"
_KIND: Final = {"payment": LineKind.PAYMENT, "refund": LineKind.REFUND, "cancel": LineKind.CANCEL}
_MOST_PAGES: Final = 20_000


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: Literal["payment", "refund", "cancel"]
    at: datetime
    amount: str
    currency: str
    reference: str
    key: str
    trade_no: str
    store: str


class _Page(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw]
    next_cursor: str | None


class _Head(msgspec.Struct, frozen=True):
    day: date
    store: str
    lines: int


async def fetch_statement(client: AcquirerClient, account: AcquirerAccount, day: date, folder: Path) -> Path:
    """The whole statement of a day that is over, as a file in `folder`. Raises `FilesUnreachable`."""
    lines: list[bytes] = []
    query = {"date": day.isoformat(), "store": account.store, "limit": "100"}
    for _ in range(_MOST_PAGES):
        page = await _page(client, account, query)
        lines += [bytes(item) for item in page.items]
        if page.next_cursor is None:
            break
        query["cursor"] = page.next_cursor
    else:
        raise FilesUnreachable("the acquirer's statement has no end")
    head = msgspec.json.encode(_Head(day, account.store, len(lines)))
    # oldest first, as in any other daily file
    content = b"\n".join([head, *reversed(lines), b""])
    return await asyncio.to_thread(_keep, content, folder, f"{account.store}_{day:%Y%m%d}{ENDING}")


async def look_at_statement(client: AcquirerClient, account: AcquirerAccount, day: date) -> None:
    """Ask for one line of a day's statement, to see whether it would be told. Raises `FilesUnreachable`."""
    await _page(client, account, {"date": day.isoformat(), "store": account.store, "limit": "1"})


async def _page(client: AcquirerClient, account: AcquirerAccount, query: Mapping[str, str]) -> _Page:
    try:
        reply = await client.get(account, "", "/statements", query)
        if reply.status in (401, 403):
            kind = Trouble.LOGIN_REFUSED
            raise FilesUnreachable(f"the acquirer answers {reply.status} {reply.problem}".strip(), kind)
        if reply.status != 200:
            raise FilesUnreachable(f"the acquirer answers {reply.status} {reply.problem}".strip())
        return msgspec.json.decode(reply.body, type=_Page)
    except (NotSent, NoBelievableAnswer, ValueError, RecursionError) as error:
        raise FilesUnreachable(f"the acquirer's statement can't be had: {error}", _kind_of(error.__cause__)) from None


def _kind_of(cause: BaseException | None) -> Trouble:
    """What the way there was like; the socket's own errors are behind what the client says."""
    cause = getattr(cause, "os_error", None) or cause
    match cause:
        case socket.gaierror():
            return Trouble.NAME_UNKNOWN
        case ConnectionRefusedError():
            return Trouble.REFUSED
        case TimeoutError():
            return Trouble.SILENT
        case _:
            return Trouble.OTHER


def _keep(content: bytes, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


@dataclass
class AcquirerStatement:
    """One day's file while it is read. Implements `saoma.gateway.Statement`."""

    name: str
    lines: Iterator[StatementLine]
    day: date | None
    total_count: int | None
    partner: str = ""

    @property
    def kind(self) -> StatementKind:
        """It tells of trades; what an acquirer pays out is between it and its merchant."""
        return StatementKind.TRADES

    @property
    def layout_name(self) -> str:
        """For people."""
        return "acquirer's statement"


def open_acquirer_statement(stream: BinaryIO, name: str) -> AcquirerStatement:
    """Begin to read a file. Raises `StatementUnreadable`, also while its lines are walked."""
    try:
        head = msgspec.json.decode(stream.readline(), type=_Head)
    except ValueError as error:
        raise StatementUnreadable(f"{name} line 1: {error}") from None
    return AcquirerStatement(name, _walk(stream, name, head), head.day, head.lines)


def _walk(stream: BinaryIO, name: str, head: _Head) -> Iterator[StatementLine]:
    row = 1
    for row, text in enumerate(stream, start=2):
        try:
            line = msgspec.json.decode(text, type=_Line)
            amount = Money.parse(line.amount, line.currency)
        except (ValueError, Invalid, RecursionError) as error:
            raise StatementUnreadable(f"{name} line {row}: {error}") from None
        if line.store != head.store:
            raise StatementUnreadable(f"{name} line {row}: is of another store")
        undoing = line.kind == "refund" and line.key == f"undo-{line.reference}"
        kind = LineKind.REVERSAL if undoing else _KIND[line.kind]
        yield StatementLine(
            row=row,
            kind=kind,
            own_number=line.key if kind is LineKind.REFUND else line.reference,
            trade_number=line.trade_no,
            amount=amount,
            gross=amount,
            fee=Money(0, line.currency),
            at=line.at,
        )
    if row - 1 != head.lines:
        raise StatementUnreadable(f"{name}: has {row - 1} lines, and says it has {head.lines}")
