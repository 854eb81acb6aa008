"""Makes a counter for tests: a shop with a menu, a cashier and an Alipay in memory."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from litestar import Litestar

from saoma.checkout.checkout import Checkout
from saoma.checkout.screens import till_payments
from saoma.fastfood import counter, screens
from saoma.fastfood.model import KIND, Channel, CounterOrder
from saoma.fastfood.paying import CounterBill, part_of
from saoma.fastfood.receipts import receipt_lines
from saoma.fastfood.stopping import Stops
from saoma.food.model import Item, Line, Menu
from saoma.food.orders import ordering
from saoma.food.orders.calling import CallsOf
from saoma.food.screens import kitchen as kitchen_screen
from saoma.gateway import Method
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.live import Live
from saoma.kit.money import Money
from saoma.payments.model import Payment
from saoma.payments.payments import Payments
from saoma.settings import Settings
from saoma.web.page import House as WebHouse
from tests.doors import become_staff, hello
from tests.food import make as food
from tests.identity import make as identity
from tests.payments.make import FakeAlipay
from tests.seating import seated

CODE = "281234567890123456"
_keys = itertools.count(1)


@dataclass
class House:
    """One shop with a counter."""

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

    def dish(self, code: str) -> Item:
        """The dish with this code."""
        return food.dish(self.menu, code)

    async def begin(self, *codes: str, key: str = "", channel: Channel = Channel.COUNTER) -> CounterOrder:
        """An order with these dishes in it."""
        async with self.db.transaction() as tx:
            begun = await counter.begin(
                tx, self.store_id, channel, key or f"order {next(_keys)}", "theo", self.clock.now()
            )
        for code in codes:
            await self.add(begun, code)
        return begun

    async def add(self, to: CounterOrder, code: str, quantity: int = 1, key: str = "") -> Line:
        """One more dish."""
        item = self.dish(code)
        options = food.choices(item, "Regular")
        async with self.db.transaction() as tx:
            return await counter.add(
                tx, to.id, item.id, options, quantity, "", key or f"dish {next(_keys)}", self.clock.now()
            )

    async def again(self, of: CounterOrder) -> CounterOrder:
        """The order as it stands."""
        async with self.db.reading() as rows:
            return await counter.order(rows, of.id)

    async def lines(self, of: CounterOrder) -> list[Line]:
        """Its dishes."""
        async with self.db.reading() as rows:
            return await ordering.lines(rows, of.tab_id)

    async def left(self, of: CounterOrder) -> Money:
        """What is left to pay."""
        async with self.db.reading() as rows:
            return (await counter.account(rows, of)).left

    async def scans(self, of: CounterOrder, amount: Money | None = None, key: str = "", code: str = CODE) -> Payment:
        """The cashier scans the customer's payment code."""
        return await self.checkout.pay_by_barcode(
            self.store_id,
            "",
            self.cashier,
            amount or await self.left(of),
            f"Order {of.number}",
            KIND,
            of.id,
            part_of(of),
            code,
            key or f"scan {next(_keys)}",
            policy="fast_food",
        )

    async def takes_cash(self, of: CounterOrder, key: str = "") -> Payment:
        """The cashier takes cash."""
        return await self.checkout.take_by_staff(
            self.store_id,
            "",
            self.cashier,
            Method.CASH,
            await self.left(of),
            f"Order {of.number}",
            KIND,
            of.id,
            part_of(of),
            key or f"cash {next(_keys)}",
        )

    async def broken_rules(self) -> dict[str, list[str]]:
        """What the audit's questions about counter orders find."""
        from saoma.fastfood.book_rules import RULES

        async with self.db.reading() as rows:
            found = {}
            for rule, sql in RULES.items():
                cursor = await rows.connection.execute(sql)
                found[rule] = [str(row) for row in await cursor.fetchall()]
        return {rule: rows_ for rule, rows_ in found.items() if rows_}


async def house(db: Database, clock: MovableClock) -> House:
    """A noodle house with a counter and a cashier."""
    shop = await identity.shop(db)
    shown = await food.noodle_house_menu(db, shop.store.id)
    cashier = await identity.staff(db, shop, Role.CASHIER)
    alipay = FakeAlipay(clock)
    payments = Payments(
        db,
        clock,
        {shop.account_id: alipay},
        {KIND: CounterBill(clock)},
        lambda account: f"http://shop.test/alipay/notify/{account}",
        jitter=lambda: 0.5,
        listeners=(Stops(clock),),
    )
    checkout = Checkout(payments, db, clock, {KIND: receipt_lines})
    return House(db, clock, shop, shown, alipay, payments, checkout, cashier)


def app(of: House, *, live: Live | None = None, board_calls: CallsOf | None = None) -> Litestar:
    """The counter's screens in the real frame."""
    given: dict[str, Any] = {
        "db": of.db,
        "clock": of.clock,
        "checkout": of.checkout,
        "board_calls": board_calls or {},
        "seal": identity.seal(),
        "settings": Settings(
            database_url=of.db.url, secret=identity.SECRET, public_url="http://shop.test", loopback_printers=True
        ),
    }
    handlers = [*screens.routers, till_payments.router, kitchen_screen.router]
    return seated(
        [*handlers, hello, become_staff],
        house=WebHouse(secret=identity.SECRET, clock=of.clock),
        db=of.db,
        live=live,
        given=given,
        exception_handlers={SignInNeeded: to_sign_in},
    )


class Browser:
    """A browser: keeps cookies, sends the CSRF token with each form, follows nothing by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, *, htmx: bool = False, lang: str = "en") -> str:
        """Open a page, or ask for a fragment; it must be there."""
        headers = {"Accept-Language": lang} | ({"HX-Request": "true"} if htmx else {})
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(self, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form by htmx."""
        if "saoma_csrf" not in self.client.cookies:
            await self.client.get("/hello")
        headers = {"X-CSRF-Token": self.client.cookies["saoma_csrf"], "HX-Request": "true"}
        return await self.client.post(path, data=data or {}, headers=headers)


@asynccontextmanager
async def browser(of: House, server: Litestar | None = None, staff: Staff | None = None) -> AsyncIterator[Browser]:
    """A desktop where the cashier (or somebody else) is signed in."""
    transport = httpx.ASGITransport(app=cast(Any, server or app(of)))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop.test", headers={"Accept": "text/html"}
    ) as client:
        opened = Browser(client)
        await opened.get(f"/staff-is/{(staff or of.cashier).id}")
        yield opened


@asynccontextmanager
async def kiosk(of: House, server: Litestar | None = None) -> AsyncIterator[Browser]:
    """A device that the cashier has opened to customers."""
    async with browser(of, server) as opened:
        await opened.post("/kiosk/open")
        yield opened


def fields(html: str, *names: str) -> dict[str, str]:
    """The values of these hidden fields, as they stand first."""
    found = {name: re.search(rf'name="{name}"\s+value="([^"]*)"', html) for name in names}
    return {name: match[1] for name, match in found.items() if match}
