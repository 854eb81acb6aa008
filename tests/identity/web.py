"""A small server of the rooms under test, with real sessions, CSRF and error answers, and browsers to visit it with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar, Request, Response, get, post

from saoma.alipay.acquirer_client import AcquirerClient
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.storage import Storage
from saoma.settings import Settings
from saoma.web.page import House
from tests.identity import make
from tests.seating import seated

ALIPAY = "Mozilla/5.0 (iPhone) NebulaSDK/1.8.100112 Nebula AliApp(AP/10.1.32.600) AlipayClient/10.1.32.600 Alipay"
ALIPAY_HK = "Mozilla/5.0 Nebula AliApp(APHK/2.6.0.160) AlipayClientHK/2.6.0.160 AlipayClient/10.1.32.600"
WECHAT = "Mozilla/5.0 Mobile/15E217 MicroMessenger/6.7.2 NetType/4G Language/zh_CN"


@get("/plant")
async def plant(request: Request[Any, Any, Any]) -> Response[str]:
    """Put the query into the session: what an earlier visit has left there."""
    request.session.update(dict(request.query_params))
    return Response("planted")


@post("/session", opt={"exclude_from_csrf": True})
async def set_session(request: Request[Any, Any, Any]) -> Response[str]:
    """Put the JSON body into the session."""
    request.session.update(await request.json())
    return Response("planted")


@get("/session")
async def session(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """What the session holds now."""
    return Response(dict(request.session))


def app(routers: Sequence[Any], db: Database, clock: Clock, **given: Any) -> Litestar:
    """A server of `routers` in the house's own frame; `given` are further dependencies by name."""
    settings = Settings(database_url=db.url, secret=make.SECRET, public_url="http://shop.test", loopback_printers=True)
    values: dict[str, Any] = {"db": db, "clock": clock, "seal": make.seal(), "settings": settings}
    values |= {"acquirers": AcquirerClient(), "storage": Storage.at("memory:"), "shift_figures": ()}
    values |= given

    return seated(
        [*routers, plant, session, set_session],
        house=House(secret=make.SECRET, clock=clock),
        db=db,
        given=values,
        exception_handlers={SignInNeeded: to_sign_in},
    )


class Browser:
    """A person's browser: keeps cookies, sends the page's CSRF token with each form, follows no redirect by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, data: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form, as a page of ours would."""
        if "saoma_csrf" not in self.client.cookies:
            await self.client.get("/session")
        token = self.client.cookies["saoma_csrf"]
        return await self.client.post(path, data={"_csrf_token": token, **(data or {})}, headers=headers)

    async def plant(self, **values: str) -> None:
        """Put values into this browser's session."""
        await self.client.get("/plant", params=values)

    async def session(self) -> dict[str, Any]:
        """What this browser's session holds."""
        return dict((await self.client.get("/session")).json())

    @property
    def session_id(self) -> str:
        """The session id in the cookie."""
        return self.client.cookies.get("saoma_session", "")


@asynccontextmanager
async def browsers(app: Litestar, count: int = 1, user_agent: str = "") -> AsyncIterator[list[Browser]]:
    """Some browsers, each with its own cookies."""
    headers = {"User-Agent": user_agent or "Mozilla/5.0 (X11; Linux) Chrome/120.0"}
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test", headers=headers)
        for _ in range(count)
    ]
    try:
        yield [Browser(client) for client in clients]
    finally:
        for client in clients:
            await client.aclose()


def text_of(html: str) -> str:
    """The words of a page, without its markup and scripts."""
    bare = re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", bare).strip()
