"""Phones and staff of a shop that takes orders ahead, in the real frame."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
from litestar import Litestar, Request, Response, get
from litestar.params import FromPath

from saoma.checkout.screens import till_payments
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.identity.wallet_sign_in import remember_buyer
from saoma.online import screens
from saoma.settings import Settings
from saoma.web.page import House as WebHouse
from tests.doors import become_staff, hello
from tests.identity import make as identity
from tests.online.make import House
from tests.seating import seated

ALIPAY = "Mozilla/5.0 (Linux; Android 13) AlipayClient/10.5.0"
SAFARI = "Mozilla/5.0 (iPhone) Safari/604.1"


@get("/buyer-is/{buyer_id:str}/{account_id:str}")
async def become_buyer(
    request: Request[Any, Any, Any], buyer_id: FromPath[str], account_id: FromPath[str]
) -> Response[str]:
    """Stands for the wallet's authorization."""
    remember_buyer(request.session, account_id, buyer_id)
    return Response("you are")


def app(of: House) -> Litestar:
    """The screens of ordering ahead."""
    given: dict[str, Any] = {
        "db": of.db,
        "clock": of.clock,
        "checkout": of.checkout,
        "payments": of.payments,
        "settings": Settings(database_url="postgresql://x", secret=identity.SECRET, public_url="http://shop.test"),
    }
    return seated(
        [*screens.routers, till_payments.router, hello, become_staff, become_buyer],
        house=WebHouse(secret=identity.SECRET, clock=of.clock),
        db=of.db,
        given=given,
        exception_handlers={SignInNeeded: to_sign_in},
    )


class Browser:
    """A browser: keeps cookies, sends the CSRF token with each form, follows redirects of pages."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, *, status: int = 200) -> str:
        """Open a page; it must answer so."""
        answer = await self.client.get(path, follow_redirects=True)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form as a browser without scripts does."""
        if "saoma_csrf" not in self.client.cookies:
            await self.client.get("/hello")
        headers = {"X-CSRF-Token": self.client.cookies["saoma_csrf"]}
        return await self.client.post(path, data=data or {}, headers=headers)


@asynccontextmanager
async def browser(of: House, server: Litestar, *, agent: str = SAFARI, lang: str = "en") -> AsyncIterator[Browser]:
    """A browser of its own."""
    headers = {"Accept": "text/html", "Accept-Language": lang, "User-Agent": agent}
    transport = httpx.ASGITransport(app=cast(Any, server))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        yield Browser(client)


def fields(html: str) -> dict[str, str]:
    """The hidden fields of a page, as they stand first."""
    found: dict[str, str] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)"\s+value="([^"]*)"', html):
        found.setdefault(name, value.replace("&#43;", "+"))
    return found


def slots(html: str) -> list[datetime]:
    """The times a page offers."""
    return [
        datetime.fromisoformat(text.replace("&#43;", "+")) for text in re.findall(r'name="slot" value="([^"]+)"', html)
    ]


def zone(of: House) -> ZoneInfo:
    """The clock on the shop's wall."""
    return ZoneInfo(of.shop.store.zone)
