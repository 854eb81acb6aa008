"""The gateway's checks, over HTTP where that matters: each refuses with its own word, and refused calls do nothing."""

from __future__ import annotations

import pytest
import yarl

from saoma.alipay.signing import SignType, md5_signatory
from saoma.alipay.wire import form, read_answer
from saoma.sandbox.book.model import Partner
from tests.sandbox import make
from tests.sandbox.make import Running


async def test_a_charset_alipay_does_not_take_is_refused_before_anything_else(wire: Running) -> None:
    assert await wire.error({"_input_charset": "LATIN1", "service": "nonsense"}) == "ILLEGAL_CHARSET"


@pytest.mark.parametrize("service", ["", "alipay.acquire.guess"])
def test_a_missing_or_unknown_service_is_refused(service: str) -> None:
    desk = make.desk()
    assert desk.error(make.basic(service)) == "ILLEGAL_SERVICE"


@pytest.mark.parametrize("partner", ["", "2088000000000002", "12345", "2088000000000001x"])
def test_an_unknown_partner_is_refused(partner: str) -> None:
    desk = make.desk()
    assert desk.error(make.pay_fields(partner=partner)) == "ILLEGAL_PARTNER"


@pytest.mark.parametrize("sign_type", ["", "md5", "DSA", "RSA256"])
def test_a_sign_type_alipay_does_not_know_is_refused(sign_type: str) -> None:
    desk = make.desk()
    assert desk.error(make.pay_fields(sign_type=sign_type)) == "ILLEGAL_SIGN_TYPE"


def test_a_sign_type_without_a_key_is_refused() -> None:
    desk = make.desk()
    assert desk.error(make.pay_fields(sign_type="RSA")) == "ILLEGAL_SECURITY_PROFILE"


async def test_a_changed_byte_after_signing_is_refused_and_pays_nothing(wire: Running) -> None:
    fields = make.signed(make.pay_fields()) | {"trans_amount": "12.51"}
    assert await wire.error(fields) == "ILLEGAL_SIGN"
    assert wire.book.all_trades() == []


async def test_another_partners_key_does_not_sign_for_this_one(wire: Running) -> None:
    fields = make.signed(make.pay_fields(), md5_signatory("x" * 32))
    assert await wire.error(fields) == "ILLEGAL_SIGN"


async def test_the_call_log_tells_a_developer_what_should_have_been_signed(wire: Running) -> None:
    await wire.error(make.signed(make.pay_fields()) | {"trans_name": "x"})
    (call,) = (await wire.control("GET", f"calls?partner={make.PARTNER}"))["calls"]
    assert call["service"] == make.PAY
    assert call["out_trade_no"] == "POS-20240105-000001"
    assert "trans_name=x" in call["why"]
    assert "ILLEGAL_SIGN" in call["response"]
    assert call["request"]["trans_name"] == "x"


async def test_a_service_outside_the_partners_contract_is_refused() -> None:
    limited = Partner(make.PARTNER, make.APP, md5_key=make.KEY, services=[make.QUERY])
    async with make.running(config=make.settings(partners=[limited])) as wire:
        assert await wire.error(make.signed(make.pay_fields())) == "ILLEGAL_PARTNER_EXTERFACE"
        query = await wire.call(make.basic(make.QUERY, partner_trans_id="X"))
        assert query.fields["error"] == "TRADE_NOT_EXIST"


@pytest.mark.parametrize("timestamp", ["2024-01-05 11:45:31", "2024-01-05 12:45:33", "1704425100000"])
def test_a_timestamp_more_than_half_an_hour_off_is_refused(timestamp: str) -> None:
    desk = make.desk()
    fields = make.cancel_fields("X", timestamp=timestamp)
    assert desk.error(fields) == "EXTERFACE_INVOKE_CONTEXT_EXPIRED"


@pytest.mark.parametrize("timestamp", ["2024-01-05 11:45:33", "2024-01-05 12:45:31", "1704428135000"])
def test_a_timestamp_within_half_an_hour_is_taken_in_either_notation(timestamp: str) -> None:
    desk = make.desk()
    answer = desk.call(make.cancel_fields("X", timestamp=timestamp))
    assert answer["result_code"] == "SUCCESS"


async def test_a_caller_on_real_time_is_still_fresh_after_the_sandbox_clock_was_pushed(wire: Running) -> None:
    await wire.advance(days=2)
    answer = await wire.call(make.cancel_fields("X", timestamp="2024-01-05 12:20:00"))
    assert answer.fields["result_code"] == "SUCCESS"


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"timestamp": "2024-01-05 12:15:00"},
        {"trans_amount": ""},
        {"trans_amount": "12.505"},
        {"trans_amount": "0.00"},
        {"trans_amount": "-1"},
        {"trans_amount": "1e2"},
        {"trans_amount": "12.50", "currency": "JPY"},
        {"currency": "usd"},
        {"currency": "XXX"},
        {"trans_name": "n" * 257},
        {"trans_name": "bell\x07"},
        {"partner_trans_id": "n" * 65},
        {"identity_code_type": "soundwave"},
        {"trans_create_time": "20240105251530"},
        {"notify_url": "ftp://example.com"},
        {"notify_url": "https://example.com/" + "n" * 200},
        {"extend_info": "{"},
        {"extend_info": "[]"},
        {"extend_info": make.STORE.replace("Noodle", "\\ud800")},
        {"extend_info": make.STORE.replace('"store_id":"ST_01",', "")},
        {"extend_info": make.STORE.replace("SM_1001", "SM 1001")},
        {"extend_info": make.STORE.replace("5812", "58120")},
    ],
)
def test_a_parameter_that_is_not_as_documented_is_refused(changes: dict[str, str]) -> None:
    desk = make.desk()
    assert desk.error(make.pay_fields(**changes)) == "ILLEGAL_ARGUMENT"
    assert desk.book.all_trades() == []


def test_every_required_parameter_of_a_payment_is_required() -> None:
    desk = make.desk()
    optional = {"_input_charset", "service", "partner", "notify_url"}
    for name in make.pay_fields().keys() - optional:
        fields = {key: value for key, value in make.pay_fields().items() if key != name}
        assert desk.error(fields) == "ILLEGAL_ARGUMENT", name


@pytest.mark.parametrize(
    "changes",
    [
        {"it_b_pay": "1.5h"},
        {"it_b_pay": "16d"},
        {"it_b_pay": "0m"},
        {"total_fee": "0"},
        {"buyer_id": ""},
        {"buyer_id": "2088x"},
        {"goods_detail": "[]"},
        {"goods_detail": '[{"colour":"red"}]'},
        {"qr_code_it_b_pay": "5m"},
        {"timestamp": "tomorrow"},
        {"notify_url": ""},
    ],
)
def test_an_order_that_is_not_as_documented_is_refused(changes: dict[str, str]) -> None:
    desk = make.desk()
    assert desk.error(make.create_fields(**changes)) == "ILLEGAL_ARGUMENT"


def test_a_query_needs_one_of_the_two_numbers() -> None:
    desk = make.desk()
    assert desk.error(make.basic(make.QUERY)) == "ILLEGAL_ARGUMENT"


def test_a_refund_number_must_differ_from_the_order_number() -> None:
    desk = make.desk()
    assert desk.error(make.refund_fields("A", refund="A")) == "ILLEGAL_ARGUMENT"


async def test_a_parameter_given_twice_is_refused(wire: Running) -> None:
    fields = make.signed(make.basic(make.QUERY, partner_trans_id="A"))
    url = f"{wire.url}/gateway.do?_input_charset=UTF-8&partner_trans_id=B"
    del fields["_input_charset"]
    async with wire.client.post(url, data=fields) as answer:
        assert read_answer(await answer.read()).error == "ILLEGAL_ARGUMENT"


async def test_a_get_with_everything_in_the_url_is_as_good_as_a_post(wire: Running) -> None:
    fields = make.signed(make.pay_fields())
    async with wire.client.get(f"{wire.url}/gateway.do", params=fields) as answer:
        assert answer.content_type == "text/xml"
        assert answer.headers["Content-Type"].startswith("text/xml;")
        assert read_answer(await answer.read()).fields["result_code"] == "SUCCESS"


async def test_a_rejection_has_neither_request_nor_signature(wire: Running) -> None:
    body = await wire.send(make.signed(make.pay_fields()) | {"sign": "0" * 32})
    assert body == (
        b'<?xml version="1.0" encoding="UTF-8"?><alipay><is_success>F</is_success><error>ILLEGAL_SIGN</error></alipay>'
    )


@pytest.mark.parametrize("charset", ["GBK", "gb2312"])
async def test_gbk_is_spoken_both_ways(wire: Running, charset: str) -> None:
    fields = make.pay_fields(_input_charset=charset, trans_name="牛肉面套餐")
    body = await wire.send(make.signed(fields, codec="gbk"), charset)
    assert f'encoding="{charset}"'.encode() in body
    assert "牛肉面套餐".encode("gbk") in body
    answer = read_answer(body)
    assert answer.fields["result_code"] == "SUCCESS"
    assert answer.is_signed_by(md5_signatory(make.KEY), charset)
    assert wire.book.find(make.PARTNER, "POS-20240105-000001").subject == "牛肉面套餐"  # type: ignore[union-attr]


async def test_text_signed_in_another_charset_than_it_says_is_refused(wire: Running) -> None:
    fields = make.signed(make.pay_fields(_input_charset="GBK", trans_name="牛肉面"), codec="utf-8")
    assert read_answer(await wire.send(fields, "GBK")).error == "ILLEGAL_SIGN"


@pytest.mark.parametrize("kind", ["RSA", "RSA2"])
async def test_rsa_partners_are_verified_with_their_key_and_answered_with_the_sandboxs(kind: str) -> None:
    rsa = Partner(make.PARTNER, make.APP, sign_type=kind, public_key=make.partner_keys()[1])
    signatory = make.partner_signatory(SignType(kind))
    async with make.running(config=make.settings(partners=[rsa])) as wire:
        answer = read_answer(await wire.send(make.signed(make.pay_fields(), signatory)))
        assert answer.fields["result_code"] == "SUCCESS"
        assert answer.is_signed_by(signatory, "UTF-8")
        other = SignType.RSA if kind == "RSA2" else SignType.RSA2
        swapped = make.signed(make.pay_fields(), make.partner_signatory(other))
        assert await wire.error(swapped) == "ILLEGAL_SECURITY_PROFILE"


async def test_the_newer_services_speak_gbk_and_both_methods_as_well(wire: Running) -> None:
    await wire.control("POST", "agreements", {"partner": make.PARTNER, "buyer_id": "anna"})
    trade = {
        "partner": make.PARTNER,
        "out_trade_no": "台灯-1",
        "buyer_id": "anna",
        "total_fee": "20.00",
        "subject": "台灯",
    }
    await wire.control("POST", "forex-trades", trade)
    fields = make.basic("single_trade_query", _input_charset="GBK", out_trade_no="台灯-1")
    signed = make.signed(fields, codec="gbk")
    answers = [await wire.send(signed, "GBK")]
    url = f"{wire.url}/gateway.do?{form(signed, 'GBK').decode()}"
    async with wire.client.get(yarl.URL(url, encoded=True)) as got:
        answers.append(await got.read())
    for body in answers:
        assert "<subject>台灯</subject>".encode("gbk") in body
        assert read_answer(body).is_signed_by(md5_signatory(make.KEY), "GBK")
    async with wire.client.post(
        f"{wire.url}/gateway.do", data=make.signed({"service": "forex_rate_file", "partner": make.PARTNER})
    ) as got:
        assert (got.content_type, got.charset) == ("text/plain", "GBK")
        assert "|USD|7.10000000" in await got.text()


def test_digits_that_are_no_payment_code_ask_for_no_misbehaviour() -> None:
    here = make.desk()
    for digits in ("2088000000009999", "2088000000009995", "9999"):
        assert here.call(make.pay_fields("N", digits))["error"] == "SOUNDWAVE_PARSER_FAIL"
