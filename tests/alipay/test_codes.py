"""The one table: complete, careful, and written for people."""

from __future__ import annotations

import re

import pytest

from saoma.alipay.codes import CODES, Call, Meaning, meaning, say

#: Business codes listed for the four calls, and the gateway's own (https://docs.antom.com/ac/global/spot_pay,
#: https://docs.antom.com/ac/global/refundquery, https://docs.antom.com/ac/global/oauth_token).
_PUBLISHED = """
ILLEGAL_SIGN ILLEGAL_DYN_MD5_KEY ILLEGAL_ENCRYPT ILLEGAL_ARGUMENT INVALID_PARAMETER ILLEGAL_SERVICE ILLEGAL_USER
ILLEGAL_PARTNER ILLEGAL_EXTERFACE ILLEGAL_PARTNER_EXTERFACE ILLEGAL_SECURITY_PROFILE ILLEGAL_AGENT ILLEGAL_SIGN_TYPE
ILLEGAL_CHARSET INVALID_CHARACTER_SET ILLEGAL_CLIENT_IP HAS_NO_PRIVILEGE SYSTEM_ERROR SESSION_TIMEOUT
ILLEGAL_TARGET_SERVICE ILLEGAL_ACCESS_SWITCH_SYSTEM EXTERFACE_IS_CLOSED EXTERFACE_INVOKE_CONTEXT_EXPIRED
EXIST_FORBIDDEN_WORD PARTNER_ERROR ACCESS_FORBIDDEN TRADE_BUYER_NOT_MATCH CONTEXT_INCONSISTENT TRADE_HAS_SUCCESS
TRADE_HAS_CLOSE TRADE_NOT_EXIST TRADE_STATUS_ERROR REASON_ILLEGAL_STATUS REASON_TRADE_BEEN_FREEZEN TRADE_HAS_FINISHED
TRADE_SETTLE_ERROR SELLER_NOT_EXIST SELLER_ERROR BUYER_NOT_EXIST BUYER_ERROR BUYER_ENABLE_STATUS_FORBID
BUYER_SELLER_EQUAL BUYER_NOT_MAINLAND_CERT BUYER_BALANCE_NOT_ENOUGH BUYER_BANKCARD_BALANCE_NOT_ENOUGH
BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR BEYOND_PAY_RESTRICTION
BEYOND_PER_RECEIPT_RESTRICTION TOTAL_FEE_EXCEED REQUEST_AMOUNT_EXCEED REFUND_AMT_RESTRICTION RETURN_AMOUNT_EXCEED
REFUND_AMT_NOT_EQUAL_TOTAL DISCORDANT_REPEAT_REQUEST TRADE_ROLE_ERROR REASON_TRADE_REFUND_FEE_ERR CANCEL_NOT_ALLOWED
TRADE_CANCEL_TIME_OUT SELLER_BALANCE_NOT_ENOUGH NOT_ALLOW_PARTIAL_REFUND TRADE_NOT_ALLOW_REFUND UN_SUPPORT_BIZ_TYPE
INVALID_RECEIVE_ACCOUNT CLIENT_VERSION_NOT_MATCH SOUNDWAVE_PARSER_FAIL PAYMENT_AUTH_CODE_INVALID
PULL_MOBILE_CASHIER_FAIL PAYMENT_FAIL PAYMENT_REQUEST_HAS_RISK NO_PAYMENT_INSTRUMENTS_AVAILABLE
ERROR_BALANCE_PAYMENT_DISABLE MOBILE_PAYMENT_SWITCH_OFF USER_FACE_PAYMENT_SWITCH_OFF ERROR_BUYER_CERTIFY_LEVEL_LIMIT
ERROR_SELLER_CERTIFY_LEVEL_LIMIT SELLER_BEEN_BLOCKED AUTH_NO_ERROR TRADE_PENDING TRANS_NOT_FOUND AGREEMENT_NOT_EXIST
REASON_TRADE_STATUS_INVALID MERCHANT_BALANCE_NOT_ENOUGH NOT_FOUND QUERY_FAILED REFUNDMENT_VALID_DATE_EXCEED
REPEATED_REFUNDMENT_REQUEST REPEATED_REFUNDMENT_REQUEST_TO_ONE_TRADE CURRENCY_NOT_SAME PURCHASE_TRADE_NOT_EXIST
SYSTEM_EXCEPTION ALIN10023 ALIN10070 ALIN10129 ALIN38173 ALIN42282 ALIN43877 ALIN43911 isv.grant-type-invalid
isv.code-invalid isv.refresh-token-invalid isv.refresh-token-time-out isv.refreshed-token-invalid isv.unmatched-app-id
isv.invalid-app-id isv.invalid-signature AUTH_CODE_NOT_EXIST isv.insufficient-isv-permissions isp.unknow-error
aop.unknow-error aop.invalid-auth-token aop.auth-token-time-out WAIT_BUYER_PAY TRADE_SUCCESS TRADE_CLOSED
TRADE_FINISHED UNKNOWN silence not_sent bad_signature unreadable
"""


def test_every_published_code_and_every_word_of_ours_is_in_the_table() -> None:
    assert set(_PUBLISHED.split()) <= set(CODES)


@pytest.mark.parametrize("code", [*CODES, "A_CODE_FROM_THE_FUTURE"])
def test_every_code_has_both_sentences_in_both_languages_without_codes_in_them(code: str) -> None:
    saying = say(code)
    for sentences in (saying.cashier, saying.customer):
        assert set(sentences) == {"en", "zh"}
        for sentence in sentences.values():
            assert len(sentence) > 4
            assert sentence[-1] in ".!?。！？"
            assert not re.search(r"[A-Z]{3,}|_|isv|ALIN", sentence)
        assert re.search(r"[\u4e00-\u9fff]", sentences["zh"])
        assert not re.search(r"[\u4e00-\u9fff]", sentences["en"])


def test_goods_are_handed_over_for_a_paid_trade_and_for_nothing_else() -> None:
    assert {code for code in CODES if say(code).hand_over} == {"TRADE_SUCCESS", "TRADE_FINISHED", "ruled_paid"}


def test_a_code_without_an_entry_is_a_payment_being_checked() -> None:
    assert say("A_CODE_FROM_THE_FUTURE").cashier["en"].startswith("Checking the payment")
    assert {meaning(call, "A_CODE_FROM_THE_FUTURE") for call in Call} == {Meaning.UNCLEAR}


def test_a_missing_common_field_is_a_matter_of_set_up() -> None:
    assert say("isv.missing-app-id") == say("isv.invalid-app-id")


@pytest.mark.parametrize("call", Call)
@pytest.mark.parametrize(
    "code",
    [
        "SYSTEM_ERROR",
        "UNKNOWN",
        "WAIT_BUYER_PAY",
        "TRADE_PENDING",
        "TRADE_SUCCESS",
        "ILLEGAL_SIGN",
        "ILLEGAL_PARTNER",
        "HAS_NO_PRIVILEGE",
        "CONTEXT_INCONSISTENT",
        "TRADE_BUYER_NOT_MATCH",
        "silence",
        "bad_signature",
        "unreadable",
        "not_sent",
        "",
    ],
)
def test_what_proves_nothing_is_unclear_for_every_call(call: Call, code: str) -> None:
    assert meaning(call, code) is Meaning.UNCLEAR


@pytest.mark.parametrize(
    ("code", "meanings"),
    [
        ("TRADE_HAS_SUCCESS", (Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.REFUND_MAYBE_DONE)),
        ("TRADE_HAS_CLOSE", (Meaning.CLOSED, Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.REFUND_MAYBE_DONE)),
        ("TRADE_NOT_EXIST", (Meaning.UNCLEAR, Meaning.NO_TRADE, Meaning.UNCLEAR, Meaning.REFUND_DECLINED)),
        ("BUYER_BALANCE_NOT_ENOUGH", (Meaning.DECLINED, Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.UNCLEAR)),
        ("TRADE_HAS_FINISHED", (Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.CANCEL_REFUSED, Meaning.REFUND_DECLINED)),
        ("TRADE_CANCEL_TIME_OUT", (Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.CANCEL_REFUSED, Meaning.UNCLEAR)),
        ("RETURN_AMOUNT_EXCEED", (Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.REFUND_DECLINED)),
        (
            "DISCORDANT_REPEAT_REQUEST",
            (Meaning.UNCLEAR, Meaning.UNCLEAR, Meaning.CANCEL_REFUSED, Meaning.REFUND_MAYBE_DONE),
        ),
    ],
)
def test_one_code_means_different_things_by_call(code: str, meanings: tuple[Meaning, ...]) -> None:
    assert tuple(meaning(call, code) for call in (Call.OPEN, Call.QUERY, Call.CANCEL, Call.REFUND)) == meanings


def test_no_code_is_listed_twice() -> None:
    from saoma.alipay.codes import _ROWS

    names = [name for row, _, _ in _ROWS for name in row.split()]
    assert len(names) == len(set(names))
