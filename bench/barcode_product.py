"""The product's side of the barcode benchmark: the whole payment core behind one JSON route.

The payable accepts everything: what a bill costs is measured by the pages, not here."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Request, post

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.app import Rooms, compose
from saoma.gateway import Method, SecondaryMerchant
from saoma.identity import model
from saoma.kit.db import Database, Transaction
from saoma.kit.money import Money
from saoma.kit.telemetry import start_logging
from saoma.migrations import migrate
from saoma.payments.model import NewPayment, Payment, Refund
from saoma.settings import read_settings

given = json.loads(sys.stdin.read())


class Nothing:
    """A payable that is always free."""

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Nothing to hold."""

    async def paid(self, tx: Transaction, payment: Payment) -> None:
        """Nothing to settle."""

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """Nothing to let go."""

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Nothing to take back."""


SHOP = SecondaryMerchant(id="SM_1", name="Bench", industry="5812", store_id="ST_1", store_name="Bench")


async def main() -> None:
    """Migrate, add one account, serve until told to stop; nothing here is worth a slow end."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    migrate(given["database"])
    settings = read_settings(
        {}, database_url=given["database"], secret="b" * 40, pool_size=16, storage_url="memory:", log_level="WARNING"
    )
    start_logging(level="WARNING")
    rooms = Rooms.build(settings, more_payables={"bench": Nothing()})
    account = Account(
        partner="2088000000000001",
        app_id="2016000000000001",
        sign_type=SignType(given["sign_type"]),
        md5_key=given["md5_key"],
        private_key=given["private"],
        alipay_public_key=given["public"],
        gateway_url=given["gateway"].partition("?")[0],
    )
    db = await Database.open(given["database"])
    async with db.transaction() as tx:
        account_id = await model.add_account(tx, rooms.seal, account)
        merchant = await model.add_merchant(
            tx, name="Bench", currency="USD", account_id=account_id, industry="5812", secondary_id="SM_1"
        )
    await db.close()
    numbers = iter(range(10**9))

    @post("/pay", opt={"exclude_from_csrf": True, "skip_session": True}, status_code=200)
    async def pay(request: Request[Any, Any, Any]) -> dict[str, str]:
        """One payment with everything."""
        body = await request.json()
        payment = await rooms.payments.take(
            NewPayment(
                merchant_id=merchant.id,
                account_id=account_id,
                method=Method.BARCODE,
                amount=Money(body["amount"], "USD"),
                subject="Noodles",
                payable_kind="bench",
                payable_id="bench",
                part={},
                shop=SHOP,
                policy="barcode",
                payment_code=body["code"],
                key=f"bench:{next(numbers)}",
                by="bench",
                store_id="ST_1",
                terminal_id="",
            )
        )
        return {"status": payment.status}

    app = compose(rooms, more=[pay])
    await Server(app, "127.0.0.1", int(sys.argv[1]), interface=Interfaces.ASGI, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(main())
