"""The online product: its query, its refunds, its notifications and its files."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from saoma.kit.clock import BEIJING
from saoma.kit.errors import NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner, TradeStatus
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi import forex
from saoma.sandbox.mapi.forex_files import read_period
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk, Running

QUERY = "single_trade_query"
URL = "http://127.0.0.1:9/notify"
FRIDAY = datetime(2024, 1, 5, 18, 0, tzinfo=BEIJING)


def bought(desk: Desk, number: str = "W", price: Money = Money(20_00, "USD")) -> None:
    trade = forex.open_trade(desk.book, PARTNER, number, "Lamp", price, "USD", "anna", URL)
    desk.book.pay(trade.trade_no, "anna", "123456")


def giving_back(number: str = "R-1", **changes: str) -> dict[str, str]:
    fields = make.basic(
        "forex_refund", out_trade_no="W", out_return_no=number, return_amount="5.00", currency="USD",
        gmt_return="2024-01-05 18:00:00", product_code="NEW_OVERSEAS_SELLER", is_sync="Y",
    )  # fmt: skip
    return {name: value for name, value in (fields | changes).items() if value}


def test_a_buyer_nobody_knows_leaves_no_order_behind() -> None:
    desk = make.desk()
    with pytest.raises(NotFound):
        forex.open_trade(desk.book, PARTNER, "W", "Lamp", Money(20_00, "USD"), "USD", "nobody", URL)
    bought(desk)


def test_a_query_tells_the_trade_in_yuan_and_paid_as_finished() -> None:
    desk = make.desk()
    bought(desk)
    answer = desk.answer(make.basic(QUERY, out_trade_no="W"))
    assert answer.node == "trade"
    told = answer.fields
    assert (told["trade_status"], told["total_fee"], told["trade_no"]) == (
        "TRADE_FINISHED", "142.00", "2024010521001000000000000001",
    )  # fmt: skip
    assert (told["gmt_create"], told["gmt_payment"]) == ("2024-01-05 12:15:32", "2024-01-05 12:15:32")
    assert told.keys() <= {
        "body", "buyer_email", "buyer_id", "discount", "flag_trade_locked", "gmt_create", "gmt_last_modified_time",
        "gmt_payment", "is_total_fee_adjust", "operator_role", "out_trade_no", "payment_type", "price", "quantity",
        "seller_email", "seller_id", "subject", "to_buyer_fee", "to_seller_fee", "total_fee", "trade_no",
        "trade_status", "use_coupon",
    }  # fmt: skip
    assert desk.error(make.basic(QUERY, out_trade_no="X")) == "TRADE_NOT_EXIST"
    assert desk.error(make.basic(QUERY)) == "ILLEGAL_ARGUMENT"


def test_a_counter_trade_is_queried_with_its_own_status() -> None:
    desk = make.desk(choices=Choices(single_trade_query_in_cny=False))
    desk.call(make.pay_fields("A"))
    told = desk.call(make.basic(QUERY, out_trade_no="A"))
    assert (told["trade_status"], told["total_fee"]) == ("TRADE_SUCCESS", "12.50")


def test_a_refund_says_yes_and_nothing_else() -> None:
    desk = make.desk(FRIDAY)
    bought(desk)
    reply = desk.get(make.signed(giving_back()))
    assert reply.body == b'<?xml version="1.0" encoding="UTF-8"?><alipay><is_success>T</is_success></alipay>'
    trade = desk.book.trades[PARTNER, "W"]
    assert (trade.refunded, trade.status) == (500, TradeStatus.TRADE_SUCCESS)
    desk.advance(seconds=3)
    assert desk.answer(giving_back("R-2", return_amount="15.00")).is_success
    assert trade.status is TradeStatus.TRADE_CLOSED


def test_two_refunds_within_three_seconds_are_one_too_many() -> None:
    desk = make.desk(FRIDAY)
    bought(desk)
    assert desk.answer(giving_back()).is_success
    desk.advance(seconds=2)
    assert desk.error(giving_back("R-2")) == "SYSTEM_EXCEPTION"
    desk.advance(seconds=3)
    assert desk.answer(giving_back("R-2")).is_success


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"out_trade_no": "A"}, "PURCHASE_TRADE_NOT_EXIST"),
        ({"out_trade_no": "X"}, "PURCHASE_TRADE_NOT_EXIST"),
        ({"currency": "EUR"}, "CURRENCY_NOT_SAME"),
        ({"return_amount": "", "return_rmb_amount": "5.00"}, "CURRENCY_NOT_SAME"),
        ({"return_amount": "20.01"}, "RETURN_AMOUNT_EXCEED"),
        ({"return_rmb_amount": "5.00"}, "ILLEGAL_ARGUMENT"),
        ({"return_amount": ""}, "ILLEGAL_ARGUMENT"),
        ({"return_amount": "0.00"}, "ILLEGAL_ARGUMENT"),
        ({"gmt_return": "yesterday"}, "ILLEGAL_ARGUMENT"),
        ({"gmt_return": ""}, "ILLEGAL_ARGUMENT"),
        ({"product_code": "OVERSEAS_MBARCODE_PAY"}, "ILLEGAL_ARGUMENT"),
    ],
)
def test_a_refund_of_something_else_is_refused_at_the_top(changes: dict[str, str], word: str) -> None:
    desk = make.desk(FRIDAY)
    bought(desk)
    desk.call(make.pay_fields("A"))
    assert desk.error(giving_back(**changes)) == word
    assert desk.book.trades[PARTNER, "W"].refunded == 0


def test_a_refund_is_asked_for_once_and_one_after_the_other_until_the_period_is_over() -> None:
    desk = make.desk(FRIDAY, choices=Choices(forex_refund_gap_seconds=0))
    bought(desk)
    assert desk.answer(giving_back(is_sync="N")).is_success
    assert desk.error(giving_back(is_sync="N")) == "REPEATED_REFUNDMENT_REQUEST"
    assert desk.error(giving_back("R-2")) == "REPEATED_REFUNDMENT_REQUEST_TO_ONE_TRADE"
    desk.advance(minutes=1)
    assert desk.answer(giving_back("R-2")).is_success
    desk.advance(days=366)
    assert desk.error(giving_back("R-3")) == "REFUNDMENT_VALID_DATE_EXCEED"


def test_a_refund_in_yuan_belongs_to_a_price_in_yuan() -> None:
    desk = make.desk(FRIDAY)
    bought(desk, price=Money(71_00, "CNY"))
    assert desk.answer(giving_back(return_amount="", return_rmb_amount="7.10")).is_success
    assert desk.book.trades[PARTNER, "W"].refunded == 710


def test_an_asynchronous_refund_is_told_in_its_own_words() -> None:
    desk = make.desk(FRIDAY)
    bought(desk)
    assert desk.answer(giving_back(is_sync="N", notify_url=URL + "/refunds")).is_success
    desk.advance(minutes=1)
    paid, refunded = desk.sandbox.notices.of_order("W")
    assert paid.fields == {
        "notify_type": "trade_status_sync", "out_trade_no": "W", "trade_no": "2024010521001000000000000001",
        "total_fee": "20.00", "currency": "USD", "trade_status": "TRADE_FINISHED",
    }  # fmt: skip
    assert refunded.url == URL + "/refunds"
    assert (refunded.fields["out_return_no"], refunded.fields["refund_status"]) == ("R-1", "REFUND_SUCCESS")


def test_a_refund_without_funds_is_told_as_failed_after_half_a_year() -> None:
    desk = make.desk(FRIDAY, partners=[Partner(PARTNER, md5_key=make.KEY, out_of_funds=True)])
    bought(desk)
    assert desk.error(giving_back()) == "SELLER_BALANCE_NOT_ENOUGH"
    desk.advance(seconds=3)
    assert desk.answer(giving_back(is_sync="N")).is_success
    desk.advance(days=179)
    assert len(desk.sandbox.notices.of_order("W")) == 1
    desk.advance(days=2)
    told = desk.sandbox.notices.of_order("W")[1].fields
    assert (told["refund_status"], told["error_code"]) == ("REFUND_FAIL", "MERCHANT_BALANCE_NOT_ENOUGH")
    assert desk.book.trades[PARTNER, "W"].refunded == 0


async def test_a_trade_of_the_online_product_is_opened_by_control(wire: Running) -> None:
    wanted = {"partner": PARTNER, "out_trade_no": "W", "buyer_id": "anna", "currency": "USD", "total_fee": "20.00"}
    made = await wire.control("POST", "forex-trades", wanted)
    assert (made["out_trade_no"], made["status"]) == ("W", "WAIT_BUYER_PAY")
    await wire.control("POST", "forex-trades", wanted, status=409)
    await wire.control("POST", "forex-trades", wanted | {"out_trade_no": "V", "rmb_fee": "1"}, status=422)
    await wire.control("POST", "forex-trades", wanted | {"out_trade_no": "V", "total_fee": "0"}, status=422)
    assert (await wire.control("POST", "trades/W/pay"))["product"] == "web"
    assert (await wire.call(make.basic(QUERY, out_trade_no="W"))).fields["trade_status"] == "TRADE_FINISHED"


# --- files -----------------------------------------------------------------------------------------------------------


def file(desk: Desk, service: str, start: str, end: str) -> str:
    return desk.text({"service": service, "partner": PARTNER, "start_date": start, "end_date": end})


def test_transactions_and_settlements_are_listed_by_their_own_days() -> None:
    desk = make.desk(FRIDAY)
    bought(desk)
    desk.advance(seconds=30)
    desk.answer(giving_back(reason="broken | lamp"))
    desk.call(make.pay_fields("A"))
    desk.advance(days=1)
    assert file(desk, "forex_compare_file", "20240101", "20240105") == (
        "W|20.00|USD|20240105180000||P|0.12|P|\nR-1|5.00|USD|20240105180030||R|0.03|P|broken / lamp\n"
    )
    assert "No balance account data" in file(desk, "forex_liquidation_file", "20240101", "20240105")
    desk.advance(days=3)
    assert file(desk, "forex_liquidation_file", "20240108", "20240108") == (
        "W|20.00|USD|20240105180000|20240108154600|P|0.12|L|\n"
        "R-1|5.00|USD|20240105180030|20240108154600|R|0.03|L|broken / lamp\n"
    )
    assert file(desk, "forex_compare_file", "20240105", "20240105").count("|L|") == 2


def test_the_files_may_be_told_to_list_everything() -> None:
    desk = make.desk(choices=Choices(file_services_list_all=True))
    desk.call(make.pay_fields("A"))
    desk.advance(days=1)
    assert file(desk, "forex_compare_file", "20240105", "20240105").startswith("A|12.50|USD|20240105121532||P|")


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("20240101", "20240105", ""),
        ("20231227", "20240105", ""),
        ("20231226", "20240105", "File download failed:Over 10 days to Date period"),
        ("20240105", "20240104", "File download failed:Finish date ahead of begin date"),
        ("20240105", "20240106", "File download failed:Finish date not ahead of today"),
        ("20240105", "", "File download failed:Illegal Date period!"),
        ("", "20240105", "File download failed:Illegal Date period!"),
        ("2024-1-5", "20240105", "Date format incorrect YYYYMMDD"),
        ("20240230", "20240301", "Date format incorrect YYYYMMDD"),
        ("２０２４０１０５", "20240105", "Date format incorrect YYYYMMDD"),
    ],
)
def test_a_period_is_at_most_ten_days_that_are_over(start: str, end: str, sentence: str) -> None:
    said = read_period(start, end, date(2024, 1, 6))
    assert said == sentence if sentence else not isinstance(said, str)


def test_a_file_service_out_of_order_says_so_in_words_and_an_unknown_partner_in_xml() -> None:
    desk = make.desk()
    desk.sandbox.faults.plan(Fault("forex_rate_file", FaultKind.SYSTEM_ERROR_BEFORE))
    asked = {"service": "forex_rate_file", "partner": PARTNER}
    assert desk.text(asked) == "System exception"
    assert "20240105|000000|JPY|0.04830000\n" in desk.text(asked)
    assert desk.error(asked | {"partner": "2088000000000009"}) == "ILLEGAL_PARTNER"
    assert desk.error(asked | {"start_date": "20240101"}) == "ILLEGAL_ARGUMENT"
