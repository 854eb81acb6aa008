"""A sandbox without a web server around it: calls go straight to its gateways, which is a hundred times faster.

What the server itself does (routes, headers, dropped connections) is not seen here; use `make.running` for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from saoma.alipay.wire import form
from saoma.sandbox.book.store import Heard
from saoma.sandbox.book.trades import Book
from saoma.sandbox.config import Config
from saoma.sandbox.plus import gateway as plus
from saoma.sandbox.server import Sandbox
from tests.sandbox import make


@dataclass
class Near:
    """One sandbox, asked directly."""

    sandbox: Sandbox

    @property
    def book(self) -> Book:
        """What the sandbox remembers."""
        return self.sandbox.book

    async def send(self, fields: Mapping[str, str], charset: str = "UTF-8") -> bytes:
        """A form to the gateway, the charset in the address too."""
        body = form({name: value for name, value in fields.items() if name != "_input_charset"}, charset)
        query = f"_input_charset={fields['_input_charset']}" if "_input_charset" in fields else ""
        gateway = self.sandbox.openapi if "method" in fields and "service" not in fields else self.sandbox.mapi
        with self.book.store.hearing(Heard("POST", f"/gateway.do?{query}", {}, body)):
            return gateway.answer(query.encode(), body).body or b""

    async def send_plus(self, heard: plus.Heard) -> plus.PlusReply:
        """A request to Alipay+."""
        came = Heard(heard.method, heard.address, dict(heard.headers), heard.body)
        with self.book.store.hearing(came):
            reply = self.sandbox.plus.answer(heard)
            came.answer = dict(reply.headers)
        return reply

    async def advance(self, **by: float) -> None:
        """Push the clock."""
        self.book.advance(timedelta(**by))


def near(config: Config) -> Near:
    """A sandbox at the lunch of the published samples."""
    return Near(Sandbox(config, make.clock(), 1, make.store()))
