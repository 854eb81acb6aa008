"""A counter with two tills, random customers and an Alipay that answers as it likes, every request repeated at will.

After each step: what is in the kitchen was paid, once, at the price that was ordered; nobody shares a number; payments
never exceed an order; and the audit finds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from saoma.fastfood import counter
from saoma.fastfood.model import CounterOrder, OrderStatus
from saoma.food.model import LineStatus
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from tests.fastfood.make import House, house
from tests.food.make import wake

PICK = st.integers(0, 2)
DISHES = st.sampled_from(["beef", "plain", "tea"])


class Counters(RuleBasedStateMachine):
    """Up to three orders at once at one store."""

    runner: asyncio.Runner
    db: Database
    clock: MovableClock

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[CounterOrder] = []
        #: how many pieces each order had when the kitchen first saw it
        self.fired: dict[str, list[tuple[str, int]]] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        """Do it; what is refused changes nothing, which the invariants see."""

        async def done() -> Any:
            try:
                return await work
            except Refused as refusal:
                return refusal

        return self.runner.run(done())

    def twice(self, work: Callable[[], Awaitable[Any]]) -> None:
        """The same request from two tills at once."""

        async def both() -> None:
            for answer in await asyncio.gather(work(), work(), return_exceptions=True):
                if isinstance(answer, BaseException) and not isinstance(answer, Refused):
                    raise answer

        self.runner.run(both())

    @initialize()
    def opens(self) -> None:
        """A shop of its own; its Alipay is empty."""

        async def fresh() -> House:
            await wake(self.db, 2)
            return await house(self.db, self.clock)

        self.shop: House = self.runner.run(fresh())

    @rule()
    def a_customer_comes(self) -> None:
        """The same press twice begins one order."""
        key = f"customer {len(self.orders)}"
        self.twice(lambda: self.shop.begin(key=key))
        self.orders.append(self.run(self.shop.begin(key=key)))
        self.run(self.shop.add(self.orders[-1], "tea"))

    @precondition(lambda self: self.orders)
    @rule(which=PICK, code=DISHES, quantity=st.integers(1, 3), key=st.integers(0, 5))
    def adds(self, which: int, code: str, quantity: int, key: int) -> None:
        """A dish is touched; few keys, so that requests come again."""
        order = self.orders[-1 - which % len(self.orders)]
        self.twice(lambda: self.shop.add(order, code, quantity, key=f"{order.id} {key} {code} {quantity}"))

    @precondition(lambda self: self.orders)
    @rule(which=PICK, buyer=st.sampled_from(["pays", "thinks", "BUYER_BALANCE_NOT_ENOUGH"]), key=st.integers(0, 3))
    def scans(self, which: int, buyer: str, key: int) -> None:
        """Two tills scan the same code for the same order."""
        order = self.orders[-1 - which % len(self.orders)]
        self.shop.alipay.buyer = buyer
        total = sum(line.amount for line in self.run(self.shop.lines(order)))
        tills = iter(("first", "second"))
        if total:
            # Whatever is left of it: both ask for the whole order, as a till that was not refreshed does.
            whole = Money(total, "USD")
            self.twice(lambda: self.shop.scans(order, whole, key=f"{order.id} scan {key} {next(tills)}"))

    @precondition(lambda self: self.orders)
    @rule(which=PICK)
    def pays_cash(self, which: int) -> None:
        """Cash, written down twice."""
        order = self.orders[-1 - which % len(self.orders)]
        self.twice(lambda: self.shop.takes_cash(order, key=f"{order.id} cash"))

    @precondition(lambda self: self.orders)
    @rule(which=PICK, again=st.booleans())
    def types_the_pin(self, which: int, again: bool) -> None:  # noqa: FBT001
        """Whoever was asked for a PIN types it, perhaps late; Alipay tells us once or twice."""
        order = self.orders[-1 - which % len(self.orders)]

        async def typed() -> None:
            for payment in await self.shop.payments.of_payable("counter_order", order.id):
                if payment.order_number in self.shop.alipay.trades:
                    self.shop.alipay.buyer_pays(payment.order_number)
            posted, self.shop.alipay.outbox = self.shop.alipay.outbox, []
            for notice in [*posted, *(posted if again else [])]:
                await self.shop.payments.notified(self.shop.shop.account_id, notice)

        self.run(typed())

    @rule(seconds=st.sampled_from([1, 6, 70]))
    def time_passes(self, seconds: int) -> None:
        """The worker asks, and gives up after a minute."""
        self.clock.advance(timedelta(seconds=seconds))
        self.run(drive_due(self.db, self.shop.payments.works(), self.clock))

    @precondition(lambda self: self.orders)
    @rule(which=PICK, how=st.sampled_from([counter.make_ready, counter.collect]))
    def hands_over(self, which: int, how: Callable[..., Awaitable[None]]) -> None:
        """Called or collected, pressed twice."""
        order = self.orders[-1 - which % len(self.orders)]

        async def pressed() -> None:
            async with self.db.transaction() as tx:
                await how(tx, order.id)

        self.twice(pressed)

    @precondition(lambda self: self.orders)
    @rule(which=PICK)
    def goes_away(self, which: int) -> None:
        """The customer leaves before paying."""
        order = self.orders[-1 - which % len(self.orders)]

        async def gone() -> None:
            async with self.db.transaction() as tx:
                await counter.cancel(tx, order.id, self.clock.now())

        self.twice(gone)

    @invariant()
    def what_is_cooked_was_paid_once(self) -> None:
        """The whole truth of every order."""

        async def look() -> None:
            numbers = []
            for order in self.orders:
                now, lines = await self.shop.again(order), await self.shop.lines(order)
                payments = await self.shop.payments.of_payable("counter_order", order.id)
                paid = sum(payment.amount for payment in payments if payment.status is Status.SUCCEEDED)
                cooked = [line for line in lines if line.round is not None]
                if now.status is OrderStatus.PAID:
                    assert paid == sum(line.amount for line in cooked) > 0
                    seen = [(line.id, line.quantity) for line in cooked]
                    assert self.fired.setdefault(order.id, seen) == seen, "fired again, or changed after"
                    assert all(line.round == 1 and line.paid for line in cooked)
                else:
                    assert not cooked and paid == 0
                if now.status in (OrderStatus.BUILDING, OrderStatus.PAYING) or any(
                    line.status in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY) for line in lines
                ):
                    numbers.append(now.number)
            assert len(set(numbers)) == len(numbers)
            assert await self.shop.broken_rules() == {}

        if hasattr(self, "shop"):
            self.runner.run(look())


def test_whatever_customers_and_tills_do_each_order_is_paid_and_fired_once(
    database_url: str, clock: MovableClock
) -> None:
    with asyncio.Runner() as runner:
        Counters.runner, Counters.clock = runner, clock
        Counters.db = runner.run(Database.open(database_url, max_size=8))
        try:
            run_state_machine_as_test(
                Counters,
                settings=settings(
                    max_examples=6,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(Counters.db.close())
