"""Whatever partners, buyers and the clock do in whatever order, no fen appears or disappears."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from saoma.kit.clock import BEIJING, MovableClock
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox.model import Product, Trade, TradeStatus
from saoma.sandbox.store import Store
from saoma.sandbox.trades import Book, TurnedDown
from saoma.sandbox.undoing import cancel, close, refund, reverse
from tests.sandbox.make import PARTNER, order

BUYERS = ("anna", "ben", "chen")
NUMBERS = st.sampled_from([f"N-{number}" for number in range(4)])
WHO = st.sampled_from(BUYERS)
CENTS = st.integers(1, 4_000)
FINAL = (TradeStatus.TRADE_CLOSED, TradeStatus.TRADE_FINISHED)
UNDONE = ("cancelled", "reversed")


class BookMachine(RuleBasedStateMachine):
    """A little before Beijing midnight, three buyers with little money, four order numbers that everybody reuses."""

    trades = Bundle("trades")

    def __init__(self) -> None:
        super().__init__()
        self.start = datetime(2024, 1, 5, 23, 40, tzinfo=BEIJING)
        self.store = Store()
        self.book = Book(MovableClock(self.start), self.store)
        for buyer in BUYERS:
            self.book.add_buyer(buyer, balance=Money(600_00, "CNY"), pin_required=buyer == "chen")
        self.wealth = sum(buyer.balance for buyer in self.book.buyers())
        self.cancelled: set[str] = set()
        self.ends: dict[str, TradeStatus] = {}
        self.told: dict[str, list[str]] = {}
        self.book.tell = lambda trade, action, _refund: self.told.setdefault(trade.trade_no, []).append(action)

    @rule(
        target=trades,
        number=NUMBERS,
        buyer=WHO,
        cents=CENTS,
        magic=st.sampled_from(["", "90", "91"]),
    )
    def pays_by_code(self, number: str, buyer: str, cents: int, magic: str) -> object:
        code = self.book.new_payment_code(buyer).code
        code = code[:-2] + magic if magic else code
        try:
            trade = self.book.pay_by_code(order(number, f"{cents / 100:.2f}"), code)
        except TurnedDown:
            return multiple()
        assert number not in self.cancelled
        paid = self.book.buyer(buyer).balance
        assert self.book.pay_by_code(order(number, f"{cents / 100:.2f}"), code) is trade
        assert self.book.buyer(buyer).balance == paid
        return trade.trade_no

    @rule(target=trades, number=NUMBERS, buyer=WHO, cents=CENTS)
    def opens_for_a_wallet(self, number: str, buyer: str, cents: int) -> object:
        wanted = order(
            number, f"{cents / 100:.2f}", Product.WALLET_PAGE, expires_at=self.book.clock.now() + timedelta(minutes=9)
        )
        try:
            return self.book.create(wanted, self.book.buyer(buyer).user_id).trade_no
        except TurnedDown:
            return multiple()

    @rule(target=trades, number=NUMBERS, buyer=WHO, cents=CENTS)
    def places_and_scans(self, number: str, buyer: str, cents: int) -> object:
        try:
            placed = self.book.place(order(number, f"{cents / 100:.2f}", Product.ORDER_CODE))
            return self.book.scan(self.book.code_url(placed.qr_token), buyer).trade_no
        except (TurnedDown, Refused):
            return multiple()

    @rule(trade_no=trades, buyer=WHO, pin=st.sampled_from(["123456", "111111"]))
    def confirms(self, trade_no: str, buyer: str, pin: str) -> None:
        with suppress(Refused):
            trade = self.book.pay(trade_no, buyer, pin)
            assert pin == "123456"
            assert trade.buyer_id == buyer

    @rule(trade_no=trades, buyer=WHO)
    def refuses(self, trade_no: str, buyer: str) -> None:
        with suppress(Refused):
            self.book.refuse(trade_no, buyer)

    @rule(number=NUMBERS)
    def cancels(self, number: str) -> None:
        with suppress(TurnedDown):
            undone = cancel(self.book, PARTNER, number)
            self.cancelled.add(number)
            assert cancel(self.book, PARTNER, number) == undone

    @rule(number=NUMBERS)
    def reverses(self, number: str) -> None:
        with suppress(TurnedDown):
            trade = reverse(self.book, PARTNER, number)
            self.cancelled.add(number)
            assert reverse(self.book, PARTNER, number) is trade

    @rule(number=NUMBERS)
    def closes(self, number: str) -> None:
        with suppress(TurnedDown):
            close(self.book, PARTNER, number)

    @rule(trade_no=trades, refund_no=st.sampled_from(["R-1", "R-2", "R-3", "R-4"]), cents=CENTS, sync=st.booleans())
    def refunds(self, trade_no: str, refund_no: str, cents: int, sync: bool) -> None:  # noqa: FBT001
        with suppress(TurnedDown):
            refund(self.book, PARTNER, "", trade_no, refund_no, Money(cents, "USD"), sync=sync)

    @rule(trade_no=trades, parts=st.integers(1, 7), sync=st.booleans())
    def refunds_a_part_of_what_is_left(self, trade_no: str, parts: int, sync: bool) -> None:  # noqa: FBT001
        trade = self.book.trade(trade_no)
        if left := trade.amount - trade.refunded:
            refund_no = f"L-{trade_no}-{left}-{parts}"
            with suppress(TurnedDown):
                refund(self.book, PARTNER, "", trade_no, refund_no, Money(-(-left // parts), "USD"), sync=sync)

    @rule(minutes=st.sampled_from([0.1, 1, 3, 12, 60, 1440]))
    def time_passes(self, minutes: float) -> None:
        self.book.advance(timedelta(minutes=minutes))

    @rule()
    def the_process_dies_and_comes_back(self) -> None:
        clock = MovableClock(self.start)
        again = Book(clock, self.store)
        assert again.clock.now() == self.book.clock.now()
        assert again.trades == self.book.trades
        assert again.refunds == self.book.refunds
        assert {b.id: b.balance for b in again.buyers()} == {b.id: b.balance for b in self.book.buyers()}
        again.tell = self.book.tell
        self.book = again

    @invariant()
    def no_fen_is_made_or_lost(self) -> None:
        given_back = sum(one.cny for one in self.book.refunds.values() if one.state == "SUCCESS")
        undone = sum(trade.cny for trade in self.paid() if trade.close_reason in UNDONE)
        takings = sum(trade.cny for trade in self.paid()) - given_back - undone
        assert sum(buyer.balance for buyer in self.book.buyers()) + takings == self.wealth
        assert takings >= 0
        assert all(buyer.balance >= 0 for buyer in self.book.buyers())

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        for trade in self.book.trades.values():
            assert sum(one.amount for one in self.book.refunds_of(trade)) <= trade.amount
            assert 0 <= trade.refunded <= trade.amount
            assert 0 <= trade.refunded_cny <= trade.cny
            assert (trade.refunded == trade.amount) == (trade.refunded_cny == trade.cny) or not trade.amount
            if trade.close_reason in UNDONE and trade.paid_at:
                assert trade.refunded == trade.amount
                assert not self.book.refunds_of(trade)

    @invariant()
    def what_is_final_stays_final(self) -> None:
        for trade in self.book.trades.values():
            if trade.status in FINAL:
                assert self.ends.setdefault(trade.out_trade_no, trade.status) is trade.status

    @invariant()
    def every_payment_is_told_once(self) -> None:
        for trade in self.paid():
            assert self.told[trade.trade_no].count("payByAccountAction") == 1

    def paid(self) -> list[Trade]:
        return [trade for trade in self.book.trades.values() if trade.paid_at]


BookMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
TestBookMachine = BookMachine.TestCase
