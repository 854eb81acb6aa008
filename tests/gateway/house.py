"""The product as it is composed, in front of the local Alipay: rooms, a served application, a shop per sign type.

Nothing here waits for real time: `pass_time` moves both sides' clocks and lets a worker do what came due."""

from __future__ import annotations

import asyncio
import html
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server
from yarl import URL

from saoma.alipay.account import Account
from saoma.app import SCREENS, Rooms
from saoma.identity import model
from saoma.identity.links import Links, sign_in_path
from saoma.identity.model import Merchant, Staff, Store
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.payments.audit import faults
from saoma.payments.lifecycle import Status
from saoma.payments.model import PAYMENT_COLUMNS, Payment
from tests import seating
from tests.gateway.alipay import Alipay, LetterBox, answer_of
from tests.identity.web import text_of
from tests.payments.make import BILLS
from tests.sandbox.make import free_port

_bills = itertools.count(1)

SHORT = {
    "alipay.acquire.overseas.spot.pay": "pay",
    "alipay.acquire.create": "create",
    "alipay.acquire.precreate": "precreate",
    "alipay.acquire.overseas.query": "query",
    "alipay.acquire.cancel": "cancel",
    "alipay.acquire.overseas.spot.refund": "refund",
    "alipay.acquire.refund.query": "refund query",
}


@dataclass(frozen=True)
class Said:
    """One call as the sandbox logged it: seconds after the payment's first request by our clock, and the answer."""

    what: str
    after: float
    answer: str


@dataclass(repr=False)
class Shop:
    """A merchant at an account of its own, with somebody at the till."""

    account_id: str
    account: Account
    merchant: Merchant
    store: Store
    staff: Staff
    browser: httpx.AsyncClient


@dataclass(repr=False)
class House:
    """One deployment and the Alipay it talks to."""

    alipay: Alipay
    box: LetterBox
    clock: MovableClock
    rooms: Rooms
    url: str = ""
    jitter: float = 0.0
    shops: dict[str, Shop] = field(default_factory=dict)
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    # --- opening ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[House]:
        """The application behind a real socket, until the end."""
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        app = seating.composed(self.rooms, more=(), screens=SCREENS)
        server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        async with httpx.AsyncClient(base_url=self.url, verify=False) as visitor:
            for _ in range(3000):
                try:
                    if (await visitor.get("/readyz")).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.02)
        async with self.rooms.db.reading() as rows:
            await rows.run(BILLS)
        self.settle_in()
        try:
            yield self
        finally:
            for shop in self.shops.values():
                await shop.browser.aclose()
            server.stop()  # type: ignore[no-untyped-call]
            await serving

    def settle_in(self) -> None:
        """Where chance has a say in the schedule, these tests decide."""
        self.rooms.payments.hall.jitter = lambda: self.jitter

    async def open_shop(self, name: str, account: Account) -> Shop:
        """A merchant with one store and a manager at its till."""
        async with self.rooms.db.transaction() as tx:
            account_id = await model.add_account(tx, self.rooms.seal, account, name=name)
            merchant = await model.add_merchant(
                tx, name=name, name_zh="面馆", currency="USD", account_id=account_id, industry="5812"
            )
            store = await model.add_store(
                tx,
                merchant.id,
                name="Harbour Road",
                name_zh="海港路店",
                zone="Asia/Singapore",
                address="1 Harbour Road",
            )
            staff = await model.add_staff(
                tx, name="Kai", login=f"kai-{name.lower()}", roles=[Role.MANAGER], merchant_id=merchant.id
            )
        await self.rooms.refresh_gateways()
        browser = httpx.AsyncClient(base_url=self.url, verify=False, timeout=30)
        await browser.get("/sign-in")
        path = sign_in_path(Links(self.rooms.seal, self.clock), staff.id, timedelta(days=1))
        answer = await browser.post(path, data={"_csrf_token": browser.cookies["saoma_csrf"]})
        assert answer.status_code == 303, answer.text
        self.shops[name] = Shop(account_id, account, merchant, store, staff, browser)
        return self.shops[name]

    # --- time -------------------------------------------------------------------------------------------------------

    async def meet(self) -> None:
        """Both clocks show the same time: a test begins."""
        now = await self.alipay.now()
        if now > self.clock.now():
            self.clock.advance(now - self.clock.now())
        await self.alipay.catch_up(self.clock.now())

    async def move_to(self, moment: datetime) -> None:
        """Move our clock, and the other side's where it is behind."""
        if moment > self.clock.now():
            self.clock.advance(moment - self.clock.now())
        await self.alipay.catch_up(self.clock.now())

    async def work(self, rooms: Rooms | None = None) -> int:
        """A worker does what is due now."""
        rooms = rooms or self.rooms
        return await drive_due(rooms.db, rooms.payments.works(), self.clock)

    # --- payments ---------------------------------------------------------------------------------------------------

    async def bill(self, minor: int) -> str:
        """Somebody owes this much."""
        bill_id = f"bill_{next(_bills)}"
        async with self.rooms.db.reading() as rows:
            await rows.run("INSERT INTO bills (id, due) VALUES (%(id)s, %(due)s)", {"id": bill_id, "due": minor})
        return bill_id

    async def scan(
        self, shop: Shop, code: str, policy: str = "barcode", amount: str = "36.50", rooms: Rooms | None = None
    ) -> Watched:
        """A cashier scans a code."""
        money = Money.parse(amount, "USD")
        bill = await self.bill(money.minor)
        await self.meet()
        payment = await (rooms or self.rooms).checkout.pay_by_barcode(
            shop.store.id, "", shop.staff, money, "Table 5", "bill", bill, {}, code, bill, policy
        )
        watched = Watched(self, shop, payment.id, payment.order_number, payment.opened_at or self.clock.now())
        await watched.listen()
        return watched

    async def page(self, shop: Shop, buyer: str = "anna", amount: str = "36.50", rooms: Rooms | None = None) -> Watched:
        """A diner opens the page that pays inside the wallet."""
        money = Money.parse(amount, "USD")
        bill = await self.bill(money.minor)
        await self.meet()
        payment = await (rooms or self.rooms).checkout.pay_in_wallet(
            shop.store.id, await self.alipay.user_id(buyer), money, "Table 5", "bill", bill, {}, bill
        )
        watched = Watched(self, shop, payment.id, payment.order_number, payment.opened_at or self.clock.now())
        await watched.listen()
        return watched

    async def post(self, account_id: str, body: bytes, kind: str) -> str:
        """Post to the real door of notifications over HTTP; the plain answer."""
        assert self.alipay.http is not None
        address = URL(f"{self.url}/alipay/notify/{account_id}", encoded=True)
        async with self.alipay.http.post(address, data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain")
            return await answer.text()

    # --- agreement --------------------------------------------------------------------------------------------------

    async def assert_books_agree(self, shop: Shop) -> None:
        """The sandbox's book and ours tell the same of every payment of a shop since the test began, and no rule of
        the payment core is broken."""
        trades = {
            number: trade
            for number, trade in (await self.alipay.trades(shop.account.partner)).items()
            if datetime.fromisoformat(trade["created_at"]) >= self.began
        }
        since = {"id": shop.merchant.id, "began": self.began}
        async with self.rooms.db.reading() as rows:
            payments = await rows.rows(Payment, _PAYMENTS, since)
            postings = await rows.rows(_Sum, _POSTINGS, since)
            broken = await faults(rows, self.clock.now())
        for payment in payments:
            agrees(payment, trades.pop(payment.order_number, None))
        assert trades == {}, "trades that no payment of ours knows of"
        ids = {payment.id for payment in payments}
        assert [fault for fault in broken if fault.id in ids] == []
        booked = {one.account: one.minor for one in postings}
        assert booked.get("sales", 0) == -sum(payment.amount for payment in payments if payment.booked)
        assert booked.get("refunds", 0) == sum(payment.refunded for payment in payments)
        assert sum(booked.values()) == 0


_PAYMENTS = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE merchant_id = %(id)s AND created_at >= %(began)s ORDER BY id
"""
_POSTINGS = """
SELECT account, sum(minor)::bigint AS minor FROM (
    SELECT destination AS account, amount AS minor, payment_id FROM postings
    UNION ALL SELECT source, -amount, payment_id FROM postings
) AS sides JOIN payments AS p ON p.id = payment_id
WHERE p.merchant_id = %(id)s AND p.created_at >= %(began)s GROUP BY account
"""


class _Sum(msgspec.Struct):
    account: str
    minor: int


def agrees(payment: Payment, trade: dict[str, Any] | None) -> None:
    """One payment of ours and the trade it stands for."""
    match payment.status:
        case Status.SUCCEEDED:
            assert trade is not None, f"{payment.order_number} succeeded without a trade"
            assert trade["amount"] == payment.money.text
            assert trade["currency"] == payment.currency
            ruled = payment.code == "ruled_paid"
            assert trade["trade_no"] == payment.trade_number or ruled, "only a person may decide without a trade number"
            assert trade["refunded"] == payment.money_refunded.text
            assert trade["status"] == ("TRADE_CLOSED" if payment.refunded == payment.amount else "TRADE_SUCCESS")
        case Status.FAILED | Status.CANCELLED:
            assert trade is None or trade["status"] == "TRADE_CLOSED"
            gave_back = trade is not None and trade["paid_at"] is not None
            assert gave_back == payment.gave_back
            if trade is not None and gave_back:
                assert trade["refunded"] == trade["amount"]
        case _:
            raise AssertionError(f"{payment.order_number} is still {payment.status}: {payment.code}")


@dataclass(repr=False)
class Watched:
    """One payment, followed to its end."""

    house: House
    shop: Shop
    id: str
    number: str
    opened_at: datetime
    calls: list[Said] = field(default_factory=list)
    attentive: bool = True

    async def payment(self) -> Payment:
        """As its row stands."""
        return await self.house.rooms.payments.get(self.id)

    async def status(self) -> Status:
        """Where it stands."""
        return (await self.payment()).status

    async def listen(self) -> None:
        """Note which calls are new in the sandbox's log, by our own clock; the sandbox's own must not be earlier."""
        if not self.attentive:
            return
        now = self.house.clock.now()
        for call in (await self.house.alipay.calls(self.number))[len(self.calls) :]:
            assert datetime.fromisoformat(call["at"]) >= now - timedelta(seconds=0.1)
            after = round((now - self.opened_at).total_seconds(), 3)
            self.calls.append(Said(SHORT[call["service"]], after, answer_of(call)))

    async def follow(self, until: float = 10_000, *, rooms: Rooms | None = None) -> Payment:
        """Let time pass, look by look, until nothing is due any more, or until so many seconds after the start."""
        await self.listen()
        end = self.opened_at + timedelta(seconds=until)
        for _ in range(200):
            payment = await self.payment()
            if payment.due_at is None or payment.due_at > end:
                break
            await self.house.move_to(payment.due_at)
            await self.house.work(rooms)
            await self.listen()
        else:
            raise AssertionError("it never came to rest")
        if until < 10_000:
            await self.house.move_to(end)
        return payment

    def heard(self) -> list[str]:
        """The calls and their answers, without the times."""
        return [f"{said.what}: {said.answer}" for said in self.calls]

    def times(self, what: str) -> list[float]:
        """When one kind of call was made."""
        return [said.after for said in self.calls if said.what == what]

    async def panel(self, lang: str = "en") -> tuple[str, str]:
        """What the till shows, and its words."""
        answer = await self.shop.browser.get(
            f"/till-payments/{self.id}?done=/till&lang={lang}", headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200, answer.text
        found = re.search(r'data-shows="(\w+)"', answer.text)
        assert found
        return found[1], html.unescape(text_of(answer.text))
