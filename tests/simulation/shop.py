"""What people do in a simulated world: buyers, cashiers, phones, operators, kills and forgers. Each is one rule.

A rule that makes no sense at the moment does nothing. The same rules serve the fast runner and Hypothesis."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Final

from saoma.alipay.wire import parse_form
from saoma.gateway import Method, SecondaryMerchant
from saoma.kit.clock import BEIJING, beijing
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.payments.arrivals import KIND, waiting_at
from saoma.payments.cases import Case, CaseFilter, Kind, Move, cases
from saoma.payments.codes import CodeStatus, MerchantCode, NewCode
from saoma.payments.lifecycle import Status
from saoma.payments.model import NewPayment
from saoma.payments.ruling import Rulings
from saoma.sandbox.book.buyers import SAMPLE_USER_ID
from saoma.sandbox.book.model import Product, Trade, TradeStatus
from saoma.sandbox.book.trades import TurnedDown
from saoma.sandbox.book.undoing import cancel
from tests.simulation import tabs
from tests.simulation.alipay import CURRENCY, OURS, PARTNER, STRANGER, THEIRS, signed_by
from tests.simulation.verdict import Breach, Seen, at_rest, books_agree, kept, payable, refunds, trade_of
from tests.simulation.world import World

BUYER: Final = SAMPLE_USER_ID
PIN: Final = "123456"
#: The last digits of a payment code say what its buyer does: pay, pay after ten seconds, be asked, have no money.
MOODS: Final = {"pays": "00", "slow": "90", "asked": "91", "broke": "93"}
POLICIES: Final = ("fast_food", "ticket", "barcode")
METHODS: Final = (Method.BARCODE, Method.WALLET_PAGE, Method.ORDER_CODE)
FORGERIES: Final = ("signature", "amount", "account", "order", "sign_type", "unsigned", "trade")
_MOST_PAYMENTS: Final = 5
#: Above this many whole units a second person must confirm a ruling.
_ABOVE: Final = 30


class Shop(World):
    """A world with people in it."""

    _codes = 0
    _keys = 0
    _last: NewPayment | None = None
    _code: MerchantCode | None = None

    async def open_the_shop(self) -> None:
        """Nothing has happened yet."""
        self.say(f"the shop opens, storm {self.network.storm:.2f}")

    def one(self, index: int, *likely: Status) -> Seen | None:
        """One of the payments there are; one in a `likely` state where there is any."""
        found = [payment for payment in self.payments if payment.status in likely] or self.payments
        return found[index % len(found)] if found else None

    def _shop(self) -> SecondaryMerchant:
        return SecondaryMerchant("SM_1", "Noodle House", "5812", "ST_1", "Harbour Branch", "T01")

    # --- buying -----------------------------------------------------------------------------------------------------

    async def someone_pays(self, method: Method, mood: str, policy: str, cents: int, tab: int) -> None:
        """A till asks for money: for a new tab (`tab` 0), or for one that is there, which others may be paying."""
        if len(self.payments) >= _MOST_PAYMENTS:
            return
        others = [payment for payment in self.payments if payment.payable_kind == tabs.KIND]
        if tab and others:
            tab_id = others[tab % len(others)].payable_id
        else:
            tab_id = f"tab_{self.account_id}_{self._keys}"
            async with self.eye.reading() as rows:
                due = cents if self.dice.random() < 0.7 else 2 * cents
                insert = "INSERT INTO sim_tabs (id, store_id, due) VALUES (%(id)s, %(store)s, %(due)s)"
                await rows.run(insert, {"id": tab_id, "store": self.store_id, "due": due})
        self._keys += 1
        self._codes += 1
        code = f"28{self._codes:014d}{MOODS[mood]}"
        new = NewPayment(
            merchant_id=self.merchant_id,
            account_id=self.account_id,
            method=method,
            amount=Money(cents, CURRENCY),
            subject="Noodles",
            payable_kind=tabs.KIND,
            payable_id=tab_id,
            shop=self._shop(),
            policy=policy if method is Method.BARCODE else method.value,
            payment_code=code if method is Method.BARCODE else "",
            buyer_id=BUYER if method is Method.WALLET_PAGE else "",
            key=f"key_{self._keys}",
            by="ann",
            store_id=self.store_id,
        )
        self._last = new
        self.say(f"{method} {mood}, {policy}: {new.amount} for {tab_id[-6:]}")
        if method is Method.BARCODE and self.dice.random() < 0.15:
            self.say("left to a worker")
            await self.do(self.till, self.till.payments.start(new))
        else:
            await self._take(new)

    async def _take(self, new: NewPayment) -> None:
        payments = self.till.payments
        work = payments.take_by_order_code(new) if new.method is Method.ORDER_CODE else payments.take(new)
        await self.do(self.till, work)

    async def a_till_asks_again(self) -> None:
        """A till that heard nothing repeats its last wish with the same key."""
        if self._last is not None:
            self.say("the till repeats its last wish")
            await self._take(self._last)

    def _trades(self) -> list[Trade]:
        theirs = self.alipay.book.trades.values()
        return [one for one in theirs if one.partner == PARTNER and one.product is not Product.NONE]

    async def a_buyer_acts(self, index: int, what: str) -> None:
        """The buyer scans the code on the screen, pays, or refuses; perhaps long after we gave up."""
        trades = [
            trade for trade in self._trades() if trade.status in (TradeStatus.ORDERED, TradeStatus.WAIT_BUYER_PAY)
        ]
        if not trades:
            return
        trade, book = trades[index % len(trades)], self.alipay.book
        try:
            if trade.status is TradeStatus.ORDERED:
                book.scan(book.code_url(trade.qr_token), BUYER)
            if what == "pays":
                book.pay(trade.trade_no, BUYER, PIN)
            elif what == "refuses":
                book.refuse(trade.trade_no, BUYER)
        except Refused:
            return
        self.say(f"the buyer of {trade.out_trade_no[-6:]} {what}")
        await self.letters_go()

    async def alipay_undoes(self, index: int) -> None:
        """Somebody undoes a paid trade in Alipay's own console: we are told by a notification, if it comes."""
        trades = [one for one in self._trades() if one.status is TradeStatus.TRADE_SUCCESS and not one.refunded]
        if trades:
            trade = trades[index % len(trades)]
            self.say(f"{trade.out_trade_no[-6:]} is undone at Alipay")
            with suppress(TurnedDown):
                cancel(self.alipay.book, PARTNER, trade.out_trade_no)
            await self.letters_go()

    async def someone_pays_at_the_counter(self, cents: int, exact: int) -> None:
        """A customer scans the printed code and types an amount: that of an open tab, or any."""
        if len(self.payments) >= _MOST_PAYMENTS:
            return
        if self._code is None:
            new = NewCode(
                merchant_id=self.merchant_id,
                store_id=self.store_id,
                account_id=self.account_id,
                label="Counter 1",
                currency=CURRENCY,
                shop=self._shop(),
                country="SG",
                place="1 Quay",
            )
            self._code = await self.do(self.till, self.till.payments.codes.create(new, "ann"))
            self.say("a code is printed")
        elif self._code.status is CodeStatus.WANTED:
            self._code = await self.do(self.till, self.till.payments.codes.ask_again(self._code.id)) or self._code
        if self._code is None or self._code.status is not CodeStatus.ACTIVE:
            return
        if exact and self.payments:
            cents = self.payments[exact % len(self.payments)].amount
        try:
            self.alipay.book.pay_static(self._code.address, BUYER, Money(cents, CURRENCY), PIN)
        except Refused:
            return
        self.say(f"somebody pays {cents} cents at the counter")
        await self.letters_go()

    # --- people of ours ---------------------------------------------------------------------------------------------

    async def a_cashier_gives_up(self, index: int) -> None:
        """Enough waited."""
        if payment := self.one(index, Status.CREATED, Status.PENDING):
            self.say(f"the cashier gives up {payment.order_number[-6:]}")
            await self.do(self.till, self.till.payments.give_up(payment.id, "ann"))

    async def a_phone_reports(self, index: int) -> None:
        """A phone says something happened; nobody believes it, but somebody asks."""
        if payment := self.one(index):
            self.say(f"a phone reports about {payment.order_number[-6:]}")
            await self.do(self.till, self.till.payments.nudge(payment.id))

    async def a_refund_is_asked_for(self, index: int, cents: int, times: int, alone: int) -> None:
        """Somebody wants money back: all that is left (`cents` 0) or some; `times` tills at once, each with its key."""
        payment = self.one(index, Status.SUCCEEDED)
        if payment is None or payment.status is not Status.SUCCEEDED:
            return
        amount = Money(cents if 0 < cents < payment.amount else payment.amount - payment.refunded, CURRENCY)
        if amount.minor <= 0:
            return
        for _ in range(times):
            self._keys += 1
            self.say(f"a refund of {amount} of {payment.order_number[-6:]} is asked for")
            limit = Money(alone, CURRENCY) if alone else None
            work = self.till.payments.refund(payment.id, amount, "cold", "ann", f"refund_{self._keys}", alone=limit)
            await self.do(self.till, work)

    async def a_second_person_looks(self, index: int, agrees: int) -> None:
        """A refund that waits is let go, or not."""
        waiting = [one for one in await refunds(self.eye, self.account_id) if one.status == "requested"]
        if waiting:
            await self._second(waiting[index % len(waiting)].id, agrees)

    async def _second(self, refund_id: str, agrees: int) -> None:
        self.say(f"bob {'approves' if agrees else 'refuses'} a refund")
        payments = self.till.payments
        if agrees:
            await self.do(self.till, payments.approve_refund(refund_id, "bob"))
        else:
            await self.do(self.till, payments.refuse_refund(refund_id, "bob", "no"))

    async def a_cashier_sorts_the_inbox(self, index: int, keep: int) -> None:
        """Money that came without an order is assigned to one, or kept."""
        async with self.eye.reading() as rows:
            inbox = await waiting_at(rows, self.store_id)
            if not inbox:
                return
            arrived = inbox[index % len(inbox)]
            orders = await self.till.payments.arrivals.open_orders(rows, self.store_id)
        inbox_of = self.till.payments.arrivals
        if keep or not orders:
            await self.do(self.till, inbox_of.keep(arrived.payment_id, "ann"))
        else:
            order = orders[index % len(orders)]
            await self.do(self.till, inbox_of.assign(arrived.payment_id, order.kind, order.id, "ann"))
        self.say("the inbox is sorted")

    # --- operators --------------------------------------------------------------------------------------------------

    async def _open_cases(self) -> list[Case]:
        async with self.eye.reading() as rows:
            mine = await cases(rows, CaseFilter(merchant_id=self.merchant_id), limit=100)
        return [case for case in mine if Kind(case.kind) is not Kind.UNMATCHED_NOTICE]

    async def an_operator_rules(self, index: int) -> None:
        """Somebody looks at a case and decides by what Alipay's own console says."""
        if mine := await self._open_cases():
            await self._rule(mine[index % len(mine)])

    async def _rule(self, case: Case) -> bool:
        move = await self._right_move(case)
        if move is None:
            return False
        self.say(f"{case.kind} of {case.subject_id[-6:]} is ruled {move}")
        rulings = Rulings(self.till.payments, _ABOVE)
        after = await self.do(self.till, rulings.rule(case.id, move, "olga", "looked at their console"))
        if after is None or not after.closed:
            await self.do(self.till, rulings.rule(case.id, move, "oleg", "so did I"))
        return True

    async def _right_move(self, case: Case) -> Move | None:
        book = self.alipay.book
        if case.subject_kind == "refund":
            number = next(one for one in await refunds(self.eye, self.account_id) if one.id == case.subject_id)
            done = book.refunds.get((PARTNER, number.refund_number))
            return Move.REFUNDED if done is not None and done.state == "SUCCESS" else Move.NOT_REFUNDED
        payment = next((one for one in self.payments if one.id == case.subject_id), None)
        if payment is None or payment.status is not Status.NEEDS_ATTENTION:
            return None
        trade = trade_of(book, payment)
        if payable(trade, self.clock.now()):
            if self.dice.random() < 0.5:
                return None
            self.hasty.add(payment.id)
            return Move.UNPAID
        if not kept(trade):
            return Move.UNPAID
        if payment.payable_kind == KIND or payment.payable_state == "paid":
            return Move.PAID
        async with self.eye.reading() as rows:
            shares = await tabs.shares(rows, self.store_id)
        mine = next(share for share in shares if share.payment_id == payment.id)
        taken = sum(share.amount for share in shares if share.tab_id == mine.tab_id and share.state != "released")
        fits = mine.state != "released" or taken + payment.amount <= mine.due
        return Move.PAID if fits and self.dice.random() < 0.5 else Move.REFUND

    # --- machines ---------------------------------------------------------------------------------------------------

    async def workers_meet(self, index: int) -> None:
        """Two processes drive the same payment at the same time, and a till nudges it."""
        if payment := self.one(index):
            self.say(f"two workers meet at {payment.order_number[-6:]}")
            for name in ("worker", "other"):
                process = self.processes[name]
                await self.do(process, process.payments.drive(payment.id))

    async def workers_meet_at_a_refund(self, index: int) -> None:
        """Two processes send the same refund at the same time."""
        if known := await refunds(self.eye, self.account_id):
            refund = known[index % len(known)]
            self.say(f"two workers meet at refund {refund.refund_number[-6:]}")
            for name in ("worker", "other"):
                process = self.processes[name]
                await self.do(process, process.payments.drive_refund(refund.id))

    async def another_worker_works(self) -> None:
        """A second worker handles what is due."""
        await self.work("other")

    async def a_process_will_die(self, which: int, moments: int) -> None:
        """A process is killed after so many moments: before a transaction, before its commit, or after it."""
        name = ("till", "worker", "other")[which % 3]
        self.processes[name].db.dies_in = moments
        self.say(f"{name} will die in {moments} moments")

    async def a_process_dies(self, which: int) -> None:
        """A process is killed now, whatever it waits for."""
        self.processes[("till", "worker", "other")[which % 3]].db.die()
        await asyncio.sleep(0)

    async def workers_sleep(self, asleep: int) -> None:
        """No worker runs for a while; or they are back."""
        self.workers_awake = not asleep
        self.say("workers sleep" if asleep else "workers are awake")

    async def our_door_is_shut(self, shut: int) -> None:
        """Nobody answers notifications for a while; or somebody does again."""
        self.open = not shut
        self.say("the door is shut" if shut else "the door is open")

    async def the_weather_changes(self, storm: float, slow: float) -> None:
        """The road gets better or worse."""
        self.network.storm, self.network.slow = storm, slow
        self.say(f"weather: {storm:.2f} storm, {slow:.2f} slow")

    async def nothing_works(self, seconds: float, awake: int) -> None:
        """No call comes through for a long while, asked again and again or only at its end."""
        storm, self.network.storm = self.network.storm, 1.0
        self.say(f"nothing works for {seconds} seconds")
        if awake:
            await self.pass_time(seconds)
        else:
            self.push(self.clock.now() + timedelta(seconds=seconds))
            await self.turn()
        self.network.storm = storm

    async def time_passes(self, seconds: float) -> None:
        """A while, with everybody doing what is due."""
        self.say(f"{seconds} seconds pass")
        await self.pass_time(seconds)

    async def the_clock_jumps(self, seconds: float) -> None:
        """Everything of ours stands still for a while, and so does nobody else."""
        self.say(f"the clock jumps by {seconds} seconds")
        self.push(self.clock.now() + timedelta(seconds=seconds))
        await self.turn()

    async def midnight_comes(self, seconds: float) -> None:
        """The clock jumps to some seconds around the end of Alipay's cancel day, 00:15 in Beijing."""
        there = beijing(self.clock.now())
        at = datetime.combine(there.date() + timedelta(days=1), time(0, 15), BEIJING) + timedelta(seconds=seconds)
        self.say(f"it is {at:%H:%M:%S} in Beijing")
        self.push(at)
        await self.turn()

    # --- forgers ----------------------------------------------------------------------------------------------------

    async def a_forgery_arrives(self, index: int, kind: str) -> None:
        """Somebody posts a message that looks like a notification of money, and lies in one respect."""
        payment = self.one(index)
        if payment is None:
            return
        trade = trade_of(self.alipay.book, payment)
        cents = payment.amount if kind != "amount" else payment.amount + 1 + index
        fields = {
            "notify_id": f"{self.dice.getrandbits(128):034x}",
            "notify_type": "trade_status_sync",
            "notify_time": f"{beijing(self.clock.now()):%Y-%m-%d %H:%M:%S}",
            "out_trade_no": payment.order_number if kind != "order" else f"{payment.order_number[:-1]}_",
            "trade_no": trade.trade_no
            if trade and trade.trade_no and kind != "trade"
            else "2026030288888888888888888888",
            "trade_status": "TRADE_SUCCESS",
            "total_fee": Money(cents, CURRENCY).text,
            "seller_id": PARTNER if kind != "account" else STRANGER,
            "buyer_id": BUYER,
        }
        if kind == "trade" and not payment.trade_number:
            return
        match kind:
            case "signature":
                body = signed_by(OURS, fields, key="guessed")
            case "account":
                body = signed_by(THEIRS, fields)
            case "sign_type" | "unsigned":
                body = signed_by(OURS, fields, key="none").replace(b"sign_type=MD5", b"sign_type=RSA")
                if kind == "unsigned":
                    body = body.partition(b"&sign_type=")[0]
            case _:
                body = signed_by(OURS, fields)
        self.say(f"a forgery about {payment.order_number[-6:]}: {kind}")
        if await self.deliver(body) == "success":
            raise Breach(f"a notification with a wrong {kind} was accepted")

    async def a_notification_is_replayed(self, index: int) -> None:
        """Somebody posts a genuine notification once more."""
        if self.posted:
            body = self.posted[index % len(self.posted)]
            number = parse_form(body, "utf-8")["out_trade_no"]
            self.say(f"a notification of {number[-6:]} is replayed")
            await self.deliver(body)

    # --- the end ----------------------------------------------------------------------------------------------------

    async def the_end(self, operators: int = 1) -> None:
        """The weather clears, everybody is back, and time passes until nothing is due; then the books are compared."""
        self.say("the weather clears")
        self.network.storm = self.network.slow = 0.0
        self.open = self.workers_awake = True
        for process in self.processes.values():
            process.db.dies_in = None
        await self.come_to_rest()
        await self.look()
        for refund in await refunds(self.eye, self.account_id):
            if refund.status == "requested":
                await self._second(refund.id, 1)
        # what Alipay still holds open runs out
        self.push(self.clock.now() + timedelta(minutes=20))
        await self.come_to_rest()
        await self.look()
        await at_rest(self.eye, self.account_id, self.payments)
        for _ in range(8 if operators else 0):
            mine = [case for case in await self._open_cases() if await self._rule(case)]
            await self.come_to_rest()
            await self.look()
            if not mine:
                break
        left = [payment for payment in self.payments if payment.status is Status.NEEDS_ATTENTION]
        if operators and left:
            raise Breach(f"{left[0].order_number} can't be ruled upon")
        await at_rest(self.eye, self.account_id, self.payments)
        await books_agree(self.eye, self.account_id, self.store_id, self.payments, self.alipay.book)
