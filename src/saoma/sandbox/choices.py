"""What this sandbox chose where Alipay's pages are silent: one answer each, another one from the settings file.

Every field is an open question of the wire; the default is what `docs/sandbox.md` describes. An integration that
works with only one of the answers leans on something nobody promised."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.lifetimes import DEFAULT_CODE_LIFETIME, DEFAULT_LIFETIME, is_lifetime


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[choices]` of the settings file."""

    #: The charset of a call that names none.
    default_charset: Literal["GBK", "UTF-8"] = "GBK"
    #: The gateway's word for a missing or malformed parameter.
    parameter_code: Literal["ILLEGAL_ARGUMENT", "INVALID_PARAMETER"] = "ILLEGAL_ARGUMENT"
    #: Its word for a `timestamp` half an hour off.
    stale_timestamp_code: str = "EXTERFACE_INVOKE_CONTEXT_EXPIRED"
    #: Refuse parameters that are not documented, or overlook them.
    refuse_undocumented: bool = True
    #: Sign `is_success=F` answers to callers whose key is known, over `error=CODE`.
    sign_rejections: bool = False
    #: A repeated spot.pay of a paid number: its real state (for the same code only, or always), or TRADE_HAS_SUCCESS.
    repeated_pay: Literal["same_code", "success", "has_success"] = "same_code"
    #: What overseas.query says of a number nobody knows.
    unknown_trade_code: Literal["TRADE_NOT_EXIST", "TRANS_NOT_FOUND"] = "TRADE_NOT_EXIST"
    #: Whether a failed overseas.query names its reason in `detail_error_code` and `detail_error_des`, too.
    query_detail_error: bool = False
    #: Whether Hong Kong refuses a double quote in a value that is no JSON, as one reading of its pages has it.
    hk_refuse_quotes: bool = False
    #: How long an order may be paid that names no `it_b_pay`, and its code be scanned without `qr_code_it_b_pay`.
    it_b_pay: str = DEFAULT_LIFETIME
    qr_code_it_b_pay: str = DEFAULT_CODE_LIFETIME
    #: Whether spot.pay needs a `notify_url`: the English page says yes, the Chinese no.
    notify_url_required: bool = False
    #: No synchronous refunds between 00:00 and 01:30 Beijing time (the Chinese page only): FAILED, SYSTEM_ERROR.
    sync_refund_pause: bool = False
    #: Whether acquire.refund takes every trade or, as its page stands under auto debit, only those of createandpay.
    acquire_refund_takes_all: bool = False
    #: Whether single_trade_query tells CNY amounts, or those of the pricing currency.
    single_trade_query_in_cny: bool = True
    #: The least time between two forex_refund calls of a partner; sooner is SYSTEM_EXCEPTION. 0: never mind.
    forex_refund_gap_seconds: float = 3
    #: Whether the file services list every trade or only those of the online product they belong to.
    file_services_list_all: bool = False
    #: Whether `biz_data` needs `country_code` and `address`.
    shop_address_required: bool = False
    #: Whether answers of qrcode.* carry a `result_code`.
    shop_result_code: bool = True
    #: How Alipay's own order numbers for printed codes begin.
    shop_order_prefix: str = "SQ"
    #: Whether notifications name their `notify_action_type`; captured ones of precreate do not.
    notify_action_type: bool = True
    #: Whether in-store notifications also carry `currency` and `forex_total_fee`, as those of neighbours do.
    notify_currency: bool = False
    #: What notify_verify says of a notification that was answered with `success`.
    acknowledged_notice: Literal["false", "true", "invalid"] = "false"
    #: How many wrong PINs in a row lock a toy wallet's PIN, and for how many hours.
    wrong_pins: int = 5
    pin_lock_hours: float = 3
    #: What a page that asked for a profile hears when the buyer refuses: nothing, or a callback without a code.
    refused_consent: Literal["nothing", "callback"] = "nothing"
    #: The word for a payment above a buyer's limit for one payment, for which no list has a word of its own.
    buyer_payment_limit_code: str = "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    #: What gives the room of a limit back, on the day of the payment: its cancel, also its refunds, or nothing.
    limit_room_back: Literal["cancel", "refund", "never"] = "cancel"
    #: Whether the commission of a printed code (`channel_fee`) is part of the fee in the daily files.
    channel_fee_in_fee: bool = True
    #: What of the fee each refund of a part gives back: its share of all given back so far, or a share rounded alone.
    refund_fee: Literal["adds_up", "rounded_alone"] = "adds_up"
    #: Whether amounts of money given back are negative in settlement files.
    negative_refunds: bool = False
    #: The charset of the daily files.
    file_charset: Literal["UTF-8", "GBK"] = "UTF-8"
    #: Where pictures of codes are said to be; empty: here, so that they can be looked at.
    picture_host: str = ""

    def __post_init__(self) -> None:
        for text in (self.it_b_pay, self.qr_code_it_b_pay):
            if not is_lifetime(text):
                raise Invalid(f"{text!r} is no lifetime: write 1m to 15d, or 1c.")
        if self.wrong_pins < 1 or self.pin_lock_hours < 0:
            raise Invalid("wrong_pins is at least 1, and pin_lock_hours not less than nothing.")


#: What there is when the file says nothing.
DEFAULT: Final = Choices()
