"""A house with a console: a fake Alipay, a merchant and its people, an operator, and browsers for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Litestar

from saoma.alipay.probing import Heard, Probe
from saoma.console.screens import routers
from saoma.identity.account_check import Doctor
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import Clock, MovableClock, SystemClock
from saoma.kit.db import Database, Rows
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.payments.ruling import Rulings
from saoma.payments.watch import Watch
from tests.identity import make as identity
from tests.identity import web
from tests.payments.make import House, new_payment


class Detour(Probe):
    """The doctor's socket, led to other addresses: production is a sandbox round the corner."""

    def __init__(self, roads: dict[str, str]) -> None:
        super().__init__(connect_seconds=2, read_seconds=2)
        self._roads = roads

    async def ask(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """Ask there instead."""
        for here, there in self._roads.items():
            url = url.replace(here, there)
        return await super().ask(method, url, body=body, headers=headers)


@dataclass
class Office:
    """The house, its shop, and the server of its console."""

    house: House
    shop: identity.Shop
    server: Litestar

    async def person(self, *roles: Role, shop: identity.Shop | None = None, name: str = "Mei Lin") -> Staff:
        """Somebody of the shop, or of the partner if the only role is an operator's."""
        at = None if Role.OPERATOR in roles else (shop or self.shop)
        return await identity.staff(self.house.db, at, *roles, name=name)

    async def pays(self, amount: str = "12.50", **changes: Any) -> Payment:
        """A payment of this shop."""
        wish = {"merchant_id": self.shop.merchant.id, "store_id": self.shop.store.id, **changes}
        return await self.house.payments.take(new_payment("bill_1", amount, **wish))

    async def stuck(self, amount: str = "12.50") -> Payment:
        """A payment nobody knows the end of: Alipay has fallen silent."""
        alipay = self.house.alipay
        alipay.buyer = "thinks"
        payment = await self.pays(amount)
        alipay.fails("cancel", *["silence_before"] * 100)
        alipay.fails("query", *["silence_before"] * 100)
        await self.house.payments.give_up(payment.id, "stf_ann")
        await self.house.play(7200)
        alipay.faults.clear()
        alipay.buyer = "pays"
        found = await self.house.payments.get(payment.id)
        assert found.status is Status.NEEDS_ATTENTION
        return found

    async def case_id(self) -> str:
        """The oldest case that is not closed."""
        async with self.house.db.reading() as rows:
            return str(await rows.value("SELECT id FROM cases WHERE status <> 'closed' ORDER BY opened_at LIMIT 1"))


async def nobody_practised(rows: Rows, account_ids: Sequence[str]) -> None:
    """As on a deployment without practice."""


async def office(
    db: Database,
    clock: MovableClock,
    *,
    above: int = 500,
    now: Clock | None = None,
    roads: dict[str, str] | None = None,
    **given: Any,
) -> Office:
    """A house with a bill of 1,000.00 and everything the console needs. The doctor's clock is the machine's."""
    house = House(db, clock)
    await house.bill("1000.00")
    shop = await identity.shop(db)
    server = web.app(
        routers,
        db,
        clock,
        payments=house.payments,
        rulings=Rulings(house.payments, above),
        watch=Watch(db, clock),
        doctor=Doctor(db, identity.seal(), now or SystemClock(), "http://shop.test", lambda: Detour(roads or {})),
        **{"practised": nobody_practised, **given},
    )
    return Office(house, shop, server)


@asynccontextmanager
async def browser(of: Office, person: Staff | None, lang: str = "en") -> AsyncIterator[web.Browser]:
    """A browser in which `person` is signed in, in one language."""
    async with web.browsers(of.server) as (one,):
        one.client.headers["Accept-Language"] = lang
        if person is not None:
            await one.plant(staff_id=person.id)
        yield one
