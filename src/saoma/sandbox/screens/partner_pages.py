"""Partner pages on a phone: every path that is not the sandbox's own goes through the in-wallet browser.

Also the wallet's few files under names that never change, because a partner's page must find the bridge by its name."""

from __future__ import annotations

from typing import Any, Final

from litestar import Litestar, Request, Response, get, route
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send

from saoma.kit.errors import NotFound
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import phone_of, shown, to
from saoma.sandbox.wallet.agents import usual_agent
from saoma.sandbox.wallet.browser import OWN_SEGMENTS, Browser
from saoma.web.assets import NotBuilt, assets, manifest

_FILES: Final = {
    "wallet.js": "text/javascript; charset=utf-8",
    "wallet.css": "text/css; charset=utf-8",
    "calls.js": "text/javascript; charset=utf-8",
    "calls.css": "text/css; charset=utf-8",
    "bridge.js": "text/javascript; charset=utf-8",
    "toy_shop.js": "text/javascript; charset=utf-8",
    "toy_shop.css": "text/css; charset=utf-8",
}
_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#6b45e0"/>'
    '<path d="M9 12h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2V11a2 2 0 0 1 2-2h11" fill="none" stroke="#fff"'
    ' stroke-width="2.4" stroke-linecap="round"/><circle cx="20.5" cy="18" r="1.8" fill="#6ff0d8"/></svg>'
)


@get("/wallet/{name:str}", sync_to_thread=False)
def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes | str]:
    """One of the wallet's own files. Raises `NotFound`, also before the frontend was built."""
    if name == "icon.svg":
        return Response(_ICON, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
    if name not in _FILES:
        raise NotFound("The toy wallet has no such page.")
    try:
        content, encoding = assets()[manifest()[name]].best(request.headers.get("accept-encoding", ""))
    except (NotBuilt, KeyError):
        raise NotFound("The wallet's files are not built yet: run make setup.") from None
    headers = {"Cache-Control": "max-age=60", "Vary": "Accept-Encoding"}
    return Response(
        content, media_type=_FILES[name], headers=headers | ({"Content-Encoding": encoding} if encoding else {})
    )


class _FromPartner(Response[None]):
    """An answer that is written by the browser while it arrives, not by the framework once it is whole."""

    def __init__(self, browser: Browser, usual: str) -> None:
        super().__init__(content=None)
        self._browser = browser
        self._usual = usual

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override]
        """What the framework runs to answer."""
        phone = phone_of(request)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def refuse(status: int, why: str) -> None:
                page = shown(phone, "nowhere.html", status=status, why=phone.texts(why), again=status == 502)
                await page.to_asgi_response(app=app, request=request)(scope, receive, send)

            await self._browser.fetch(scope, receive, send, refuse, self._usual)  # type: ignore[arg-type]

        return answer


@route(
    ["/", "/{rest:path}"],
    http_method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    sync_to_thread=False,
    status_code=200,
)
def partner_pages(
    request: Request[Any, Any, Any], browser: NamedDependency[Browser], book: NamedDependency[Book]
) -> Response[Any]:
    """Fetch what this phone asks for from the partner it has open; `/` leads to the wallet while there is none."""
    path = request.scope["path"]
    if path == "/" and "wallet_partner" not in request.cookies:
        return to("/wallet")
    segment = path.lstrip("/").partition("/")[0]
    buyer_id = phone_of(request).buyer_id
    if buyer_id is None or segment in OWN_SEGMENTS:
        raise NotFoundException
    buyer = book.wallets.find(buyer_id)
    return _FromPartner(browser, usual_agent(hk=buyer is not None and buyer.hk))


handlers = [file, partner_pages]
