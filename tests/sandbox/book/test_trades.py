"""Opening and paying trades: who pays, once, and what a repeated number means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.kit.errors import Conflict, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.sandbox.book.model import Product, TradeStatus, TradeToPay
from saoma.sandbox.book.trades import Book, TurnedDown
from tests.sandbox.make import ALICE, CODE, PARTNER, book, order


def turned_down(book: Book, code: str, *args: object, **changes: object) -> str:
    with pytest.raises(TurnedDown) as no:
        book.pay_by_code(order(*args, **changes), code)  # type: ignore[arg-type]
    return no.value.code


def test_a_payment_code_takes_the_money_of_its_owner() -> None:
    here = book()
    trade = here.pay_by_code(order(), here.new_payment_code("anna").code)
    assert trade.status is TradeStatus.TRADE_SUCCESS
    assert here.buyer("anna").balance_money == Money(500_00 - 88_75, "CNY")
    assert [message.kind for message in here.messages("anna")] == ["paid"]


def test_an_identical_repeat_tells_the_state_and_debits_nothing() -> None:
    here = book()
    code = here.new_payment_code("anna").code
    first = here.pay_by_code(order(), code)
    assert here.pay_by_code(order(), code) is first
    assert here.buyer("anna").balance == 500_00 - 88_75


def test_a_paid_number_with_a_fresh_code_of_the_same_buyer_has_success() -> None:
    here = book()
    here.pay_by_code(order(), here.new_payment_code("anna").code)
    assert turned_down(here, here.new_payment_code("anna").code) == "TRADE_HAS_SUCCESS"


def test_a_known_number_with_another_buyer_does_not_match() -> None:
    here = book()
    here.pay_by_code(order(), here.new_payment_code("anna").code)
    assert turned_down(here, CODE) == "TRADE_BUYER_NOT_MATCH"


@pytest.mark.parametrize("changes", [{"amount": "12.51"}, {"subject": "Other"}, {"currency": "SGD"}])
def test_a_known_number_with_other_content_is_inconsistent(changes: dict[str, str]) -> None:
    here = book()
    here.pay_by_code(order(), CODE)
    assert turned_down(here, CODE, **changes) == "CONTEXT_INCONSISTENT"


def test_one_number_space_holds_all_products() -> None:
    here = book()
    here.create(order(product=Product.WALLET_PAGE), ALICE)
    assert turned_down(here, CODE) == "CONTEXT_INCONSISTENT"


def test_two_partners_may_use_the_same_number() -> None:
    here = book()
    here.pay_by_code(order(), CODE)
    other = here.pay_by_code(order(partner="2088000000000002"), CODE)
    assert here.find(PARTNER, "POS-1") is not other
    assert here.find(PARTNER, trade_no=other.trade_no) is None


def test_a_code_pays_one_order_only() -> None:
    here = book()
    code = here.new_payment_code("anna").code
    here.pay_by_code(order(), code)
    assert turned_down(here, code, "POS-2") == "SOUNDWAVE_PARSER_FAIL"


def test_a_code_is_too_old_after_its_minute_and_a_breath() -> None:
    here = book()
    early, late = here.new_payment_code("anna").code, here.new_payment_code("anna").code
    here.clock.advance(timedelta(seconds=89))
    assert here.pay_by_code(order(), early).status is TradeStatus.TRADE_SUCCESS
    here.clock.advance(timedelta(seconds=2))
    assert turned_down(here, late, "POS-2") == "SOUNDWAVE_PARSER_FAIL"


@pytest.mark.parametrize("code", ["", "1234", "311234567890123456", "28123456789012345x", "2" * 30])
def test_digits_that_are_no_code_are_refused(code: str) -> None:
    assert turned_down(book(), code) == "SOUNDWAVE_PARSER_FAIL"


def test_codes_are_eighteen_digits_that_never_ask_for_trouble() -> None:
    here = book()
    codes = {here.new_payment_code("anna").code for _ in range(300)}
    assert len(codes) == 300
    assert all(len(code) == 18 and code.startswith("28") and code[-2:] < "90" for code in codes)


def test_a_twenty_four_digit_code_is_taken_whole() -> None:
    assert book().pay_by_code(order(), "301234567890123456789012").status is TradeStatus.TRADE_SUCCESS


def test_an_empty_wallet_pays_nothing_and_leaves_no_trade() -> None:
    here = book()
    assert turned_down(here, here.new_payment_code("anna").code, amount="99.00") == "BUYER_BALANCE_NOT_ENOUGH"
    assert here.find(PARTNER, "POS-1") is None


@pytest.mark.parametrize(
    ("digits", "word"),
    [
        ("92", "SOUNDWAVE_PARSER_FAIL"),
        ("93", "BUYER_BALANCE_NOT_ENOUGH"),
        ("94", "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"),
    ],
)
def test_the_last_two_digits_of_a_code_may_ask_for_a_refusal(digits: str, word: str) -> None:
    here = book()
    assert turned_down(here, CODE[:-2] + digits) == word
    mine = here.new_payment_code("anna").code
    assert turned_down(here, mine[:-2] + digits) == word


def test_a_slow_payer_pays_after_ten_seconds() -> None:
    here = book()
    trade = here.pay_by_code(order(), CODE[:-2] + "90")
    assert trade.status is TradeStatus.WAIT_BUYER_PAY
    here.advance(timedelta(seconds=9))
    assert trade.status is TradeStatus.WAIT_BUYER_PAY
    here.advance(timedelta(hours=5))
    assert trade.status is TradeStatus.TRADE_SUCCESS
    assert trade.paid_at == trade.created_at + timedelta(seconds=10)


def test_who_never_pays_sees_the_trade_closed_after_three_minutes() -> None:
    here = book()
    trade = here.pay_by_code(order(), CODE[:-2] + "91")
    here.advance(timedelta(seconds=179))
    assert trade.status is TradeStatus.WAIT_BUYER_PAY
    here.advance(timedelta(seconds=1))
    assert (trade.status, trade.close_reason) == (TradeStatus.TRADE_CLOSED, "timeout")
    assert turned_down(here, CODE[:-2] + "91") == "TRADE_HAS_CLOSE"


def test_a_buyer_who_wants_a_pin_is_asked_on_the_phone() -> None:
    here = book()
    here.add_buyer("chen", pin_required=True)
    trade = here.pay_by_code(order(), here.new_payment_code("chen").code)
    assert here.pending_for("chen") == [trade]
    with pytest.raises(NotAllowed, match="PIN"):
        here.pay(trade.trade_no, "chen", "000000")
    with pytest.raises(NotAllowed, match="Somebody else"):
        here.pay(trade.trade_no, "anna", "123456")
    here.pay(trade.trade_no, "chen", "123456")
    assert here.pending_for("chen") == []
    with pytest.raises(Conflict, match="already paid"):
        here.pay(trade.trade_no, "chen", "123456")


def test_refusing_closes_the_trade_for_good() -> None:
    here = book()
    trade = here.create(order(product=Product.WALLET_PAGE), here.buyer("anna").user_id)
    here.refuse(trade.trade_no, "anna")
    with pytest.raises(Conflict, match="closed"):
        here.pay(trade.trade_no, "anna", "123456")


def test_a_wallet_with_too_little_says_so_and_the_trade_goes_on_waiting() -> None:
    here = book()
    trade = here.create(order(amount="1000.00", product=Product.WALLET_PAGE), here.buyer("anna").user_id)
    with pytest.raises(Refused, match="not enough money"):
        here.pay(trade.trade_no, "anna", "123456")
    assert trade.status is TradeStatus.WAIT_BUYER_PAY


def test_an_unknown_buyer_gets_no_trade() -> None:
    with pytest.raises(TurnedDown, match="BUYER_NOT_EXIST"):
        book().create(order(product=Product.WALLET_PAGE), "2088123412341234")


def test_an_order_code_is_no_trade_until_somebody_scans_it() -> None:
    here = book()
    placed = here.place(order(product=Product.ORDER_CODE))
    url = here.code_url(placed.qr_token)
    assert here.find(PARTNER, "POS-1") is None
    seen = here.resolve(url)
    assert isinstance(seen, TradeToPay)
    assert (seen.trade_no, seen.amount) == ("", Money(1250, "USD"))
    trade = here.scan(url, "anna")
    assert here.find(PARTNER, "POS-1") is trade
    assert here.resolve(trade.trade_no) == here.resolve(url)
    with pytest.raises(NotAllowed, match="Somebody else"):
        here.scan(url, "alice")
    assert here.pay(trade.trade_no, "anna", "123456").status is TradeStatus.TRADE_SUCCESS


def test_an_order_code_that_is_too_old_cannot_be_scanned() -> None:
    here = book()
    placed = here.place(order(product=Product.ORDER_CODE, code_expires_at=here.clock.now() + timedelta(minutes=5)))
    here.advance(timedelta(minutes=5))
    with pytest.raises(Conflict, match="too old"):
        here.scan(here.code_url(placed.qr_token), "anna")


def test_a_trade_is_finished_when_its_refund_period_is_over() -> None:
    here = book()
    trade = here.pay_by_code(order(), CODE)
    here.advance(timedelta(days=364, hours=23))
    assert trade.status is TradeStatus.TRADE_SUCCESS
    here.advance(timedelta(hours=1))
    assert trade.status is TradeStatus.TRADE_FINISHED


def test_a_foreign_price_is_settled_at_the_rate_of_the_trade() -> None:
    here = book()
    trade = here.pay_by_code(order(trans_currency="CNY", currency="USD", amount="71.00"), CODE)
    assert (trade.cny, trade.settle_amount) == (71_00, 10_00)


def test_nonsense_leads_nowhere() -> None:
    here = book()
    assert here.resolve("hello") is None
    assert here.resolve("2024010521001000000000000009") is None
    with pytest.raises(NotFound):
        here.scan("https://example.com/", "anna")
    with pytest.raises(NotFound):
        here.trade("1")
