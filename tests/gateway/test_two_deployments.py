"""Two deployments and one sandbox: a shop's Saoma pays through an acquirer's, each with its own database and secret.

After every story three books tell the same: the shop's, the acquirer's, and Alipay's."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from saoma.alipay.acquirer import Acquirer
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.signing import SignType
from saoma.app import Rooms
from saoma.identity import model
from saoma.identity.acquirers import add_acquirer, trust_webhooks
from saoma.identity.api_keys import Scope, add_api_key
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.kit.postgres import EmbeddedPostgres
from saoma.payments.audit import faults
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import PAYMENT_COLUMNS, Payment
from saoma.settings import Settings
from tests.gateway import make
from tests.gateway.alipay import PAY, Alipay, LetterBox
from tests.gateway.house import House, Shop, Watched
from tests.payments.make import Bills
from tests.sandbox.make import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

_OF_ORDER = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE payable_id = %(id)s"
_ALL = f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE merchant_id = %(id)s ORDER BY id"
_EVERYTHING = [Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE, Scope.REFUNDS_READ, Scope.REFUNDS_WRITE, Scope.WEBHOOKS]


@pytest.fixture(scope="module")
def databases(postgres: EmbeddedPostgres, template: str) -> Iterator[dict[str, str]]:
    """One for each deployment."""
    names = {who: f"t_{who}_{uuid.uuid4().hex[:8]}" for who in ("shop", "acquirer")}
    yield {who: postgres.make_database(name, template=template) for who, name in names.items()}
    for name in names.values():
        postgres.drop_database(name)


@dataclass
class Two:
    """A shop's deployment, its acquirer's, and the Alipay behind both."""

    ours: House
    theirs: House
    folder: Path
    shop: Shop = field(init=False)
    there: Shop = field(init=False)
    api_key: str = ""

    async def begin(self, alipay: Alipay) -> None:
        """A merchant at the acquirer with a key, a merchant at the shop with an account at the acquirer."""
        self.there = await self.theirs.open_shop("Acquired", await make.account(alipay, SignType.RSA2))
        async with self.theirs.rooms.db.transaction() as tx:
            _, self.api_key = await add_api_key(
                tx, self.theirs.clock, merchant_id=self.there.merchant.id, name="Shop", scopes=_EVERYTHING, by="test"
            )
        self.shop = await self.open_shop("Noodle House", self.theirs.url)
        answer = await self.ask(
            "POST",
            "/webhooks",
            {
                "url": f"{self.ours.url}/acquirer/notify/{self.shop.account_id}",
                "events": ["payment.succeeded", "payment.failed", "payment.cancelled"],
            },
        )
        async with self.ours.rooms.db.transaction() as tx:
            await trust_webhooks(tx, self.ours.rooms.seal, self.shop.account_id, answer["secret"])
        await self.ours.rooms.refresh_gateways()

    async def open_shop(self, name: str, url: str) -> Shop:
        """A merchant of ours whose account is at the acquirer."""
        account = AcquirerAccount(url=url, api_key=self.api_key, store=self.there.store.id)
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
        shop = Shop(account_id, self.there.account, merchant, store, staff, httpx.AsyncClient(verify=False))
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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def both(
    everybodys_alipay: Alipay,
    box: LetterBox,
    our_clock: MovableClock,
    databases: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Two]:
    """Both, served."""
    folder = tmp_path_factory.mktemp("two")

    def house(who: str) -> House:
        given = Settings(
            database_url=databases[who],
            secret=f"the secret of the {who} that nobody else has",
            public_url=box.url,
            storage_url=str(folder / who),
            pool_size=8,
            loopback_webhooks=True,
        )
        return House(everybodys_alipay, box, our_clock, Rooms.build(given, our_clock, {"bill": Bills()}))

    ours, theirs = house("shop"), house("acquirer")
    ours.rooms.acquirers.wait_seconds = 1
    await ours.meet()
    async with theirs.serving(), ours.serving():
        two = Two(ours, theirs, folder)
        await two.begin(everybodys_alipay)
        yield two


@pytest_asyncio.fixture(loop_scope="session")
async def two(both: Two, alipay: Alipay) -> Two:
    """Both at the beginning of a test; Alipay behaves."""
    assert both.ours.alipay is alipay
    for house in (both.ours, both.theirs):
        await house.meet()
        house.began = min(house.began, house.clock.now())
    return both


async def scan(two: Two, buyer: str = "anna", ending: str = "") -> Watched:
    """A cashier of the shop scans a customer's code."""
    return await two.ours.scan(two.shop, await two.ours.alipay.code(buyer, ending))


async def test_a_barcode_is_paid_through_both_at_once(two: Two) -> None:
    watched = await scan(two)
    assert await watched.status() is Status.SUCCEEDED
    trade = await two.trade(watched)
    assert (trade["status"], trade["amount"]) == ("TRADE_SUCCESS", "36.50")
    await two.assert_three_books_agree()


async def test_a_refusal_travels_through_both_with_its_word(two: Two) -> None:
    watched = await scan(two, ending="93")
    payment = await watched.payment()
    assert (payment.status, payment.code) == (Status.FAILED, "BUYER_BALANCE_NOT_ENOUGH")
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    assert isinstance(gateway, Acquirer)
    assert "balance" in gateway.say(payment.code).cashier["en"] + gateway.say(payment.code).customer["en"]
    await two.assert_three_books_agree()


async def test_what_is_unknown_at_first_is_paid_when_the_buyer_types_the_pin(two: Two) -> None:
    watched = await scan(two, "pia")
    assert await watched.status() is Status.PENDING
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    assert (await two.follow(watched)).status is Status.SUCCEEDED
    await two.assert_three_books_agree()


async def test_what_nobody_pays_is_cancelled_in_all_three_books(two: Two) -> None:
    watched = await scan(two, "pia")
    payment = await two.follow(watched)
    assert payment.status is Status.CANCELLED
    assert (await two.trade(watched))["status"] == "TRADE_CLOSED"
    await two.assert_three_books_agree()


async def test_a_cashier_who_gives_up_undoes_it_in_all_three_books(two: Two) -> None:
    watched = await scan(two, "pia")
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    payment = await two.follow(watched)
    assert payment.status is Status.CANCELLED
    await two.assert_three_books_agree()


async def test_a_payment_that_alipay_keeps_silent_about_is_found_paid(two: Two) -> None:
    await two.ours.alipay.fails(PAY, "silence_after")
    watched = await scan(two)
    payment = await two.follow(watched)
    assert payment.status is Status.SUCCEEDED
    await two.assert_three_books_agree()


async def test_a_cancel_of_what_was_paid_meanwhile_gives_the_money_back_once(two: Two) -> None:
    charge_gateway = two.ours.rooms.gateways[two.shop.account_id]
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    for _ in range(2):
        await two.theirs.rooms.payments.drive(behind.id)
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    payment = await two.follow(watched)
    again = await charge_gateway.cancel(watched.number, "", two.ours.clock.now())
    assert payment.status is Status.CANCELLED, again
    trade = await two.trade(watched)
    assert trade["refunded"] == trade["amount"]
    await two.assert_three_books_agree()


async def test_a_cancel_of_what_never_arrived_spends_the_number(two: Two) -> None:
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    side = make.Side(gateway, two.ours.clock, two.ours.alipay, two.ours.box, two.there.account, two.theirs.rooms.client)
    charge = await side.charge()
    undone = await gateway.cancel(charge.order_number, "", two.ours.clock.now())
    assert type(undone).__name__ == "Cancelled"
    late = await gateway.open(charge)
    assert type(late).__name__ == "Unclear"
    assert type(await gateway.query(charge.order_number, charge.amount)).__name__ == "NoTrade"


@pytest.mark.parametrize("parts", [["36.50"], ["10.00"], ["10.00", "26.50"]])
async def test_refunds_in_whole_and_in_parts_arrive_at_the_buyer(two: Two, parts: list[str]) -> None:
    watched = await scan(two)
    for number, part in enumerate(parts):
        refund = await two.ours.rooms.payments.refund(
            watched.id, Money.parse(part, "USD"), "cold\nsoup", "staff", f"refund-{number}"
        )
        assert refund.status is RefundStatus.SUCCEEDED
    given = sum(Money.parse(part, "USD").minor for part in parts)
    assert (await watched.payment()).refunded == given
    assert Money.parse((await two.trade(watched))["refunded"], "USD").minor == given
    await two.assert_three_books_agree()


async def test_the_acquirers_webhook_tells_the_shop_before_it_asks(two: Two) -> None:
    while await two.post_webhooks():
        pass
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.ours.move_to(behind.due_at or two.ours.clock.now())
    await two.theirs.work()
    assert await watched.status() is Status.PENDING
    assert await two.post_webhooks() >= 1
    payment = await watched.payment()
    assert payment.status is Status.SUCCEEDED
    async with two.ours.rooms.db.reading() as rows:
        doors = await rows.value(
            "SELECT string_agg(door, ' ') FROM payment_events WHERE payment_id = %(id)s AND status_after = 'succeeded'",
            {"id": watched.id},
        )
    assert "notice" in doors
    await two.assert_three_books_agree()


async def test_a_webhook_with_a_wrong_signature_or_changed_body_moves_nothing(two: Two) -> None:
    watched = await scan(two, "pia")
    forged = {
        "id": "evt_1",
        "type": "payment.succeeded",
        "created_at": two.ours.clock.now().isoformat(),
        "data": {"reference": watched.number, "status": "succeeded"},
    }
    seconds = int(two.ours.clock.now().timestamp())
    for header in ("", f"t={seconds},v1={'0' * 64}", f"t={seconds},v1=é", "v1"):
        async with httpx.AsyncClient(base_url=two.ours.url, verify=False) as anybody:
            answer = await anybody.post(
                f"/acquirer/notify/{two.shop.account_id}",
                json=forged,
                headers=[(b"Saoma-Signature", header.encode())],
            )
        assert (answer.status_code, answer.text) == (400, "fail")
    assert await watched.status() is Status.PENDING
    await two.follow(watched)


async def test_a_revoked_key_is_no_news_about_the_money(two: Two) -> None:
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    assert isinstance(gateway, Acquirer)
    stranger = AcquirerAccount(url=gateway.account.url, api_key="sk_unknown", store=gateway.account.store)
    side = make.Side(gateway, two.ours.clock, two.ours.alipay, two.ours.box, two.there.account, two.theirs.rooms.client)
    charge, now = await side.charge(), two.ours.clock.now()
    locked_out = Acquirer(stranger, two.ours.rooms.acquirers, two.ours.clock)
    for report in (
        await locked_out.open(charge),
        await locked_out.query(charge.order_number, charge.amount),
        await locked_out.cancel(charge.order_number, "", now),
        await locked_out.refund(charge.order_number, "", "R1", charge.amount, ""),
    ):
        assert type(report).__name__ == "Unclear"


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


@pytest.mark.parametrize("fault", ["silence_before", "silence_after"])
async def test_an_acquirer_killed_in_the_middle_charges_once_or_not_at_all(two: Two, fault: str) -> None:
    mortal = Mortal(two)
    await asyncio.to_thread(mortal.start)
    try:
        shop = await two.open_shop(f"Mortal {fault}", mortal.url)
        code = await two.ours.alipay.code()
        await two.ours.alipay.fails(PAY, fault, seconds=3)
        paying = asyncio.create_task(two.ours.scan(shop, code))
        async with asyncio.timeout(20):
            while True:
                async with two.theirs.rooms.db.reading() as rows:
                    sent = await rows.value(
                        """SELECT count(*) FROM payments WHERE sends > 0 AND status = 'pending' AND payable_id IN
                           (SELECT 'ref:' || reference FROM api_references) AND code = ''"""
                    )
                if sent:
                    break
                await asyncio.sleep(0.02)
        await asyncio.to_thread(mortal.kill)
        watched = await paying
        assert await watched.status() is Status.PENDING
        await two.ours.alipay.behave()
        await asyncio.to_thread(mortal.start)
        payment = await two.follow(watched)
        assert payment.status in (Status.SUCCEEDED, Status.CANCELLED)
        await two.assert_three_books_agree(shop)
    finally:
        mortal.kill()
