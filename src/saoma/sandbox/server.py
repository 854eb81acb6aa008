"""The sandbox put together: gateways, book, wallets, control and pages, as one application.

Everything runs in one process because the book lives in its memory; what was answered is in the store, so the
process may be killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import Scope

from saoma.kit.clock import MovableClock
from saoma.kit.errors import Invalid, Refused
from saoma.sandbox import gateway_pages
from saoma.sandbox.authorizing import Authorizations
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.standing import StandingClock
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.calls.calls import Calls
from saoma.sandbox.config import Config
from saoma.sandbox.control.router import control_router
from saoma.sandbox.faults.faults import Faults
from saoma.sandbox.files.daily_files import DailyFiles
from saoma.sandbox.files.sftp import SftpDoor
from saoma.sandbox.mapi.gateway import Mapi
from saoma.sandbox.mapi.news import MapiNews
from saoma.sandbox.notices import Notices
from saoma.sandbox.openapi import pages as openapi_pages
from saoma.sandbox.openapi.gateway import OpenApi
from saoma.sandbox.openapi.news import OpenApiNews
from saoma.sandbox.plus import pages as plus_pages
from saoma.sandbox.plus.gateway import Plus
from saoma.sandbox.plus.notices import PlusNotices
from saoma.sandbox.scenarios.playing import Player
from saoma.sandbox.screens import wallet_router
from saoma.sandbox.screens.calls import calls_router
from saoma.sandbox.wallet.browser import Browser

log = logging.getLogger(__name__)


class _Lean(Litestar):
    """An application that leaves pydantic alone, which nothing here uses and which takes long to load."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


@dataclass
class Sandbox:
    """A local Alipay, put together. `clock` may be one that stands still; `store` is closed with the application."""

    config: Config = field(default_factory=Config)
    clock: MovableClock = field(default_factory=StandingClock)
    port: int = 8001
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        config = self.config
        with self.store.writing():
            self.partners = Partners(self.store)
            for partner in config.partners:
                self.partners.add(partner)
            url = config.public_url or f"http://localhost:{self.port}"
            self.book = Book(self.clock, self.store, url, config.choices, self.partners.find)
            for buyer in config.buyers:
                if self.book.wallets.find(buyer.id) is None:
                    self.book.add_buyer(
                        buyer.id, buyer.name, buyer.money, pin_required=buyer.pin_required, pin=buyer.pin, hk=buyer.hk,
                        terms=buyer.terms,
                    )  # fmt: skip
            for day, of_day in config.rates_by_day.items():
                for currency, rate in of_day.items():
                    self.book.rates.set(currency, day, rate)
            self.faults = Faults(self.store, self.clock)
            self.authorizations = Authorizations(self.book, config.auth_code_lifetime, config.openapi)
            self.daily_files = DailyFiles(self.book, self.partners)
            self.sftp = SftpDoor(self.daily_files, self.partners, self.store)
            self.player = Player(self.book, self.faults, self.daily_files, self.partners)
        self.notices = Notices(self.book)
        MapiNews(self.book, self.partners, self.notices)
        self.notices.faults, self.player.woke = self.faults, self.notices.wake
        self.mapi = Mapi(self.book, self.partners, self.faults, self.notices.is_genuine)
        self.openapi = OpenApi(self.book, self.partners, self.faults, self.authorizations, config.openapi)
        OpenApiNews(self.book, self.partners, config.openapi, self.notices)
        self.plus = Plus(self.book, self.partners, self.faults, config.plus)
        PlusNotices(self.book, self.partners, self.plus.payments, self.notices, config.plus)
        self.calls = Calls(self.partners, self.book.choices)
        self.browser = Browser(config.partner_origins)

    def app(self) -> Litestar:
        """The web application: gateway, authorization, wallet, control."""
        return application(lambda: self)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """While it is served: notifications go out, daily files can be fetched; afterwards its store is closed."""
        telling = asyncio.create_task(self.notices.run())
        if self.config.sftp_port is not None:
            try:
                await self.sftp.open(self.config.host, self.config.sftp_port)
            except OSError as trouble:
                log.warning("no daily files by SFTP: port %s can't be used: %s", self.config.sftp_port, trouble)
        try:
            yield
        finally:
            telling.cancel()
            await self.sftp.close()
            await self.notices.close()
            await self.browser.close()
            self.store.close()


def application(served: Callable[[], Sandbox]) -> Litestar:
    """The web application of the sandbox that is `served` while it runs: it may be another one the next time, since
    putting the pages together takes longer than all else."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with served().living():
            yield

    return _Lean(
        route_handlers=[
            *gateway_pages.handlers,
            *openapi_pages.handlers,
            *plus_pages.handlers,
            control_router(),
            calls_router(),
            wallet_router(),
        ],
        dependencies={name: _given(served, name) for name in _INJECTED},
        exception_handlers={Refused: _refused, RecursionError: _too_deep},
        after_exception=[_report],
        lifespan=[lifespan],
        openapi_config=OpenAPIConfig(
            title="Saoma sandbox control",
            version="1",
            path="/control",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
        logging_config=None,
    )


#: What handlers may ask for by its name: parts of the sandbox.
_INJECTED: Final = (
    "book",
    "partners",
    "faults",
    "player",
    "notices",
    "mapi",
    "openapi",
    "plus",
    "calls",
    "authorizations",
    "browser",
    "daily_files",
    "sftp",
)


def _given(served: Callable[[], Sandbox], name: str) -> Provide:
    return Provide(lambda: getattr(served(), name), sync_to_thread=False)


def _refused(_request: Request[Any, Any, Any], refusal: Refused) -> Response[dict[str, Any]]:
    problem = {"type": "about:blank", "title": type(refusal).__name__, "status": refusal.status, "detail": str(refusal)}
    return Response(problem, status_code=refusal.status, media_type="application/problem+json")


def _too_deep(request: Request[Any, Any, Any], _: RecursionError) -> Response[dict[str, Any]]:
    return _refused(request, Invalid("This body is nested too deeply to be read."))


async def _report(exception: Exception, scope: Scope) -> None:
    if not isinstance(exception, Refused | HTTPException | RecursionError):
        log.error("the sandbox stumbled over %s", scope.get("path"), exc_info=exception)
