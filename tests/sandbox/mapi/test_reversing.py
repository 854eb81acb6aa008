"""The legacy ways back: reverse undoes a payment, cancel whatever there is; both on the payment's Beijing day."""

from __future__ import annotations

from datetime import datetime

import pytest

from saoma.kit.clock import BEIJING
from saoma.sandbox.book.model import TradeStatus
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk

REVERSE = "alipay.acquire.overseas.spot.reverse"
CANCEL = "alipay.acquire.overseas.spot.cancel"
TRADE = "2024010521001000000000000001"
EVENING = datetime(2024, 1, 5, 23, 50, tzinfo=BEIJING)


def undo(desk: Desk, service: str, number: str = "A") -> dict[str, str]:
    return dict(desk.call(make.basic(service, partner_trans_id=number)))


def pay(desk: Desk, code: str = make.CODE) -> None:
    desk.call(make.pay_fields("A", code))


def test_a_payment_is_reversed_once_and_its_time_is_told() -> None:
    desk = make.desk()
    pay(desk)
    before = desk.book.buyer("alice").balance
    first = undo(desk, REVERSE)
    assert first == {
        "result_code": "SUCCESS", "partner_trans_id": "A", "alipay_trans_id": TRADE,
        "alipay_reverse_time": "20240105121532",
    }  # fmt: skip
    desk.advance(minutes=5)
    assert undo(desk, REVERSE) == first
    assert desk.book.buyer("alice").balance == before + 88_75
    assert [notice.kind for notice in desk.book.messages("alice")].count("returned") == 1


@pytest.mark.parametrize(
    ("history", "word"),
    [
        ("nothing", "TRADE_NOT_EXIST"), ("waiting", "TRADE_STATUS_ERROR"), ("cancelled", "TRADE_HAS_CLOSE"),
        ("refunded in part", "REASON_TRADE_REFUND_FEE_ERR"), ("yesterday", "TRADE_CANCEL_TIME_OUT"),
        ("over", "TRADE_HAS_FINISHED"),
    ],
)  # fmt: skip
def test_what_cannot_be_reversed_says_why_in_two_fields(history: str, word: str) -> None:
    desk = make.desk()
    if history != "nothing":
        pay(desk, make.CODE[:-2] + "91" if history == "waiting" else make.CODE)
    match history:
        case "cancelled":
            desk.call(make.cancel_fields("A"))
        case "refunded in part":
            desk.call(make.refund_fields("A"))
        case "yesterday":
            desk.advance(hours=12)
        case "over":
            desk.advance(days=366)
    assert undo(desk, REVERSE) == {"result_code": "FAILED", "error": word}


def test_a_legacy_cancel_undoes_what_was_paid_what_waits_and_what_never_was() -> None:
    desk = make.desk()
    pay(desk)
    assert undo(desk, CANCEL) == {
        "result_code": "SUCCESS", "partner_trans_id": "A", "alipay_trans_id": TRADE,
        "alipay_cancel_time": "20240105121532",
    }  # fmt: skip
    desk.call(make.pay_fields("B", make.CODE[:-2] + "91"))
    undo(desk, CANCEL, "B")
    assert desk.book.trades[PARTNER, "B"].status is TradeStatus.TRADE_CLOSED
    assert undo(desk, CANCEL, "C") == {
        "result_code": "SUCCESS", "partner_trans_id": "C", "alipay_cancel_time": "20240105121532",
    }  # fmt: skip
    assert desk.call(make.pay_fields("C"))["error"] == "TRADE_HAS_CLOSE"


@pytest.mark.parametrize("service", [REVERSE, CANCEL])
@pytest.mark.parametrize(("seconds", "result"), [(24 * 60 + 59, "SUCCESS"), (25 * 60, "FAILED")])
def test_both_end_a_quarter_of_an_hour_after_beijing_midnight(service: str, seconds: int, result: str) -> None:
    desk = make.desk(EVENING)
    pay(desk)
    desk.advance(seconds=seconds)
    assert undo(desk, service)["result_code"] == result


def test_the_daily_file_knows_a_reversal_from_a_cancel() -> None:
    desk = make.desk()
    pay(desk)
    desk.call(make.pay_fields("B"))
    undo(desk, REVERSE)
    undo(desk, CANCEL, "B")
    desk.advance(days=1)
    content = desk.sandbox.daily_files.read(PARTNER, f"{PARTNER}_transaction_20240105.txt")
    assert content is not None
    rows = [line.split("|") for line in content.decode().splitlines()[2:]]
    assert sorted((row[0], row[6]) for row in rows) == [
        ("2024010521001000000000000002", "CANCEL"), ("A", "PAYMENT"), ("A", "REVERSAL"), ("B", "PAYMENT"),
    ]  # fmt: skip
