"""Reading an Open API call: its parameters from URL and body together, and what stands in `biz_content`. Pure.

SDKs put the common parameters into the URL and the rest into the body, or all of them into either; amounts come as
text or as JSON numbers, and are never read as floats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

from saoma.alipay.wire import Unreadable, codec, parse_form
from saoma.sandbox.lifetimes import is_lifetime, read_timestamp
from saoma.sandbox.openapi.codes import Refusal, failed, wrong

_CHARSET: Final = re.compile(rb"(?:^|&)charset=([^&]*)")
_AMOUNT: Final = re.compile(r"\d{1,12}(\.\d{1,2})?")
_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: What no text holds: control characters, and halves of characters that JSON can spell and no charset can write.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def charset_of(query: bytes, body: bytes) -> str | None:
    """The charset as the caller spelled it, UTF-8 where nobody says; None for one Alipay does not take."""
    found = _CHARSET.search(query) or _CHARSET.search(body)
    name = unquote_to_bytes(found[1]).decode("ascii", "replace") if found else ""
    try:
        codec(name or "utf-8")
    except Unreadable:
        return None
    return name or "utf-8"


def read_fields(query: bytes, body: bytes, charset: str) -> dict[str, str]:
    """All parameters of a call. Raises `Refusal` for one given twice with two values, or in another charset."""
    try:
        fields, more = parse_form(query, charset), parse_form(body, charset)
    except Unreadable as trouble:
        raise Refusal("40002", "isv.invalid-encoding", str(trouble)) from None
    if twice := [name for name in fields.keys() & more.keys() if fields[name] != more[name]]:
        raise Refusal("40002", "isv.invalid-parameter", f"{twice[0]} is given twice, with two values")
    return fields | more


def read_content(text: str) -> Content:
    """What `biz_content` holds. Raises `Refusal` unless it is one JSON object that names nothing twice."""
    try:
        data = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as trouble:
        raise Refusal("40002", "isv.invalid-biz-content", str(trouble)) from None
    if not isinstance(data, dict):
        raise Refusal("40002", "isv.invalid-biz-content", "biz_content is no JSON object")
    return Content(data)


class Content:
    """The business parameters. Each reading method raises `Refusal` (`ACQ.INVALID_PARAMETER`) for what can't be."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def text(self, name: str, longest: int = 0, *, required: bool = False) -> str:
        """A text, or a number as its text; empty where it was left out."""
        value = self._data.get(name)
        if isinstance(value, bool | dict | list):
            raise wrong(name, "is not a text")
        said = "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
        if required and not said.strip():
            raise wrong(name, "is missing")
        if longest and len(said) > longest:
            raise wrong(name, f"is longer than {longest}")
        if _CONTROL.search(said):
            raise wrong(name, "holds control characters or half a character")
        return said

    def number(self, name: str, *, required: bool = False) -> str:
        """An order or refund number of the partner's own: letters, digits, _ and -, at most 64."""
        said = self.text(name, required=required)
        if said and not _NUMBER.fullmatch(said):
            raise wrong(name, "is not 1 to 64 letters, digits, _ or -")
        return said

    def amount(self, name: str, *, required: bool = False) -> str:
        """An amount with at most two decimals, as its text; whether it is within limits is another question."""
        said = self.text(name, required=required)
        if said and not _AMOUNT.fullmatch(said):
            raise wrong(name, "is not an amount with at most two decimals")
        return said

    def trade(self) -> tuple[str, str]:
        """`out_trade_no` and `trade_no`, one of which is needed."""
        number, trade_no = self.number("out_trade_no"), self.text("trade_no", 64)
        if not number and not trade_no:
            raise wrong("out_trade_no", "and trade_no are both missing")
        return number, trade_no

    def lifetime(self, name: str) -> str:
        """How long something lives: `90m`, `2h`, `1d`, `1c`; empty where it was left out."""
        said = self.text(name)
        if said and not is_lifetime(said):
            raise wrong(name, "is none of 1m to 15d in whole units, or 1c")
        return said

    def moment(self, name: str) -> datetime | None:
        """A date and time in GMT+8."""
        said = self.text(name)
        if not said:
            return None
        moment = read_timestamp(f"{said}:00" if len(said) == 16 else said)
        if moment is None or len(said) == 13:
            raise wrong(name, "is not yyyy-MM-dd HH:mm:ss")
        return moment

    def options(self) -> list[str]:
        """`query_options`: which further fields the caller asks for."""
        value = self._data.get("query_options") or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise wrong("query_options", "is not a list of texts")
        return value


def within(text: str, highest: Decimal) -> Decimal:
    """An amount to be paid. Raises `Refusal` for nothing, or more than Alipay takes."""
    amount = Decimal(text)
    if not 0 < amount <= highest:
        raise failed("TOTAL_FEE_EXCEED", f"{text} is not more than 0 and at most {highest}")
    return amount


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("biz_content names something twice")
    return found
