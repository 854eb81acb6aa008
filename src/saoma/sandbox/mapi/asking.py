"""One checked request on its way to the trade engine, and what a service is: rules, an extra check, an answer. Pure.

An operation only ever sees requests whose signature, partner and parameters are in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.trades import Book
from saoma.sandbox.parameters import Rule


class Words(StrEnum):
    """In which vocabulary a service says no (https://docs.antom.com/ac/gr/apispec)."""

    FAILED_ERROR = "FAILED, error"
    FAIL_ERROR = "FAIL, error"
    FAIL_DETAIL = "FAIL, detail_error_code"
    FAIL_PROCESS = "FAIL or PROCESS_EXCEPTION, detail_error_code"
    ORDER_FAIL = "ORDER_FAIL, detail_error_code"
    RESPONSE_CODE = "response_code"
    REJECTION = "is_success=F, error"
    TEXT = "a sentence"


@dataclass(frozen=True, slots=True)
class Bare:
    """Yes, and nothing else: an answer of `is_success` alone, as forex_refund gives it."""


@dataclass(frozen=True, slots=True)
class Plain:
    """An answer that is text and no XML, as the file services give it; nobody signs it."""

    text: str


class Rejected(Exception):
    """The gateway's own no, `is_success=F`; `why` is for the developer who reads the call log."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `hold` asks for the planned misbehaviour "unknown": the trade is made, but waits for its buyer."""

    fields: Mapping[str, str]
    partner: Partner
    book: Book
    charset: str
    sign_type: str
    hold: bool = False

    def get(self, name: str) -> str:
        """A parameter's value, empty where it was left out."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True)
class Operation:
    """One service. `answer` gives the business fields or raises `TurnedDown`; `check` finds what the rules can't.

    `number` names the parameter with the order number. `acts_when_unknown`: also the planned "unknown" gets there.
    `hk` holds what is different in Hong Kong: another rule, or None for a parameter that is not known there."""

    name: str
    rules: Mapping[str, Rule]
    answer: Callable[[Asked], dict[str, str] | Bare | Plain]
    words: Words
    number: str
    check: Callable[[Mapping[str, str]], str | None] = lambda fields: None
    acts_when_unknown: bool = False
    node: str = "alipay"
    hk: Mapping[str, Rule | None] = field(default_factory=dict)

    def rules_for(self, partner: Partner) -> Mapping[str, Rule]:
        """The parameters as that partner's contract has them."""
        if not (self.hk and partner.is_hk):
            return self.rules
        rules = {**self.rules, **self.hk}
        return {name: rule for name, rule in rules.items() if rule is not None}


#: What became of a refund, as `refund_result_code` tells it; other words say what became of the query.
REFUND_RESULTS: Final = ("FAILED", "CANCELED", "PROCESSING")
#: What a file service says that can't be reached.
OUT_OF_REACH: Final = "Internet connected exception ,please try later"


def refusal(words: Words, code: str) -> dict[str, str] | Plain:
    """What a service says for no. Raises `Rejected` where it has no other way to say it."""
    match words:
        case Words.RESPONSE_CODE if code in REFUND_RESULTS:
            return {"response_code": "SUCCESS", "refund_result_code": code}
        case Words.RESPONSE_CODE:
            return {"response_code": code}
        case Words.TEXT if " " in code:
            return Plain(code)
        case Words.FAILED_ERROR:
            return {"result_code": "FAILED", "error": code}
        case Words.FAIL_ERROR:
            return {"result_code": "FAIL", "error": code}
        case Words.FAIL_DETAIL | Words.FAIL_PROCESS:
            return failure(code)
        case Words.ORDER_FAIL:
            return {"result_code": "ORDER_FAIL", "detail_error_code": code, "detail_error_des": described(code)}
        case Words.REJECTION | Words.TEXT:
            raise Rejected(code)


def failure(code: str) -> dict[str, str]:
    """The business fields of a no in the vocabulary of most `acquire` services."""
    return {"result_code": "FAIL", "detail_error_code": code, "detail_error_des": described(code)}


def unknown(words: Words, fields: Mapping[str, str]) -> dict[str, str] | Plain:
    """What a service says of an open outcome. Raises `Rejected` where it has no words for it."""
    if words is Words.TEXT:
        return Plain(OUT_OF_REACH)
    if words is Words.REJECTION:
        raise Rejected("SYSTEM_ERROR")
    said = {"result_code": "PROCESS_EXCEPTION" if words is Words.FAIL_PROCESS else "UNKNOWN"}
    if words not in (Words.FAILED_ERROR, Words.FAIL_ERROR):
        return said | {
            "out_trade_no": fields.get("out_trade_no", ""),
            "detail_error_code": "SYSTEM_ERROR",
            "detail_error_des": described("SYSTEM_ERROR"),
        }
    return said | {"partner_trans_id": fields.get("partner_trans_id", "")}


def described(code: str) -> str:
    """A short English description for `detail_error_des`; at most 64 characters, as its page says."""
    return code.replace("_", " ").lower().capitalize()[:64]
