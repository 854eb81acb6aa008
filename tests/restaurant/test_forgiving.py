"""Money given back and dishes struck, in any order: a refund forgives, and forgiven money pays for no other dish."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.payments.arrivals import ARRIVED
from saoma.restaurant import sittings, striking
from saoma.restaurant.bill import (
    AnyAmount,
    Bill,
    Dish,
    Share,
    ShareState,
    TheseDishes,
    Whole,
    bill_after,
    forgiven_no_more,
    split_refund,
)
from saoma.restaurant.bills import open_bills
from saoma.restaurant.model import Sitting
from tests.restaurant.make import Restaurant, restaurant

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "pay", "pay_dish", "late", "refund", "refund", "refund_dish", "strike"]),
        st.integers(0, 5),
        st.integers(1, 900),
    ),
    min_size=3,
    max_size=25,
)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class Table:
    """A bill in memory: what is refunded and struck goes the way that the rows go."""

    def __init__(self) -> None:
        self.bill = Bill("USD")
        self.names = 0

    @property
    def here(self) -> int:
        """Money that arrived and was not given back."""
        return sum(share.amount.minor - share.refunded for share in self.bill.shares)

    @property
    def forgiven(self) -> int:
        """What was given back of the bill and still counts."""
        return sum(share.forgiven + share.dishes_refunded for share in self.bill.shares)

    def order(self, minor: int) -> None:
        self.names += 1
        self.bill = replace(self.bill, dishes=(*self.bill.dishes, Dish(f"dish {self.names}", None, usd(minor))))

    def pay(self, amount: Money, lines: frozenset[str] = frozenset()) -> None:
        self.names += 1
        self.bill = bill_after(self.bill, Share(f"p{self.names:03}", amount, ShareState.PAID, lines))

    def refund(self, share: Share, minor: int, dish: Dish | None = None) -> None:
        mine = [one for one in self.bill.dishes if one.line_id in share.lines]
        most = sum(one.amount.minor for one in mine) - share.dishes_refunded
        named = min(dish.amount.minor, most) if dish in mine and dish is not None else 0
        dishes, surplus = split_refund(self.bill, share.payment_id, minor, named)
        after = replace(
            share,
            refunded=share.refunded + minor,
            dishes_refunded=share.dishes_refunded + dishes,
            surplus_refunded=share.surplus_refunded + surplus,
        )
        shares = tuple(after if one is share else one for one in self.bill.shares)
        self.bill = replace(self.bill, shares=shares)

    def strike(self, dish: Dish) -> bool:
        """Whether it was struck: never where more would be paid than the bill comes to then."""
        before = self.bill
        after = replace(before, dishes=tuple(one for one in before.dishes if one is not dish))
        ends = forgiven_no_more(after, before.ordered - after.ordered)
        shares = [
            replace(one, surplus_refunded=one.surplus_refunded + ends.get(one.payment_id, 0)) for one in after.shares
        ]
        after = replace(after, shares=tuple(shares))
        if after.beyond > before.beyond:
            return False
        self.bill = after
        return True

    def does(self, what: str, which: int, minor: int) -> None:
        """One step, if there is anything to do it to."""
        shares = [share for share in self.bill.shares if share.amount.minor > share.refunded]
        free = [dish for dish in self.bill.dishes if dish.line_id not in self.bill.claims]
        share = shares[which % len(shares)] if shares else None
        dish = free[which % len(free)] if free else None
        match what:
            case "order":
                self.order(minor)
            case "pay" if self.bill.left:
                self.pay(min(usd(minor), self.bill.left))
            case "pay_dish" if dish is not None:
                portion = self.bill.portion(TheseDishes(frozenset({dish.line_id})))
                if portion.amount:
                    self.pay(portion.amount, portion.lines)
            case "late":
                self.pay(usd(minor))
            case "refund" if share is not None:
                self.refund(share, min(minor, share.amount.minor - share.refunded))
            case "refund_dish" if share is not None and share.lines:
                named = next(one for one in self.bill.dishes if one.line_id in share.lines)
                self.refund(share, min(named.amount.minor, share.amount.minor - share.refunded), named)
            case "strike" if dish is not None:
                self.strike(dish)


@given(steps=STEPS)
def test_whatever_is_refunded_and_struck_forgiven_money_never_pays_for_a_later_dish(
    steps: list[tuple[str, int, int]],
) -> None:
    table = Table()
    for what, which, minor in steps:
        before, forgiven = table.bill, table.forgiven
        table.does(what, which, minor)
        after = table.bill
        assert after.surplus.minor <= max(0, table.here), "money that went back is nobody's surplus"
        if what.startswith("refund"):
            assert after.left == before.left, "a refund forgives: nothing is due again"
            assert after.surplus <= before.surplus
        if what == "strike":
            fell = before.ordered - after.ordered
            assert after.left >= before.left - fell and after.beyond <= before.beyond
            assert table.forgiven == forgiven - min(fell.minor, sum(one.forgiven for one in before.shares))
        if what == "late" and not before.left:
            assert after.surplus - before.surplus == usd(minor), "what nobody owed is theirs, whatever was forgiven"
    room = table.bill.surplus
    left = table.bill.left
    table.order(1_000)
    assert table.bill.left - left == usd(max(0, 1_000 - room.minor)), "a later dish is owed in full"
    for share in table.bill.shares:
        assert share.forgiven >= 0 and share.surplus_refunded + share.dishes_refunded <= share.refunded


@given(paid=st.integers(1, 2_000), dish=st.integers(1, 900))
def test_a_dish_whose_money_went_back_may_be_struck_and_leaves_nothing_over(paid: int, dish: int) -> None:
    table = Table()
    table.order(dish)
    table.order(paid)
    table.pay(table.bill.left)
    (share,) = table.bill.shares
    assert not table.strike(table.bill.dishes[0]), "as long as its money is here"
    table.refund(share, dish)
    assert table.strike(table.bill.dishes[0])
    assert (table.bill.left, table.bill.surplus, table.here) == (usd(0), usd(0), paid)


def test_a_dish_that_one_payment_gives_back_is_not_paid_by_money_that_nobody_owed() -> None:
    """Ben's late money is still all his when Anna's cold noodles are given back to her."""
    table = Table()
    table.order(950)
    (noodles,) = table.bill.dishes
    table.pay(usd(950), frozenset({noodles.line_id}))
    table.pay(usd(400))
    table.refund(table.bill.shares[0], 950, noodles)
    assert table.bill.surplus_of(table.bill.shares[1].payment_id) == usd(400)
    assert not table.bill.left


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def struck(house: Restaurant, sitting: Sitting, line: str) -> None:
    async with house.db.transaction() as tx:
        held = await sittings.lock(tx, sitting.id)
        await striking.strike(tx, held, {line: 1}, "stf", "cold", f"key {line}", house.clock.now())


async def test_money_of_a_dish_that_is_struck_after_it_went_back_pays_for_no_later_dish(house: Restaurant) -> None:
    sitting, anna = await house.sit()
    tea, _ = await house.eats(sitting, anna, "tea", "plain")
    paid = await house.money_arrives(await house.pays(sitting, AnyAmount(usd(800))))
    with pytest.raises(Conflict):
        await struck(house, sitting, tea)
    await house.payments.refund(paid.id, usd(200), "cold", "stf", "key 1")
    await struck(house, sitting, tea)
    bill = await house.bill(sitting)
    assert (bill.covered, bill.left, bill.surplus) == (True, usd(0), usd(0))
    await house.eats(sitting, anna, "tea")
    assert (await house.bill(sitting)).left == usd(200)
    async with house.db.reading() as rows:
        (tile,) = await open_bills(rows, house.store_id)
    assert tile.left == usd(200)
    # Before all was paid, too: plain noodles and one tea are on the bill then, and 4.00 of their money is here.
    more, *_ = await house.eats(sitting, anna, "tea")
    await house.payments.refund(paid.id, usd(200), "cold as well", "stf", "key 2")
    await struck(house, sitting, more)
    assert (await house.bill(sitting)).left == usd(400)


async def test_a_named_dish_given_back_leaves_late_money_to_who_brought_it(house: Restaurant) -> None:
    sitting, anna = await house.sit()
    (tea,) = await house.eats(sitting, anna, "tea")
    paid = await house.money_arrives(await house.pays(sitting, Whole()))
    wish = house.new_payment(sitting, usd(200), {"choice": "amount", "lines": [], ARRIVED: True})
    late = await house.money_arrives(await house.payments.take(wish))
    await house.payments.refund(paid.id, usd(200), "cold", "stf", "key 1", [tea])
    bill = await house.bill(sitting)
    assert (bill.surplus_of(late.id), bill.left) == (usd(200), usd(0))
