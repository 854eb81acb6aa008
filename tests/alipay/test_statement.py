"""Daily files of every layout become lines in our words; whatever else they are becomes a clear error, never a crash.

All rows are our own, with arithmetic that fits; the one published check (369.30 at 5.4194) is named as such."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saoma.alipay.statement import open_statement, read_payouts
from saoma.gateway import LineKind, StatementKind, StatementLine, StatementUnreadable
from saoma.kit.clock import BEIJING

HEAD = "Partner:2088000000000001|Payment_time: 2024-01-05|Total_count:{count}\n"
TRADES = (
    "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|"
    "Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|"
    "Trans_forex_rate\n"
)
PAYMENT = (
    "POS-1|2024010521001000000000000001|12.50|0.10|USD|2024-01-05 12:15:32|PAYMENT||5812|{name}|T01|"
    "shopQrCode|USD|12.50|1\n"
)
REFUND = (
    "RF-1|2024010521001000000000000001|{sign}2.50|{sign}0.02|USD|2024-01-05 18:00:00|REFUND|"
    "item missing|5812|Noodle House|T01||USD|2.50|1\n"
)
SETTLED = (
    "Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|Payment_time|"
    "Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
    "Trans_currency|Trans_amount|Trans_forex_rate\n"
)
PAID_OUT = (
    "POS-1|2024010521001000000000000001|12.50|88.75|0.10|12.40|88.04|USD|7.10000000|"
    "2024-01-05 12:15:32|2024-01-08 15:46:00|P|L||5812|Noodle House|T01|shopQrCode|USD|12.50|1\n"
)


def read(text: str | bytes, name: str = "file.txt") -> list[StatementLine]:
    return list(open_statement(io.BytesIO(text.encode() if isinstance(text, str) else text), name).lines)


def trades(*rows: str, count: int | None = None) -> str:
    return HEAD.format(count=len(rows) if count is None else count) + TRADES + "".join(rows)


def test_a_transaction_file_has_a_head_and_its_lines() -> None:
    data = trades(PAYMENT.format(name="Noodle House"), REFUND.format(sign=""))
    statement = open_statement(io.BytesIO(data.encode()))
    assert (statement.partner, statement.day, statement.total_count) == ("2088000000000001", date(2024, 1, 5), 2)
    assert (statement.kind, statement.layout_name) == (StatementKind.TRADES, "in-store transactions")
    first, second = statement.lines
    assert (first.kind, first.own_number, first.amount.minor, first.fee.minor, first.row) == (
        LineKind.PAYMENT, "POS-1", 1250, 10, 3,
    )  # fmt: skip
    assert first.at == datetime(2024, 1, 5, 12, 15, 32, tzinfo=BEIJING) and first.net is None
    assert (second.kind, second.amount.minor, second.remark) == (LineKind.REFUND, 250, "item missing")


def test_the_sign_of_a_refund_does_not_matter() -> None:
    assert read(trades(REFUND.format(sign=""))) == read(trades(REFUND.format(sign="-")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_names_are_read_in_utf_8_and_gbk(encoding: str) -> None:
    # the second byte of 亅 in GBK is a vertical bar
    name = "面馆亅海港路"
    assert b"|" in "亅".encode("gbk") or encoding != "gbk"
    (line,) = read(trades(PAYMENT.format(name=name)).encode(encoding))
    assert line.merchant == name


def test_line_ends_and_blank_lines_do_not_matter() -> None:
    text = trades(PAYMENT.format(name="N"))
    assert read(text.replace("\n", "\r\n") + "\r\n\r\n")[0].own_number == "POS-1"


def test_a_settlement_file_says_what_reaches_the_bank() -> None:
    (line,) = read(SETTLED + PAID_OUT)
    assert line.net is not None and line.settled_at is not None
    assert (line.gross.minor, line.fee.minor, line.net.minor, line.rate, line.doubt) == (
        1250,
        10,
        1240,
        "7.10000000",
        "",
    )


def published(cny: str = "2001.38", cny_net: str = "1989.37") -> StatementLine:
    row = (
        f"A-1|2017080221001004060213245489|369.30|{cny}|2.22|367.08|{cny_net}|AUD|5.41940000|"
        "2017-08-02 07:36:46|2017-08-03 15:46:00|P|L||5812|S|O|||||\n"
    )
    return read(SETTLED + row.replace("|||||\n", "|shopQrCode|AUD|369.30|1\n"))[0]


def test_the_published_row_fits_within_its_tolerance() -> None:
    line = published()
    assert line.doubt == "" and line.net is not None
    assert line.gross - line.fee == line.net


def test_yuan_that_do_not_follow_from_the_rate_are_doubted() -> None:
    assert published(cny="2001.50").doubt == "rmb_amount"
    assert published(cny_net="1989.50").doubt == "rmb_settlement"


def test_a_settled_cancel_carries_alipays_number_twice() -> None:
    row = PAID_OUT.replace("POS-1|", "2024010521001000000000000001|").replace("|P|L|", "|R|L|")
    assert read(SETTLED + row)[0].kind is LineKind.CANCEL


def test_what_is_paid_and_not_settled_yet_has_no_settlement_time() -> None:
    assert read(SETTLED + PAID_OUT.replace("|P|L|", "|P|P|"))[0].settled_at is None


def test_hong_kong_settles_without_yuan() -> None:
    names = (
        "Partner_transaction_id|Transaction_id|Amount|Fee|Settlement|Currency|Payment_time|Settlement_time|Type|Status|"
        "Remarks|Secondary_merchant_industry|Secondary_merchant_name|Secondary_merchant_id|Operator_name|Order_scene|"
        "Trans_currency|Trans_amount|Trans_forex_rate|Issue\n"
    )
    row = (
        "HK-1|2024|100.00|1.20|98.80|HKD|2024-01-05 12:00:00|2024-01-08 15:00:00|P|L||5812|N|S1|O|"
        "shopQrCode|HKD|100.00|1|HK\n"
    )
    statement = open_statement(io.BytesIO((names + row).encode()))
    (line,) = statement.lines
    assert statement.layout_name == "AlipayHK settlement" and line.net is not None and line.net.text == "98.80"


def test_hong_kong_auto_debit_writes_months_first() -> None:
    names = (
        "Partner_transaction_id,Transaction_id,Amount,Fee,Settlement,Currency,Payment_time,"
        "Settlement_time,Issue,Product,Type,Status,Remarks,Original_partner_transaction_ID\n"
    )
    row = (
        "AD-1,2024,100.00,1.20,98.80,HKD,01/05/2024 12:00:00,01/08/2024 15:00:00,HK,Auto,REFUND,SETTLED,"
        '"late, sorry",AD-0\n'
    )
    (line,) = read(names + row)
    assert (line.kind, line.at.date(), line.remark) == (LineKind.REFUND, date(2024, 1, 5), "late, sorry")


def test_hong_kong_payouts_are_read_apart() -> None:
    names = "Settle_batch_no|Settle_date|Amount|Fee|Settlement|Currency\n"
    (batch,) = read_payouts(io.BytesIO((names + "B1|2024-01-08|100.00|1.20|98.80|HKD\n").encode()))
    assert (batch.number, batch.day, batch.net.text) == ("B1", date(2024, 1, 8), "98.80")
    with pytest.raises(StatementUnreadable, match="payouts"):
        read(names)


def test_the_cross_border_file_has_sixteen_columns() -> None:
    names = (
        "Partner_transaction_id,Transaction_id,Amount,Rmb_amount,Fee,Refund,Settlement,Rmb_settlement,"
        "Currency,Rate,Payment_time,Settlement_time,Type,Status,Stem_from,Remarks\n"
    )
    row = (
        "W-1,2024,10.00,71.00,0.10,0.00,9.90,70.29,USD,7.10000000,2024-01-05 12:00:00,"
        "2024-01-08 15:00:00,P,L,shop.example,\n"
    )
    statement = open_statement(io.BytesIO((names + row).encode()))
    assert len(statement.layout.columns) == 16 and statement.layout_name == "cross-border settlement"
    (line,) = statement.lines
    assert line.net is not None and line.net.minor == 990


def test_the_online_file_is_known_by_its_names() -> None:
    names = TRADES.split("|Secondary")[0].replace("|", ",") + "\n"
    row = "W-1,2024,10.00,0.10,USD,20240105120000,PAYMENT,\n"
    (line,) = read(names + row)
    assert line.at == datetime(2024, 1, 5, 12, tzinfo=BEIJING)


def test_a_file_from_the_portal_has_other_names_and_dots_in_its_dates() -> None:
    names = (
        "Partner Transaction ID,Transaction ID,Gross Amount,Fee,Net Amount,Currency,Payment Time,"
        "Settlement Time,Type,Status\n"
    )
    row = "W-1,2024,10.00,0.10,9.90,USD,2024.01.05 12:00:00,2024.01.08 15:00:00,P,L\n"
    (line,) = read(names + row)
    assert (line.at.day, line.net and line.net.minor) == (5, 990)


def test_the_comparing_service_answers_rows_without_names() -> None:
    (line,) = read("W-1|10.00|USD|20240105120000|20240108150000|P|0.10|L|\n")
    assert (line.own_number, line.fee.minor, line.net and line.net.minor) == ("W-1", 10, 990)


_BILL = """#支付宝业务明细查询
#账号：[20880000000000010156]
#起始日期：[2024年01月05日 00:00:00]   终止日期：[2024年01月06日 00:00:00]
#-----------------------------------------业务明细列表----------------------------------------
{names}
{rows}
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共36.50元，商家优惠共0.00元
#退款合计：1笔，商家实收退款共-6.50元，商家优惠退款共0.00元
#导出时间：[2024年01月06日 09:30:00]
"""
_BILL_NAMES = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,"
    "门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_BILL_ROWS = (
    "2024010522001\t,M-1\t,交易,牛肉面,2024-01-05 12:00:00,2024-01-05 12:00:05,S1,面馆,,,买家,36.50,36.50,"
    "0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-0.22,0.00,\n"
    "2024010522001\t,M-1\t,退款,牛肉面,2024-01-05 13:00:00,2024-01-05 13:00:05,S1,面馆,,,买家,-6.50,-6.50,"
    "0.00,0.00,0.00,0.00,0.00,,0.00,0.00,R-1,0.04,0.00,少了一份"
)
BILL = _BILL.format(names=_BILL_NAMES, rows=_BILL_ROWS)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_the_mainland_bill_is_read_in_gbk_with_its_remarks_around_it(encoding: str) -> None:
    paid, refunded = read(BILL.encode(encoding))
    assert (paid.kind, paid.own_number, paid.trade_number, str(paid.amount)) == (
        LineKind.PAYMENT, "M-1", "2024010522001", "36.50 CNY",
    )  # fmt: skip
    assert (refunded.kind, refunded.own_number, refunded.amount.minor, refunded.remark) == (
        LineKind.REFUND, "R-1", 650, "少了一份",
    )  # fmt: skip


def test_the_closing_totals_of_the_mainland_bill_are_checked() -> None:
    with pytest.raises(StatementUnreadable, match=r"36\.51"):
        read(BILL.replace("共36.50元", "共36.51元"))
    with pytest.raises(StatementUnreadable, match="2"):
        read(BILL.replace("交易合计：1笔", "交易合计：2笔"))


GOOD = PAYMENT.format(name="N")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (trades(GOOD, count=2), "line 3, column Total_count: the file has 1 rows, but its head says 2"),
        (trades(GOOD.replace("12.50|0.10", "12,50|0.10")), r"line 3, column 3 \(transaction_amount\)"),
        (trades(GOOD.replace("|0.10|", "|0.105|")), r"column 4 \(charge_amount\)"),
        (trades(GOOD.replace("USD|2024", "XXX|2024")), r"line 3, column 5 \(currency\)"),
        (trades(GOOD.replace("2024-01-05 12:15:32", "2024-13-05 12:15:32")), r"column 6 \(payment_time\)"),
        (trades(GOOD.replace("2024-01-05 12:15:32", "yesterday")), r"column 6 \(payment_time\)"),
        (trades(GOOD.replace("PAYMENT", "GIFT")), r"column 7 \(transaction_type\): 'GIFT'"),
        (trades(GOOD.replace("|T01", "")), "line 3: has 14 columns where 15 were named"),
        (trades(GOOD.replace("POS-1|2024010521001000000000000001", "|")), "names no trade"),
        (HEAD.format(count=0), "ends before its column names"),
        (HEAD.format(count=0) + "a|b|c\n", "no column names"),
        (HEAD.format(count=0).replace("01-05", "13-05") + TRADES, "no day"),
        ("<alipay><is_success>F</is_success><error>ILLEGAL_PARTNER</error></alipay>", "ILLEGAL_PARTNER"),
        ("File download failed:Over 10 days to Date period", "Over 10 days"),
        (SETTLED + PAID_OUT.replace("|P|L|", "|P|X|"), r"column 13 \(status\)"),
        ("x" * 70_000, "longer"),
        ("PK\x03\x04", "ZIP"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(text: str, says: str) -> None:
    with pytest.raises(StatementUnreadable, match=says) as error:
        read(text, "daily.txt")
    assert str(error.value).startswith("daily.txt")


@pytest.mark.parametrize("data", [b"\xff\xfeP\x00", b"a\x00b|c", b"\xff\xff\xff|\xff"])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(StatementUnreadable):
        read(data)


def survives(data: bytes) -> None:
    """Lines or a clear error: nothing else may come out."""
    try:
        for line in read(data):
            assert line.amount.minor >= 0 and line.gross.minor >= 0 and line.at.tzinfo is not None
    except StatementUnreadable as error:
        assert str(error).startswith("file.txt")


@given(st.binary(max_size=400))
def test_any_bytes_give_lines_or_a_clear_error(data: bytes) -> None:
    survives(data)


@given(st.lists(st.binary(max_size=30), max_size=25), st.sampled_from([TRADES, SETTLED, BILL.split("\n")[4] + "\n"]))
@settings(max_examples=200)
def test_any_cells_under_true_names_give_lines_or_a_clear_error(cells: list[bytes], names: str) -> None:
    delimiter = b"|" if "|" in names else b","
    survives(names.encode() + delimiter.join(cells) + b"\n")


@given(st.data())
@settings(max_examples=200)
def test_a_true_file_with_some_bytes_changed_gives_lines_or_a_clear_error(data: st.DataObject) -> None:
    whole = bytearray(
        data.draw(st.sampled_from([trades(GOOD, REFUND.format(sign="")), SETTLED + PAID_OUT, BILL])).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(whole))


def test_a_file_is_never_held_as_a_whole() -> None:
    class Endless(io.RawIOBase):
        """Gives a head and then rows for ever."""

        def __init__(self) -> None:
            self.rows = 0

        def readline(self, size: int | None = -1) -> bytes:
            self.rows += 1
            text = {1: HEAD.format(count=1), 2: TRADES}.get(self.rows, GOOD)
            return text.encode()

    stream = Endless()
    lines = open_statement(stream, "endless").lines  # type: ignore[arg-type]
    for _ in range(50):
        next(lines)
    assert stream.rows == 52
