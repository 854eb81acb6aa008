"""Whatever partners, buyers and the clock do in whatever order, no fen appears or disappears."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from saoma.kit.clock import BEIJING, MovableClock
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox.book.model import Product, Trade, TradeStatus
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book, TurnedDown
from saoma.sandbox.book.undoing import cancel, close, refund, reverse
from tests.sandbox.make import PARTNER, order

BUYERS = ("anna", "ben", "chen")
#: An order number: a new one mostly, or one of the latest, by its place from behind.
NUMBERS = st.sampled_from([0, 0, 0, 1, 2])
#: One of the latest trades.
PLACE = st.sampled_from([0, 0, 0, 1, 2])
WHO = st.sampled_from(BUYERS)
CENTS = st.integers(1, 1_500)
FINAL = (TradeStatus.TRADE_CLOSED, TradeStatus.TRADE_FINISHED)
UNDONE = ("cancelled", "reversed")


class BookMachine(RuleBasedStateMachine):
    """A little before Beijing midnight, three buyers with little money, order numbers that everybody reuses."""

    def __init__(self) -> None:
        super().__init__()
        self.start = datetime(2024, 1, 5, 23, 40, tzinfo=BEIJING)
        self.store = Store()
        self.book = Book(MovableClock(self.start), self.store)
        for buyer in BUYERS:
            self.book.add_buyer(buyer, balance=Money(600_00, "CNY"), pin_required=buyer == "chen")
        self.wealth = sum(buyer.balance for buyer in self.book.buyers())
        self.numbers = ["N-0"]
        self.cancelled: set[str] = set()
        self.ends: dict[str, TradeStatus] = {}
        self.told: dict[str, list[str]] = {}
        self.book.tell = lambda trade, action, _refund: self.told.setdefault(trade.trade_no, []).append(action)

    def named(self, place: int) -> str:
        """The number of an order."""
        if not place:
            self.numbers.append(f"N-{len(self.numbers)}")
            return self.numbers[-1]
        return self.numbers[-min(place, len(self.numbers))]

    def trade(self, place: int, *, paid: bool) -> Trade:
        """One of the latest trades that were paid, or that wait; else of all."""
        trades = [one for one in self.book.by_trade_no.values() if (one.paid_at if paid else one.is_waiting)]
        trades = trades or [*self.book.by_trade_no.values()]
        return trades[-min(place + 1, len(trades))]

    @initialize(buyer=WHO, cents=CENTS)
    def somebody_pays(self, buyer: str, cents: int) -> None:
        self.pays_by_code(0, buyer, cents, "")
        self.opens_for_a_wallet(0, buyer, cents)

    @rule(place=NUMBERS, buyer=WHO, cents=CENTS, magic=st.sampled_from(["", "", "90", "90", "91"]))
    def pays_by_code(self, place: int, buyer: str, cents: int, magic: str) -> None:
        number, code = self.named(place), self.book.new_payment_code(buyer).code
        code = code[:-2] + magic if magic else code
        try:
            trade = self.book.pay_by_code(order(number, f"{cents / 100:.2f}"), code)
        except TurnedDown:
            return
        assert number not in self.cancelled
        paid = self.book.buyer(buyer).balance
        assert self.book.pay_by_code(order(number, f"{cents / 100:.2f}"), code) is trade
        assert self.book.buyer(buyer).balance == paid

    @rule(place=NUMBERS, buyer=WHO, cents=CENTS)
    def opens_for_a_wallet(self, place: int, buyer: str, cents: int) -> None:
        until = self.book.clock.now() + timedelta(minutes=9)
        wanted = order(self.named(place), f"{cents / 100:.2f}", Product.WALLET_PAGE, expires_at=until)
        with suppress(TurnedDown):
            self.book.create(wanted, self.book.buyer(buyer).user_id)

    @rule(place=NUMBERS, buyer=WHO, cents=CENTS)
    def places_and_scans(self, place: int, buyer: str, cents: int) -> None:
        with suppress(TurnedDown, Refused):
            placed = self.book.place(order(self.named(place), f"{cents / 100:.2f}", Product.ORDER_CODE))
            self.book.scan(self.book.code_url(placed.qr_token), buyer)

    @rule(place=PLACE, buyer=WHO, owns=st.booleans(), pin=st.sampled_from(["123456", "123456", "111111"]))
    def confirms(self, place: int, buyer: str, owns: bool, pin: str) -> None:  # noqa: FBT001
        trade = self.trade(place, paid=False)
        buyer = trade.buyer_id if owns else buyer
        with suppress(Refused):
            self.book.pay(trade.trade_no, buyer, pin)
            assert pin == "123456"
            assert trade.buyer_id == buyer

    @rule(place=PLACE)
    def refuses(self, place: int) -> None:
        trade = self.trade(place, paid=False)
        with suppress(Refused):
            self.book.refuse(trade.trade_no, trade.buyer_id)

    @rule(place=PLACE, paid=st.booleans())
    def cancels(self, place: int, paid: bool) -> None:  # noqa: FBT001
        number = self.trade(place, paid=paid).out_trade_no
        with suppress(TurnedDown):
            undone = cancel(self.book, PARTNER, number)
            self.cancelled.add(number)
            assert cancel(self.book, PARTNER, number) == undone

    @rule(place=NUMBERS)
    def cancels_what_may_not_be(self, place: int) -> None:
        number = self.named(place)
        with suppress(TurnedDown):
            cancel(self.book, PARTNER, number)
            self.cancelled.add(number)

    @rule(place=PLACE)
    def reverses(self, place: int) -> None:
        number = self.trade(place, paid=True).out_trade_no
        with suppress(TurnedDown):
            trade = reverse(self.book, PARTNER, number)
            self.cancelled.add(number)
            assert reverse(self.book, PARTNER, number) is trade

    @rule(place=PLACE)
    def closes(self, place: int) -> None:
        with suppress(TurnedDown):
            close(self.book, PARTNER, self.trade(place, paid=False).out_trade_no)

    @rule(place=PLACE, parts=st.integers(1, 4), times=st.integers(1, 3), sync=st.booleans())
    def refunds_parts_of_the_whole(self, place: int, parts: int, times: int, sync: bool) -> None:  # noqa: FBT001
        trade = self.trade(place, paid=True)
        for number in range(times):
            self.refunds(trade, f"{trade.trade_no}-{parts}-{number}", -(-trade.amount // parts), sync=sync)

    @rule(place=PLACE, parts=st.integers(1, 7), rest=st.booleans(), sync=st.booleans())
    def refunds_a_part_of_what_is_left(self, place: int, parts: int, rest: bool, sync: bool) -> None:  # noqa: FBT001
        trade = self.trade(place, paid=True)
        for part in (parts, 1) if rest else (parts,):
            if left := trade.amount - trade.refunded:
                self.refunds(trade, f"L-{trade.trade_no}-{left}-{part}", -(-left // part), sync=sync)

    @precondition(lambda self: self.book.refunds)
    @rule(place=PLACE)
    def asks_for_a_refund_again(self, place: int) -> None:
        known = [*self.book.refunds.values()]
        one = known[-min(place + 1, len(known))]
        self.refunds(self.book.trades[PARTNER, one.out_trade_no], one.refund_no, one.amount, sync=True)

    def refunds(self, trade: Trade, refund_no: str, cents: int, *, sync: bool) -> None:
        """Asked for; whether it is done the book knows."""
        with suppress(TurnedDown):
            refund(self.book, PARTNER, "", trade.trade_no, refund_no, Money(cents, "USD"), sync=sync)

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


BookMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
TestBookMachine = BookMachine.TestCase
