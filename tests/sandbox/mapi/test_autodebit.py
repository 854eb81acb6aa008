"""Auto debit: an agreement is debited without anybody being asked, queried and refunded by services of its own."""

from __future__ import annotations

import json

import pytest

from saoma.kit.money import Money
from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi.autodebit import end_agreement, sign_agreement
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk, Running

PAY = "alipay.acquire.createandpay"
QUERY = "alipay.acquire.query"
REFUND = "alipay.acquire.refund"


def debit(desk: Desk, number: str = "A", agreement: str = "", fee: str = "10.00", **changes: str) -> dict[str, str]:
    info = json.dumps({"agreement_no": agreement or sign_agreement(desk.book, PARTNER, "anna").agreement_no})
    fields = make.basic(
        PAY, out_trade_no=number, subject="Ride", product_code="FOREX_GENERAL_WITHHOLDING", total_fee=fee,
        currency="USD", trans_currency="USD", agreement_info=info,
    )  # fmt: skip
    return dict(desk.call(fields | changes))


def by_code(desk: Desk, code: str, number: str = "A") -> dict[str, str]:
    return dict(
        desk.call(
            make.basic(
                PAY, out_trade_no=number, subject="Tea", product_code="BARCODE_PAY_OFFLINE", total_fee="10.00",
                dynamic_id_type="barcode", dynamic_id=code,
            )
        )
    )  # fmt: skip


def test_an_agreement_is_debited_once_however_often_it_is_asked_for() -> None:
    desk = make.desk()
    number = sign_agreement(desk.book, PARTNER, "anna").agreement_no
    before = desk.book.buyer("anna").balance
    first = debit(desk, agreement=number)
    assert first == {
        "result_code": "ORDER_SUCCESS_PAY_SUCCESS", "trade_no": "2024010521001000000000000001", "out_trade_no": "A",
        "buyer_user_id": desk.book.buyer("anna").user_id, "buyer_logon_id": "ann***@example.com",
        "total_fee": "10.00", "gmt_payment": "2024-01-05 12:15:32",
    }  # fmt: skip
    assert debit(desk, agreement=number) == first
    assert desk.book.buyer("anna").balance == before - 71_00
    other = debit(desk, agreement=number, fee="11.00")
    assert (other["result_code"], other["detail_error_code"]) == ("ORDER_FAIL", "CONTEXT_INCONSISTENT")


def test_an_agreement_that_ended_or_belongs_to_another_is_none() -> None:
    desk = make.desk()
    ended = sign_agreement(desk.book, PARTNER, "anna").agreement_no
    end_agreement(desk.book, ended)
    foreign = sign_agreement(desk.book, "2088000000000009", "anna").agreement_no
    for number in (ended, foreign, "nobody's"):
        said = debit(desk, agreement=number)
        assert (said["result_code"], said["detail_error_code"]) == ("ORDER_FAIL", "AGREEMENT_NOT_EXIST")
    assert desk.book.all_trades() == []


def test_a_debit_that_fails_leaves_its_order_open_and_may_be_tried_again() -> None:
    desk = make.desk()
    number = sign_agreement(desk.book, PARTNER, "anna").agreement_no
    desk.book.add_buyer("anna", balance=Money(1_00, "CNY"))
    said = debit(desk, agreement=number)
    assert (said["result_code"], said["detail_error_code"]) == ("ORDER_SUCCESS_PAY_FAIL", "BUYER_BALANCE_NOT_ENOUGH")
    assert desk.book.trades[PARTNER, "A"].status is TradeStatus.WAIT_BUYER_PAY
    desk.book.add_buyer("anna", balance=Money(100_00, "CNY"))
    assert debit(desk, agreement=number)["result_code"] == "ORDER_SUCCESS_PAY_SUCCESS"


@pytest.mark.parametrize(
    ("ending", "result"),
    [("00", "ORDER_SUCCESS_PAY_SUCCESS"), ("91", "ORDER_SUCCESS_PAY_INPROCESS"), ("93", "ORDER_FAIL")],
)
def test_a_payment_code_may_stand_in_for_an_agreement_in_yuan(ending: str, result: str) -> None:
    desk = make.desk()
    assert by_code(desk, make.CODE[:-2] + ending)["result_code"] == result
    if ending == "00":
        assert desk.book.trades[PARTNER, "A"].money == Money(10_00, "CNY")


def test_an_open_outcome_is_unknown_or_in_process() -> None:
    desk = make.desk()
    desk.sandbox.faults.plan(Fault(PAY, FaultKind.UNKNOWN))
    assert debit(desk)["result_code"] == "ORDER_SUCCESS_PAY_INPROCESS"
    desk.sandbox.faults.plan(Fault(QUERY, FaultKind.UNKNOWN))
    assert desk.call(make.basic(QUERY, out_trade_no="A"))["result_code"] == "PROCESS_EXCEPTION"


@pytest.mark.parametrize(
    "changes",
    [{"agreement_info": ""}, {"agreement_info": "[]"}, {"total_fee": "0"}, {"currency": "MOP", "trans_currency": ""}],
)
def test_a_debit_that_is_not_as_documented_is_refused(changes: dict[str, str]) -> None:
    desk = make.desk()
    fields = make.basic(
        PAY, out_trade_no="A", subject="Ride", product_code="GENERAL_WITHHOLDING", total_fee="1",
        currency="USD", agreement_info='{"agreement_no":"1"}',
    )  # fmt: skip
    assert desk.error(fields | changes) == "ILLEGAL_ARGUMENT"


def test_the_query_knows_every_trade_by_its_own_words() -> None:
    desk = make.desk()
    desk.call(make.pay_fields("A"))
    assert desk.call(make.basic(QUERY, out_trade_no="A")) == {
        "result_code": "SUCCESS", "trade_no": "2024010521001000000000000001", "out_trade_no": "A",
        "partner": PARTNER, "buyer_user_id": make.ALICE, "buyer_logon_id": "ali***@example.com",
        "trade_status": "TRADE_SUCCESS", "total_fee": "12.50", "send_pay_date": "2024-01-05 12:15:32",
    }  # fmt: skip
    assert desk.call(make.basic(QUERY, out_trade_no="B"))["detail_error_code"] == "TRADE_NOT_EXIST"


def refund(desk: Desk, number: str = "A", amount: str = "4.00", **changes: str) -> dict[str, str]:
    return dict(desk.call(make.basic(REFUND, out_trade_no=number, refund_amount=amount) | changes))


def test_a_refund_tells_whether_money_moved() -> None:
    desk = make.desk()
    debit(desk)
    said = [refund(desk, out_request_no="R-1", trans_currency="USD") for _ in range(2)]
    assert [(one["result_code"], one["fund_change"]) for one in said] == [("SUCCESS", "Y"), ("SUCCESS", "N")]
    assert said[0].keys() == {
        "result_code", "trade_no", "out_trade_no", "buyer_user_id", "buyer_logon_id", "fund_change",
    }  # fmt: skip
    assert refund(desk, amount="5.00", out_request_no="R-1")["detail_error_code"] == "DISCORDANT_REPEAT_REQUEST"
    assert desk.book.trades[PARTNER, "A"].refunded == 400
    later = refund(desk, amount="6.00", out_request_no="R-2", sync_flag="N")
    assert (later["result_code"], later["fund_change"]) == ("SUCCESS", "N")
    desk.advance(minutes=1)
    assert desk.book.trades[PARTNER, "A"].status is TradeStatus.TRADE_CLOSED


def test_without_a_number_of_its_own_a_refund_is_the_whole_order() -> None:
    desk = make.desk()
    debit(desk)
    assert refund(desk)["detail_error_code"] == "REFUND_AMT_NOT_EQUAL_TOTAL"
    assert refund(desk, amount="10.00")["fund_change"] == "Y"
    assert (PARTNER, "A") in desk.book.refunds


def test_trades_of_the_counter_are_refunded_by_their_own_service_unless_chosen_otherwise() -> None:
    strict, lax = make.desk(), make.desk(choices=Choices(acquire_refund_takes_all=True))
    for desk in (strict, lax):
        desk.call(make.pay_fields("A"))
    assert refund(strict, out_request_no="R-1")["detail_error_code"] == "TRADE_ROLE_ERROR"
    assert refund(lax, out_request_no="R-1")["result_code"] == "SUCCESS"


async def test_agreements_are_signed_and_ended_by_control(wire: Running) -> None:
    made = await wire.control("POST", "agreements", {"partner": PARTNER, "buyer_id": "anna"})
    assert (made["partner"], made["buyer_id"], made["active"]) == (PARTNER, "anna", True)
    ended = await wire.control("DELETE", f"agreements/{made['agreement_no']}")
    assert ended["active"] is False
    await wire.control("DELETE", "agreements/0", status=404)
    await wire.control("POST", "agreements", {"partner": "2088000000000009", "buyer_id": "anna"}, status=404)
    await wire.control("POST", "agreements", {"partner": PARTNER, "buyer_id": "nobody"}, status=404)
