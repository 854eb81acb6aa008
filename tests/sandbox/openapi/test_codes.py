"""Every word of the Open API's lists on demand: beside the right number, with a sentence, and where it belongs."""

from __future__ import annotations

from typing import Any

import pytest

from saoma.sandbox.openapi.codes import MESSAGES
from tests.sandbox.make import CODE
from tests.sandbox.openapi.make import BILL, CANCEL, CREATE, PAY, PRECREATE, REFUND, Desk, desk

#: Of pay, precreate and create. Words that end in an ellipsis on the pages stand here as far as they are known.
OPENING = (
    "SYSTEM_ERROR INVALID_PARAMETER ACCESS_FORBIDDEN EXIST_FORBIDDEN_WORD PARTNER_ERROR TOTAL_FEE_EXCEED "
    "PAYMENT_AUTH_CODE_INVALID CONTEXT_INCONSISTENT TRADE_HAS_SUCCESS TRADE_HAS_CLOSE TRADE_BUYER_NOT_MATCH "
    "BUYER_SELLER_EQUAL BUYER_BALANCE_NOT_ENOUGH BUYER_BANKCARD_BALANCE_NOT_ENOUGH ERROR_BALANCE_PAYMENT_DISABLE "
    "BUYER_ENABLE_STATUS_FORBID PULL_MOBILE_CASHIER_FAIL MOBILE_PAYMENT_SWITCH_OFF USER_FACE_PAYMENT_SWITCH_OFF "
    "PAYMENT_FAIL BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR "
    "BEYOND_PAY_RESTRICTION BEYOND_PER_RECEIPT_RESTRICTION BEYOND_PER_RECEIPT_DAY_RESTRICTION "
    "BEYOND_PER_RECEIPT_SINGLE_RESTRICTION SELLER_BEEN_BLOCKED ERROR_BUYER_CERTIFY_LEVEL_LIMIT NOT_CERTIFIED_USER "
    "PAYMENT_REQUEST_HAS_RISK NO_PAYMENT_INSTRUMENTS_AVAILABLE INVALID_STORE_ID SUB_MERCHANT_CREATE_FAIL "
    "SUB_MERCHANT_TYPE_INVALID MERCHANT_AGREEMENT_NOT_EXIST MERCHANT_AGREEMENT_INVALID MERCHANT_STATUS_NOT_NORMAL "
    "AMOUNT_OR_CURRENCY_ERROR CURRENCY_NOT_SUPPORT NOW_TIME_AFTER_EXPIRE_TIME_ERROR BUYER_NOT_EXIST SELLER_NOT_EXIST "
    "INVALID_RECEIVE_ACCOUNT"
)
CANCELLING = (
    "SYSTEM_ERROR INVALID_PARAMETER SELLER_BALANCE_NOT_ENOUGH REASON_TRADE_BEEN_FREEZEN REASON_TRADE_REFUND_FEE_ERR "
    "TRADE_CANCEL_TIME_OUT TRADE_HAS_FINISHED CANCEL_NOT_ALLOWED"
)
REFUNDING = (
    "SYSTEM_ERROR INVALID_PARAMETER SELLER_BALANCE_NOT_ENOUGH REFUND_AMT_NOT_EQUAL_TOTAL REASON_TRADE_BEEN_FREEZEN "
    "TRADE_NOT_EXIST TRADE_HAS_FINISHED TRADE_STATUS_ERROR REASON_TRADE_STATUS_INVALID DISCORDANT_REPEAT_REQUEST "
    "REASON_TRADE_REFUND_FEE_ERR REFUND_FEE_ERROR TRADE_NOT_ALLOW_REFUND NOT_ALLOW_PARTIAL_REFUND "
    "ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND BUYER_ERROR CUSTOMER_VALIDATE_ERROR REFUND_CHARGE_ERROR "
    "REFUND_ACCOUNT_NOT_EXIST ALLOC_AMOUNT_VALIDATE_ERROR REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST"
)
CONTENT: dict[str, dict[str, Any]] = {
    PAY: {"scene": "bar_code", "auth_code": CODE, "subject": "a", "total_amount": "1"},
    PRECREATE: {"subject": "a", "total_amount": "1"},
    CREATE: {"subject": "a", "total_amount": "1", "buyer_id": "2088000000009999"},
    CANCEL: {},
    REFUND: {"refund_amount": "1", "out_request_no": "R"},
}


@pytest.fixture
def till() -> Desk:
    return desk()


@pytest.mark.parametrize(
    ("method", "words"),
    [(PAY, OPENING), (PRECREATE, OPENING), (CREATE, OPENING), (CANCEL, CANCELLING), (REFUND, REFUNDING)],
)
def test_every_published_word_of_a_method_is_met_with_a_sentence_and_nothing_is_done(
    till: Desk, method: str, words: str
) -> None:
    till.pay("PAID")
    for number, word in enumerate(words.split()):
        till.plan(method, "refused", code=word)
        named = "PAID" if method in (CANCEL, REFUND) else f"N{number}"
        said = till.ask(method, {"out_trade_no": named} | CONTENT[method])
        assert (said["code"], said["sub_code"]) == ("40004", f"ACQ.{word}")
        assert not said["sub_msg"].isascii(), f"{word} has no sentence"
    (paid,) = till.sandbox.book.trades.values()
    assert (paid.status.value, paid.refunded) == ("TRADE_SUCCESS", 0)


@pytest.mark.parametrize(
    ("word", "again"), [("SYSTEM_ERROR", "Y"), ("AQC.SYSTEM_ERROR", "Y"), ("SELLER_BALANCE_NOT_ENOUGH", "Y"),
                        ("CANCEL_NOT_ALLOWED", "N")],
)  # fmt: skip
def test_a_cancel_says_whether_to_try_again(till: Desk, word: str, again: str) -> None:
    till.plan(CANCEL, "refused", code=word)
    said = till.ask(CANCEL, {"out_trade_no": "T1"})
    assert (said["sub_code"], said["retry_flag"]) == (word if "." in word else f"ACQ.{word}", again)


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        ("refused", "", "BILL_NOT_EXIST"),
        ("refused", "INVAILID_ARGUMENTS", "INVAILID_ARGUMENTS"),
        ("system_error_before", "", "UNKNOW_ERROR"),
        ("system_error_after", "", "UNKNOW_ERROR"),
    ],
)
def test_bills_are_refused_in_words_of_their_own(till: Desk, fault: str, code: str, word: str) -> None:
    till.plan(BILL, fault, code=code)
    said = till.ask(BILL, {"bill_type": "trade", "bill_date": "2024-01-04"})
    assert (said["code"], said["sub_code"]) == ("40004", word)


@pytest.mark.parametrize(
    ("planned", "number", "word"),
    [
        ("isp.unknow-error", "20000", "isp.unknow-error"),
        ("aop.unknow-error", "20000", "aop.unknow-error"),
        ("aop.unsupport-operation", "20000", "aop.unsupport-operation"),
        ("aop.invalid-auth-token", "20001", "aop.invalid-auth-token"),
        ("aop.auth-token-time-out", "20001", "aop.auth-token-time-out"),
        ("aop.invalid-app-auth-token", "20001", "aop.invalid-app-auth-token"),
        ("aop.invalid-app-auth-token-no-api", "20001", "aop.invalid-app-auth-token-no-api"),
        ("aop.app-auth-token-time-out", "20001", "aop.app-auth-token-time-out"),
        ("aop.no-product-reg-by-partner", "20001", "aop.no-product-reg-by-partner"),
        ("isv.missing-signature-key", "40001", "isv.missing-signature-key"),
        ("isv.missing-platform", "40001", "isv.missing-platform"),
        ("isv.missing-app-access-token", "40001", "isv.missing-app-access-token"),
        ("isv.invalid-token", "40002", "isv.invalid-token"),
        ("40003", "40003", None),
        ("40005", "40005", None),
        ("isv.insufficient-isv-permissions", "40006", "isv.insufficient-isv-permissions"),
        ("isv.insufficient-user-permissions", "40006", "isv.insufficient-user-permissions"),
        ("AUTH_CODE_NOT_EXIST", "40004", "AUTH_CODE_NOT_EXIST"),
    ],
)
def test_a_planned_no_of_the_gateway_stands_beside_its_number(
    till: Desk, planned: str, number: str, word: str | None
) -> None:
    till.plan(PAY, "rejected", code=planned)
    said = till.pay()
    assert (said["code"], said["msg"], said.get("sub_code")) == (number, MESSAGES[number], word)
    assert "sub_msg" in said if word else "sub_msg" not in said
    assert till.sandbox.book.trades == {}


@pytest.mark.parametrize("sign_type", ["rsa2", "Rsa2", "rsa", "DSA", "RSA256"])
def test_a_sign_type_is_written_in_capitals(till: Desk, sign_type: str) -> None:
    fields = till.signed("alipay.trade.query", {"out_trade_no": "T1"}, sign_type=sign_type)
    assert till.read(till.send(fields)).fields["sub_code"] == "isv.invalid-signature-type"
