"""Samples of the Open API replayed: published requests are taken, captured answers come out letter by letter."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import pytest

from saoma.alipay.signing import SignType, rsa_signatory, string_to_sign
from saoma.alipay.wire import write_openapi_answer
from saoma.kit.clock import BEIJING
from saoma.sandbox.book.model import Partner
from saoma.sandbox.config import BuyerSetting, Config
from saoma.sandbox.openapi.certificates import number_of
from saoma.sandbox.openapi_choices import OpenApiChoices
from saoma.sandbox.server import Sandbox
from tests.alipay.vectors import PRIVATE_KEY, PUBLIC_KEY
from tests.sandbox import make as sandboxes
from tests.sandbox.make import APP, PARTNER
from tests.sandbox.openapi.make import Desk, desk

NEW_YEAR = datetime(2024, 1, 1, 12, 0, tzinfo=BEIJING)
COMMON = {"app_id": APP, "charset": "utf-8", "format": "JSON", "sign_type": "RSA2",
          "timestamp": "2024-01-01 12:00:00", "version": "1.0"}  # fmt: skip
PAY = {
    "method": "alipay.trade.pay",
    "biz_content": '{"out_trade_no":"T20240101000001","scene":"bar_code","auth_code":"28763443825664394",'
    '"subject":"coffee","total_amount":"12.50"}',
    "sign": "Ah/2PaV7x1S46+yNa1J4LStuUYfmIQs4ZfRSH/nFa40zR2jTz3DDxOdqEwFRqPVorm9jIZZWBejPkmwps1hlne2QPm"
    "EeAMLmp3EPZ2/mB+W/U7B1UgCsekVLFm15laVI9rzNZFNaNwRE9ECQGjiT4NCcbfsoJG08kfaAZh9ErDU=",
}
QUERY = {
    "method": "alipay.trade.query",
    "biz_content": '{"out_trade_no":"T20240101000001"}',
    "sign": "LaQ7Gs4XMfECfe+zzYBSv+WXpK5unATfGDvfo4UwXEj0gpllAqEg2B1lwjpXJ4qZBV3Yms9BUx90H4S1iAKYa3euwobFiIhn5Vfh3XXd"
    "d24vU9sMYyvWtjux8UgWZ1iv7awghThcm5prfHAclHEIuKtLZb2eXsqfvcUb1lHohzo=",
}
WAITING = (
    '{"code":"10003","msg":"order success pay inprocess","buyer_logon_id":"tes***@example.com",'
    '"buyer_pay_amount":"0.00","invoice_amount":"0.00","out_trade_no":"T20240101000001","point_amount":"0.00",'
    '"receipt_amount":"0.00","trade_no":"2024010122001400000000000001"}'
)
WAITING_SIGN = (
    "U6lEJodomSnkK3QxWS8WTL8cin0I0Y1eeG8QigSHQDbwcDopaHiJenPwnHLdMqNI88GE3jpwrz2Yfv/BIPEpFiFAPF9oMKfVK2HEgDDmDBjulrSm"
    "kH9AYmg2Xrh6lZE35V6oG/fiKM1TkgPkd1Q/WMjVjYvryyFy/JnguCbxvhQ="
)


def published(**choices: bool) -> Desk:
    """A sandbox whose own key and whose partner's key are the published throw-away one, at the samples' noon."""
    store = sandboxes.store()
    store.keep("key", "alipay", (PRIVATE_KEY, PUBLIC_KEY))
    config = Config(
        partners=[Partner(PARTNER, APP, sign_type="RSA2", public_key=PUBLIC_KEY)],
        buyers=[BuyerSetting("test", pin_required=True)],
        openapi=OpenApiChoices(**choices),  # type: ignore[arg-type]
    )
    return Desk(Sandbox(config, sandboxes.clock(NEW_YEAR), 8001, store))


def replay(till: Desk, sample: dict[str, str]) -> bytes:
    return till.sandbox.openapi.answer(urlencode(COMMON | sample).encode(), b"").body or b""


@pytest.mark.parametrize("sample", [PAY, QUERY])
def test_the_samples_requests_are_signed_as_we_would_sign_them(sample: dict[str, str]) -> None:
    text = string_to_sign(COMMON | sample, keep_sign_type=True)
    assert rsa_signatory(SignType.RSA2, PRIVATE_KEY, None).sign(text.encode()) == sample["sign"]


def test_the_sample_of_a_waiting_payment_is_signed_over_its_own_text() -> None:
    signatory = rsa_signatory(SignType.RSA2, PRIVATE_KEY, None)
    whole = write_openapi_answer("alipay_trade_pay_response", WAITING, signatory)
    assert whole.decode() == f'{{"alipay_trade_pay_response":{WAITING},"sign":"{WAITING_SIGN}"}}'


def test_the_samples_requests_are_taken_as_they_stand() -> None:
    """The digits at the end of the sample's code mean something here: a buyer who has reached today's limit."""
    till = published()
    said = till.read(replay(till, PAY))
    assert said.fields["sub_code"] == "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    assert said.is_signed_by(rsa_signatory(SignType.RSA2, None, PUBLIC_KEY))
    assert till.read(replay(till, QUERY)).fields["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert (
        till.read(replay(till, PAY | {"biz_content": PAY["biz_content"].replace("12.50", "12.51")})).fields["sub_code"]
        == "isv.invalid-signature"
    )


def test_the_sample_of_a_waiting_payment_comes_out_letter_by_letter() -> None:
    """It knows neither the buyer's number nor the blank of captured answers, and another count of trades."""
    till = published(blank_before_waiting=False)
    content = PAY["biz_content"].replace("28763443825664394", till.sandbox.book.new_payment_code("test").code)
    fields = COMMON | {"method": "alipay.trade.pay", "biz_content": content}
    fields = sandboxes.signed(fields, rsa_signatory(SignType.RSA2, PRIVATE_KEY, None), open_api=True)
    text = till.read(replay(till, fields)).text
    number = till.sandbox.book.buyer("test").user_id
    assert text.replace("0121001000", "0122001400").replace(f'"buyer_user_id":"{number}",', "") == WAITING


CODE_SPENT = {
    "method": "alipay.system.oauth.token",
    "grant_type": "authorization_code",
    "code": "ca34ea491e7146cc87d25fca24c4cD11",
    "sign": "FcD6z6s4qR5fHaVy10Ea40Yuh3/+TLJFj6PW1rMLAmLnIpHfABDu6R1yk32hOts89Y97azb0oWgl0LvzXAKomVl5unsxQ8O2nOP5"
    "cfXq5HamBHAWiXjYrZ6aaiuRuW80k/ls0LBlzhHTcPIQC4kiFz02jORUKZrz8t3RcMxgmDc=",
}
REFRESHED = {
    "method": "alipay.system.oauth.token",
    "grant_type": "refresh_token",
    "refresh_token": "20120823ac6ffaa4d2d84e7384bf983531473993",
    "sign": "D/o1uXKkHa0ldYvVOr5OYvgH2yuRC7Rz2CetjVFCzebulad7dls2IwICDz6fxk7oAKmZO+ykDBn0okGVjOpvTj/58yd+vX2S1GLD"
    "MuXIG1epMboCvUNpLT5Qwrr4EVPcL1nNti6H6QkVVmPJ7hhZFlY20AhO1Ynd8ginZfYX8qc=",
}
GRANTED = (
    '{"access_token":"auth_baseBtest0001","alipay_user_id":"20880000000000000000000000000001","expires_in":1296000,'
    '"re_expires_in":2592000,"refresh_token":"auth_baseBtest0002","user_id":"2088000000000001"}'
)
GRANTED_SIGN = (
    "mgVh5b0cuVjflTdQlyRcSFzj13F8P8VRsf07xApQBptGyLQdn7HlGDk41xpt6GzhRIFXR5XjJ1uLVgzyMWM5rkNWCOD54igSKPSuGwujzHNpgQAs"
    "crvPNC4h/rMhEad3tjHzQKxzeiCoTZdn5krJ9X5upZmXM7bVM1VE7BmXe34="
)
SPENT = '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid","sub_msg":"授权码code无效"}'
SPENT_SIGN = (
    "C3zQXzpXp+IsYDJ50F/hSfIedt8D7C56ZnoEdetvczjc6meGQPMePd2UjFEIWJRAgiyspljpqS7Fdqf20LjFL3Uhig0KUeWrgDxGHjeR+SecMBGP"
    "JCSLSNdV8f0RV1kttlopH6GBRD/Tb0xhuVqER7Nxj2IU8t7zs2tb2CV5MNs="
)


def test_the_printed_code_of_nobody_gets_the_printed_bytes() -> None:
    said = replay(published(), CODE_SPENT).decode()
    assert said == f'{{"error_response":{SPENT},"sign":"{SPENT_SIGN}"}}'


def test_the_printed_refresh_is_genuine_and_its_token_unknown() -> None:
    till = published()
    assert till.read(replay(till, REFRESHED)).fields["sub_code"] == "isv.refresh-token-invalid"
    spoiled = REFRESHED | {"refresh_token": "20120823ac6ffaa4d2d84e7384bf983531473994"}
    assert till.read(replay(till, spoiled)).fields["sub_code"] == "isv.invalid-signature"


def test_the_printed_tokens_come_out_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    till = published(auth_start=False)
    book, authorizations = till.sandbox.book, till.sandbox.authorizations
    book.wallets.add("tester", user_id="2088000000000001")
    code = authorizations.new_code(APP, book.buyer("tester"))
    texts = iter(["auth_baseBtest0001", "auth_baseBtest0002"])
    monkeypatch.setattr(authorizations, "new_token_text", lambda prefix: next(texts))
    fields = COMMON | {"method": "alipay.system.oauth.token", "grant_type": "authorization_code", "code": code}
    fields = sandboxes.signed(fields, rsa_signatory(SignType.RSA2, PRIVATE_KEY, None), open_api=True)
    said = replay(till, fields).decode()
    assert said == f'{{"alipay_system_oauth_token_response":{GRANTED},"sign":"{GRANTED_SIGN}"}}'


def test_a_captured_failure_comes_out_letter_by_letter() -> None:
    till = desk()
    content = {"out_trade_no": "20160901160434", "scene": "bar_code", "auth_code": "281234567890123492",
               "subject": "a", "total_amount": "0.01"}  # fmt: skip
    assert till.read(till.send(till.signed("alipay.trade.pay", content))).text == (
        '{"code":"40004","msg":"Business Failed","sub_code":"ACQ.PAYMENT_AUTH_CODE_INVALID",'
        '"sub_msg":"支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款，如再次收款失败，请联系管理员处理。[SOUNDWAVE_PARSER_FAIL]",'
        '"buyer_pay_amount":"0.00","invoice_amount":"0.00","out_trade_no":"20160901160434","point_amount":"0.00",'
        '"receipt_amount":"0.00"}'
    )


def test_captured_nodes_of_refund_and_refund_query_come_out_letter_by_letter() -> None:
    till = desk()
    missing = till.signed("alipay.trade.refund", {"out_trade_no": "X", "refund_amount": "1"})
    assert till.read(till.send(missing)).text == (
        '{"code":"40004","msg":"Business Failed","sub_code":"ACQ.TRADE_NOT_EXIST","sub_msg":"交易不存在",'
        '"refund_fee":"0.00","send_back_fee":"0.00"}'
    )
    till.pay()
    unknown = till.signed("alipay.trade.fastpay.refund.query", {"out_trade_no": "T1", "out_request_no": "X"})
    assert till.read(till.send(unknown)).text == '{"code":"10000","msg":"Success"}'


@pytest.mark.parametrize(
    ("issuer", "serial", "number"),
    [
        (
            "CN=Ant Financial Certification Authority Class 1 R1,OU=Certification Authority,O=Ant Financial,C=CN",
            42701552708448241360226107228231049510,
            "866efef280dec9137a87d047ac446315",
        ),
        (
            "CN=Ant Financial Certification Authority Class 2 R1,OU=Certification Authority,O=Ant Financial,C=CN",
            42701552432456004857627230056898180491,
            "7513daaaa48aa3ba2e4018d84402479c",
        ),
        (
            "CN=Ant Financial Certification Authority R1,OU=Certification Authority,O=Ant Financial,C=CN",
            2292228364100439313,
            "687b59193f3f462dd5336e5abf83c5d8",
        ),
        (
            "CN=iTrusChina Class 2 Root CA - G3,OU=China Trust Network,O=iTrusChina,C=CN",
            95790491425698859646659490580052089075020051350,
            "02941eef3187dddf3d3b83462e1dfcf6",
        ),
    ],
)
def test_published_certificates_have_their_published_numbers(issuer: str, serial: int, number: str) -> None:
    assert number_of(issuer, serial) == number
