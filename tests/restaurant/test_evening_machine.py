"""An evening at two tables: random diners, waiters, cashiers and cooks, offers, an Alipay that answers as it likes.

Each request may come twice at once or again later. After each step the bill is the sum of what was ordered less what
was explained, payments never exceed it, the ledger agrees, and each dish that was fired is cooked once."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from saoma.checkout import giving_back
from saoma.checkout.giving_back import RefundDraft
from saoma.food.model import LineStatus
from saoma.gateway import Method
from saoma.kit.clock import MovableClock
from saoma.kit.due import drive_due
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.payments.cases import CaseFilter, Move, cases
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment
from saoma.payments.ruling import Rulings
from saoma.restaurant import lingering
from saoma.restaurant.bill import AnyAmount, Choice, Even, OwnDishes, Portion, TheseDishes, Whole
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tips import TIP
from tests.machines import play
from tests.restaurant import evening
from tests.restaurant.evening import Evening
from tests.restaurant.evening_guests import KEY, PAYS, PICK, TABLE, Evenings
from tests.restaurant.make import BEN

WAYS = st.sampled_from(["whole", "mine", "even", "amount", "dishes"])
TIPS = st.sampled_from([0, 0, 100, 37])
#: Few, so that requests come again, also with other content.
TAP = st.integers(0, 9)
PIN = st.sampled_from([True, True, False])
FAULTS = st.sampled_from(["silence_before", "silence_after", "system_error_after", "bad_signature", "unknown"])


class Tables(Evenings):
    """Money and the kitchen, at the tables of `Evenings`."""

    # -- paying --------------------------------------------------------------------------------------------------

    def choice(self, way: str, cents: int, guest: Guest | None, sitting: Sitting) -> tuple[Choice, Portion]:
        """What somebody wants to pay now."""
        bill = self.bill(sitting)
        free = sorted(dish.line_id for dish in bill.dishes if dish.line_id not in bill.claims)
        match way:
            case "mine" if guest:
                chosen: Choice = OwnDishes(guest.id)
            case "even":
                chosen = Even(2 + cents % 2, guest.id if guest else None)
            case "amount":
                chosen = AnyAmount(Money(cents, bill.currency))
            case "dishes" if free:
                chosen = TheseDishes(frozenset(free[cents % len(free) :]))
            case _:
                chosen = Whole()
        return chosen, bill.portion(chosen)

    @rule(
        table=TABLE,
        who=PAYS,
        way=WAYS,
        cents=st.integers(1, 1200),
        tip=TIPS,
        key=TAP,
        pin=PIN,
        rival=st.sampled_from(["", "", " on another phone"]),
    )
    def pays_in_the_wallet(
        self,
        table: int,
        who: str,
        way: str,
        cents: int,
        tip: int,
        key: int,
        pin: bool,  # noqa: FBT001
        rival: str,
    ) -> None:
        """A phone pays a part, pressed twice; or two phones want the same part at once."""
        guest = self.guests.get((table, who))
        sitting = self.run(self.sitting_of(guest)) if guest else self.open_bill(table)
        if sitting is None:
            return
        choice, portion = self.choice(way, cents, guest, sitting)
        portion = Portion(portion.amount, portion.lines, tip)
        if not portion.amount:
            return
        of, part = self.house, part_of(choice, portion, guest.id if guest else None)
        names = itertools.cycle((f"{who} {key}", f"{who} {key}{rival}"))
        paid = self.at_once(
            lambda: of.checkout.pay_in_wallet(
                of.store_id, who, portion.charged, "Dinner", KIND, sitting.id, part, next(names)
            )
        )
        assert rival or len({one.id for one in paid}) <= 1, "one press opened two payments"
        if paid and pin and paid[0].order_number in of.alipay.trades:
            of.alipay.buyer_pays(paid[0].order_number)
            if key % 2:
                self.runner.run(self.notices_come())

    @rule(
        table=TABLE,
        method=st.sampled_from([Method.CASH, Method.CASH, Method.CARD_TERMINAL, Method.BARCODE]),
        way=WAYS,
        cents=st.integers(1, 1200),
        tip=TIPS,
        key=TAP,
        buyer=st.sampled_from(["pays", "pays", "thinks", "BUYER_BALANCE_NOT_ENOUGH"]),
        notice_first=st.booleans(),
    )
    def pays_at_the_till(
        self,
        table: int,
        method: Method,
        way: str,
        cents: int,
        tip: int,
        key: int,
        buyer: str,
        notice_first: bool,  # noqa: FBT001
    ) -> None:
        """Cash, card, or a scanned code whose notice may be here before its answer; pressed at two tills."""
        of, sitting = self.house, self.open_bill(table)
        if sitting is None:
            return
        choice, portion = self.choice(way, cents, None, sitting)
        portion = Portion(portion.amount, portion.lines, tip)
        if not portion.amount:
            return
        of.alipay.buyer = buyer
        asked: dict[str, Any] = {
            "store_id": of.store_id,
            "terminal_id": "",
            "staff": self.cashier,
            "amount": portion.charged,
            "subject": "Dinner",
            "payable_kind": KIND,
            "payable_id": sitting.id,
            "part": part_of(choice, portion),
        }
        tills = itertools.cycle(range(2))

        async def taken() -> Payment:
            name = f"{method} {key} {next(tills) if key % 2 else ''}"
            if method is Method.BARCODE:
                return await of.checkout.pay_by_barcode(**asked, payment_code="281234567890123456", key=name)
            return await of.checkout.take_by_staff(**asked, method=method, key=name)

        of.alipay.after_call = self.notices_come if notice_first else None
        try:
            self.at_once(taken)
        finally:
            of.alipay.after_call = None

    async def notices_come(self, _: str = "") -> None:
        """Alipay's notices arrive."""
        of = self.house
        posted, of.alipay.outbox = of.alipay.outbox, []
        self.posted += posted
        for notice in posted:
            await of.payments.notified(of.shop.account_id, notice)

    @rule(times=st.integers(1, 2), backwards=st.booleans(), again=st.booleans())
    def alipay_tells(self, times: int, backwards: bool, again: bool) -> None:  # noqa: FBT001
        """Notices arrive at once, in any order, old ones again."""
        of = self.house
        posted, of.alipay.outbox = of.alipay.outbox, []
        every = (posted + (self.posted if again else [])) * times
        self.posted += posted

        async def arrive() -> None:
            told = (
                of.payments.notified(of.shop.account_id, notice) for notice in (every[::-1] if backwards else every)
            )
            await asyncio.gather(*told)

        self.runner.run(arrive())

    @rule(which=PICK, happens=st.sampled_from(["pin", "pin", "expires", "gives_up", "nudge"]))
    def a_payment_goes_on(self, which: int, happens: str) -> None:
        """The PIN is typed, the trade expires, somebody gives up, a phone reports."""
        of, payment = self.house, self.payment(which)
        if payment is None or payment.order_number not in of.alipay.trades:
            return
        match happens:
            case "pin":
                of.alipay.buyer_pays(payment.order_number)
            case "expires":
                of.alipay.expire(payment.order_number)
            case "gives_up":
                self.at_once(lambda: of.payments.give_up(payment.id, "stf_ann"))
            case "nudge":
                self.at_once(lambda: of.payments.nudge(payment.id))

    @rule(service=st.sampled_from(["open", "query", "cancel", "refund"]), fault=FAULTS)
    def alipay_will_fail(self, service: str, fault: str) -> None:
        """The next call goes wrong."""
        self.house.alipay.fails(service, fault)

    @rule(seconds=st.sampled_from([1, 6, 70, 400, 1300]))
    def time_passes(self, seconds: int) -> None:
        """The workers look after what is due."""
        self.clock.advance(timedelta(seconds=seconds))
        self.runner.run(self.work())

    async def work(self) -> None:
        """All that is due."""
        works = [*self.house.payments.works(), *lingering.works(self.db, self.clock)]
        await drive_due(self.db, works, self.clock)

    @rule(table=TABLE, cents=st.integers(1, 1200), others_pay=st.booleans(), decided=st.booleans())
    def money_comes_after_the_end(self, table: int, cents: int, others_pay: bool, decided: bool) -> None:  # noqa: FBT001
        """Somebody gives up paying, perhaps others pay meanwhile; then Alipay says that it was paid after all."""
        of, sitting = self.house, self.open_bill(table)
        portion = self.choice("whole", cents, None, sitting)[1] if sitting else None
        if sitting is None or portion is None or not portion.amount:
            return
        asked = (of.store_id, BEN, portion.charged, "Dinner", KIND, sitting.id, part_of(Whole(), portion))
        payment = self.run(of.checkout.pay_in_wallet(*asked, f"late {cents} {len(self.let_go)}"))
        if isinstance(payment, Refused) or payment.order_number not in of.alipay.trades:
            return
        self.at_once(lambda: of.payments.give_up(payment.id, "stf_ann"))
        self.the_evening_adds_up()
        if others_pay:
            part = self.choice("amount", cents, None, sitting)[1]
            cash = (of.store_id, "", self.cashier, Method.CASH, part.amount, "Dinner", KIND, sitting.id)
            self.run(of.checkout.take_by_staff(*cash, part_of(AnyAmount(part.amount), part), f"cash {cents}"))
        of.alipay.trades[payment.order_number].state = "waiting"
        of.alipay.buyer_pays(payment.order_number)
        self.runner.run(self.notices_come())
        for _ in range(3):
            self.clock.advance(timedelta(seconds=30))
            self.runner.run(self.work())
        if decided:
            self.decide(0)
            self.the_evening_adds_up()
            self.decide(0)

    @rule(which=PICK)
    def a_case_is_decided(self, which: int) -> None:
        """The owner decides."""
        self.decide(which)

    def decide(self, which: int) -> None:
        """The owner does what a case proposes, pressed twice."""
        of, proposed = self.house, list[str]()

        async def decided() -> None:
            async with self.db.reading() as rows:
                every = await cases(rows, CaseFilter(merchant_id=of.shop.merchant.id))
            waiting = [one for one in every if not one.closed and one.proposed]
            if waiting:
                case = waiting[which % len(waiting)]
                proposed.append(case.proposed)
                await Rulings(of.payments, above=500).rule(case.id, Move(case.proposed), self.boss.id, "as proposed")

        before = self.look().forgiven
        self.at_once(decided)
        if set(proposed) == {Move.GIVE_BACK}:
            assert self.look().forgiven == before, "who gives back what nobody owed forgives nothing"

    @rule(
        which=PICK,
        what=st.sampled_from(["all", "dish", "tip", "amount"]),
        cents=st.integers(1, 900),
        by_boss=st.booleans(),
        key=KEY,
    )
    def gives_back(self, which: int, what: str, cents: int, by_boss: bool, key: int) -> None:  # noqa: FBT001
        """Money goes back whole, for a dish, for the tip or as an amount; two people press."""
        of, payment = self.house, self.payment(which)
        if payment is None or payment.status is not Status.SUCCEEDED:
            return
        named = payment.part.get("lines", [])
        lines = [line for line in self.seen().lines if line.id in named and line.ordered]
        chosen = [(line.id, line.due) for line in lines[cents % len(lines) :][:1]] if what == "dish" and lines else []
        if what == "tip" and payment.part.get("tip"):
            chosen = [(TIP, Money(int(payment.part["tip"]), payment.currency))]
        typed = f"{cents // 100}.{cents % 100:02}" if what == "amount" else ""
        draft = RefundDraft(payment.id, frozenset(line for line, _ in chosen), typed, "cold")
        people = itertools.cycle((self.boss, self.boss if by_boss else self.cashier))
        names = itertools.cycle(("one", "two"))

        async def asked() -> None:
            at = await of.payments.get(payment.id)
            await giving_back.ask(of.checkout, next(people), at, draft, chosen, f"{next(names)} {key}", "")

        before = [(table.bill.left, table.bill.ordered) for table in self.seen().tables]
        self.at_once(asked)
        after = [(table.bill.left, table.bill.ordered) for table in self.look().tables]
        assert after == before, "a refund forgives: nothing is due again"

    @rule(table=TABLE, which=PICK, key=KEY)
    def a_dish_goes_back(self, table: int, which: int, key: int) -> None:
        """Money is given back for a dish that no payment names, then it is struck; a later dish is owed in full."""
        sitting, of = self.open_bill(table), self.house
        if sitting is None:
            return
        at = next(one for one in self.seen().tables if one.sitting.id == sitting.id)
        free = [line for line in at.lines if line.ordered and line.paid_by is None and line.due]
        paid = [one for one in at.payments if one.status is Status.SUCCEEDED and one.money_refundable]
        if not free or not paid:
            return
        line, payment = free[which % len(free)], paid[which % len(paid)]
        amount = min(line.due, payment.money_refundable)
        self.run(of.payments.refund(payment.id, amount, "cold", self.boss.id, f"back {line.id} {key}", []))
        forgiven = sum(share.forgiven for share in self.look().bill_of(sitting).shares)
        self.strike(line, line.quantity, key)
        bill = self.look().bill_of(sitting)
        if line.id not in {dish.line_id for dish in bill.dishes}:
            counts = sum(share.forgiven for share in bill.shares)
            assert counts <= max(0, forgiven - line.due.minor), "it pays for another dish"
        self.the_evening_adds_up()
        room = bill.beyond
        self.orders_at(table, "staff", "tea", 1, f"later {line.id}", sends=True)
        self.look()
        extra = self.bill(sitting).ordered - bill.ordered
        assert self.bill(sitting).left - bill.left >= extra - room, "money that went back pays for a later dish"

    @rule(which=PICK, agrees=st.booleans())
    def a_second_person_decides(self, which: int, agrees: bool) -> None:  # noqa: FBT001
        """A refund that waits is let go, or turned down."""
        of = self.house
        waiting = [one for one in self.seen().refunds if one.status is RefundStatus.REQUESTED]
        if waiting:
            refund = waiting[which % len(waiting)]
            if agrees:
                self.at_once(lambda: of.checkout.approve_refund(refund, self.boss))
            else:
                self.run(of.checkout.refuse_refund(refund, self.boss, "no"))

    # -- what holds ----------------------------------------------------------------------------------------------

    @invariant()
    def the_evening_adds_up(self) -> None:
        """The whole truth, after each step; what the audit asks, after each fifth, for it asks much."""
        if not hasattr(self, "house"):
            return
        self.steps += 1

        async def look() -> Evening:
            async with self.db.reading() as rows:
                now = await evening.seen(self.house, rows)
                await evening.ledger_agrees(self.house, rows, now)
                await evening.offers_keep_their_budgets(self.house, rows, self.offers, now)
                if not self.steps % 5 or self.over:
                    await evening.nothing_is_broken(self.house, rows)
                return now

        now = self.now = self.runner.run(look())
        shares = {share.payment_id: share.state for table in now.tables for share in table.bill.shares}
        self.late |= {one for one, state in shares.items() if one in self.let_go and state == "paid"}
        self.let_go |= {one for one, state in shares.items() if state == "released"}
        evening.bills_add_up(now, self.late)
        evening.no_more_is_proposed_than_is_beyond(now, self.cases)
        self.cases |= {case.id for case in now.cases}
        evening.kitchen_cooks_once(now)
        lines = {line.id: line for line in now.lines}
        assert len(lines) == len(now.lines), "a dish is on two bills"
        ordered = {one: (line.unit_amount, line.quantity) for one, line in lines.items() if line.ordered}
        assert ordered == {one: known for one, known in self.sent.items() if known[1]}
        for one in ordered:
            assert self.sent_at.setdefault(one, lines[one].sent_at) == lines[one].sent_at, "sent again"
            if lines[one].hold or lines[one].status is LineStatus.VOID:
                self.fired_at.pop(one, None)
            else:
                assert self.fired_at.setdefault(one, now.fired_at.get(one)) == now.fired_at.get(one), "fired again"

    def teardown(self) -> None:
        """Once everything has been said again and waited for, Alipay and the book agree."""
        if not hasattr(self, "house"):
            return
        of = self.house
        of.alipay.faults.clear()

        async def settles() -> None:
            of.alipay.outbox += self.posted
            await self.notices_come()
            async with self.db.reading() as rows:
                for _ in range(40):
                    self.clock.advance(timedelta(seconds=90))
                    await self.work()
                    await self.notices_come()
                    if not await rows.value(evening.STILL_OPEN, {"merchant": of.shop.merchant.id}):
                        break

        self.runner.run(settles())
        self.over = True
        self.the_evening_adds_up()
        for payment in self.seen().payments:
            trade = of.alipay.trades.get(payment.order_number)
            assert not payment.open, payment
            if trade is not None and payment.status is not Status.NEEDS_ATTENTION:
                kept = trade.debits * trade.amount.minor - trade.given_back
                ours = payment.amount - payment.refunded if payment.status is Status.SUCCEEDED else 0
                assert kept == ours, (payment, trade)


def test_whatever_happens_in_an_evening_bills_payments_kitchen_and_books_agree(
    database_url: str, clock: MovableClock
) -> None:
    play(Tables, database_url, examples=3, steps=25, clock=clock)
