"""The frame around the wallet's pages: whose phone it is, in which language, and how a page is drawn.

The buyer is read from the host name alone (`amy.localhost`), so each buyer has a cookie jar, hence a phone, of their
own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import jinja2
from litestar import MediaType, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from markupsafe import Markup, escape

from saoma.kit.clock import beijing
from saoma.kit.errors import NotAllowed, NotFound, Refused
from saoma.kit.i18n import Texts, texts
from saoma.kit.money import Money, exponent
from saoma.sandbox.book.limits import OTHERWISE, SENTENCES
from saoma.sandbox.book.model import Buyer
from saoma.sandbox.book.trades import Book
from saoma.sandbox.wallet.addresses import buyer_of_host, port_of_host
from saoma.web.assets import icons

#: A form may lead to another phone, which lives under another name: browsers hold redirects to form-action too.
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'self' http://*.localhost:*; object-src 'none'"
)
#: How long a phone remembers what was chosen on it, in seconds.
A_YEAR: Final = 365 * 86400
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class NoSuchPhone(NotFound):
    """Nobody has this phone: it has no wallet to go back to."""


@dataclass(frozen=True, slots=True)
class Phone:
    """Where a request comes from: `buyer_id` is `None` on the bare host."""

    buyer_id: str | None
    host: str
    scheme: str
    lang: str

    @property
    def texts(self) -> Texts:
        """Words in the phone's language."""
        return texts(self.lang)

    @property
    def port(self) -> int:
        """The port this sandbox was reached on."""
        return port_of_host(self.host, self.scheme)

    def origin_of(self, buyer_id: str) -> str:
        """Another buyer's phone, reached the same way."""
        return f"{self.scheme}://{buyer_id}.localhost:{self.port}"

    @property
    def bare_origin(self) -> str:
        """The page where one chooses a phone."""
        return f"{self.scheme}://localhost:{self.port}"


def phone_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Phone:
    """The phone a request comes from; the language is the one chosen, else the browser's first that we speak."""
    host = connection.headers.get("host", "localhost")
    chosen = connection.cookies.get("wallet_lang", "")
    if chosen not in ("en", "zh"):
        wished = [
            part.split(";")[0].strip().lower() for part in connection.headers.get("accept-language", "").split(",")
        ]
        chosen = next((wish[:2] for wish in wished if wish[:2] in ("en", "zh")), "en")
    return Phone(buyer_of_host(host), host, connection.url.scheme, chosen)


def keep_language(request: Request[Any, Any, Any]) -> Redirect | None:
    """A link to one of the wallet's pages may choose the phone's language with `?lang=`: keep it, go on without it."""
    chosen = request.query_params.get("lang")
    if request.method != "GET" or not request.url.path.startswith(("/wallet", "/calls")) or chosen not in ("en", "zh"):
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    answer = to(request.url.path + (f"?{urlencode(kept)}" if kept else ""))
    answer.set_cookie(Cookie("wallet_lang", value=chosen, path="/", max_age=A_YEAR, samesite="lax"))
    return answer


def from_this_phone(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard for whatever changes something: only the wallet's own pages may ask. Raises `NotAllowed`.

    A partner's page shares the phone's origin and could ask too; it still lacks the PIN."""
    site = connection.headers.get("sec-fetch-site", "")
    origin = connection.headers.get("origin", "")
    if site in ("cross-site", "same-site") or (
        origin and urlsplit(origin).netloc != connection.headers.get("host", "")
    ):
        raise NotAllowed("Another site asked the toy wallet to do this.")


def icon(name: str, size: int = 24) -> Markup:
    """A Lucide icon as inline SVG, decoration only. Raises `NotBuilt` before the frontend was built."""
    return Markup(
        f'<svg class="w-icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        f' stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f"{icons()[name]}</svg>"
    )


def figures(money: Money) -> str:
    """Digits in groups, without currency: `1,234.50`."""
    return f"{money.decimal:,.{exponent(money.currency)}f}"


def amount(money: Money) -> str:
    """For people: yuan with its sign before, everything else with its code behind."""
    return f"¥{figures(money)}" if money.currency == "CNY" else f"{figures(money)} {money.currency}"


def breaking(name: str) -> Markup:
    """A long name that may break behind its dots, lines and slashes."""
    return Markup(re.sub(r"(?<=[._/])(?=\w)", "<wbr>", str(escape(name))))


def hue(text: str) -> int:
    """Which of six colours belongs to a name, always the same one."""
    return sum(map(ord, text.lower())) % 6


def on_the_clock(moment: datetime) -> str:
    """Day and time at Alipay, for phones that can't reckon their own."""
    return beijing(moment).strftime("%m-%d %H:%M")


def plain_rate(rate: str) -> str:
    """A rate with at least two decimals, and no more than it needs."""
    whole, _, part = rate.partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def why(code: str, say: Texts) -> str:
    """Why Alipay declined, for the buyer."""
    return say(SENTENCES.get(code, OTHERWISE))


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PrefixLoader({"sandbox": jinja2.FileSystemLoader(Path(__file__).parent)}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals.update(
        icon=icon, figures=figures, amount=amount, hue=hue, breaking=breaking, on_the_clock=on_the_clock,
        plain_rate=plain_rate, why=why,
    )  # fmt: skip
    return made


_TEMPLATES: Final = _environment()


def draw(phone: Phone, template: str, **context: object) -> str:
    """One of the wallet's templates as text. `_` in it speaks the phone's language."""
    return _TEMPLATES.get_template(f"sandbox/{template}").render(_=phone.texts, lang=phone.lang, phone=phone, **context)


def shown(phone: Phone, template: str, *, status: int = 200, **context: object) -> Response[str]:
    """One of the wallet's pages as an answer."""
    return Response(draw(phone, template, **context), status_code=status, media_type=MediaType.HTML, headers=HEADERS)


def sentence(phone: Phone, refusal: Refused) -> str:
    """A refusal in the phone's language."""
    return phone.texts(refusal.msgid, **refusal.values)


def refused(request: Request[Any, Any, Any], refusal: Refused) -> Response[Any]:
    """A `Refused` as the wallet says it: JSON to its own script, a calm page to a person."""
    phone = phone_of(request)
    if request.headers.get("x-wallet"):
        return Response({"problem": sentence(phone, refusal)}, status_code=refusal.status, headers=HEADERS)
    lost = isinstance(refusal, NoSuchPhone)
    return shown(phone, "nowhere.html", status=refusal.status, why=sentence(phone, refusal), lost=lost)


def the_buyer(phone: Phone, book: Book) -> Buyer:
    """The buyer whose phone it is. Raises `NoSuchPhone` on the bare host and for an unknown buyer."""
    try:
        return book.buyer(phone.buyer_id or "")
    except NotFound:
        words = "There is no phone called {name} here. Take another one."
        raise NoSuchPhone(words, name=phone.buyer_id or "") from None


def to(path: str) -> Redirect:
    """Go on to another of the phone's pages."""
    return Redirect(path, status_code=303, headers={"Cache-Control": "no-store"})
