"""The frame around every server: sessions, CSRF, headers, errors, assets, live updates, health, put together once.

`build_app` makes the Litestar application; without a database it keeps sessions in memory, as the sandbox does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import structlog
from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.stores.memory import MemoryStore
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from saoma.kit.db import Database
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.kit.live import Live
from saoma.kit.telemetry import REQUEST_SECONDS
from saoma.web.assets import asset, assets, favicon
from saoma.web.errors import HANDLERS
from saoma.web.health import Check, health_router
from saoma.web.live import Stopping, live_check, live_events
from saoma.web.page import House, environment
from saoma.web.parts_page import parts_page
from saoma.web.security import content_policy, header_hook
from saoma.web.sessions import PostgresSessions, session_middleware, swept

CSRF_COOKIE = "saoma_csrf"
CSRF_HEADER = "x-csrf-token"


class Meter(ASGIMiddleware):
    """Gives each request an id for the logs and measures it by its route."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Measure one request."""
        request_id = new_id("req")
        scope["state"]["request_id"] = request_id
        handler = scope.get("route_handler")
        if handler is None or handler.opt.get("unmetered"):
            await next_app(scope, receive, send)
            return
        began = time.perf_counter()
        route = min(handler.paths, key=len, default="/")
        method = str(scope.get("method", ""))

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUEST_SECONDS.labels(method, route, str(message["status"])).observe(time.perf_counter() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await next_app(scope, receive, measured)


def _hearing(stopping: Stopping) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        with stopping.watched():
            yield

    return lifespan


def build_app(
    route_handlers: Sequence[Any],
    *,
    house: House,
    db: Database | None = None,
    live: Live | None = None,
    checks: Mapping[str, Check] | None = None,
    dependencies: Mapping[str, Any] | None = None,
    on_startup: Sequence[Callable[..., Any]] = (),
    on_shutdown: Sequence[Callable[..., Any]] = (),
    lifespan: Sequence[Callable[..., Any]] = (),
    middleware: Sequence[Any] = (),
    content_sources: dict[str, Iterable[str]] | None = None,
    csrf_exclude: Sequence[str] = (),
    openapi_config: OpenAPIConfig | None = None,
    max_body_bytes: int = 8 * 1024 * 1024,
    exception_handlers: Mapping[type[Exception], Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Litestar:
    """The application with the whole frame around `route_handlers`.

    `content_sources` adds to the content policy by directive; `csrf_exclude` are path patterns that machines post to
    (a route can also say `opt={"exclude_from_csrf": True}`). Raises `NotBuilt` when styles and scripts are missing."""
    assets()
    environment()
    texts("zh")
    every_check: dict[str, Check] = dict(checks or {})
    if db is not None:
        every_check.setdefault("database", db.alive)
    store = MemoryStore() if db is None else PostgresSessions(db, house.clock)
    sweeping = [lambda _: swept(store)] if isinstance(store, PostgresSessions) else []
    stopping = Stopping()
    frame_handlers: list[Any] = [asset, favicon, parts_page, health_router(every_check)]
    if live is not None:
        frame_handlers += [live_events, live_check]
    return Litestar(
        route_handlers=[*frame_handlers, *route_handlers],
        dependencies=dict(dependencies or {}),
        middleware=[Meter(), session_middleware(secure=house.secure), *middleware],
        csrf_config=CSRFConfig(
            secret=f"csrf:{house.secret}",
            cookie_name=CSRF_COOKIE,
            header_name=CSRF_HEADER,
            cookie_secure=house.secure,
            cookie_samesite="lax",
            exclude=list(csrf_exclude) or None,
        ),
        exception_handlers=cast(Any, {**HANDLERS, **dict(exception_handlers or {})}),
        before_send=[
            header_hook(secure=house.secure, policy=content_policy(content_sources)),
        ],
        stores={"sessions": store},
        state=State({"house": house, "live": live, "stopping": stopping, **(state or {})}),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        lifespan=[*lifespan, *sweeping, _hearing(stopping)],
        openapi_config=openapi_config,
        request_max_body_size=max_body_bytes,
        debug=False,
        logging_config=None,
    )
