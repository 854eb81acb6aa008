"""What the control API does for the online products: agreements to debit, and trades that a buyer opens at Alipay.

At Alipay both begin on a page in the buyer's browser, which this sandbox does not play."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from saoma.kit.errors import Invalid, NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.model import CNY
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.mapi import forex
from saoma.sandbox.mapi.autodebit import Agreement, end_agreement, sign_agreement


class NewAgreement(msgspec.Struct, forbid_unknown_fields=True):
    """Which buyer lets which partner debit."""

    partner: str
    buyer_id: str


class NewForexTrade(msgspec.Struct, forbid_unknown_fields=True):
    """A trade of create_forex_trade, priced in `currency` by `total_fee` or in CNY by `rmb_fee`."""

    partner: str
    out_trade_no: str
    buyer_id: str
    currency: str = "USD"
    total_fee: str = ""
    rmb_fee: str = ""
    subject: str = "Online order"
    notify_url: str = ""


class ForexTrade(msgspec.Struct):
    """The trade that was opened; `POST /control/trades/{number}/pay` pays it."""

    out_trade_no: str
    trade_no: str
    status: str


@post("/agreements", status_code=200, sync_to_thread=False)
def add_agreement(
    data: JSONBody[NewAgreement], book: NamedDependency[Book], partners: NamedDependency[Partners]
) -> Agreement:
    """A buyer signs an agreement; its number goes into `agreement_info` of createandpay."""
    _known(partners, data.partner)
    with book.store.writing():
        return sign_agreement(book, data.partner, data.buyer_id)


@delete("/agreements/{agreement_no:str}", status_code=200, sync_to_thread=False)
def cancel_agreement(agreement_no: FromPath[str], book: NamedDependency[Book]) -> Agreement:
    """A buyer takes an agreement back."""
    with book.store.writing():
        return end_agreement(book, agreement_no)


@post("/forex-trades", status_code=200, sync_to_thread=False)
def add_forex_trade(
    data: JSONBody[NewForexTrade], book: NamedDependency[Book], partners: NamedDependency[Partners]
) -> ForexTrade:
    """What create_forex_trade does in a browser: a trade of the online product, which waits for its buyer."""
    _known(partners, data.partner)
    if bool(data.total_fee) == bool(data.rmb_fee):
        raise Invalid("Price the trade by total_fee or by rmb_fee, not both.")
    amount = Money.parse(data.total_fee or data.rmb_fee, data.currency if data.total_fee else CNY)
    trade = forex.open_trade(
        book, data.partner, data.out_trade_no, data.subject, amount, data.currency, data.buyer_id, data.notify_url
    )
    return ForexTrade(trade.out_trade_no, trade.trade_no, trade.status.value)


def _known(partners: Partners, partner: str) -> None:
    if partners.find(partner) is None:
        raise NotFound(f"There is no partner {partner!r} here.")


handlers: Final[list[Any]] = [add_agreement, cancel_agreement, add_forex_trade]
