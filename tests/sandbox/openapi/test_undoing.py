"""Cancel, close and refund over the Open API: windows, repeats, and whose money moved by which call."""

from __future__ import annotations

import pytest

from saoma.sandbox.openapi_choices import OpenApiChoices
from tests.sandbox import make as sandboxes
from tests.sandbox.openapi.make import CANCEL, CLOSE, PRECREATE, QUERY, REFUND, REFUND_QUERY, Desk, desk

WAITS = "281234567890123491"


@pytest.fixture
def till() -> Desk:
    return desk()


def fen(till: Desk) -> int:
    return till.sandbox.book.buyer("alice").balance


def test_cancelling_a_paid_trade_gives_all_of_it_back_once(till: Desk) -> None:
    before = fen(till)
    paid = till.pay()
    said = till.ask(CANCEL, {"out_trade_no": "T1"})
    assert said == {"code": "10000", "msg": "Success", "action": "refund", "gmt_refund_pay": "2024-01-05 12:15:32",
                    "out_trade_no": "T1", "retry_flag": "N", "trade_no": paid["trade_no"]}  # fmt: skip
    assert till.ask(CANCEL, {"trade_no": paid["trade_no"]}) == said
    assert fen(till) == before
    asked = till.ask(QUERY, {"out_trade_no": "T1"})
    assert (asked["trade_status"], asked["ext_infos"]) == ("TRADE_CLOSED", '{"action":"cancel"}')


def test_cancelling_an_unpaid_trade_closes_it(till: Desk) -> None:
    till.pay(code=WAITS)
    assert till.ask(CANCEL, {"out_trade_no": "T1"})["action"] == "close"
    assert till.status() == "TRADE_CLOSED"


def test_cancelling_what_never_arrived_succeeds_without_an_action_and_spends_the_number(till: Desk) -> None:
    assert till.ask(CANCEL, {"out_trade_no": "T1"}) == {
        "code": "10000", "msg": "Success", "out_trade_no": "T1", "retry_flag": "N",
    }  # fmt: skip
    assert till.pay()["sub_code"] == "ACQ.TRADE_HAS_CLOSE"
    assert till.ask(CANCEL, {"trade_no": "2024010521001000000000000099"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_the_window_of_a_cancel_is_a_day_after_the_payment(till: Desk) -> None:
    till.pay()
    till.pay("T2")
    till.push(hours=24)
    assert till.ask(CANCEL, {"out_trade_no": "T1"})["action"] == "refund"
    till.push(seconds=1)
    said = till.ask(CANCEL, {"out_trade_no": "T2"})
    assert (said["sub_code"], said["retry_flag"]) == ("ACQ.TRADE_CANCEL_TIME_OUT", "N")


def test_the_window_of_a_cancel_may_be_another() -> None:
    till = desk(sandboxes.settings(openapi=OpenApiChoices(cancel_hours=1)))
    till.pay()
    till.push(hours=2)
    assert till.ask(CANCEL, {"out_trade_no": "T1"})["sub_code"] == "ACQ.TRADE_CANCEL_TIME_OUT"


def test_after_a_refund_nothing_is_cancelled(till: Desk) -> None:
    till.pay()
    till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "1", "out_request_no": "R1"})
    assert till.ask(CANCEL, {"out_trade_no": "T1"})["sub_code"] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"


def test_close_is_for_unpaid_trades_only(till: Desk) -> None:
    assert till.ask(CLOSE, {"out_trade_no": "T1"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    till.pay(code=WAITS)
    assert set(till.ask(CLOSE, {"out_trade_no": "T1"})) == {"code", "msg", "out_trade_no", "trade_no"}
    assert till.ask(CLOSE, {"out_trade_no": "T1"})["sub_code"] == "ACQ.REASON_TRADE_STATUS_INVALID"
    till.pay("T2")
    assert till.ask(CLOSE, {"out_trade_no": "T2"})["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    till.ask(PRECREATE, {"out_trade_no": "Q1", "total_amount": "1", "subject": "a"})
    assert till.ask(CLOSE, {"out_trade_no": "Q1"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_refund_tells_the_sum_and_its_own_part(till: Desk) -> None:
    before = fen(till)
    paid = till.pay()
    first = till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "2.5", "out_request_no": "R1",
                              "query_options": ["refund_detail_item_list"]})  # fmt: skip
    assert first == {
        "code": "10000", "msg": "Success", "buyer_logon_id": "ali***@example.com", "buyer_user_id": "2088000000009999",
        "fund_change": "Y", "gmt_refund_pay": "2024-01-05 12:15:32", "out_trade_no": "T1",
        "refund_detail_item_list": [{"amount": "2.50", "fund_channel": "ALIPAYACCOUNT"}],
        "refund_fee": "2.50", "send_back_fee": "2.50", "trade_no": paid["trade_no"],
    }  # fmt: skip
    second = till.ask(REFUND, {"trade_no": paid["trade_no"], "refund_amount": 10, "out_request_no": "R2"})
    assert (second["refund_fee"], second["send_back_fee"]) == ("12.50", "10.00")
    assert fen(till) == before and till.status() == "TRADE_CLOSED"


def test_the_same_refund_number_moves_money_once_and_says_so(till: Desk) -> None:
    till.pay()
    asked = {"out_trade_no": "T1", "refund_amount": "2.50", "out_request_no": "R1"}
    till.ask(REFUND, asked)
    before = fen(till)
    again = till.ask(REFUND, asked)
    assert (again["fund_change"], again["refund_fee"]) == ("N", "2.50")
    assert fen(till) == before
    assert till.ask(REFUND, asked | {"refund_amount": "2.60"})["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"


def test_a_refund_number_counts_within_its_trade(till: Desk) -> None:
    till.pay("T1")
    till.pay("T2")
    for number in ("T1", "T2"):
        said = till.ask(REFUND, {"out_trade_no": number, "refund_amount": "1.00", "out_request_no": "1"})
        assert said["fund_change"] == "Y"


def test_a_whole_refund_needs_no_number_and_a_part_does(till: Desk) -> None:
    till.pay()
    part = till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "1.00"})
    assert part["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert (part["refund_fee"], part["send_back_fee"]) == ("0.00", "0.00")
    whole = {"out_trade_no": "T1", "refund_amount": "12.50"}
    assert till.ask(REFUND, whole)["fund_change"] == "Y"
    assert till.ask(REFUND, whole)["fund_change"] == "N"
    assert till.ask(REFUND_QUERY, {"out_trade_no": "T1", "out_request_no": "T1"})["refund_status"] == "REFUND_SUCCESS"


@pytest.mark.parametrize(
    ("amount", "word"),
    [
        ("12.51", "REFUND_AMT_NOT_EQUAL_TOTAL"),
        ("0", "REFUND_FEE_ERROR"),
        ("1.001", "INVALID_PARAMETER"),
        (None, "INVALID_PARAMETER"),
    ],
)
def test_a_refund_is_something_and_not_more_than_is_left(till: Desk, amount: str | None, word: str) -> None:
    till.pay()
    said = till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": amount, "out_request_no": "R1"})
    assert said["sub_code"] == f"ACQ.{word}"


def test_only_paid_trades_are_refunded(till: Desk) -> None:
    asked = {"out_trade_no": "T1", "refund_amount": "12.50"}
    assert till.ask(REFUND, asked)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    till.pay(code=WAITS)
    assert till.ask(REFUND, asked)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    till.ask(CANCEL, {"out_trade_no": "T1"})
    assert till.ask(REFUND, asked)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    till.pay("T2")
    till.push(days=366)
    assert till.ask(REFUND, asked | {"out_trade_no": "T2"})["sub_code"] == "ACQ.TRADE_HAS_FINISHED"
    assert till.ask(CANCEL, {"out_trade_no": "T2"})["sub_code"] == "ACQ.TRADE_HAS_FINISHED"


def test_a_refund_in_another_currency_is_refused(till: Desk) -> None:
    till.pay()
    asked = {"out_trade_no": "T1", "refund_amount": "1", "out_request_no": "R1", "refund_currency": "USD"}
    assert till.ask(REFUND, asked)["sub_code"] == "ACQ.INVALID_PARAMETER"


def test_a_refund_query_knows_a_refund_and_says_nothing_of_others(till: Desk) -> None:
    till.pay()
    asked = {"out_trade_no": "T1", "out_request_no": "R1"}
    assert till.ask(REFUND_QUERY, asked) == {"code": "10000", "msg": "Success"}
    till.ask(REFUND, asked | {"refund_amount": "2.50", "refund_reason": "cold"})
    said = till.ask(REFUND_QUERY, asked | {"query_options": ["gmt_refund_pay"]})
    assert (said["refund_amount"], said["total_amount"], said["refund_reason"]) == ("2.50", "12.50", "cold")
    assert (said["refund_status"], said["gmt_refund_pay"]) == ("REFUND_SUCCESS", "2024-01-05 12:15:32")
    assert till.ask(REFUND_QUERY, {"out_trade_no": "T1"})["sub_code"] == "ACQ.INVALID_PARAMETER"
    assert till.ask(REFUND_QUERY, asked | {"out_trade_no": "T9"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_refund_that_is_refused_for_its_options_moved_no_money(till: Desk) -> None:
    till.pay()
    before = fen(till)
    wrong = {"out_trade_no": "T1", "refund_amount": "2.00", "out_request_no": "R1", "query_options": "all"}
    assert till.ask(REFUND, wrong)["sub_code"] == "ACQ.INVALID_PARAMETER"
    assert fen(till) == before
