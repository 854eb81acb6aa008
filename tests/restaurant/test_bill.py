"""The arithmetic of a bill: never overpaid, covered exactly, and what is let go comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from saoma.kit.errors import Conflict
from saoma.kit.money import Money, total
from saoma.restaurant.bill import (
    AnyAmount,
    Bill,
    Choice,
    Dish,
    OwnDishes,
    Portion,
    Share,
    ShareState,
    TheseDishes,
    Whole,
    bill_after,
)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def dish(line_id: str, minor: int, guest_id: str | None = "anna") -> Dish:
    return Dish(line_id, guest_id, usd(minor))


DINNER = Bill("USD", (dish("noodles", 1250), dish("tea", 300), dish("duck", 2100, "ben"), dish("rice", 150, None)))


def held(bill: Bill, choice: Choice, payment_id: str = "p1", state: ShareState = ShareState.HELD) -> Bill:
    portion = bill.portion(choice)
    bill.admit(portion)
    return bill_after(bill, Share(payment_id, portion.amount, state, portion.lines))


def test_the_whole_bill_is_the_sum_of_its_dishes() -> None:
    assert DINNER.portion(Whole()) == Portion(usd(3800), frozenset({"noodles", "tea", "duck", "rice"}))


def test_own_dishes_are_only_those_one_ordered() -> None:
    assert DINNER.portion(OwnDishes("anna")) == Portion(usd(1550), frozenset({"noodles", "tea"}))
    assert DINNER.portion(OwnDishes("ben")).amount == usd(2100)


def test_somebody_without_dishes_has_nothing_of_their_own_to_pay() -> None:
    portion = DINNER.portion(OwnDishes("carla"))
    assert not portion.amount
    with pytest.raises(Conflict):
        DINNER.admit(portion)


def test_while_one_pays_the_whole_bill_nobody_else_can_pay_any_of_it() -> None:
    paying = held(DINNER, Whole())
    assert not paying.left
    assert not paying.covered
    with pytest.raises(Conflict):
        paying.admit(Portion(usd(2100), frozenset({"duck"})))


def test_a_stale_page_cannot_pay_what_another_has_taken_meanwhile() -> None:
    stale = DINNER.portion(Whole())
    after = held(DINNER, OwnDishes("ben"))
    with pytest.raises(Conflict):
        after.admit(stale)


def test_a_dish_cannot_be_named_by_two_payments() -> None:
    after = held(DINNER, TheseDishes(frozenset({"tea"})))
    with pytest.raises(Conflict):
        after.admit(Portion(usd(300), frozenset({"tea"})))


def test_a_dish_that_is_not_on_the_bill_cannot_be_paid() -> None:
    with pytest.raises(Conflict):
        DINNER.admit(Portion(usd(100), frozenset({"somebody else's soup"})))


def test_the_rest_after_an_amount_without_dishes_is_the_rest_in_money() -> None:
    after = held(DINNER, AnyAmount(usd(1000)), state=ShareState.PAID)
    assert after.portion(Whole()).amount == usd(2800)
    assert after.portion(OwnDishes("ben")).amount == usd(2100)
    nearly = held(after, AnyAmount(usd(2000)), "p2", ShareState.PAID)
    assert nearly.portion(OwnDishes("ben")).amount == usd(800)


def test_the_bill_is_covered_when_the_last_share_is_paid_and_not_before() -> None:
    first = held(DINNER, OwnDishes("anna"), "p1", ShareState.PAID)
    second = held(first, Whole(), "p2")
    assert not second.covered
    done = bill_after(second, replace(second.shares[-1], state=ShareState.PAID))
    assert done.covered
    assert done.paid == done.ordered
    assert not done.surplus


def test_an_empty_bill_is_not_covered_and_takes_no_money() -> None:
    empty = Bill("USD")
    assert not empty.covered
    with pytest.raises(Conflict):
        empty.admit(Portion(usd(1)))


def test_money_that_arrives_after_its_share_was_let_go_shows_as_surplus() -> None:
    paid = held(DINNER, Whole(), "p1", ShareState.PAID)
    late = bill_after(paid, Share("p0", usd(3800), ShareState.PAID))
    assert late.surplus == usd(3800)
    assert late.covered
    assert not late.left


def test_a_refund_does_not_reopen_the_bill() -> None:
    paid = held(DINNER, Whole(), "p1", ShareState.PAID)
    refunded = bill_after(paid, replace(paid.shares[0], refunded=2100))
    assert refunded.covered
    assert refunded.refunded == usd(2100)
    assert not refunded.left


def test_a_round_sent_after_paying_is_owed_on_its_own() -> None:
    paid = held(DINNER, Whole(), "p1", ShareState.PAID)
    more = replace(paid, dishes=(*paid.dishes, dish("cake", 700)))
    assert not more.covered
    assert more.portion(Whole()) == Portion(usd(700), frozenset({"cake"}))


class BillUnderManyHands(RuleBasedStateMachine):
    """Guests and a till look at the bill, press pay later, and payments end as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.bill = Bill("USD")
        self.names = 0

    looked = Bundle("looked")
    open_payments = Bundle("open_payments")

    @rule(minor=st.integers(0, 5_000), guest=st.sampled_from(["anna", "ben", "carla", None]))
    def order(self, minor: int, guest: str | None) -> None:
        self.names += 1
        self.bill = replace(self.bill, dishes=(*self.bill.dishes, dish(f"dish {self.names}", minor, guest)))

    @rule(target=looked, guest=st.sampled_from(["anna", "ben", "carla"]))
    def look_at_own(self, guest: str) -> Portion:
        return self.bill.portion(OwnDishes(guest))

    @rule(target=looked)
    def look_at_whole(self) -> Portion:
        return self.bill.portion(Whole())

    @rule(target=looked, data=st.data())
    @precondition(lambda self: self.bill.dishes)
    def look_at_some(self, data: st.DataObject) -> Portion:
        picked = data.draw(st.sets(st.sampled_from([dish.line_id for dish in self.bill.dishes])))
        return self.bill.portion(TheseDishes(frozenset(picked)))

    @rule(target=looked, minor=st.integers(1, 20_000))
    def look_at_an_amount(self, minor: int) -> Portion:
        return self.bill.portion(AnyAmount(usd(minor)))

    @rule(target=open_payments, portion=looked)
    def press_pay(self, portion: Portion) -> str:
        before = self.bill
        self.names += 1
        name = f"payment {self.names}"
        try:
            before.admit(portion)
        except Conflict:
            return ""
        self.bill = bill_after(before, Share(name, portion.amount, ShareState.HELD, portion.lines))
        assert self.bill.left == before.left - portion.amount
        return name

    def _end(self, name: str, state: ShareState) -> None:
        share = next((share for share in self.bill.shares if share.payment_id == name), None)
        if share is not None:
            left = self.bill.left
            self.bill = bill_after(self.bill, replace(share, state=state))
            gained = share.amount if state is ShareState.RELEASED else usd(0)
            assert self.bill.left == left + gained

    @rule(name=consumes(open_payments))
    def money_arrives(self, name: str) -> None:
        self._end(name, ShareState.PAID)

    @rule(name=consumes(open_payments))
    def payment_fails(self, name: str) -> None:
        self._end(name, ShareState.RELEASED)

    @invariant()
    def it_is_never_overpaid(self) -> None:
        assert self.bill.paid + self.bill.held <= self.bill.ordered
        assert not self.bill.surplus

    @invariant()
    def every_cent_is_paid_held_or_left(self) -> None:
        assert self.bill.paid + self.bill.held + self.bill.left == self.bill.ordered

    @invariant()
    def no_dish_is_in_two_live_shares(self) -> None:
        named = [line for share in self.bill.shares if share.state is not ShareState.RELEASED for line in share.lines]
        assert len(named) == len(set(named))

    @invariant()
    def covered_means_exactly_covered(self) -> None:
        if self.bill.covered:
            assert self.bill.paid == self.bill.ordered
            assert not self.bill.held
            assert not self.bill.left

    @invariant()
    def shares_of_all_guests_and_staff_come_to_the_whole_when_only_dishes_were_paid(self) -> None:
        if all(share.lines for share in self.bill.shares):
            owners = {dish.guest_id for dish in self.bill.dishes}
            own = [self.bill.portion(OwnDishes(owner)).amount for owner in owners if owner is not None]
            staff = [
                dish.amount
                for dish in self.bill.dishes
                if dish.guest_id is None and dish.line_id not in self.bill.claims
            ]
            assert total([*own, *staff], "USD") >= self.bill.portion(Whole()).amount


TestBillUnderManyHands = BillUnderManyHands.TestCase
TestBillUnderManyHands.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
