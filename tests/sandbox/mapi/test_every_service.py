"""Every service of the XML gateway alike: GET and POST, each charset and sign type, and each published word of a no."""

from __future__ import annotations

import pytest

from saoma.alipay.signing import SignType, md5_signatory
from saoma.alipay.wire import form, read_answer
from saoma.sandbox.book.model import Partner
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi.gateway import OPERATIONS
from tests.sandbox import make
from tests.sandbox.book.test_currencies_and_timers import SMALLEST
from tests.sandbox.make import KEY, PARTNER, Desk

#: https://docs.antom.com/ac/global/refundquery : everything the gateway itself may say.
GATEWAY = (
    "ILLEGAL_SIGN ILLEGAL_DYN_MD5_KEY ILLEGAL_ENCRYPT ILLEGAL_ARGUMENT INVALID_PARAMETER ILLEGAL_SERVICE ILLEGAL_USER "
    "ILLEGAL_PARTNER ILLEGAL_EXTERFACE ILLEGAL_PARTNER_EXTERFACE ILLEGAL_SECURITY_PROFILE ILLEGAL_AGENT "
    "ILLEGAL_SIGN_TYPE ILLEGAL_CHARSET INVALID_CHARACTER_SET ILLEGAL_CLIENT_IP HAS_NO_PRIVILEGE SYSTEM_ERROR "
    "SESSION_TIMEOUT ILLEGAL_TARGET_SERVICE ILLEGAL_ACCESS_SWITCH_SYSTEM EXTERFACE_IS_CLOSED "
    "EXTERFACE_INVOKE_CONTEXT_EXPIRED"
)
#: By the service that is published to say them: pay, order, query, cancel and refund, and the online refund.
BUSINESS = {
    make.PAY: (
        "SYSTEM_ERROR INVALID_PARAMETER EXIST_FORBIDDEN_WORD PARTNER_ERROR ACCESS_FORBIDDEN TRADE_BUYER_NOT_MATCH "
        "CONTEXT_INCONSISTENT TRADE_HAS_SUCCESS TRADE_HAS_CLOSE TRADE_NOT_EXIST TRADE_STATUS_ERROR "
        "REASON_ILLEGAL_STATUS REASON_TRADE_BEEN_FREEZEN TRADE_SETTLE_ERROR SELLER_NOT_EXIST BUYER_NOT_EXIST "
        "BUYER_ENABLE_STATUS_FORBID BUYER_SELLER_EQUAL BUYER_NOT_MAINLAND_CERT BUYER_BALANCE_NOT_ENOUGH "
        "BUYER_BANKCARD_BALANCE_NOT_ENOUGH BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR "
        "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR BEYOND_PAY_RESTRICTION BEYOND_PER_RECEIPT_RESTRICTION "
        "TOTAL_FEE_EXCEED REQUEST_AMOUNT_EXCEED UN_SUPPORT_BIZ_TYPE INVALID_RECEIVE_ACCOUNT CLIENT_VERSION_NOT_MATCH "
        "SOUNDWAVE_PARSER_FAIL PAYMENT_AUTH_CODE_INVALID PULL_MOBILE_CASHIER_FAIL PAYMENT_FAIL "
        "PAYMENT_REQUEST_HAS_RISK NO_PAYMENT_INSTRUMENTS_AVAILABLE ERROR_BALANCE_PAYMENT_DISABLE "
        "MOBILE_PAYMENT_SWITCH_OFF USER_FACE_PAYMENT_SWITCH_OFF ERROR_BUYER_CERTIFY_LEVEL_LIMIT "
        "ERROR_SELLER_CERTIFY_LEVEL_LIMIT SELLER_BEEN_BLOCKED AUTH_NO_ERROR TRADE_PENDING AGREEMENT_NOT_EXIST"
    ),
    make.PRECREATE: "SYSTEM_ERROR INVALID_PARAMETER TOTAL_FEE_EXCEED TRADE_HAS_SUCCESS TRADE_HAS_CLOSE",
    make.CREATE: "SYSTEM_ERROR INVALID_PARAMETER BUYER_NOT_EXIST BUYER_SELLER_EQUAL CONTEXT_INCONSISTENT",
    make.QUERY: "SYSTEM_ERROR INVALID_PARAMETER TRADE_NOT_EXIST TRANS_NOT_FOUND",
    make.CANCEL: (
        "DISCORDANT_REPEAT_REQUEST REASON_TRADE_BEEN_FREEZEN BUYER_ERROR SELLER_ERROR TRADE_NOT_EXIST "
        "TRADE_STATUS_ERROR TRADE_HAS_FINISHED INVALID_PARAMETER REFUND_AMT_NOT_EQUAL_TOTAL TRADE_ROLE_ERROR "
        "REASON_TRADE_REFUND_FEE_ERR CANCEL_NOT_ALLOWED TRADE_CANCEL_TIME_OUT SELLER_BALANCE_NOT_ENOUGH SYSTEM_ERROR"
    ),
    make.REFUND: (
        "REFUND_AMT_RESTRICTION RETURN_AMOUNT_EXCEED REFUND_AMT_NOT_EQUAL_TOTAL DISCORDANT_REPEAT_REQUEST "
        "TRADE_ROLE_ERROR TRADE_HAS_FINISHED TRADE_HAS_CLOSE NOT_ALLOW_PARTIAL_REFUND TRADE_NOT_ALLOW_REFUND "
        "REASON_TRADE_REFUND_FEE_ERR BUYER_ERROR SELLER_ERROR SELLER_BALANCE_NOT_ENOUGH SYSTEM_ERROR"
    ),
    "alipay.acquire.close": "SYSTEM_ERROR TRADE_NOT_EXIST TRADE_STATUS_ERROR INVALID_PARAMETER REASON_ILLEGAL_STATUS",
    "forex_refund": (
        "REFUNDMENT_VALID_DATE_EXCEED REPEATED_REFUNDMENT_REQUEST REPEATED_REFUNDMENT_REQUEST_TO_ONE_TRADE "
        "RETURN_AMOUNT_EXCEED CURRENCY_NOT_SAME PURCHASE_TRADE_NOT_EXIST TRADE_HAS_CLOSE SYSTEM_EXCEPTION"
    ),
}
#: Parameters that hold any text, to be filled with Chinese.
WORDS = ("trans_name", "subject", "refund_reason", "store_name", "body", "out_trade_no", "partner_trans_id")


@pytest.mark.parametrize("service", sorted(OPERATIONS))
@pytest.mark.parametrize("charset", ["GBK", "gb2312", "utf-8"])
def test_a_service_is_asked_by_either_method_in_every_charset(service: str, charset: str) -> None:
    codec = "utf-8" if charset == "utf-8" else "gbk"
    fields = SMALLEST[service] | {"_input_charset": charset}
    fields |= {name: "牛肉面" for name in WORDS if name in fields}
    signed = make.signed(fields, codec=codec)
    rest = {name: value for name, value in signed.items() if name != "_input_charset"}
    desk = make.desk()
    ways = [(form(signed, charset), b""), (f"_input_charset={charset}".encode(), form(rest, charset))]
    replies = [desk.sandbox.mapi.answer(query, body) for query, body in ways]
    for reply in replies:
        assert reply.body is not None
        assert reply.content_type.endswith(f"charset={charset}")
        if reply.content_type.startswith("text/plain"):
            continue
        assert reply.body.startswith(f'<?xml version="1.0" encoding="{charset}"?>'.encode())
        said = read_answer(reply.body)
        assert said.error not in ("ILLEGAL_SIGN", "ILLEGAL_CHARSET", "ILLEGAL_ARGUMENT"), said.error
        if said.fields:
            assert said.is_signed_by(md5_signatory(KEY), charset)
            assert said.request == signed


@pytest.mark.parametrize("service", sorted(OPERATIONS))
@pytest.mark.parametrize("kind", [SignType.RSA, SignType.RSA2])
def test_a_service_is_signed_by_rsa_in_both_directions(service: str, kind: SignType) -> None:
    partner = Partner(PARTNER, sign_type=kind.value, public_key=make.partner_keys()[1])
    said = make.desk(partners=[partner]).get(make.signed(SMALLEST[service], make.partner_signatory(kind)))
    assert said.body is not None
    if not said.content_type.startswith("text/plain"):
        answer = read_answer(said.body)
        assert answer.error != "ILLEGAL_SIGN"
        assert not answer.fields or answer.is_signed_by(make.partner_signatory(kind), "UTF-8")


@pytest.mark.parametrize("sign_type", ["md5", "Rsa", "rsa2", "RSA 2", " MD5"])
def test_a_sign_type_is_written_in_capitals(sign_type: str) -> None:
    assert make.desk().error(make.pay_fields(sign_type=sign_type)) == "ILLEGAL_SIGN_TYPE"


# --- every published word ------------------------------------------------------------------------------------------


def plan(desk: Desk, service: str, kind: FaultKind, code: str) -> None:
    desk.sandbox.faults.plan(Fault(service, kind, code=code))


def test_every_word_of_the_gateway_can_be_met_and_does_nothing() -> None:
    desk = make.desk()
    for code in GATEWAY.split():
        plan(desk, make.PAY, FaultKind.REJECTED, code)
        assert desk.error(make.pay_fields("N")) == code
    assert desk.book.trades == {}


@pytest.mark.parametrize("service", sorted(BUSINESS))
def test_every_published_word_of_a_service_can_be_met_where_its_page_has_it(service: str) -> None:
    desk = make.desk()
    for code in BUSINESS[service].split():
        plan(desk, service, FaultKind.REFUSED, code)
        answer = desk.answer(SMALLEST[service])
        found = [answer.error, answer.fields.get("error", ""), answer.fields.get("detail_error_code", "")]
        assert [word for word in found if word] == [code]
        assert len(answer.fields.get("detail_error_des", "")) <= 64
    assert desk.book.trades == {}


@pytest.mark.parametrize(("code", "again"), [("SYSTEM_ERROR", "Y"), ("SELLER_BALANCE_NOT_ENOUGH", "Y"),
                                             ("TRADE_HAS_FINISHED", "N")])  # fmt: skip
def test_a_cancel_says_whether_to_try_again(code: str, again: str) -> None:
    desk = make.desk()
    plan(desk, make.CANCEL, FaultKind.REFUSED, code)
    said = desk.call(make.cancel_fields("A"))
    assert (said["result_code"], said["retry_flag"]) == ("FAIL", again)


@pytest.mark.parametrize("code", ["ACCESS_FORBIDDEN", "NOT_FOUND", "QUERY_FAILED", "TRADE_NOT_EXIST"])
def test_a_refund_query_says_no_in_its_own_field(code: str) -> None:
    desk = make.desk()
    plan(desk, make.REFUND_QUERY, FaultKind.REFUSED, code)
    assert desk.call(SMALLEST[make.REFUND_QUERY]) == {"response_code": code}


@pytest.mark.parametrize("result", ["FAILED", "CANCELED", "PROCESSING"])
def test_a_refund_query_may_be_told_any_published_result(result: str) -> None:
    desk = make.desk()
    plan(desk, make.REFUND_QUERY, FaultKind.REFUSED, result)
    said = desk.call(SMALLEST[make.REFUND_QUERY])
    assert said == {"refund_result_code": result, "response_code": "SUCCESS"}


def test_a_file_service_says_no_in_a_sentence_or_in_xml() -> None:
    desk = make.desk()
    fields = SMALLEST["forex_compare_file"]
    plan(desk, "forex_compare_file", FaultKind.UNKNOWN, "")
    assert desk.text(fields) == "Internet connected exception ,please try later"
    plan(desk, "forex_compare_file", FaultKind.REFUSED, "File download failed:Illegal Date period!")
    assert desk.text(fields) == "File download failed:Illegal Date period!"
    plan(desk, "forex_compare_file", FaultKind.REFUSED, "ILLEGAL_PARTNER")
    assert desk.error(fields) == "ILLEGAL_PARTNER"


# --- choices -------------------------------------------------------------------------------------------------------


def test_a_failed_query_may_name_its_reason_twice() -> None:
    desk = make.desk(choices=Choices(query_detail_error=True))
    assert desk.call(make.basic(make.QUERY, partner_trans_id="NONE")) == {
        "detail_error_code": "TRADE_NOT_EXIST", "detail_error_des": "Trade not exist", "error": "TRADE_NOT_EXIST",
        "result_code": "FAIL",
    }  # fmt: skip


def test_hong_kong_may_refuse_a_double_quote_outside_json() -> None:
    hk = Partner(PARTNER, md5_key=KEY, region="hk", currency="HKD")
    fields = make.pay_fields("A", currency="HKD", trans_name='Noodle "large"')
    assert make.desk(partners=[hk]).call(fields)["result_code"] == "SUCCESS"
    strict = make.desk(partners=[hk], choices=Choices(hk_refuse_quotes=True))
    assert strict.error(fields) == "ILLEGAL_ARGUMENT"
    assert "trans_name" in strict.book.store.calls()[-1].why
    assert strict.call(fields | {"trans_name": "Noodle"})["result_code"] == "SUCCESS"
    elsewhere = make.desk(choices=Choices(hk_refuse_quotes=True))
    assert elsewhere.call(make.pay_fields("A", trans_name='"x"'))["result_code"] == "SUCCESS"


# --- what a repeat shows after a system error ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "again", "query"),
    [
        ("nothing", ("rejected", "SYSTEM_ERROR"), "TRADE_NOT_EXIST"),
        ("waiting", ("UNKNOWN", ""), "WAIT_BUYER_PAY"),
        ("paid", ("SUCCESS", ""), "TRADE_SUCCESS"),
        ("closed", ("FAILED", "TRADE_HAS_CLOSE"), "TRADE_CLOSED"),
    ],
)
def test_the_published_table_of_repeats_holds(history: str, again: tuple[str, str], query: str) -> None:
    """https://docs.antom.com/ac/globalbarcode/practice : what a repeated payment and a query tell."""
    desk = make.desk()
    fields = make.pay_fields("A", "281234567890123491" if history in ("waiting", "closed") else make.CODE)
    kind = FaultKind.SYSTEM_ERROR_BEFORE if history == "nothing" else FaultKind.SYSTEM_ERROR_AFTER
    desk.sandbox.faults.plan(Fault(make.PAY, kind, times=2 if history == "nothing" else 1))
    assert desk.error(fields) == "SYSTEM_ERROR"
    if history == "closed":
        desk.advance(minutes=3)
    repeated = desk.answer(fields)
    told = (repeated.fields.get("result_code", "rejected"), repeated.fields.get("error", "") or repeated.error)
    assert told == again
    found = desk.call(make.basic(make.QUERY, partner_trans_id="A"))
    assert found.get("alipay_trans_status", found.get("error")) == query


# --- the sets of fields that were captured -------------------------------------------------------------------------

CAPTURED = {
    "alipay_buyer_login_id", "alipay_buyer_user_id", "alipay_trans_id", "alipay_trans_status", "currency",
    "forex_total_fee", "out_trade_no", "partner_trans_id", "result_code", "trans_amount", "trans_forex_rate",
}  # fmt: skip


def test_a_scanned_unpaid_order_is_queried_with_the_captured_fields() -> None:
    desk = make.desk()
    code = desk.call(SMALLEST[make.PRECREATE])["qr_code"]
    desk.book.scan(code, "alice")
    said = desk.call(make.basic(make.QUERY, partner_trans_id="N"))
    assert set(said) == CAPTURED | {"exchange_rate", "trans_amount_cny"}
    assert (said["alipay_trans_status"], said["trans_forex_rate"]) == ("WAIT_BUYER_PAY", "1")


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_CLOSED"])
def test_a_paid_trade_of_hong_kong_is_queried_with_the_captured_fields_also_when_it_was_closed(status: str) -> None:
    desk = make.desk(partners=[Partner(PARTNER, md5_key=KEY, region="hk", currency="HKD")])
    desk.call(make.pay_fields("A", currency="HKD"))
    if status == "TRADE_CLOSED":
        desk.call(make.cancel_fields("A"))
    said = desk.call(make.basic(make.QUERY, partner_trans_id="A"))
    assert set(said) == CAPTURED | {"alipay_pay_time", "payment_inst"}
    assert said["alipay_trans_status"] == status
