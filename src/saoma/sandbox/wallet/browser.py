"""The in-wallet browser: on a buyer's own host, every path that isn't the sandbox's is fetched from the partner.

The partner's pages so believe that they run inside the wallet, with a cookie jar per buyer. What may be fetched is
decided anew for each request by `addresses.destination`: the cookie that remembers the partner is only a wish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from litestar.types import HTTPScope, Receive, Send

from saoma.sandbox.wallet.addresses import PartnerPage, destination, partner_origins, port_of_host
from saoma.sandbox.wallet.agents import agent_of
from saoma.sandbox.wallet.rewriting import header, own_cookies

if TYPE_CHECKING:
    from saoma.sandbox.wallet.fetching import Fetching

#: First path segments that belong to the sandbox on every host.
OWN_SEGMENTS: Final = frozenset(
    {"gateway.do", "ams", "oauth2", "wallet", "toy-shop", "calls", "control", "healthz", "readyz"}
)

#: Sends the wallet's own page with a status and a sentence, when there is nothing of a partner's to show.
Refuse = Callable[[int, str], Awaitable[None]]


class Browser:
    """Fetches partner pages for the phones. `partners` are origins off this machine that may be fetched too.

    Raises `Invalid` for a partner that is not an origin."""

    def __init__(self, partners: Iterable[str] = ()) -> None:
        self.allowed = partner_origins(partners)
        self._fetching: Fetching | None = None

    async def close(self) -> None:
        """Let go of all connections."""
        if self._fetching is not None:
            await self._fetching.close()
            self._fetching = None

    async def fetch(self, scope: HTTPScope, receive: Receive, send: Send, refuse: Refuse, usual: str = "") -> None:
        """Answer one request of a phone with what the partner's server says, changed as `rewriting` describes.

        `refuse(status, sentence)` sends the wallet's own page when there is nothing to show; `usual` is which phone it
        is while nobody chose another in its settings."""
        headers = list(scope["headers"])
        host = header(headers, b"host")
        cookies = own_cookies(headers)
        own_port = port_of_host(host, str(scope["scheme"]))
        remembered = destination(cookies.get("wallet_partner", ""), own_port, self.allowed)
        if not isinstance(remembered, PartnerPage):
            await refuse(404, "No page is open on this phone. Scan a code to begin.")
            return
        if header(headers, b"service-worker"):
            await refuse(404, "The toy wallet's browser has no service workers, like the wallet it plays.")
            return
        agent = agent_of(cookies.get("wallet_agent") or usual, cookies.get("wallet_lang", ""))
        if self._fetching is None:
            # aiohttp takes a good part of the time to start, and who only calls the gateway needs none of it
            from saoma.sandbox.wallet.fetching import Fetching

            self._fetching = Fetching(self.allowed)
        lang = cookies.get("wallet_lang", "")
        if not await self._fetching.fetch(remembered.origin, agent, lang, scope, receive, send):
            await refuse(502, "The partner's server does not answer. Is it running?")
