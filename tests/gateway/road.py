"""The road from a shop to its acquirer: everything passes, unless something is planned to happen to it on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

#: What may happen to a request: it never arrives; its answer is never heard; the answer is rubbish; somebody on the
#: way answers 502; it arrives twice.
TRICKS = ("lost", "unheard", "garbled", "ill", "doubled")


@dataclass(repr=False)
class Road:
    """A proxy on a port of its own. `passed` is what went over it, such as `POST refunds`."""

    to: str
    url: str = ""
    passed: list[str] = field(default_factory=list)
    _plans: dict[str, list[str]] = field(default_factory=dict)

    def happens(self, what: str, *tricks: str) -> None:
        """The next requests named `what` (`POST payments`, `GET payments`, `POST cancel`, ...) meet these."""
        self._plans.setdefault(what, []).extend(tricks)

    def clear(self) -> None:
        """Nothing is planned any more."""
        self._plans.clear()
        self.passed.clear()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Road]:
        """Let traffic in."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as self._http:
            yield self
        await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        what = f"{request.method} {request.path.rpartition('/')[2]}"
        self.passed.append(what)
        waiting = self._plans.get(what, [])
        trick = waiting.pop(0) if waiting else ""
        if trick == "lost":
            return self._hung_up(request)
        answer = await self._hand_on(request)
        if trick == "doubled":
            answer = await self._hand_on(request)
        if trick == "unheard":
            return self._hung_up(request)
        if trick == "garbled":
            return web.Response(body=b'{"id": "pay_', content_type="application/json")
        if trick == "ill":
            return web.Response(status=502, text="<h1>Bad Gateway</h1>", content_type="text/html")
        return answer

    async def _hand_on(self, request: web.Request) -> web.Response:
        # the wish to wait for an end is dropped: nothing ends by itself here, and each test would wait for nothing
        kept = ("Authorization", "Idempotency-Key", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with self._http.request(
            request.method, f"{self.to}{request.raw_path}", data=await request.read(), headers=headers
        ) as answer:
            body = await answer.read()
            return web.Response(
                status=answer.status, body=body, headers={"Content-Type": answer.headers["Content-Type"]}
            )

    @staticmethod
    def _hung_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
