"""A buyer's wallet over the book: what is shown before paying, how paying ends, and what money moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.kit.errors import Invalid, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.sandbox.model import Product, TradeStatus
from saoma.sandbox.wallets import Declined, Paid, SaidNo, Wallet, WrongPin, result_code
from tests.sandbox.wallet.make import book, order, shop_code

PIN = "123456"


def test_the_sheet_shows_both_currencies_and_paying_debits_the_yuan() -> None:
    there = book()
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    asked = wallet.asked(trade_no=trade.trade_no)
    assert (asked.amount, asked.cny) == (Money(3650, "USD"), Money(25915, "CNY"))
    assert (asked.merchant, asked.rate_text, asked.is_foreign, asked.is_affordable) == (
        "Noodle House 面馆",
        "7.10",
        True,
        True,
    )
    ending = wallet.pay(PIN, trade_no=trade.trade_no)
    assert ending == Paid("Noodle House 面馆", Money(3650, "USD"), Money(25915, "CNY"), Money(474085, "CNY"))
    assert result_code(ending) == "9000"
    assert trade.status is TradeStatus.TRADE_SUCCESS


def test_a_wrong_pin_moves_nothing_and_asks_again() -> None:
    there = book()
    trade = there.create(order(), there.buyer("amy").user_id)
    assert isinstance(Wallet(there, "amy").pay("000000", trade_no=trade.trade_no), WrongPin)
    assert trade.is_waiting and there.buyer("amy").balance == 500000


def test_too_little_money_is_declined_with_a_sentence() -> None:
    there = book(balance="10")
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    assert not wallet.asked(trade_no=trade.trade_no).is_affordable
    ending = wallet.pay(PIN, trade_no=trade.trade_no)
    assert isinstance(ending, Declined) and "not enough money" in str(ending.refusal)
    assert result_code(ending) == "4000"
    wallet.top_up(Money(1000_00, "CNY"))
    assert isinstance(wallet.pay(PIN, trade_no=trade.trade_no), Paid)
    assert there.buyer("amy").balance == 1010_00 - 25915


def test_nobody_is_shown_or_pays_another_buyers_trade() -> None:
    there = book()
    trade = there.create(order(), there.buyer("amy").user_id)
    with pytest.raises(NotAllowed):
        Wallet(there, "ben").asked(trade_no=trade.trade_no)
    assert isinstance(Wallet(there, "ben").pay(PIN, trade_no=trade.trade_no), Declined)
    assert there.buyer("ben").balance == 500000


def test_scanning_an_order_code_makes_the_trade_the_buyers_own() -> None:
    there = book()
    code = there.code_url(there.place(order()).qr_token)
    asked = Wallet(there, "amy").asked(code=code)
    assert asked.trade_no and there.trade(asked.trade_no).buyer_id == "amy"
    with pytest.raises(Refused):
        Wallet(there, "ben").asked(code=code)


def test_a_paid_order_can_not_be_asked_for_again() -> None:
    there = book()
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    wallet.pay(PIN, trade_no=trade.trade_no)
    with pytest.raises(Refused, match="already paid"):
        wallet.asked(trade_no=trade.trade_no)
    assert isinstance(wallet.pay(PIN, trade_no=trade.trade_no), Declined)
    assert there.buyer("amy").balance == 474085


def test_a_shops_code_takes_the_amount_that_was_typed() -> None:
    there = book()
    shop = shop_code(there)
    wallet = Wallet(there, "amy")
    assert wallet.asked(code=shop.qrcode, amount="12.5").amount == Money(1250, "USD")
    ending = wallet.pay(PIN, code=shop.qrcode, amount="12.5")
    assert isinstance(ending, Paid) and ending.cny == Money(8875, "CNY")
    for wrong in ("", "0", "0.00", "-5", "1.234", "lots"):
        with pytest.raises(Invalid):
            wallet.asked(code=shop.qrcode, amount=wrong)
    shop.status = "STOP"
    with pytest.raises(NotFound):
        wallet.asked(code=shop.qrcode, amount="1")


def test_refusing_a_tills_payment_closes_it() -> None:
    there = book()
    code = there.new_payment_code("ben").code
    trade = there.pay_by_code(order(product=Product.BARCODE), code)
    assert trade.is_waiting and there.pending_for("ben") == [trade]
    ending = Wallet(there, "ben").refuse(trade.trade_no)
    assert ending == SaidNo() and result_code(ending) == "6001"
    assert trade.status is TradeStatus.TRADE_CLOSED and there.pending_for("ben") == []


def test_a_trade_that_ran_out_of_time_can_not_be_paid() -> None:
    there = book()
    code = there.new_payment_code("ben").code
    trade = there.pay_by_code(order(product=Product.BARCODE), code)
    there.advance(timedelta(minutes=4))
    assert isinstance(Wallet(there, "ben").pay(PIN, trade_no=trade.trade_no), Declined)
    assert there.buyer("ben").balance == 500000


def test_what_no_book_knows_is_not_found() -> None:
    with pytest.raises(NotFound):
        Wallet(book(), "amy").asked(trade_no="20260302" + "0" * 20)
    with pytest.raises(NotFound):
        Wallet(book(), "nobody")


def test_changing_the_pin_habit_leaves_money_and_pin_alone() -> None:
    there = book()
    there.add_buyer("amy", pin="654321")
    Wallet(there, "amy").change_habits(pin_at_till=True)
    amy = there.buyer("amy")
    assert (amy.pin_required, amy.pin, amy.balance) == (True, "654321", 500000)
