"""What a counter order has, lacks and is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.fastfood.model import ORDER, OrderEvent, OrderStatus, Stage
from saoma.fastfood.reckoning import HIGHEST, admit, next_event, pickup_number, stage, surplus_of
from saoma.food.model import LineStatus
from saoma.food.orders.shares import Account, Share
from saoma.kit.errors import Conflict
from saoma.kit.money import Money

SHARES = st.lists(
    st.builds(
        lambda amount, state, back: Share(amount, state, min(back, amount) if state == "paid" else 0),
        st.integers(1, 2000),
        st.sampled_from(["held", "paid", "released"]),
        st.integers(0, 2000),
    ),
    max_size=4,
).map(tuple)


@given(ordered=st.integers(0, 3000), shares=SHARES, fired=st.booleans())
def test_left_is_what_nobody_paid_or_is_paying_and_never_below_zero(
    ordered: int,
    shares: tuple[Share, ...],
    fired: bool,  # noqa: FBT001
) -> None:
    account = Account("USD", ordered, shares, fired)
    assert account.left.minor == max(0, ordered - account.here - account.held)
    assert account.covered == (ordered > 0 and account.here >= ordered)
    assert account.surplus.minor <= sum(share.amount for share in shares)


@given(status=st.sampled_from(OrderStatus), ordered=st.integers(0, 3000), shares=SHARES)
def test_every_event_that_money_causes_is_in_the_table(
    status: OrderStatus, ordered: int, shares: tuple[Share, ...]
) -> None:
    event = next_event(status, Account("USD", ordered, shares))
    if event is None:
        assert status in (OrderStatus.PAID, OrderStatus.CANCELLED)
    else:
        assert ORDER.allows(status, event)
        assert (ORDER.next(status, event) is OrderStatus.PAID) == (event is OrderEvent.COVER)


def test_only_all_that_is_left_of_an_order_is_taken() -> None:
    account = Account("USD", 1000)
    admit(OrderStatus.BUILDING, account, Money(1000, "USD"), arrived=False)
    for amount in (999, 1001):
        with pytest.raises(Conflict):
            admit(OrderStatus.BUILDING, account, Money(amount, "USD"), arrived=False)
        admit(OrderStatus.BUILDING, account, Money(amount, "USD"), arrived=True)
    for status in (OrderStatus.PAYING, OrderStatus.PAID, OrderStatus.CANCELLED):
        with pytest.raises(Conflict):
            admit(status, account, Money(1000, "USD"), arrived=True)


def test_a_paid_order_is_ready_when_its_last_dish_is_and_collected_when_nothing_is_left() -> None:
    sent, ready, served, void = (LineStatus(name) for name in ("sent", "ready", "served", "void"))
    assert stage(OrderStatus.PAID, [sent, ready]) is Stage.MAKING
    assert stage(OrderStatus.PAID, [ready, served, void]) is Stage.READY
    assert stage(OrderStatus.PAID, [served, void]) is Stage.COLLECTED
    assert stage(OrderStatus.PAYING, [LineStatus.BASKET]) is Stage.PAYING


@given(last=st.integers(0, 5000), taken=st.sets(st.integers(1, HIGHEST), max_size=40))
def test_a_pickup_number_is_short_new_and_waited_for_by_nobody(last: int, taken: set[int]) -> None:
    sequence, number = pickup_number(last, taken)
    assert sequence > last and 1 <= number <= HIGHEST and number not in taken
    assert all((earlier - 1) % HIGHEST + 1 in taken for earlier in range(last + 1, sequence))


def test_when_everybody_waits_no_number_is_given_twice() -> None:
    with pytest.raises(Conflict):
        pickup_number(7, set(range(1, HIGHEST + 1)))


def test_late_money_for_a_counter_order_is_surplus_as_far_as_nobody_owes_it() -> None:
    paid = Share(1000, "paid")
    late = Share(1000, "paid")
    both = Account("USD", 1000, (paid, late), fired=True)
    assert surplus_of(OrderStatus.PAID, both, late) == Money(1000, "USD")
    assert surplus_of(OrderStatus.CANCELLED, Account("USD", 1000, (late,)), late) == Money(1000, "USD")
    assert surplus_of(OrderStatus.BUILDING, Account("USD", 1000), Share(1000, "released")) == Money(0, "USD")
    forgiven = Account("USD", 1000, (Share(1000, "paid", 200), late), fired=True)
    assert surplus_of(OrderStatus.PAID, forgiven, late) == Money(1000, "USD"), "a refund forgives, it lends nothing"
