"""What every trade keeps to: the order of the checks, currencies without decimals, CNY rates, and the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from saoma.alipay.wire import form, read_answer
from saoma.kit.clock import BEIJING
from saoma.kit.errors import Conflict
from saoma.kit.money import EXPONENTS, Money
from saoma.sandbox.book import rates
from saoma.sandbox.book.model import Partner, TradeStatus
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi.gateway import OPERATIONS
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk
from tests.sandbox.openapi import make as openapi
from tests.sandbox.plus import make as plus

URL = "http://127.0.0.1:9/notify"


def test_a_call_that_is_wrong_in_every_way_is_refused_for_one_after_the_other() -> None:
    limited = Partner(PARTNER, md5_key=make.KEY, services=[make.QUERY, make.CANCEL])
    desk = make.desk(partners=[limited])
    fields = make.cancel_fields(
        "A", timestamp="2024-01-05 10:00:00", colour="red", trade_no="2024010521001000000000000001"
    )
    wrong = fields | {"_input_charset": "UTF-7", "service": "x", "partner": "x", "sign_type": "DSA", "sign": "x"}
    heard = []
    steps: list[dict[str, str]] = [
        {}, {"_input_charset": "UTF-8"}, {"service": make.CLOSE}, {"partner": PARTNER}, {"sign_type": "RSA2"},
        {"sign_type": "MD5"},
    ]  # fmt: skip
    for mended in steps:
        wrong |= mended
        body = desk.sandbox.mapi.answer(form(wrong, "UTF-8"), b"").body
        heard.append(read_answer(body or b"").error)
    signed = {name: value for name, value in wrong.items() if name != "sign"}
    for mended in ({}, {"service": make.CANCEL}, {"timestamp": "2024-01-05 12:15:00"}):
        signed |= mended
        heard.append(desk.error(signed))
    del signed["colour"]
    heard.append(desk.call(signed)["detail_error_code"])
    assert heard == [
        "ILLEGAL_CHARSET", "ILLEGAL_SERVICE", "ILLEGAL_PARTNER", "ILLEGAL_SIGN_TYPE", "ILLEGAL_SECURITY_PROFILE",
        "ILLEGAL_SIGN", "ILLEGAL_PARTNER_EXTERFACE", "EXTERFACE_INVOKE_CONTEXT_EXPIRED", "ILLEGAL_ARGUMENT",
        "TRADE_NOT_EXIST",
    ]  # fmt: skip


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_every_service_says_a_planned_no_and_a_planned_rejection(service: str) -> None:
    desk = make.desk()
    desk.call(make.pay_fields("A"))
    fields = SMALLEST[service]
    desk.sandbox.faults.plan(Fault(service, FaultKind.REJECTED, code="HAS_NO_PRIVILEGE"))
    assert desk.error(fields) == "HAS_NO_PRIVILEGE"
    desk.sandbox.faults.plan(Fault(service, FaultKind.REFUSED, code="PAYMENT_FAIL"))
    answer = desk.answer(fields)
    told = {answer.error, *(answer.fields.get(name) for name in ("error", "detail_error_code", "response_code"))}
    assert "PAYMENT_FAIL" in told
    assert desk.book.trades.keys() == {(PARTNER, "A")}
    assert not desk.book.refunds


_SHOP = {"timestamp": "2024-01-05 12:15:00", "biz_type": "OVERSEASHOPQRCODE"}
_DATA = (
    '{"secondary_merchant_id":"S","secondary_merchant_industry":"5812","secondary_merchant_name":"N","store_id":"1",'
    '"store_name":"H","trans_currency":"SGD"}'
)
_STORE = {"secondary_merchant_id": "S", "store_id": "1", "timestamp": "2024-01-05 12:15:00"}
_PERIOD = {"start_date": "20240101", "end_date": "20240104"}
SMALLEST = {
    name: make.basic(name, **fields)
    for name, fields in {
        make.PAY: make.pay_fields("N"),
        make.QUERY: {"partner_trans_id": "A"},
        make.CANCEL: make.cancel_fields("A"),
        make.CLOSE: {"out_trade_no": "A"},
        make.REFUND: make.refund_fields("A"),
        make.REFUND_QUERY: {"out_trade_no": "A", "out_return_no": "R"},
        make.PRECREATE: {k: v for k, v in make.create_fields("N").items() if k != "buyer_id"},
        make.CREATE: make.create_fields("N"),
        "alipay.acquire.overseas.spot.reverse": {"partner_trans_id": "A"},
        "alipay.acquire.overseas.spot.cancel": {"partner_trans_id": "A"},
        "alipay.acquire.createandpay": {
            "out_trade_no": "N", "subject": "s", "product_code": "GENERAL_WITHHOLDING", "total_fee": "1",
            "agreement_info": '{"agreement_no":"1"}',
        },
        "alipay.acquire.query": {"out_trade_no": "A"},
        "alipay.acquire.refund": {"out_trade_no": "A", "refund_amount": "1"},
        "single_trade_query": {"out_trade_no": "A"},
        "forex_refund": {
            "out_trade_no": "A", "out_return_no": "R", "return_amount": "1", "currency": "USD",
            "gmt_return": "20240105121500",
        },
        "forex_compare_file": _PERIOD,
        "forex_liquidation_file": _PERIOD,
        "forex_rate_file": {},
        "alipay.commerce.qrcode.create": _SHOP | {"biz_data": _DATA},
        "alipay.commerce.qrcode.modify": _SHOP | {"biz_data": _DATA, "qrcode": "x"},
        "alipay.commerce.qrcode.modifyStatus": _SHOP | {"qrcode": "x", "status": "STOP"},
        "alipay.overseas.secmerchant.offline.maintain": _STORE | {
            "secondary_merchant_name": "N", "store_name": "H", "store_country": "SG", "store_address": "1",
            "store_industry": "5812",
        },
        "alipay.overseas.secmerchant.maintain.queryStatus": _STORE,
    }.items()
    for fields in [{key: value for key, value in fields.items() if key not in ("service", "partner")}]
}  # fmt: skip


# --- currencies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("currency", "cny"), [("JPY", "60.38"), ("KRW", "6.63")])
def test_a_currency_without_decimals_is_counted_in_whole_units_everywhere(currency: str, cny: str) -> None:
    desk = make.desk()
    for wrong in ("1250.0", "12.50", "0"):
        assert desk.error(make.pay_fields("A", currency=currency, trans_amount=wrong)) == "ILLEGAL_ARGUMENT"
    paid = desk.call(make.pay_fields("A", currency=currency, trans_amount="1250", notify_url=URL))
    assert (paid["trans_amount"], paid["trans_amount_cny"]) == ("1250", cny)
    asked = desk.call(make.basic(make.QUERY, partner_trans_id="A"))
    assert (asked["trans_amount"], asked["forex_total_fee"]) == ("1250", "1250")
    assert desk.error(make.refund_fields("A", amount="0.50", currency=currency)) == "ILLEGAL_ARGUMENT"
    back = [
        desk.call(make.refund_fields("A", f"R-{number}", part, currency=currency))["refund_amount_cny"]
        for number, part in enumerate(("417", "417", "416"))
    ]
    assert sum(map(Decimal, back)) == Decimal(cny)
    assert desk.book.trades[PARTNER, "A"].status is TradeStatus.TRADE_CLOSED
    (notice,) = desk.sandbox.notices.of_order("A")
    assert notice.fields["total_fee"] == "1250"
    desk.advance(days=1)
    content = desk.sandbox.daily_files.read(PARTNER, f"{PARTNER}_transaction_20240105.txt") or b""
    assert f"A|{paid['alipay_trans_id']}|1250|8|{currency}|".encode() in content


def test_an_order_in_another_currency_than_its_refund_counts_by_the_order() -> None:
    desk = make.desk()
    desk.call(make.create_fields("A", trans_currency="JPY", total_fee="1250"))
    desk.book.pay(desk.book.trades[PARTNER, "A"].trade_no, "alice", "123456")
    assert desk.call(make.refund_fields("A", amount="0.50"))["error"] == "INVALID_PARAMETER"
    assert desk.call(make.refund_fields("A", "RF-2", "50"))["refund_amount"] == "50"


@pytest.mark.parametrize("currency", sorted(rates.SETTLEMENT))
def test_every_settlement_currency_is_charged_at_its_rate(currency: str) -> None:
    desk = make.desk()
    amount = "100" if EXPONENTS[currency] == 0 else "100.00"
    paid = desk.call(make.pay_fields("A", currency=currency, trans_amount=amount))
    rate = rates.CNY_PER_UNIT[currency]
    assert paid["exchange_rate"] == rate
    assert Money.parse(paid["trans_amount_cny"], "CNY").minor == round(float(rate) * 100_00)


@pytest.mark.parametrize("currency", ["MOP", "TWD"])
def test_a_currency_that_only_prices_does_not_settle(currency: str) -> None:
    desk = make.desk()
    assert desk.call(make.pay_fields("A", currency=currency))["error"] == "INVALID_PARAMETER"
    paid = desk.call(make.pay_fields("B", trans_currency=currency, trans_amount="100.00"))
    assert paid["result_code"] == "SUCCESS"
    asked = desk.call(make.basic(make.QUERY, partner_trans_id="B"))
    assert Money.parse(asked["forex_total_fee"], "USD").minor == round(float(asked["trans_forex_rate"]) * 100_00)


def test_a_cent_at_the_captured_rate_is_seven_fen() -> None:
    assert rates.to_cny(Money(1, "USD"), "6.64640000") == 7


@pytest.mark.parametrize("amount", ["١٢", "１２.５０", "1２", "²"])
def test_digits_of_other_scripts_are_no_digits(amount: str) -> None:
    desk = make.desk()
    assert desk.error(make.pay_fields("A", trans_amount=amount)) == "ILLEGAL_ARGUMENT"
    assert desk.error(make.create_fields("A", total_fee=amount)) == "ILLEGAL_ARGUMENT"
    assert desk.error(make.create_fields("A", it_b_pay="٣m")) == "ILLEGAL_ARGUMENT"
    code = make.CODE[:-1] + "٣"
    assert desk.call(make.pay_fields("A", code))["error"] == "SOUNDWAVE_PARSER_FAIL"


def test_an_amount_above_the_highest_is_refused_by_each_in_its_word() -> None:
    desk = make.desk()
    assert desk.call(make.pay_fields("A", trans_amount="100000000.01"))["error"] == "REQUEST_AMOUNT_EXCEED"
    fields = make.create_fields("A", service=make.PRECREATE, total_fee="100000000.01")
    del fields["buyer_id"]
    assert desk.call(fields)["detail_error_code"] == "TOTAL_FEE_EXCEED"


# --- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        ("1m", timedelta(minutes=1)),
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("15d", timedelta(days=15)),
        ("1c", timedelta(hours=11, minutes=44, seconds=28)),
    ],
)
def test_an_unpaid_order_closes_when_its_time_to_pay_is_over(text: str, closes: timedelta) -> None:
    desk = make.desk()
    desk.call(make.create_fields("A", it_b_pay=text))
    trade = desk.book.trades[PARTNER, "A"]
    desk.book.advance(closes - timedelta(seconds=1))
    assert trade.status is TradeStatus.WAIT_BUYER_PAY
    desk.advance(seconds=1)
    assert (trade.status, trade.close_reason) == (TradeStatus.TRADE_CLOSED, "timeout")
    assert desk.call(make.create_fields("A", it_b_pay=text, timestamp="2024-01-05 12:15:00"))["detail_error_code"] == (
        "TRADE_HAS_CLOSE"
    )


@pytest.mark.parametrize("text", ["0m", "1.5h", "16d", "361h", "21601m", "2c", "m", "10", "10s", "-1d", "01h"])
def test_a_time_to_pay_of_another_form_is_refused(text: str) -> None:
    desk = make.desk()
    assert desk.error(make.create_fields("A", it_b_pay=text)) == "ILLEGAL_ARGUMENT"
    fields = make.create_fields("A", service=make.PRECREATE, qr_code_it_b_pay=text)
    del fields["buyer_id"]
    assert desk.error(fields) == "ILLEGAL_ARGUMENT"


def test_a_barcode_payment_nobody_confirms_closes_after_three_minutes_at_every_gateway() -> None:
    desk = make.desk(partners=[plus.partner()])
    desk.call(make.pay_fields("A", make.CODE[:-2] + "91"))
    open_desk = openapi.Desk(desk.sandbox)
    assert open_desk.pay("B", code=make.CODE[:-2] + "91", timeout_express="3m")["code"] == "10003"
    desk.sandbox.plus.answer(plus.signed("pay", plus.pay_body("C", make.CODE[:-2] + "91")))
    trades = [desk.book.trades[PARTNER, number] for number in "ABC"]
    desk.advance(minutes=2, seconds=59)
    assert {trade.status for trade in trades} == {TradeStatus.WAIT_BUYER_PAY}
    desk.advance(seconds=1)
    assert {(trade.status, trade.close_reason) for trade in trades} == {(TradeStatus.TRADE_CLOSED, "timeout")}


def test_an_order_code_whose_time_to_pay_is_over_cannot_be_scanned() -> None:
    desk = make.desk()
    fields = make.create_fields("A", service=make.PRECREATE, it_b_pay="1m")
    del fields["buyer_id"]
    desk.call(fields)
    desk.advance(minutes=1)
    with pytest.raises(Conflict, match="too old"):
        desk.book.scan(desk.book.code_url(desk.book.trades[PARTNER, "A"].qr_token), "anna")


def test_the_refund_period_is_the_contracts() -> None:
    desk = make.desk(partners=[Partner(PARTNER, md5_key=make.KEY, refund_days=90)])
    desk.call(make.pay_fields("A"))
    desk.advance(days=89, hours=23)
    assert desk.call(make.refund_fields("A"))["result_code"] == "SUCCESS"
    desk.advance(hours=1)
    assert desk.call(make.basic(make.QUERY, partner_trans_id="A"))["alipay_trans_status"] == "TRADE_FINISHED"
    assert desk.call(make.refund_fields("A", "RF-2"))["error"] == "TRADE_HAS_FINISHED"


def out_of_funds(at: datetime = make.LUNCH) -> Desk:
    return make.desk(at, partners=[Partner(PARTNER, md5_key=make.KEY, out_of_funds=True)])


def state(desk: Desk) -> tuple[str, str | None]:
    said = desk.call(make.basic(make.REFUND_QUERY, out_trade_no="A", out_return_no="RF-1"))
    return said["refund_result_code"], said.get("refund_error_code")


def test_a_refund_without_funds_fails_at_once_or_is_tried_each_night() -> None:
    desk = out_of_funds()
    desk.call(make.pay_fields("A", notify_url=URL))
    assert desk.call(make.refund_fields("A"))["error"] == "SELLER_BALANCE_NOT_ENOUGH"
    assert desk.call(make.refund_fields("A", is_sync="N"))["result_code"] == "SUCCESS"
    assert state(desk) == ("PROCESSING", None)
    desk.advance(minutes=1)
    assert state(desk) == ("PROCESSING", "MERCHANT_BALANCE_NOT_ENOUGH")
    assert desk.book.refunds[PARTNER, "RF-1"].due_at == datetime(2024, 1, 5, 23, 0, tzinfo=BEIJING)
    desk.advance(hours=11)
    assert desk.book.refunds[PARTNER, "RF-1"].due_at == datetime(2024, 1, 6, 23, 0, tzinfo=BEIJING)
    desk.sandbox.partners.add(Partner(PARTNER, md5_key=make.KEY))
    desk.advance(days=1)
    assert state(desk) == ("SUCCESS", None)
    assert [notice.fields["notify_action_type"] for notice in desk.sandbox.notices.of_order("A")] == [
        "payByAccountAction", "refundFPAction",
    ]  # fmt: skip


def test_a_refund_that_never_found_funds_is_given_up_after_half_a_year_untold() -> None:
    desk = out_of_funds()
    desk.call(make.pay_fields("A", notify_url=URL))
    desk.call(make.refund_fields("A", is_sync="N"))
    desk.advance(days=181)
    assert state(desk) == ("FAILED", "MERCHANT_BALANCE_NOT_ENOUGH")
    assert desk.call(make.refund_fields("A", is_sync="N"))["error"] == "MERCHANT_BALANCE_NOT_ENOUGH"
    assert desk.book.trades[PARTNER, "A"].refunded == 0
    assert len(desk.sandbox.notices.of_order("A")) == 1


def test_refunds_are_told_where_the_back_office_says() -> None:
    desk = make.desk(partners=[Partner(PARTNER, md5_key=make.KEY, refund_notify_url=URL + "/back-office")])
    desk.call(make.pay_fields("A"))
    desk.call(make.refund_fields("A", is_sync="N", notify_url=URL))
    desk.advance(minutes=1)
    (notice,) = desk.sandbox.notices.of_order("A")
    assert notice.url == URL + "/back-office"
