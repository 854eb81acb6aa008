"""Daily files of every kind: who is in which, what its columns hold, and what is wrong when somebody planted it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from saoma.alipay import layouts
from saoma.alipay.statement import open_statement, read_payouts
from saoma.gateway import LineKind, StatementUnreadable
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.planting import FileError, FileKind, PlantedError
from saoma.sandbox.choices import Choices
from saoma.sandbox.config import BuyerSetting
from saoma.sandbox.mapi import forex
from saoma.sandbox.mapi.autodebit import sign_agreement
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk

FRIDAY, MONDAY = date(2024, 1, 5), date(2024, 1, 8)
TAXI = make.STORE.replace("5812", "4121").replace("SM_1001", "SM_2002")


def desk(choices: Choices | None = None, **terms: Any) -> Desk:
    contract = Partner(PARTNER, make.APP, md5_key=make.KEY, public_key=make.partner_keys()[1], **terms)
    buyers = [BuyerSetting("anna"), BuyerSetting("wing", hk=True)]
    changes: dict[str, Any] = {"choices": choices} if choices else {}
    return make.desk(partners=[contract], buyers=buyers, **changes)


def a_busy_friday(here: Desk, currency: str = "USD") -> None:
    """Payments of every kind: a refund of a part, a cancel, another industry, an agreement, an online order."""
    here.call(make.pay_fields("A", currency=currency))
    here.call(make.pay_fields("B", here.book.new_payment_code("wing").code, currency=currency, extend_info=TAXI))
    here.call(make.pay_fields("C", currency=currency, trans_amount="8.00"))
    here.advance(minutes=5)
    reason = "refund_reson" if currency == "HKD" else "refund_reason"
    here.call(make.refund_fields("A", currency=currency) | {reason: "cold | 冷"})
    here.call(make.cancel_fields("C"))
    agreement = sign_agreement(here.book, PARTNER, "wing").agreement_no
    info = json.dumps({"agreement_no": agreement})
    debit = make.basic("alipay.acquire.createandpay", out_trade_no="D", subject="Ride", total_fee="20.00")
    debit |= {"product_code": "GENERAL_WITHHOLDING", "agreement_info": info, "currency": currency}
    assert here.call(debit)["result_code"] == "ORDER_SUCCESS_PAY_SUCCESS"
    forex.open_trade(here.book, PARTNER, "W", "Lamp", Money(30_00, currency), currency, "anna", "")
    here.book.pay(here.book.trades[PARTNER, "W"].trade_no, "anna", "123456")


def content(here: Desk, name: str) -> bytes:
    found = here.sandbox.daily_files.read(PARTNER, name)
    assert found is not None, (name, here.sandbox.daily_files.names(PARTNER))
    return found


def cells(here: Desk, name: str, delimiter: str) -> list[dict[str, str]]:
    """The rows of a file by their column names."""
    lines = content(here, name).decode().splitlines()
    if lines[0].startswith("Partner:"):
        lines = lines[1:]
    table = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if delimiter == "|" else csv.QUOTE_MINIMAL)
    head, *rows = list(table)
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


# --- which files there are -------------------------------------------------------------------------------------------


def test_each_line_of_products_has_files_of_its_own() -> None:
    here = desk()
    a_busy_friday(here)
    here.advance(days=3, hours=23)
    names = here.sandbox.daily_files.names(PARTNER)
    assert names == [
        f"{PARTNER}_transaction_20240105.txt", f"{PARTNER}_fptrade_20240105.csv", f"{PARTNER}_20240105.zip",
        f"{PARTNER}_settlement_20240108.txt", f"{PARTNER}_settle_20240108_202401082002.csv",
        f"{PARTNER}_settlebatch_20240108.csv", f"{PARTNER}_20240108.zip",
    ]  # fmt: skip
    assert here.sandbox.daily_files.portal_names(PARTNER) == [
        f"{PARTNER}_20240108000001.csv",
        f"{PARTNER}_20240108000002.txt",
    ]
    in_store = {row["Partner_transaction_id"] for row in cells(here, names[0], "|")}
    assert in_store == {"A", "B", "C", "RF-1", here.book.trades[PARTNER, "C"].trade_no}
    assert [row["Partner_transaction_id"] for row in cells(here, names[1], ",")] == ["D", "W"]


def test_hong_kong_has_its_own_settlement_auto_debit_and_list_of_payouts() -> None:
    here = desk(region="hk")
    a_busy_friday(here, "HKD")
    here.advance(days=3, hours=23)
    names = here.sandbox.daily_files.names(PARTNER)
    assert f"{PARTNER}_settlebatch_20240108.txt" in names
    assert here.sandbox.daily_files.portal_names(PARTNER) == []
    rows = cells(here, f"{PARTNER}_settlement_20240108.txt", "|")
    assert len(rows[0]) == 20
    by_own = {row["Partner_transaction_id"]: row for row in rows}
    assert (by_own["A"]["Issue"], by_own["B"]["Issue"]) == ("ALIPAYCN", "ALIPAYHK")
    assert (by_own["B"]["Secondary_merchant_id"], by_own["B"]["Secondary_merchant_industry"]) == ("SM_2002", "4121")
    assert by_own["RF-1"]["Type"] == "R"
    (row,) = [each for name in names for each in auto_debits(here, name)]
    assert (row["Type"], row["Status"], row["Issue"]) == ("PAYMENT", "SETTLED", "ALIPAYHK")
    assert (row["Payment_time"], row["Settlement_time"]) == ("01/05/2024 12:20:32", "01/08/2024 15:46:00")
    (payout,) = read_payouts(io.BytesIO(content(here, f"{PARTNER}_settlebatch_20240108.txt")))
    signed = [Money.parse(one["Settlement"], "HKD").minor * (1 if one["Type"] == "P" else -1) for one in rows]
    assert payout.net == Money(sum(signed), "HKD")


def auto_debits(here: Desk, name: str) -> list[dict[str, str]]:
    found = cells(here, name, ",") if "_settle_" in name else []
    return [row for row in found if "Original_partner_transaction_ID" in row]


def test_an_auto_debit_refund_names_its_payment() -> None:
    here = desk(region="hk")
    a_busy_friday(here, "HKD")
    refund = make.basic("alipay.acquire.refund", out_trade_no="D", refund_amount="5.00", out_request_no="DR")
    assert here.call(refund)["fund_change"] == "Y"
    here.advance(days=3, hours=23)
    rows = [row for name in here.sandbox.daily_files.names(PARTNER) for row in auto_debits(here, name)]
    assert [(row["Type"], row["Original_partner_transaction_ID"]) for row in rows] == [("PAYMENT", ""), ("REFUND", "D")]


def test_files_are_there_at_nine_the_morning_after_and_without_payments_never() -> None:
    here = desk()
    here.call(make.pay_fields("A"))
    here.advance(hours=20, minutes=44, seconds=27)
    assert here.sandbox.daily_files.names(PARTNER) == [], "one second before nine"
    here.advance(seconds=1)
    assert here.sandbox.daily_files.names(PARTNER) == [f"{PARTNER}_transaction_20240105.txt"]
    here.advance(days=30)
    assert len(here.sandbox.daily_files.names(PARTNER)) == 2
    assert here.sandbox.daily_files.read(PARTNER, "2088000000000001_transaction_20240106.txt") is None
    assert here.sandbox.daily_files.read("2088000000000999", f"{PARTNER}_transaction_20240105.txt") is None


# --- what is in them -------------------------------------------------------------------------------------------------

LAYOUTS = {
    "transaction": layouts.IN_STORE_TRADES, "settlement": layouts.IN_STORE_SETTLEMENT,
    "fptrade": layouts.ONLINE_TRADES, "settle": layouts.ONLINE_SETTLEMENT,
}  # fmt: skip


@pytest.mark.parametrize("region", ["global", "hk"])
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("charset", ["UTF-8", "GBK"])
def test_a_reader_of_alipays_files_reads_every_kind(region: str, negative: bool, charset: Any) -> None:  # noqa: FBT001
    here = desk(Choices(negative_refunds=negative, file_charset=charset), region=region)
    a_busy_friday(here, "HKD" if region == "hk" else "USD")
    here.advance(days=3, hours=23)
    files = here.sandbox.daily_files
    read = 0
    for name in [*files.names(PARTNER), *files.portal_names(PARTNER)]:
        text = content(here, name)
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(text)) as archive:
                assert {one: archive.read(one) for one in archive.namelist()} == {
                    one: content(here, one) for one in archive.namelist()
                }
            continue
        if "settlebatch" in name:
            assert list(read_payouts(io.BytesIO(text)))
            continue
        statement = open_statement(io.BytesIO(text), name)
        for line in statement.lines:
            assert not line.doubt
            assert line.gross.minor >= 0 and line.fee <= line.gross
            if line.net is not None:
                assert line.net == line.gross - line.fee
            assert line.kind is not LineKind.REFUND or line.own_number == "RF-1"
            assert not line.remark or line.remark == "cold / 冷"
            read += 1
        kind = name.split("_")[1]
        if region == "global" and kind in LAYOUTS:
            assert statement.layout == LAYOUTS[kind]
    assert read >= 11


def test_a_commission_is_part_of_the_fee_and_goes_back_with_a_refund() -> None:
    def fees(choices: Choices, fee: str) -> list[str]:
        here = desk(choices, fee_rate="0.01")
        data = json.loads(make.STORE) | {"trans_currency": "SGD", "currency": "SGD", "channel_fee": json.loads(fee)}
        del data["terminal_id"]
        shop = make.basic(
            "alipay.commerce.qrcode.create", timestamp="2024-01-05 12:15:00", biz_type="OVERSEASHOPQRCODE",
            biz_data=json.dumps(data),
        )  # fmt: skip
        trade = here.book.pay_static(here.call(shop)["qrcode"], "anna", Money(10_00, "SGD"), "123456")
        here.advance(minutes=1)
        here.call(make.refund_fields(trade.out_trade_no, amount="5.00", currency="SGD"))
        here.advance(days=1)
        rows = cells(here, f"{PARTNER}_transaction_20240105.txt", "|")
        assert {row["Order_scene"] for row in rows} == {"shopQrCode"}
        return [row["Charge_amount"] for row in rows]

    assert fees(Choices(), '{"type":"RATE","value":"0.03"}') == ["0.40", "0.20"]
    assert fees(Choices(), '{"type":"FIXED","value":"0.20"}') == ["0.30", "0.15"]
    assert fees(Choices(), '{"type":"FIXED","value":"9"}') == ["0.60", "0.30"], "five of a hundred at most"
    assert fees(Choices(channel_fee_in_fee=False), '{"type":"RATE","value":"0.03"}') == ["0.10", "0.05"]


@pytest.mark.parametrize(("choice", "given_back"), [("adds_up", 6), ("rounded_alone", 8)])
def test_parts_of_a_refund_give_back_the_fee_that_was_taken_and_no_cent_more(choice: Any, given_back: int) -> None:
    here = desk(Choices(refund_fee=choice))
    here.call(make.pay_fields("A", trans_amount="10.00"))
    for number in range(4):
        here.call(make.refund_fields("A", f"R{number}", "2.50"))
    (paid,) = here.sandbox.daily_files.payouts(PARTNER)
    assert (paid.gross, paid.fee) == (0, 6 - given_back)


def test_a_row_never_changes_after_its_day() -> None:
    here = desk(fee_rate="0.01")

    def has_funds(yes: bool) -> None:  # noqa: FBT001
        contract = here.sandbox.partners.find(PARTNER)
        assert contract is not None
        here.sandbox.partners.add(msgspec.structs.replace(contract, out_of_funds=not yes))

    here.call(make.pay_fields("A", trans_amount="1.00", trans_currency="CNY"))
    here.advance(days=1)
    has_funds(False)
    here.call(make.refund_fields("A", "asked first, done last", "0.35", is_sync="N"))
    here.advance(hours=12)
    has_funds(True)
    assert here.call(make.refund_fields("A", "asked last, done first", "0.45"))["result_code"] == "SUCCESS"
    has_funds(False)
    here.advance(days=1, hours=10)
    before = content(here, f"{PARTNER}_transaction_20240107.txt")
    has_funds(True)
    here.advance(days=1)
    assert all(one.done_at for one in here.book.refunds.values())
    assert content(here, f"{PARTNER}_transaction_20240107.txt") == before


def test_a_contract_may_keep_the_fee_of_a_refund_but_not_of_a_cancel() -> None:
    here = desk(refund_fee_kept=True)
    a_busy_friday(here)
    here.advance(days=1)
    fees = {
        row["Transaction_type"]: row["Charge_amount"] for row in cells(here, f"{PARTNER}_transaction_20240105.txt", "|")
    }
    assert fees == {"PAYMENT": "0.05", "REFUND": "0.00", "CANCEL": "0.05"}


def test_the_partners_industry_stands_where_none_was_sent() -> None:
    here = desk(industry="5311")
    here.book.pay_by_code(make.order("A"), make.CODE)
    here.call(make.pay_fields("B", extend_info=TAXI))
    here.advance(days=1)
    rows = cells(here, f"{PARTNER}_transaction_20240105.txt", "|")
    assert [row["Secondary_merchant_industry"] for row in rows] == ["5311", "4121"]


def test_a_trade_keeps_the_rates_of_its_day_in_answers_refunds_and_files() -> None:
    here = desk()
    with pytest.raises(Invalid, match="above nothing"):
        here.book.rates.set("USD", MONDAY, Decimal(0))
    here.book.rates.set("USD", date(2024, 1, 6), Decimal("7.2"))
    assert here.call(make.pay_fields("A"))["trans_amount_cny"] == "88.75"
    here.advance(days=1)
    later = here.call(make.pay_fields("B"))
    assert (later["exchange_rate"], later["trans_amount_cny"]) == ("7.20000000", "90.00")
    refund = here.call(make.refund_fields("A", amount="10.00"))
    assert (refund["exchange_rate"], refund["refund_amount_cny"]) == ("7.10000000", "71.00")
    assert "20240106|000000|USD|7.20000000\n" in here.text(make.basic("forex_rate_file"))
    here.advance(days=4)
    rows = cells(here, f"{PARTNER}_settlement_20240108.txt", "|")
    assert {row["Partner_transaction_id"]: (row["Rate"], row["Rmb_amount"]) for row in rows} == {
        "A": ("7.10000000", "88.75"), "B": ("7.20000000", "90.00"), "RF-1": ("7.10000000", "71.00"),
    }  # fmt: skip
    again = type(here.book)(make.clock(), here.book.store)
    assert [again.rates.cny("USD", day) for day in (FRIDAY, MONDAY)] == ["7.10000000", "7.20000000"]


def test_each_currency_is_paid_out_by_itself_in_its_own_decimals() -> None:
    here = desk()
    here.call(make.pay_fields("A", currency="JPY", trans_amount="1250"))
    here.call(make.pay_fields("B"))
    here.call(make.refund_fields("B", amount="12.50"))
    paid = here.sandbox.daily_files.payouts(PARTNER)
    assert [(one.currency, one.gross, one.fee, one.day) for one in paid] == [
        ("JPY", 1250, 8, MONDAY),
        ("USD", 0, 0, MONDAY),
    ]
    with pytest.raises(NotFound):
        here.sandbox.daily_files.payouts("2088000000000999")


# --- planted errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "day", "name", "region"),
    [
        (FileKind.TRANSACTION, FRIDAY, "transaction_20240105.txt", "global"),
        (FileKind.SETTLEMENT, MONDAY, "settlement_20240108.txt", "global"),
        (FileKind.SETTLEMENT, MONDAY, "settlement_20240108.txt", "hk"),
        (FileKind.BATCHES, MONDAY, "settlebatch_20240108.txt", "hk"),
        (FileKind.AUTO_DEBIT, MONDAY, "settle_20240108_202401083001.csv", "hk"),
        (FileKind.ONLINE_TRADES, FRIDAY, "fptrade_20240105.csv", "global"),
        (FileKind.ONLINE_SETTLEMENT, MONDAY, "settle_20240108_202401082002.csv", "global"),
        (FileKind.ONLINE_BATCHES, MONDAY, "settlebatch_20240108.csv", "global"),
        (FileKind.PORTAL, MONDAY, "20240108000001.csv", "global"),
    ],
)
def test_every_error_can_be_planted_in_every_kind_of_file(kind: FileKind, day: date, name: str, region: str) -> None:
    here = desk(region=region)
    a_busy_friday(here, "HKD" if region == "hk" else "USD")
    here.advance(days=3, hours=23)
    files, whole = here.sandbox.daily_files, f"{PARTNER}_{name}"
    true = content(here, whole).decode().splitlines()
    first = 2 if kind is FileKind.TRANSACTION else 1

    def wrong(error: FileError) -> list[str]:
        files.clear()
        files.plant(PlantedError(PARTNER, day, error, kind))
        return content(here, whole).decode().splitlines()

    assert wrong(FileError.DROP_ROW)[first:] == true[first + 1 :]
    assert wrong(FileError.DUPLICATE_ROW)[first:] == [true[first], *true[first:]]
    for error in (FileError.ALTER_AMOUNT, FileError.ALTER_FEE):
        altered = wrong(error)
        assert altered[first] != true[first] and altered[first + 1 :] == true[first + 1 :]
    assert wrong(FileError.CUT_OFF) != true
    assert "\n".join(true).startswith("\n".join(wrong(FileError.CUT_OFF)))
    files.clear()
    files.plant(PlantedError(PARTNER, day, FileError.MISSING, kind))
    assert files.read(PARTNER, whole) is None
    assert whole not in [*files.names(PARTNER), *files.portal_names(PARTNER)]
    files.clear()
    if kind is FileKind.TRANSACTION:
        files.plant(PlantedError(PARTNER, day, FileError.WRONG_COUNT, kind))
        with pytest.raises(StatementUnreadable, match="rows"):
            list(open_statement(io.BytesIO(content(here, whole))).lines)
    else:
        with pytest.raises(Invalid, match="no count"):
            files.plant(PlantedError(PARTNER, day, FileError.WRONG_COUNT, kind))
    files.clear()
    assert content(here, whole).decode().splitlines() == true


def test_an_error_may_be_about_one_row_and_outlives_a_restart() -> None:
    here = desk()
    a_busy_friday(here)
    here.advance(days=1)
    here.sandbox.daily_files.plant(PlantedError(PARTNER, FRIDAY, FileError.DROP_ROW, number="B"))
    rows = cells(here, f"{PARTNER}_transaction_20240105.txt", "|")
    assert "B" not in {row["Partner_transaction_id"] for row in rows} and len(rows) == 4
    assert [one.number for one in type(here.book)(make.clock(), here.book.store).planting.all()] == ["B"]


def test_an_archive_holds_what_its_files_hold_and_is_none_without_them() -> None:
    here = desk()
    a_busy_friday(here)
    here.advance(days=1)
    files = here.sandbox.daily_files
    files.plant(PlantedError(PARTNER, FRIDAY, FileError.DROP_ROW, FileKind.ONLINE_TRADES))
    with zipfile.ZipFile(io.BytesIO(content(here, f"{PARTNER}_20240105.zip"))) as archive:
        (name,) = archive.namelist()
        assert len(archive.read(name).splitlines()) == 2
    with pytest.raises(Invalid, match="no rows"):
        files.plant(PlantedError(PARTNER, FRIDAY, FileError.DROP_ROW, FileKind.ARCHIVE))
    files.plant(PlantedError(PARTNER, FRIDAY, FileError.MISSING, FileKind.ONLINE_TRADES))
    assert f"{PARTNER}_20240105.zip" not in files.names(PARTNER)


def test_files_that_a_service_answers_may_hold_wrong_rows_too() -> None:
    here = desk()
    a_busy_friday(here)
    here.advance(days=5)
    for kind, day in ((FileKind.COMPARE, FRIDAY), (FileKind.LIQUIDATION, MONDAY)):
        fields = make.basic(kind.value, start_date=f"{day:%Y%m%d}", end_date=f"{day:%Y%m%d}")
        assert [line.split("|")[:2] for line in here.text(fields).splitlines()] == [["D", "20.00"], ["W", "30.00"]]
        here.sandbox.daily_files.plant(PlantedError(PARTNER, day, FileError.ALTER_AMOUNT, kind, "W"))
        assert [line.split("|")[1] for line in here.text(fields).splitlines()] == ["20.00", "30.01"]
        with pytest.raises(Invalid, match="only its rows"):
            here.sandbox.daily_files.plant(PlantedError(PARTNER, day, FileError.MISSING, kind))
