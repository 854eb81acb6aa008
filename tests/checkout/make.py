"""A shop that takes money through a fake Alipay, a server over it, and people at it: diner, cashier, stranger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from saoma.checkout import screens
from saoma.checkout.checkout import Checkout
from saoma.checkout.receipt import ReceiptLine, ReceiptLines
from saoma.checkout.shifts import Drawers
from saoma.identity.links import Links, sign_in_path
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.identity.screens import sign_in
from saoma.identity.wallet_sign_in import remember_buyer
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Rows
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.payments.model import Payment
from saoma.payments.payments import Payments
from tests.identity import make, web
from tests.payments.make import BILLS, Bills, FakeAlipay

BUYER = "2088000000000001"
CODE = "281234567890123456"
ROUTERS = [sign_in.router, *screens.routers]


async def bill_lines(rows: Rows, payment: Payment) -> ReceiptLines:
    """What the bills of these tests print."""
    return ReceiptLines(
        lines=(
            ReceiptLine("Beef noodles", 2, Money(2600, "USD"), "牛肉面", "no coriander", "不要香菜"),
            ReceiptLine("Jasmine tea", 1, Money(1050, "USD"), "茉莉花茶"),
        ),
        title="Table 5",
        title_zh="5号桌",
        back="/t/AB12",
    )


@dataclass
class House:
    """One shop with its payment core."""

    db: Database
    clock: MovableClock
    shop: make.Shop
    alipay: FakeAlipay
    payments: Payments
    checkout: Checkout
    bills: int = field(default=0)

    async def bill(self, minor: int = 3650) -> str:
        """A bill that is due."""
        self.bills += 1
        bill_id = f"bill_{self.bills}"
        async with self.db.reading() as rows:
            await rows.run("INSERT INTO bills (id, due) VALUES (%(id)s, %(due)s)", {"id": bill_id, "due": minor})
        return bill_id

    async def wallet_payment(
        self, *, buyer_id: str = BUYER, minor: int = 3650, key: str = "", bill: str = ""
    ) -> Payment:
        """A payment that waits for its buyer on the wallet page."""
        bill = bill or await self.bill(minor)
        return await self.checkout.pay_in_wallet(
            self.shop.store.id, buyer_id, Money(minor, "USD"), "Table 5", "bill", bill, {"share": "whole"}, key or bill
        )

    async def barcode_payment(self, cashier: Staff, *, code: str = CODE, minor: int = 3650) -> Payment:
        """What a cashier's scan begins."""
        bill = await self.bill(minor)
        return await self.checkout.pay_by_barcode(
            self.shop.store.id, "", cashier, Money(minor, "USD"), "Table 5", "bill", bill, {}, code, bill
        )

    async def pass_time(self, seconds: float) -> None:
        """Move the clock, and let a worker do what came due."""
        self.clock.advance(timedelta(seconds=seconds))
        await drive_due(self.db, self.payments.works(), self.clock)

    async def cashier(self, *roles: Role, at: make.Shop | None = None) -> Staff:
        """Somebody who works here, or at another shop."""
        return await make.staff(self.db, at or self.shop, *roles)

    async def sign_in(self, browser: web.Browser, staff: Staff) -> None:
        """Let `staff` in on a browser."""
        links = Links(make.seal(), self.clock)
        answer = await browser.post(sign_in_path(links, staff.id, timedelta(hours=1)))
        assert answer.status_code == 303, answer.text

    async def hold_phone(self, browser: web.Browser, buyer_id: str = BUYER) -> None:
        """Make a browser the phone of a buyer, as the wallet sign-in would."""
        session: dict[str, Any] = {}
        remember_buyer(session, self.shop.account_id, buyer_id)
        await browser.client.post("/session", json=session)

    def server(self) -> Any:
        """The rooms under test, served."""
        return web.app(ROUTERS, self.db, self.clock, checkout=self.checkout, payments=self.payments)


async def house(db: Database, clock: MovableClock) -> House:
    """A shop in front of a fake Alipay."""
    shop = await make.shop(db)
    async with db.reading() as rows:
        await rows.run(BILLS)
    alipay = FakeAlipay(clock)
    payments = Payments(
        db,
        clock,
        {shop.account_id: alipay},
        {"bill": Bills()},
        lambda account_id: f"http://shop.test/alipay/notify/{account_id}",
        jitter=lambda: 0.5,
        listeners=(Drawers(clock),),
    )
    return House(db, clock, shop, alipay, payments, Checkout(payments, db, clock, {"bill": bill_lines}))


@asynccontextmanager
async def people(house: House) -> AsyncIterator[tuple[web.Browser, web.Browser, web.Browser]]:
    """A diner's phone, a cashier's till and a stranger's browser."""
    async with web.browsers(house.server(), 3, web.ALIPAY) as (phone, till, stranger):
        await house.hold_phone(phone)
        await house.sign_in(till, await house.cashier())
        yield phone, till, stranger
