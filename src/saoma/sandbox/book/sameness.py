"""Is a repeated order number the same order? The key is partner + number; the content must agree.

The barcode page gives the state of a paid trade for an identical repeat, the code list has TRADE_HAS_SUCCESS; a
client must live with both, so which one it meets depends on the payment code being the same or not
(https://docs.antom.com/ac/globalbarcode/practice)."""

from __future__ import annotations

from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Buyer, Order, Product, Trade, TradeStatus


def check_same(known: Trade, order: Order, buyer: Buyer | None) -> None:
    """Raises `TurnedDown` where a known number comes back with another buyer or other key data."""
    if known.product is Product.NONE:
        raise TurnedDown("TRADE_HAS_CLOSE")
    if buyer is not None and known.buyer_id and known.buyer_id != buyer.id:
        raise TurnedDown("TRADE_BUYER_NOT_MATCH")
    same = (known.product, known.subject, known.amount, known.trans_currency, known.currency) == (
        order.product, order.subject, order.amount.minor, order.amount.currency, order.currency,
    )  # fmt: skip
    if not same:
        raise TurnedDown("CONTEXT_INCONSISTENT")


def check_open(known: Trade, order: Order, buyer: Buyer | None) -> None:
    """Raises `TurnedDown` unless the known number is the same order and still unpaid."""
    check_same(known, order, buyer)
    match known.status:
        case TradeStatus.TRADE_SUCCESS | TradeStatus.TRADE_FINISHED:
            raise TurnedDown("TRADE_HAS_SUCCESS")
        case TradeStatus.TRADE_CLOSED:
            raise TurnedDown("TRADE_HAS_CLOSE")
        case TradeStatus.ORDERED | TradeStatus.WAIT_BUYER_PAY:
            return


def check_repeated_pay(known: Trade, order: Order, buyer: Buyer, code: str, repeated_pay: str) -> None:
    """Raises `TurnedDown` unless a repeated barcode payment may be told the real state of the trade.

    What a paid number is told is one of `Choices.repeated_pay`."""
    check_same(known, order, buyer)
    if known.status in (TradeStatus.TRADE_CLOSED, TradeStatus.ORDERED):
        raise TurnedDown("TRADE_HAS_CLOSE")
    told = repeated_pay == "success" or (repeated_pay == "same_code" and known.code == code)
    if not (known.is_waiting or told):
        raise TurnedDown("TRADE_HAS_SUCCESS")
