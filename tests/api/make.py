"""The whole composed application over a fake Alipay, and programs that knock at its partner API with keys."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from saoma.app import SCREENS, Rooms, works
from saoma.identity.api_keys import PARTNER_SCOPES, ApiKey, Scope, add_api_key
from saoma.kit.clock import MovableClock
from saoma.kit.due import drive_due
from saoma.settings import Settings
from tests import kept, seating
from tests.identity import make
from tests.identity.make import SECRET, Shop
from tests.payments.make import FakeAlipay

CODE = "281234567890123456"
_numbers = itertools.count(1)


def barcode(**changes: Any) -> dict[str, Any]:
    """A body that takes 12.50 USD; a change to None leaves the field out."""
    body = {
        "method": "barcode",
        "amount": "12.50",
        "currency": "USD",
        "payment_code": CODE,
        "subject": "Beef noodles",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


@dataclass
class Program:
    """A till's program with one key."""

    http: httpx.AsyncClient
    key: ApiKey
    secret: str

    def headers(self, given: dict[str, str] | None = None) -> dict[str, str]:
        """What it says of itself with each request; None takes a header away."""
        said = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": f"k{next(_numbers)}"} | (given or {})
        return {name: value for name, value in said.items() if value is not None}

    async def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Look at something."""
        return await self.http.get(f"/api/v1{path}", params=query, headers=self.headers(_named(headers)))

    async def post(self, path: str, body: Any = None, **headers: Any) -> httpx.Response:
        """Ask for something to be done; `idempotency_key="x"` and the like are headers."""
        said = self.headers(_named(headers))
        if body is None:
            return await self.http.post(f"/api/v1{path}", headers=said)
        return await self.http.post(f"/api/v1{path}", json=body, headers=said)

    async def delete(self, path: str) -> httpx.Response:
        """End something."""
        return await self.http.delete(f"/api/v1{path}", headers=self.headers())

    async def pays(self, **changes: Any) -> dict[str, Any]:
        """A payment that began well."""
        answer = await self.post("/payments", barcode(**changes))
        assert answer.status_code in (201, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found


def _named(headers: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


@dataclass
class Deployment:
    """The application with one shop, its gateway a fake."""

    rooms: Rooms
    app: Litestar
    shop: Shop
    alipay: FakeAlipay
    http: httpx.AsyncClient
    clock: MovableClock
    shops: list[Shop] = field(default_factory=list)

    async def program(
        self, *scopes: Scope, at: Shop | None = None, stores: list[str] | None = None, name: str = "Till"
    ) -> Program:
        """A program whose key may do these things, or everything."""
        at = at or self.shop
        async with self.rooms.db.transaction() as tx:
            key, secret = await add_api_key(
                tx,
                self.clock,
                merchant_id=at.merchant.id,
                name=name,
                scopes=list(scopes) or list(Scope),
                by="stf_test",
                store_ids=stores,
            )
        return Program(self.http, key, secret)

    async def another_shop(self) -> Shop:
        """A second merchant with the same Alipay."""
        return await make.shop(self.rooms.db, name="Burrito Bar", account_id=self.shop.account_id)

    async def work(self, seconds: float = 0) -> None:
        """Move the clock, and let a worker do what came due."""
        from datetime import timedelta

        self.clock.advance(timedelta(seconds=seconds))
        await drive_due(self.rooms.db, works(self.rooms), self.clock)

    async def count(self, sql: str) -> int:
        """One number from the book."""
        async with self.rooms.db.reading() as rows:
            return int(await rows.value(sql))


async def partner(house: Deployment) -> Program:
    """A program of the partner's."""
    async with house.rooms.db.transaction() as tx:
        key, secret = await add_api_key(
            tx, house.clock, account_id=house.shop.account_id, name="Portal", scopes=list(PARTNER_SCOPES), by="stf_op"
        )
    return Program(house.http, key, secret)


async def _as_they_are() -> None:
    """No gateway is made of an account here."""


@asynccontextmanager
async def deployment(
    database_url: str,
    clock: MovableClock,
    folder: Path,
    *,
    more: Sequence[Any] = (),
    screens: Sequence[Any] = SCREENS,
    **settings: Any,
) -> AsyncIterator[Deployment]:
    """Everything, as `saoma serve` composes it, without a socket; `more` adds handlers, `screens` says which it has."""
    whole: dict[str, Any] = {
        "database_url": database_url,
        "secret": SECRET,
        "storage_url": str(folder),
        "pool_size": 8,
        "api_per_second": 10_000.0,
        "loopback_webhooks": True,
    }
    rooms = Rooms.build(Settings(**(whole | settings)), clock)
    kept.keep(rooms.db)
    rooms.hooks.outbox.remembered_for = 0
    rooms.payments.hall.jitter = lambda: 0.0
    rooms.postman.jitter = lambda: 0.0
    # The gateways stay the fakes they are, whatever becomes of the accounts.
    rooms.refresh_gateways = _as_they_are  # type: ignore[method-assign]
    app = seating.composed(rooms, more=more, screens=screens)
    async with rooms.running():
        shop = await make.shop(rooms.db)
        alipay = FakeAlipay(clock)
        rooms.gateways[shop.account_id] = alipay
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://saoma.test", timeout=30) as http:
            yield Deployment(rooms, app, shop, alipay, http, clock)
