"""Somebody who ordered ahead scans a table: their own phone is offered to have the food brought there, no other is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.online import screens
from saoma.online.model import Mode, Status
from saoma.online.seating import Seating
from saoma.online.visits import path_of
from saoma.restaurant.screens import phone, phone_ahead
from saoma.restaurant.tables import add_table
from saoma.settings import Settings
from saoma.web.page import House as WebHouse
from tests.identity import make as identity
from tests.online import web
from tests.online.make import ANNA, BEN, House, house
from tests.seating import seated


@dataclass
class Evening:
    """A shop with two tables, and a server that shows both rooms."""

    of: House
    server: Litestar
    tables: list[str]


@pytest.fixture
async def evening(database: Database, clock: MovableClock) -> Evening:
    of = await house(database, clock)
    async with database.transaction() as tx:
        tables = [(await add_table(tx, of.store_id, name, clock.now())).code for name in ("7", "8")]
    given: dict[str, Any] = {
        "db": of.db,
        "clock": of.clock,
        "checkout": of.checkout,
        "payments": of.payments,
        "seal": identity.seal(),
        "settings": Settings(database_url="postgresql://x", secret=identity.SECRET, public_url="http://shop.test"),
        "ordered_ahead": Seating(),
    }
    handlers = [*screens.routers, phone.router, phone_ahead.router, web.hello, web.become_buyer]
    frame = WebHouse(secret=identity.SECRET, clock=of.clock)
    return Evening(of, seated(handlers, house=frame, db=of.db, given=given), tables)


async def test_the_phone_that_ordered_ahead_has_its_food_brought_to_the_table_it_scans(evening: Evening) -> None:
    of, (seven, eight) = evening.of, evening.tables
    root = path_of((await of.offer()).code)
    async with web.browser(of, evening.server) as mine, web.browser(of, evening.server, lang="zh") as other:
        await mine.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(await mine.get(root))})
        await mine.post(f"{root}/when", {"mode": "eat_here", "slot": ""})
        said = {**web.fields(await mine.get(f"{root}/place")), "pay": "later", "name": "Li", "phone": "13800000000"}
        order_page = (await mine.post(f"{root}/place", said)).headers["location"]
        at_seven = await mine.get(f"/t/{seven}")
        assert "You ordered ahead: P1" in at_seven and order_page in at_seven
        order_id = re.findall(rf"/t/{seven}/ahead/(onl_\w+)", at_seven)[0]
        assert "P1" not in await other.get(f"/t/{seven}")
        stranger = await other.post(f"/t/{eight}/ahead/{order_id}")
        assert stranger.status_code == 404, "knowing an order's id moves nobody's food"
        for _ in range(2):
            assert (await mine.post(f"/t/{seven}/ahead/{order_id}")).status_code == 303
        assert "Your order P1 comes to this table." in await mine.get(f"/t/{seven}")
        assert "so far for Table 7" in await mine.get(f"/t/{eight}")
        async with of.db.reading() as rows:
            ticket = await rows.value("SELECT label FROM tabs WHERE label LIKE 'P1 %%'")
            arrived = await rows.value("SELECT arrived_at FROM online_orders WHERE id = %(id)s", {"id": order_id})
        assert ticket.endswith(" · 7") and arrived == of.clock.now()


async def test_the_buyer_whom_alipay_names_finds_it_on_another_phone_and_only_on_its_day(evening: Evening) -> None:
    of, (seven, _) = evening.of, evening.tables
    made = await of.begin("tea", mode=Mode.EAT_HERE)
    await of.writes(made, await of.soonest(made) + timedelta(days=1), buyer_id="")
    await of.money_arrives(await of.opens(made, ANNA))
    async with (
        web.browser(of, evening.server, agent=web.ALIPAY, lang="zh") as anna,
        web.browser(of, evening.server, agent=web.ALIPAY) as ben,
        web.browser(of, evening.server) as borrowed,
    ):
        for phone_of, buyer in ((anna, ANNA), (ben, BEN), (borrowed, ANNA)):
            await phone_of.get(f"/buyer-is/{buyer}/{of.shop.account_id}")
        assert "ordered-ahead" not in await anna.get(f"/t/{seven}"), "tomorrow's food is not for this table"
        await of.later(hours=22, minutes=45)
        assert (await of.again(made)).status is Status.PROMISED
        assert "你提前点了餐" in await anna.get(f"/t/{seven}")
        assert "ordered-ahead" not in await ben.get(f"/t/{seven}")
        assert "ordered-ahead" not in await borrowed.get(f"/t/{seven}")
        assert (await anna.post(f"/t/{seven}/ahead/{made.id}")).status_code == 303
        assert (await of.again(made)).table_name == "7"
