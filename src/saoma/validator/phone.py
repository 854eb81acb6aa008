"""A phone that opens pages: which it is, says its User-Agent; where it is sent, is noted step by step.

It has cookies of its own and runs no scripts; those that a page loads are read, not run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from saoma.validator.timeline import Visit

_IPHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
#: The telling parts are what real phones send; Hong Kong's wallet is not the mainland's.
AGENTS: Final = {
    "Alipay": f"{_IPHONE} Mobile/15E148 AliApp(AP/10.7.20.6000) AlipayClient/10.7.20.6000 Language/zh-Hans Region/CN",
    "AlipayHK": f"{_IPHONE} Mobile/15E148 AliApp(APHK/6.3.0.160) AlipayClientHK/6.3.0.160 Language/zh-HK Region/HK",
    "WeChat": f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.60 NetType/WIFI Language/zh_CN",
    "browser": f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    "driver": f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
}
_SCRIPT: Final = re.compile(r"""<script[^>]*\bsrc=["']([^"']+)""", re.IGNORECASE)
_STEPS: Final = 10
_SCRIPTS: Final = 8
_LONGEST: Final = 400_000
_LIMIT: Final = aiohttp.ClientTimeout(total=20)


class Scene(Protocol):
    """Where a phone is used: whose it is, what time it is, and where visits are noted."""

    buyer: str

    async def now(self) -> datetime:
        """Alipay's time."""

    def note(self, event: Visit) -> None:
        """Keep what was seen."""


class Phone:
    """One phone. Use `Phone.of`."""

    def __init__(self, scene: Scene, agent: str, session: aiohttp.ClientSession) -> None:
        self._scene = scene
        self._agent = agent
        self._session = session
        self.cookies: dict[str, str] = {}

    @classmethod
    @asynccontextmanager
    async def of(cls, scene: Scene, agent: str) -> AsyncIterator[Phone]:
        """A new phone of that kind, without any cookie."""
        jar = aiohttp.CookieJar(unsafe=True)
        headers = {"User-Agent": AGENTS[agent], "Accept": "text/html", "Accept-Language": "en"}
        async with aiohttp.ClientSession(cookie_jar=jar, headers=headers, timeout=_LIMIT) as session:
            yield cls(scene, agent, session)

    async def visit(self, address: str, name: str = "", *, follow: bool = True, scripts: bool = False) -> Visit:
        """Open a page and go where it sends the phone; `follow=False` stops before Alipay's authorization."""
        steps, status, page = [address], 0, ""
        try:
            for _ in range(_STEPS):
                here = steps[-1]
                if "publicAppAuthorize" in here:
                    if not follow:
                        break
                    here += f"&wallet_buyer={self._scene.buyer}"
                async with self._session.get(URL(here, encoded=True), allow_redirects=False) as answer:
                    status = answer.status
                    page = (await answer.content.read(_LONGEST)).decode("utf-8", "replace")
                    if status not in (301, 302, 303, 307, 308):
                        break
                    steps.append(urljoin(steps[-1], answer.headers.get("Location", "")))
            if scripts:
                page += await self._scripts(steps[-1], page)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as trouble:
            page = f"{type(trouble).__name__}: {trouble}"
        self.cookies = {cookie.key: cookie.value for cookie in self._session.cookie_jar}
        at = await self._scene.now()
        seen = Visit(at, name or self._agent, address, steps, status, page)
        self._scene.note(seen)
        return seen

    async def _scripts(self, address: str, page: str) -> str:
        """The page's own scripts, so that what they call can be read."""
        found, home = "", urlsplit(address).netloc
        for source in _SCRIPT.findall(page)[:_SCRIPTS]:
            there = urljoin(address, source)
            if urlsplit(there).netloc == home:
                async with self._session.get(there) as answer:
                    found += "\n" + (await answer.content.read(_LONGEST)).decode("utf-8", "replace")
        return found
