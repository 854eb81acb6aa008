"""A buyer's wallet over the book: what is shown before paying, how paying ends, and what money moved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.errors import Invalid, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.sandbox.book import undoing
from saoma.sandbox.book.buyers import CODE_LENGTHS
from saoma.sandbox.book.model import Product, TradeStatus
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book, TurnedDown
from saoma.sandbox.choices import Choices
from saoma.sandbox.wallet.wallets import BillState, Declined, Paid, SaidNo, Wallet, WrongPin, result_code
from tests.sandbox.wallet.make import NOON, PARTNER, book, order, shop_code

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


def test_five_wrong_pins_in_a_row_lock_the_pin_for_three_hours() -> None:
    there = book()
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    for left in (4, 3, 2, 1):
        wrong = wallet.pay("000000", trade_no=trade.trade_no)
        assert isinstance(wrong, WrongPin) and wrong.refusal.values == {"left": left}
    fifth = wallet.pay("000000", trade_no=trade.trade_no)
    assert isinstance(fifth, WrongPin) and fifth.locked and wallet.pin_is_locked
    right = wallet.pay(PIN, trade_no=trade.trade_no)
    assert isinstance(right, WrongPin) and right.locked
    there.advance(timedelta(hours=3))
    assert isinstance(wallet.pay(PIN, trade_no=trade.trade_no), Paid)
    assert [message.kind for message in there.messages("amy")] == ["paid", "pin_locked"]


def test_a_right_pin_forgets_the_wrong_ones_before_it() -> None:
    there = book()
    wallet = Wallet(there, "amy")
    for number in ("A-1", "A-2"):
        trade = there.create(order(number), there.buyer("amy").user_id)
        for _ in range(4):
            assert isinstance(wallet.pay("000000", trade_no=trade.trade_no), WrongPin)
        assert isinstance(wallet.pay(PIN, trade_no=trade.trade_no), Paid)


def test_how_many_wrong_pins_lock_and_for_how_long_is_a_choice() -> None:
    there = Book(MovableClock(NOON), choices=Choices(wrong_pins=1, pin_lock_hours=0.5))
    there.add_buyer("amy")
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    assert isinstance(wallet.pay("000000", trade_no=trade.trade_no), WrongPin) and wallet.pin_is_locked
    there.advance(timedelta(minutes=31))
    assert not wallet.pin_is_locked


def test_a_locked_pin_and_its_message_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "book")
    there = Book(MovableClock(NOON), store)
    there.add_buyer("amy")
    trade = there.create(order(), there.buyer("amy").user_id)
    for _ in range(5):
        Wallet(there, "amy").pay("000000", trade_no=trade.trade_no)
    store.close()
    again = Book(MovableClock(NOON), Store(tmp_path / "book"))
    assert Wallet(again, "amy").pin_is_locked
    assert "pin_locked" in {message.kind for message in again.messages("amy")}


def test_a_new_pin_wants_both_answers_and_a_text_message_serves_once() -> None:
    there = book()
    amy = there.buyer("amy")
    identity = amy.user_id[-4:]
    with pytest.raises(NotAllowed):
        there.recovery.send_text(amy, "0000")
    with pytest.raises(NotAllowed):
        there.recovery.change_pin(amy, identity, "", "654321")
    text = there.recovery.send_text(amy, identity)
    with pytest.raises(NotAllowed):
        there.recovery.change_pin(amy, "0000", text, "654321")
    with pytest.raises(Invalid):
        there.recovery.change_pin(amy, identity, text, "65432")
    there.recovery.change_pin(amy, identity, text, "654321")
    assert amy.pin == "654321"
    with pytest.raises(NotAllowed):
        there.recovery.change_pin(amy, identity, text, "111111")
    late = there.recovery.send_text(amy, identity)
    there.advance(timedelta(minutes=10))
    with pytest.raises(NotAllowed):
        there.recovery.check_text(amy, identity, late)
    assert amy.pin == "654321"


@pytest.mark.parametrize("digits", CODE_LENGTHS)
def test_a_code_of_any_length_pays_once_and_those_before_it_stay_good(digits: int) -> None:
    there = book()
    Wallet(there, "amy").change_habits(code_digits=digits)
    first, second = there.new_payment_code("amy").code, there.new_payment_code("amy").code
    assert len(first) == len(second) == digits and int(first[-2:]) < 90
    for number, code in (("A-1", second), ("A-2", first)):
        assert there.pay_by_code(order(number, product=Product.BARCODE), code).status is TradeStatus.TRADE_SUCCESS
    with pytest.raises(TurnedDown, match="SOUNDWAVE_PARSER_FAIL"):
        there.pay_by_code(order("A-3", product=Product.BARCODE), first)
    # its last two digits changed, it still belongs to her
    slow = there.pay_by_code(order("A-4", product=Product.BARCODE), there.new_payment_code("amy").code[:-2] + "91")
    assert slow.is_waiting and slow.buyer_id == "amy"


def test_a_till_that_was_turned_down_is_told_of_in_the_wallet() -> None:
    there = book(balance="10")
    with pytest.raises(TurnedDown):
        there.pay_by_code(order(product=Product.BARCODE), there.new_payment_code("amy").code)
    (told,) = there.messages("amy")
    assert (told.kind, told.code, told.merchant) == ("declined", "BUYER_BALANCE_NOT_ENOUGH", "Noodle House 面馆")
    assert (told.amount, told.cny) == (Money(3650, "USD"), Money(25915, "CNY"))


def test_who_is_turned_down_after_the_pin_finds_it_among_the_messages_too() -> None:
    there = book(balance="10")
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    assert isinstance(wallet.pay(PIN, trade_no=trade.trade_no), Declined)
    assert isinstance(wallet.pay(PIN, code=shop_code(there).qrcode, amount="20"), Declined)
    told = [one for one in there.messages("amy") if one.kind == "declined"]
    assert {one.amount for one in told} == {Money(3650, "USD"), Money(2000, "USD")}
    assert {(one.code, one.merchant) for one in told} == {("BUYER_BALANCE_NOT_ENOUGH", "Noodle House 面馆")}
    assert there.buyer("amy").balance == 1000 and trade.is_waiting


def test_a_bill_tells_what_came_back() -> None:
    there = book()
    wallet = Wallet(there, "amy")
    trades = [there.create(order(f"A-{number}"), there.buyer("amy").user_id) for number in range(4)]
    for trade in trades[:3]:
        wallet.pay(PIN, trade_no=trade.trade_no)
    undoing.refund(there, PARTNER, trades[1].out_trade_no, "", "R-1", Money(1000, "USD"), sync=True)
    undoing.cancel(there, PARTNER, trades[2].out_trade_no)
    states = [wallet.bill(trade.trade_no).state for trade in trades]
    assert states == [BillState.PAID, BillState.PART_REFUNDED, BillState.UNDONE, BillState.WAITING]
    assert wallet.bill(trades[1].trade_no).returned == Money(7100, "CNY")
    assert wallet.bill(trades[2].trade_no).returned == Money(25915, "CNY")
    assert {bill.trade.trade_no for bill in wallet.bills()} == {trade.trade_no for trade in trades}
    with pytest.raises(NotFound):
        Wallet(there, "ben").bill(trades[0].trade_no)


def test_topping_up_makes_it_just_affordable_in_whole_hundreds() -> None:
    there = book(balance="10")
    trade = there.create(order(), there.buyer("amy").user_id)
    wallet = Wallet(there, "amy")
    assert wallet.asked(trade_no=trade.trade_no).top_up == Money(300_00, "CNY")
    wallet.top_up(Money(300_00, "CNY"))
    asked = wallet.asked(trade_no=trade.trade_no)
    assert asked.is_affordable and asked.top_up.minor == 0
