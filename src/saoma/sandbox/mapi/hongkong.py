"""What is different for a partner of AlipayHK (`region = "hk"`). Pure.

Hong Kong's pages count in HKD only, tell no CNY side, name the wallet that paid, and hold shorter names; everything
else is as anywhere (https://docs.antom.com/ac/hkapi/spot_pay, https://docs.antom.com/ac/hkapi/qrcode_create)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from saoma.alipay.signing import SignType
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Buyer, Partner

_CURRENCY: Final = "HKD"
_CNY_SIDE: Final = frozenset({"exchange_rate", "trans_amount_cny", "refund_amount_cny"})
#: https://docs.antom.com/ac/hkapi/qrcode_modify lists MD5 alone.
_SIGN_TYPES: Final[Mapping[str, Collection[str]]] = {"alipay.commerce.qrcode.modify": ("MD5",)}
_LONGEST_SHOP_TEXT: Final = 32


def sign_types(partner: Partner, service: str) -> Collection[str]:
    """How a partner may sign a call of that service."""
    every = SignType.__members__
    return _SIGN_TYPES.get(service, every) if partner.is_hk else every


def check_currency(partner: Partner, *currencies: str) -> None:
    """Raises `TurnedDown` where Hong Kong's only currency is another."""
    if partner.is_hk and any(currency != _CURRENCY for currency in currencies if currency):
        raise TurnedDown("INVALID_PARAMETER")


def quote_fault(fields: Mapping[str, str]) -> str | None:
    """Which value holds a double quote without being JSON; None when none does."""
    for name, value in fields.items():
        if '"' in value and not value.startswith(("{", "[")):
            return f"{name} holds a double quote"
    return None


def told(partner: Partner, fields: dict[str, str], buyer: Buyer | None = None) -> dict[str, str]:
    """An answer as that partner gets it: in Hong Kong without its CNY side, and with the wallet that paid."""
    if not partner.is_hk:
        return fields
    kept = {name: value for name, value in fields.items() if name not in _CNY_SIDE}
    return kept | ({"payment_inst": buyer.payment_inst} if buyer else {})


def shop_fault(partner: Partner, data: Mapping[str, Any]) -> str | None:
    """What is wrong with a printed code's `biz_data` in Hong Kong; None when nothing is."""
    if not partner.is_hk:
        return None
    for name in ("secondary_merchant_id", "secondary_merchant_name"):
        if len(str(data.get(name, ""))) > _LONGEST_SHOP_TEXT:
            return f"{name} is longer than {_LONGEST_SHOP_TEXT} in Hong Kong"
    if any(data.get(name, _CURRENCY) != _CURRENCY for name in ("currency", "trans_currency")):
        return f"Hong Kong prices and settles in {_CURRENCY}"
    return None
