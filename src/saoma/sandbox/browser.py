"""The in-wallet browser: on a buyer's own host, every path that isn't the sandbox's is fetched from the partner.

The partner's pages so believe that they run inside the wallet, with a cookie jar per buyer. What may be fetched is
decided anew for each request by `addresses.destination`: the cookie that remembers the partner is only a wish."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from litestar.types import HTTPScope, Receive, Send
from multidict import CIMultiDict
from yarl import URL

from saoma.sandbox.addresses import (
    Origin,
    PartnerPage,
    destination,
    partner_origins,
    port_of_host,
)
from saoma.sandbox.agents import Agent, agent_of
from saoma.sandbox.rewriting import (
    Headers,
    Injector,
    answer_headers,
    bridge_tag,
    nonce_of,
    own_cookies,
    request_headers,
)

log = structlog.get_logger(__name__)

#: First path segments that belong to the sandbox on every host.
OWN_SEGMENTS: Final = frozenset({"gateway.do", "ams", "oauth2", "wallet", "calls", "control", "healthz", "readyz"})

#: Sends the wallet's own page with a status and a sentence, when there is nothing of a partner's to show.
Refuse = Callable[[int, str], Awaitable[None]]


class _ThisMachine(AbstractResolver):
    """Names under `.localhost` are this machine whatever the system's resolver thinks (RFC 6761 6.3)."""

    def __init__(self) -> None:
        self._others = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == "localhost" or host.endswith(".localhost"):
            places = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
            return [
                ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
                for kind, address in places
            ]
        return await self._others.resolve(host, port, family)

    async def close(self) -> None:
        await self._others.close()


class Browser:
    """Fetches partner pages for the phones. `partners` are origins off this machine that may be fetched too.

    Raises `Invalid` for a partner that is not an origin."""

    def __init__(self, partners: Iterable[str] = ()) -> None:
        self.allowed = partner_origins(partners)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=_ThisMachine(), limit=0),
                # No limit on the whole or on silence: a stream of events may stay open and quiet for hours.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def fetch(self, scope: HTTPScope, receive: Receive, send: Send, refuse: Refuse) -> None:
        """Answer one request of a phone with what the partner's server says, changed as `rewriting` describes.

        `refuse(status, sentence)` sends the wallet's own page when there is nothing to show."""
        headers = list(scope["headers"])
        host = _header(headers, b"host")
        cookies = own_cookies(headers)
        own_port = port_of_host(host, str(scope["scheme"]))
        remembered = destination(cookies.get("wallet_partner", ""), own_port, self.allowed)
        if not isinstance(remembered, PartnerPage):
            await refuse(404, "No page is open on this phone. Scan a code to begin.")
            return
        if _header(headers, b"service-worker"):
            await refuse(404, "The toy wallet's browser has no service workers, like the wallet it plays.")
            return
        partner, buyer_origin = remembered.origin, f"{scope['scheme']}://{host}"
        agent = agent_of(cookies.get("wallet_agent", ""), cookies.get("wallet_lang", ""))
        target = URL(partner.text + _raw_target(scope), encoded=True)
        sent = request_headers(headers, partner, buyer_origin, agent.text, cookies.get("wallet_lang", ""))
        method = str(scope["method"])
        sent_all = asyncio.Event()
        if not _has_body(headers):
            sent_all.set()
        try:
            answer = await self._client().request(
                method,
                target,
                headers=CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent),
                data=None if sent_all.is_set() else _body(receive, sent_all),
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Content-Type", "Accept-Encoding"),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.info("partner page unreachable", partner=partner.text, problem=str(problem))
            await refuse(502, "The partner's server does not answer. Is it running?")
            return
        async with answer:
            passing = asyncio.create_task(self._pass_on(answer, method, partner, own_port, agent, send))
            leaving = asyncio.create_task(_gone(receive, sent_all))
            # A phone that closes a page must not leave a stream of events running at the partner's.
            await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            if not passing.done():
                passing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await passing

    async def _pass_on(
        self,
        answer: aiohttp.ClientResponse,
        method: str,
        partner: Origin,
        own_port: int,
        agent: Agent,
        send: Send,
    ) -> None:
        raw: Headers = list(answer.raw_headers)
        encoding = _header(raw, b"content-encoding").lower()
        readable = encoding in {"", "identity", "gzip", "deflate"}
        html = _header(raw, b"content-type").lower().startswith("text/html")
        injecting = agent.bridge and html and readable and method != "HEAD" and answer.status not in {204, 206, 304}
        headers = answer_headers(raw, partner, own_port, self.allowed, with_bridge=injecting, length_changes=injecting)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        chunks: AsyncIterator[bytes] = answer.content.iter_any()
        if injecting:
            chunks = _with_bridge(_plain(chunks, encoding), Injector(bridge_tag(partner, nonce_of(raw), agent.text)))
        try:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError) as problem:
            log.info("partner page broke off", partner=partner.text, problem=str(problem))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


def _has_body(headers: Headers) -> bool:
    return any(
        name.lower() == b"transfer-encoding" or (name.lower() == b"content-length" and value != b"0")
        for name, value in headers
    )


def _raw_target(scope: HTTPScope) -> str:
    query = scope["query_string"]
    # Some servers hand over the query with the raw path.
    path = (scope.get("raw_path") or URL.build(path=scope["path"]).raw_path.encode()).partition(b"?")[0]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


async def _body(receive: Receive, sent_all: asyncio.Event) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the phone went away while sending")
        body = message.get("body") or b""
        if body:
            yield body
        if not message.get("more_body"):
            sent_all.set()
            return


async def _gone(receive: Receive, sent_all: asyncio.Event) -> None:
    # Before that, what arrives is the body, and its reader is another.
    await sent_all.wait()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _plain(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding not in {"gzip", "deflate"}:
        async for chunk in chunks:
            yield chunk
        return
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    async for chunk in chunks:
        yield unpacker.decompress(chunk)
    yield unpacker.flush()


async def _with_bridge(chunks: AsyncIterator[bytes], injector: Injector) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        ready = injector.feed(chunk)
        if ready:
            yield ready
    rest = injector.finish()
    if rest:
        yield rest
