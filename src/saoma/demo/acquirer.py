"""The demo's second deployment: an acquiring institution, and a tea house of ours that takes its money through it.

It has a database, a secret, keys and an account at the local Alipay of its own. The two know each other by the partner
API alone: one key, one store's id, one webhook."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.alipay.acquirer_news import EVENTS
from saoma.alipay.signing import SignType
from saoma.demo import cast, menus, orders
from saoma.demo.cast import DemoFile, Restaurant, daily_files, hang_pictures, open_shop, register
from saoma.demo.processes import Child, saoma
from saoma.identity import model, passwords
from saoma.identity.acquirers import add_acquirer, trust_webhooks
from saoma.identity.roles import Role
from saoma.kit.clock import SystemClock, beijing_day
from saoma.kit.db import Database
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage
from saoma.statements.sources import Source, set_source

#: Its people must not be called like ours: in one browser, cookies belong to a name and know no ports.
LOGIN: Final = "harbour"
NAME: Final = "Harbour Acquiring"

TEA_HOUSE: Final = Restaurant(
    key="tea",
    name="Tea House",
    name_zh="茶馆",
    store="Garden Lane",
    store_zh="花园里店",
    sign_type=SignType.RSA2,
    partner="",
    app_id="",
    menu=menus.TEA_HOUSE,
    people=(("Yan", "yan", Role.OWNER), ("Bao", "bao", Role.CASHIER), ("Jin", "jin", Role.KITCHEN)),
    tables=("1", "2", "3", "4"),
)
#: The same shop in the acquirer's own house: it sells nothing there, its payments come through the API.
_THERE: Final = replace(
    TEA_HOUSE, partner="2088000000000003", app_id="2016000000000003", menu=None, people=(), tables=()
)


def folder_of(folder: Path) -> Path:
    """Where the acquirer keeps its files and its own `demo.json`: every command's --data-dir may be this folder."""
    return folder / "acquirer"


def new_file(app_url: str, sandbox_url: str, database_url: str) -> DemoFile:
    """Its page of `demo.json`, before anything is in it."""
    return DemoFile(
        app_url=app_url, sandbox_url=sandbox_url, database_url=database_url, secret=secrets.token_urlsafe(48)
    )


async def fill_acquirer(there: DemoFile, db: Database) -> None:
    """Open the acquirer's house: its account at the local Alipay, one merchant with a key, and an operator."""
    account, told = await register(there.sandbox_url, _THERE)
    files = await daily_files(there.sandbox_url, account.partner)
    password_hash = await passwords.hash_password(cast.PASSWORD)
    seal = Seal(there.secret)
    async with db.transaction() as tx:
        account_id = await model.add_account(tx, seal, account, name=NAME)
        if files is not None:
            await set_source(tx, seal, msgspec.structs.replace(files, account_id=account_id))
        await open_shop(tx, there, _THERE, account_id, "", "")
        await model.add_staff(tx, name="Harbour", login=LOGIN, roles=[Role.OPERATOR], password_hash=password_hash)
    there.accounts.append({"id": account_id, "merchant": NAME, **told})
    there.staff.append({"login": LOGIN, "password": cast.PASSWORD, "name": "Harbour", "role": "operator"})


async def connect(demo: DemoFile, there: DemoFile, db: Database, storage: Storage) -> None:
    """Open the tea house in our own deployment and connect it to the acquirer, which must be answering.

    What an operator does by hand in a console: enter address, key and store, and subscribe our address there."""
    (key,) = there.api_keys
    seal = Seal(demo.secret)
    account = AcquirerAccount(url=there.app_url, api_key=key["key"], store=key["store_id"])
    password_hash, pin_hash = await passwords.hash_password(cast.PASSWORD), await passwords.hash_pin(cast.TILL_PIN)
    async with db.transaction() as tx:
        account_id = await add_acquirer(
            tx, seal, account, name=f"{NAME} for {TEA_HOUSE.name}", currency=orders.CURRENCY
        )
        store_id = await open_shop(tx, demo, TEA_HOUSE, account_id, password_hash, pin_hash)
        # told within the transaction: a tea house that nobody tells of its payments is not left behind
        hook = await _subscribe(account, f"{demo.app_url}/acquirer/notify/{account_id}")
        await trust_webhooks(tx, seal, account_id, hook["secret"])
        # its fee is between the institution and the tea house, and is in no statement
        today = beijing_day(SystemClock().now())
        await set_source(tx, seal, Source(account_id=account_id, kind="acquirer", since=today))
    demo.accounts.append(
        {
            "id": account_id,
            "merchant": TEA_HOUSE.name,
            "channel": "acquirer",
            "url": account.url,
            "api_key": account.api_key,
            "webhook_secret": hook["secret"],
            "store": account.store,
        }
    )
    await hang_pictures(db, storage, TEA_HOUSE, store_id)


async def _subscribe(account: AcquirerAccount, url: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {account.api_key}", "Idempotency-Key": new_id("hook")}
    body = {"url": url, "events": list(EVENTS)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{account.url}/api/v1/webhooks", json=body) as answer,
    ):
        answer.raise_for_status()
        made: dict[str, Any] = await answer.json()
        return made


def children(there: DemoFile, folder: Path, port: int) -> tuple[Child, Child]:
    """Its two processes."""
    settings = {
        "SAOMA_DATABASE_URL": there.database_url,
        "SAOMA_SECRET": there.secret,
        "SAOMA_PUBLIC_URL": there.app_url,
        "SAOMA_LOOPBACK_WEBHOOKS": "1",
        "SAOMA_STORAGE_URL": str(folder / "storage"),
    }
    app = Child("acquirer-app", saoma("serve", "--port", str(port)), f"{there.app_url}/readyz", settings)
    return app, Child("acquirer-worker", saoma("worker"), "", settings)


def door_of(there: DemoFile, links: dict[str, str]) -> str:
    """The address that lets its operator into its console without typing."""
    port = there.app_url.rpartition(":")[2]
    return f"http://{LOGIN}.localhost:{port}{links[LOGIN]}?next=/console"
