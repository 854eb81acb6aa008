"""Requests as they are sent, with the published signatures over them; answers as they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saoma.alipay.messages import fields as f
from saoma.alipay.messages.merchant_codes import (
    CodeStatus,
    Counter,
    QrcodeAnswer,
    QrcodeCreate,
    QrcodeModify,
    QrcodeModifyStatus,
    Taxi,
)
from saoma.alipay.messages.paying import (
    Cancel,
    CancelAnswer,
    Close,
    Create,
    OrderAnswer,
    PayAnswer,
    Precreate,
    Query,
    QueryAnswer,
    SpotPay,
    is_payment_code,
)
from saoma.alipay.messages.refunding import RefundAnswer, RefundQuery, RefundQueryAnswer, SpotRefund
from saoma.alipay.messages.sign_in import OauthToken, TokenAnswer
from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.alipay.wire import Unreadable, parse_form, read_answer
from saoma.gateway import SecondaryMerchant
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from tests.alipay import make
from tests.alipay.vectors import QUERY_ANSWER, REQUESTS, RSA, SAMPLE_KEY

USD = Money.parse("12.50", "USD")


def pay(**changes: Any) -> SpotPay:
    values: dict[str, Any] = {
        "order_number": make.ORDER,
        "amount": USD,
        "subject": "Noodle set",
        "created_at": make.NOON,
        "payment_code": "281234567890123456",
        "shop": make.shop(),
        "seller_id": make.PARTNER,
        "notify_url": "https://pos.example.com/alipay/notify",
    }
    return SpotPay(**(values | changes))


def create(**changes: Any) -> Create:
    values: dict[str, Any] = {
        "order_number": "H5-20240105-000003",
        "amount": USD,
        "subject": "Noodle set",
        "shop": make.shop(),
        "notify_url": "https://pos.example.com/alipay/notify",
        "sent_at": datetime(2024, 1, 5, 4, 30, tzinfo=UTC),
        "buyer_id": make.BUYER,
    }
    return Create(**(values | changes))


def counter(**changes: Any) -> Counter:
    values: dict[str, Any] = {
        "shop": make.shop(),
        "trans_currency": "SGD",
        "currency": "SGD",
        "country": "SG",
        "address": "1 Harbour Road",
    }
    return Counter(**(values | changes))


def signature(request: f.Request) -> str:
    fields = {
        "service": request.service,
        "partner": make.PARTNER,
        "_input_charset": "UTF-8",
        **{name: value for name, value in request.fields().items() if value},
    }
    return md5_signatory(SAMPLE_KEY).sign(string_to_sign(fields).encode())


def test_every_request_has_the_signature_of_its_sample() -> None:
    precreate = Precreate(
        order_number="QR-20240105-000007",
        amount=USD,
        subject="Noodle set",
        shop=make.shop(),
        notify_url="https://pos.example.com/alipay/notify",
        sent_at=datetime(2024, 1, 5, 4, 20, tzinfo=UTC),
        time_to_pay=timedelta(minutes=10),
        pass_back="table7",
    )
    refund = SpotRefund(make.ORDER, "RF-20240106-000001", Money.parse("2.50", "USD"), "item missing")
    nine = datetime(2024, 1, 5, 1, 0, tzinfo=UTC)
    code = QrcodeCreate(counter(), "https://pos.example.com/alipay/notify", nine)
    samples: list[tuple[f.Request, str]] = [
        (pay(), "88e1cf93c654949b81c7be7350d7e653"),
        (Query(make.ORDER), "bda7a63326e215c64ff2b8e8dea1cad9"),
        (Cancel(make.ORDER, datetime.fromtimestamp(1704428135, UTC)), "a2ef72e90091362ed8a680d1f01b560c"),
        (refund, "076527e87068f03ce085248752207861"),
        (precreate, "16fbeb8c0f80d88371c952a984880948"),
        (create(), "b8aaa886fff7a83732a2bfc8e1a214e4"),
        (code, "c27d171d6928ade53d56ae55e893aaac"),
    ]
    assert {request.service: signature(request) for request, _ in samples} == {
        request.service: expected for request, expected in samples
    }
    sent = {sign for text in REQUESTS if (sign := parse_form(text.encode(), "utf-8")["sign"])}
    assert sent <= {expected for _, expected in samples}


def test_the_token_request_has_the_signature_of_its_sample() -> None:
    request = OauthToken("ca34ea491e7146cc87d25fca24c4cD11", datetime(2024, 1, 1, 4, 0, tzinfo=UTC))
    text = string_to_sign({"app_id": "2016000000000000", "sign_type": "RSA2", **request.fields()}, keep_sign_type=True)
    assert text in [sample for _, sample, _ in RSA]
    assert "ca34ea49" not in repr(request)


def test_yen_and_won_are_sent_as_whole_numbers() -> None:
    assert pay(amount=Money(1200, "JPY")).fields()["trans_amount"] == "1200"
    assert SpotRefund("o", "r", Money(900, "KRW")).fields()["refund_amount"] == "900"


def test_times_are_sent_in_beijing_time() -> None:
    moment = datetime(2024, 1, 5, 16, 0, 1, tzinfo=UTC)
    assert f.compact_time(moment) == "20240106000001"
    assert f.day_and_time(moment) == "2024-01-06 00:00:01"
    assert f.milliseconds(datetime.fromtimestamp(1704428135, UTC) + timedelta(microseconds=1999)) == "1704428135001"


@pytest.mark.parametrize(
    ("period", "text"),
    [
        (timedelta(seconds=5), "1m"),
        (timedelta(seconds=119), "1m"),
        (timedelta(minutes=10), "10m"),
        (timedelta(days=40), "21600m"),
    ],
)
def test_the_time_to_pay_is_whole_minutes_within_the_published_range(period: timedelta, text: str) -> None:
    assert f.time_to_pay(period) == text


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("281234567890123456", True),
        ("2512345678901234", True),
        ("30" + "1" * 22, True),
        ("30" + "1" * 23, False),
        ("251234567890123", False),
        ("241234567890123456", False),
        ("311234567890123456", False),
        ("28123456789012345x", False),
        ("２８1234567890123456", False),
        ("281234567890123456\n", False),
        ("", False),
    ],
)
def test_a_payment_code_has_16_to_24_digits_and_begins_with_25_to_30(code: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_payment_code(code) is is_one


WRONG: list[Any] = [
    lambda: pay(amount=Money(0, "USD")),
    lambda: pay(amount=Money(-1, "USD")),
    lambda: pay(amount=Money(10_000_000_001, "USD")),
    lambda: pay(order_number=""),
    lambda: pay(order_number="x" * 65),
    lambda: pay(order_number="a b"),
    lambda: pay(subject=""),
    lambda: pay(subject="x" * 257),
    lambda: pay(subject="two\nlines"),
    lambda: pay(notify_url="pos.example.com"),
    lambda: pay(notify_url="https://x/" + "y" * 200),
    lambda: pay(payment_code="12345"),
    lambda: pay(shop=SecondaryMerchant("a-b", "n", "5812", "s", "sn")),
    lambda: pay(shop=SecondaryMerchant("ab", "n", "58", "s", "sn")),
    lambda: pay(shop=SecondaryMerchant("ab", "", "5812", "s", "sn")),
    lambda: pay(shop=SecondaryMerchant("ab", "n", "5812", "", "sn")),
    lambda: create(buyer_id="12"),
    lambda: create(amount=Money(1_000_000_000, "USD")),
    lambda: SpotRefund("o", "o", USD),
    lambda: SpotRefund("o", "r", Money(1_000_000_000, "USD")),
    lambda: SpotRefund("o", "r", USD, "x" * 129),
    lambda: Query(""),
    lambda: QrcodeCreate(counter(currency="USD"), "https://x/y", make.NOON),
    lambda: QrcodeCreate(counter(country="Singapore"), "https://x/y", make.NOON),
    lambda: QrcodeCreate(counter(address="x" * 257), "https://x/y", make.NOON),
    lambda: QrcodeCreate(counter(pass_back={"x": "y" * 2000}), "https://x/y", make.NOON),
    lambda: QrcodeCreate(counter(shop=SecondaryMerchant("ab", "n", "4121", "s", "sn")), "https://x/y", make.NOON),
    lambda: OauthToken("x" * 41, make.NOON),
]


@pytest.mark.parametrize("make_request", WRONG, ids=range(len(WRONG)))
def test_a_field_outside_its_limits_is_refused_with_a_sentence(make_request: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        make_request().fields()
    assert str(refusal.value).endswith(".")


def test_the_payment_code_is_in_no_repr() -> None:
    assert "281234567890123456" not in repr(pay())


def test_a_taxis_code_names_car_and_driver() -> None:
    taxi = SecondaryMerchant("ab", "n", "4121", "s", "sn")
    request = QrcodeModify(
        "https://qr.alipay.com/x",
        counter(shop=taxi, taxi=Taxi("op1", "SBA 1234", "Ah Kow", "+65 1")),
        "https://x/y",
        make.NOON,
    )
    data = json.loads(request.fields()["biz_data"])
    assert data["taxi_number"] == "SBA 1234"
    assert "terminal_id" not in data
    assert request.fields()["qrcode"] == "https://qr.alipay.com/x"


def test_a_code_is_stopped_by_status() -> None:
    request = QrcodeModifyStatus("https://qr.alipay.com/x", CodeStatus.STOP, make.NOON)
    assert request.fields() == {
        "biz_type": "OVERSEASHOPQRCODE",
        "qrcode": "https://qr.alipay.com/x",
        "status": "STOP",
        "timestamp": "2024-01-05 12:15:30",
    }
    answer = QrcodeAnswer.read({"qrcode": "https://qr.alipay.com/x", "qrcode_img_url": "https://p", "new": "1"})
    assert (answer.qrcode, answer.picture, answer.extra) == ("https://qr.alipay.com/x", "https://p", {"new": "1"})


def test_closing_and_asking_for_a_refund_name_their_numbers() -> None:
    assert Close("o1", "t1").fields() == {"operator_id": "", "out_trade_no": "o1", "trade_no": "t1"}
    assert RefundQuery("o1", "r1").fields() == {"out_return_no": "r1", "out_trade_no": "o1"}
    answer = RefundQueryAnswer.read({"response_code": "SUCCESS", "refund_result_code": "PROCESSING", "gmt_create": "x"})
    assert (answer.response, answer.result, answer.extra) == ("SUCCESS", "PROCESSING", {"gmt_create": "x"})


def test_the_published_query_answer_is_read_and_unknown_fields_survive() -> None:
    fields = {**read_answer(QUERY_ANSWER.encode()).fields, "brand_new": "1"}
    answer = QueryAnswer.read(fields, "USD")
    assert answer.result == "SUCCESS"
    assert answer.status == "TRADE_SUCCESS"
    assert answer.amount == USD
    assert answer.paid_at == datetime(2024, 1, 5, 4, 15, 32, tzinfo=UTC)
    assert answer.order_number == make.ORDER
    assert answer.extra == {
        "brand_new": "1",
        "exchange_rate": "7.10000000",
        "forex_total_fee": "12.50",
        "trans_amount_cny": "88.75",
        "trans_forex_rate": "1",
    }


def test_an_amount_in_another_currency_keeps_it() -> None:
    assert PayAnswer.read({"trans_amount": "1250", "currency": "JPY"}, "USD").amount == Money(1250, "JPY")
    assert RefundAnswer.read({"refund_amount": "2.50"}, "USD").amount == Money(250, "USD")
    assert PayAnswer.read({"result_code": "UNKNOWN"}, "USD").amount is None


@pytest.mark.parametrize(
    "fields",
    [
        {"trans_amount": "12.505"},
        {"trans_amount": "1e3"},
        {"trans_amount": "-1.00"},
        {"trans_amount": "12,50"},
        {"trans_amount": "1", "currency": "XXX"},
        {"alipay_pay_time": "yesterday"},
        {"partner_trans_id": "a", "out_trade_no": "b"},
    ],
)
def test_an_answer_that_contradicts_itself_or_its_currency_is_unreadable(fields: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        QueryAnswer.read(fields, "USD")


def test_orders_and_cancels_are_read_with_what_they_leave_out() -> None:
    assert OrderAnswer.read({"result_code": "FAIL", "detail_error_code": "X", "pic_url": "p"}).extra == {"pic_url": "p"}
    answer = CancelAnswer.read({"out_trade_no": "o", "result_code": "SUCCESS", "retry_flag": "N"})
    assert (answer.trade_number, answer.retry, answer.action) == ("", "N", "")


def test_a_token_answer_hides_its_tokens_and_keeps_the_rest() -> None:
    fields = json.loads(next(text for _, text, _ in RSA if text.startswith('{"access_token"')))
    answer = TokenAnswer.read(fields | {"auth_start": "2024-01-01 12:00:00"})
    assert answer.user_id == "2088000000000001"
    assert answer.extra["auth_start"] == "2024-01-01 12:00:00"
    assert "auth_baseB" not in repr(answer)
    for wrong in ({"user_id": "2088"}, {"access_token": 5}, {"access_token": "x", "expires_in": "soon"}):
        with pytest.raises(Unreadable):
            TokenAnswer.read(wrong)
