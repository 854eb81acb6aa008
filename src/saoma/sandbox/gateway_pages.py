"""The addresses that partners and their pages call: the gateway, the silent authorization, and the pulse.

Answers leave exactly as `mapi` and `openapi` wrote them; a planned silence holds the connection and then drops it."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any
from urllib.parse import urlencode

from litestar import MediaType, Request, Response, get, route
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from saoma.kit.errors import NotFound
from saoma.kit.qr import qr_svg
from saoma.sandbox.authorizing import Authorizations, asks, callback, request_fault
from saoma.sandbox.book.model import Buyer
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.standing import stand
from saoma.sandbox.book.trades import Book
from saoma.sandbox.calls.calls import AUTHORIZE
from saoma.sandbox.faults import door
from saoma.sandbox.faults.faults import NOTIFY_VERIFY, Faults
from saoma.sandbox.mapi.gateway import Mapi, Reply
from saoma.sandbox.openapi.gateway import OpenApi
from saoma.sandbox.plus.pages import heard_of
from saoma.sandbox.wallet.addresses import buyer_of_host, inside, port_of_host, read_origin
from saoma.sandbox.wallet.browser import Browser

_LARGEST = 200_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@route("/gateway.do", http_method=["GET", "POST"], request_max_body_size=_LARGEST, include_in_schema=False)
async def gateway(
    request: Request[Any, Any, Any],
    mapi: NamedDependency[Mapi],
    openapi: NamedDependency[OpenApi],
    book: NamedDependency[Book],
    faults: NamedDependency[Faults],
) -> Response[bytes]:
    """Both gateways: `service` speaks XML, `method` speaks JSON."""
    query, body = request.scope["query_string"], await request.body()
    came = heard_of(request, body)
    if not door.is_open(faults, book, door.named(query, body), came):
        return door.dropped(request)
    is_open_api = _names(b"method", query, body) and not _names(b"service", query, body)
    with book.store.hearing(came):
        reply = openapi.answer(query, body) if is_open_api else mapi.answer(query, body)
    return await _sent(reply, request)


def _names(name: bytes, *parts: bytes) -> bool:
    return any(part.startswith(name + b"=") or b"&" + name + b"=" in part for part in parts)


async def _sent(reply: Reply, request: Request[Any, Any, Any]) -> Response[bytes]:
    if reply.wait:
        await asyncio.sleep(reply.wait)
    if reply.body is not None:
        return Response(reply.body, status_code=200, media_type=reply.content_type)
    return door.dropped(request)


@get("/oauth2/publicAppAuthorize.htm", include_in_schema=False)
async def authorize(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    partners: NamedDependency[Partners],
    authorizations: NamedDependency[Authorizations],
    browser: NamedDependency[Browser],
    faults: NamedDependency[Faults],
) -> Response[Any]:
    """The silent authorization (https://global.alipay.com/docs/ac/common/obtain_uid): a redirect back with a code.

    Whose wallet this is says the host name (`anna.localhost`), else the cookie `wallet_buyer`, else the visitor."""
    if not door.is_open(faults, book, "publicAppAuthorize.htm", heard_of(request, b"")):
        return door.dropped(request)
    query = request.query_params
    app_id, scope = query.get("app_id", ""), query.get("scope", "")
    redirect_uri, state = query.get("redirect_uri", ""), query.get("state")
    partner = partners.of_app(app_id)
    choices = authorizations.choices
    fault = request_fault(partner, scope, redirect_uri, state or "", exact=choices.redirect_check == "exact")
    asked = {**{name: query[name] for name in query}, "User-Agent": request.headers.get("user-agent", "")}
    at, number = book.clock.now().isoformat(), partner.partner if partner else ""
    buyer = _buyer_of(request, book, query.get("wallet_buyer", ""))
    target, asking = "", not fault and buyer is not None and asks(scope)
    lie = faults.take(AUTHORIZE, number) if not fault and not asking and buyer is not None else None
    if lie is not None:
        # the only thing of a callback that its page can check
        state = f"{state or ''}x"
    with book.store.hearing(heard_of(request, b"")) as heard:
        why = fault or (lie.why if lie else "")
        book.store.log(at, AUTHORIZE, number, "", asked, _outcome(fault, asking=asking), why)
        if not fault and not asking and buyer is not None:
            code, more = authorizations.new_code(app_id, buyer), choices.extra_callback_parameters
            target = callback(redirect_uri, app_id, scope, code, state, more=more)
            heard.answer = {"Location": target}
    if fault:
        return _page("Authorization failed 授权失败", f"<p>{escape(fault)}</p>", status=400)
    if buyer is None:
        return _choice(request, book)
    if asking:
        # the buyer's own phone asks, wherever the page stands
        port = port_of_host(request.headers.get("host", ""), request.url.scheme)
        asked_at = f"{request.url.scheme}://{buyer.id.lower()}.localhost:{port}/wallet/consent"
        return Redirect(f"{asked_at}?{urlencode(dict(query))}", status_code=302, headers={"Cache-Control": "no-store"})
    host, remembered = request.headers.get("host", ""), request.cookies.get("wallet_partner")
    if remembered and buyer_of_host(host):
        # inside the toy wallet's browser the partner's pages live on this buyer's own host
        target = inside(target, read_origin(remembered)[0], port_of_host(host), browser.allowed)
    answer = Redirect(target, status_code=302, headers={"Cache-Control": "no-store"})
    if query.get("wallet_buyer"):
        answer.set_cookie(Cookie("wallet_buyer", value=buyer.id, path="/", httponly=True, samesite="lax"))
    return answer


def _outcome(fault: str | None, *, asking: bool) -> str:
    return "refused" if fault else "asked" if asking else "granted"


def _buyer_of(request: Request[Any, Any, Any], book: Book, chosen: str) -> Buyer | None:
    named = buyer_of_host(request.headers.get("host", ""))
    for name in (named, chosen, request.cookies.get("wallet_buyer")):
        if name and (buyer := book.wallets.find(name)):
            return buyer
    return None


def _choice(request: Request[Any, Any, Any], book: Book) -> Response[str]:
    asked = {name: value for name, value in request.query_params.items() if name != "wallet_buyer"}
    rows = "".join(
        f'<li><a href="?{escape(urlencode(asked | {"wallet_buyer": buyer.id}))}">{escape(buyer.name)}</a></li>'
        for buyer in book.buyers()
    )
    return _page("Whose wallet is this? 这是谁的钱包?", f"<ul>{rows}</ul>", status=200)


def _page(title: str, body: str, status: int) -> Response[str]:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>body{{font:1.1rem/1.6 system-ui;margin:3rem auto;max-width:26rem;"
        "padding:0 1rem;color-scheme:light dark}a{display:block;padding:.6rem 0}ul{list-style:none;padding:0}</style>"
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
    return Response(
        html,
        status_code=status,
        media_type=MediaType.HTML,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
    )


@get("/trade/notify_query.do", include_in_schema=False)
async def notify_query(
    request: Request[Any, Any, Any],
    mapi: NamedDependency[Mapi],
    book: NamedDependency[Book],
    faults: NamedDependency[Faults],
) -> Response[bytes]:
    """The older address of notify_verify, without a `service`."""
    if not door.is_open(faults, book, NOTIFY_VERIFY, heard_of(request, b"")):
        return door.dropped(request)
    return await _sent(mapi.verified({name: request.query_params[name] for name in request.query_params}), request)


@get("/show.htm", include_in_schema=False, sync_to_thread=False)
def picture(code: FromQuery[str], book: NamedDependency[Book]) -> Response[str]:
    """The picture of a code, for partners that don't draw their own; it has every size."""
    if code not in book.by_token and code not in book.static_codes:
        raise NotFound("There is no such code.")
    return Response(qr_svg(book.code_url(code)), media_type="image/svg+xml")


@get("/healthz", include_in_schema=False, sync_to_thread=False, media_type=MediaType.TEXT)
def healthz() -> str:
    """Alive."""
    return "ok"


@get("/readyz", include_in_schema=False, sync_to_thread=False, media_type=MediaType.TEXT)
def readyz(book: NamedDependency[Book]) -> str:
    """The book is open and can be written."""
    book.store.check()
    return "ready"


handlers: list[Any] = [gateway, notify_query, authorize, picture, healthz, readyz, stand]
