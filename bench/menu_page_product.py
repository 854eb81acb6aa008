"""The product's side of the menu benchmark: the whole application, a store with thirty dishes, and one table.

Writes the table's path on a line of its own; photos are named but never asked for, as phones ask for them later."""

from __future__ import annotations

import json
import os
import signal
import sys

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.app import Rooms, compose
from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft
from saoma.food.menus.editing import set_photo, store_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.food.model import Photo
from saoma.identity import model
from saoma.kit.clock import SystemClock
from saoma.kit.db import Database
from saoma.kit.telemetry import start_logging
from saoma.migrations import migrate
from saoma.restaurant.tables import add_table, path_of
from saoma.settings import read_settings

given = json.loads(sys.stdin.read())

SIZE = GroupDraft(
    name="Size",
    name_zh="大小",
    min_choices=1,
    options=(OptionDraft(name="Regular", name_zh="标准"), OptionDraft(name="Large", name_zh="大碗", price_change=250)),
)
MENU = MenuDraft(
    sections=tuple(
        SectionDraft(
            name=section,
            items=tuple(
                ItemDraft(
                    code=f"{section}-{number}",
                    name=f"{section} of the house, number {number}",
                    name_zh=f"招牌{number}",
                    description="Twelve hours of broth, hand-pulled, with pickled greens.",
                    description_zh="十二小时老汤，手工现做，配酸菜。",
                    price=980 + 10 * number,
                    groups=(SIZE,) if number % 2 else (),
                )
                for number in range(6)
            ),
        )
        for section in ("Noodles", "Rice", "Plates", "Sweets", "Drinks")
    )
)


async def fill(db: Database, rooms: Rooms) -> str:
    """A merchant, a store, its menu and a table; the table's path."""
    account = Account(
        partner="2088000000000001",
        app_id="2016000000000001",
        sign_type=SignType.MD5,
        md5_key="k" * 32,
        gateway_url="http://127.0.0.1:9/gateway.do",
    )
    async with db.transaction() as tx:
        account_id = await model.add_account(tx, rooms.seal, account)
        merchant = await model.add_merchant(
            tx, name="Bench", currency="USD", account_id=account_id, industry="5812", secondary_id="SM_1"
        )
        store = await model.add_store(tx, merchant.id, name="Bench", zone="Asia/Singapore")
        await open_menu(tx, store.id, "USD")
        await store_menu(tx, store.id, MENU)
        for section in (await menu(tx, store.id)).sections:
            for item in section.items:
                await set_photo(tx, store.id, item.id, Photo(name=f"{item.id[-16:]:0>64}", width=800, height=800))
        table = await add_table(tx, store.id, "1", SystemClock().now())
    return path_of(table.code)


async def main() -> None:
    """Migrate, fill, serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    migrate(given["database"])
    start_logging(level="WARNING")
    settings = read_settings(
        {}, database_url=given["database"], secret="b" * 40, storage_url="memory:", log_level="WARNING"
    )
    rooms = Rooms.build(settings)
    db = await Database.open(given["database"])
    path = await fill(db, rooms)
    await db.close()
    print(path, flush=True)
    app = compose(rooms)
    await Server(app, "127.0.0.1", int(sys.argv[1]), interface=Interfaces.ASGI, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(main())
