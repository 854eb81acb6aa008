"""A shop that takes orders ahead, random customers, staff and a clock, every request repeated at will.

After each step: no slot is oversold; what was paid ahead is promised, and only that; each order reaches the kitchen
once and never before its time; what goes back is never more than what came; and the audits find nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from saoma.food.menus.menu import set_sold_out
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from saoma.online import firing, offers, orders
from saoma.online.model import OnlineOrder, Pay, Status
from tests.food.make import wake
from tests.machines import play
from tests.online.make import House, house

PICK = st.integers(0, 3)
CAPACITY = 4


class Ahead(RuleBasedStateMachine):
    """Up to four orders at one store."""

    runner: asyncio.Runner
    db: Database
    clock: MovableClock

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[OnlineOrder] = []
        #: What the kitchen saw of each order when it saw it first.
        self.fired: dict[str, list[str]] = {}
        self.by_hand: set[str] = set()

    def twice(self, work: Callable[[], Awaitable[Any]]) -> None:
        """The same request from two phones at once; what is refused changes nothing, which the invariant sees."""

        async def both() -> None:
            for answer in await asyncio.gather(work(), work(), return_exceptions=True):
                if isinstance(answer, BaseException) and not isinstance(answer, Refused):
                    raise answer

        self.runner.run(both())

    def of(self, pick: int) -> OnlineOrder:
        """One of the orders."""
        return self.orders[pick % len(self.orders)]

    def moves(self, work: Callable[[Any], Awaitable[Any]]) -> None:
        """Two presses of one button that changes an order."""

        async def press() -> None:
            async with self.db.transaction() as tx:
                after = await work(tx)
            if after.giving_back:
                await firing.give_back(self.db, self.shop.payments, after)

        self.twice(press)

    @initialize(rule=st.sampled_from(["kept", "refunded"]))
    def opens(self, rule: str) -> None:
        """A shop of its own."""

        async def fresh() -> House:
            await wake(self.db, 2)
            made = await house(self.db, self.clock)
            await made.offers(capacity=CAPACITY, no_show=rule)
            return made

        self.shop: House = self.runner.run(fresh())

    @precondition(lambda self: len(self.orders) < 4)
    @rule(quantity=st.integers(1, CAPACITY), later=st.booleans())
    def a_customer_comes(self, quantity: int, later: bool) -> None:  # noqa: FBT001
        """Chooses dishes and a time, and writes down a name."""
        key = f"phone {len(self.orders)}"

        async def comes() -> OnlineOrder:
            made = await self.shop.begin(key=key)
            await self.shop.add(made, "tea", quantity, key="first")
            who = {"phone": f"1380000000{len(self.orders)}", "buyer_id": ""}
            return await self.shop.writes(made, None, Pay.LATER if later else Pay.AHEAD, **who)

        self.twice(lambda: self.shop.begin(key=key))
        # Refused when it is sold out or no time is free; the next one of this name goes on with the same basket.
        with contextlib.suppress(Refused):
            self.orders.append(self.runner.run(comes()))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def presses_order(self, pick: int) -> None:
        """Places it: promised at once where it is paid at the shop."""
        order = self.of(pick)
        self.moves(lambda tx: orders.promise(tx, order.id, self.clock.now()))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, pays=st.booleans())
    def opens_the_wallet(self, pick: int, pays: bool) -> None:  # noqa: FBT001
        """Two presses; then the buyer pays, or leaves the wallet open."""
        order = self.of(pick)
        self.twice(lambda: self.shop.opens(order, key=f"wallet {order.id}"))
        if not pays:
            return

        async def arrives() -> None:
            for payment in await self.shop.payments.of_payable("online_order", order.id):
                if payment.open:
                    await self.shop.money_arrives(payment)

        self.twice(arrives)

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def leaves_the_wallet(self, pick: int) -> None:
        """Gives the open payment up."""

        async def lets_go() -> None:
            for payment in await self.shop.payments.of_payable("online_order", self.of(pick).id):
                if payment.open:
                    await self.shop.payments.give_up(payment.id, "customer")
            await self.shop.clock_works()

        self.twice(lets_go)

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, what=st.sampled_from(["call_off", "arrive", "ready", "collect", "cash", "now"]))
    def somebody_presses(self, pick: int, what: str) -> None:
        """The customer or the staff, twice at once."""
        order, now = self.of(pick), self.clock.now()
        match what:
            case "call_off":
                self.moves(lambda tx: orders.call_off(tx, order.id, "customer", now))
            case "arrive":
                self.moves(lambda tx: orders.arrive(tx, order.id, now))
            case "ready":
                self.moves(lambda tx: orders.make_ready(tx, order.id, now))
            case "collect":
                self.moves(lambda tx: orders.collect(tx, order.id, "mei", now))
            case "cash":
                self.twice(lambda: self.shop.takes_cash(order, key=f"cash {order.id}"))
            case _:
                self.by_hand.add(order.id)

                async def begins(tx: Any) -> OnlineOrder:
                    locked = await orders.lock(tx, order.id)
                    if locked.status is not Status.PROMISED:
                        return locked
                    return await firing.fire(tx, locked, "mei", now, anyway=True)

                self.moves(begins)

    @rule(gone=st.booleans())
    def the_tea_is_gone_or_back(self, gone: bool) -> None:  # noqa: FBT001
        """Sold out after it was ordered, or not."""

        async def marked() -> None:
            async with self.db.transaction() as tx:
                await set_sold_out(tx, self.shop.dish("tea").id, sold_out=gone)

        self.runner.run(marked())

    @rule(minutes=st.sampled_from([1, 10, 20, 45, 130]))
    def time_goes_by(self, minutes: int) -> None:
        """Two workers look at what is due."""
        self.clock.advance(timedelta(minutes=minutes))
        self.twice(self.shop.clock_works)

    @invariant()
    def every_promise_is_kept_and_every_cent_explained(self) -> None:
        async def look() -> None:
            async with self.db.reading() as rows:
                since = self.clock.now() - timedelta(days=9)
                promised = await offers.taken(rows, self.shop.store_id, since)
            assert all(each.load[""] <= CAPACITY for each in promised), "a slot is oversold"
            for order in self.orders:
                now = await self.shop.again(order)
                async with self.db.reading() as rows:
                    money = await orders.account(rows, now)
                lines = [line for line in await self.shop.lines(order) if line.round is not None]
                assert (now.fired_at is not None) == bool(lines)
                if now.fired_at is not None and now.fires_at is not None:
                    assert now.fired_at >= now.fires_at or order.id in self.by_hand, "fired before its time"
                    seen = [line.id for line in lines]
                    assert self.fired.setdefault(order.id, seen) == seen, "fired again"
                    assert all(line.round == 1 for line in lines)
                if now.pay is Pay.AHEAD and now.status in (Status.PROMISED, Status.FIRED, Status.COLLECTED):
                    assert money.covered
                if now.status is Status.COLLECTED:
                    assert not money.left and not money.held
                if now.status is Status.CANCELLED and not now.giving_back:
                    assert money.kept == 0, "called off, and the money is kept"
                assert not money.surplus or now.trouble or now.status is Status.CANCELLED or now.giving_back
            assert await self.shop.broken_rules() == []

        if hasattr(self, "shop"):
            self.runner.run(look())


def test_whatever_customers_staff_and_clocks_do_no_slot_is_oversold_and_each_order_is_fired_once(
    database_url: str, clock: MovableClock
) -> None:
    play(Ahead, database_url, examples=5, steps=16, clock=clock)
