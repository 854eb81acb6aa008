"""Saoma behind the validator's hooks: the served application, its worker's work and its own clock, and nothing faked.

`advance` is the worker: whatever is due is done, and the next due time is read off the tables."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from yarl import URL

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.app import Rooms, works
from saoma.identity import model
from saoma.identity.registrations import ask_to_register
from saoma.kit.clock import MovableClock, beijing_day
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.payments import findings
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.restaurant.tables import add_table
from saoma.settings import Settings
from saoma.statements import daily
from saoma.statements.sources import Source, set_source
from tests.alipay.make import rsa_pair
from tests.food import make as food
from tests.gateway import make
from tests.gateway.alipay import Alipay, LetterBox
from tests.gateway.house import House, Shop
from tests.gateway.test_every_method import print_code
from tests.identity.make import SECRET
from tests.payments.make import Bills
from tests.sandbox.make import free_port

HOOKS = (
    "advance", "pay", "query", "refund", "cancel", "page", "reported", "register", "shop_code", "reconcile", "switch",
)  # fmt: skip
_STANDS = {Status.SUCCEEDED: "paid", Status.FAILED: "failed", Status.CANCELLED: "closed"}
_NEXT = """
SELECT min(due_at) FROM (
    SELECT due_at FROM payments UNION ALL SELECT due_at FROM refunds UNION ALL SELECT due_at FROM store_registrations
) AS due
"""
_TABLES = {"payments", "refunds", "store_registrations", "chores"}
#: Alarms ring for a group: what counts names this very order, or speaks of refunds while one of it is pending.
_RINGING = """
SELECT count(*) FROM alarms AS a WHERE over_at IS NULL AND merchant_id = %(merchant)s AND (
    strpos(text, %(order)s) > 0 OR rule = 'refund_pending'
    AND EXISTS (SELECT FROM refunds WHERE payment_id = %(id)s AND status = 'pending'))
"""


@dataclass
class Saoma:
    """The adapter. Use `served`."""

    house: House
    shop: Shop
    spool: Path
    dish: str
    tables: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """One hook."""
        match hook:
            case "hello":
                return {
                    "name": "Saoma", "hooks": HOOKS, "solutions": ["restaurant", "fast_food", "ticket"],
                    "currency": "USD", "sign_type": "RSA2", "public_key": rsa_pair("ours")[1],
                }  # fmt: skip
            case "advance":
                return await self.advance(float(body["seconds"]))
            case "pay" if body["method"] == "wallet_page":
                return await self.order_on_page(body)
            case "pay":
                return await self.pay(body)
            case "page":
                async with self.house.rooms.db.transaction() as tx:
                    name = f"T{next(self.tables)}"
                    table = await add_table(tx, self.shop.store.id, name, self.house.clock.now())
                return {"url": f"{self.house.url}/t/{table.code}"}
            case "register":
                async with self.house.rooms.db.transaction() as tx:
                    await ask_to_register(tx, self.house.clock, self.shop.store.id, "SG", "stf_1", at_acquirer=False)
                return await self.advance(0)
            case "shop_code":
                return {"code_url": (await print_code(self.house, self.shop, "Counter")).address}
            case "reconcile":
                return await self.reconcile(date.fromisoformat(body["day"]))
            case "switch":
                return await self.switch(body)
        payment = await self.house.rooms.payments.of_order(await self.account_of(body["order"]), body["order"])
        if payment is None:
            return {"order": body["order"], "status": "unknown"}
        match hook:
            case "refund":
                money = Money.parse(body["amount"], "USD")
                await self.house.rooms.payments.refund(payment.id, money, "cold", "stf_1", f"{payment.id} back")
            case "cancel":
                await self.house.rooms.payments.give_up(payment.id, "stf_1")
            case "reported":
                await self.house.rooms.checkout.reported(payment, body["result_code"])
                await self.house.rooms.payments.nudge(payment.id)
        return await self.standing(await self.house.rooms.payments.get(payment.id))

    async def account_of(self, order: str) -> str:
        async with self.house.rooms.db.reading() as rows:
            found = await rows.value("SELECT account_id FROM payments WHERE order_number = %(n)s", {"n": order})
        return str(found or self.shop.account_id)

    async def standing(self, payment: Payment) -> dict[str, Any]:
        """A payment in the validator's words; receipts are sales in the ledger, the alarm is the one that names it."""
        about = {"id": payment.id, "merchant": payment.merchant_id, "order": payment.order_number}
        async with self.house.rooms.db.reading() as rows:
            sales = await rows.value(
                "SELECT count(*) FROM postings WHERE payment_id = %(id)s AND source = 'sales'", about
            )
            alarms = await rows.value(_RINGING, about)
        said = self.house.rooms.payments.say(payment) if payment.status is Status.FAILED else None
        return {
            "order": payment.order_number, "status": _STANDS.get(payment.status, "waiting"), "receipts": int(sales),
            "message": said.cashier["en"] if said else "", "amount": payment.money.text, "alarm": bool(alarms),
            "needs_person": payment.status is Status.NEEDS_ATTENTION,
        }  # fmt: skip

    async def advance(self, seconds: float) -> dict[str, Any]:
        """The clock goes on, a worker does what is due."""
        rooms, clock = self.house.rooms, self.house.clock
        clock.advance(timedelta(seconds=seconds))
        await drive_due(rooms.db, [work for work in works(rooms) if work.table in _TABLES], clock)
        async with rooms.db.reading() as rows:
            due = await rows.value(_NEXT)
        return {"next_in": None if due is None else max((due - clock.now()).total_seconds(), 0.05)}

    async def pay(self, body: dict[str, Any]) -> dict[str, Any]:
        """A cashier scans a code."""
        money = Money.parse(body["amount"], "USD")
        bill = await self.house.bill(money.minor)
        policy = body["solution"] if body["solution"] in ("fast_food", "ticket") else "barcode"
        payment = await self.house.rooms.checkout.pay_by_barcode(
            self.shop.store.id, "", self.shop.staff, money, "Noodle soup", "bill", bill, {}, body["code"], bill, policy
        )
        return await self.standing(payment)

    async def order_on_page(self, body: dict[str, Any]) -> dict[str, Any]:
        """The diner whose phone has these cookies orders a dish and pays the whole bill."""
        async with httpx.AsyncClient(base_url=self.house.url, verify=False, cookies=body["cookies"]) as phone:
            head = {"HX-Request": "true", "X-CSRF-Token": phone.cookies.get("saoma_csrf") or ""}
            dish = {"item": self.dish, "quantity": "1", "note": "", "key": f"k{self.house.clock.now().timestamp()}"}
            table = URL(body["page"]).path
            for path, form in (("/add", dish), ("/send", {"who": "all"})):
                answer = await phone.post(table + path, data=form, headers=head)
                assert answer.status_code == 200, answer.text
            async with self.house.rooms.db.reading() as rows:
                due = await rows.value(
                    "SELECT sum(l.amount) FROM tab_lines l JOIN sittings s ON s.tab_id = l.tab_id"
                    " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %(code)s AND l.status <> 'void'",
                    {"code": table.removeprefix("/t/")},
                )
            form = {"choice": "whole", "amount": str(int(due)), "key": dish["key"]}
            answer = await phone.post(f"{table}/pay", data=form, headers=head)
            assert answer.status_code == 204, answer.text
            address = answer.headers["HX-Redirect"]
        payment = await self.house.rooms.payments.get(address.split("/pay/")[1].split("?")[0])
        return await self.standing(payment) | {"page_url": f"{self.house.url}/pay/{payment.id}"}

    async def reconcile(self, day: date) -> dict[str, Any]:
        """Fetch Alipay's files of a day by SFTP and compare."""
        rooms = self.house.rooms
        source = await daily.source_of(rooms.db, self.shop.account_id)
        run = await daily.run_day(rooms.db, self.house.clock, rooms.seal, self.spool, source, day)
        async with rooms.db.reading() as rows:
            return {"differences": [f"{one.class_} {one.own_number}" for one in await findings.lines(rows, run.id)]}

    async def switch(self, body: dict[str, Any]) -> dict[str, Any]:
        """The merchant is moved to another account, or back."""
        rooms = self.house.rooms
        async with rooms.db.transaction() as tx:
            account_id = self.shop.account_id
            if not body.get("back"):
                account = make.changed(
                    self.shop.account,
                    partner=body["partner"], app_id=body["app_id"], gateway_url=body["gateway"],
                    alipay_public_key=body["alipay_public_key"],
                )  # fmt: skip
                account_id = await model.add_account(tx, rooms.seal, account, name="Second")
            await tx.run(
                "UPDATE merchants SET account_id = %(account)s WHERE id = %(id)s",
                {"account": account_id, "id": self.shop.merchant.id},
            )
        await rooms.refresh_gateways()
        return {}


@asynccontextmanager
async def served(alipay: Alipay, database_url: str, folder: Path) -> AsyncIterator[Saoma]:
    """A deployment of its own: notifications and wallets come to its own address."""
    port, clock = free_port(), MovableClock(await alipay.now())
    url = f"http://127.0.0.1:{port}"
    given = Settings(
        database_url=database_url, secret=SECRET, public_url=url, storage_url=str(folder / "storage"), pool_size=8
    )
    rooms = Rooms.build(given, clock, {"bill": Bills()})
    async with House(alipay, LetterBox(), clock, rooms).serving(port) as house:
        account: Account = await make.account(alipay, SignType.RSA2)
        shop = await house.open_shop("Noodles", account)
        access = await alipay.control("GET", f"partners/{account.partner}/sftp")
        source = Source(account_id=shop.account_id, kind="sftp", since=beijing_day(clock.now()), **access)
        shown = await food.noodle_house_menu(rooms.db, shop.store.id)
        async with rooms.db.transaction() as tx:
            await set_source(tx, rooms.seal, source)
        dish = next(item.id for section in shown.sections for item in section.items if not item.groups)
        yield Saoma(house, shop, folder, dish)
