"""The methods of a trade's beginning: what each says, in which order, and what it refuses with which word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from saoma.sandbox.book.model import Partner
from saoma.sandbox.config import BuyerSetting
from saoma.sandbox.openapi_choices import OpenApiChoices
from tests.sandbox import make as sandboxes
from tests.sandbox.make import ALICE, APP, CODE, KEY, PARTNER
from tests.sandbox.openapi.make import CANCEL, CREATE, PAY, PRECREATE, QUERY, Desk, desk

NOTHING = {"buyer_pay_amount": "0.00", "invoice_amount": "0.00", "point_amount": "0.00", "receipt_amount": "0.00"}


@pytest.fixture
def till() -> Desk:
    return desk()


def test_a_payment_says_what_was_paid_by_whom_and_when(till: Desk) -> None:
    assert till.pay(store_id="S1", terminal_id="T9") == {
        "code": "10000",
        "msg": "Success",
        "buyer_logon_id": "ali***@example.com",
        "buyer_pay_amount": "12.50",
        "buyer_user_id": ALICE,
        "fund_bill_list": [{"amount": "12.50", "fund_channel": "ALIPAYACCOUNT"}],
        "gmt_payment": "2024-01-05 12:15:32",
        "invoice_amount": "12.50",
        "out_trade_no": "T1",
        "point_amount": "0.00",
        "receipt_amount": "12.50",
        "store_id": "S1",
        "terminal_id": "T9",
        "total_amount": "12.50",
        "trade_no": "2024010521001000000000000001",
    }


def test_fields_stand_in_alipays_order_and_slashes_are_escaped(till: Desk) -> None:
    text = till.read(till.send(till.signed(PRECREATE, {"out_trade_no": "Q1", "total_amount": 5, "subject": "a"}))).text
    assert text.startswith(
        '{"code":"10000","msg":"Success","out_trade_no":"Q1","qr_code":"https:\\/\\/qr.alipay.com\\/'
    )
    names = list(till.pay())
    assert names[:2] == ["code", "msg"] and names[2:] == sorted(names[2:])


def test_a_payment_that_waits_is_in_process_with_no_amounts(till: Desk) -> None:
    said = till.pay(code="281234567890123491")
    assert said == {"code": "10003", "msg": " order success pay inprocess", "buyer_logon_id": "ali***@example.com",
                    "buyer_user_id": ALICE, "out_trade_no": "T1", "trade_no": said["trade_no"], **NOTHING}  # fmt: skip
    assert till.status() == "WAIT_BUYER_PAY"
    assert till.ask(QUERY, {"out_trade_no": "T1"})["buyer_pay_amount"] == "0.00"
    till.sandbox.book.pay(said["trade_no"], "alice", "123456")
    assert till.status() == "TRADE_SUCCESS"


def test_a_failed_payment_carries_the_order_and_zero_amounts(till: Desk) -> None:
    assert till.pay(code="281234567890123492") == {
        "code": "40004",
        "msg": "Business Failed",
        "sub_code": "ACQ.PAYMENT_AUTH_CODE_INVALID",
        "sub_msg": "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款，如再次收款失败，请联系管理员处理。"
        "[SOUNDWAVE_PARSER_FAIL]",
        "out_trade_no": "T1",
        **NOTHING,
    }


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"out_trade_no": ""}, "INVALID_PARAMETER"),
        ({"out_trade_no": "a b"}, "INVALID_PARAMETER"),
        ({"out_trade_no": "x" * 65}, "INVALID_PARAMETER"),
        ({"scene": "nod"}, "INVALID_PARAMETER"),
        ({"scene": None}, "INVALID_PARAMETER"),
        ({"auth_code": ""}, "INVALID_PARAMETER"),
        ({"auth_code": "1234"}, "PAYMENT_AUTH_CODE_INVALID"),
        ({"auth_code": "981234567890123456"}, "PAYMENT_AUTH_CODE_INVALID"),
        ({"auth_code": "281234567890123493"}, "BUYER_BALANCE_NOT_ENOUGH"),
        ({"auth_code": "281234567890123494"}, "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"),
        ({"subject": ""}, "INVALID_PARAMETER"),
        ({"subject": "x" * 257}, "INVALID_PARAMETER"),
        ({"subject": ["a"]}, "INVALID_PARAMETER"),
        ({"subject": "a\u0001"}, "INVALID_PARAMETER"),
        ({"total_amount": None}, "INVALID_PARAMETER"),
        ({"total_amount": "ten"}, "INVALID_PARAMETER"),
        ({"total_amount": "1.005"}, "INVALID_PARAMETER"),
        ({"total_amount": "-1"}, "INVALID_PARAMETER"),
        ({"total_amount": True}, "INVALID_PARAMETER"),
        ({"total_amount": "0.00"}, "TOTAL_FEE_EXCEED"),
        ({"total_amount": "100000000.01"}, "TOTAL_FEE_EXCEED"),
        ({"product_code": "QUICK_WAP_PAY"}, "ACCESS_FORBIDDEN"),
        ({"seller_id": "2088000000000009"}, "SELLER_NOT_EXIST"),
        ({"discountable_amount": "10", "undiscountable_amount": "2"}, "INVALID_PARAMETER"),
        ({"timeout_express": "1.5h"}, "INVALID_PARAMETER"),
        ({"time_expire": "tomorrow"}, "INVALID_PARAMETER"),
        ({"time_expire": "2024-01-05 12:15:00"}, "NOW_TIME_AFTER_EXPIRE_TIME_ERROR"),
        ({"trans_currency": "XXX"}, "CURRENCY_NOT_SUPPORT"),
        ({"trans_currency": "USD", "settle_currency": "MOP"}, "CURRENCY_NOT_SUPPORT"),
        ({"trans_currency": "JPY", "total_amount": "100.50"}, "AMOUNT_OR_CURRENCY_ERROR"),
    ],
)  # fmt: skip
def test_what_is_not_as_documented_is_refused_and_leaves_no_trade(
    till: Desk, changes: Mapping[str, Any], word: str
) -> None:
    whole = {"out_trade_no": "T1", "scene": "bar_code", "auth_code": CODE, "subject": "a", "total_amount": "12.50"}
    said = till.ask(PAY, {**whole, **changes})
    assert (said["code"], said["sub_code"]) == ("40004", f"ACQ.{word}")
    assert said["receipt_amount"] == "0.00"
    assert till.sandbox.book.trades == {}


def test_amounts_may_be_json_numbers_and_are_never_floats(till: Desk) -> None:
    text = f'{{"out_trade_no":"T1","scene":"bar_code","auth_code":"{CODE}","subject":"a","total_amount":0.07}}'
    assert till.ask(PAY, text)["total_amount"] == "0.07"


def test_a_repeated_payment_tells_that_it_is_paid_and_takes_nothing(till: Desk) -> None:
    till.pay()
    held = till.sandbox.book.buyer("alice").balance
    assert till.pay()["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"
    assert till.pay(amount="12.51")["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    anna = till.sandbox.book.new_payment_code("anna").code
    assert till.pay(code=anna)["sub_code"] == "ACQ.TRADE_BUYER_NOT_MATCH"
    till.ask(CANCEL, {"out_trade_no": "T1"})
    assert till.pay()["sub_code"] == "ACQ.TRADE_HAS_CLOSE"
    assert till.sandbox.book.buyer("alice").balance == held + 1250


def test_a_repeat_may_be_answered_as_the_first_time_where_the_settings_say_so() -> None:
    till = desk(sandboxes.settings(openapi=OpenApiChoices(repeated_pay="success")))
    assert till.pay() == till.pay()


def test_a_barcode_order_lives_as_long_as_it_says(till: Desk) -> None:
    till.pay(code="281234567890123491", timeout_express="5m")
    till.push(minutes=4)
    assert till.status() == "WAIT_BUYER_PAY"
    till.push(minutes=1)
    assert till.status() == "TRADE_CLOSED"
    till.pay("T2", code="281234567890123491")
    till.push(days=14)
    assert till.status("T2") == "WAIT_BUYER_PAY"


def test_an_absolute_deadline_on_the_callers_clock_holds_on_a_pushed_one(till: Desk) -> None:
    till.push(days=3)
    till.pay(code="281234567890123491", time_expire="2024-01-05 12:20:32")
    till.push(minutes=4)
    assert till.status() == "WAIT_BUYER_PAY"
    till.push(minutes=2)
    assert till.status() == "TRADE_CLOSED"


def test_foreign_currency_orders_tell_both_sides(till: Desk) -> None:
    said = till.pay(amount="10.00", trans_currency="USD", settle_currency="USD")
    assert (said["pay_currency"], said["pay_amount"], said["trans_currency"]) == ("CNY", "71.00", "USD")
    assert (said["settle_currency"], said["settle_amount"], said["trans_pay_rate"]) == ("USD", "10.00", "7.10000000")
    assert said["fund_bill_list"][0]["amount"] == "71.00"


def test_yen_may_be_written_with_their_idle_decimals(till: Desk) -> None:
    assert till.pay(amount="100.00", trans_currency="JPY")["total_amount"] == "100"


def test_a_created_trade_waits_for_its_buyer(till: Desk) -> None:
    asked = {"out_trade_no": "C1", "total_amount": "3.00", "subject": "a", "buyer_id": ALICE}
    said = till.ask(CREATE, asked)
    assert set(said) == {"code", "msg", "out_trade_no", "trade_no"}
    assert till.ask(CREATE, asked) == said
    assert till.status("C1") == "WAIT_BUYER_PAY"
    till.sandbox.book.pay(said["trade_no"], "alice", "123456")
    assert till.ask(CREATE, asked)["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"


@pytest.mark.parametrize(
    ("who", "sub_code"),
    [
        ({}, "ACQ.INVALID_PARAMETER"),
        ({"buyer_id": "2088000000000777"}, "ACQ.BUYER_NOT_EXIST"),
        ({"buyer_logon_id": "nobody@example.com"}, "ACQ.BUYER_NOT_EXIST"),
        ({"buyer_logon_id": "anna@example.com"}, None),
    ],
)
def test_a_trade_is_created_for_somebody_alipay_knows(till: Desk, who: dict[str, str], sub_code: str | None) -> None:
    said = till.ask(CREATE, {"out_trade_no": "C1", "total_amount": "3.00", "subject": "a"} | who)
    assert said.get("sub_code") == sub_code


def test_an_order_code_is_no_trade_until_somebody_scans_it(till: Desk) -> None:
    said = till.ask(PRECREATE, {"out_trade_no": "Q1", "total_amount": "3.00", "subject": "a"})
    assert said["qr_code"].startswith("https://qr.alipay.com/bax")
    assert till.status("Q1") == "ACQ.TRADE_NOT_EXIST"
    till.sandbox.book.scan(said["qr_code"], "anna")
    assert till.status("Q1") == "WAIT_BUYER_PAY"


def test_a_query_says_what_became_of_a_trade_by_either_number(till: Desk) -> None:
    paid = till.pay(body="lunch", passback_params="a=1")
    said = till.ask(QUERY, {"trade_no": paid["trade_no"], "out_trade_no": "another"})
    assert said["trade_status"] == "TRADE_SUCCESS"
    assert said["send_pay_date"] == paid["gmt_payment"] and "gmt_payment" not in said
    assert (said["subject"], said["body"], said["passback_params"]) == ("面 Noodles", "lunch", "a=1")
    assert said["buyer_user_type"] == "PRIVATE"


def test_a_query_for_nothing_is_a_failure_with_zero_amounts(till: Desk) -> None:
    assert till.ask(QUERY, {"out_trade_no": "no-such"}) == {
        "code": "40004", "msg": "Business Failed", "sub_code": "ACQ.TRADE_NOT_EXIST", "sub_msg": "交易不存在",
        "out_trade_no": "no-such", **NOTHING,
    }  # fmt: skip
    assert till.ask(QUERY, {})["sub_code"] == "ACQ.INVALID_PARAMETER"


def test_another_partners_trade_does_not_exist() -> None:
    other = Partner("2088000000000002", "2016000000000002", md5_key=KEY, public_key=sandboxes.partner_keys()[1])
    mine = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1])
    till = desk(sandboxes.settings(partners=[mine, other]))
    paid = till.pay()
    said = till.ask(QUERY, {"trade_no": paid["trade_no"]}, app_id=other.app_id)
    assert said["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_newer_applications_know_buyers_by_a_number_of_their_own() -> None:
    newer = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1], open_id_only=True)
    till = desk(sandboxes.settings(partners=[newer]))
    paid = till.pay()
    assert "buyer_user_id" not in paid
    asked = {"out_trade_no": "C1", "total_amount": "1", "subject": "a", "buyer_open_id": paid["buyer_open_id"]}
    till.ask(CREATE, asked)
    assert till.sandbox.book.trades[PARTNER, "C1"].buyer_id == "alice"


def test_a_buyer_with_a_pin_is_waited_for() -> None:
    till = desk(sandboxes.settings(buyers=[BuyerSetting("chen", pin_required=True)]))
    code = till.sandbox.book.new_payment_code("chen").code
    assert till.pay(code=code)["code"] == "10003"
    assert till.pay(code=code)["code"] == "10003"
    assert till.pay("T2", code=code)["sub_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"
