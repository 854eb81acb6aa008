"""The gateway that speaks Alipay's wire, against canned answers: what each one proves, and what none may prove."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.alipay.signing import SignType
from saoma.alipay.wire import parse_form, write_answer, write_rejection
from saoma.gateway import (
    AwaitingBuyer,
    Cancelled,
    CancelRefused,
    Closed,
    Declined,
    Gateway,
    Method,
    NoTrade,
    Paid,
    RefundDeclined,
    Refunded,
    Unclear,
)
from saoma.kit.clock import BEIJING, MovableClock
from saoma.kit.errors import Invalid, NotSent
from saoma.kit.money import Money
from tests.alipay import make
from tests.alipay.make import ORDER, TRADE

REFUND = "RF-20240106-000001"
USD = Money.parse("12.50", "USD")
PAID = {
    "result_code": "SUCCESS",
    "partner_trans_id": ORDER,
    "alipay_trans_id": TRADE,
    "alipay_buyer_user_id": make.BUYER,
    "alipay_buyer_login_id": "ali***@example.com",
    "alipay_pay_time": "20240105121532",
    "currency": "USD",
    "trans_amount": "12.50",
}
STATE = {**PAID, "out_trade_no": ORDER, "alipay_trans_status": "TRADE_SUCCESS"}


class Canned(AlipayClient):
    """A client whose socket is a list of prepared bodies, or errors."""

    def __init__(self, *bodies: bytes | Exception) -> None:
        super().__init__(MovableClock(make.NOON))
        self.bodies = list(bodies)
        self.sent: list[dict[str, str]] = []

    async def _fetch(self, method: str, url: str, body: bytes | None, charset: str) -> bytes:
        self.sent.append(parse_form(body or b"", charset))
        answer = self.bodies.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(sign_type: SignType = SignType.MD5, **fields: str) -> bytes:
    return write_answer("alipay", fields, {}, make.alipay_side(sign_type), "UTF-8")


def direct(*bodies: bytes | Exception, sign_type: SignType = SignType.MD5) -> tuple[Direct, Canned]:
    client = Canned(*bodies)
    made = Direct(make.account(sign_type), client, MovableClock(make.NOON))
    _as_protocol: Gateway = made
    return made, client


async def open_(body: bytes | Exception, method: Method = Method.BARCODE, **changes: Any) -> Any:
    gateway, _ = direct(body)
    return await gateway.open(make.charge(method, **changes))


async def query(body: bytes | Exception) -> Any:
    return await direct(body)[0].query(ORDER, USD)


async def cancel(body: bytes | Exception, trade_number: str = TRADE) -> Any:
    return await direct(body)[0].cancel(ORDER, trade_number, make.NOON)


async def refund(*bodies: bytes | Exception) -> Any:
    return await direct(*bodies)[0].refund(ORDER, TRADE, REFUND, Money.parse("2.50", "USD"), "item missing")


# --- paying by barcode ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_type", SignType)
async def test_a_paid_barcode_is_reported_with_what_the_answer_says(sign_type: SignType) -> None:
    gateway, client = direct(answer(sign_type, **PAID), sign_type=sign_type)
    report = await gateway.open(make.charge())
    assert isinstance(report, Paid)
    assert report.trade.amount == USD
    assert (report.trade.trade_number, report.trade.buyer_id) == (TRADE, make.BUYER)
    assert report.evidence.source == "alipay.acquire.overseas.spot.pay"
    assert report.evidence.signed is True
    assert "<result_code>SUCCESS" in report.evidence.raw
    (sent,) = client.sent
    assert sent["service"] == "alipay.acquire.overseas.spot.pay"
    assert sent["partner_trans_id"] == ORDER
    assert sent["trans_create_time"] == "20240105121530"


async def test_another_amount_or_currency_in_the_answer_is_handed_on_for_comparison() -> None:
    assert (await open_(answer(**{**PAID, "trans_amount": "1.00"}))).trade.amount == Money(100, "USD")
    assert (await open_(answer(**{**PAID, "currency": "HKD"}))).trade.amount == Money(1250, "HKD")
    yen = await open_(answer(**{**PAID, "currency": "JPY", "trans_amount": "1200"}), amount=Money(1200, "JPY"))
    assert yen.trade.amount == Money(1200, "JPY")


@pytest.mark.parametrize("word", ["FAIL", "FAILED"])
@pytest.mark.parametrize(
    "code", ["BUYER_NOT_EXIST", "BUYER_BALANCE_NOT_ENOUGH", "SOUNDWAVE_PARSER_FAIL", "INVALID_PARAMETER"]
)
async def test_an_explicit_signed_refusal_declines(word: str, code: str) -> None:
    report = await open_(answer(result_code=word, error=code))
    assert isinstance(report, Declined)
    assert report.code == report.evidence.code == code


async def test_a_refusal_may_stand_in_either_field() -> None:
    report = await open_(answer(result_code="FAILED", detail_error_code="BUYER_NOT_EXIST"))
    assert isinstance(report, Declined)


UNCLEAR_WHEN_OPENING = [
    (answer(result_code="UNKNOWN", partner_trans_id=ORDER), "UNKNOWN"),
    (answer(result_code="UNKNOWN", error="SYSTEM_ERROR"), "SYSTEM_ERROR"),
    (answer(result_code="FAILED", error="SYSTEM_ERROR"), "SYSTEM_ERROR"),
    (answer(result_code="FAILED", error="A_CODE_FROM_THE_FUTURE"), "A_CODE_FROM_THE_FUTURE"),
    (answer(result_code="FAILED"), "FAILED"),
    (answer(result_code="FAILED", error="TRADE_HAS_SUCCESS"), "TRADE_HAS_SUCCESS"),
    (answer(result_code="FAILED", error="CONTEXT_INCONSISTENT"), "CONTEXT_INCONSISTENT"),
    (answer(result_code="FAILED", error="TRADE_BUYER_NOT_MATCH"), "TRADE_BUYER_NOT_MATCH"),
    (answer(result_code="FAILED", error="TRADE_NOT_EXIST"), "TRADE_NOT_EXIST"),
    (answer(result_code="PERHAPS", error="BUYER_NOT_EXIST"), "BUYER_NOT_EXIST"),
    (answer(error="BUYER_NOT_EXIST"), "BUYER_NOT_EXIST"),
    (answer(result_code="FAILED", error="BUYER_NOT_EXIST").replace(b"<sign>", b"<sign>0"), "bad_signature"),
    (answer(**PAID).replace(b"12.50", b"99.50"), "bad_signature"),
    (answer(SignType.RSA2, **PAID), "bad_signature"),
    (write_rejection("SYSTEM_ERROR", "UTF-8"), "SYSTEM_ERROR"),
    (write_rejection("ILLEGAL_SIGN", "GBK"), "ILLEGAL_SIGN"),
    (write_rejection("ILLEGAL_PARTNER", "GBK"), "ILLEGAL_PARTNER"),
    (write_rejection("INVALID_PARAMETER", "GBK"), "INVALID_PARAMETER"),
    (write_rejection("BUYER_NOT_EXIST", "GBK"), "BUYER_NOT_EXIST"),
    (write_rejection("", "GBK"), "unreadable"),
    (b"<html>", "unreadable"),
    (NotSent("no route"), "not_sent"),
    (answer(**{**PAID, "partner_trans_id": "ANOTHER"}), "other_order"),
    (answer(**{name: value for name, value in PAID.items() if name != "partner_trans_id"}), "other_order"),
    (answer(**{name: value for name, value in PAID.items() if name != "alipay_trans_id"}), "unreadable"),
    (answer(**{**PAID, "trans_amount": "a lot"}), "unreadable"),
]


@pytest.mark.parametrize(("body", "code"), UNCLEAR_WHEN_OPENING, ids=range(len(UNCLEAR_WHEN_OPENING)))
async def test_what_proves_nothing_about_a_barcode_payment_is_unclear(body: bytes | Exception, code: str) -> None:
    report = await open_(body)
    assert isinstance(report, Unclear)
    assert report.code == code
    assert report.evidence.signed is (False if code == "bad_signature" else report.evidence.signed)


async def test_a_rejection_by_the_gateway_is_evidence_without_signature() -> None:
    report = await open_(write_rejection("ILLEGAL_SIGN", "GBK"))
    assert report.evidence.signed is None
    assert "ILLEGAL_SIGN" in report.evidence.raw


@pytest.mark.parametrize("status", ["WAIT_BUYER_PAY", "TRADE_CLOSED"])
async def test_the_genuine_answer_to_a_query_replayed_as_that_to_a_payment_pays_nothing(status: str) -> None:
    assert isinstance(await open_(answer(**{**STATE, "alipay_trans_status": status})), Unclear)


async def test_the_genuine_answer_to_a_refund_replayed_as_that_to_a_payment_pays_nothing() -> None:
    assert isinstance(await open_(answer(**PAID, partner_refund_id=REFUND, refund_amount="2.50")), Unclear)


async def test_an_answer_that_echoes_another_service_is_not_ours() -> None:
    body = write_answer(
        "alipay", PAID, {"service": "alipay.acquire.overseas.query"}, make.alipay_side(SignType.MD5), "UTF-8"
    )
    assert (await open_(body)).code == "other_order"


async def test_a_closed_trade_under_our_number_is_closed() -> None:
    assert isinstance(await open_(answer(result_code="FAILED", error="TRADE_HAS_CLOSE")), Closed)


async def test_what_is_no_payment_code_is_declined_without_asking_alipay() -> None:
    gateway, client = direct()
    report = await gateway.open(make.charge(payment_code="4006381333931"))
    assert isinstance(report, Declined)
    assert report.code == "not_a_payment_code"
    assert client.sent == []


async def test_a_charge_outside_the_limits_is_declined_without_asking_alipay() -> None:
    gateway, client = direct()
    report = await gateway.open(make.charge(notify_url="nowhere"))
    assert isinstance(report, Declined)
    assert report.code == "invalid_request"
    assert client.sent == []


async def test_a_subject_from_a_menu_is_made_fit_to_send() -> None:
    gateway, client = direct(answer(**PAID))
    await gateway.open(make.charge(subject='Noodles "XL"\n\twith\u200b  egg ' + "面" * 300))
    assert client.sent[0]["trans_name"].startswith("Noodles 'XL' with egg 面")
    assert len(client.sent[0]["trans_name"]) == 128


async def test_a_method_that_is_not_alipays_to_open_is_a_fault_of_ours() -> None:
    gateway, _ = direct()
    with pytest.raises(Invalid):
        await gateway.open(make.charge(Method.CASH))


# --- orders for the wallet page and order codes --------------------------------------------------------------------


async def test_a_wallet_page_gets_a_trade_number_for_its_buyer() -> None:
    gateway, client = direct(answer(result_code="SUCCESS", out_trade_no=ORDER, trade_no=TRADE))
    report = await gateway.open(make.charge(Method.WALLET_PAGE))
    assert isinstance(report, AwaitingBuyer)
    assert report.trade.trade_number == TRADE
    (sent,) = client.sent
    assert sent["service"] == "alipay.acquire.create"
    assert (sent["buyer_id"], sent["it_b_pay"], sent["total_fee"]) == (make.BUYER, "10m", "12.50")
    assert sent["currency"] == sent["trans_currency"] == "USD"
    assert sent["timestamp"] == "2024-01-05 12:15:30"


@pytest.mark.parametrize(("method", "buyer"), [(Method.ORDER_CODE, make.BUYER), (Method.WALLET_PAGE, "")])
async def test_an_order_without_a_buyer_gets_an_address_to_scan_or_to_go_to(method: Method, buyer: str) -> None:
    gateway, client = direct(answer(result_code="SUCCESS", out_trade_no=ORDER, qr_code="https://qr.alipay.com/bax1"))
    report = await gateway.open(make.charge(method, buyer_id=buyer))
    assert isinstance(report, AwaitingBuyer)
    assert report.qr_code == "https://qr.alipay.com/bax1"
    assert client.sent[0]["service"] == "alipay.acquire.precreate"
    assert "buyer_id" not in client.sent[0]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"result_code": "SUCCESS", "out_trade_no": ORDER}, Unclear),
        ({"result_code": "SUCCESS", "trade_no": TRADE}, Unclear),
        ({"result_code": "SUCCESS", "out_trade_no": "ANOTHER", "trade_no": TRADE}, Unclear),
        ({"result_code": "UNKNOWN", "out_trade_no": ORDER}, Unclear),
        ({"result_code": "FAIL", "detail_error_code": "SYSTEM_ERROR"}, Unclear),
        ({"result_code": "FAIL", "detail_error_code": "CONTEXT_INCONSISTENT"}, Unclear),
        ({"result_code": "FAIL", "detail_error_code": "TRADE_HAS_SUCCESS"}, Unclear),
        ({"result_code": "FAIL", "detail_error_code": "TRADE_HAS_CLOSE"}, Closed),
        ({"result_code": "FAIL", "detail_error_code": "BUYER_SELLER_EQUAL"}, Declined),
        ({"result_code": "FAIL", "detail_error_code": "TOTAL_FEE_EXCEED"}, Declined),
    ],
)
async def test_other_answers_to_an_order_are_read_like_those_to_a_payment(fields: dict[str, str], kind: type) -> None:
    assert isinstance(await open_(answer(**fields), Method.WALLET_PAGE), kind)


# --- asking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("TRADE_SUCCESS", Paid),
        ("TRADE_FINISHED", Paid),
        ("WAIT_BUYER_PAY", AwaitingBuyer),
        ("TRADE_CLOSED", Closed),
        ("TRADE_PENDING", Unclear),
        ("TRADE_FAIL", Unclear),
        ("", Unclear),
    ],
)
async def test_each_status_of_a_trade_becomes_a_report(status: str, kind: type) -> None:
    report = await query(answer(**{**STATE, "alipay_trans_status": status}))
    assert isinstance(report, kind)
    if isinstance(report, Paid | AwaitingBuyer | Closed):
        assert (report.trade.trade_number, report.trade.amount) == (TRADE, USD)
        assert report.evidence.code == status


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (answer(result_code="FAIL", error="TRADE_NOT_EXIST"), NoTrade, "TRADE_NOT_EXIST"),
        (answer(result_code="FAIL", detail_error_code="TRANS_NOT_FOUND"), NoTrade, "TRANS_NOT_FOUND"),
        (answer(result_code="FAIL", error="TRADE_NOT_EXIST", partner_trans_id="ANOTHER"), Unclear, "TRADE_NOT_EXIST"),
        (answer(result_code="FAIL", error="SYSTEM_ERROR"), Unclear, "SYSTEM_ERROR"),
        (answer(result_code="FAIL", error="BUYER_NOT_EXIST"), Unclear, "BUYER_NOT_EXIST"),
        (answer(result_code="UNKNOWN"), Unclear, "UNKNOWN"),
        (answer(**{**STATE, "out_trade_no": "ANOTHER", "partner_trans_id": "ANOTHER"}), Unclear, "other_order"),
        (answer(**{**STATE, "out_trade_no": "ANOTHER"}), Unclear, "unreadable"),
        (answer(**PAID), Unclear, "unreadable"),
        (write_rejection("TRADE_NOT_EXIST", "GBK"), Unclear, "TRADE_NOT_EXIST"),
        (write_rejection("SYSTEM_ERROR", "GBK"), Unclear, "SYSTEM_ERROR"),
        (answer(**STATE).replace(b"TRADE_SUCCESS", b"TRADE_CLOSED_"), Unclear, "bad_signature"),
    ],
)
async def test_only_a_signed_answer_about_this_order_tells_its_state(body: bytes, kind: type, code: str) -> None:
    report = await query(body)
    assert isinstance(report, kind)
    assert report.evidence.code == code


# --- cancelling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "gave_back"),
    [
        ({"action": "refund", "retry_flag": "N", "trade_no": TRADE}, True),
        ({"action": "close", "retry_flag": "N", "trade_no": TRADE}, False),
        ({"retry_flag": "N"}, False),
        ({}, False),
    ],
)
async def test_a_cancel_that_worked_says_whether_money_went_back(fields: dict[str, str], gave_back: bool) -> None:  # noqa: FBT001
    report = await cancel(answer(result_code="SUCCESS", out_trade_no=ORDER, **fields))
    assert isinstance(report, Cancelled)
    assert report.gave_back is gave_back
    assert report.trade.trade_number == TRADE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answer(result_code="FAIL", retry_flag="N", detail_error_code="TRADE_HAS_FINISHED"), CancelRefused),
        (answer(result_code="FAIL", retry_flag="N", detail_error_code="A_CODE_FROM_THE_FUTURE"), CancelRefused),
        (answer(result_code="FAIL", retry_flag="Y", detail_error_code="TRADE_HAS_FINISHED"), Unclear),
        (answer(result_code="FAIL", retry_flag="Y", detail_error_code="SYSTEM_ERROR"), Unclear),
        (answer(result_code="FAIL", detail_error_code="TRADE_CANCEL_TIME_OUT"), CancelRefused),
        (answer(result_code="FAIL", detail_error_code="TRADE_NOT_EXIST"), Unclear),
        (answer(result_code="FAIL", detail_error_code="SYSTEM_ERROR"), Unclear),
        (answer(result_code="FAIL"), Unclear),
        (answer(result_code="UNKNOWN", retry_flag="N"), Unclear),
        (answer(result_code="SUCCESS"), Unclear),
        (answer(result_code="SUCCESS", out_trade_no="ANOTHER"), Unclear),
        (answer(result_code="SUCCESS", out_trade_no=ORDER, trade_no="2024010521001000000000000009"), Unclear),
        (answer(result_code="SUCCESS", out_trade_no=ORDER).replace(b"<sign>", b"<sign>0"), Unclear),
        (write_rejection("ILLEGAL_SIGN", "GBK"), Unclear),
        (write_rejection("SYSTEM_ERROR", "GBK"), Unclear),
        (NotSent("no route"), Unclear),
    ],
)
async def test_a_cancel_ends_only_when_alipay_says_so(body: bytes | Exception, kind: type) -> None:
    assert isinstance(await cancel(body), kind)


async def test_repeated_cancels_differ_in_nothing_but_time_and_signature() -> None:
    unknown = answer(result_code="UNKNOWN")
    gateway, client = direct(unknown, unknown)
    await gateway.cancel(ORDER, "", make.NOON)
    await gateway.cancel(ORDER, TRADE, make.NOON + timedelta(seconds=3))
    first, second = ({name: sent[name] for name in sent if name not in ("sign", "timestamp")} for sent in client.sent)
    assert first == second


@pytest.mark.parametrize(
    ("moment", "is_sent"),
    [
        (datetime(2024, 1, 5, 23, 59, tzinfo=BEIJING), True),
        (datetime(2024, 1, 6, 0, 15, tzinfo=BEIJING), True),
        (datetime(2024, 1, 6, 0, 15, 1, tzinfo=BEIJING), False),
        (datetime(2024, 2, 6, 12, 0, tzinfo=BEIJING), False),
    ],
)
async def test_a_cancel_is_sent_until_a_quarter_past_midnight_in_beijing(moment: datetime, is_sent: bool) -> None:  # noqa: FBT001
    gateway, client = direct(answer(result_code="SUCCESS", out_trade_no=ORDER))
    report = await gateway.cancel(ORDER, TRADE, moment)
    assert bool(client.sent) is is_sent
    if not is_sent:
        assert isinstance(report, CancelRefused)
        assert report.code == "cancel_window_closed"


async def test_a_trade_whose_day_is_unknown_is_left_for_alipay_to_judge() -> None:
    for number in ("", "TRADE-1", "20240105", "9999999921001000000000000001"):
        gateway, client = direct(answer(result_code="FAIL", detail_error_code="TRADE_CANCEL_TIME_OUT"))
        report = await gateway.cancel(ORDER, number, make.NOON + timedelta(days=30))
        assert client.sent
        assert isinstance(report, CancelRefused)


# --- refunding -----------------------------------------------------------------------------------------------------

GIVEN_BACK = {
    "result_code": "SUCCESS",
    "partner_trans_id": ORDER,
    "alipay_trans_id": TRADE,
    "partner_refund_id": REFUND,
    "refund_amount": "2.50",
    "currency": "USD",
}


async def test_a_refund_is_asked_for_synchronously_and_proved_by_its_own_number() -> None:
    gateway, client = direct(answer(**GIVEN_BACK))
    report = await gateway.refund(ORDER, TRADE, REFUND, Money.parse("2.50", "USD"), "item missing")
    assert isinstance(report, Refunded)
    (sent,) = client.sent
    assert (sent["is_sync"], sent["partner_refund_id"], sent["refund_amount"]) == ("Y", REFUND, "2.50")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answer(**{**GIVEN_BACK, "partner_refund_id": "RF-2"}), Unclear),
        (answer(**{**GIVEN_BACK, "partner_refund_id": ""}), Unclear),
        (answer(**{**GIVEN_BACK, "partner_trans_id": "ANOTHER"}), Unclear),
        (answer(**{**GIVEN_BACK, "refund_amount": "9.99"}), Unclear),
        (answer(**{**GIVEN_BACK, "currency": "HKD"}), Unclear),
        (answer(**PAID), Unclear),
        (answer(result_code="UNKNOWN"), Unclear),
        (answer(result_code="FAILED", error="SYSTEM_ERROR"), Unclear),
        (answer(result_code="FAILED", error="A_CODE_FROM_THE_FUTURE"), Unclear),
        (answer(result_code="FAILED", error="RETURN_AMOUNT_EXCEED"), RefundDeclined),
        (answer(result_code="FAILED", error="TRADE_NOT_EXIST"), RefundDeclined),
        (answer(result_code="FAILED", error="SELLER_BALANCE_NOT_ENOUGH"), RefundDeclined),
        (write_rejection("ILLEGAL_SIGN", "GBK"), Unclear),
        (NotSent("no route"), Unclear),
    ],
)
async def test_a_refund_ends_only_with_a_signed_answer_about_it(body: bytes | Exception, kind: type) -> None:
    assert isinstance(await refund(body), kind)


def asked(**fields: str) -> bytes:
    return answer(**{"out_trade_no": ORDER, "out_return_no": REFUND, **fields})


@pytest.mark.parametrize(
    ("code", "second", "kind"),
    [
        ("TRADE_HAS_CLOSE", asked(response_code="SUCCESS", refund_result_code="SUCCESS"), Refunded),
        ("TRADE_HAS_CLOSE", asked(response_code="NOT_FOUND"), RefundDeclined),
        ("TRADE_HAS_CLOSE", asked(response_code="SUCCESS", refund_result_code="PROCESSING"), Unclear),
        ("TRADE_HAS_CLOSE", asked(response_code="SUCCESS", refund_result_code="FAILED"), RefundDeclined),
        ("TRADE_HAS_CLOSE", asked(response_code="QUERY_FAILED"), Unclear),
        ("TRADE_HAS_CLOSE", asked(response_code="SUCCESS"), Unclear),
        (
            "TRADE_HAS_CLOSE",
            asked(response_code="SUCCESS", refund_result_code="SUCCESS", out_return_no="RF-2"),
            Unclear,
        ),
        ("TRADE_HAS_CLOSE", write_rejection("ILLEGAL_SERVICE", "GBK"), Unclear),
        ("DISCORDANT_REPEAT_REQUEST", asked(response_code="SUCCESS", refund_result_code="SUCCESS"), Unclear),
        ("TRADE_STATUS_ERROR", asked(response_code="NOT_FOUND"), RefundDeclined),
    ],
)
async def test_a_refund_refused_for_what_is_there_already_is_asked_about(code: str, second: bytes, kind: type) -> None:
    report = await refund(answer(result_code="FAILED", error=code), second)
    assert isinstance(report, kind)
    if isinstance(report, RefundDeclined) and b"NOT_FOUND" in second:
        assert report.code == code


async def test_a_refund_outside_the_limits_is_declined_without_asking_alipay() -> None:
    gateway, client = direct()
    report = await gateway.refund(ORDER, TRADE, ORDER, USD, "")
    assert isinstance(report, RefundDeclined)
    assert client.sent == []


# --- all of them ---------------------------------------------------------------------------------------------------


_NAMES = (
    *("result_code", "error", "detail_error_code", "alipay_trans_status", "partner_trans_id", "out_trade_no"),
    *("alipay_trans_id", "trade_no", "trans_amount", "currency", "partner_refund_id", "refund_amount", "action"),
    *("retry_flag", "qr_code"),
)
_VALUES = (
    *("SUCCESS", "FAIL", "FAILED", "UNKNOWN", "TRADE_SUCCESS", ORDER, TRADE, REFUND, "12.50", "USD", "Y", "N"),
    *("TRADE_HAS_CLOSE", "TRADE_NOT_EXIST", "BUYER_NOT_EXIST", "SYSTEM_ERROR", "refund", "面", ""),
)


@given(st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_VALUES)))
async def test_no_signed_answer_whatever_it_says_makes_a_call_raise_or_pays_another_order(
    fields: dict[str, str],
) -> None:
    body = answer(**fields)
    second = answer(response_code="NOT_FOUND")
    opened = await open_(body)
    asked_for = await query(body)
    for report in (opened, asked_for):
        if isinstance(report, Paid):
            assert ORDER in (fields.get("partner_trans_id"), fields.get("out_trade_no"))
            assert fields["result_code"] == "SUCCESS"
    await cancel(body)
    given_back = await refund(body, second)
    if isinstance(given_back, Refunded):
        assert fields["partner_refund_id"] == REFUND


def test_the_sentences_come_from_the_one_table() -> None:
    gateway, _ = direct()
    assert gateway.say("TRADE_SUCCESS").hand_over
    assert not gateway.say("cancelled").hand_over
    assert not gateway.say("SUCCESS").hand_over
