"""Cancel, close and refund: the three ways back, each with its own window and its own repeat rule.

Cancel undoes today's attempt whatever its state, also one that never became a trade; close needs an unpaid trade;
refund needs a paid one and never moves money twice for one refund number
(https://docs.antom.com/ac/global/acquire_cancel, https://docs.antom.com/ac/global/spot_refund)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saoma.kit.money import Money
from saoma.sandbox import lifetimes
from saoma.sandbox.book.model import Order, Product, Refund, Trade, TradeStatus
from saoma.sandbox.book.trades import Book, TurnedDown


@dataclass(frozen=True, slots=True)
class Undone:
    """A cancel that is certain. `action` is `close`, `refund`, or empty where there was no trade."""

    action: str
    trade_no: str = ""


def cancel(book: Book, partner: str, number: str, trade_no: str = "", *, until: datetime | None = None) -> Undone:
    """Undo one payment attempt. Raises `TurnedDown` where repeating won't help, or `until` (the Beijing day) is over.

    A number that is cancelled before its payment arrives is spent: the late payment is refused."""
    with book.moving() as now:
        trade = book.find(partner, number, trade_no)
        if trade is None:
            if trade_no:
                raise TurnedDown("TRADE_NOT_EXIST")
            return _spend_number(book, partner, number, now)
        match trade.status:
            case TradeStatus.TRADE_CLOSED if trade.close_reason == "refunded":
                raise TurnedDown("REASON_TRADE_REFUND_FEE_ERR")
            case TradeStatus.TRADE_CLOSED:
                return Undone("refund" if trade.paid_at else "close", trade.trade_no)
            case TradeStatus.TRADE_FINISHED:
                raise TurnedDown("TRADE_HAS_FINISHED")
            case _ if not (now <= until if until else lifetimes.can_cancel(trade.created_at, now)):
                raise TurnedDown("TRADE_CANCEL_TIME_OUT")
            case TradeStatus.TRADE_SUCCESS if trade.refunded:
                raise TurnedDown("REASON_TRADE_REFUND_FEE_ERR")
            case TradeStatus.TRADE_SUCCESS:
                _return_all(book, trade, "cancelled", now)
                return Undone("refund", trade.trade_no)
            case _:
                book.shut(trade, "cancelled", now)
                return Undone("close", trade.trade_no)


def reverse(book: Book, partner: str, number: str) -> Trade:
    """Undo one payment of today that was made: the legacy way. Raises `TurnedDown`."""
    with book.moving() as now:
        trade = book.find(partner, number)
        if trade is None:
            raise TurnedDown("TRADE_NOT_EXIST")
        match trade.status:
            case TradeStatus.TRADE_CLOSED if trade.close_reason == "reversed":
                return trade
            case TradeStatus.TRADE_CLOSED:
                raise TurnedDown("TRADE_HAS_CLOSE")
            case TradeStatus.TRADE_FINISHED:
                raise TurnedDown("TRADE_HAS_FINISHED")
            case TradeStatus.WAIT_BUYER_PAY | TradeStatus.ORDERED:
                raise TurnedDown("TRADE_STATUS_ERROR")
            case TradeStatus.TRADE_SUCCESS:
                if not lifetimes.can_cancel(trade.created_at, now):
                    raise TurnedDown("TRADE_CANCEL_TIME_OUT")
                if trade.refunded:
                    raise TurnedDown("REASON_TRADE_REFUND_FEE_ERR")
                _return_all(book, trade, "reversed", now)
                return trade


def _return_all(book: Book, trade: Trade, reason: str, now: datetime) -> None:
    book.give_back(trade, trade.cny)
    trade.status, trade.closed_at, trade.close_reason = TradeStatus.TRADE_CLOSED, now, reason
    trade.refunded, trade.refunded_cny = trade.amount, trade.cny
    book.keep(trade)
    book.tell(trade, "reverseAction", None)


def close(book: Book, partner: str, number: str, trade_no: str = "") -> Trade:
    """Close an unpaid trade. Raises `TurnedDown`."""
    with book.moving() as now:
        trade = book.find(partner, number, trade_no)
        if trade is None:
            raise TurnedDown("TRADE_NOT_EXIST")
        if trade.status is TradeStatus.TRADE_CLOSED and not trade.paid_at:
            return trade
        if not trade.is_waiting:
            raise TurnedDown("TRADE_STATUS_ERROR")
        book.shut(trade, "closed", now)
        return trade


def refund(
    book: Book,
    partner: str,
    number: str,
    trade_no: str,
    refund_no: str,
    amount: Money,
    *,
    reason: str = "",
    sync: bool = False,
    notify_url: str = "",
    stale: str = "TRADE_HAS_FINISHED",
) -> tuple[Trade, Refund]:
    """Give money back, now (`sync`) or when Alipay's batch runs. Raises `TurnedDown`, `stale` after the refund period.

    The same number with the same amount tells of the first refund; no money moves again."""
    with book.moving() as now:
        trade = book.find(partner, number, trade_no)
        if trade is None:
            raise TurnedDown("TRADE_NOT_EXIST")
        known = book.refunds.get((partner, refund_no))
        if known is not None:
            if known.out_trade_no != trade.out_trade_no or known.amount != amount.minor:
                raise TurnedDown("DISCORDANT_REPEAT_REQUEST")
            return trade, known
        match trade.status:
            case TradeStatus.TRADE_SUCCESS:
                pass
            case TradeStatus.TRADE_CLOSED:
                raise TurnedDown("TRADE_HAS_CLOSE")
            case TradeStatus.TRADE_FINISHED:
                raise TurnedDown(stale)
            case _:
                raise TurnedDown("TRADE_STATUS_ERROR")
        contract = book.contract(partner)
        if sync and book.choices.sync_refund_pause and lifetimes.pauses_sync_refunds(now):
            raise TurnedDown("SYSTEM_ERROR")
        if sync and contract is not None and contract.out_of_funds:
            raise TurnedDown("SELLER_BALANCE_NOT_ENOUGH")
        if trade.refunded + amount.minor > trade.amount:
            raise TurnedDown("RETURN_AMOUNT_EXCEED")
        done = Refund(
            partner=partner, out_trade_no=trade.out_trade_no, refund_no=refund_no, amount=amount.minor,
            cny=share_of(trade, amount.minor), state="PROCESSING", created_at=now, reason=reason,
            notify_url=notify_url,
        )  # fmt: skip
        # promised money counts at once, so that two refunds under way can't exceed the payment together
        trade.refunded += done.amount
        trade.refunded_cny += done.cny
        book.keep(trade)
        book.add_refund(done)
        if sync:
            book.carry_out(done, now, quietly=True)
        else:
            done.due_at = lifetimes.refund_due(trade.paid_at or now, now, hk=contract is not None and contract.is_hk)
            book.keep_refund(done)
            book.schedule(done.due_at, "refund", done)
        return trade, done


def share_of(trade: Trade, minor: int) -> int:
    """The CNY side of a refund by the payment's own rate; the last partial refund takes the remainder."""
    if trade.refunded + minor == trade.amount:
        return trade.cny - trade.refunded_cny
    exact = trade.cny * minor
    rounded = (2 * exact + trade.amount) // (2 * trade.amount)
    return min(rounded, trade.cny - trade.refunded_cny)


def _spend_number(book: Book, partner: str, number: str, now: datetime) -> Undone:
    known = book.trades.get((partner, number))
    if known is None:
        nothing = Order(partner, number, Product.NONE, "", Money.zero("CNY"), "CNY")
        known = book.new_trade(nothing, now)
    if known.status is not TradeStatus.TRADE_CLOSED:
        book.shut(known, "cancelled", now)
    return Undone("")
