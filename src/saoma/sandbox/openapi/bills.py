"""Bills to download: a day or a month as a ZIP, behind an address that is good for half a minute.

The bill is written from the book when it is fetched; its columns are a choice of this sandbox, close to those that
merchants see in Alipay's portal (https://open.alitrip.com/docs/doc.htm?articleId=104674)."""

from __future__ import annotations

import csv
import io
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from saoma.kit.clock import beijing, beijing_day
from saoma.kit.money import Money
from saoma.sandbox.book.model import CNY, Partner, Trade
from saoma.sandbox.book.movements import carried_out, fee_back, fee_of
from saoma.sandbox.book.planting import FileKind
from saoma.sandbox.book.trades import Book
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.openapi.codes import SUCCESS, Refusal
from saoma.sandbox.openapi.trade import OPENAPI, Call
from saoma.sandbox.openapi_choices import OpenApiChoices

BILL_TYPES: Final = ("trade", "signcustomer")
_TRADES: Final = (
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "终端号", "对方账户",
    "订单金额（元）", "商家实收（元）", "退款请求号", "服务费（元）", "备注",
)  # fmt: skip
_TOTALS: Final = (
    "门店编号",
    "交易笔数",
    "退款笔数",
    "订单金额（元）",
    "退款金额（元）",
    "服务费（元）",
    "实收净额（元）",
)
_MOVEMENTS: Final = (
    "业务流水号", "商户订单号", "商品名称", "发生时间", "对方账号", "收入金额（+元）", "支出金额（-元）",
    "业务类型", "备注",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    partner: str
    kind: str
    start: date
    end: date
    until: datetime


@dataclass(frozen=True, slots=True)
class _Row:
    """Money that `came`, or went back and is below zero; `fee` is what Alipay keeps, or gives back with a refund."""

    trade: Trade
    at: datetime
    fen: int
    fee: int
    buyer: str
    request_no: str = ""
    remark: str = ""
    came: bool = False

    @property
    def kind(self) -> str:
        return "交易" if self.came else "退款"

    def altered(self, more: int, fee: int) -> _Row:
        """The same with another amount and fee."""
        return replace(self, fen=self.fen + more, fee=self.fee + fee)


class Bills:
    """Bills and the addresses under which they are fetched; the addresses end with the process."""

    def __init__(self, book: Book, choices: OpenApiChoices) -> None:
        self._book = book
        self._choices = choices
        self._asked: dict[str, _Asked] = {}

    def address(self, call: Call) -> dict[str, Any]:
        """Where a bill can be fetched for a moment. Raises `Refusal`."""
        kind, text = call.content.text("bill_type"), call.content.text("bill_date")
        if kind not in BILL_TYPES:
            raise Refusal("40004", "INVAILID_ARGUMENTS", f"bill_type is none of {', '.join(BILL_TYPES)}")
        now = self._book.clock.now()
        span = _span(text)
        if span is None:
            raise Refusal("40004", "INVAILID_ARGUMENTS", "bill_date is neither yyyy-MM-dd nor yyyy-MM")
        if span[1] > beijing(now).date():
            raise Refusal("40004", "BILL_NOT_EXIST", "the newest bill is yesterday's, or last month's")
        asked = _Asked(call.partner.partner, kind, *span, now + timedelta(seconds=call.choices.bill_url_seconds))
        if not any(self._rows(call.partner, asked)):
            raise Refusal("40004", "BILL_NOT_EXIST", "nothing happened then")
        token = secrets.token_hex(20)
        self._asked = {name: one for name, one in self._asked.items() if one.until > now} | {token: asked}
        return SUCCESS | {"bill_download_url": f"{self._book.public_url}/openapi/bills/{token}.zip"}

    def read(self, token: str, partner_of: Any) -> bytes | None:
        """The bill behind an address; None where there is none, or no longer."""
        asked = self._asked.get(token)
        partner = partner_of(asked.partner) if asked else None
        if asked is None or partner is None or self._book.clock.now() > asked.until:
            return None
        rows = list(self._rows(partner, asked))
        name = f"{asked.partner}_{asked.start:%Y%m%d}"
        if asked.kind == "trade":
            files = {f"{name}_业务明细.csv": _trades(rows), f"{name}_业务明细(汇总).csv": _totals(rows)}
        else:
            files = {f"{name}_账务明细.csv": _movements(rows)}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file_name, text in files.items():
                stamp = zipfile.ZipInfo(file_name, (asked.end.year, asked.end.month, asked.end.day, 0, 0, 0))
                archive.writestr(stamp, text.encode(self._choices.bill_charset, "replace"))
        return packed.getvalue()

    def _rows(self, partner: Partner, asked: _Asked) -> Iterator[_Row]:
        self._book.pass_time()
        found = [row for row in self._all(partner) if asked.start <= beijing_day(row.at) < asked.end]
        found.sort(key=lambda row: (row.at, row.trade.trade_no))
        return iter(
            self._book.planting.spoiled(
                found, asked.partner, FileKind.BILL, lambda row: beijing_day(row.at),
                lambda row: row.request_no or row.trade.out_trade_no, _Row.altered,
            )
        )  # fmt: skip

    def _all(self, partner: Partner) -> Iterator[_Row]:
        for trade in self._book.all_trades(partner.partner):
            if trade.api != OPENAPI or trade.paid_at is None:
                continue
            who = self._book.buyer(trade.buyer_id).login
            taken, given = fee_of(trade.cny, partner), 0
            yield _Row(trade, trade.paid_at, trade.cny, taken, who, came=True)
            for refund, done_at in carried_out(self._book, trade):
                fee = fee_back(taken, trade.cny, given, given + refund.cny, partner, self._book.choices)
                yield _Row(trade, done_at, -refund.cny, -fee, who, refund.own_no, refund.reason)
                given += refund.cny
            if trade.is_undone and trade.closed_at:
                yield _Row(trade, trade.closed_at, -trade.cny, -taken, who, "", "撤销")


def _span(text: str) -> tuple[date, date] | None:
    """The first day, and the one after the last."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            start = date.fromisoformat(text)
            return start, start + timedelta(days=1)
        if re.fullmatch(r"\d{4}-\d\d", text):
            start = date.fromisoformat(f"{text}-01")
            return start, (start + timedelta(days=32)).replace(day=1)
    except ValueError:
        pass
    return None


def _yuan(fen: int) -> str:
    return Money(fen, CNY).text


def _trades(rows: list[_Row]) -> str:
    return _table("业务明细", _TRADES, (
        (
            row.trade.trade_no, row.trade.out_trade_no, row.kind, row.trade.subject,
            wire_date_time(row.trade.created_at), wire_date_time(row.at), row.trade.extra.get("store_id", ""),
            row.trade.extra.get("terminal_id", ""),
            row.buyer, _yuan(row.fen), _yuan(row.fen), row.request_no, _yuan(-row.fee), row.remark,
        )
        for row in rows
    ))  # fmt: skip


def _totals(rows: list[_Row]) -> str:
    stores = sorted({row.trade.extra.get("store_id", "") for row in rows})
    lines = [_total(store, [row for row in rows if row.trade.extra.get("store_id", "") == store]) for store in stores]
    return _table("业务汇总", _TOTALS, [*lines, _total("合计", rows)])


def _total(name: str, rows: list[_Row]) -> tuple[str, ...]:
    came, went = [row for row in rows if row.came], [row for row in rows if not row.came]
    taken, given, fee = sum(row.fen for row in came), sum(row.fen for row in went), sum(row.fee for row in rows)
    return name, str(len(came)), str(len(went)), _yuan(taken), _yuan(given), _yuan(-fee), _yuan(taken + given - fee)


def _movements(rows: list[_Row]) -> str:
    lines = []
    for row in rows:
        who = (row.trade.trade_no, row.trade.out_trade_no, row.trade.subject, wire_date_time(row.at), row.buyer)
        came, went = (_yuan(row.fen), "0.00") if row.came else ("0.00", _yuan(row.fen))
        lines.append((*who, came, went, "在线支付" if row.came else "交易退款", row.remark))
        came, went = ("0.00", _yuan(-row.fee)) if row.fee > 0 else (_yuan(-row.fee), "0.00")
        if row.fee:
            lines.append((*who, came, went, "收费" if row.fee > 0 else "退费", ""))
    return _table("账务明细", _MOVEMENTS, lines)


def _table(title: str, head: tuple[str, ...], lines: Any) -> str:
    written = io.StringIO()
    written.write(f"#支付宝{title}查询\r\n")
    writer = csv.writer(written)
    writer.writerow(head)
    for line in lines:
        # numbers of many digits are kept from spreadsheets by the blank that Alipay's own bills end them with
        writer.writerow([f"{cell}\t" if cell.isdigit() and len(cell) > 11 else cell for cell in line])
    written.write(f"#{title}结束\r\n")
    return written.getvalue()
