"""Problems of the partner API (RFC 9457): what went wrong, for the program, and a sentence for each person at the till.

A request that is answered with a problem below 500 did nothing; above, look before you repeat it under a fresh key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from saoma.api.bodies import Message, Problem
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound, NotSent, OutcomeUnknown, Refused
from saoma.kit.i18n import LANGUAGES, texts
from saoma.web.errors import PROBLEM
from saoma.web.page import language_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. The sentences are keys of the texts; `advice` is for who writes the program."""

    status: int
    title: str
    cashier: str
    customer: str
    advice: str


_PROGRAM: Final = "Nothing was charged. The till's program made a mistake: call its maker."
_NOT_CHARGED: Final = "Nothing was charged. Please ask the staff."
_AGAIN: Final = "Nothing was charged. Wait a moment and try again."

#: Every problem by the last part of its `type`.
KINDS: Final[dict[str, Kind]] = {
    "unreadable": Kind(400, "The request can't be read", _PROGRAM, _NOT_CHARGED, "Send one JSON object in UTF-8."),
    "key-missing": Kind(
        400,
        "An Idempotency-Key is needed",
        _PROGRAM,
        _NOT_CHARGED,
        "Send Idempotency-Key with every POST: 1 to 128 visible ASCII letters, fresh for each thing you want done and "
        "the same when you repeat it.",
    ),
    "unauthorized": Kind(
        401,
        "No valid API key",
        "Nothing was charged. This till is not connected any more: call a manager.",
        _NOT_CHARGED,
        "Send Authorization: Bearer sk_... with a key that has not been revoked.",
    ),
    "not-allowed": Kind(
        403,
        "The key doesn't allow this",
        "This till may not do that. Call a manager.",
        _NOT_CHARGED,
        "Use a key with the scope that `detail` names.",
    ),
    "not-found": Kind(
        404,
        "There is no such thing",
        "Nothing was found here. Check the number.",
        "Nothing was found here. Please ask the staff.",
        "Another merchant's things, and those of stores your key is not for, are not found either.",
    ),
    "method-not-allowed": Kind(405, "Not this method", _PROGRAM, _NOT_CHARGED, "See the OpenAPI document."),
    "conflict": Kind(
        409,
        "That can't be done now",
        "Nothing was done. Look at the payment before you try again.",
        _NOT_CHARGED,
        "`detail` says what is in the way. Read the payment as it stands.",
    ),
    "reference-taken": Kind(
        409,
        "This reference is paid or being paid",
        "This order is already paid, or being paid. Look at its payment; don't charge again.",
        "This order is already paid, or being paid.",
        "GET /api/v1/payments?reference=... finds the payment. A failed or cancelled one frees its reference.",
    ),
    "too-large": Kind(413, "The body is too large", _PROGRAM, _NOT_CHARGED, "Bodies have at most 64 KiB."),
    "media-type": Kind(415, "The body must be JSON", _PROGRAM, _NOT_CHARGED, "Send Content-Type: application/json."),
    "invalid": Kind(
        422,
        "Something in the request is wrong",
        "Nothing was charged. Check what was entered and scan again.",
        _NOT_CHARGED,
        "`errors` names the fields, as far as the mistake is in one.",
    ),
    "key-reused": Kind(
        422,
        "This Idempotency-Key was used for something else",
        _PROGRAM,
        _NOT_CHARGED,
        "A key stands for one request: repeat it unchanged, or take a fresh key.",
    ),
    "too-many": Kind(429, "Too many requests", _AGAIN, _AGAIN, "Wait as many seconds as Retry-After says."),
    "not-sent": Kind(
        502,
        "The payment service could not be reached",
        "The payment service could not be reached. No money moved. Try again.",
        _AGAIN,
        "Repeat the request with the same Idempotency-Key.",
    ),
    "unexpected": Kind(
        500,
        "Something went wrong on our side",
        "Look at the payment before you charge again: it is kept, and it either finishes or no money is taken.",
        "One moment, please: the payment is being checked.",
        "Repeat the request with the same Idempotency-Key; tell us the request_id if it stays so.",
    ),
    "not-ready": Kind(503, "Not ready yet", _AGAIN, _AGAIN, "Repeat the request with the same Idempotency-Key."),
}


@dataclass
class Refusal(Exception):
    """A problem that this room raises by its kind. `errors` are pairs of field and what is wrong with it."""

    kind: str
    detail: str
    errors: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


class ReferenceTaken(Conflict):
    """A payment with this reference is open or paid."""


_BY_STATUS: Final = {
    400: "unreadable",
    401: "unauthorized",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "too-many",
    503: "not-ready",
}


def _refusal_of(error: Exception, lang: str) -> Refusal:
    match error:
        case Refusal():
            return error
        case ReferenceTaken():
            return Refusal("reference-taken", texts(lang)(error.msgid, **error.values))
        case Refused():
            kind = _BY_STATUS.get(error.status, "invalid")
            return Refusal(kind, texts(lang)(error.msgid, **error.values))
        case NotSent():
            return Refusal("not-sent", str(error))
        case OutcomeUnknown():
            return Refusal("unexpected", "The outcome is not known yet.")
        case HTTPException(status_code=status) if status < 500 or status == 503:
            headers = dict(error.headers or {})
            return Refusal(_BY_STATUS.get(status, "unreadable"), error.detail, headers=headers)
        case _:
            log.error("api.failed", error=f"{type(error).__name__}: {error}", exc_info=error)
            return Refusal("unexpected", "This is a fault of ours, and it is in our log.")


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to a request that ended in `error`."""
    lang = language_of(request)
    refusal = _refusal_of(error, lang)
    kind = KINDS[refusal.kind]
    messages = {
        name: Message(cashier=texts(name)(kind.cashier), customer=texts(name)(kind.customer)) for name in LANGUAGES
    }
    if isinstance(error, Invalid | NotAllowed | NotFound | Conflict) and not isinstance(error, ReferenceTaken):
        # Our own refusals are sentences for a person already, and say more than the kind.
        messages = {
            name: Message(cashier=texts(name)(error.msgid, **error.values), customer=said.customer)
            for name, said in messages.items()
        }
    where = f"{str(request.base_url).rstrip('/')}/api/problems/{refusal.kind}"
    body = Problem(
        type=where,
        title=texts(lang)(kind.title),
        status=kind.status,
        detail=refusal.detail,
        instance=request.url.path,
        message=messages[lang],
        messages=messages,
        docs=where,
        request_id=str(request.scope["state"].get("request_id", "")),
        errors=[{"field": name, "problem": what} for name, what in refusal.errors] or msgspec.UNSET,
    )
    return Response(
        msgspec.json.encode(body),
        status_code=kind.status,
        media_type=PROBLEM,
        headers={"Cache-Control": "no-store", "Content-Language": lang, **refusal.headers},
    )
