"""What Alipay+ says: each `resultCode` with its status and message, and which one stands for a no of the trade engine.

`S` is done, `F` is final, `U` is open: whoever books an `U` as failed loses money
(https://docs.antom.com/ac/ams/upm, https://docs.antom.com/ac/ams_upm/bp)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Every published code. Two spellings of one trouble are two rows: AMS pages write one, those of Alipay+ the other.
RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    "SUCCESS": ("S", "success"),
    "PAYMENT_IN_PROCESS": ("U", "The payment is being processed."),
    "REFUND_IN_PROCESS": ("U", "The refund is being processed."),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": ("U", "Too many requests."),
    "UNKNOWN_EXCEPTION": ("U", "The call failed for an unknown reason."),
    "PROCESS_FAIL": ("F", "A general business failure. Do not repeat."),
    "PARAM_ILLEGAL": ("F", "A parameter is missing or wrong."),
    "INVALID_CODE": ("F", "The payment code is invalid."),
    "INVALID_PAYMENT_CODE": ("F", "The payment code is invalid."),
    "EXPIRED_CODE": ("F", "The payment code is expired."),
    "USER_BALANCE_NOT_ENOUGH": ("F", "The user has not enough money."),
    "USER_AMOUNT_EXCEED_LIMIT": ("F", "The amount exceeds the user's limit."),
    "PAYMENT_AMOUNT_EXCEED_LIMIT": ("F", "The amount exceeds the limit."),
    "PAYMENT_COUNT_EXCEED_LIMIT": ("F", "The number of payments exceeds the limit."),
    "USER_STATUS_ABNORMAL": ("F", "The user's account is not in order."),
    "USER_NOT_EXIST": ("F", "The user does not exist."),
    "USER_KYC_NOT_QUALIFIED": ("F", "The user has not proved enough about themselves."),
    "USER_PAYMENT_VERIFICATION_FAILED": ("F", "The user was not verified."),
    "RISK_REJECT": ("F", "Refused by risk control."),
    "FRAUD_REJECT": ("F", "Refused as a possible fraud."),
    "REGULATION_RESTRICTION": ("F", "Refused by regulation."),
    "UNAVAILABLE_PAYMENT_METHOD": ("F", "This way to pay is not available."),
    "BUSINESS_NOT_SUPPORT": ("F", "This business is not supported."),
    "CURRENCY_NOT_SUPPORT": ("F", "The currency is not supported."),
    "NO_PAY_OPTIONS": ("F", "There is no way to pay."),
    "PAYMENT_NOT_QUALIFIED": ("F", "The merchant may not use this product."),
    "ORDER_IS_CLOSED": ("F", "The order is closed."),
    "ORDER_IS_CANCELED": ("F", "The order is cancelled."),
    "ORDER_STATUS_INVALID": ("F", "The order's status does not allow this."),
    "ORDER_NOT_EXIST": ("F", "The order does not exist."),
    "REFUND_NOT_EXIST": ("F", "The refund does not exist."),
    "REPEAT_REQ_INCONSISTENT": ("F", "The same id came with other content."),
    "CANCEL_WINDOW_EXCEED": ("F", "The cancel window is over."),
    "REFUND_WINDOW_EXCEED": ("F", "The refund window is over."),
    "REFUND_AMOUNT_EXCEED": ("F", "The refunds exceed the payment."),
    "MERCHANT_NOT_REGISTERED": ("F", "The merchant is not registered."),
    "MERCHANT_KYB_NOT_QUALIFIED": ("F", "The merchant has not proved enough about its business."),
    "INVALID_MERCHANT_STATUS": ("F", "The merchant's account is not in order."),
    "INVALID_CONTRACT": ("F", "The contract is not valid."),
    "SETTLE_CONTRACT_NOT_MATCH": ("F", "The contract does not settle this."),
    "ACCESS_DENIED": ("F", "Access is denied."),
    "CLIENT_INVALID": ("F", "The client id is invalid."),
    "INVALID_CLIENT": ("F", "The client id is invalid."),
    "KEY_NOT_FOUND": ("F", "There is no key of this version."),
    "SIGNATURE_INVALID": ("F", "The signature is invalid."),
    "INVALID_SIGNATURE": ("F", "The signature is invalid."),
    "NO_INTERFACE_DEF": ("F", "There is no such API."),
    "INVALID_API": ("F", "There is no such API."),
    "METHOD_NOT_SUPPORTED": ("F", "Only POST is supported."),
    "MEDIA_TYPE_NOT_ACCEPTABLE": ("F", "Only application/json is accepted."),
}
#: The words of AMS that Alipay+ spells otherwise.
SPELLED_BY_ALIPAY_PLUS: Final[Mapping[str, str]] = {
    "SIGNATURE_INVALID": "INVALID_SIGNATURE",
    "CLIENT_INVALID": "INVALID_CLIENT",
    "NO_INTERFACE_DEF": "INVALID_API",
}
#: Said to a caller who may be anybody, and therefore not signed.
TO_STRANGERS: Final = frozenset(
    {"CLIENT_INVALID", "INVALID_CLIENT", "KEY_NOT_FOUND", "SIGNATURE_INVALID", "INVALID_SIGNATURE"}
)

#: The engine's words, which are those of the XML gateway.
_OF_THE_BOOK: Final[Mapping[str, str]] = {
    "SOUNDWAVE_PARSER_FAIL": "INVALID_CODE",
    "BUYER_BALANCE_NOT_ENOUGH": "USER_BALANCE_NOT_ENOUGH",
    "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": "USER_AMOUNT_EXCEED_LIMIT",
    "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": "USER_AMOUNT_EXCEED_LIMIT",
    "BUYER_NOT_EXIST": "USER_NOT_EXIST",
    "BUYER_ENABLE_STATUS_FORBID": "USER_STATUS_ABNORMAL",
    "PULL_MOBILE_CASHIER_FAIL": "USER_PAYMENT_VERIFICATION_FAILED",
    "PAYMENT_REQUEST_HAS_RISK": "RISK_REJECT",
    "REQUEST_AMOUNT_EXCEED": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "TOTAL_FEE_EXCEED": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "BEYOND_PAY_RESTRICTION": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "BEYOND_PER_RECEIPT_RESTRICTION": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "BEYOND_PER_RECEIPT_SINGLE_RESTRICTION": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "BEYOND_PER_RECEIPT_DAY_RESTRICTION": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "CURRENCY_NOT_SUPPORT": "CURRENCY_NOT_SUPPORT",
    "ACCESS_FORBIDDEN": "PAYMENT_NOT_QUALIFIED",
    "PARTNER_ERROR": "INVALID_MERCHANT_STATUS",
    "ERROR_BUYER_CERTIFY_LEVEL_LIMIT": "USER_KYC_NOT_QUALIFIED",
    "BUYER_NOT_MAINLAND_CERT": "USER_KYC_NOT_QUALIFIED",
    "ERROR_SELLER_CERTIFY_LEVEL_LIMIT": "MERCHANT_KYB_NOT_QUALIFIED",
    "SELLER_BEEN_BLOCKED": "INVALID_MERCHANT_STATUS",
    "SELLER_NOT_EXIST": "MERCHANT_NOT_REGISTERED",
    "NO_PAYMENT_INSTRUMENTS_AVAILABLE": "NO_PAY_OPTIONS",
    "ERROR_BALANCE_PAYMENT_DISABLE": "UNAVAILABLE_PAYMENT_METHOD",
    "TRADE_NOT_EXIST": "ORDER_NOT_EXIST",
    "TRADE_HAS_CLOSE": "ORDER_IS_CLOSED",
    "TRADE_STATUS_ERROR": "ORDER_STATUS_INVALID",
    "REASON_TRADE_REFUND_FEE_ERR": "ORDER_STATUS_INVALID",
    "REASON_TRADE_BEEN_FREEZEN": "ORDER_STATUS_INVALID",
    "TRADE_CANCEL_TIME_OUT": "CANCEL_WINDOW_EXCEED",
    "RETURN_AMOUNT_EXCEED": "REFUND_AMOUNT_EXCEED",
    "CONTEXT_INCONSISTENT": "REPEAT_REQ_INCONSISTENT",
    "TRADE_BUYER_NOT_MATCH": "REPEAT_REQ_INCONSISTENT",
    "DISCORDANT_REPEAT_REQUEST": "REPEAT_REQ_INCONSISTENT",
    "SYSTEM_ERROR": "UNKNOWN_EXCEPTION",
}


def result(code: str) -> dict[str, str]:
    """The `result` object of a code; a word that is on no list (somebody planned it) is a final no."""
    status, message = RESULTS.get(code) or ("F", f"{code.replace('_', ' ').capitalize()}.")
    return {"resultCode": code, "resultStatus": status, "resultMessage": message}


def code_of(refusal: str) -> str:
    """The `resultCode` for a no of the trade engine; a no that Alipay+ has no word for is a general failure."""
    return _OF_THE_BOOK.get(refusal, "PROCESS_FAIL")
