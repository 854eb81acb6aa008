"""Bills: which days have one, for how long it can be fetched, and that it adds up to the book."""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal

import pytest

from saoma.sandbox.book.planting import FileError, FileKind, PlantedError
from tests.sandbox import make as sandboxes
from tests.sandbox.make import LUNCH, PARTNER
from tests.sandbox.openapi.make import BILL, CANCEL, NOTIFY, REFUND, Desk, desk


@pytest.fixture
def till() -> Desk:
    """A day with two payments, one of them cancelled, and a refund of a part; it is the next morning."""
    made = desk()
    made.pay("T1", "12.50", store_id="S1")
    made.pay("T2", "7.50", store_id="S2")
    made.ask(CANCEL, {"out_trade_no": "T2"})
    made.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "2.50", "out_request_no": "R1", "refund_reason": "cold"})
    made.push(days=1)
    return made


def files(till: Desk, kind: str = "trade", day: str = "2024-01-05") -> dict[str, list[list[str]]]:
    said = till.ask(BILL, {"bill_type": kind, "bill_date": day})
    token = said["bill_download_url"].rsplit("/", 1)[1].removesuffix(".zip")
    packed = till.sandbox.openapi.bills.read(token, till.sandbox.partners.find)
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {
            name: [line for line in csv.reader(io.StringIO(archive.read(name).decode("gbk"))) if line[0][:1] != "#"]
            for name in archive.namelist()
        }


def test_a_bill_lists_payments_and_what_went_back_and_adds_up(till: Desk) -> None:
    detail, summary = files(till).values()
    assert [(line[1], line[2], line[9], line[11].strip()) for line in detail[1:]] == [
        ("T1", "交易", "12.50", ""),
        ("T1", "退款", "-2.50", "R1"),
        ("T2", "交易", "7.50", ""),
        ("T2", "退款", "-7.50", ""),
    ]
    assert summary[-1][:5] == ["合计", "2", "2", "20.00", "-10.00"]
    fees = sum(Decimal(line[12]) for line in detail[1:])
    assert Decimal(summary[-1][5]) == fees and Decimal(summary[-1][6]) == Decimal("10.00") + fees
    assert {line[0] for line in summary[1:-1]} == {"S1", "S2"}


def test_a_bill_also_holds_what_the_other_gateway_gave_back() -> None:
    till = desk()
    for number in ("T1", "T2"):
        till.pay(number, "10.00")
    wire = sandboxes.Desk(till.sandbox)
    reverse = sandboxes.basic("alipay.acquire.overseas.spot.reverse", partner_trans_id="T1")
    assert wire.call(reverse)["result_code"] == "SUCCESS"
    part = sandboxes.refund_fields("T2", "XR-1", "2.50", currency="CNY", is_sync="Y")
    assert wire.call(part)["result_code"] == "SUCCESS"
    till.push(days=1)
    detail, _ = files(till).values()
    assert sorted((line[1], line[2], line[9], line[11]) for line in detail[1:]) == [
        ("T1", "交易", "10.00", ""),
        ("T1", "退款", "-10.00", ""),
        ("T2", "交易", "10.00", ""),
        ("T2", "退款", "-2.50", "XR-1"),
    ]


def test_a_bill_may_hold_wrong_rows_on_purpose(till: Desk) -> None:
    day, planted = LUNCH.date(), till.sandbox.daily_files
    planted.plant(PlantedError(PARTNER, day, FileError.ALTER_AMOUNT, FileKind.BILL, "T1"))
    planted.plant(PlantedError(PARTNER, day, FileError.DROP_ROW, FileKind.BILL, "R1"))
    detail, _ = files(till).values()
    assert [(line[1], line[9]) for line in detail[1:]] == [("T1", "12.51"), ("T2", "7.50"), ("T2", "-7.50")]


def test_the_account_bill_ends_with_the_same_sum(till: Desk) -> None:
    ((name, lines),) = files(till, "signcustomer").items()
    assert name == "2088000000000001_20240105_账务明细.csv"
    moved = sum(Decimal(line[5]) + Decimal(line[6]) for line in lines[1:])
    assert moved == Decimal("10.00") - Decimal("0.06")


def test_a_month_has_a_bill_when_it_is_over(till: Desk) -> None:
    assert till.ask(BILL, {"bill_type": "trade", "bill_date": "2024-01"})["sub_code"] == "BILL_NOT_EXIST"
    till.push(days=30)
    assert len(files(till, day="2024-01")) == 2


@pytest.mark.parametrize(
    ("kind", "day", "word"),
    [
        ("trade", "2024-01-06", "BILL_NOT_EXIST"),
        ("trade", "2024-01-04", "BILL_NOT_EXIST"),
        ("trade", "05.01.2024", "INVAILID_ARGUMENTS"),
        ("trade", "2024-02-30", "INVAILID_ARGUMENTS"),
        ("rubbish", "2024-01-05", "INVAILID_ARGUMENTS"),
    ],
)
def test_a_bill_that_is_not_there_is_refused_with_its_word(till: Desk, kind: str, day: str, word: str) -> None:
    said = till.ask(BILL, {"bill_type": kind, "bill_date": day})
    assert (said["code"], said["sub_code"]) == ("40004", word)


async def test_a_bill_is_fetched_by_its_address_for_half_a_minute() -> None:
    async with sandboxes.running() as wire:
        till = Desk(wire.sandbox)
        till.pay(told=False)
        till.push(days=1)
        address = till.ask(BILL, {"bill_type": "trade", "bill_date": f"{LUNCH:%Y-%m-%d}"})["bill_download_url"]
        path = address.partition("/openapi/")[2]
        async with wire.client.get(f"{wire.url}/openapi/{path}") as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
        till.push(seconds=31)
        async with wire.client.get(f"{wire.url}/openapi/{path}") as answer:
            assert answer.status == 404


def test_trades_of_the_other_gateway_stand_in_its_own_files(till: Desk) -> None:
    till.sandbox.book.pay_by_code(sandboxes.order("POS-9", notify_url=NOTIFY), "281234567890123456")
    till.push(days=1)
    said = till.ask(BILL, {"bill_type": "trade", "bill_date": "2024-01-06"})
    assert said["sub_code"] == "BILL_NOT_EXIST"
