"""The arithmetic of a bill: never overpaid, covered exactly, and what is let go comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.restaurant.bill import (
    AnyAmount,
    Bill,
    Choice,
    Dish,
    Even,
    OwnDishes,
    Portion,
    Share,
    ShareState,
    TheseDishes,
    Whole,
    bill_after,
)
from saoma.restaurant.tips import parted, percent_of


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def dish(line_id: str, minor: int, guest_id: str | None = "anna") -> Dish:
    return Dish(line_id, guest_id, usd(minor))


DINNER = Bill("USD", (dish("noodles", 1250), dish("tea", 300), dish("duck", 2100, "ben"), dish("rice", 150, None)))


def held(bill: Bill, choice: Choice, payment_id: str = "p1", state: ShareState = ShareState.HELD) -> Bill:
    portion = bill.portion(choice)
    bill.admit(portion)
    return bill_after(bill, Share(payment_id, portion.amount, state, portion.lines))


def paid_evenly(bill: Bill, ways: int, guest: str, state: ShareState = ShareState.PAID) -> Bill:
    """The bill after `guest` has paid what is left of an even part; nothing happens when that is nothing."""
    choice = Even(ways, guest)
    portion = bill.portion(choice)
    if not portion.amount:
        return bill
    bill.admit(portion, choice)
    return bill_after(bill, Share(f"even {len(bill.shares)}", portion.amount, state, guest_id=guest, even=True))


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


def test_a_bill_that_discounts_made_free_is_covered_and_free_water_alone_is_not() -> None:
    free = Bill("USD", (Dish("noodles", "anna", usd(0), discounted=True), Dish("tea", None, usd(0))))
    assert free.covered and not free.left
    with pytest.raises(Conflict):
        free.admit(free.portion(Whole()))
    assert not Bill("USD", (Dish("water", "anna", usd(0)),)).covered, "who has only water is still choosing"
    assert not Bill("USD", (*free.dishes, Dish("dessert", "anna", usd(300)))).covered


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


def test_three_people_who_split_ten_pay_parts_that_differ_by_a_cent_and_come_to_ten() -> None:
    bill = Bill("USD", (dish("hot pot", 1000),))
    for name in ("anna", "ben", "carla"):
        bill = paid_evenly(bill, 3, name)
    assert [share.amount.minor for share in bill.shares] == [334, 333, 333]
    assert bill.covered and not bill.surplus


def test_whoever_comes_later_to_an_even_split_pays_what_is_left_of_their_part() -> None:
    own = held(DINNER, OwnDishes("anna"), "p1", ShareState.PAID)  # 15.50 of a part of 19.00
    own = bill_after(own, replace(own.shares[0], guest_id="anna"))
    assert own.even_part(2, "anna") == usd(350)
    assert own.even_part(2, "ben") == usd(1900)


def test_a_dessert_after_an_even_split_asks_each_for_their_part_of_it() -> None:
    bill = paid_evenly(paid_evenly(Bill("USD", (dish("duck", 2000),)), 2, "anna"), 2, "ben")
    more = replace(bill, dishes=(*bill.dishes, dish("cake", 501)))
    assert more.even_part(2, "anna") == usd(251)
    assert paid_evenly(more, 2, "anna").even_part(2, "ben") == usd(250)


def test_cash_at_the_till_lowers_every_part_of_an_even_split_alike() -> None:
    cash = bill_after(DINNER, Share("till", usd(800), ShareState.PAID))
    assert cash.even_part(3, "anna") == usd(1000)


def test_who_treats_the_table_to_more_than_a_part_leaves_less_for_each_of_the_others() -> None:
    treat = bill_after(DINNER, Share("p1", usd(2600), ShareState.PAID, guest_id="ben"))
    assert treat.even_part(3, "anna") == usd(600)
    assert treat.even_part(3, "ben") == usd(0)


@pytest.mark.parametrize("ways", [0, 1, 51])
def test_nobody_splits_a_bill_by_fewer_than_two_or_more_than_fifty(ways: int) -> None:
    with pytest.raises(Invalid):
        DINNER.even_part(ways, "anna")


def test_two_phones_that_press_for_an_even_part_at_once_cannot_take_the_same_cent_twice() -> None:
    bill = Bill("USD", (dish("hot pot", 1000),))
    stale = bill.portion(Even(3, "ben"))
    after = paid_evenly(bill, 3, "anna")
    with pytest.raises(Conflict, match="changed"):
        after.admit(stale, Even(3, "ben"))


@given(minor=st.integers(1, 1_000_000), ways=st.integers(2, 50), data=st.data())
def test_even_parts_differ_by_at_most_one_and_sum_exactly_whatever_fails_between(
    minor: int, ways: int, data: st.DataObject
) -> None:
    bill = Bill("USD", (dish("feast", minor),))
    waiting = [f"guest {number}" for number in range(ways)]
    for _ in range(data.draw(st.integers(0, 6))):
        name = data.draw(st.sampled_from(waiting))
        bill = paid_evenly(bill, ways, name, ShareState.HELD)
        if bill.shares and data.draw(st.booleans()):
            bill = bill_after(bill, replace(bill.shares[-1], state=ShareState.RELEASED))
    for name in data.draw(st.permutations(waiting)):
        bill = paid_evenly(bill, ways, name)
    parts = [share.amount.minor for share in bill.shares if share.state is not ShareState.RELEASED]
    assert sum(parts) == minor
    assert max(parts) - min([*parts, minor // ways]) <= 1
    assert not bill.left and not bill.surplus


@given(share=st.integers(1, 1_000_000), percent=st.integers(0, 100))
def test_a_tip_in_percent_is_the_nearest_minor_unit(share: int, percent: int) -> None:
    tip = percent_of(usd(share), percent).minor
    assert abs(tip * 100 - share * percent) <= 50


@given(
    share=st.integers(1, 10_000),
    tip=st.integers(0, 3_000),
    wishes=st.lists(st.tuples(st.integers(1, 6_000), st.booleans()), max_size=5),
)
def test_a_refund_comes_out_of_share_and_tip_to_the_last_cent_and_leaves_a_tip_nobody_named_for_last(
    share: int, tip: int, wishes: list[tuple[int, bool]]
) -> None:
    share_left, tip_left = share, tip
    for wish, names_tip in wishes:
        amount = min(wish, share_left + tip_left)
        of_share, of_tip = parted(amount, share_left, tip_left, names_tip=names_tip)
        assert of_share + of_tip == amount
        assert 0 <= of_share <= share_left and 0 <= of_tip <= tip_left
        if not names_tip and of_tip:
            assert of_share == share_left, "a tip goes back unasked only when nothing else is left of the payment"
        share_left, tip_left = share_left - of_share, tip_left - of_tip


def test_money_beyond_the_bill_is_the_surplus_of_the_payment_that_brought_it_tip_and_all() -> None:
    paid = bill_after(held(DINNER, Whole(), "p1", ShareState.PAID), Share("p0", usd(2100), ShareState.PAID, tip=210))
    assert paid.surplus_of("p0") == usd(2310)
    partly = bill_after(
        bill_after(DINNER, Share("p1", usd(3000), ShareState.PAID)), Share("p2", usd(1000), ShareState.PAID, tip=100)
    )
    assert partly.surplus_of("p2") == usd(200), "a tip stays with a payment that was needed for a part of the bill"


class BillUnderManyHands(RuleBasedStateMachine):
    """Guests and a till choose how to pay and how much to tip, press later or at once, and payments end as they like.

    Dishes are struck off, money comes after its share was let go; nothing of it may lose or double a cent."""

    def __init__(self) -> None:
        super().__init__()
        self.bill = Bill("USD")
        self.names = 0
        self.charged: dict[str, int] = {}
        self.unexpected = 0
        self.came_late = False

    looked = Bundle("looked")
    open_payments = Bundle("open_payments")
    let_go = Bundle("let_go")

    @rule(minor=st.integers(0, 5_000), guest=st.sampled_from(["anna", "ben", "carla", None]))
    def order(self, minor: int, guest: str | None) -> None:
        self.names += 1
        self.bill = replace(self.bill, dishes=(*self.bill.dishes, dish(f"dish {self.names}", minor, guest)))

    @rule(data=st.data())
    @precondition(lambda self: any(dish.line_id not in self.bill.claims for dish in self.bill.dishes))
    def strike_off_a_dish(self, data: st.DataObject) -> None:
        """A dish nobody has paid by name; paid amounts without dishes may then be more than the bill."""
        free = [dish for dish in self.bill.dishes if dish.line_id not in self.bill.claims]
        gone = data.draw(st.sampled_from(free))
        self.bill = replace(self.bill, dishes=tuple(dish for dish in self.bill.dishes if dish is not gone))
        over = self.bill.paid + self.bill.held - self.bill.ordered
        self.unexpected = max(self.unexpected, over.minor)

    @rule(
        target=looked,
        guest=st.sampled_from(["anna", "ben", "carla"]),
        way=st.sampled_from(["whole", "mine", "even", "amount"]),
        number=st.integers(2, 6),
        minor=st.integers(1, 20_000),
        percent=st.sampled_from([0, 0, 5, 10, 15]),
    )
    def choose(self, guest: str, way: str, number: int, minor: int, percent: int) -> tuple[Choice, Portion, str]:
        choices: dict[str, Choice] = {"whole": Whole(), "mine": OwnDishes(guest), "even": Even(number, guest)}
        choice = choices.get(way, AnyAmount(usd(minor)))
        portion = self.bill.portion(choice)
        return choice, replace(portion, tip=percent_of(portion.amount, percent).minor), guest

    @rule(target=looked, data=st.data())
    @precondition(lambda self: self.bill.dishes)
    def choose_dishes(self, data: st.DataObject) -> tuple[Choice, Portion, str]:
        picked = data.draw(st.sets(st.sampled_from([dish.line_id for dish in self.bill.dishes])))
        choice = TheseDishes(frozenset(picked))
        return choice, self.bill.portion(choice), ""

    @rule(target=open_payments, wish=looked)
    def press_pay(self, wish: tuple[Choice, Portion, str]) -> str:
        choice, portion, guest = wish
        before = self.bill
        self.names += 1
        name = f"payment {self.names}"
        try:
            before.admit(portion, choice)
        except Conflict:
            return ""
        self.bill = bill_after(
            before,
            Share(
                name,
                portion.amount,
                ShareState.HELD,
                portion.lines,
                guest or None,
                tip=portion.tip,
                even=isinstance(choice, Even),
            ),
        )
        self.charged[name] = portion.charged.minor
        assert self.bill.left == before.left - portion.amount, "a tip takes nothing of the bill"
        return name

    def _end(self, name: str, state: ShareState) -> None:
        share = next((share for share in self.bill.shares if share.payment_id == name), None)
        if share is not None:
            self.bill = bill_after(self.bill, replace(share, state=state))

    @rule(name=consumes(open_payments))
    def money_arrives(self, name: str) -> None:
        self._end(name, ShareState.PAID)

    @rule(target=let_go, name=consumes(open_payments))
    def payment_fails(self, name: str) -> str:
        left = self.bill.left
        self._end(name, ShareState.RELEASED)
        assert self.bill.left >= left, "what was let go is due again"
        return name

    @rule(name=consumes(let_go))
    def money_arrives_late(self, name: str) -> None:
        share = next((share for share in self.bill.shares if share.payment_id == name), None)
        if share is None:
            return
        room = self.bill.left
        self.came_late = True
        self._end(name, ShareState.PAID)
        self.unexpected += max(0, (share.amount - room).minor)
        if self.bill.surplus and not self.bill.held:
            propose = self.bill.surplus_of(name)
            assert usd(0) <= propose <= usd(self.charged[name]), "never more goes back than that payment brought"
            beyond = min(self.bill.surplus, share.amount)
            assert propose == beyond + usd(share.tip if beyond == share.amount else 0), "exactly the surplus"

    @invariant()
    def payments_never_exceed_the_bill_but_for_what_nobody_expected(self) -> None:
        assert self.bill.paid + self.bill.held <= self.bill.ordered + usd(self.unexpected)

    @invariant()
    def every_cent_is_paid_held_or_left(self) -> None:
        taken = self.bill.paid + self.bill.held
        assert self.bill.left == max(self.bill.ordered - taken, usd(0))

    @invariant()
    def tips_are_exact_and_apart_from_the_bill(self) -> None:
        paid = [share for share in self.bill.shares if share.state is ShareState.PAID]
        assert self.bill.paid + self.bill.tips == usd(sum(self.charged[share.payment_id] for share in paid))

    @invariant()
    def no_dish_is_in_two_live_shares_unless_money_came_late(self) -> None:
        # Late money may fit into what was ordered since, and still name dishes that others have paid.
        if not self.unexpected and not self.came_late:
            live = [share for share in self.bill.shares if share.state is not ShareState.RELEASED]
            named = [line for share in live for line in share.lines]
            assert len(named) == len(set(named))

    @invariant()
    def covered_if_and_only_if_paid(self) -> None:
        assert self.bill.covered == (bool(self.bill.ordered) and self.bill.paid >= self.bill.ordered)
        assert not (self.bill.covered and self.bill.left)

    @invariant()
    def an_even_part_is_never_more_than_what_is_left(self) -> None:
        for ways in (2, 3, 7):
            for guest in ("anna", "ben", "dora"):
                assert usd(0) <= self.bill.even_part(ways, guest) <= self.bill.left


TestBillUnderManyHands = BillUnderManyHands.TestCase
TestBillUnderManyHands.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
