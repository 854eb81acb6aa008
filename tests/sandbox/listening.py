"""A partner's server that notes what it is told, for whoever asks for `shop`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.alipay.wire import parse_form
from tests.sandbox import make


@dataclass
class Told:
    """One notification as it came."""

    fields: dict[str, str]

    @property
    def number(self) -> str:
        """Whose order it is about."""
        return self.fields["out_trade_no"]

    @property
    def is_genuine(self) -> bool:
        """Whether its MD5 signature holds."""
        return md5_signatory(make.KEY).verify(string_to_sign(self.fields).encode(), self.fields["sign"])


@dataclass
class Shop:
    """Answers `success` to everything."""

    url: str = ""
    heard: list[Told] = field(default_factory=list)

    @property
    def numbers(self) -> list[str]:
        """The orders it was told of, in order."""
        return [told.number for told in self.heard]

    async def hear(self, request: web.Request) -> web.Response:
        """Note it, and say the seven letters."""
        self.heard.append(Told(parse_form(await request.read(), "UTF-8")))
        return web.Response(text="success")


@asynccontextmanager
async def listening() -> AsyncIterator[Shop]:
    """A shop behind a real socket."""
    made, app = Shop(), web.Application()
    app.router.add_post("/notify", made.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    port = make.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.url = f"http://127.0.0.1:{port}/notify"
    yield made
    await runner.cleanup()
