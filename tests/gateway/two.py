"""Two deployments side by side: a shop's, and its acquirer's, each with a database and a secret of its own.

After every story three books must tell the same: the shop's, the acquirer's, and Alipay's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.acquirer_news import EVENTS
from saoma.alipay.signing import SignType
from saoma.identity import model
from saoma.identity.acquirers import add_acquirer, trust_webhooks
from saoma.identity.api_keys import Scope, add_api_key
from saoma.identity.roles import Role
from saoma.kit.due import drive_due
from saoma.payments.audit import faults
from saoma.payments.lifecycle import Status
from saoma.payments.model import PAYMENT_COLUMNS, Payment
from tests.gateway import make
from tests.gateway.alipay import Alipay
from tests.gateway.house import House, Shop, Watched
from tests.gateway.road import Road
from tests.sandbox.make import free_port

_OF_ORDER = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE payable_id = %(id)s"
_ALL = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE merchant_id = %(id)s ORDER BY id"
_EVERYTHING = [Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE, Scope.REFUNDS_READ, Scope.REFUNDS_WRITE, Scope.WEBHOOKS]


@dataclass
class Two:
    """A shop's deployment, its acquirer's, and the Alipay behind both."""

    ours: House
    theirs: House
    folder: Path
    road: Road
    shop: Shop = field(init=False)
    there: Shop = field(init=False)
    api_key: str = ""

    async def begin(self, alipay: Alipay) -> None:
        """A merchant at the acquirer with a key, a merchant at the shop with an account at the acquirer."""
        self.there = await self.theirs.open_shop("Acquired", await make.account(alipay, SignType.RSA2))
        self.api_key = await self.key(self.there)
        self.shop = await self.open_shop("Noodle House", self.road.url)
        answer = await self.ask(
            "POST",
            "/webhooks",
            {
                "url": f"{self.ours.url}/acquirer/notify/{self.shop.account_id}",
                "events": list(EVENTS),
            },
        )
        async with self.ours.rooms.db.transaction() as tx:
            await trust_webhooks(tx, self.ours.rooms.seal, self.shop.account_id, answer["secret"])
        await self.ours.rooms.refresh_gateways()

    async def key(self, there: Shop) -> str:
        """A key for a merchant of the acquirer's."""
        async with self.theirs.rooms.db.transaction() as tx:
            _, secret = await add_api_key(
                tx, self.theirs.clock, merchant_id=there.merchant.id, name="Shop", scopes=_EVERYTHING, by="test"
            )
        return secret

    async def open_shop(self, name: str, url: str, there: Shop | None = None, api_key: str = "") -> Shop:
        """A merchant of ours whose account is at the acquirer: with the merchant there whom all share, or `there`."""
        at = there or self.there
        account = AcquirerAccount(url=url, api_key=api_key or self.api_key, store=at.store.id)
        rooms = self.ours.rooms
        async with rooms.db.transaction() as tx:
            account_id = await add_acquirer(tx, rooms.seal, account, name=name, currency="USD")
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
            login = f"kai-{uuid.uuid4().hex[:8]}"
            staff = await model.add_staff(tx, name="Kai", login=login, roles=[Role.MANAGER], merchant_id=merchant.id)
        await rooms.refresh_gateways()
        shop = Shop(account_id, at.account, merchant, store, staff, httpx.AsyncClient(verify=False))
        self.ours.shops[name] = shop
        return shop

    async def ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Ask the acquirer's API as the shop's operator would."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": uuid.uuid4().hex}
        async with httpx.AsyncClient(base_url=f"{self.theirs.url}/api/v1", headers=headers, verify=False) as program:
            answer = await program.request(method, path, json=body)
            assert answer.status_code in (200, 201), answer.text
            return dict(answer.json())

    async def theirs_of(self, watched: Watched) -> Payment | None:
        """The acquirer's payment that stands behind one of ours."""
        async with self.theirs.rooms.db.reading() as rows:
            return await rows.maybe(Payment, _OF_ORDER, {"id": f"ref:{watched.number}"})

    async def trade(self, watched: Watched) -> dict[str, Any]:
        """Alipay's record behind one of our payments."""
        payment = await self.theirs_of(watched)
        assert payment is not None
        return await self.theirs.alipay.trade(payment.order_number) or {}

    async def work(self) -> None:
        """The workers of both do what is due, the acquirer's first."""
        await self.theirs.work()
        await self.ours.work()

    async def post_webhooks(self) -> int:
        """The acquirer's worker delivers what waits."""
        return await drive_due(self.theirs.rooms.db, self.theirs.rooms.postman.works(), self.theirs.clock)

    async def follow(self, watched: Watched, until: Callable[[Payment], bool] = lambda _: False) -> Payment:
        """Let time pass from due moment to due moment until ours is at rest, or as asked."""
        for _ in range(300):
            payment = await watched.payment()
            if payment.due_at is None or until(payment):
                return payment
            behind = await self.theirs_of(watched)
            moments = [payment.due_at] + ([behind.due_at] if behind and behind.due_at else [])
            await self.ours.move_to(max(min(moments), self.ours.clock.now()))
            await self.work()
        raise AssertionError("it never came to rest")

    async def rest(self) -> None:
        """What the acquirer still follows comes to its end."""
        for _ in range(100):
            async with self.theirs.rooms.db.reading() as rows:
                due = await rows.value("SELECT min(due_at) FROM payments WHERE status NOT IN ('needs_attention')")
            if due is None:
                return
            await self.ours.move_to(max(due, self.ours.clock.now()))
            await self.theirs.work()
        raise AssertionError("the acquirer never came to rest")

    async def assert_three_books_agree(self, shop: Shop | None = None) -> None:
        """Payment by payment: ours and the acquirer's, the acquirer's and Alipay's; and no rule is broken in either."""
        await self.rest()
        await self.theirs.assert_books_agree(self.there)
        shop = shop or self.shop
        async with self.ours.rooms.db.reading() as rows:
            payments = await rows.rows(Payment, _ALL, {"id": shop.merchant.id})
            assert await faults(rows, self.ours.clock.now()) == []
            booked = await rows.value(
                """SELECT coalesce(sum(CASE WHEN destination = 'sales' THEN -po.amount WHEN source = 'sales'
                          THEN po.amount ELSE 0 END), 0)::bigint
                   FROM postings AS po JOIN payments AS p ON p.id = po.payment_id WHERE p.merchant_id = %(id)s""",
                {"id": shop.merchant.id},
            )
        assert booked == sum(payment.amount for payment in payments if payment.booked)
        assert payments
        for payment in payments:
            async with self.theirs.rooms.db.reading() as rows:
                behind = await rows.rows(Payment, _OF_ORDER, {"id": f"ref:{payment.order_number}"})
            assert len(behind) <= 1, "one order of ours is one payment there"
            kept = behind[0].amount - behind[0].refunded if behind and behind[0].status is Status.SUCCEEDED else 0
            ours = payment.amount - payment.refunded if payment.status is Status.SUCCEEDED else 0
            assert payment.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
            assert ours == kept, (payment.status, behind)
            if payment.status is Status.SUCCEEDED:
                assert (behind[0].trade_number, behind[0].money) == (payment.trade_number, payment.money)


class Mortal:
    """The acquirer's application as a process over the same database, to be killed at any moment."""

    def __init__(self, two: Two) -> None:
        self.two = two
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = self.two.theirs.rooms.settings
        words = {
            "database": settings.database_url,
            "secret": settings.secret,
            "public_url": settings.public_url,
            "storage": str(self.two.folder / "mortal"),
            "port": str(self.port),
            "away": str((self.two.ours.clock.now() - datetime.now(UTC)).total_seconds()),
        }
        command = [sys.executable, "-m", "tests.gateway.acquirer_process", json.dumps(words)]
        self.process = subprocess.Popen(command)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                assert self.process.poll() is None, "it died at once"
                time.sleep(0.05)
        raise AssertionError("it never answered")

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
