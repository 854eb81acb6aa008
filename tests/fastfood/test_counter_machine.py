"""A counter with two tills, a kiosk, random customers and an Alipay that answers as it likes, each request repeated.

After each step: what is in the kitchen was paid, once, at the price that was ordered; nobody shares a number; payments
never exceed an order but by what was typed too much; what goes back goes back once; and the audit finds nothing."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from saoma.checkout import giving_back
from saoma.checkout.giving_back import RefundDraft
from saoma.fastfood import counter, forgotten, stopping
from saoma.fastfood.model import KIND, Channel, CounterOrder, OrderStatus
from saoma.food.model import LineStatus
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from tests.fastfood.make import House, house
from tests.fastfood.test_arrivals import types
from tests.food.make import wake
from tests.identity import make as identity
from tests.machines import play

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
        #: what somebody typed beyond the price of an order
        self.beyond: dict[str, int] = {}

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
            made = await house(self.db, self.clock)
            self.boss = await identity.staff(self.db, made.shop, Role.OWNER)
            return made

        self.shop: House = self.runner.run(fresh())

    @rule()
    def a_customer_comes(self) -> None:
        """The same press twice begins one order."""
        key = f"customer {len(self.orders)}"
        self.twice(lambda: self.shop.begin(key=key))
        self.orders.append(self.run(self.shop.begin(key=key)))
        self.run(self.shop.add(self.orders[-1], "tea"))

    @rule(to_go=st.booleans())
    def somebody_touches_the_kiosk(self, to_go: bool) -> None:  # noqa: FBT001
        """A first touch that the screen sends twice."""
        key = f"kiosk {len(self.orders)}"

        async def touched() -> CounterOrder:
            async with self.db.transaction() as tx:
                store, now = self.shop.store_id, self.clock.now()
                return await counter.begin(tx, store, Channel.KIOSK, key, "kiosk:1", now, to_go=to_go)

        self.twice(touched)
        self.orders.append(self.run(touched()))
        self.run(self.shop.add(self.orders[-1], "plain"))

    @precondition(lambda self: self.orders)
    @rule(which=PICK)
    def pays_at_the_counter(self, which: int) -> None:
        """A kiosk's order is left for the counter, twice."""
        order = self.orders[-1 - which % len(self.orders)]

        async def left() -> None:
            async with self.db.transaction() as tx:
                await counter.leave_for_counter(tx, order.id, self.clock.now())

        if order.channel is Channel.KIOSK:
            self.twice(left)

    @precondition(lambda self: self.orders)
    @rule(which=PICK)
    def types_too_much(self, which: int) -> None:
        """At the shop's printed code; two cashiers say at once which order it was for."""
        order = self.orders[-1 - which % len(self.orders)]
        left = self.run(self.shop.left(order))
        if order.id in self.beyond or not left or self.run(self.shop.again(order)).status is not OrderStatus.BUILDING:
            return
        payment = self.run(types(self.shop, f"{(left.minor + 7) // 100}.{(left.minor + 7) % 100:02}"))
        if isinstance(payment, Refused):
            return  # a code of this name was printed before
        arrivals = self.shop.payments.arrivals
        self.twice(lambda: arrivals.assign(payment.id, KIND, order.id, self.shop.cashier.id))
        if self.run(self.shop.payments.get(payment.id)).payable_id == order.id:
            self.beyond[order.id] = 7

    @precondition(lambda self: self.orders)
    @rule(which=PICK, dish=st.integers(0, 2), stop=st.booleans(), cashier=st.booleans())
    def gives_back(self, which: int, dish: int, stop: bool, cashier: bool) -> None:  # noqa: FBT001
        """A dish, or what came beyond the order; pressed twice. A cashier's wish waits for a second person."""
        order = self.orders[-1 - which % len(self.orders)]
        payments = self.run(self.shop.payments.of_payable(KIND, order.id))
        paid = next((one for one in payments if one.status is Status.SUCCEEDED), None)
        lines = self.run(self.shop.lines(order))
        if paid is None or not lines:
            return
        line = lines[dish % len(lines)]
        draft = RefundDraft(paid.id, frozenset({line.id}), "", "cold")
        who = self.shop.cashier if cashier else self.boss

        async def asked() -> None:
            refund = await giving_back.ask(self.shop.checkout, who, paid, draft, [(line.id, line.due)], "k", "")
            if stop:
                async with self.db.transaction() as tx:
                    locked = await self.shop.payments.hall.lock(tx, paid.id)
                    await stopping.stop(tx, self.clock, locked, refund.id, [line.id], who.id, "cold")

        self.twice(asked)

    @precondition(lambda self: self.orders)
    @rule(which=PICK, agrees=st.booleans())
    def a_second_person_decides(self, which: int, agrees: bool) -> None:  # noqa: FBT001
        """A refund that waits is agreed to, by two at once, or turned down."""
        order, of = self.orders[-1 - which % len(self.orders)], self.shop.checkout
        for payment in self.run(self.shop.payments.of_payable(KIND, order.id)):
            for one in self.run(self.shop.payments.refunds_of(payment.id)):
                if one.status is RefundStatus.REQUESTED and agrees:
                    self.twice(functools.partial(of.approve_refund, one, self.boss))
                elif one.status is RefundStatus.REQUESTED:
                    self.run(of.refuse_refund(one, self.boss, "no"))

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

    @rule(seconds=st.sampled_from([1, 6, 70, 400]))
    def time_passes(self, seconds: int) -> None:
        """The worker asks, gives up after a minute, and gives up what nobody comes back to."""
        self.clock.advance(timedelta(seconds=seconds))
        works = [*self.shop.payments.works(), *forgotten.works(self.db, self.clock)]
        self.run(drive_due(self.db, works, self.clock))

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
                    assert paid == sum(line.amount for line in cooked) + self.beyond.get(order.id, 0) > 0
                    seen = [(line.id, line.quantity) for line in cooked]
                    assert self.fired.setdefault(order.id, seen) == seen, "fired again, or changed after"
                    assert all(line.round == 1 and line.paid for line in cooked)
                else:
                    assert not cooked and paid == 0
                decided: set[str] = set()
                for payment in payments:
                    refunds = [
                        one
                        for one in await self.shop.payments.refunds_of(payment.id)
                        if one.status is not RefundStatus.FAILED
                    ]
                    decided |= {line for one in refunds if one.status != "requested" for line in one.lines}
                    back = [line for one in refunds for line in one.lines]
                    assert len(back) == len(set(back)), "a dish was given back twice"
                    assert payment.refunded <= sum(one.amount for one in refunds) <= payment.amount
                struck = {line.id for line in cooked if line.status is LineStatus.VOID}
                assert struck <= decided, "a dish is struck, and its money not given back"
                if now.status in (OrderStatus.BUILDING, OrderStatus.PAYING) or any(
                    line.status in (LineStatus.SENT, LineStatus.COOKING, LineStatus.READY) for line in lines
                ):
                    numbers.append(now.number)
            assert len(set(numbers)) == len(numbers)
            assert await self.shop.broken_rules() == {}

        if hasattr(self, "shop"):
            self.runner.run(look())


def test_whatever_customers_tills_and_kiosks_do_each_order_is_paid_and_fired_once(
    database_url: str, clock: MovableClock
) -> None:
    play(Counters, database_url, examples=6, steps=22, clock=clock)
