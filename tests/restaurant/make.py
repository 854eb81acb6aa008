"""Makes a restaurant for tests: a shop with a menu, tables, staff, an Alipay in memory, and a server of its screens."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from litestar import Litestar, Request, Response, get
from litestar.params import FromPath

from saoma.alipay.acquirer_client import AcquirerClient
from saoma.checkout.checkout import Checkout
from saoma.checkout.screens import pay as pay_screen
from saoma.checkout.screens import till_payments
from saoma.checkout.shifts import Drawers
from saoma.food.menus.drafts import MenuDraft
from saoma.food.model import Item, Menu
from saoma.gateway import Method, SecondaryMerchant
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.identity.roles import Role
from saoma.identity.screens import wallet as wallet_screen
from saoma.identity.wallet_sign_in import remember_buyer
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Rows
from saoma.kit.ids import new_id
from saoma.kit.live import Live
from saoma.kit.money import Money
from saoma.online.model import KIND as ONLINE
from saoma.online.paying import OnlineBill
from saoma.payments.listening import Listener
from saoma.payments.model import NewPayment, Payment
from saoma.payments.payments import Payments
from saoma.restaurant import sittings
from saoma.restaurant.bill import Bill, Choice
from saoma.restaurant.model import Guest, Sitting, Table
from saoma.restaurant.receipts import receipt_lines
from saoma.restaurant.screens import (
    office_codes,
    office_tables,
    phone_basket,
    phone_bill,
    phone_door,
    phone_offers,
    till_arrivals,
    till_discounts,
    till_door,
    till_methods,
    till_moving,
    till_order,
    till_paying,
    till_voids,
)
from saoma.restaurant.screens import phone as phone_screen
from saoma.restaurant.screens import till as till_screen
from saoma.restaurant.shares import KIND, SittingBill, part_of
from saoma.restaurant.tables import add_table
from saoma.settings import Settings
from saoma.web.page import House
from tests.doors import become_staff, hello
from tests.food import make as food
from tests.identity import make as identity
from tests.payments.make import FakeAlipay
from tests.seating import seated

ALIPAY = "Mozilla/5.0 (iPhone) NebulaSDK/1.8.100112 Nebula AliApp(AP/10.1.32.600) AlipayClient/10.1.32.600 Alipay"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"

ANNA = "2088000000000101"
BEN = "2088000000000102"

SCREENS = (
    *(
        phone_screen,
        phone_basket,
        phone_bill,
        phone_offers,
        till_screen,
        till_paying,
        till_order,
        till_methods,
        till_arrivals,
    ),
    *(till_moving, till_voids, till_discounts),
    *(phone_door, till_door, office_tables, office_codes),
)

_keys = itertools.count(1)


@dataclass
class Restaurant:
    """One shop, ready to be visited."""

    db: Database
    clock: MovableClock
    shop: identity.Shop
    menu: Menu
    tables: list[Table]
    alipay: FakeAlipay
    payments: Payments
    checkout: Checkout
    guests: dict[str, Guest] = field(default_factory=dict)

    @property
    def store_id(self) -> str:
        return self.shop.store.id

    def dish(self, code: str) -> Item:
        """The dish with this code."""
        return food.dish(self.menu, code)

    async def sit(self, buyer_id: str | None = ANNA, table: int = 0, name: str = "") -> tuple[Sitting, Guest]:
        """Somebody scans a table."""
        async with self.db.transaction() as tx:
            return await sittings.join(tx, self.tables[table].code, buyer_id, name, self.clock.now())

    async def eats(self, sitting: Sitting, guest: Guest | None, *codes: str) -> list[str]:
        """A guest orders dishes and sends them; the ids of the lines."""
        sent = []
        for code in codes:
            options = ["Regular"] if code == "beef" else []
            async with self.db.transaction() as tx:
                await sittings.take_more(tx, sitting.id, self.clock.now())
                item = self.dish(code)
                line = await sittings.ordering.add_line(
                    tx,
                    sitting.tab_id,
                    item.id,
                    food.choices(item, *options),
                    1,
                    guest.id if guest else "",
                    "",
                    f"key {next(_keys)}",
                )
                sent.append(line.id)
        await sittings.ordering.order(self.db, sitting.tab_id, guest.id if guest else "staff")
        async with self.db.transaction() as tx:
            await sittings.reckon(tx, await sittings.lock(tx, sitting.id), self.clock.now())
        return sent

    async def bill(self, sitting: Sitting) -> Bill:
        """The bill as it stands."""
        async with self.db.reading() as rows:
            return await sittings.bill_of(rows, sitting)

    async def again(self, sitting: Sitting) -> Sitting:
        """The sitting as it stands."""
        async with self.db.reading() as rows:
            return await sittings.sitting(rows, sitting.id)

    async def pays(
        self, sitting: Sitting, choice: Choice, buyer_id: str = ANNA, guest_id: str | None = None
    ) -> Payment:
        """Open a wallet payment for a part of the bill, as the phone does."""
        portion = (await self.bill(sitting)).portion(choice)
        return await self.checkout.pay_in_wallet(
            self.store_id,
            buyer_id,
            portion.amount,
            "Dinner",
            KIND,
            sitting.id,
            part_of(choice, portion, guest_id),
            f"pays {next(_keys)}",
        )

    async def money_arrives(self, payment: Payment) -> Payment:
        """The buyer types the PIN and Alipay tells us."""
        self.alipay.buyer_pays(payment.order_number)
        posted, self.alipay.outbox = self.alipay.outbox, []
        for notice in posted:
            await self.payments.notified(payment.account_id, notice)
        return await self.payments.get(payment.id)

    def new_payment(self, sitting: Sitting, amount: Money, part: dict[str, Any]) -> NewPayment:
        """A wish for money at the lowest level, for tests of holding."""
        return NewPayment(
            merchant_id=self.shop.merchant.id,
            account_id=self.shop.account_id,
            method=Method.WALLET_PAGE,
            amount=amount,
            subject="Dinner",
            payable_kind=KIND,
            payable_id=sitting.id,
            part=part,
            shop=SecondaryMerchant("SM1", "Noodle House", "5812", self.store_id, "Harbour Road"),
            policy="wallet_page",
            buyer_id=ANNA,
            key=f"new {next(_keys)}",
            by="test",
            store_id=self.store_id,
        )


async def restaurant(
    db: Database,
    clock: MovableClock,
    *,
    tables: int = 3,
    draft: MenuDraft | None = None,
    listeners: Sequence[Listener] = (),
) -> Restaurant:
    """A noodle house with tables 1, 2, 3 on the terrace; `listeners` hear of its payments as well."""
    shop = await identity.shop(db)
    shown = await food.noodle_house_menu(db, shop.store.id, draft)
    async with db.transaction() as tx:
        made = [
            await add_table(tx, shop.store.id, str(number), clock.now(), area="Terrace")
            for number in range(1, tables + 1)
        ]
    alipay = FakeAlipay(clock)
    payments = Payments(
        db,
        clock,
        {shop.account_id: alipay},
        {KIND: SittingBill(clock), ONLINE: OnlineBill(clock)},
        lambda account: f"http://shop.test/alipay/notify/{account}",
        jitter=lambda: 0.5,
        listeners=(Drawers(clock), *listeners),
    )
    checkout = Checkout(payments, db, clock, {KIND: receipt_lines})
    return Restaurant(db, clock, shop, shown, made, alipay, payments, checkout)


@get("/be/{buyer_id:str}")
async def become_buyer(request: Request[Any, Any, Any], buyer_id: FromPath[str]) -> Response[str]:
    """Stands for the authorization: from now on this browser is the buyer."""
    account_id = request.query_params["account"]
    remember_buyer(request.session, account_id, buyer_id)
    return Response("you are")


class _NoWallets:
    async def buyer_of(self, account: Any, auth_code: str) -> str:
        return ANNA


def app(of: Restaurant, *, live: Live | None = None, more: Sequence[Any] = (), **given: Any) -> Litestar:
    """The restaurant's screens in the real frame."""
    settings = Settings(
        database_url=of.db.url, secret=identity.SECRET, public_url="http://shop.test", loopback_printers=True
    )
    values: dict[str, Any] = {
        "db": of.db,
        "clock": of.clock,
        "settings": settings,
        "payments": of.payments,
        "checkout": of.checkout,
        "seal": identity.seal(),
        "wallets": _NoWallets(),
        "acquirers": AcquirerClient(),
        **given,
    }

    handlers = [screen.router for screen in (*SCREENS, pay_screen, till_payments, wallet_screen)]
    return seated(
        [*handlers, *more, hello, become_buyer, become_staff],
        house=House(secret=identity.SECRET, clock=of.clock),
        db=of.db,
        live=live,
        given=values,
        exception_handlers={SignInNeeded: to_sign_in},
    )


class Phone:
    """A browser: keeps cookies, sends the CSRF token with each form, follows nothing by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, *, htmx: bool = False, lang: str = "") -> httpx.Response:
        """Open a page, or ask for a fragment."""
        headers = {"HX-Request": "true"} if htmx else {}
        if lang:
            headers["Accept-Language"] = lang
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, data: dict[str, Any] | None = None, *, htmx: bool = True) -> httpx.Response:
        """Send a form, by htmx unless told otherwise."""
        if "saoma_csrf" not in self.client.cookies:
            await self.client.get("/hello")
        headers = {"X-CSRF-Token": self.client.cookies["saoma_csrf"]}
        if htmx:
            headers["HX-Request"] = "true"
        return await self.client.post(path, data=data or {}, headers=headers)


@asynccontextmanager
async def phone(server: Litestar, user_agent: str = SAFARI) -> AsyncIterator[Phone]:
    """A browser with its own cookies."""
    transport = httpx.ASGITransport(app=server)
    headers = {"User-Agent": user_agent, "Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        yield Phone(client)


@asynccontextmanager
async def wallet_phone(server: Litestar, of: Restaurant, buyer_id: str = ANNA) -> AsyncIterator[Phone]:
    """A phone inside the Alipay app whose buyer is known."""
    async with phone(server, ALIPAY) as browser:
        await browser.get(f"/be/{buyer_id}?account={of.shop.account_id}")
        yield browser


@asynccontextmanager
async def till(server: Litestar, of: Restaurant, *roles: Role) -> AsyncIterator[Phone]:
    """A desktop where somebody with these roles is signed in."""
    person = await identity.staff(of.db, of.shop, *(roles or (Role.CASHIER,)))
    async with phone(server) as browser:
        await browser.get(f"/staff-is/{person.id}")
        yield browser


def form_value(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no field {name}"
    return found[1]


def testids(html: str, testid: str) -> int:
    """How many elements carry this test id."""
    return len(re.findall(rf'data-testid="{testid}"', html))


class CountingRows:
    """Counts the questions asked while it is in place."""

    def __init__(self, monkeypatch: Any) -> None:
        self.questions: list[str] = []
        for name in ("rows", "maybe", "value", "run"):
            original = getattr(Rows, name)
            monkeypatch.setattr(Rows, name, self._counting(original))

    def _counting(self, original: Any) -> Any:
        async def counted(rows: Rows, *args: Any) -> Any:
            sql = args[0] if isinstance(args[0], str) else args[1]
            self.questions.append(sql)
            return await original(rows, *args)

        return counted


def fresh() -> str:
    """A key."""
    return new_id("key")
