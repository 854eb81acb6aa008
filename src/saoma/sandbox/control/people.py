"""What the control API does for people and contracts: partners with their terms, buyers with theirs, payment codes.

A partner is replaced whole, a buyer is given what the request says: what it leaves out is as for a new one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from saoma.kit.money import Money
from saoma.sandbox.book.model import CNY, Buyer, Partner, Product
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.config import BuyerSetting


class PartnerKnown(msgspec.Struct):
    """A partner is known; `alipay_public_key` is what it must verify with, PEM."""

    partner: str
    alipay_public_key: str


class NewPartner(msgspec.Struct, forbid_unknown_fields=True):
    """A partner with its keys; `public_key` is PEM or bare base64. What is left out or null stays at its default."""

    partner: str
    app_id: str | None = None
    sign_type: str | None = None
    md5_key: str | None = None
    public_key: str | None = None
    currency: str | None = None
    name: str | None = None
    email: str | None = None
    callback_hosts: list[str] | None = None
    services: list[str] | None = None
    open_id_only: bool | None = None
    certificate_mode: bool | None = None
    aes_key: str | None = None
    client_id: str | None = None
    client_public_key: str | None = None
    client_keys: dict[str, str] | None = None
    fee_rate: str | None = None
    region: str | None = None
    refund_days: int | None = None
    refund_notify_url: str | None = None
    out_of_funds: bool | None = None
    payment_limit: Decimal | None = None
    day_limit: Decimal | None = None
    month_limit: Decimal | None = None
    currencies: list[str] | None = None
    products: list[Product] | None = None
    suspended: bool | None = None
    refund_fee_kept: bool | None = None
    industry: str | None = None

    def known(self) -> Partner:
        """As the book keeps it."""
        given = msgspec.structs.asdict(self).items()
        return Partner(**{name: value for name, value in given if value is not None})


class BuyerView(msgspec.Struct):
    """A test buyer. `user_id` is the number on the wire, `balance` and limits are CNY."""

    id: str
    user_id: str
    name: str
    balance: str
    pin_required: bool
    payment_limit: str | None
    day_limit: str | None
    month_limit: str | None
    pin_above: str | None
    refused_with: str


class PaymentCodeView(msgspec.Struct):
    """A payment code to scan at a till."""

    code: str
    expires_at: str


@post("/partners", status_code=200, sync_to_thread=False)
def add_partner(
    data: JSONBody[NewPartner], book: NamedDependency[Book], partners: NamedDependency[Partners]
) -> PartnerKnown:
    """Make a partner known, or replace its keys."""
    with book.store.writing():
        partners.add(data.known())
    return PartnerKnown(data.partner, partners.alipay_public_key)


@get("/partners", sync_to_thread=False)
def list_partners(partners: NamedDependency[Partners]) -> dict[str, list[PartnerKnown]]:
    """Every partner that may call."""
    return {"partners": [PartnerKnown(one.partner, partners.alipay_public_key) for one in partners.all()]}


@post("/buyers", status_code=200, sync_to_thread=False)
def add_buyer(data: JSONBody[BuyerSetting], book: NamedDependency[Book]) -> BuyerView:
    """Make a test buyer, or give a known one this balance and PIN habit."""
    buyer = book.add_buyer(
        data.id,
        data.name,
        data.money,
        pin_required=data.pin_required,
        pin=data.pin,
        hk=data.hk,
        terms=data.terms,
    )
    return _buyer(buyer)


@get("/buyers", sync_to_thread=False)
def list_buyers(book: NamedDependency[Book]) -> dict[str, list[BuyerView]]:
    """Every test buyer."""
    return {"buyers": [_buyer(buyer) for buyer in book.buyers()]}


@post("/buyers/{buyer_id:str}/payment-code", status_code=200, sync_to_thread=False)
def new_payment_code(buyer_id: FromPath[str], book: NamedDependency[Book]) -> PaymentCodeView:
    """What this buyer's wallet shows at a till now: good for one payment and about a minute."""
    code = book.new_payment_code(buyer_id)
    return PaymentCodeView(code.code, code.expires_at.isoformat())


handlers: Final[list[Any]] = [add_partner, list_partners, add_buyer, list_buyers, new_payment_code]


def _buyer(buyer: Buyer) -> BuyerView:
    terms = buyer.terms
    return BuyerView(
        id=buyer.id,
        user_id=buyer.user_id,
        name=buyer.name,
        balance=buyer.balance_money.text,
        pin_required=buyer.pin_required,
        payment_limit=_yuan(terms.payment_limit),
        day_limit=_yuan(terms.day_limit),
        month_limit=_yuan(terms.month_limit),
        pin_above=_yuan(terms.pin_above),
        refused_with=terms.refused_with,
    )


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else Money(fen, CNY).text
