"""What a scanner may have read, told apart before anything is sent: a payment code or something else. Pure.

A payment code has 16 to 24 digits and begins with 25 to 30 (https://docs.antom.com/ac/global/spot_pay); it is never
stored here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_CODE: Final = re.compile(r"(?:2[5-9]|30)[0-9]{14,22}")
_EAN: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_SPACES: Final = re.compile(r"[\s\u00a0-]+")


class NotACode(StrEnum):
    """Why a scan can't be a payment code."""

    EMPTY = "empty"
    ADDRESS = "address"
    PRODUCT = "product"
    LENGTH = "length"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PaymentCode:
    """A code of the right shape. Whether it lives, only Alipay knows."""

    digits: str


#: A sentence for the cashier for each wrong scan; keys of the texts.
SENTENCES: Final = {
    NotACode.EMPTY: "Scan the payment code on the customer's phone.",
    NotACode.ADDRESS: "That was a web link. Ask the customer to open Alipay, tap Pay, and scan that code.",
    NotACode.PRODUCT: "That was a product's barcode. Scan the payment code on the customer's phone.",
    NotACode.LENGTH: "The code was not read completely. Hold the scanner closer and scan again.",
    NotACode.OTHER: "That is not an Alipay payment code. Ask the customer to open Alipay, tap Pay, and scan that code.",
}


def read_payment_code(scanned: str) -> PaymentCode | NotACode:
    """Judge what a scanner or a keyboard gave."""
    text = _SPACES.sub("", scanned)
    if not text:
        return NotACode.EMPTY
    if "://" in text or text.lower().startswith(("http", "www.", "alipay")):
        return NotACode.ADDRESS
    if _CODE.fullmatch(text):
        return PaymentCode(text)
    if _EAN.fullmatch(text):
        return NotACode.PRODUCT
    if text.isascii() and text.isdigit() and text.startswith(("25", "26", "27", "28", "29", "30")):
        return NotACode.LENGTH
    return NotACode.OTHER
