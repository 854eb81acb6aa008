"""The payment code: what a till scans, as bars, as a QR code and as digits to copy.

Each code is good for one payment and a minute, so the page asks for the next one by itself."""

from __future__ import annotations

from typing import Any, Final

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from markupsafe import Markup

from saoma.kit.qr import qr_svg
from saoma.sandbox.book.model import Buyer
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import HEADERS, Phone, draw, from_this_phone, phone_of, shown, the_buyer

_INK: Final = "#1c1433"


def code128_svg(text: str) -> str:
    """`text` as Code 128 bars, one path that fills its box, with the quiet zones a scanner wants."""
    # loaded with the first phone that is looked at
    import zxingcpp

    drawn: Any = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1, add_quiet_zones=False)
    rows: Any = memoryview(drawn).tolist()
    bars = [value < 128 for value in rows[0]]
    width, quiet = len(bars), 10
    path = "".join(f"M{quiet + at} 0h1v40h-1z" for at, dark in enumerate(bars) if dark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2 * quiet} 40" preserveAspectRatio="none"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{width + 2 * quiet}v40H0z"/>'
        f'<path fill="{_INK}" d="{path}"/></svg>'
    )


def _card(phone: Phone, book: Book, buyer: Buyer) -> str:
    code = book.new_payment_code(buyer.id)
    seconds = max(1, int((code.expires_at - book.clock.now()).total_seconds()))
    return draw(
        phone,
        "code_card.html",
        code=code.code,
        groups=[code.code[at : at + 4] for at in range(0, len(code.code), 4)],
        bars=Markup(code128_svg(code.code)),
        qr=Markup(qr_svg(code.code, dark=_INK, label=phone.texts("Payment code"))),
        seconds=seconds,
    )


@get("/wallet/code", sync_to_thread=False)
def code(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """Show a fresh payment code."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    return shown(phone, "code.html", buyer=buyer, card=Markup(_card(phone, book, buyer)))


@post("/wallet/code/fresh", guards=[from_this_phone], sync_to_thread=False)
def fresh_code(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """The next code, to stand where the old one stood."""
    phone = phone_of(request)
    text = _card(phone, book, the_buyer(phone, book))
    return Response(text, status_code=200, media_type=MediaType.HTML, headers=HEADERS)


handlers = [code, fresh_code]
