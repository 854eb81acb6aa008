"""Writing and reading single fields: limits of what may be sent, and strict reading of what came.

A wrong field of ours raises `Invalid` (nothing was sent); a wrong field of theirs raises `Unreadable`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Final, Protocol

from saoma.alipay.wire import Unreadable
from saoma.gateway import SecondaryMerchant
from saoma.kit.clock import BEIJING, beijing
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, exponent

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[!-~]{1,64}")
_MERCHANT_ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_INDUSTRY: Final = re.compile(r"\d{4}")
_BUYER: Final = re.compile(r"2088\d{12}")
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_DASHED: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_JSON: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_LARGEST_AMOUNT: Final = 100_000_000


class Request(Protocol):
    """One call of the `service=` gateway. The client adds partner, charset and signature."""

    service: ClassVar[str]

    @property
    def about(self) -> str:
        """The number a record of this call is filed under: an order number, or a code's address."""

    def fields(self) -> dict[str, str]:
        """The business fields to send. Raises `Invalid` for a value outside its published limits."""


# --- ours, going out -----------------------------------------------------------------------------------------------


def words(name: str, value: str, most: int, *, needed: bool = True) -> str:
    """Free text of at most `most` characters on one line."""
    if needed and not value.strip():
        raise Invalid(f"{name} is missing.")
    if len(value) > most:
        raise Invalid(f"{name} has {len(value)} characters; {most} are allowed.")
    if _CONTROL.search(value):
        raise Invalid(f"{name} must be one line of text.")
    return value


def number(name: str, value: str) -> str:
    """An order, trade or refund number: 1 to 64 visible ASCII characters."""
    if not _NUMBER.fullmatch(value):
        raise Invalid(f"{name} must be 1 to 64 letters, digits or signs without blanks.")
    return value


def buyer(name: str, value: str) -> str:
    """A buyer's id at Alipay."""
    if not _BUYER.fullmatch(value):
        raise Invalid(f"{name} must be 16 digits that begin with 2088.")
    return value


def amount(name: str, money: Money, digits: int = 11) -> str:
    """An amount above zero, at most 100,000,000.00 and at most `digits` digits in all; whole for JPY and KRW."""
    text = money.text
    if money.minor <= 0:
        raise Invalid(f"{name} must be above zero.")
    if money.minor > _LARGEST_AMOUNT * 10 ** exponent(money.currency) or len(text.replace(".", "")) > digits:
        raise Invalid(f"{name} is more than Alipay takes in one payment.")
    return text


def address(name: str, value: str, most: int = 200) -> str:
    """A URL that Alipay can call."""
    if not value.startswith(("https://", "http://")) or not value.isascii() or " " in value:
        raise Invalid(f"{name} must be a full address that begins with https:// or http://.")
    return words(name, value, most)


def day_and_time(moment: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss` in GMT+8."""
    return beijing(moment).strftime("%Y-%m-%d %H:%M:%S")


def compact_time(moment: datetime) -> str:
    """`yyyyMMddHHmmss` in GMT+8."""
    return beijing(moment).strftime("%Y%m%d%H%M%S")


def milliseconds(moment: datetime) -> str:
    """Milliseconds since the epoch."""
    return str((moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1))


def time_to_pay(period: timedelta) -> str:
    """`it_b_pay`: whole minutes, at least one, at most fifteen days."""
    return f"{min(max(int(period.total_seconds()) // 60, 1), 15 * 24 * 60)}m"


def as_json(value: object) -> str:
    """JSON as it is both signed and sent: sorted, without blanks, text as it is."""
    return _JSON.encode(value)


@lru_cache(maxsize=1000)
def shop(merchant: SecondaryMerchant) -> str:
    """`extend_info` and `extend_params`: who sells, in which store, at which terminal
    (https://docs.antom.com/ac/global/spot_pay)."""
    return as_json({k: v for k, v in shop_fields(merchant).items() if v})


def shop_fields(merchant: SecondaryMerchant) -> dict[str, str]:
    """The same as checked fields, before they become JSON."""
    if not _MERCHANT_ID.fullmatch(merchant.id):
        raise Invalid("The merchant's id must be 1 to 64 letters, digits or underscores.")
    if not _INDUSTRY.fullmatch(merchant.industry):
        raise Invalid("The merchant's industry must be a four-digit category code (MCC), such as 5812.")
    return {
        "secondary_merchant_id": merchant.id,
        "secondary_merchant_industry": merchant.industry,
        "secondary_merchant_name": words("The merchant's name", merchant.name, 64),
        "store_id": words("The store's id", merchant.store_id, 64),
        "store_name": words("The store's name", merchant.store_name, 256),
        "terminal_id": words("The terminal's id", merchant.terminal_id, 64, needed=False),
    }


# --- theirs, coming in ---------------------------------------------------------------------------------------------


class Incoming:
    """The fields of one answer, taken out one by one; what nobody took is `extra`."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._rest = dict(fields)

    def text(self, name: str, *others: str) -> str:
        """The first of the names that has a value, or the empty text. Raises `Unreadable` when two of them disagree."""
        value = self._rest.pop(name, "")
        for other in others:
            also = self._rest.pop(other, "")
            if value and also and value != also:
                raise Unreadable(f"{' and '.join((name, *others))} disagree")
            value = value or also
        return value

    def time(self, name: str) -> datetime | None:
        """A time in GMT+8, in either of the two published notations."""
        text = self._rest.pop(name, "")
        return read_time(text) if text else None

    def money(self, name: str, currency: str) -> Money | None:
        """An amount in `currency`."""
        text = self._rest.pop(name, "")
        return read_money(text, currency) if text else None

    @property
    def extra(self) -> dict[str, str]:
        """Everything not taken so far."""
        return dict(self._rest)


def read_time(text: str) -> datetime:
    """`yyyyMMddHHmmss` or `yyyy-MM-dd HH:mm:ss`, GMT+8, as an aware time in UTC. Raises `Unreadable`."""
    # by hand: strptime takes as long as reading the whole rest of an answer
    match = _COMPACT.fullmatch(text) or _DASHED.fullmatch(text)
    try:
        if match:
            year, month, day, hour, minute, second = map(int, match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(f"{text[:40]!r} is not a time")


def read_money(text: str, currency: str) -> Money:
    """An amount as Alipay writes it, in `currency`, never negative. Raises `Unreadable`."""
    try:
        money = Money.parse(text, currency)
    except Invalid as error:
        raise Unreadable(str(error)) from None
    if money.minor < 0:
        raise Unreadable(f"{text[:40]!r} is negative")
    return money
