"""The socket to an acquirer: another deployment of Saoma, asked through its partner API.

An answer says which HTTP status it came with and nothing about money: what it proves is for `acquirer` to say. Nothing
here signs; the API key goes out over the connection, so production accepts https only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from saoma.alipay.account import check_address
from saoma.alipay.client import CallRecord, NoBelievableAnswer
from saoma.kit.errors import Invalid, NotSent

_LARGEST_BODY: Final = 256 * 1024
_LONGEST_EVIDENCE: Final = 4_000
_PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True)
class AcquirerAccount:
    """A merchant of an acquirer's: where its Saoma answers, the key for it, and which of its stores takes the money.

    `webhook_secret` may be empty until the webhook is made; without it no notice is believed. Give the merchant to one
    account only, for its order numbers are told apart by nothing else. Raises `Invalid` for what could not work."""

    url: str
    api_key: str = field(repr=False)
    store: str
    webhook_secret: str = field(repr=False, default="")
    environment: str = "sandbox"

    def __post_init__(self) -> None:
        if self.environment not in ("sandbox", "production"):
            raise Invalid("An account is for the sandbox or for production.")
        if not (self.url and self.api_key.isascii() and self.api_key.isprintable() and self.api_key and self.store):
            raise Invalid("An account at an acquirer needs its address, an API key and the id of a store there.")
        check_address("acquirer's address", self.url, self.environment)


@dataclass(frozen=True, slots=True)
class ApiReply:
    """What came back. `problem` is the kind of an RFC 9457 problem of the partner API, empty for anything else."""

    status: int
    body: bytes
    problem: str

    @property
    def raw(self) -> str:
        """The answer as it is kept."""
        return self.body.decode("utf-8", "replace")[:_LONGEST_EVIDENCE]


class _Problem(msgspec.Struct, frozen=True):
    type: str
    status: int


class AcquirerClient:
    """Keeps connections to acquirers alive. Nothing that does something is ever sent twice by itself; a look may be.

    `wait_seconds` is how long the acquirer may hold an answer until a payment has ended; `read_seconds` must be longer.
    Use as a context manager."""

    def __init__(
        self,
        *,
        wait_seconds: int = 4,
        connect_seconds: float = 3.0,
        read_seconds: float = 6.0,
        on_call: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self.wait_seconds = wait_seconds
        self._limits = aiohttp.ClientTimeout(
            total=connect_seconds + read_seconds, sock_connect=connect_seconds, sock_read=read_seconds
        )
        self._on_call = on_call
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(self, account: AcquirerAccount, about: str, path: str, query: Mapping[str, str]) -> ApiReply:
        """Look at something. Raises `NotSent` or `NoBelievableAnswer`."""
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return await self._ask(account, "GET", f"{path}?{asked}", about, {}, None)

    async def post(self, account: AcquirerAccount, about: str, path: str, body: object, key: str) -> ApiReply:
        """Ask for something under an Idempotency-Key. Raises `NotSent` or `NoBelievableAnswer`."""
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Prefer": f"wait={self.wait_seconds}",
        }
        return await self._ask(account, "POST", path, about, headers, msgspec.json.encode(body))

    async def _ask(
        self,
        account: AcquirerAccount,
        method: str,
        path: str,
        about: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> ApiReply:
        began, outcome, problem = time.perf_counter(), "abandoned", ""
        try:
            reply = await self._fetch(account, method, path, headers, body)
            problem = reply.problem
            outcome = "rejected" if reply.status >= 400 else "answered"
            return reply
        except NotSent:
            outcome = "not_sent"
            raise
        except NoBelievableAnswer as error:
            outcome = error.code
            raise
        finally:
            if self._on_call is not None:
                took = (time.perf_counter() - began) * 1000
                service = f"acquirer {method} {path.partition('?')[0].rpartition('/')[2]}"
                service = service if service.rpartition(" ")[2].isalpha() else f"acquirer {method}"
                self._on_call(CallRecord(service, about, account.url, took, outcome, problem))

    async def _fetch(
        self, account: AcquirerAccount, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> ApiReply:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=8.0, ttl_dns_cache=60),
                timeout=self._limits,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        url = URL(f"{account.url.rstrip('/')}/api/v1{path}", encoded=True)
        sent = {"Authorization": f"Bearer {account.api_key}", "Accept": "application/json", **headers}
        try:
            async with self._session.request(method, url, data=body, headers=sent, allow_redirects=False) as answer:
                received = bytearray()
                async for chunk in answer.content.iter_any():
                    received += chunk
                    if len(received) > _LARGEST_BODY:
                        raise NoBelievableAnswer("unreadable", "the answer is far larger than any genuine one")
                whole = bytes(received)
                return ApiReply(answer.status, whole, _problem_in(answer.status, answer.content_type, whole))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"no connection to the acquirer: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoBelievableAnswer("silence", f"no answer: {type(error).__name__}") from error


def _problem_in(status: int, content_type: str, body: bytes) -> str:
    """The kind of problem, where the body is one of the partner API's about this very status."""
    if content_type != _PROBLEM:
        return ""
    try:
        told = msgspec.json.decode(body, type=_Problem)
    except (ValueError, RecursionError):
        return ""
    _, named, kind = told.type.rpartition("/api/problems/")
    return kind if named and told.status == status else ""
