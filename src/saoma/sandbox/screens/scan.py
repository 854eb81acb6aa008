"""The scanner and the places a scan leads to: a partner's page in the in-wallet browser, an order, a shop's amount pad.

`/wallet/open` shows a page inside the wallet's frame; `/wallet/go` is for redirects met by a page already inside."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect

from saoma.kit.errors import Invalid, NotFound
from saoma.kit.money import exponent
from saoma.sandbox.book.buyers import PAYMENT_CODE
from saoma.sandbox.book.model import Buyer, StaticCode, TradeToPay
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens import toy_shop
from saoma.sandbox.screens.phone import Phone, from_this_phone, phone_of, sentence, shown, the_buyer, to
from saoma.sandbox.wallet.addresses import Nowhere, Origin, OwnPage, PartnerPage, PaymentAddress, destination
from saoma.sandbox.wallet.agents import agent_of, usual_agent
from saoma.sandbox.wallet.browser import OWN_SEGMENTS, Browser

_LARGEST_PICTURE: Final = 12 * 1024 * 1024
_MOST_PIXELS: Final = 40_000_000


class Scanned(msgspec.Struct):
    """What a code said."""

    text: str


@get("/wallet/scan", sync_to_thread=False)
def scan(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """Camera, picture or pasted text."""
    phone = phone_of(request)
    return shown(phone, "scan.html", buyer=the_buyer(phone, book))


@post("/wallet/scan", guards=[from_this_phone], sync_to_thread=False)
def scanned(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    browser: NamedDependency[Browser],
    data: JSONBody[Scanned],
) -> Response[dict[str, str]]:
    """Where the scanned text leads: `go` to a page of this phone, `pay` an order, or a `problem`."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    return _told(_leads(phone, book, browser, buyer, data.text.strip()))


@post("/wallet/picture", guards=[from_this_phone], request_max_body_size=_LARGEST_PICTURE)
async def picture(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    browser: NamedDependency[Browser],
    only: FromQuery[str] = "",
) -> Response[dict[str, str]]:
    """Read the code in a picture, then as `scanned`; `only=text` just tells what it says (camera frames)."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    try:
        text = await asyncio.to_thread(read_picture, await request.body())
    except Invalid as unreadable:
        return _told({"problem": sentence(phone, unreadable)})
    if only == "text":
        return _told({"text": text})
    if not text:
        return _told({"problem": phone.texts("There is no code in this picture, or it is too small or blurred.")})
    return _told(_leads(phone, book, browser, buyer, text))


def read_picture(data: bytes) -> str:
    """The text of the first code in a picture, or nothing. Raises `Invalid` for no picture, and for too large a one."""
    # loaded with the first picture: most programs that use the sandbox never show it one
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise Invalid("This picture is too large. Take one of the code alone.")
            found = zxingcpp.read_barcodes(opened.convert("L"))
    except Image.DecompressionBombError:
        raise Invalid("This picture is too large. Take one of the code alone.") from None
    except (UnidentifiedImageError, OSError):
        raise Invalid("This is no picture that the wallet can read. Take a PNG or JPEG.") from None
    return next((code.text for code in found if code.text), "")


def _told(what: dict[str, str]) -> Response[dict[str, str]]:
    return Response(what, status_code=200, headers={"Cache-Control": "no-store"})


def _leads(phone: Phone, book: Book, browser: Browser, buyer: Buyer, text: str) -> dict[str, str]:
    say = phone.texts
    if re.match(r"https?:", text, re.IGNORECASE):
        match destination(text, phone.port, browser.allowed):
            case PartnerPage() | OwnPage():
                return {"go": f"/wallet/open?url={quote(text, safe='')}"}
            case Nowhere(why):
                return {"problem": say(why)}
            case PaymentAddress():
                pass
    match book.resolve(text):
        case StaticCode() as shop:
            return {"go": f"/wallet/shop/{shop.token}"}
        case TradeToPay():
            return {"pay": text}
        case None if PAYMENT_CODE.fullmatch(digits := re.sub(r"\s", "", text)):
            if book.wallets.owner_of(digits).id == buyer.id:
                return {
                    "problem": say("That is your own payment code. Hold it before a till's scanner: tills scan it.")
                }
            return {"problem": say("That is somebody's payment code. Tills scan those, wallets don't.")}
        case None:
            return {"problem": say("This code is not for the toy wallet. Scan a table, an order or a shop's code.")}


def _remember(answer: Redirect, origin: Origin) -> Redirect:
    answer.set_cookie(Cookie("wallet_partner", value=origin.text, path="/", httponly=True, samesite="lax"))
    return answer


@get("/wallet/open", sync_to_thread=False)
def open_page(
    request: Request[Any, Any, Any], book: NamedDependency[Book], browser: NamedDependency[Browser], url: FromQuery[str]
) -> Response[Any]:
    """Open a link in the in-wallet browser. Raises `Refused` for places the toy wallet doesn't go to."""
    return _follow(request, book, browser, url, framed=True)


@get("/wallet/go", sync_to_thread=False)
def go(
    request: Request[Any, Any, Any], book: NamedDependency[Book], browser: NamedDependency[Browser], url: FromQuery[str]
) -> Response[Any]:
    """Follow a redirect or link of a page that is already inside: no new frame around it."""
    return _follow(request, book, browser, url, framed=False)


def _follow(
    request: Request[Any, Any, Any], book: Book, browser: Browser, url: FromQuery[str], *, framed: bool
) -> Response[Any]:
    phone = phone_of(request)
    if phone.buyer_id is None:
        return shown(phone, "phones.html", buyers=book.buyers(), onward=f"/wallet/open?url={quote(url, safe='')}")
    the_buyer(phone, book)
    match destination(url, phone.port, browser.allowed):
        case PartnerPage(origin, path):
            return _remember(to(f"/wallet/page?at={quote(path, safe='')}" if framed else path), origin)
        case OwnPage(path):
            return to(path)
        case PaymentAddress(text):
            return to(f"/wallet/order?code={quote(text, safe='')}")
        case Nowhere(why):
            raise Invalid(why)


@get("/wallet/page", sync_to_thread=False)
def page(request: Request[Any, Any, Any], book: NamedDependency[Book], at: FromQuery[str] = "/") -> Response[str]:
    """The in-wallet browser's frame around the remembered partner's page `at`. Raises `NotFound` for no such path."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    segment = at.lstrip("/").partition("/")[0].partition("?")[0]
    is_own = segment in OWN_SEGMENTS and at != toy_shop.PATH
    if not re.match(r"/(?![/\\])", at) or re.search(r"[\x00-\x20\\]", at) or is_own:
        raise NotFound("The toy wallet's browser has no such page.")
    partner = phone.bare_origin if at == toy_shop.PATH else request.cookies.get("wallet_partner", "")
    agent = agent_of(request.cookies.get("wallet_agent") or usual_agent(hk=buyer.hk), phone.lang)
    return shown(
        phone, "page.html", buyer=buyer, at=at, partner=partner.partition("//")[2], secure=partner.startswith("https:"),
        agent=agent, answer=request.cookies.get("wallet_answer", ""),
    )  # fmt: skip


@get("/wallet/order", sync_to_thread=False)
def order(request: Request[Any, Any, Any], book: NamedDependency[Book], code: FromQuery[str]) -> Response[Any]:
    """A payment address that was opened as a link: the sheet comes up by itself, a shop's code asks for the amount."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    found = book.resolve(code)
    if isinstance(found, StaticCode):
        return to(f"/wallet/shop/{found.token}")
    return shown(phone, "order.html", buyer=buyer, code=code)


@get("/wallet/shop/{token:str}", sync_to_thread=False)
def shop(request: Request[Any, Any, Any], book: NamedDependency[Book], token: FromPath[str]) -> Response[str]:
    """A shop's printed code: type the amount. Raises `NotFound` for a code that is stopped or unknown."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    found = book.resolve(token)
    if not isinstance(found, StaticCode) or found.status != "ACTIVE":
        raise NotFound("This code is not valid. Ask the shop.")
    return shown(phone, "shop.html", buyer=buyer, shop=found, decimals=exponent(found.trans_currency))


handlers = [scan, scanned, picture, open_page, go, page, order, shop]
