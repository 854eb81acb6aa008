"""What this sandbox chose where the Open API's pages are silent: one answer each, another one from the settings file.

Every field is an open question of the wire; the default is what `docs/sandbox.md` describes."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.lifetimes import DEFAULT_CODE_LIFETIME, DEFAULT_LIFETIME, is_lifetime


class OpenApiChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[openapi]` of the settings file."""

    #: How far a `timestamp` may be from this clock, in minutes. 0: only its form matters.
    timestamp_minutes: float = 0
    #: How long an order may be paid that names no `timeout_express`; the page says 15 days, the global one minutes.
    timeout_express: str = DEFAULT_LIFETIME
    #: How long an order's code can be scanned that names no `qr_code_timeout_express`.
    qr_code_timeout_express: str = DEFAULT_CODE_LIFETIME
    #: How long after its payment a trade can be cancelled.
    cancel_hours: float = 24
    #: A repeated pay of a paid number: TRADE_HAS_SUCCESS, or the answer of the first time for the same payment code.
    repeated_pay: Literal["has_success", "success"] = "has_success"
    #: Slashes in answers are written `\/`, as Alipay's JSON writer does: who re-writes a node can't verify it.
    escape_slashes: bool = True
    #: The blank before the message of a payment that waits, as captured; no printed sample has it.
    blank_before_waiting: bool = True
    #: Sign the gateway's own refusals to applications that are known. Unknown ones are never signed to.
    sign_refusals: bool = True
    #: Which states are told by notification, as Alipay's portal has them switched on for these methods.
    told: tuple[Literal["TRADE_SUCCESS", "TRADE_CLOSED", "TRADE_FINISHED"], ...] = ("TRADE_SUCCESS",)
    #: The charset of bill files; their layout is this sandbox's, too.
    bill_charset: Literal["gbk", "utf-8"] = "gbk"
    #: How long a bill's address is good.
    bill_url_seconds: float = 30
    #: How long tokens of silent authorizations live, in seconds: observed were 15 and 30 days, and a year for both.
    base_token_seconds: int = 1_296_000
    base_refresh_seconds: int = 2_592_000
    #: Whether token answers tell when the authorization began, as captured since 2023; printed ones do not.
    auth_start: bool = True
    #: The word for a code or a refresh token of another application: one of its own, or that of unknown ones.
    other_apps_token: Literal["invalid", "isv.unmatched-app-id"] = "invalid"
    #: What of `redirect_uri` is compared: the host, or with what stands in `callback_hosts` all of it.
    redirect_check: Literal["host", "exact"] = "host"
    #: Whether callbacks carry `userOutputs` and an empty `alipay_token`, as captured in 2025.
    extra_callback_parameters: bool = False

    def __post_init__(self) -> None:
        for text in (self.timeout_express, self.qr_code_timeout_express):
            if not is_lifetime(text):
                raise Invalid(f"{text!r} is no lifetime: write 1m to 15d, or 1c.")


#: What there is when the file says nothing.
DEFAULT: Final = OpenApiChoices()
