"""Somebody between us and Alipay: hands everything on, unless told to answer in its own way.

It holds no key of anybody's; what it can do is drop, delay, replay, and write what it likes without a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from saoma.alipay.wire import parse_form

#: From the request's fields and the honest answer (None where the request is not handed on) to the bytes that go back.
Trick = Callable[[dict[str, str], bytes], bytes]


@dataclass(repr=False)
class Meddler:
    """The man in the middle. `honest` keeps what Alipay really said, by service."""

    gateway_url: str
    url: str = ""
    honest: dict[str, list[bytes]] = field(default_factory=dict)
    status: int = 200
    _tricks: dict[str, list[tuple[Trick, bool]]] = field(default_factory=dict)
    _http: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None

    def plays(self, service: str, trick: Trick, *, times: int = 1, hands_on: bool = True) -> None:
        """The next answers of a service are `trick`'s; without `hands_on` Alipay never hears of the request."""
        self._tricks.setdefault(service, []).extend([(trick, hands_on)] * times)

    def stops(self) -> None:
        """No more tricks."""
        self._tricks.clear()
        self.honest.clear()
        self.status = 200

    async def open(self) -> None:
        """Get in between."""
        self._http = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_post("/gateway.do", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/gateway.do"

    async def close(self) -> None:
        """Leave."""
        assert self._http is not None
        assert self._runner is not None
        await self._runner.cleanup()
        await self._http.close()

    async def _take(self, request: web.Request) -> web.Response:
        assert self._http is not None
        body = await request.read()
        fields = parse_form(body, "utf-8")
        service = fields["service"]
        waiting = self._tricks.get(service, [])
        trick, hands_on = waiting.pop(0) if waiting else (None, True)
        said = b""
        if hands_on:
            head = {"Content-Type": request.headers["Content-Type"]}
            async with self._http.post(f"{self.gateway_url}?{request.query_string}", data=body, headers=head) as answer:
                said = await answer.read()
            self.honest.setdefault(service, []).append(said)
        if trick is None:
            return web.Response(body=said, content_type="text/xml")
        return web.Response(body=trick(fields, said), status=self.status, content_type="text/xml")
