"""The key doctor's own socket: asks a gateway as it is told to, however wrong that is, and tells what came back.

Unlike `client`, it never judges: a refusal is what it is there for. It asks for trades and codes that can't exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

_LARGEST: Final = 200_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: `trouble` is `not_reached` or `silent` when nothing did. `date` is the other side's clock."""

    trouble: str = ""
    status: int = 0
    kind: str = ""
    body: bytes = field(repr=False, default=b"")
    date: datetime | None = None


class Probe:
    """Asks and listens. Use as a context manager."""

    def __init__(self, *, connect_seconds: float = 3.0, read_seconds: float = 6.0) -> None:
        self._limits = aiohttp.ClientTimeout(
            total=connect_seconds + read_seconds, sock_connect=connect_seconds, sock_read=read_seconds
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=self._limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ask(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """One request, as it is, without following anything. Never raises for what the other side does."""
        assert self._session is not None, "the probe is not open"
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=dict(headers or {}), allow_redirects=False
            ) as answer:
                received = bytearray()
                async for chunk in answer.content.iter_any():
                    received += chunk
                    if len(received) > _LARGEST:
                        break
                return Heard(
                    status=answer.status,
                    kind=answer.content_type,
                    body=bytes(received[:_LARGEST]),
                    date=_date(answer.headers.get("Date", "")),
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL, ValueError):
            return Heard("not_reached")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Heard("silent")


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
