"""Fetches a partner's pages for a phone: one request there, its answer back while it arrives.

What may be fetched was decided before (`browser`); this is loaded when the first page is opened."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import zlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from litestar.types import HTTPScope, Receive, Send
from multidict import CIMultiDict
from yarl import URL

from saoma.sandbox.wallet.addresses import Origin, port_of_host
from saoma.sandbox.wallet.agents import Agent
from saoma.sandbox.wallet.rewriting import (
    Headers,
    Injector,
    answer_headers,
    bridge_tag,
    header,
    nonce_of,
    request_headers,
)

log = logging.getLogger(__name__)


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


class Fetching:
    """The connections to partners. `allowed` are the origins off this machine that redirects may lead to."""

    def __init__(self, allowed: frozenset[Origin]) -> None:
        self._allowed = allowed
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_ThisMachine(), limit=0),
            # No limit on the whole or on silence: a stream of events may stay open and quiet for hours.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._session.close()

    async def fetch(
        self, partner: Origin, agent: Agent, lang: str, scope: HTTPScope, receive: Receive, send: Send
    ) -> bool:
        """Send what the partner's server answers. False, with nothing sent yet: it does not answer."""
        headers = list(scope["headers"])
        host = header(headers, b"host")
        own_port, buyer_origin = port_of_host(host, str(scope["scheme"])), f"{scope['scheme']}://{host}"
        target = URL(partner.text + _raw_target(scope), encoded=True)
        sent = request_headers(headers, partner, buyer_origin, agent.text, lang)
        method = str(scope["method"])
        sent_all = asyncio.Event()
        if not _has_body(headers):
            sent_all.set()
        try:
            answer = await self._session.request(
                method,
                target,
                headers=CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent),
                data=None if sent_all.is_set() else _body(receive, sent_all),
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Content-Type", "Accept-Encoding"),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.info("%s does not answer: %s", partner.text, problem)
            return False
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
        return True

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
        encoding = header(raw, b"content-encoding").lower()
        readable = encoding in {"", "identity", "gzip", "deflate"}
        html = header(raw, b"content-type").lower().startswith("text/html")
        injecting = agent.bridge and html and readable and method != "HEAD" and answer.status not in {204, 206, 304}
        headers = answer_headers(raw, partner, own_port, self._allowed, with_bridge=injecting, length_changes=injecting)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        chunks: AsyncIterator[bytes] = answer.content.iter_any()
        if injecting:
            chunks = _with_bridge(_plain(chunks, encoding), Injector(bridge_tag(partner, nonce_of(raw), agent.text)))
        try:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError, zlib.error) as problem:
            log.info("a page of %s broke off: %s", partner.text, problem)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


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
