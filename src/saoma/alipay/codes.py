"""One table: every known code of Alipay's, what it means for which call, and what people are told. Pure.

The same code means different things by call, and all that is not listed as final for a call is `UNCLEAR` there: ask
again. Two rules stand above the table. A code proves something only inside a verified answer: a gateway rejection
(`is_success=F`) is unsigned, so even `ILLEGAL_SIGN`, after which no trade exists, ends nothing by itself; whoever sits
between us and Alipay could have written it over a payment that went through. It is `UNCLEAR`, queries follow, and the
deadline cancels. And a refusal that speaks of an existing trade under our number (`CONTEXT_INCONSISTENT`,
`TRADE_BUYER_NOT_MATCH`, `TRADE_HAS_SUCCESS`, ...) is no proof that nobody paid that trade.
Codes: https://docs.antom.com/ac/global/spot_pay, https://docs.antom.com/ac/gr/error_code,
https://docs.antom.com/ac/global/refundquery, https://docs.antom.com/ac/global/oauth_token"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from saoma.alipay import sayings as s
from saoma.gateway import Saying


class Call(StrEnum):
    """Which question a code answers. `OPEN` is spot.pay, create and precreate."""

    OPEN = "open"
    QUERY = "query"
    CANCEL = "cancel"
    REFUND = "refund"


class Meaning(StrEnum):
    """What a verified code proves for its call."""

    UNCLEAR = "unclear"
    DECLINED = "declined"
    CLOSED = "closed"
    NO_TRADE = "no_trade"
    CANCEL_REFUSED = "cancel_refused"
    REFUND_DECLINED = "refund_declined"
    #: The refund is refused because of what is there already: whether that is this refund, `refund.query` knows.
    REFUND_MAYBE_DONE = "refund_maybe_done"


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its sentences, and its meaning by call; calls not named are unclear."""

    name: str
    saying: Saying
    meanings: Mapping[Call, Meaning] = field(default_factory=dict)


_O: Final = {Call.OPEN: Meaning.DECLINED}
_X: Final = {Call.CANCEL: Meaning.CANCEL_REFUSED}
_R: Final = {Call.REFUND: Meaning.REFUND_DECLINED}
_R_MAYBE: Final = {Call.REFUND: Meaning.REFUND_MAYBE_DONE}
_NOTHING: Final[Mapping[Call, Meaning]] = {}

_ROWS: Final[list[tuple[str, Saying, Mapping[Call, Meaning]]]] = [
    # how a trade stands; not refusals, so no meanings: `direct` reads them where they belong
    ("TRADE_SUCCESS TRADE_FINISHED", s.PAID, _NOTHING),
    ("WAIT_BUYER_PAY", s.WAITING, _NOTHING),
    ("TRADE_CLOSED", s.CLOSED, _NOTHING),
    ("TRADE_PENDING", s.HELD, _NOTHING),
    ("UNKNOWN PROCESS_EXCEPTION", s.CHECKING, _NOTHING),
    # the other side can't tell either
    ("SYSTEM_ERROR SYSTEM_EXCEPTION SESSION_TIMEOUT ILLEGAL_TARGET_SERVICE", s.CHECKING, _NOTHING),
    # refusals by the gateway itself: never signed, so never final (see above)
    ("ILLEGAL_SIGN ILLEGAL_DYN_MD5_KEY ILLEGAL_ENCRYPT ILLEGAL_SERVICE ILLEGAL_USER ILLEGAL_PARTNER ILLEGAL_EXTERFACE "
     "ILLEGAL_PARTNER_EXTERFACE ILLEGAL_SECURITY_PROFILE ILLEGAL_AGENT ILLEGAL_SIGN_TYPE ILLEGAL_CHARSET "
     "INVALID_CHARACTER_SET ILLEGAL_CLIENT_IP HAS_NO_PRIVILEGE ILLEGAL_ACCESS_SWITCH_SYSTEM EXTERFACE_IS_CLOSED "
     "EXTERFACE_INVOKE_CONTEXT_EXPIRED", s.TECHNICAL, _NOTHING),
    # the order number is taken: by a trade that may be paid
    ("TRADE_HAS_SUCCESS", s.SEEMS_PAID, _R_MAYBE),
    ("TRADE_BUYER_NOT_MATCH", s.OTHER_BUYER, _NOTHING),
    ("CONTEXT_INCONSISTENT", s.ORDER_MIXED_UP, _NOTHING),
    ("TRADE_HAS_CLOSE", s.CLOSED, {Call.OPEN: Meaning.CLOSED, **_R_MAYBE}),
    ("TRADE_STATUS_ERROR", s.CHECKING, _X | _R_MAYBE),
    ("REASON_ILLEGAL_STATUS REASON_TRADE_STATUS_INVALID", s.CHECKING, _X),
    ("REASON_TRADE_BEEN_FREEZEN", s.HELD, _X | _R),
    ("TRADE_NOT_EXIST TRANS_NOT_FOUND PURCHASE_TRADE_NOT_EXIST", s.NOT_FOUND, {Call.QUERY: Meaning.NO_TRADE, **_R}),
    # the customer can do something
    ("SOUNDWAVE_PARSER_FAIL PAYMENT_AUTH_CODE_INVALID BUYER_NOT_EXIST", s.CODE_INVALID, _O),
    ("PULL_MOBILE_CASHIER_FAIL", s.PHONE_TROUBLE, _O),
    ("BUYER_BALANCE_NOT_ENOUGH BUYER_BANKCARD_BALANCE_NOT_ENOUGH", s.NO_MONEY, _O),
    ("NO_PAYMENT_INSTRUMENTS_AVAILABLE", s.NO_SOURCE, _O),
    ("BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR", s.BUYER_LIMIT, _O),
    ("ERROR_BALANCE_PAYMENT_DISABLE MOBILE_PAYMENT_SWITCH_OFF USER_FACE_PAYMENT_SWITCH_OFF", s.SWITCHED_OFF, _O),
    ("BUYER_ENABLE_STATUS_FORBID", s.BUYER_RESTRICTED, _O),
    ("BUYER_NOT_MAINLAND_CERT ERROR_BUYER_CERTIFY_LEVEL_LIMIT", s.BUYER_NOT_VERIFIED, _O),
    ("BUYER_SELLER_EQUAL", s.SAME_ACCOUNT, _O),
    ("CLIENT_VERSION_NOT_MATCH", s.APP_TOO_OLD, _O),
    ("PAYMENT_FAIL PAYMENT_REQUEST_HAS_RISK AGREEMENT_NOT_EXIST AUTH_NO_ERROR", s.REFUSED_BY_ALIPAY, _O),
    # the shop must do something
    ("BEYOND_PAY_RESTRICTION BEYOND_PER_RECEIPT_RESTRICTION", s.SHOP_LIMIT, _O),
    ("TOTAL_FEE_EXCEED REQUEST_AMOUNT_EXCEED", s.AMOUNT_WRONG, _O),
    ("SELLER_NOT_EXIST SELLER_BEEN_BLOCKED ERROR_SELLER_CERTIFY_LEVEL_LIMIT", s.SHOP_BLOCKED, _O),
    ("EXIST_FORBIDDEN_WORD", s.TEXT_REFUSED, _O),
    ("PARTNER_ERROR TRADE_SETTLE_ERROR UN_SUPPORT_BIZ_TYPE INVALID_RECEIVE_ACCOUNT", s.SET_UP_WRONG, _O),
    ("ACCESS_FORBIDDEN", s.SET_UP_WRONG, _O),
    ("INVALID_PARAMETER ILLEGAL_ARGUMENT", s.SET_UP_WRONG, _O | _X | _R),
    # cancel and refund
    ("TRADE_CANCEL_TIME_OUT cancel_window_closed", s.TOO_LATE_TO_CANCEL, _X),
    ("CANCEL_NOT_ALLOWED REASON_TRADE_REFUND_FEE_ERR", s.CANNOT_CANCEL, _X),
    ("TRADE_ROLE_ERROR SELLER_ERROR BUYER_ERROR", s.CANNOT_CANCEL, _X | _R),
    ("TRADE_HAS_FINISHED REFUNDMENT_VALID_DATE_EXCEED", s.REFUND_TOO_LATE, _X | _R),
    ("RETURN_AMOUNT_EXCEED REFUND_AMT_RESTRICTION", s.REFUND_TOO_MUCH, _R),
    ("REFUND_AMT_NOT_EQUAL_TOTAL", s.REFUND_IN_FULL_ONLY, _X | _R),
    ("NOT_ALLOW_PARTIAL_REFUND", s.REFUND_IN_FULL_ONLY, _R),
    ("TRADE_NOT_ALLOW_REFUND CURRENCY_NOT_SAME", s.REFUND_REFUSED, _R),
    ("SELLER_BALANCE_NOT_ENOUGH MERCHANT_BALANCE_NOT_ENOUGH", s.REFUND_NO_FUNDS, _R),
    # a refund under this number exists already, with another amount: which one counts, only a query tells
    ("DISCORDANT_REPEAT_REQUEST", s.REFUND_CHECKING, _X | _R_MAYBE),
    ("REPEATED_REFUNDMENT_REQUEST REPEATED_REFUNDMENT_REQUEST_TO_ONE_TRADE", s.REFUND_CHECKING, _R_MAYBE),
    # what refund.query says: NOT_FOUND is about the refund, not about the trade
    ("NOT_FOUND QUERY_FAILED PROCESSING", s.REFUND_CHECKING, _NOTHING),
    ("FAILED CANCELED", s.REFUND_REFUSED, _NOTHING),
    # signing in (https://docs.antom.com/ac/global/oauth_token)
    ("isv.code-invalid isv.refresh-token-invalid isv.refresh-token-time-out isv.refreshed-token-invalid "
     "AUTH_CODE_NOT_EXIST isp.unknow-error aop.unknow-error aop.invalid-auth-token aop.auth-token-time-out",
     s.SIGN_IN_AGAIN, _NOTHING),
    ("isv.grant-type-invalid isv.unmatched-app-id isv.invalid-app-id isv.invalid-signature "
     "isv.insufficient-isv-permissions no_user_id", s.SIGN_IN_SET_UP, _NOTHING),
    # what the wallet may show its owner; it never comes over our wire, but people read it out at the till
    ("ALIN10023", s.OTHER_BUYER, _NOTHING),
    ("ALIN10070 ALIN10129 ALIN38173 ALIN43877", s.TECHNICAL, _NOTHING),
    ("ALIN42282", s.ORDER_MIXED_UP, _NOTHING),
    ("ALIN43911", s.REFUSED_BY_ALIPAY, _NOTHING),
    # our own words: about answers that prove nothing
    ("silence", s.NO_ANSWER, _NOTHING),
    ("not_sent", s.NOT_CONNECTED, _NOTHING),
    ("bad_signature", s.NOT_TRUSTED, _NOTHING),
    ("unreadable other_order other_amount", s.CHECKING, _NOTHING),
    # ... about requests that were never sent
    ("invalid_request", s.NOT_ASKED, _NOTHING),
    ("not_a_payment_code", s.NOT_A_CODE, _NOTHING),
    # ... and about things done
    ("cancelled", s.CANCELLED, _NOTHING),
    ("cancelled_gave_back", s.CANCELLED_GAVE_BACK, _NOTHING),
    ("refunded", s.REFUNDED, _NOTHING),
    # the payment core's words: how it goes on, and what a person ruled
    ("awaiting_buyer", s.WAITING, _NOTHING),
    ("unproven", s.NOT_TRUSTED, _NOTHING),
    ("fault", s.CHECKING, _NOTHING),
    ("giving_up", s.CANCELLING, _NOTHING),
    ("ruled_paid", s.PAID, _NOTHING),
    ("ruled_unpaid", s.CANCELLED, _NOTHING),
    ("ruled_refund", s.REFUNDED, _NOTHING),
]  # fmt: skip

CODES: Final[Mapping[str, Code]] = {
    name: Code(name, saying, meanings) for names, saying, meanings in _ROWS for name in names.split()
}


def is_known(code: str) -> bool:
    """Whether the table has this code, or it is one of the two that only say that a call went well."""
    return code in CODES or code in ("SUCCESS", "10000")


def meaning(call: Call, code: str) -> Meaning:
    """What a **verified** `code` proves as the answer to `call`; unclear unless the table says more."""
    known = CODES.get(code)
    return known.meanings.get(call, Meaning.UNCLEAR) if known else Meaning.UNCLEAR


def say(code: str) -> Saying:
    """The sentences for a code or one of our words; a code without an entry is a payment being checked."""
    known = CODES.get(code)
    if known:
        return known.saying
    # a family whose last part names the missing field
    return s.SIGN_IN_SET_UP if code.startswith("isv.missing-") else s.CHECKING
