"""Who is in the demo: the restaurants, their people, tables and menus, put in through the rooms' own functions.

Nothing is put in twice: what was made is noted in `demo.json`, which also tells others where everything is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType, new_rsa_key
from saoma.delivery.editing import add_zone, draft, set_rules
from saoma.delivery.quoting import Rules
from saoma.delivery.zones import Point, Shape, circle, polygon
from saoma.demo import menus, orders
from saoma.demo.pictures import picture
from saoma.demo.standing_offers import make_offers
from saoma.food.menus.drafts import MenuDraft
from saoma.food.menus.editing import set_photo, store_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.food.menus.photos import keep_photo
from saoma.food.model import Item
from saoma.identity import model, passwords
from saoma.identity.api_keys import Scope, add_api_key
from saoma.identity.links import Links, sign_in_path
from saoma.identity.roles import Role
from saoma.kit.clock import SystemClock, beijing_day
from saoma.kit.db import Database, Transaction
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage
from saoma.online import offers
from saoma.online.model import Hours
from saoma.restaurant.tables import add_table
from saoma.statements.sources import Source, set_source

PASSWORD = "noodles-please"
PIN = "123456"
#: What colleagues type who take over a till ("Change person").
TILL_PIN = "2468"
#: What the local Alipay charges, so that the daily files can be checked to the cent.
FEE_RATE = Decimal("0.006")
#: How long the links on the start page let people in; a demo may stay open for a while.
LINKS_LIVE = timedelta(days=30)

#: id, name, balance in CNY, whether each payment asks for the PIN.
BUYERS = (
    ("amy", "Amy 艾米", "5000.00", False),
    ("ben", "Ben 小本", "5000.00", True),
    ("chen", "Chen 小陈", "800000.00", False),
)


class DemoFile(msgspec.Struct, kw_only=True):
    """`demo.json`: where everything is, for people's scripts and for `saoma replay`."""

    app_url: str
    sandbox_url: str
    database_url: str
    secret: str
    accounts: list[dict[str, Any]] = msgspec.field(default_factory=list)
    staff: list[dict[str, Any]] = msgspec.field(default_factory=list)
    tables: list[dict[str, Any]] = msgspec.field(default_factory=list)
    buyers: list[dict[str, Any]] = msgspec.field(default_factory=list)
    merchants: list[dict[str, Any]] = msgspec.field(default_factory=list)
    api_keys: list[dict[str, Any]] = msgspec.field(default_factory=list)
    start_page: str = ""
    #: The acquiring institution's own deployment, where there is one: the same fields about its house.
    acquirer: DemoFile | None = None


def read_demo(folder: Path) -> DemoFile | None:
    """What an earlier run noted in `folder`, if there was one."""
    path = folder / "demo.json"
    return msgspec.json.decode(path.read_bytes(), type=DemoFile) if path.exists() else None


def write_demo(folder: Path, demo: DemoFile) -> None:
    """Note it, whole or not at all; only the owner may read it, since it holds the toy keys."""
    half = folder / "demo.json.new"
    half.touch(mode=0o600)
    half.write_bytes(msgspec.json.format(msgspec.json.encode(demo), indent=2))
    half.rename(folder / "demo.json")


@dataclass(frozen=True)
class Restaurant:
    """A restaurant before it is put in; one without a menu only takes payments."""

    key: str
    name: str
    name_zh: str
    store: str
    store_zh: str
    sign_type: SignType
    partner: str
    app_id: str
    menu: MenuDraft | None
    people: tuple[tuple[str, str, Role], ...]
    tables: tuple[str, ...]
    md5_key: str = field(default="", repr=False)


def restaurants(data: Path | None) -> tuple[Restaurant, Restaurant]:
    """The noodle house, and the burrito bar with the menu of the real orders in `data`, when they are there."""
    real = orders.read_orders(data) if data is not None else _own_orders()
    return (
        Restaurant(
            key="noodles",
            name="Noodle House",
            name_zh="面馆",
            store="Harbour Road",
            store_zh="海港路店",
            sign_type=SignType.RSA2,
            partner="2088000000000001",
            app_id="2016000000000001",
            menu=menus.NOODLE_HOUSE,
            people=(
                ("Mei", "mei", Role.OWNER),
                ("Kai", "kai", Role.CASHIER),
                ("Lin", "lin", Role.KITCHEN),
                ("Hua", "hua", Role.RUNNER),
                ("Wei", "wei", Role.COURIER),
            ),
            tables=("1", "2", "3", "4", "5", "6", "Terrace 1", "Terrace 2", "Terrace 3", "Terrace 4"),
        ),
        Restaurant(
            key="burritos",
            name="Burrito Bar",
            name_zh="卷饼吧",
            store="Market Street",
            store_zh="市场街店",
            sign_type=SignType.MD5,
            partner="2088000000000002",
            app_id="2016000000000002",
            menu=orders.menu_of(real),
            people=(
                ("Rosa", "rosa", Role.OWNER),
                ("Theo", "theo", Role.CASHIER),
                ("Sam", "sam", Role.WAITER),
                ("Paz", "paz", Role.KITCHEN),
                ("Leo", "leo", Role.COURIER),
            ),
            tables=tuple(str(number) for number in range(1, 25)),
            md5_key="saomademomd5keysaomademomd5key32",
        ),
    )


def _own_orders() -> list[orders.Order]:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        file.write(menus.BURRITO_BAR_ORDERS)
        file.flush()
        return orders.read_orders(Path(file.name))


class Control:
    """The sandbox's control API."""

    def __init__(self, sandbox_url: str) -> None:
        self._url = sandbox_url

    async def get(self, path: str) -> dict[str, Any]:
        """Read JSON. Raises `aiohttp.ClientResponseError` when it is refused."""
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/control/{path}") as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send and read JSON. Raises `aiohttp.ClientResponseError` when it is refused."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._url}/control/{path}", json=body) as answer,
        ):
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found


async def fill_sandbox(demo: DemoFile) -> None:
    """Put the toy buyers into the local Alipay."""
    control = Control(demo.sandbox_url)
    for buyer, name, balance, pin_required in BUYERS:
        body = {"id": buyer, "name": name, "balance": balance, "pin_required": pin_required}
        await control.post("buyers", body)
        port = demo.sandbox_url.rpartition(":")[2]
        demo.buyers.append(
            {"id": buyer, "name": name, "pin": PIN, "wallet_url": f"http://{buyer}.localhost:{port}/wallet"}
        )


async def fill_house(demo: DemoFile, db: Database, storage: Storage | None, places: tuple[Restaurant, ...]) -> None:
    """Put the restaurants, people, menus and tables into the product; without a storage no dish is drawn."""
    seal = Seal(demo.secret)
    password_hash, pin_hash = await passwords.hash_password(PASSWORD), await passwords.hash_pin(TILL_PIN)
    for place in places:
        store_id = await _open_restaurant(demo, db, seal, place, password_hash, pin_hash)
        if storage is not None:
            await hang_pictures(db, storage, place, store_id)
    async with db.transaction() as tx:
        await model.add_staff(tx, name="Operator", login="operator", roles=[Role.OPERATOR], password_hash=password_hash)
    demo.staff.append({"login": "operator", "password": PASSWORD, "name": "Operator", "role": "operator"})


async def _open_restaurant(
    demo: DemoFile, db: Database, seal: Seal, place: Restaurant, password_hash: str, pin_hash: str
) -> str:
    account, told = await register(demo.sandbox_url, place)
    files = await daily_files(demo.sandbox_url, account.partner)
    async with db.transaction() as tx:
        account_id = await model.add_account(tx, seal, account, name=place.name)
        if files is not None:
            await set_source(tx, seal, msgspec.structs.replace(files, account_id=account_id))
        store_id = await open_shop(tx, demo, place, account_id, password_hash, pin_hash)
    demo.accounts.append({"id": account_id, "merchant": place.name, **told})
    return store_id


async def register(sandbox_url: str, place: Restaurant) -> tuple[Account, dict[str, Any]]:
    """Make a partner known to the local Alipay: its account with fresh keys, and what `demo.json` tells of it."""
    private, public = new_rsa_key()
    who = {
        "partner": place.partner,
        "name": place.name,
        "app_id": place.app_id,
        "sign_type": place.sign_type.value,
        "md5_key": place.md5_key,
        "public_key": public,
    }
    answer = await Control(sandbox_url).post("partners", who | {"currency": orders.CURRENCY})
    account = Account(
        partner=place.partner,
        app_id=place.app_id,
        sign_type=place.sign_type,
        md5_key=place.md5_key,
        private_key=private,
        alipay_public_key=answer["alipay_public_key"],
        gateway_url=f"{sandbox_url}/gateway.do",
        openapi_url=f"{sandbox_url}/gateway.do",
        auth_url=f"{sandbox_url}/oauth2/publicAppAuthorize.htm",
        environment="sandbox",
        currency=orders.CURRENCY,
    )
    return account, who | {"private_key": private, "alipay_public_key": account.alipay_public_key}


async def daily_files(sandbox_url: str, partner: str) -> Source | None:
    """Where the local Alipay lays a partner's daily files; None where it serves none. It has no account yet."""
    access = await Control(sandbox_url).get(f"partners/{partner}/sftp")
    if not access["port"]:
        return None
    today = beijing_day(SystemClock().now())
    return Source(account_id="", kind="sftp", since=today, fee_rate=FEE_RATE, **access)


async def open_shop(
    tx: Transaction, demo: DemoFile, place: Restaurant, account_id: str, password_hash: str, pin_hash: str
) -> str:
    """A merchant with store, till, people, menu, tables and a key for programs; the store's id."""
    merchant = await model.add_merchant(
        tx,
        name=place.name,
        name_zh=place.name_zh,
        currency=orders.CURRENCY,
        account_id=account_id,
        industry="5812",
        secondary_id=f"SM_{place.key}",
    )
    store = await model.add_store(
        tx,
        merchant.id,
        name=place.store,
        name_zh=place.store_zh,
        zone="Asia/Singapore",
        address="1 Harbour Road",
        address_zh="海港路 1 号",
    )
    await model.add_terminal(tx, store.id, name="Till 1")
    _, api_key = await add_api_key(
        tx, SystemClock(), merchant_id=merchant.id, name="Demo", scopes=list(Scope), by="demo"
    )
    for name, login, role in place.people:
        await model.add_staff(
            tx,
            name=name,
            login=login,
            roles=[role],
            merchant_id=merchant.id,
            store_id=store.id,
            password_hash=password_hash,
            pin_hash=pin_hash,
        )
        person = {"login": login, "password": PASSWORD, "name": name, "role": role.value}
        demo.staff.append(person | {"merchant": place.name, "store_id": store.id})
    ahead = ""
    if place.menu is not None:
        await open_menu(tx, store.id, orders.CURRENCY)
        await store_menu(tx, store.id, place.menu)
        if place.key == "noodles":
            await make_offers(tx, store.id, SystemClock().now())
        await offers.set_up(tx, store.id)
        # Open day and night, so that a newcomer can try it at any hour.
        await offers.set_hours(tx, store.id, [Hours(day, 0, 24 * 60) for day in range(7)])
        await offers.change(tx, store.id, {"takes": True, "lead_minutes": 5, "capacity": 20, "pay": "choice"})
        ahead = f"{demo.app_url}/order/{(await offers.offer_of_store(tx, store.id)).code}"
        await _deliver(tx, store.id)
    for name in place.tables:
        table = await add_table(tx, store.id, name, SystemClock().now())
        demo.tables.append(
            {
                "merchant": place.name,
                "store_id": store.id,
                "table": name,
                "code": table.code,
                "url": f"{demo.app_url}/t/{table.code}",
            }
        )
    demo.merchants.append(
        {
            "id": merchant.id,
            "name": place.name,
            "name_zh": place.name_zh,
            "store_id": store.id,
            "key": place.key,
            "order_ahead": ahead,
        }
    )
    demo.api_keys.append({"merchant": place.name, "merchant_id": merchant.id, "store_id": store.id, "key": api_key})
    return store.id


async def _deliver(tx: Transaction, store_id: str) -> None:
    """Two rings around the harbour, and the island in front of it by its corners."""
    at = Point(1_283_900, 103_853_300)
    await set_rules(tx, store_id, Rules(latitude=at.latitude, longitude=at.longitude))
    island = polygon(
        Point(at.latitude + north, at.longitude + east)
        for north, east in ((-9_000, 14_000), (-4_000, 26_000), (-12_000, 33_000), (-19_000, 22_000))
    )
    areas: tuple[tuple[str, str, Shape, str, str], ...] = (
        ("Harbour", "海港一带", circle(1500), "2.00", "15"),
        ("Old town", "老城区", circle(3500), "4.00", "25"),
        ("Island", "小岛", island, "6.00", "35"),
    )
    for name, name_zh, shape, fee, minutes in areas:
        new = draft(
            name=name,
            name_zh=name_zh,
            shape=shape,
            currency=orders.CURRENCY,
            fee=fee,
            minimum="10.00",
            free_from="60.00",
            minutes=minutes,
        )
        await add_zone(tx, store_id, new)


async def hang_pictures(db: Database, storage: Storage, place: Restaurant, store_id: str) -> None:
    """Draw every dish of a store's menu, as many at once as the machine can."""
    async with db.reading() as rows:
        found = await menu(rows, store_id)

    async def hang(item: Item) -> None:
        look = menus.burrito_look(item.name) if place.key == "burritos" else menus.LOOKS.get(item.code)
        if look is None:
            return
        drawn = await asyncio.to_thread(picture, item.name, look.kind, look.colours)
        photo = await keep_photo(storage, drawn)
        async with db.transaction() as tx:
            await set_photo(tx, store_id, item.id, photo)

    await asyncio.gather(*(hang(item) for section in found.sections for item in section.items))


async def sign_in_links(demo: DemoFile, db: Database) -> dict[str, str]:
    """A fresh path per member of staff that signs them in without typing, for the start page of a demo only."""
    links = Links(Seal(demo.secret), SystemClock())
    async with db.reading() as rows:
        found = await rows.rows(_StaffRow, "SELECT id, login FROM staff")
    return {row.login: sign_in_path(links, row.id, LINKS_LIVE) for row in found}


class _StaffRow(msgspec.Struct):
    id: str
    login: str
