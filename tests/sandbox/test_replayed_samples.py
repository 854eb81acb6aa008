"""Every request printed in the wire papers, with its printed signature, against the bytes printed as its answer.

What is not a printed byte (the number of a code, the id of a notification) is set beforehand; the rest the sandbox
has to say by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from saoma.alipay.signing import string_to_sign
from saoma.alipay.wire import form
from saoma.kit.clock import BEIJING
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi import forex
from tests.alipay.vectors import FOREX_KEY, PUBLIC_KEY, STORE_KEY
from tests.sandbox import make
from tests.sandbox.make import PARTNER, STORE, Desk

NOTIFY = "https://pos.example.com/alipay/notify"
NUMBER = "POS-20240105-000001"
CHINESE_URL = "http://商户网关地址/alipay.acquire.precreate-PHP-UTF-8-MD5/notify_url.php"
FOREX_PARTNER, STORE_PARTNER = "2088101122136241", "2088021966388155"
MCDONALD = (
    '{"secondary_merchant_name":"Lotte","secondary_merchant_id":"123","secondary_merchant_industry":"5812",'
    '"store_id":"A101","store_name":"McDonald in 966 3rd Ave, New York"}'
)
PAY = {
    "_input_charset": "UTF-8",
    "alipay_seller_id": PARTNER,
    "biz_product": "OVERSEAS_MBARCODE_PAY",
    "buyer_identity_code": "281234567890123456",
    "currency": "USD",
    "extend_info": STORE,
    "identity_code_type": "barcode",
    "notify_url": NOTIFY,
    "partner": PARTNER,
    "partner_trans_id": NUMBER,
    "service": make.PAY,
    "trans_amount": "12.50",
    "trans_create_time": "20240105121530",
    "trans_name": "Noodle set",
    "sign_type": "MD5",
    "sign": "88e1cf93c654949b81c7be7350d7e653",
}
PRECREATE = {
    "_input_charset": "UTF-8",
    "service": make.PRECREATE,
    "partner": PARTNER,
    "notify_url": NOTIFY,
    "timestamp": "2024-01-05 12:20:00",
    "out_trade_no": "QR-20240105-000007",
    "subject": "Noodle set",
    "product_code": "OVERSEAS_MBARCODE_PAY",
    "total_fee": "12.50",
    "currency": "USD",
    "trans_currency": "USD",
    "it_b_pay": "10m",
    "passback_parameters": "table7",
    "extend_params": STORE,
    "sign_type": "MD5",
    "sign": "16fbeb8c0f80d88371c952a984880948",
}


def asked(sign: str, service: str, **fields: str) -> dict[str, str]:
    basic = {"service": service, "partner": PARTNER, "_input_charset": "UTF-8"}
    return basic | fields | {"sign": sign, "sign_type": "MD5"}


def nothing(desk: Desk) -> None:
    """No history."""


def paid(desk: Desk) -> None:
    desk.get(PAY)


def paid_yesterday(desk: Desk) -> None:
    desk.get(PAY)
    desk.advance(days=1)


def planned(kind: FaultKind, code: str = "") -> Callable[[Desk], None]:
    return lambda desk: desk.sandbox.faults.plan(Fault(make.PAY, kind, code=code))


def named_code(desk: Desk) -> None:
    desk.get(PRECREATE)
    trade = desk.book.trades[PARTNER, "QR-20240105-000007"]
    trade.qr_token = "bax00000example0001"
    desk.book.by_token[trade.qr_token] = trade


@dataclass(frozen=True)
class Sample:
    """A printed request and the printed bytes of its answer, from `</request>` on."""

    name: str
    request: dict[str, str]
    node: str
    sign: str
    before: Callable[[Desk], None] = nothing
    settings: dict[str, Any] = field(default_factory=dict)


SAMPLES = [
    Sample(
        "barcode payment, paid",
        PAY,
        "<alipay><alipay_buyer_login_id>ali***@example.com</alipay_buyer_login_id>"
        "<alipay_buyer_user_id>2088000000009999</alipay_buyer_user_id><alipay_pay_time>20240105121532</alipay_pay_time>"
        "<alipay_trans_id>2024010521001000000000000001</alipay_trans_id><currency>USD</currency>"
        "<exchange_rate>7.10000000</exchange_rate><partner_trans_id>POS-20240105-000001</partner_trans_id>"
        "<result_code>SUCCESS</result_code><trans_amount>12.50</trans_amount>"
        "<trans_amount_cny>88.75</trans_amount_cny></alipay>",
        "e7bc0958326041413a46a027dbab9dac",
    ),
    Sample(
        "barcode payment, refused",
        PAY,
        "<alipay><error>BUYER_NOT_EXIST</error><result_code>FAILED</result_code></alipay>",
        "d1c4aa8db38747b5de6dd037a1a2b285",
        planned(FaultKind.REFUSED, "BUYER_NOT_EXIST"),
    ),
    Sample(
        "barcode payment, password needed",
        PAY,
        "<alipay><partner_trans_id>POS-20240105-000001</partner_trans_id><result_code>UNKNOWN</result_code></alipay>",
        "321a8147152cab7b27b6842a80c5a701",
        planned(FaultKind.UNKNOWN),
    ),
    Sample(
        "query, unknown number",
        asked("bda7a63326e215c64ff2b8e8dea1cad9", make.QUERY, partner_trans_id=NUMBER),
        "<alipay><error>TRADE_NOT_EXIST</error><result_code>FAIL</result_code></alipay>",
        "d4f7d3755e2b869a136df53413b0fdef",
    ),
    Sample(
        "cancel of a paid order",
        asked("a2ef72e90091362ed8a680d1f01b560c", make.CANCEL, out_trade_no=NUMBER, timestamp="1704428135000"),
        "<alipay><action>refund</action><out_trade_no>POS-20240105-000001</out_trade_no>"
        "<result_code>SUCCESS</result_code><retry_flag>N</retry_flag>"
        "<trade_no>2024010521001000000000000001</trade_no></alipay>",
        "7164ce3250dda2533f9ca6461485f796",
        paid,
    ),
    Sample(
        "refund of a part, a day later",
        asked(
            "076527e87068f03ce085248752207861", make.REFUND, currency="USD", is_sync="Y",
            partner_refund_id="RF-20240106-000001", partner_trans_id=NUMBER, refund_amount="2.50",
            refund_reason="item missing",
        ),
        "<alipay><alipay_trans_id>2024010521001000000000000001</alipay_trans_id><currency>USD</currency>"
        "<exchange_rate>7.10000000</exchange_rate><partner_refund_id>RF-20240106-000001</partner_refund_id>"
        "<partner_trans_id>POS-20240105-000001</partner_trans_id><refund_amount>2.50</refund_amount>"
        "<refund_amount_cny>17.75</refund_amount_cny><result_code>SUCCESS</result_code></alipay>",
        "39d81ff9e29e9506d54839ce8a9b6e54",
        paid_yesterday,
    ),
    Sample(
        "order code",
        PRECREATE,
        "<alipay><big_pic_url>https://mobilecodec.alipay.com/show.htm?code=bax00000example0001&amp;picSize=L"
        "</big_pic_url><out_trade_no>QR-20240105-000007</out_trade_no>"
        "<pic_url>https://mobilecodec.alipay.com/show.htm?code=bax00000example0001&amp;picSize=M</pic_url>"
        "<qr_code>https://qr.alipay.com/bax00000example0001</qr_code><result_code>SUCCESS</result_code>"
        "<small_pic_url>https://mobilecodec.alipay.com/show.htm?code=bax00000example0001&amp;picSize=S"
        "</small_pic_url><voucher_type>qrcode</voucher_type></alipay>",
        "a2b142e52fe66fd5bff6b2eaff8b5036",
        named_code,
        {"choices": Choices(picture_host="https://mobilecodec.alipay.com")},
    ),
]  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_printed_request_gets_the_printed_bytes(sample: Sample) -> None:
    desk = make.desk(**sample.settings)
    sample.before(desk)
    reply = desk.get(sample.request)
    assert reply.body is not None
    assert reply.content_type == "text/xml;charset=UTF-8"
    head, _, tail = reply.body.decode().partition("</request>")
    assert head.startswith('<?xml version="1.0" encoding="UTF-8"?><alipay><is_success>T</is_success><request><param ')
    signed = f"<sign>{sample.sign}</sign><sign_type>MD5</sign_type></alipay>"
    assert tail == f"<response>{sample.node}</response>{signed}"


WHOLE_ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<alipay>
  <is_success>T</is_success>
  <request>
    <param name="service">alipay.acquire.overseas.query</param>
    <param name="partner">2088000000000001</param>
    <param name="_input_charset">UTF-8</param>
    <param name="partner_trans_id">POS-20240105-000001</param>
    <param name="sign">bda7a63326e215c64ff2b8e8dea1cad9</param>
    <param name="sign_type">MD5</param>
  </request>
  <response>
    <alipay>
      <alipay_buyer_login_id>ali***@example.com</alipay_buyer_login_id>
      <alipay_buyer_user_id>2088000000009999</alipay_buyer_user_id>
      <alipay_pay_time>20240105121532</alipay_pay_time>
      <alipay_trans_id>2024010521001000000000000001</alipay_trans_id>
      <alipay_trans_status>TRADE_SUCCESS</alipay_trans_status>
      <currency>USD</currency>
      <exchange_rate>7.10000000</exchange_rate>
      <forex_total_fee>12.50</forex_total_fee>
      <out_trade_no>POS-20240105-000001</out_trade_no>
      <partner_trans_id>POS-20240105-000001</partner_trans_id>
      <result_code>SUCCESS</result_code>
      <trans_amount>12.50</trans_amount>
      <trans_amount_cny>88.75</trans_amount_cny>
      <trans_forex_rate>1</trans_forex_rate>
    </alipay>
  </response>
  <sign>3b7c527e7eb0a3a41886944d514e760d</sign>
  <sign_type>MD5</sign_type>
</alipay>"""


def test_the_printed_query_gets_the_whole_printed_document() -> None:
    desk = make.desk()
    paid(desk)
    reply = desk.get(asked("bda7a63326e215c64ff2b8e8dea1cad9", make.QUERY, partner_trans_id=NUMBER))
    assert reply.body == re.sub(r">\s+<", "><", WHOLE_ANSWER).encode()


def test_a_gbk_rejection_is_the_captured_one() -> None:
    wrong = {name: value for name, value in PAY.items() if name != "_input_charset"} | {"sign": "0" * 32}
    assert make.desk().get(wrong).body == (
        b'<?xml version="1.0" encoding="GBK"?><alipay><is_success>F</is_success><error>ILLEGAL_SIGN</error></alipay>'
    )


def test_an_unknown_partner_is_told_in_the_captured_words() -> None:
    fields = {"service": "single_trade_query", "_input_charset": "utf-8", "partner": FOREX_PARTNER}
    assert make.desk().get(fields).body == (
        b'<?xml version="1.0" encoding="utf-8"?><alipay><is_success>F</is_success>'
        b"<error>ILLEGAL_PARTNER</error></alipay>"
    )


NOTIFICATION = (
    "notify_time=2024-01-05+12%3A21%3A10&notify_type=trade_status_sync&notify_id=00000000000000000000000000000000aa"
    "&out_trade_no=QR-20240105-000007&subject=Noodle+set&trade_no=2024010521001000000000000002"
    "&trade_status=TRADE_SUCCESS&gmt_create=2024-01-05+12%3A20%3A40&gmt_payment=2024-01-05+12%3A21%3A09"
    "&seller_email=merchant%40example.com&buyer_email=ali%2A%2A%2A%40example.com&seller_id=2088000000000001"
    "&buyer_id=2088000000009999&price=12.50&quantity=1&total_fee=12.50"
    "&paytools_pay_amount=%5B%7B%22ALIPAYACCOUNT%22%3A%2288.75%22%7D%5D&extra_common_param=table7"
    "&sign_type=MD5&sign=2ad53d9e88aa06b48ec2bfdcfe7dce00"
)


def test_the_printed_notification_is_sent_byte_for_byte() -> None:
    desk = make.desk(choices=Choices(notify_action_type=False))
    paid(desk)
    desk.get(PRECREATE)
    desk.advance(minutes=5, seconds=8)
    placed = desk.book.trades[PARTNER, "QR-20240105-000007"]
    desk.book.scan(desk.book.code_url(placed.qr_token), "alice")
    desk.advance(seconds=29)
    desk.book.pay(placed.trade_no, "alice", "123456")
    (notice,) = desk.sandbox.notices.of_order("QR-20240105-000007")
    notice.id = "0" * 32 + "aa"
    desk.advance(seconds=1)
    assert desk.sandbox.notices.posted(notice)[0].decode() == NOTIFICATION


def test_the_online_notification_has_the_printed_text_to_sign() -> None:
    at = datetime(2018, 11, 9, 15, 36, 17, tzinfo=BEIJING)
    desk = make.desk(at)
    trade = forex.open_trade(desk.book, PARTNER, "test20181109153145", "x", Money(1, "USD"), "USD", "alice", NOTIFY)
    trade.trade_no = "2018110922001332950500389138"
    desk.book.by_trade_no[trade.trade_no] = trade
    desk.book.pay(trade.trade_no, "alice", "123456")
    (notice,) = desk.sandbox.notices.of_order(trade.out_trade_no)
    fields = {"notify_id": "5b89a773c60af059d96b1693dd3b3d6nc1", "notify_time": "2018-11-09 15:36:17", **notice.fields}
    assert string_to_sign(fields) == (
        "currency=USD&notify_id=5b89a773c60af059d96b1693dd3b3d6nc1&notify_time=2018-11-09 15:36:17&"
        "notify_type=trade_status_sync&out_trade_no=test20181109153145&total_fee=0.01&"
        "trade_no=2018110922001332950500389138&trade_status=TRADE_FINISHED"
    )


# --- requests whose signature alone is printed -----------------------------------------------------------------------


def test_the_printed_order_for_a_known_buyer_is_genuine() -> None:
    fields = make.create_fields(timestamp="2024-01-05 12:30:00")
    reply = make.desk().get(fields | {"sign_type": "MD5", "sign": "b8aaa886fff7a83732a2bfc8e1a214e4"})
    assert b"<result_code>SUCCESS</result_code><trade_no>2024010521001000000000000001<" in (reply.body or b"")


def test_the_printed_shop_code_is_genuine() -> None:
    data = (
        '{"address":"1 Harbour Road","country_code":"SG","currency":"SGD","secondary_merchant_id":"SM_1001",'
        '"secondary_merchant_industry":"5812","secondary_merchant_name":"Example Noodle Bar","store_id":"ST_01",'
        '"store_name":"Harbour Branch","trans_currency":"SGD"}'
    )
    at = datetime(2024, 1, 5, 9, 0, tzinfo=BEIJING)
    reply = make.desk(at).get(
        asked(
            "c27d171d6928ade53d56ae55e893aaac", "alipay.commerce.qrcode.create", timestamp="2024-01-05 09:00:00",
            notify_url=NOTIFY, biz_type="OVERSEASHOPQRCODE", biz_data=data,
        )
    )  # fmt: skip
    assert b"<response><qrcodeinfo><qrcode>https://qr.alipay.com/" in (reply.body or b"")


def test_the_published_order_with_chinese_letters_is_genuine() -> None:
    partner = Partner(STORE_PARTNER, md5_key="XXXX")
    fields = {
        "_input_charset": "utf-8", "body": "iphone cellphone", "currency": "USD", "extend_params": MCDONALD,
        "notify_url": CHINESE_URL, "out_trade_no": "1234",
        "partner": STORE_PARTNER, "passback_parameters": "test", "price": "0.01",
        "product_code": "OVERSEAS_MBARCODE_PAY", "quantity": "1", "seller_email": "testoverseas1980@alipay.com",
        "seller_id": STORE_PARTNER, "service": make.PRECREATE,
        "show_url": "http://www.taobao.com/product/113714.html", "subject": "Payment by QR-Code",
        "timestamp": "2000-12-31 08:00:00", "total_fee": "0.01", "trans_currency": "USD", "sign_type": "MD5",
        "sign": "6c478998267d747565aff1b8ab595380",
    }  # fmt: skip
    desk = make.desk(datetime(2000, 12, 31, 8, 20, tzinfo=BEIJING), partners=[partner])
    assert b"<result_code>SUCCESS</result_code>" in (desk.get(fields).body or b"")


SHOP_PAYMENT = {
    "_input_charset": "UTF-8", "alipay_seller_id": STORE_PARTNER, "biz_product": "OVERSEAS_MBARCODE_PAY",
    "buyer_identity_code": "288888888888888888", "currency": "USD", "extend_info": MCDONALD,
    "identity_code_type": "barcode", "memo": "", "partner": STORE_PARTNER, "partner_trans_id": "T20200801000001",
    "quantity": "1", "service": make.PAY, "trans_amount": "0.01", "trans_create_time": "20200801120000",
    "trans_name": "Mika's coffee shop",
}  # fmt: skip


@pytest.mark.parametrize(
    ("sign_type", "sign"),
    [
        ("MD5", "baad08ca515f942ce995105fb07a277f"),
        (
            "RSA",
            "lKIuEeAOl83ch5hVtEG5E3lg/ieDN3b7q7/Uvp0dCVTdnfnvYLi76FlN8Zo34VafDTQQ0obHTkDwkco6iF2P06Dtz2shpR1Laufwk7HP"
            "Dw1diAZ9O8mH3YUN9i8nITuBGnXc2rm1CDjEowVSHPh3IrhNxvHKWW8etKn2EnPnWw4=",
        ),
        (
            "RSA2",
            "hP8fWM0LU3EMHYLhBaz8iVp/hCkRmZ/ZTag4hOFNXNF1d0AtkSFY67IqghexLb63dsrAJ4gTWMYWGM1+izltDWlnkeV08IeUtjf4cR+e"
            "0jlRCXOQw775OCRhiiA1wsYhhxOJLiW4+b+8LbIAsDfAkzIoDYzaDSTtvvsRRXpMMgM=",
        ),
    ],
)
def test_the_published_barcode_payment_is_genuine_by_every_algorithm(sign_type: str, sign: str) -> None:
    partner = Partner(STORE_PARTNER, sign_type=sign_type, md5_key=STORE_KEY, public_key=PUBLIC_KEY)
    desk = make.desk(partners=[partner])
    reply = desk.get(SHOP_PAYMENT | {"sign_type": sign_type, "sign": sign})
    assert b"<trans_amount_cny>0.07</trans_amount_cny>" in (reply.body or b"")
    changed = SHOP_PAYMENT | {"sign_type": sign_type, "sign": sign, "trans_amount": "0.02"}
    assert b"<error>ILLEGAL_SIGN</error>" in (desk.get(changed).body or b"")


REFUNDED = {
    "_input_charset": "utf-8", "currency": "USD", "gmt_return": "20150320120000", "out_return_no": "SAMPLE_REFUND_ID",
    "out_trade_no": "SAMPLE_TRANSACTION_ID", "return_rmb_amount": "200.00",
}  # fmt: skip
PERIOD = {"start_date": "20120202", "end_date": "20120205"}


@pytest.mark.parametrize(
    ("service", "fields", "sign", "said"),
    [
        ("forex_rate_file", {}, "4051af1716d522b47acff927d4fb9781", b"20150320|000000|USD|7.10000000\n"),
        ("forex_compare_file", PERIOD, "3d09abe0980696bb39bb72c6137266ca", b"No balance account data in the period"),
        ("forex_liquidation_file", PERIOD, "68c26fcba73dc3134bc88bb04a8be865", b"No balance account data"),
        (
            "single_trade_query",
            {"_input_charset": "utf-8", "out_trade_no": "SAMPLE_TRANSACTION_ID"},
            "d4d3825356fd0799ee16829acffc1460",
            b"<out_trade_no>SAMPLE_TRANSACTION_ID</out_trade_no>",
        ),
        (
            "single_trade_query",
            {"_input_charset": "utf-8"},
            "af7007238531b0b0917f3972e24c6c64",
            b"<error>ILLEGAL_ARGUMENT</error>",
        ),
        ("forex_refund", REFUNDED | {"reason": "hello"}, "a77e894e71491f41e73ebe40319cc300", b"<is_success>T<"),
        ("forex_refund", REFUNDED | {"reason": "no_reason"}, "c4c09ca3fc78d04b88d9459b02673b1b", b"<is_success>T<"),
        (
            "single_trade_query",
            {"_input_charset": "GBK", "subject": "测试"},
            "57a6883018b52436f375c396e098fe7a",
            b"<error>ILLEGAL_ARGUMENT</error>",
        ),
        (
            "single_trade_query",
            {"_input_charset": "GBK", "subject": "测试"},
            "6a0ada049a0cdfd7a0b84599290794c7",
            b"<error>ILLEGAL_SIGN</error>",
        ),
    ],
)
def test_a_published_call_of_the_online_product_is_genuine(
    service: str, fields: dict[str, str], sign: str, said: bytes
) -> None:
    desk = make.desk(datetime(2015, 3, 20, 12, 0, tzinfo=BEIJING), partners=[Partner(FOREX_PARTNER, md5_key=FOREX_KEY)])
    price = Money(200_00, "CNY")
    trade = forex.open_trade(
        desk.book, FOREX_PARTNER, "SAMPLE_TRANSACTION_ID", "x", price, "USD", "alice", "https://example.com/notify"
    )
    desk.book.pay(trade.trade_no, "alice", "123456")
    whole = {"service": service, "partner": FOREX_PARTNER} | fields | {"sign_type": "MD5", "sign": sign}
    body = desk.sandbox.mapi.answer(form(whole, fields.get("_input_charset", "GBK")), b"").body
    assert said in (body or b""), body
