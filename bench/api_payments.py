"""Barcode payments per second through the partner API: a real app process against the bare floor, side by side.

    python bench/api_payments.py [--payments 1000] [--at-once 16] [--rounds 3]

Each request is a `POST /api/v1/payments` with an API key, an Idempotency-Key and a reference of its own. The floor is
the one of `barcode_payments.py`: no key, no idempotency, nothing checked and nothing kept but the row itself."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
from functools import partial

from barcode_payments import Wish, load, plain
from running import Load, compare_with_floor, cpu_seconds, end, family_seconds, free_port, saoma, start, wait_for

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType, new_rsa_key
from saoma.identity import model
from saoma.identity.api_keys import Scope, add_api_key
from saoma.kit.clock import SystemClock
from saoma.kit.db import Database
from saoma.kit.ids import new_id
from saoma.kit.postgres import EmbeddedPostgres
from saoma.kit.seal import Seal
from saoma.migrations import migrate

SECRET = "b" * 40


async def partner(url: str, account: Account) -> tuple[str, str]:
    """A merchant with a store, and a key of its programs: (the store, the key)."""
    migrate(url)
    db = await Database.open(url, max_size=2)
    async with db.transaction() as tx:
        account_id = await model.add_account(tx, Seal(SECRET), account)
        merchant = await model.add_merchant(
            tx, name="Bench", currency="USD", account_id=account_id, industry="5812", secondary_id="SM_1"
        )
        store = await model.add_store(tx, merchant.id, name="Bench", zone="Asia/Singapore")
        scopes = [Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE]
        _, key = await add_api_key(
            tx, SystemClock(), merchant_id=merchant.id, name="Bench", scopes=scopes, by="bench", store_ids=[store.id]
        )
    await db.close()
    return store.id, key


async def measure(sign_type: str, server: EmbeddedPostgres, words: argparse.Namespace) -> dict[str, list[Load]]:
    """Floor and product in turn, several rounds, with one sign type."""
    private, public = new_rsa_key()
    keys = {"sign_type": sign_type, "md5_key": "m" * 32, "private": private, "public": public}
    processes: list[subprocess.Popen[str]] = []
    found: dict[str, list[Load]] = {}
    try:
        gateway_port, floor_port, port = free_port(), free_port(), free_port()
        gateway = f"http://127.0.0.1:{gateway_port}/gateway.do"
        processes.append(start("stub_gateway.py", gateway_port, json.dumps(keys)))
        await wait_for(processes[0], gateway_port)
        account = Account(
            partner="2088000000000001",
            app_id="2016000000000001",
            sign_type=SignType(sign_type),
            md5_key=keys["md5_key"],
            private_key=private,
            alipay_public_key=public,
            gateway_url=gateway,
        )
        url = server.make_database(f"api_{sign_type.lower()}")
        store, key = await partner(url, account)
        given = keys | {
            "database": server.make_database(f"floor_{sign_type.lower()}"),
            "gateway": f"{gateway}?_input_charset=UTF-8",
            "headers": {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
        }
        processes.append(start("barcode_floor.py", floor_port, json.dumps(given)))
        processes.append(
            saoma(
                *("serve", "--port", str(port)),
                database_url=url,
                secret=SECRET,
                log_level="WARNING",
                pool_size="16",
                storage_url="memory:",
                api_per_second="1000000",
            )
        )

        def wish(number: int) -> Wish:
            # each one new, also over the rounds
            name = new_id("req")
            body = {
                "method": "barcode",
                "amount": "12.50",
                "currency": "USD",
                "payment_code": f"28{number % 10**14:016d}",
                "subject": "Noodles",
                "store": store,
                "reference": name,
            }
            return Wish("/api/v1/payments", body, {"Authorization": f"Bearer {key}", "Idempotency-Key": name})

        running = [
            ("floor", floor_port, partial(cpu_seconds, processes[1].pid), plain),
            ("API", port, partial(family_seconds, processes[2].pid), wish),
        ]
        for process, (_, at, used, ask) in zip(processes[1:], running, strict=True):
            await wait_for(process, at)
            await load(at, max(200, words.payments // 5), words.at_once, used, ask)
        for _ in range(words.rounds):
            for name, at, used, ask in running:
                found.setdefault(name, []).append(await load(at, words.payments, words.at_once, used, ask))
    finally:
        for process in reversed(processes):
            end(process)
    return found


if __name__ == "__main__":
    what = "barcode payments through the partner API"
    asyncio.run(compare_with_floor(__doc__, what, "API", measure, payments=1000))
