"""Makers for deliveries: zones, a shop that delivers, couriers, and orders that wait for them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
from litestar import Litestar

from saoma.delivery import deliveries, quoting, screens
from saoma.delivery.editing import ZoneDraft, add_zone, set_rules
from saoma.delivery.model import Delivery, address, contact
from saoma.delivery.quoting import Rules
from saoma.delivery.zones import Circle, Point, Quote, Shape, Zone
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus, Menu
from saoma.food.orders import ordering
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.money import Money
from saoma.web.page import House as WebHouse
from tests.doors import become_staff, hello
from tests.fastfood.make import Browser
from tests.food import make as food
from tests.identity import make as identity
from tests.seating import seated

#: Where the shop of these tests stands.
STORE = Point(1_300_000, 103_850_000)
KIND = "test_order"
_numbers = itertools.count(1)


def usd(amount: str) -> Money:
    """So many dollars."""
    return Money.parse(amount, "USD")


def zone(
    name: str = "Near",
    shape: Shape | None = None,
    fee: str = "3.00",
    minimum: str = "0",
    free_from: str | None = None,
    minutes: int = 15,
) -> Zone:
    """A zone whose defaults make a valid one."""
    return Zone(
        id=f"zon_{name}",
        name=name,
        shape=shape or Circle(1500),
        fee=usd(fee),
        minimum=usd(minimum),
        free_from=None if free_from is None else usd(free_from),
        minutes=minutes,
    )


@dataclass
class Shop:
    """A noodle house that delivers."""

    db: Database
    clock: MovableClock
    of: identity.Shop
    menu: Menu
    manager: Staff
    couriers: list[Staff] = field(default_factory=list)
    zone_id: str = ""

    @property
    def store_id(self) -> str:
        return self.of.store.id

    async def quote(self) -> Quote:
        """What its one zone costs."""
        async with self.db.reading() as rows:
            return await quoting.must_quote(rows, self.store_id, self.zone_id, usd("30.00"))

    async def order(self, *codes: str, point: Point | None = None) -> Delivery:
        """A paid order with these dishes that waits for a courier; without dishes it has no tab here."""
        number, tab_id = next(_numbers), None
        quote = await self.quote()
        async with self.db.transaction() as tx:
            if codes:
                tab = await ordering.open_tab(tx, self.store_id, "delivery", f"D{number}")
                tab_id = tab.id
                for at, code in enumerate(codes):
                    item = food.dish(self.menu, code)
                    options = food.choices(item, "Regular")
                    await ordering.add_line(tx, tab.id, item.id, options, 1, "", "", f"{number}.{at}")
                await ordering.send(tx, tab.id, "test")
            return await deliveries.begin(
                tx,
                KIND,
                f"order_{number}",
                self.store_id,
                address("12 Long Street", point=point),
                contact("Amy", "+65 9123 4567"),
                quote,
                self.clock.now() + timedelta(minutes=40),
                self.clock.now(),
                tab_id=tab_id,
                label=f"D{number}",
            )

    async def cook(self, at: Delivery) -> None:
        """The kitchen finishes every dish of it."""
        assert at.tab_id is not None
        async with self.db.transaction() as tx:
            for seen in (LineStatus.SENT, LineStatus.COOKING):
                await kitchen.bump(tx, self.store_id, at.tab_id, 1, seen)

    async def again(self, at: Delivery) -> Delivery:
        """The delivery as it stands."""
        async with self.db.reading() as rows:
            return await deliveries.delivery_at(rows, self.store_id, at.id)


async def shop(db: Database, clock: MovableClock, couriers: int = 2) -> Shop:
    """A shop with one zone of 1500 m, a manager and some couriers."""
    of = await identity.shop(db)
    shown = await food.noodle_house_menu(db, of.store.id)
    made = Shop(db, clock, of, shown, await identity.staff(db, of, Role.MANAGER))
    made.couriers = [await identity.staff(db, of, Role.COURIER) for _ in range(couriers)]
    async with db.transaction() as tx:
        await set_rules(tx, made.store_id, Rules(latitude=STORE.latitude, longitude=STORE.longitude, capacity=2))
        draft = ZoneDraft(
            name="Near",
            name_zh="附近",
            shape=Circle(1500),
            fee=usd("3.00"),
            minimum=usd("10.00"),
            free_from=usd("60.00"),
            minutes=15,
        )
        made.zone_id = await add_zone(tx, made.store_id, draft)
    return made


def app(of: Shop) -> Litestar:
    """The delivery screens in the real frame."""
    given: dict[str, Any] = {"db": of.db, "clock": of.clock, "brought_orders": {}}
    return seated(
        [*screens.routers, hello, become_staff],
        house=WebHouse(secret=identity.SECRET, clock=of.clock),
        db=of.db,
        given=given,
        exception_handlers={SignInNeeded: to_sign_in},
    )


@asynccontextmanager
async def browser(of: Shop, who: Staff, server: Litestar | None = None) -> AsyncIterator[Browser]:
    """A phone where this person is signed in."""
    transport = httpx.ASGITransport(app=cast(Any, server or app(of)))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop.test", headers={"Accept": "text/html"}
    ) as client:
        opened = Browser(client)
        await opened.get(f"/staff-is/{who.id}")
        yield opened
