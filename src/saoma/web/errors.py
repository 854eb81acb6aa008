"""What people and programs see when something is refused or breaks: a calm page, a toast, or a problem answer.

Each says what happened, what to do now and, where it may matter, whether money moved. Codes sit in a fold."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from saoma.kit.errors import NotSent, OutcomeUnknown, Refused
from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.ids import new_id
from saoma.web import texts as words
from saoma.web.page import house_of, language_of, page, reader_of, render

log = structlog.get_logger(__name__)

PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error in words. `title` and `sentence` are keys of the catalogs; `code` is for a fold."""

    status: int
    title: str
    sentence: str
    values: dict[str, object]
    kind: str
    code: str = ""
    retry: bool = False

    def said(self, lang: str) -> str:
        """The sentence in one language."""
        return words.say(lang, self.sentence, **self.values)


def N_(text: str) -> str:
    """Mark a text for the catalogs."""
    return text


_TITLES: Final[dict[int, str]] = {
    400: N_("That did not work"),
    401: N_("Please sign in"),
    403: N_("This is not open to you"),
    404: N_("There is nothing here"),
    405: N_("That does not work here"),
    409: N_("Someone was quicker"),
    413: N_("That is too large"),
    422: N_("Something is not right yet"),
    429: N_("A little slower, please"),
    500: N_("Something went wrong on our side"),
    502: N_("The payment service did not answer"),
    503: N_("Not ready yet"),
}
_SENTENCES: Final[dict[int, str]] = {
    400: N_("We could not read what was sent. Nothing was changed. Go back and try again."),
    401: N_("Sign in and come back here. Nothing was changed."),
    403: N_("You may not do this with this sign-in. Nothing was changed."),
    404: N_("Check the link, or scan the code again."),
    405: N_("Go back and use the buttons of the page. Nothing was changed."),
    413: N_("Send a smaller file. Nothing was changed."),
    422: N_("Look at what you entered and try again. Nothing was changed."),
    429: N_("That was a lot at once. Wait a moment and try again."),
    500: N_(
        "If you were paying, look at the payment before you pay again: it is kept, and it either finishes or no money "
        "is taken."
    ),
    503: N_("Try again in a moment. Nothing was changed."),
}
_STALE: Final = N_("This page was open for too long. Nothing was done. Load it again and repeat the step.")
_NOT_SENT: Final = N_("The payment service could not be reached. No money moved. Try again.")
_UNKNOWN: Final = N_(
    "The payment service did not answer in time. We are asking it again: look at the payment before you pay again."
)


def trouble_of(error: Exception) -> Trouble:
    """What an error means to a person. Never fails; what is not known becomes a 500 with nothing of its insides."""
    match error:
        case Refused():
            status = error.status
            sentence = error.msgid or _SENTENCES.get(status, _SENTENCES[400])
            return Trouble(status, _title(status), sentence, dict(error.values), _kind(error))
        case NotSent():
            return Trouble(502, _title(502), _NOT_SENT, {}, "not-sent", retry=True)
        case OutcomeUnknown():
            return Trouble(502, _title(502), _UNKNOWN, {}, "outcome-unknown")
        case ValidationException():
            return Trouble(422, _title(422), _SENTENCES[422], {}, "invalid", code=_details(error))
        case psycopg.DataError() | UnicodeEncodeError() if _is_no_text(error):
            return Trouble(422, _title(422), _SENTENCES[422], {}, "invalid")
        case HTTPException(status_code=403) if "CSRF" in error.detail:
            return Trouble(403, _title(400), _STALE, {}, "stale-page", retry=True)
        case HTTPException(status_code=status) if status < 500:
            sentence = _SENTENCES.get(status, _SENTENCES[400])
            return Trouble(status, _title(status), sentence, {}, _http_kind(status), code=error.detail)
        case HTTPException(status_code=503):
            return Trouble(503, _title(503), _SENTENCES[503], {}, "not-ready", retry=True)
        case _:
            return Trouble(500, _title(500), _SENTENCES[500], {}, "unexpected", code=new_id("err"))


def _is_no_text(error: Exception) -> bool:
    """Whether somebody sent a zero byte or half a character, which no column holds and nobody types."""
    return "NUL (0x00)" in str(error) or "surrogates not allowed" in str(error)


def _title(status: int) -> str:
    return _TITLES.get(status, _TITLES[500] if status >= 500 else _TITLES[400])


def _kind(error: Refused) -> str:
    name = type(error).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _http_kind(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower().replace(" ", "-")
    except ValueError:
        return "refused"


def _details(error: ValidationException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    parts = [item for item in extra if isinstance(item, dict)]
    found = [f"{item.get('key', '')}: {item.get('message', '')}".strip(": ") for item in parts]
    return "; ".join(found) or error.detail


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to a request that ended in `error`."""
    trouble = trouble_of(error)
    if trouble.status >= 500:
        _note(request, error, trouble)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if wants_data(request):
        return _problem(request, trouble, headers)
    if request.headers.get("hx-request") == "true":
        return _toast(request, trouble, headers)
    path = request.url.path
    retry = path if trouble.retry and request.method == "GET" else ""
    return page(
        request,
        "web/trouble.html",
        status_code=trouble.status,
        headers={**headers, "Cache-Control": "no-store"},
        title=trouble.title,
        sentence=trouble.said(language_of(request)),
        code=trouble.code,
        retry=retry,
        back=_back(request),
        status=trouble.status,
    )


def wants_data(request: Request[Any, Any, Any]) -> bool:
    """Whether a program asks: anything under /api, or who accepts JSON and not HTML."""
    if request.url.path.startswith("/api/"):
        return True
    accept = request.headers.get("accept", "")
    return "json" in accept and "html" not in accept


def _problem(request: Request[Any, Any, Any], trouble: Trouble, headers: dict[str, str]) -> Response[bytes]:
    lang = language_of(request)
    body = {
        "type": f"urn:saoma:problem:{trouble.kind}",
        "title": texts(lang)(trouble.title),
        "status": trouble.status,
        "detail": trouble.said(lang),
        "instance": request.url.path,
        "sentences": {name: trouble.said(name) for name in LANGUAGES},
    }
    if trouble.code:
        body["code"] = trouble.code
    return Response(
        msgspec.json.encode(body),
        status_code=trouble.status,
        media_type=PROBLEM,
        headers={**headers, "Cache-Control": "no-store", "Content-Language": lang},
    )


def _toast(request: Request[Any, Any, Any], trouble: Trouble, headers: dict[str, str]) -> Response[str]:
    reader = reader_of(request)
    html = render("web/toast.html", reader, text=trouble.said(reader.lang), code=trouble.code)
    return Response(
        html,
        status_code=trouble.status,
        media_type="text/html",
        headers={**headers, "HX-Retarget": "#toasts", "HX-Reswap": "beforeend", "Cache-Control": "no-store"},
    )


def _back(request: Request[Any, Any, Any]) -> str:
    """Where the person came from, if it was one of our own pages."""
    came_from = request.headers.get("referer", "")
    own = str(request.base_url)
    return came_from.removeprefix(own.rstrip("/")) if came_from.startswith(own) else ""


def _note(request: Request[Any, Any, Any], error: Exception, trouble: Trouble) -> None:
    unexpected = trouble.kind == "unexpected"
    log.error(
        "request.failed",
        error_id=trouble.code if unexpected else "",
        method=request.method,
        path=request.url.path,
        error=f"{type(error).__name__}: {error}",
        stack="".join(traceback.format_exception(error)) if unexpected else "",
        at=house_of(request).clock.now().isoformat(),
    )


Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]

#: What `build_app` registers.
HANDLERS: Final[dict[int | type[Exception], Handler]] = {
    Refused: answer,
    NotSent: answer,
    OutcomeUnknown: answer,
    HTTPException: answer,
    Exception: answer,
}
