"""The requests and answers printed in the wire papers, with their printed signatures, through a real socket."""

from __future__ import annotations

from datetime import datetime

import pytest

from saoma.alipay.wire import Answer, read_answer
from saoma.kit.clock import BEIJING
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Running

NOTIFY = "https://pos.example.com/alipay/notify"
NUMBER = "POS-20240105-000001"
TRADE = "2024010521001000000000000001"


def at(hour: int, minute: int, second: int = 0, day: int = 5) -> datetime:
    return datetime(2024, 1, day, hour, minute, second, tzinfo=BEIJING)


async def replay(wire: Running, sign: str, **fields: str) -> Answer:
    whole = {"_input_charset": "UTF-8", "partner": PARTNER, "sign_type": "MD5", "sign": sign} | fields
    return read_answer(await wire.send(whole))


async def pay(wire: Running) -> Answer:
    fields = make.pay_fields(NUMBER, notify_url=NOTIFY)
    return await replay(wire, "88e1cf93c654949b81c7be7350d7e653", **fields)


async def test_the_barcode_payment_is_answered_to_the_letter(wire: Running) -> None:
    answer = await pay(wire)
    assert answer.fields == {
        "alipay_buyer_login_id": "ali***@example.com",
        "alipay_buyer_user_id": "2088000000009999",
        "alipay_pay_time": "20240105121532",
        "alipay_trans_id": TRADE,
        "currency": "USD",
        "exchange_rate": "7.10000000",
        "partner_trans_id": NUMBER,
        "result_code": "SUCCESS",
        "trans_amount": "12.50",
        "trans_amount_cny": "88.75",
    }
    assert answer.sign == "e7bc0958326041413a46a027dbab9dac"
    assert answer.request["sign"] == "88e1cf93c654949b81c7be7350d7e653"
    assert answer.request["extend_info"] == make.STORE


async def test_the_query_is_answered_to_the_letter(wire: Running) -> None:
    await pay(wire)
    answer = await replay(wire, "bda7a63326e215c64ff2b8e8dea1cad9", service=make.QUERY, partner_trans_id=NUMBER)
    assert answer.sign == "3b7c527e7eb0a3a41886944d514e760d"
    assert answer.fields["alipay_trans_status"] == "TRADE_SUCCESS"


async def test_the_query_for_an_unknown_number_is_answered_to_the_letter(wire: Running) -> None:
    answer = await replay(wire, "bda7a63326e215c64ff2b8e8dea1cad9", service=make.QUERY, partner_trans_id=NUMBER)
    assert answer.fields == {"error": "TRADE_NOT_EXIST", "result_code": "FAIL"}
    assert answer.sign == "d4f7d3755e2b869a136df53413b0fdef"


async def test_the_cancel_is_answered_to_the_letter(wire: Running) -> None:
    await pay(wire)
    for _ in range(2):
        answer = await replay(
            wire,
            "a2ef72e90091362ed8a680d1f01b560c",
            service=make.CANCEL,
            out_trade_no=NUMBER,
            timestamp="1704428135000",
        )
        assert answer.sign == "7164ce3250dda2533f9ca6461485f796"
        assert answer.fields["action"] == "refund"


async def test_a_cancel_of_what_never_was_tells_only_three_things(wire: Running) -> None:
    answer = await wire.call(make.cancel_fields("NEVER"))
    assert answer.fields == {"out_trade_no": "NEVER", "result_code": "SUCCESS", "retry_flag": "N"}


async def test_the_refund_is_answered_to_the_letter(wire: Running) -> None:
    await pay(wire)
    await wire.advance(days=1)
    for _ in range(2):
        answer = await replay(
            wire,
            "076527e87068f03ce085248752207861",
            service=make.REFUND,
            currency="USD",
            is_sync="Y",
            partner_refund_id="RF-20240106-000001",
            partner_trans_id=NUMBER,
            refund_amount="2.50",
            refund_reason="item missing",
        )
        assert answer.sign == "39d81ff9e29e9506d54839ce8a9b6e54"
    assert wire.book.trades[PARTNER, NUMBER].refunded == 250


async def test_an_open_outcome_is_answered_to_the_letter(wire: Running) -> None:
    await wire.control("POST", "faults", {"service": make.PAY, "fault": "unknown"})
    answer = await pay(wire)
    assert answer.fields == {"partner_trans_id": NUMBER, "result_code": "UNKNOWN"}
    assert answer.sign == "321a8147152cab7b27b6842a80c5a701"


PRECREATE = {
    "service": make.PRECREATE,
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
    "extend_params": make.STORE,
}


async def test_the_order_code_is_made_once_however_often_it_is_asked_for(wire: Running) -> None:
    first = await replay(wire, "16fbeb8c0f80d88371c952a984880948", **PRECREATE)
    assert first.fields.keys() == {
        "big_pic_url", "out_trade_no", "pic_url", "qr_code", "result_code", "small_pic_url", "voucher_type",
    }  # fmt: skip
    assert first.fields["qr_code"].startswith("https://qr.alipay.com/bax")
    again = await replay(wire, "16fbeb8c0f80d88371c952a984880948", **PRECREATE)
    assert again.fields["qr_code"] == first.fields["qr_code"]
    async with wire.client.get(first.fields["pic_url"]) as picture:
        assert picture.content_type == "image/svg+xml"


async def test_the_notification_has_the_published_fields() -> None:
    async with make.running(at=at(12, 20, 40)) as wire:
        await replay(wire, "16fbeb8c0f80d88371c952a984880948", **PRECREATE)
        await wire.control("POST", "trades/QR-20240105-000007/scan", {"buyer_id": "alice"})
        await wire.advance(seconds=29)
        await wire.control("POST", "trades/QR-20240105-000007/pay")
        (notice,) = wire.sandbox.notices.of_order("QR-20240105-000007")
        expected = {
            "notify_type": "trade_status_sync",
            "out_trade_no": "QR-20240105-000007",
            "subject": "Noodle set",
            "trade_no": TRADE,
            "trade_status": "TRADE_SUCCESS",
            "gmt_create": "2024-01-05 12:20:40",
            "gmt_payment": "2024-01-05 12:21:09",
            "seller_email": "merchant@example.com",
            "buyer_email": "ali***@example.com",
            "seller_id": PARTNER,
            "buyer_id": "2088000000009999",
            "price": "12.50",
            "quantity": "1",
            "total_fee": "12.50",
            "paytools_pay_amount": '[{"ALIPAYACCOUNT":"88.75"}]',
            "extra_common_param": "table7",
        }
        assert notice.fields == expected | {"notify_action_type": "payByAccountAction"}


async def test_the_trade_for_a_known_buyer_gets_its_number() -> None:
    async with make.running(at=at(12, 30)) as wire:
        fields = make.create_fields(timestamp="2024-01-05 12:30:00")
        for _ in range(2):
            answer = await replay(wire, "b8aaa886fff7a83732a2bfc8e1a214e4", **fields)
            assert answer.fields == {
                "out_trade_no": "H5-20240105-000003", "result_code": "SUCCESS", "trade_no": TRADE,
            }  # fmt: skip


async def test_the_shop_code_is_made_once_per_store() -> None:
    async with make.running(at=at(9, 0)) as wire:
        data = (
            '{"address":"1 Harbour Road","country_code":"SG","currency":"SGD","secondary_merchant_id":"SM_1001",'
            '"secondary_merchant_industry":"5812","secondary_merchant_name":"Example Noodle Bar","store_id":"ST_01",'
            '"store_name":"Harbour Branch","trans_currency":"SGD"}'
        )
        fields = {
            "service": "alipay.commerce.qrcode.create",
            "timestamp": "2024-01-05 09:00:00",
            "notify_url": NOTIFY,
            "biz_type": "OVERSEASHOPQRCODE",
            "biz_data": data,
        }
        answers = [await replay(wire, "c27d171d6928ade53d56ae55e893aaac", **fields) for _ in range(2)]
        assert answers[0].node == "qrcodeinfo"
        assert answers[0].fields["qrcode"] == answers[1].fields["qrcode"]


@pytest.mark.parametrize("sign", ["88e1cf93c654949b81c7be7350d7e654", "88E1CF93C654949B81C7BE7350D7E653"])
async def test_a_printed_signature_with_one_digit_or_case_changed_is_refused(wire: Running, sign: str) -> None:
    answer = await replay(wire, sign, **make.pay_fields(NUMBER, notify_url=NOTIFY))
    assert answer.error == "ILLEGAL_SIGN"
