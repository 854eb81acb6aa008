"""Cancel, close and refund: their windows on Alipay's own clock, and what a repeat means."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from saoma.kit.clock import BEIJING
from saoma.kit.money import Money
from saoma.sandbox.book.model import Product, Trade, TradeStatus
from saoma.sandbox.book.trades import Book, TurnedDown
from saoma.sandbox.book.undoing import Undone, cancel, close, refund
from tests.sandbox.make import CODE, LUNCH, PARTNER, book, order

EVENING = datetime(2024, 1, 5, 23, 50, tzinfo=BEIJING)


def paid(at: datetime = LUNCH, amount: str = "12.50") -> tuple[Book, Trade]:
    here = book(at)
    return here, here.pay_by_code(order(amount=amount), CODE)


def give_back(here: Book, refund_no: str, minor: int, number: str = "POS-1", *, sync: bool = True) -> None:
    refund(here, PARTNER, number, "", refund_no, Money(minor, "USD"), sync=sync)


def no_to_cancel(here: Book) -> str:
    with pytest.raises(TurnedDown) as no:
        cancel(here, PARTNER, "POS-1")
    return no.value.code


def no_to_refund(here: Book, refund_no: str, minor: int) -> str:
    with pytest.raises(TurnedDown) as no:
        give_back(here, refund_no, minor)
    return no.value.code


def test_cancelling_a_paid_trade_returns_the_whole_amount_once() -> None:
    here, trade = paid()
    before = here.buyer("alice").balance
    assert [cancel(here, PARTNER, "POS-1") for _ in range(3)] == [Undone("refund", trade.trade_no)] * 3
    assert here.buyer("alice").balance == before + 88_75
    assert (trade.status, trade.refunded) == (TradeStatus.TRADE_CLOSED, 1250)
    assert [message.kind for message in here.messages("alice")].count("returned") == 1


def test_cancelling_a_waiting_trade_closes_it_and_the_buyer_can_no_longer_pay() -> None:
    here = book()
    trade = here.pay_by_code(order(), CODE, hold=True)
    assert cancel(here, PARTNER, "", trade.trade_no) == Undone("close", trade.trade_no)
    assert trade.status is TradeStatus.TRADE_CLOSED


def test_a_payment_that_arrives_after_its_cancel_is_refused() -> None:
    here = book()
    assert cancel(here, PARTNER, "POS-1") == Undone("")
    with pytest.raises(TurnedDown, match="TRADE_HAS_CLOSE"):
        here.pay_by_code(order(), CODE)
    assert here.find(PARTNER, "POS-1") is None
    assert here.all_trades() == []


def test_a_cancelled_order_code_is_worthless() -> None:
    here = book()
    placed = here.place(order(product=Product.ORDER_CODE))
    cancel(here, PARTNER, "POS-1")
    with pytest.raises(Exception, match="closed"):
        here.scan(here.code_url(placed.qr_token), "anna")


def test_an_unknown_trade_number_cannot_be_cancelled() -> None:
    with pytest.raises(TurnedDown, match="TRADE_NOT_EXIST"):
        cancel(book(), PARTNER, "POS-1", "2024010521001000000000000009")


@pytest.mark.parametrize(("after", "can"), [(timedelta(minutes=24, seconds=59), True), (timedelta(minutes=25), False)])
def test_the_cancel_window_ends_a_quarter_of_an_hour_after_beijing_midnight(after: timedelta, can: bool) -> None:  # noqa: FBT001
    here, trade = paid(EVENING)
    here.advance(after)
    if can:
        assert cancel(here, PARTNER, "POS-1") == Undone("refund", trade.trade_no)
    else:
        assert no_to_cancel(here) == "TRADE_CANCEL_TIME_OUT"


def test_a_cancel_that_worked_stays_a_success_after_the_window() -> None:
    here, trade = paid(EVENING)
    cancel(here, PARTNER, "POS-1")
    here.advance(timedelta(days=3))
    assert cancel(here, PARTNER, "POS-1") == Undone("refund", trade.trade_no)


@pytest.mark.parametrize("minor", [250, 1250])
def test_what_was_refunded_even_in_part_cannot_be_cancelled(minor: int) -> None:
    here, _ = paid()
    give_back(here, "R-1", minor)
    assert no_to_cancel(here) == "REASON_TRADE_REFUND_FEE_ERR"


def test_refunds_add_up_to_the_payment_and_no_further() -> None:
    here, trade = paid()
    before = here.buyer("alice").balance
    for number, minor in (("R-1", 1), ("R-2", 1), ("R-3", 1247)):
        give_back(here, number, minor)
    assert trade.status is TradeStatus.TRADE_SUCCESS
    assert no_to_refund(here, "R-4", 2) == "RETURN_AMOUNT_EXCEED"
    give_back(here, "R-5", 1)
    assert (trade.status, trade.close_reason) == (TradeStatus.TRADE_CLOSED, "refunded")
    assert here.buyer("alice").balance == before + 88_75
    assert no_to_refund(here, "R-6", 1) == "TRADE_HAS_CLOSE"


def test_the_last_part_takes_the_remainder_so_that_the_buyer_gets_every_fen_back() -> None:
    here, trade = paid(amount="0.10")
    before = here.buyer("alice").balance
    for number in range(10):
        give_back(here, f"R-{number}", 1)
    assert [one.cny for one in here.refunds_of(trade)] == [7] * 9 + [8]
    assert here.buyer("alice").balance == before + trade.cny == before + 71


def test_a_refund_number_moves_money_once_and_means_one_amount() -> None:
    here, trade = paid()
    for _ in range(3):
        give_back(here, "R-1", 250)
    assert trade.refunded == 250
    assert no_to_refund(here, "R-1", 251) == "DISCORDANT_REPEAT_REQUEST"


def test_a_refund_number_belongs_to_one_order() -> None:
    here, _ = paid()
    here.pay_by_code(order("POS-2"), CODE)
    give_back(here, "R-1", 250)
    with pytest.raises(TurnedDown, match="DISCORDANT_REPEAT_REQUEST"):
        give_back(here, "R-1", 250, "POS-2")


def test_only_what_is_paid_can_be_refunded() -> None:
    here = book()
    with pytest.raises(TurnedDown, match="TRADE_NOT_EXIST"):
        give_back(here, "R-1", 1)
    here.pay_by_code(order(), CODE, hold=True)
    assert no_to_refund(here, "R-1", 1) == "TRADE_STATUS_ERROR"


def test_after_the_refund_period_nothing_can_be_refunded_or_cancelled() -> None:
    here, _ = paid()
    here.advance(timedelta(days=366))
    assert no_to_refund(here, "R-1", 1) == "TRADE_HAS_FINISHED"
    assert no_to_cancel(here) == "TRADE_HAS_FINISHED"


def test_a_finished_trade_stays_finished_when_a_refund_of_the_last_day_is_carried_out() -> None:
    here, trade = paid()
    here.advance(timedelta(days=364, hours=23))
    give_back(here, "R-1", 1250, sync=False)
    here.advance(timedelta(days=1))
    assert trade.status is TradeStatus.TRADE_FINISHED
    assert here.refunds[PARTNER, "R-1"].state == "SUCCESS"
    assert no_to_refund(here, "R-2", 1) == "TRADE_HAS_FINISHED"


def test_an_asynchronous_refund_of_today_comes_soon_and_is_promised_at_once() -> None:
    here, trade = paid()
    before = here.buyer("alice").balance
    give_back(here, "R-1", 1250, sync=False)
    assert no_to_refund(here, "R-2", 1) == "RETURN_AMOUNT_EXCEED"
    assert (here.buyer("alice").balance, trade.status) == (before, TradeStatus.TRADE_SUCCESS)
    here.advance(timedelta(seconds=5))
    assert (here.buyer("alice").balance, trade.status) == (before + 88_75, TradeStatus.TRADE_CLOSED)


def test_an_asynchronous_refund_of_an_older_day_waits_for_the_night() -> None:
    here, _ = paid()
    here.advance(timedelta(days=1))
    give_back(here, "R-1", 250, sync=False)
    (waiting,) = here.refunds.values()
    assert waiting.due_at == datetime(2024, 1, 6, 23, 0, tzinfo=BEIJING)
    here.advance(timedelta(hours=11))
    assert waiting.state == "SUCCESS"


def test_closing_needs_an_unpaid_trade() -> None:
    here, _ = paid()
    with pytest.raises(TurnedDown, match="TRADE_STATUS_ERROR"):
        close(here, PARTNER, "POS-1")
    with pytest.raises(TurnedDown, match="TRADE_NOT_EXIST"):
        close(here, PARTNER, "POS-2")
    here.pay_by_code(order("POS-3"), CODE, hold=True)
    assert [close(here, PARTNER, "POS-3").status for _ in range(2)] == [TradeStatus.TRADE_CLOSED] * 2
