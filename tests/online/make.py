"""Makes a shop that takes orders ahead for tests: a menu, opening hours, a cashier and an Alipay in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from saoma.checkout.checkout import Checkout
from saoma.food.model import Item, Line, Menu
from saoma.food.orders import ordering
from saoma.gateway import Method
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.online import firing, offers, orders
from saoma.online.book_rules import RULES
from saoma.online.model import KIND, Hours, Mode, Offer, OnlineOrder, Pay
from saoma.online.paying import OnlineBill, part_of
from saoma.online.receipts import receipt_lines
from saoma.online.slots import soonest
from saoma.payments.audit import faults
from saoma.payments.model import Payment
from saoma.payments.payments import Payments
from tests.food import make as food
from tests.identity import make as identity
from tests.payments.make import FakeAlipay

ANNA, BEN = "2088000000000101", "2088000000000102"
CODE = "281234567890123456"
_keys = itertools.count(1)


@dataclass
class House:
    """One shop that takes orders ahead, open all week from 08:00 to 22:00 by its clock."""

    db: Database
    clock: MovableClock
    shop: identity.Shop
    menu: Menu
    alipay: FakeAlipay
    payments: Payments
    checkout: Checkout
    cashier: Staff

    @property
    def store_id(self) -> str:
        return self.shop.store.id

    async def offer(self) -> Offer:
        """What it offers."""
        async with self.db.reading() as rows:
            return await offers.offer_of_store(rows, self.store_id)

    async def offers(self, **values: Any) -> Offer:
        """The office changes what is offered."""
        async with self.db.transaction() as tx:
            await offers.change(tx, self.store_id, values)
        return await self.offer()

    def dish(self, code: str) -> Item:
        """The dish with this code."""
        return food.dish(self.menu, code)

    async def begin(self, *codes: str, key: str = "", quantity: int = 1, mode: Mode = Mode.PICK_UP) -> OnlineOrder:
        """A basket with these dishes."""
        offer = await self.offer()
        async with self.db.transaction() as tx:
            begun = await orders.begin(tx, offer, key or f"phone {next(_keys)}", mode, self.clock.now())
        for code in codes:
            await self.add(begun, code, quantity)
        return await self.again(begun)

    async def add(self, to: OnlineOrder, code: str, quantity: int = 1, key: str = "") -> Line:
        """One more dish."""
        item = self.dish(code)
        options = food.choices(item, "Regular")
        now = self.clock.now()
        async with self.db.transaction() as tx:
            return await orders.add(tx, to.id, item.id, options, quantity, "", key or f"dish {next(_keys)}", now, now)

    async def again(self, of: OnlineOrder) -> OnlineOrder:
        """The order as it stands."""
        async with self.db.reading() as rows:
            return await orders.order(rows, of.id)

    async def lines(self, of: OnlineOrder) -> list[Line]:
        """Its dishes."""
        async with self.db.reading() as rows:
            return await ordering.lines(rows, of.tab_id)

    async def soonest(self, of: OnlineOrder) -> datetime:
        """The first time there is room for it."""
        offer = await self.offer()
        async with self.db.reading() as rows:
            asks = await offers.effort(rows, offer, of.tab_id)
            found = soonest(await offers.free_slots(rows, offer, asks, self.clock.now(), of.id))
        assert found is not None
        return found.at

    async def writes(
        self,
        of: OnlineOrder,
        slot_at: datetime | None = None,
        pay: Pay = Pay.AHEAD,
        *,
        name: str = "Anna",
        phone: str = "13800000000",
        buyer_id: str = ANNA,
    ) -> OnlineOrder:
        """The customer chooses time and way to pay, and writes down name and phone."""
        at = slot_at or await self.soonest(of)
        wish = orders.Wish(
            mode=of.mode, asap=slot_at is None, slot_at=at, pay=pay, name=name, phone=phone, note="", buyer_id=buyer_id
        )
        offer = await self.offer()
        async with self.db.transaction() as tx:
            return await orders.write_down(tx, offer, of.id, wish, self.clock.now())

    async def left(self, of: OnlineOrder) -> Any:
        """What is left to pay."""
        async with self.db.reading() as rows:
            return (await orders.account(rows, await orders.order(rows, of.id))).left

    async def left_paid(self, of: OnlineOrder) -> Any:
        """What was paid for it."""
        return (await self.payments.of_payable(KIND, of.id))[0].money

    async def opens(self, of: OnlineOrder, buyer_id: str = ANNA, key: str = "") -> Payment:
        """The wallet opens its payment."""
        amount = await self.left(of)
        return await self.checkout.pay_in_wallet(
            self.store_id, buyer_id, amount, "Order", KIND, of.id, part_of(of), key or f"pay {next(_keys)}"
        )

    async def money_arrives(self, payment: Payment) -> Payment:
        """The buyer types the PIN, and we ask."""
        self.alipay.buyer_pays(payment.order_number)
        await self.payments.nudge(payment.id)
        return await self.payments.get(payment.id)

    async def paid(self, *codes: str, slot_at: datetime | None = None, quantity: int = 1) -> OnlineOrder:
        """An order that is paid ahead."""
        of = await self.begin(*codes, quantity=quantity)
        await self.writes(of, slot_at)
        await self.money_arrives(await self.opens(of))
        return await self.again(of)

    async def promised(self, *codes: str, slot_at: datetime | None = None, **who: str) -> OnlineOrder:
        """An order that is paid when it is collected."""
        of = await self.begin(*codes)
        await self.writes(of, slot_at, Pay.LATER, **who)
        async with self.db.transaction() as tx:
            return await orders.promise(tx, of.id, self.clock.now())

    async def takes_cash(self, of: OnlineOrder, key: str = "") -> Payment:
        """The cashier takes cash when it is collected."""
        return await self.checkout.take_by_staff(
            self.store_id,
            "",
            self.cashier,
            Method.CASH,
            await self.left(of),
            "Order",
            KIND,
            of.id,
            part_of(of),
            key or f"cash {next(_keys)}",
        )

    async def clock_works(self) -> None:
        """All that is due now is done."""
        for _ in range(4):
            works = [*self.payments.works(), *firing.works(self.db, self.payments, self.clock)]
            if not await drive_due(self.db, works, self.clock):
                return

    async def later(self, **how_long: float) -> None:
        """Time goes by."""
        self.clock.advance(timedelta(**how_long))
        await self.clock_works()

    async def broken_rules(self) -> list[str]:
        """What the audits of payments and of this room find."""
        async with self.db.reading() as rows:
            found = [str(fault) for fault in await faults(rows, self.clock.now())]
            for rule, sql in RULES.items():
                cursor = await rows.connection.execute(sql)
                found += [f"{rule}: {row}" for row in await cursor.fetchall()]
        return found


async def house(db: Database, clock: MovableClock) -> House:
    """A noodle house that takes orders ahead."""
    shop = await identity.shop(db)
    shown = await food.noodle_house_menu(db, shop.store.id)
    alipay = FakeAlipay(clock)
    payments = Payments(
        db,
        clock,
        {shop.account_id: alipay},
        {KIND: OnlineBill(clock)},
        lambda account: f"http://shop.test/alipay/notify/{account}",
        jitter=lambda: 0.5,
    )
    return await opened(db, clock, shop, shown, alipay, payments)


async def opened(
    db: Database, clock: MovableClock, shop: identity.Shop, shown: Menu, alipay: FakeAlipay, payments: Payments
) -> House:
    """A shop that is there begins to take orders ahead; its payments must know them."""
    cashier = await identity.staff(db, shop, Role.CASHIER)
    checkout = Checkout(payments, db, clock, {KIND: receipt_lines})
    async with db.transaction() as tx:
        await offers.set_up(tx, shop.store.id)
        await offers.set_hours(tx, shop.store.id, [Hours(day, 8 * 60, 22 * 60) for day in range(7)])
        await offers.change(tx, shop.store.id, {"takes": True, "pay": "choice", "capacity": 4, "lead_minutes": 10})
    return House(db, clock, shop, shown, alipay, payments, checkout, cashier)
