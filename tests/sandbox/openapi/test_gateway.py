"""The JSON gateway's own checks: their order, their words, where they stand in the answer, and who signs them."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from saoma.alipay.signing import SignType
from saoma.sandbox.book.model import Partner
from saoma.sandbox.openapi.gateway import METHODS
from saoma.sandbox.openapi_choices import OpenApiChoices
from tests.sandbox import make as sandboxes
from tests.sandbox.make import APP, KEY, PARTNER
from tests.sandbox.openapi.make import CANCEL, PAY, PRECREATE, QUERY, REFUND, Desk, desk

ASKED = {"out_trade_no": "T1"}


@pytest.fixture
def till() -> Desk:
    return desk()


def refusal(till: Desk, fields: dict[str, str], charset: str = "utf-8") -> tuple[str, str, str, bool]:
    """Node, code, word, and whether it is signed."""
    said = till.read(till.send(fields), charset)
    return said.node, said.fields["code"], said.fields["sub_code"], bool(said.sign)


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"timestamp": ""}, "40001", "isv.missing-timestamp"),
        ({"version": ""}, "40001", "isv.missing-version"),
        ({"charset": ""}, "40001", "isv.missing-charset"),
        ({"timestamp": "2024-01-05"}, "40002", "isv.invalid-timestamp"),
        ({"timestamp": "1704428132000"}, "40002", "isv.invalid-timestamp"),
        ({"timestamp": "2024-13-05 12:00:00"}, "40002", "isv.invalid-timestamp"),
        ({"version": "2.0"}, "40002", "isv.invalid-version"),
        ({"format": "XML"}, "40002", "isv.invalid-format"),
        ({"sign_type": "MD5"}, "40002", "isv.invalid-signature-type"),
        ({"sign_type": "RSA"}, "40002", "isv.invalid-signature"),
        ({"encrypt_type": "AES"}, "40002", "isv.invalid-encrypt-type"),
        ({"charset": "big5"}, "40002", "isv.invalid-charset"),
        ({"app_auth_token": "someone"}, "20001", "aop.invalid-app-auth-token"),
        ({"biz_content": "[1]"}, "40002", "isv.invalid-biz-content"),
        ({"biz_content": "{"}, "40002", "isv.invalid-biz-content"),
        ({"biz_content": '{"out_trade_no":"1","out_trade_no":"2"}'}, "40002", "isv.invalid-biz-content"),
        ({"biz_content": '{"out_trade_no":NaN}'}, "40002", "isv.invalid-biz-content"),
        ({"biz_content": "[" * 90_000}, "40002", "isv.invalid-biz-content"),
    ],
)
def test_a_malformed_call_is_refused_in_the_methods_own_node(
    till: Desk, changes: dict[str, str], code: str, word: str
) -> None:
    said = refusal(till, till.signed(QUERY, ASKED, **changes))
    assert said == ("alipay_trade_query_response", code, word, True)


def test_no_method_and_an_unknown_one_are_answered_as_errors(till: Desk) -> None:
    assert refusal(till, till.signed("", ASKED))[:3] == ("error_response", "40001", "isv.missing-method")
    said = refusal(till, till.signed("alipay.trade.guess", ASKED))
    assert said == ("error_response", "40002", "isv.invalid-method", True)


@pytest.mark.parametrize("without", ["sign", "sign_type"])
def test_an_unsigned_call_is_told_what_is_missing(till: Desk, without: str) -> None:
    fields = till.signed(QUERY, ASKED)
    del fields[without]
    word = {"sign": "isv.missing-signature", "sign_type": "isv.missing-signature-type"}[without]
    assert refusal(till, fields)[1:3] == ("40001", word)


def test_an_unknown_application_is_refused_unsigned(till: Desk) -> None:
    fields = till.signed(QUERY, ASKED, app_id="2016000000000009")
    assert refusal(till, fields) == ("alipay_trade_query_response", "40002", "isv.invalid-app-id", False)


def test_a_wrong_signature_is_told_the_text_that_should_have_been_signed(till: Desk) -> None:
    fields = till.signed(QUERY, ASKED) | {"timestamp": "2024-01-05 12:15:33"}
    said = till.read(till.send(fields))
    assert (said.fields["sub_code"], bool(said.sign)) == ("isv.invalid-signature", True)
    text = "app_id=2016000000000000&biz_content="
    assert text.replace("&", "&amp;") in said.fields["sub_msg"]
    call = till.sandbox.book.store.calls()[-1]
    assert call.why.startswith(f"the text to sign is {text}") and "sign_type=RSA2" in call.why


def test_a_signature_made_as_for_the_other_gateway_is_refused(till: Desk) -> None:
    fields = till.signed(QUERY, ASKED)
    fields = sandboxes.signed(fields, sandboxes.partner_signatory(), open_api=False)
    assert refusal(till, fields)[2] == "isv.invalid-signature"


def test_refusals_may_come_unsigned_where_the_settings_say_so() -> None:
    till = desk(sandboxes.settings(openapi=OpenApiChoices(sign_refusals=False)))
    assert refusal(till, till.signed(QUERY, ASKED, version="2.0"))[3] is False
    assert till.ask(QUERY, ASKED)["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_stale_timestamp_is_refused_where_the_settings_say_so() -> None:
    till = desk(sandboxes.settings(openapi=OpenApiChoices(timestamp_minutes=10)))
    stale = till.signed(QUERY, ASKED, timestamp="2024-01-05 12:05:00")
    assert refusal(till, stale)[2] == "isv.invalid-timestamp"
    till.push(days=2)
    assert till.ask(QUERY, ASKED)["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_method_outside_the_contract_is_forbidden() -> None:
    narrow = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1], services=[QUERY])
    till = desk(sandboxes.settings(partners=[narrow]))
    assert refusal(till, till.signed(PAY, ASKED))[1:3] == ("40006", "isv.insufficient-isv-permissions")
    assert till.status() == "ACQ.TRADE_NOT_EXIST"


def test_parameters_may_stand_in_the_url_or_in_the_body_but_not_differ(till: Desk) -> None:
    fields = till.signed(QUERY, ASKED)
    whole = urlencode(fields).encode()
    for query, body in ((whole, b""), (b"", whole), (whole, whole)):
        reply = till.sandbox.openapi.answer(query, body)
        assert till.read(reply.body or b"").fields["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    reply = till.sandbox.openapi.answer(whole, urlencode({"version": "2.0"}).encode())
    assert till.read(reply.body or b"").fields["sub_code"] == "isv.invalid-parameter"


def test_a_call_in_gbk_is_answered_in_gbk_and_signed_over_those_bytes(till: Desk) -> None:
    content = {"out_trade_no": "G1", "total_amount": "1", "subject": "测试 café", "buyer_id": "2088000000009999"}
    said = till.ask("alipay.trade.create", content, charset="gbk")
    assert said["code"] == "10000"
    asked = till.send(till.signed(QUERY, {"out_trade_no": "G1"}, charset="gbk"))
    assert "测试".encode("gbk") in asked
    assert till.read(asked, "gbk").fields["subject"] == "测试 café"


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("charset", ["gbk", "GB2312", "GBK"])
def test_every_method_is_asked_and_answered_in_gbk_by_both_ways(till: Desk, method: str, charset: str) -> None:
    content = {
        "out_trade_no": "G1", "total_amount": "1", "subject": "牛肉面", "buyer_id": "2088000000009999",
        "scene": "bar_code", "auth_code": "281234567890123456", "out_request_no": "R1", "refund_amount": "1",
        "bill_type": "trade", "bill_date": "2024-01-04", "alipay_cert_sn": "x",
    }  # fmt: skip
    whole = urlencode(till.signed(method, content, charset=charset), encoding="gbk").encode()
    said = []
    for query, body in ((whole, b""), (b"", whole)):
        reply = till.sandbox.openapi.answer(query, body)
        assert reply.content_type == f"text/html;charset={charset}"
        answer = till.read(reply.body or b"", charset)
        assert answer.is_signed_by(sandboxes.partner_signatory())
        said.append(answer.fields.get("sub_code", answer.fields["code"]))
    assert "isv.invalid-signature" not in said
    assert "isv.invalid-charset" not in said


def test_text_that_is_not_the_charset_it_says_is_refused(till: Desk) -> None:
    reply = till.sandbox.openapi.answer(b"method=alipay.trade.query&charset=utf-8&app_id=%B2%E2", b"")
    assert till.read(reply.body or b"").fields["sub_code"] == "isv.invalid-encoding"


def test_an_rsa_application_signs_with_sha1_and_no_other() -> None:
    older = Partner(PARTNER, APP, sign_type="RSA", public_key=sandboxes.partner_keys()[1])
    till = desk(sandboxes.settings(partners=[older]))
    fields = till.signed(QUERY, ASKED, sign_type="RSA")
    signatory = sandboxes.partner_signatory(SignType.RSA)
    said = till.read(till.send(sandboxes.signed(fields, signatory, open_api=True)))
    assert said.fields["sub_code"] == "ACQ.TRADE_NOT_EXIST" and said.is_signed_by(signatory)
    assert refusal(till, till.signed(QUERY, ASKED))[2] == "isv.invalid-signature"


def test_unknown_names_in_the_content_are_overlooked(till: Desk) -> None:
    assert till.pay(business_params={"a": 1}, goods_detail=[{"goods_id": "1"}])["code"] == "10000"


def test_every_call_is_logged_under_its_order(till: Desk) -> None:
    paid = till.pay()
    till.ask(QUERY, {"trade_no": paid["trade_no"]})
    calls = till.sandbox.book.store.calls(PARTNER, "T1")
    assert [call.service for call in calls] == [PAY, QUERY]
    assert json.loads(calls[0].response or "")["alipay_trade_pay_response"]["trade_no"] == paid["trade_no"]


# --- misbehaviour --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code", "word", "status"),
    [
        ("system_error_before", "40004", "ACQ.SYSTEM_ERROR", "ACQ.TRADE_NOT_EXIST"),
        ("system_error_after", "40004", "ACQ.SYSTEM_ERROR", "TRADE_SUCCESS"),
        ("unavailable_before", "20000", "isp.unknow-error", "ACQ.TRADE_NOT_EXIST"),
        ("unavailable_after", "20000", "isp.unknow-error", "TRADE_SUCCESS"),
        ("unknown", "10003", "", "WAIT_BUYER_PAY"),
        ("refused", "40004", "ACQ.PAYMENT_FAIL", "ACQ.TRADE_NOT_EXIST"),
        ("delay", "10000", "", "TRADE_SUCCESS"),
    ],
)
def test_a_payment_misbehaves_on_demand(till: Desk, fault: str, code: str, word: str, status: str) -> None:
    till.plan(PAY, fault)
    said = till.pay()
    assert (said["code"], said.get("sub_code", "")) == (code, word)
    assert till.status() == status
    assert till.sandbox.book.store.calls(PARTNER, "T1")[0].why == f"as planned: {fault}"


@pytest.mark.parametrize(
    ("digits", "code", "status"),
    [("95", "40004", "ACQ.TRADE_NOT_EXIST"), ("96", "40004", "TRADE_SUCCESS"), ("99", "10000", "TRADE_SUCCESS")],
)
def test_codes_that_mean_something_mean_it_here_too(till: Desk, digits: str, code: str, status: str) -> None:
    content = {"out_trade_no": "T1", "scene": "bar_code", "auth_code": f"2812345678901234{digits}", "subject": "a",
               "total_amount": "1"}  # fmt: skip
    said = till.read(till.send(till.signed(PAY, content)))
    assert said.fields["code"] == code
    assert said.is_signed_by(sandboxes.partner_signatory()) is (digits != "99")
    assert till.status() == status


@pytest.mark.parametrize(
    ("digits", "fault", "status"),
    [("97", "silence_after", "TRADE_SUCCESS"), ("98", "silence_before", "ACQ.TRADE_NOT_EXIST")],
)
def test_silence_comes_before_or_after_the_work(till: Desk, digits: str, fault: str, status: str) -> None:
    content = {"out_trade_no": "T1", "scene": "bar_code", "auth_code": f"2812345678901234{digits}", "subject": "a",
               "total_amount": "1"}  # fmt: skip
    assert till.send(till.signed(PAY, content)) == b""
    assert till.status() == status
    till.plan(PAY, fault)
    assert till.send(till.signed(PAY, content | {"out_trade_no": "T2", "auth_code": "281234567890123456"})) == b""
    assert till.status("T2") == status


def test_a_cancel_asks_to_be_repeated_and_then_succeeds(till: Desk) -> None:
    till.pay()
    till.plan(CANCEL, "unknown")
    assert till.ask(CANCEL, ASKED) == {"code": "10000", "msg": "Success", "out_trade_no": "T1", "retry_flag": "Y"}
    assert till.status() == "TRADE_SUCCESS"
    till.plan(CANCEL, "system_error_before")
    assert till.ask(CANCEL, ASKED)["retry_flag"] == "Y"
    till.plan(CANCEL, "refused")
    said = till.ask(CANCEL, ASKED)
    assert (said["sub_code"], said["retry_flag"]) == ("ACQ.TRADE_CANCEL_TIME_OUT", "N")
    assert till.ask(CANCEL, ASKED)["action"] == "refund"


def test_other_methods_leave_their_outcome_open_undone(till: Desk) -> None:
    till.pay()
    asked = {"out_trade_no": "T1", "refund_amount": "1", "out_request_no": "R1"}
    for fault in ("unknown", "unavailable_before"):
        till.plan(REFUND, fault)
        assert till.ask(REFUND, asked)["code"] == "20000"
    till.plan(REFUND, "unavailable_after")
    assert till.ask(REFUND, asked)["code"] == "20000"
    assert till.ask(REFUND, asked)["fund_change"] == "N"


def test_a_planned_no_says_the_word_it_was_given(till: Desk) -> None:
    till.plan(PAY, "refused", code="BEYOND_PAY_RESTRICTION")
    assert till.pay()["sub_code"] == "ACQ.BEYOND_PAY_RESTRICTION"
    till.plan(PAY, "rejected", code="isv.invalid-token")
    said = till.pay()
    assert (said["code"], said["sub_code"]) == ("40002", "isv.invalid-token")
    assert till.status() == "ACQ.TRADE_NOT_EXIST"


def test_a_merchant_without_funds_can_not_refund() -> None:
    poor = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1], out_of_funds=True)
    till = desk(sandboxes.settings(partners=[poor]))
    till.pay()
    said = till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "12.50"})
    assert said["sub_code"] == "ACQ.SELLER_BALANCE_NOT_ENOUGH"


def test_a_malformed_call_uses_no_fault_up(till: Desk) -> None:
    till.plan(PRECREATE, "unavailable_before")
    refusal(till, till.signed(PRECREATE, ASKED, version="9"))
    assert len(till.sandbox.faults.planned()) == 1
