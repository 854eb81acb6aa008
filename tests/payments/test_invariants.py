"""Random lives of payments against a model of the outside world, with faults and kills.

The invariants hold throughout, and once the dust has settled every payment agrees with the truth at Alipay."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from saoma.gateway import BY_STAFF, Method
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.payments.codes import MerchantCode, NewCode
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import PAYMENT_COLUMNS, REFUND_COLUMNS, Payment, Refund
from tests.payments.make import (
    ACCOUNT,
    BILLS,
    MERCHANT,
    SHOP,
    STORE,
    House,
    ProcessDied,
    new_payment,
    page_payment,
)

T = TypeVar("T")

_LATE = {"nothing stays open past its end", "what is due is looked after"}
_FORGET = """
TRUNCATE payments, refunds, payment_events, postings, notices_seen, notices_refused, live_events, bills, merchant_codes,
    arrivals, taken_by_staff CASCADE
"""

methods = st.sampled_from(
    [Method.BARCODE, Method.WALLET_PAGE, Method.ORDER_CODE, Method.CASH, Method.CARD_TERMINAL, Method.ACCOUNT]
)
services = st.sampled_from(["open", "query", "cancel", "refund"])
kinds = st.sampled_from(
    [
        *("silence_before", "silence_after", "system_error_before", "system_error_after", "unknown", "bad_signature"),
        *("not_sent", "unsigned", "raises", "dies_before", "dies_after"),
    ]
)
who = st.integers(0, 5)
#: How much of one payment a cashier gives back alone, in this house.
ALONE = Money(1500, "USD")
_EVERY = f"SELECT {PAYMENT_COLUMNS} FROM payments ORDER BY id"
_REFUNDS = f"SELECT {REFUND_COLUMNS} FROM refunds ORDER BY id"


class World(RuleBasedStateMachine):
    """One merchant's counter. `runner` and `db` are set from outside and shared by all examples."""

    runner: asyncio.Runner
    db: Database

    def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Run `work` to its end, also that of what it left behind; a killed process gives None."""

        async def to_the_end() -> T | None:
            result: T | None = None
            with suppress(ProcessDied, Refused):
                result = await work
            left = asyncio.all_tasks() - {asyncio.current_task()} - self.background
            if left:
                await asyncio.gather(*left, return_exceptions=True)
            return result

        return self.runner.run(to_the_end())

    @initialize()
    def open_the_shop(self) -> None:
        async def forget() -> set[Any]:
            async with self.db.reading() as rows:
                await rows.run(BILLS)
                await rows.run(_FORGET)
            return asyncio.all_tasks() - {asyncio.current_task()}

        self.background = self.runner.run(forget())
        self.house = House(self.db, MovableClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC)))
        self.bills: list[str] = []
        self.refund_keys = 0
        self.code: MerchantCode | None = None
        self.posted: list[dict[str, str]] = []

    async def payments(self) -> list[Payment]:
        async with self.db.reading() as rows:
            return await rows.rows(Payment, _EVERY)

    async def refunds(self) -> list[Refund]:
        async with self.db.reading() as rows:
            return await rows.rows(Refund, _REFUNDS)

    def one(self, index: int) -> Payment | None:
        payments = self.run(self.payments()) or []
        return payments[index % len(payments)] if payments else None

    @rule(method=methods, buyer=st.sampled_from(["pays", "thinks", "PAYMENT_FAIL"]), cents=st.integers(1, 5000))
    def someone_pays(self, method: Method, buyer: str, cents: int) -> None:
        if len(self.bills) >= 5:
            return
        bill = f"b{len(self.bills)}"
        amount = Money(cents, "USD").text
        self.run(self.house.bill(amount, id=bill))
        self.bills.append(bill)
        self.house.alipay.buyer = buyer
        process = self.house.process()
        match method:
            case Method.BARCODE:
                self.run(process.take(new_payment(bill, amount)))
            case Method.WALLET_PAGE:
                self.run(process.take(page_payment(bill, amount)))
            case Method.ORDER_CODE:
                new = new_payment(bill, amount, method=method, policy="order_code", payment_code="")
                self.run(process.take_by_order_code(new))
            case _:
                new = new_payment(bill, amount, method=method, policy="at_once", payment_code="")
                self.run(process.record(new))

    @rule(cents=st.integers(1, 5000))
    def somebody_types_an_amount_at_the_counter(self, cents: int) -> None:
        if self.code is None:
            new = NewCode(
                merchant_id=MERCHANT, store_id=STORE, account_id=ACCOUNT, label="1", currency="USD", shop=SHOP
            )
            self.code = self.run(self.house.process().codes.create(new, "stf_ann"))
        if self.code is not None and self.code.address:
            self.house.alipay.pays_at_counter(self.code.id, Money(cents, "USD"))

    @rule(index=who, kept=st.booleans())
    def an_arrival_is_decided(self, *, index: int, kept: bool) -> None:
        payment = self.one(index)
        if payment and payment.method is Method.MERCHANT_CODE and self.bills:
            arrivals = self.house.process().arrivals
            work = (
                arrivals.keep(payment.id, "stf_ann") if kept else arrivals.assign(payment.id, "bill", "b0", "stf_ann")
            )
            self.run(work)

    @rule(service=services, fault=kinds)
    def something_will_go_wrong(self, service: str, fault: str) -> None:
        self.house.alipay.fails(service, fault)

    @rule(seconds=st.sampled_from([0, 1, 4, 5, 15, 30, 70, 320]))
    def time_passes(self, seconds: int) -> None:
        self.run(self.house.tick(seconds))

    @rule(index=who, times=st.integers(1, 3))
    def drivers_meet(self, index: int, times: int) -> None:
        if payment := self.one(index):
            self.run(self.at_once([self.house.process().drive(payment.id) for _ in range(times)]))

    async def at_once(self, works: list[Coroutine[Any, Any, Any]]) -> None:
        await asyncio.gather(*works, return_exceptions=True)

    @rule(index=who)
    def a_phone_reports(self, index: int) -> None:
        if payment := self.one(index):
            self.run(self.house.payments.nudge(payment.id))

    @rule(index=who)
    def the_pin_is_typed(self, index: int) -> None:
        payment = self.one(index)
        if payment and payment.order_number in self.house.alipay.trades:
            self.house.alipay.buyer_pays(payment.order_number)

    @rule(index=who)
    def alipay_closes_the_unpaid(self, index: int) -> None:
        payment = self.one(index)
        if payment and payment.order_number in self.house.alipay.trades:
            self.house.alipay.expire(payment.order_number)

    @rule(times=st.integers(1, 2))
    def notices_arrive(self, times: int) -> None:
        posted, self.house.alipay.outbox = self.house.alipay.outbox * times, []
        self.posted += posted
        self.run(self.at_once([self.house.payments.notified("acc_noodles", notice) for notice in posted]))

    @rule(field=st.sampled_from([{"sign": "forged"}, {"amount": "99999.99"}, {"order_number": "SMOTHER"}]))
    def bad_notices_arrive(self, field: dict[str, str]) -> None:
        for notice in self.house.alipay.outbox:
            if notice.get("code") and "sign" not in field:
                continue  # at a printed code any amount and number is as good as its signature
            answer = self.run(self.house.payments.notified("acc_noodles", notice | field))
            assert answer is not None and not answer.accepted

    @rule(index=who, with_worker=st.booleans())
    def a_cashier_gives_up(self, *, index: int, with_worker: bool) -> None:
        if payment := self.one(index):
            works: list[Coroutine[Any, Any, Any]] = [self.house.process().give_up(payment.id, "stf_ann")]
            if with_worker:
                works.append(self.house.process().drive(payment.id))
            self.run(self.at_once(works))

    @rule(index=who, cents=st.integers(1, 5000), times=st.integers(1, 2))
    def a_refund_is_asked_for(self, index: int, cents: int, times: int) -> None:
        if payment := self.one(index):
            self.refund_keys += 1
            amount, key = Money(cents, "USD"), f"r{self.refund_keys}"
            works = [
                self.house.process().refund(payment.id, amount, "cold", "stf_ann", key if times == 1 else f"{key}-{i}")
                for i in range(times)
            ]
            self.run(self.at_once(works))

    @rule(index=who, cents=st.integers(1, 5000))
    def a_cashier_asks_for_a_refund(self, index: int, cents: int) -> None:
        if payment := self.one(index):
            self.refund_keys += 1
            key = f"r{self.refund_keys}"
            self.run(self.house.process().refund(payment.id, Money(cents, "USD"), "cold", "stf_cash", key, alone=ALONE))

    @rule(index=who, agrees=st.booleans(), who_decides=st.sampled_from(["stf_boss", "stf_boss", "stf_cash"]))
    def a_second_person_decides(self, *, index: int, agrees: bool, who_decides: str) -> None:
        waiting = [one for one in self.run(self.refunds()) or [] if one.status is RefundStatus.REQUESTED]
        if not waiting:
            return
        refund, process = waiting[index % len(waiting)], self.house.process()
        if not agrees:
            self.run(process.refuse_refund(refund.id, who_decides))
            return
        # Two managers press at once.
        self.run(self.at_once([process.approve_refund(refund.id, who_decides) for _ in range(2)]))
        if who_decides == refund.requested_by:
            (after,) = [one for one in self.run(self.refunds()) or [] if one.id == refund.id]
            assert after.status is RefundStatus.REQUESTED, "nobody approves their own refund"

    async def nobody_gave_back_more_alone_than_they_may(self) -> None:
        alone: dict[str, int] = {}
        for refund in await self.refunds():
            moved = refund.status not in (RefundStatus.FAILED, RefundStatus.REQUESTED)
            if refund.requested_by == "stf_cash" and not refund.approved_by and moved:
                alone[refund.payment_id] = alone.get(refund.payment_id, 0) + refund.amount
        assert all(given <= ALONE.minor for given in alone.values()), alone

    @invariant()
    def the_books_are_in_order(self) -> None:
        if not hasattr(self, "house"):
            return
        faults = self.runner.run(self.house.faults())
        assert [fault for fault in faults if fault.rule not in _LATE] == []
        for trade in self.house.alipay.trades.values():
            assert trade.debits <= 1
            assert trade.given_back <= trade.amount.minor

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        self.house.alipay.faults.clear()
        self.runner.run(self.dust_settles())

    async def dust_settles(self) -> None:
        house = self.house
        # Alipay says everything again, until it is heard.
        house.alipay.outbox += self.posted
        await house.deliver()
        for refund in await self.refunds():
            if refund.status is RefundStatus.REQUESTED:
                with suppress(Refused):
                    await house.payments.approve_refund(refund.id, "stf_boss")
        await house.play(timedelta(hours=1).total_seconds())
        await house.deliver()
        assert await house.next_due() is None
        assert await house.faults() == []
        await self.nobody_gave_back_more_alone_than_they_may()
        booked, every = 0, await self.payments()
        for payment in every:
            trade = house.alipay.trades.get(payment.order_number)
            kept = trade.debits * trade.amount.minor - trade.given_back if trade else 0
            if payment.method in BY_STAFF:
                assert trade is None and payment.status is Status.SUCCEEDED
                kept = payment.amount - payment.refunded
            ours = payment.amount - payment.refunded if payment.status is Status.SUCCEEDED else 0
            assert payment.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED), payment
            assert kept == ours, (payment, trade)
            booked += ours
            refunds = await house.payments.refunds_of(payment.id)
            done = {r.refund_number: r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED}
            assert all(r.status in (RefundStatus.SUCCEEDED, RefundStatus.FAILED) for r in refunds)
            assert sum(done.values()) == payment.refunded
            if payment.method not in BY_STAFF:
                assert done == (trade.refunds if trade else {})
            if payment.method is Method.MERCHANT_CODE or payment.part.get("arrived"):
                continue
            if sum(one.payable_id == payment.payable_id for one in every) > 1:
                continue
            bill = await house.look_at_bill(payment.payable_id)
            covered = payment.amount if payment.status is Status.SUCCEEDED else 0
            assert (bill.held, bill.paid, bill.refunded) == (0, covered, payment.refunded)
            assert [word for word in bill.told if word != "refunded"] == ["paid" if covered else "released"]
        born = {one.order_number for one in every if one.method is Method.MERCHANT_CODE}
        assert born == {number for number in house.alipay.trades if number.startswith("SQ")}, "an arrival was lost"
        assert await house.sales() == booked


def test_every_life_of_a_payment_ends_in_agreement_with_alipay(database_url: str) -> None:
    with asyncio.Runner() as runner:
        db = runner.run(Database.open(database_url, max_size=8))

        class Here(World):
            pass

        Here.runner, Here.db = runner, db
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                Here,
                settings=settings(
                    max_examples=15,
                    stateful_step_count=25,
                    deadline=None,
                    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(db.close())
