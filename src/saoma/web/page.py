"""A page is a template and what it shows: `page(request, "restaurant/phone.html", sitting=sitting)`.

Macros and functions that templates call find the reader's language through a context variable set for the rendering, so
the parts are compiled once and imported by nobody."""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.utils.scope.state import ScopeState
from markupsafe import Markup

from saoma.kit.clock import Clock, SystemClock
from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.money import Money
from saoma.kit.qr import qr_svg
from saoma.web import texts as words
from saoma.web.assets import asset_url, icons
from saoma.web.cells import labelled
from saoma.web.topics import sign_topics

_SAOMA: Final = Path(__file__).resolve().parent.parent
_WORTH_PACKING: Final = 1200
#: How far into a page its styles are named at most, in characters.
_HEAD: Final = 4000
_STYLES: Final = re.compile(r'<link rel="stylesheet" href="(/assets/[^"]+)">')
_YEAR: Final = 365 * 24 * 3600
THEMES: Final = ("light", "dark")


@dataclass(frozen=True, slots=True)
class House:
    """What every page of one server shares. Kept in `app.state.house` by `web.frame.build_app`."""

    secret: str = ""
    clock: Clock = field(default_factory=SystemClock)
    zone: str = "Asia/Shanghai"
    secure: bool = False
    #: Whether a proxy of ours stands in front and writes X-Forwarded-For.
    behind_proxy: bool = False
    #: Up to where live events were read, so that a page misses none between its rendering and its listening.
    live_mark: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the page being rendered."""

    lang: str = "en"
    theme: str = ""
    zone: str = "Asia/Shanghai"
    csrf: str = ""
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    practising: bool = False
    house: House = field(default_factory=House)


_reader: ContextVar[Reader] = ContextVar("saoma_reader", default=Reader())  # noqa: B039


def language_of(request: Request[Any, Any, Any]) -> str:
    """The reader's language: `?lang=`, then the cookie, then the browser's wish."""
    return words.pick_language(
        request.query_params.get("lang"), request.cookies.get("saoma_lang"), request.headers.get("accept-language")
    )


def _theme_of(request: Request[Any, Any, Any]) -> str:
    asked = request.query_params.get("theme")
    wish = asked if asked in (*THEMES, "auto") else request.cookies.get("saoma_theme")
    return wish if wish in THEMES else ""


def house_of(request: Request[Any, Any, Any]) -> House:
    """What the pages of this server share."""
    return getattr(request.app.state, "house", None) or House()


def reader_of(request: Request[Any, Any, Any], zone: str | None = None) -> Reader:
    """Everything about the reader that a page needs."""
    house = house_of(request)
    token = ScopeState.from_scope(request.scope).csrf_token
    path, query = _place(request)
    return Reader(
        lang=language_of(request),
        theme=_theme_of(request),
        zone=zone or house.zone,
        csrf=token if isinstance(token, str) else "",
        path=path,
        query=query,
        practising=_practising(request),
        house=house,
    )


def _place(request: Request[Any, Any, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Where the reader is: the page's address, or that of the form which this answers. A form's own address need not be
    a page's: whoever changed the language there, or fetched a part anew, would be sent to no page at all."""
    came_from = urlsplit(request.headers.get("referer", ""))
    if request.method not in ("GET", "HEAD") and came_from.netloc == request.headers.get("host") and came_from.path:
        return came_from.path, tuple(parse_qsl(came_from.query))
    return request.url.path, tuple(request.query_params.multi_items())


def _practising(request: Request[Any, Any, Any]) -> bool:
    """Whether this device is in practice: the session says so, and each page wears a band."""
    session = request.scope.get("session")
    return isinstance(session, dict) and bool(session.get("practice"))


def page(
    request: Request[Any, Any, Any],
    template: str,
    /,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """A whole page (or a template that is a fragment by itself). `zone` in the context is the shop's zone."""
    reader = reader_of(request, context.get("zone"))
    html = render(template, reader, request=request, **context)
    return _answer(request, reader, html, status_code, {**_early(html), **(headers or {})})


def _early(html: str) -> dict[str, str]:
    """Names a page's styles in the answer's head too: a phone far away asks for them before it reads the page."""
    styles = _STYLES.findall(html, 0, _HEAD)
    return {"Link": ", ".join(f"<{style}>; rel=preload; as=style" for style in styles)} if styles else {}


def wants_fragment(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks, and not for the whole page again (as it does when the back button is pressed)."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def moved_to(request: Request[Any, Any, Any], where: str) -> dict[str, str]:
    """Tells htmx the address that belongs to what it gets, unless the browser is there already."""
    return {} if request.headers.get("HX-Current-URL", "").endswith(where) else {"HX-Push-Url": where}


def fragment(
    request: Request[Any, Any, Any],
    template: str,
    block: str,
    /,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """One block of a template, for htmx to put in place. Imports and sets must be inside the block (or be globals)."""
    reader = reader_of(request, context.get("zone"))
    html = render(template, reader, block=block, request=request, **context)
    return _answer(request, reader, html, status_code, headers)


def render(template: str, reader: Reader | None = None, /, *, block: str = "", **context: Any) -> str:
    """The text of a template for one reader, without a request: for prints, messages and tests."""
    return drawn(environment().get_template(template), reader or Reader(), block=block, **context)


def drawn(template: Template, reader: Reader, /, *, block: str = "", **context: Any) -> str:
    """The text of a loaded template for one reader."""
    token = _reader.set(reader)
    try:
        values = {
            "request": None,
            "lang": reader.lang,
            "theme": reader.theme,
            "practising": reader.practising,
            **context,
        }
        if not block:
            return template.render(values)
        return "".join(template.blocks[block](template.new_context(values)))
    finally:
        _reader.reset(token)


def _answer(
    request: Request[Any, Any, Any], reader: Reader, html: str, status_code: int, headers: Mapping[str, str] | None
) -> Response[str]:
    packs = "gzip" in request.headers.get("accept-encoding", "")
    return answered(request, reader, Body.of(html, packs=packs), status_code, headers)


@dataclass(frozen=True, slots=True)
class Body:
    """What an answer carries, as it is and packed: the same for all who fetch the same thing at the same moment."""

    plain: bytes
    packed: bytes | None

    @classmethod
    def of(cls, html: str, *, packs: bool = True) -> Body:
        """The body of this text; nothing is packed that would not be shorter for it."""
        plain = html.encode()
        worth = packs and len(plain) > _WORTH_PACKING
        return cls(plain, gzip.compress(plain, compresslevel=4, mtime=0) if worth else None)


def answered(
    request: Request[Any, Any, Any],
    reader: Reader,
    body: Body,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """The answer to one reader that carries `body`, packed if their browser understands it."""
    cookies = []
    if request.query_params.get("lang") in LANGUAGES:
        cookies.append(_choice("saoma_lang", reader.lang, reader.house))
    if request.query_params.get("theme") in (*THEMES, "auto"):
        cookies.append(_choice("saoma_theme", reader.theme or "auto", reader.house))
    said = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Accept-Language, Cookie", **(headers or {})}
    sent: Any = body.plain
    if body.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        sent = body.packed
        said["Content-Encoding"] = "gzip"
    return Response(sent, media_type="text/html", status_code=status_code, headers=said, cookies=cookies)


def _choice(name: str, value: str, house: House) -> Cookie:
    return Cookie(key=name, value=value, max_age=_YEAR, path="/", samesite="lax", secure=house.secure)


class _RoomLoader(BaseLoader):
    """`room/name.html` is saoma/room/screens/name.html, or saoma/room/name.html."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        room, _, name = template.partition("/")
        if room.isidentifier() and name and ".." not in name:
            for path in (_SAOMA / room / "screens" / name, _SAOMA / room / name):
                if path.is_file():
                    return path.read_text(), str(path), lambda: True
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        return sorted(
            f"{path.relative_to(_SAOMA).parts[0]}/{path.name}"
            for pattern in ("*/*.html", "*/screens/*.html")
            for path in _SAOMA.glob(pattern)
        )


@functools.cache
def environment() -> Environment:
    """The one template environment: strict about names, escaping everything, compiled once per template."""
    env = Environment(
        loader=_RoomLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    env.globals.update(
        _=_text,
        _n=_plural,
        money=_money,
        clock_time=lambda t: words.clock_time(t, _reader.get().zone, _reader.get().lang),
        moment=lambda t: words.date_and_time(t, _reader.get().zone, _reader.get().lang),
        day=lambda t: words.day(t, _reader.get().zone, _reader.get().lang),
        age_of=lambda t: words.age(t, _reader.get().house.clock.now(), _reader.get().lang),
        seconds_left=lambda t: max(0, round((t - _reader.get().house.clock.now()).total_seconds())),
        either=_either,
        asset=asset_url,
        style=lambda name: Markup('<link rel="stylesheet" href="{}">').format(asset_url(f"{name}.css")),
        script=lambda name: Markup('<script src="{}" defer></script>').format(asset_url(f"{name}.js")),
        live=_live,
        csrf_token=lambda: _reader.get().csrf,
        csrf_input=lambda: Markup('<input type="hidden" name="_csrf_token" value="{}">').format(_reader.get().csrf),
        draw_icon=_draw_icon,
        draw_qr=_draw_qr,
        here=_here,
        without=lambda attrs, *names: {key: value for key, value in attrs.items() if key not in names},
        client_words=_client_words,
        kept=_kept,
        labelled=labelled,
    )
    parts: Template = env.get_template("web/parts.html")
    env.globals["ui"] = parts.module
    return env


def _text(msgid: str, /, **values: object) -> str:
    return words.say(_reader.get().lang, msgid, **values)


def _plural(one: str, many: str, count: int, /, **values: object) -> str:
    return texts(_reader.get().lang).plural(one, many, count, **values)


def _money(amount: Money) -> str:
    return words.money(amount, _reader.get().lang)


def _either(english: str, chinese: str) -> str:
    """A thing's own two names: the reader's, or the one there is."""
    first, second = (chinese, english) if _reader.get().lang == "zh" else (english, chinese)
    return first or second


def _live(*topics: str | Iterable[str]) -> Markup:
    """The element through which the page's script listens to `topics`."""
    names = [name for topic in topics for name in ([topic] if isinstance(topic, str) else topic)]
    house = _reader.get().house
    token = sign_topics(names, house.secret, house.clock.now())
    return Markup('<div hidden data-live="/live?t={}" data-since="{}"></div>').format(token, house.live_mark())


@functools.cache
def _draw_icon(name: str, size: int = 20, label: str = "") -> Markup:
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" width="{}" height="{}" viewBox="0 0 24 24" {}>{}</svg>').format(
        size,
        size,
        said,
        Markup(icons()[name]),
    )


def _draw_qr(text: str, label: str = "") -> Markup:
    return Markup(qr_svg(text, label=label or _text("QR code")))


_KEPT: OrderedDict[tuple[str, ...], Markup] = OrderedDict()
_MOST_KEPT: Final = 128


def _kept(*what: str, caller: Callable[[], str]) -> Markup:
    """What stands inside of `{% call kept(...) %}`, drawn once for each language and each `what`.

    `what` names everything that the inside shows by its version; nothing in there may belong to one reader."""
    key = (_reader.get().lang, *what)
    drawn_before = _KEPT.get(key)
    if drawn_before is None:
        drawn_before = _KEPT[key] = Markup(caller())
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    else:
        _KEPT.move_to_end(key)
    return drawn_before


def _here(**changes: str) -> str:
    """This page's address with some query values changed."""
    reader = _reader.get()
    kept = [(name, value) for name, value in reader.query if name not in changes]
    return f"{reader.path}?{urlencode([*kept, *changes.items()])}"


def _client_words() -> dict[str, str]:
    """The few texts that scripts say by themselves."""
    return {
        "now": _text("just now"),
        "minutes": _text("{count} min", count="{n}"),
        "hours": _text("{count} h", count="{n}"),
        "lost": _text("The connection was lost. Nothing was sent twice; try again."),
        "slow": _text("No answer came. Look before you try again."),
        "copied": _text("Copied"),
        "close": _text("Close"),
    }


def now_of(request: Request[Any, Any, Any]) -> datetime:
    """The house's time, aware, in UTC."""
    return house_of(request).clock.now().astimezone(UTC)


def json_attribute(value: object) -> str:
    """JSON for a data attribute."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
