"""The layouts of the daily files: column lines, cells, how times and amounts are written. Pure tables and functions.

In-store files part their cells with bars and write ISO times; online and auto-debit files are CSV, the latter with
American times; the portal shows settlements under names of its own
(https://global.alipay.com/docs/ac/globalbarcode/transaction_format,
https://global.alipay.com/docs/ac/globalbarcode/settlement_format,
https://global.alipay.com/docs/ac/barcode_hk/settlementfile, https://global.alipay.com/docs/ac/hk_auto_debit/settlement)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from saoma.kit.clock import beijing
from saoma.kit.money import Money
from saoma.sandbox.book import rates
from saoma.sandbox.book.movements import Payout, Row, paid_out_at
from saoma.sandbox.lifetimes import wire_date_time


@dataclass(frozen=True, slots=True)
class Style:
    """How a layout's cells are made of a row: `amount` signs what went back where that is chosen."""

    negative: bool = False

    def amount(self, row: Row, money: Money) -> str:
        """An amount of a row."""
        return (-money if self.negative and row.sign < 0 else money).text


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file with a line per movement."""

    columns: tuple[str, ...]
    cells: Callable[[Row, Style], list[str]]
    delimiter: str = "|"

    def text(self, rows: Iterable[Row], style: Style, head: str = "") -> str:
        """The whole file."""
        lines = [self.columns, *(self.cells(row, style) for row in rows)]
        return (f"{head}\n" if head else "") + written(lines, self.delimiter)


def written(lines: Iterable[Iterable[str]], delimiter: str) -> str:
    """Lines of cells as text, each line ended."""
    if delimiter == "|":
        return "".join("|".join(cells) + "\n" for cells in lines)
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(lines)
    return out.getvalue()


def clean(text: str) -> str:
    """Free text without what would part cells or lines."""
    return " ".join(text.replace("|", "/").split())


def _scene(row: Row) -> str:
    return "" if row.trade.code else "shopQrCode"


def _shop(row: Row) -> list[str]:
    return [row.industry, clean(row.trade.merchant)]


def _priced(row: Row, style: Style) -> list[str]:
    trade = row.trade
    return [trade.trans_currency, style.amount(row, row.asked_money), trade.settle_rate]


def _times(row: Row) -> list[str]:
    return [wire_date_time(row.at), wire_date_time(paid_out_at(row.settles_on))]


def _type(row: Row) -> str:
    return "P" if row.sign > 0 else "R"


def _cny(row: Row, money: Money) -> Money:
    return Money(rates.to_cny(money, _rate(row)), "CNY")


def _rate(row: Row) -> str:
    return row.trade.settle_cny or rates.CNY_PER_UNIT[row.trade.currency]


def _traded(row: Row, style: Style) -> list[str]:
    trade = row.trade
    return [row.own, trade.trade_no, row.money.text, row.charge.text, trade.currency, wire_date_time(row.at), row.kind,
            clean(row.remark)]  # fmt: skip


def _settled(row: Row, style: Style) -> list[str]:
    trade, net = row.trade, row.net
    amounts = [row.money, _cny(row, row.money), row.charge, net, _cny(row, net)]
    return [row.own, trade.trade_no, *(style.amount(row, money) for money in amounts), trade.currency, _rate(row),
            *_times(row), _type(row), "L", clean(row.remark)]  # fmt: skip


def _in_store_trade(row: Row, style: Style) -> list[str]:
    trade = row.trade
    # in published transaction files every amount is above nothing: the type says where it went
    return [*_traded(row, style), *_shop(row), clean(trade.store), _scene(row), *_priced(row, Style())]


def _in_store_settled(row: Row, style: Style) -> list[str]:
    return [*_settled(row, style), *_shop(row), clean(row.trade.store), _scene(row), *_priced(row, style)]


def _hk_settled(row: Row, style: Style) -> list[str]:
    trade = row.trade
    amounts = [style.amount(row, money) for money in (row.money, row.charge, row.net)]
    return [row.own, trade.trade_no, *amounts, trade.currency, *_times(row), _type(row), "L", clean(row.remark),
            *_shop(row), clean(trade.merchant_id), clean(trade.store), _scene(row), *_priced(row, style),
            row.wallet]  # fmt: skip


def _american(moment: datetime) -> str:
    return f"{beijing(moment):%m/%d/%Y %H:%M:%S}"


def _auto_debit(row: Row, style: Style) -> list[str]:
    trade = row.trade
    amounts = [style.amount(row, money) for money in (row.money, row.charge, row.net)]
    kind = "CANCEL" if row.kind == "REVERSAL" else row.kind
    original = "" if row.sign > 0 else trade.out_trade_no
    return [row.own, trade.trade_no, *amounts, trade.currency, _american(row.at),
            _american(paid_out_at(row.settles_on)), row.wallet, "AUTO_DEBIT", kind, "SETTLED", clean(row.remark),
            original]  # fmt: skip


def _portal(row: Row, style: Style) -> list[str]:
    cells = _in_store_settled(row, style)
    dotted = [text.replace("-", ".") for text in _times(row)]
    return [*cells[:9], *dotted, *cells[11:]]


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TRADED: Final = (
    "Partner_transaction_id Transaction_id Transaction_amount Charge_amount Currency Payment_time Transaction_type "
    "Remark "
)
_PAID_OUT: Final = (
    "Partner_transaction_id Transaction_id Amount Rmb_amount Fee Settlement Rmb_settlement Currency Rate Payment_time "
    "Settlement_time Type Status Remarks "
)
_IN_STORE: Final = (
    "Secondary_merchant_industry Secondary_merchant_name Operator_name Order_scene Trans_currency Trans_amount "
    "Trans_forex_rate"
)

TRANSACTIONS: Final = Layout(_columns(_TRADED + _IN_STORE), _in_store_trade)
SETTLEMENT: Final = Layout(_columns(_PAID_OUT + _IN_STORE), _in_store_settled)
HK_SETTLEMENT: Final = Layout(
    _columns(
        "Partner_transaction_id Transaction_id Amount Fee Settlement Currency Payment_time Settlement_time Type Status "
        "Remarks Secondary_merchant_industry Secondary_merchant_name Secondary_merchant_id Operator_name Order_scene "
        "Trans_currency Trans_amount Trans_forex_rate Issue"
    ),
    _hk_settled,
)
AUTO_DEBIT: Final = Layout(
    _columns(
        "Partner_transaction_id Transaction_id Amount Fee Settlement Currency Payment_time Settlement_time Issue "
        "Product Type Status Remarks Original_partner_transaction_ID"
    ),
    _auto_debit,
    ",",
)
ONLINE_TRADES: Final = Layout(_columns(_TRADED), _traded, ",")
ONLINE_SETTLEMENT: Final = Layout(_columns(_PAID_OUT), _settled, ",")
_PORTAL_NAMES: Final = {"Amount": "Gross Amount", "Settlement": "Net Amount"}
PORTAL: Final = Layout(
    tuple(_PORTAL_NAMES.get(name, name.replace("_", " ")) for name in SETTLEMENT.columns), _portal, ","
)

_BATCH_COLUMNS: Final = ("Settle_batch_no", "Settle_date", "Amount", "Fee", "Settlement", "Currency")


def batches(payouts: Iterable[Payout], delimiter: str) -> str:
    """The list of payouts, one line each."""
    lines = [
        [one.number, str(one.day), *(Money(minor, one.currency).text for minor in (one.gross, one.fee, one.net)),
         one.currency]
        for one in payouts
    ]  # fmt: skip
    return written([_BATCH_COLUMNS, *lines], delimiter)
