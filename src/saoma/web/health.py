"""Is it alive, is it ready, how is it doing: for load balancers, probes and Prometheus.

Alive means the process answers; ready means every part it needs answers too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from saoma.web.security import is_near

Check = Callable[[], Awaitable[bool]]

_OPT = {"skip_session": True, "exclude_from_csrf": True, "unmetered": True}


def health_router(checks: Mapping[str, Check]) -> Router:
    """`/healthz`, `/readyz` (each check by name, 503 until all hold) and `/metrics` (near addresses only)."""

    @get("/healthz", opt=_OPT, include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok"}

    @get("/readyz", opt=_OPT, include_in_schema=False)
    async def readyz() -> Response[dict[str, Any]]:
        """Everything this process needs answers."""
        held = await asyncio.gather(*(_holds(check) for check in checks.values()))
        ready = all(held)
        body = {"status": "ready" if ready else "not ready", "checks": dict(zip(checks, held, strict=True))}
        return Response(body, status_code=200 if ready else 503, headers={"Cache-Control": "no-store"})

    @get("/metrics", opt=_OPT, include_in_schema=False, sync_to_thread=False)
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Prometheus' text; as good as absent for the world outside."""
        if not is_near(request):
            raise NotFoundException
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Router(path="/", route_handlers=[healthz, readyz, metrics])


async def _holds(check: Check) -> bool:
    try:
        async with asyncio.timeout(3):
            return await check()
    except Exception:  # a check that fails in any way does not hold
        return False
