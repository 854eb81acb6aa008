"""The layouts of Alipay's daily files, as data: which columns they have and what we call them.

A file is recognised by the names in its column line, never by its file name: portals rename what people download.
Sources: https://global.alipay.com/docs/ac/globalbarcode/transaction_format,
https://global.alipay.com/docs/ac/globalbarcode/settlement_format,
https://global.alipay.com/docs/ac/barcode_hk/settlementfile, https://global.alipay.com/docs/ac/hk_auto_debit/settlement.
The online files' layouts come from public integrations; no readable official page lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from saoma.gateway import LineKind, StatementKind


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file. `columns` are bare names (`bare`) in their published order, `fields` what we call each."""

    name: str
    kind: StatementKind
    delimiter: str
    columns: tuple[str, ...]
    #: Of a file whose column line names no currency.
    currency: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Our name of each column, `""` for those nobody reads."""
        return tuple(FIELDS.get(column, "") for column in self.columns)


def bare(name: str) -> str:
    """A column's name without what differs between files that mean the same: case, blanks, brackets, byte marks."""
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]+", "_", name.strip().lstrip("\ufeff").lower()).strip("_")


#: Bare column names and ours. Several names of one thing are normal: files, portal and bill each have their own.
FIELDS: Final[dict[str, str]] = {
    "partner_transaction_id": "own_number",
    "transaction_id": "trade_number",
    "transaction_amount": "gross",
    "amount": "gross",
    "gross_amount": "gross",
    "charge_amount": "fee",
    "fee": "fee",
    "settlement": "net",
    "net_amount": "net",
    "currency": "currency",
    "rate": "rate",
    "rmb_amount": "cny_gross",
    "rmb_settlement": "cny_net",
    "payment_time": "at",
    "settlement_time": "settled_at",
    "transaction_type": "type",
    "type": "type",
    "status": "status",
    "remark": "remark",
    "remarks": "remark",
    "secondary_merchant_name": "merchant",
    "trans_currency": "trans_currency",
    "trans_amount": "trans_amount",
    "trans_forex_rate": "trans_rate",
    # the mainland bill
    "支付宝交易号": "trade_number",
    "商户订单号": "order_number",
    "业务类型": "type",
    "创建时间": "created_at",
    "完成时间": "at",
    "门店名称": "merchant",
    "订单金额_元": "gross",
    "商家实收_元": "received",
    "退款批次号_请求号": "refund_number",
    "服务费_元": "fee",
    "备注": "remark",
}


def _columns(text: str) -> tuple[str, ...]:
    return tuple(bare(name) for name in text.split())


_TRADES: Final = (
    "Partner_transaction_id Transaction_id Transaction_amount Charge_amount Currency Payment_time Transaction_type "
    "Remark"
)
_SHOP: Final = "Secondary_merchant_industry Secondary_merchant_name"
_PRICED: Final = "Trans_currency Trans_amount Trans_forex_rate"
_PAID_OUT: Final = (
    "Partner_transaction_id Transaction_id Amount Rmb_amount Fee Settlement Rmb_settlement Currency Rate Payment_time "
    "Settlement_time Type Status Remarks"
)
_HK: Final = (
    "Partner_transaction_id Transaction_id Amount Fee Settlement Currency Payment_time Settlement_time Type Status "
    "Remarks Secondary_merchant_industry Secondary_merchant_name Secondary_merchant_id Operator_name Order_scene "
)

IN_STORE_TRADES: Final = Layout(
    "in-store transactions",
    StatementKind.TRADES,
    "|",
    _columns(f"{_TRADES} {_SHOP} Operator_name Order_scene {_PRICED}"),
)
IN_STORE_SETTLEMENT: Final = Layout(
    "in-store settlement",
    StatementKind.SETTLEMENT,
    "|",
    _columns(f"{_PAID_OUT} {_SHOP} Operator_name Order_scene {_PRICED}"),
)
HK_SETTLEMENT: Final = Layout("AlipayHK settlement", StatementKind.SETTLEMENT, "|", _columns(f"{_HK} {_PRICED} Issue"))
HK_AUTO_DEBIT: Final = Layout(
    "AlipayHK auto debit settlement",
    StatementKind.SETTLEMENT,
    ",",
    _columns(
        "Partner_transaction_id Transaction_id Amount Fee Settlement Currency Payment_time Settlement_time Issue "
        "Product Type Status Remarks Original_partner_transaction_ID"
    ),
)
ONLINE_TRADES: Final = Layout("online transactions", StatementKind.TRADES, ",", _columns(_TRADES))
ONLINE_SETTLEMENT: Final = Layout("online settlement details", StatementKind.SETTLEMENT, ",", _columns(_PAID_OUT))
#: Sixteen columns: what was refunded from a payment stands beside it, and `Stem_from` names its website.
CROSS_BORDER: Final = Layout(
    "cross-border settlement",
    StatementKind.SETTLEMENT,
    ",",
    _columns(
        "Partner_transaction_id Transaction_id Amount Rmb_amount Fee Refund Settlement Rmb_settlement Currency Rate "
        "Payment_time Settlement_time Type Status Stem_from Remarks"
    ),
)
MAINLAND_BILL: Final = Layout(
    "mainland bill",
    StatementKind.TRADES,
    ",",
    tuple(
        bare(name)
        for name in (
            *("支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称"),
            *("操作员", "终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）"),
            *("支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）"),
            *("卡消费金额（元）", "退款批次号/请求号", "服务费（元）", "分润（元）", "备注"),
        )
    ),
    currency="CNY",
)
#: The service `forex_compare_file` answers rows without a column line.
COMPARE_FILE: Final = Layout(
    "forex_compare_file",
    StatementKind.SETTLEMENT,
    "|",
    _columns("Partner_transaction_id Amount Currency Payment_time Settlement_time Type Fee Status Remarks"),
)
#: One line per payout, none per trade.
HK_BATCHES: Final = _columns("Settle_batch_no Settle_date Amount Fee Settlement Currency")

LAYOUTS: Final = (
    *(IN_STORE_TRADES, IN_STORE_SETTLEMENT, HK_SETTLEMENT, HK_AUTO_DEBIT),
    *(ONLINE_TRADES, ONLINE_SETTLEMENT, CROSS_BORDER, MAINLAND_BILL),
)

#: What a file must have so that its lines can be matched, whatever else it has.
_NEEDED: Final = frozenset({"trade_number", "gross", "at", "type"})

KINDS: Final[dict[str, LineKind]] = {
    "PAYMENT": LineKind.PAYMENT,
    "P": LineKind.PAYMENT,
    "交易": LineKind.PAYMENT,
    "REFUND": LineKind.REFUND,
    "R": LineKind.REFUND,
    "退款": LineKind.REFUND,
    "CANCEL": LineKind.CANCEL,
    "C": LineKind.CANCEL,
    "撤销": LineKind.CANCEL,
    "REVERSAL": LineKind.REVERSAL,
    "REVERSE": LineKind.REVERSAL,
}


def recognise(names: list[str], delimiter: str) -> Layout | None:
    """The layout of a column line; None for a line that is none.

    Published layouts come first; a file with other columns is read by their names if it has what matching needs."""
    columns = tuple(bare(name) for name in names)
    for layout in LAYOUTS:
        if columns == layout.columns:
            return layout if delimiter == layout.delimiter else Layout(layout.name, layout.kind, delimiter, columns)
    fields = {FIELDS.get(column, "") for column in columns}
    if not fields >= _NEEDED or len(set(columns)) != len(columns):
        return None
    settles = bool({"settled_at", "net"} & fields)
    kind = StatementKind.SETTLEMENT if settles else StatementKind.TRADES
    name = f"{'settlement' if settles else 'transactions'} by column names"
    currency = "" if "currency" in fields else "CNY"
    return Layout(name, kind, delimiter, columns, currency)
