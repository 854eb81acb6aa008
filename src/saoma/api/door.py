"""The door of the partner API: who asks, whether the key allows it, how often, and what the body says.

A key is looked up for each request, so that a revocation counts at once."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final, TypeVar, cast

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from saoma.api.bodies import Wish
from saoma.api.problems import Refusal
from saoma.api.rate import Limits
from saoma.identity.api_keys import ApiKey, Scope, api_key_for
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.web.security import HEADERS_OF_STATE

AnyRequest = Request[Any, Any, Any]
W = TypeVar("W", bound=Wish)
LARGEST_BODY: Final = 64 * 1024
LONGEST_WAIT: Final = 60
LONGEST_QUERY: Final = 200
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*", re.IGNORECASE)
_PLACE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<field>[^`]*)`", re.DOTALL)
_KEY: Final = "saoma_api_key"


class Door:
    """Lets requests in."""

    def __init__(self, db: Database, clock: Clock, limits: Limits) -> None:
        self.db = db
        self.clock = clock
        self.limits = limits

    async def enter(self, connection: ASGIConnection[Any, Any, Any, Any], scope: Scope) -> ApiKey:
        """The key of a request that may come in. Raises `Refusal`."""
        how, _, secret = connection.headers.get("authorization", "").partition(" ")
        key = await api_key_for(self.db, self.clock, secret.strip()) if how.lower() == "bearer" else None
        if key is None:
            raise Refusal(
                "unauthorized",
                "Send a living API key as Authorization: Bearer sk_...",
                headers={"WWW-Authenticate": 'Bearer realm="saoma"'},
            )
        allowance = self.limits.take(key.id)
        connection.scope["state"][HEADERS_OF_STATE] = allowance.headers
        if self.limits.want_to_be_told:
            await self.limits.tell(self.db)
        if allowance.wait:
            raise Refusal("too-many", f"Wait {allowance.wait} s.")
        if scope not in key.scopes:
            raise Refusal("not-allowed", f"This key lacks the scope {scope.value}.")
        return key


def allows(scope: Scope) -> Guard:
    """A guard: a key with `scope` asks, and not too often. The handler's dependencies must have `door`."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        door = cast(Door, await handler.resolve_dependencies()["door"]())
        connection.scope["state"][_KEY] = await door.enter(connection, scope)

    return guard


def key_of(request: AnyRequest) -> ApiKey:
    """The key a guarded handler serves."""
    return cast(ApiKey, request.scope["state"][_KEY])


async def body_of(request: AnyRequest, kind: type[W]) -> W:
    """The body as `kind`. Raises `Refusal` that names the field which is wrong or unknown."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Refusal("media-type", f"The body's type is {media or 'not given'!r}.")
    raw = await request.body()
    try:
        wish = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _wrong_field(str(error)) from None
    except (ValueError, RecursionError):
        raise Refusal("unreadable", "The body is not one JSON object in UTF-8.") from None
    _check_letters(wish)
    return wish


def _wrong_field(text: str) -> Refusal:
    found = _PLACE.fullmatch(text)
    what, name = (found["what"], found["field"]) if found else (text, "")
    unknown = re.search(r"(?:unknown field|missing required field) `(?P<name>[^`]*)`", what)
    name = unknown["name"] if unknown else name
    if name == "amount":
        what = f'{what}: write amounts as decimal text in quotes, such as "12.50"'
    return Refusal("invalid", f"{name}: {what}" if name else what, [(name, what)])


def _check_letters(wish: Wish) -> None:
    """What a pattern's `$` lets through, and no column can hold."""
    for name, value in msgspec.structs.asdict(wish).items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (any(ord(letter) < 32 for letter in text) or not _encodable(text)):
                raise Refusal("invalid", f"{name}: control characters are refused", [(name, "control characters")])


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def idempotency_key(request: AnyRequest) -> str:
    """The request's own name, which makes a repetition harmless. Raises `Refusal` without one."""
    key = request.headers.get("idempotency-key", "")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Refusal("key-missing", "Send Idempotency-Key: 1 to 128 visible ASCII letters, no spaces.")
    return key


def fingerprint(request: AnyRequest, wish: Wish | None) -> str:
    """Tells two requests under one key apart, by what they ask for and where."""
    content = [request.method, request.url.path, wish]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def wait_wish(request: AnyRequest) -> int | None:
    """How many seconds the caller prefers to wait for an end (RFC 7240), at most a minute; None for no wish."""
    for part in request.headers.get("prefer", "").split(","):
        found = _WAIT.fullmatch(part)
        if found:
            return min(int(found[1]), LONGEST_WAIT)
    return None


def query_of(request: AnyRequest, *known: str) -> dict[str, str]:
    """The query by name. Raises `Refusal` for a name that is unknown or given twice: a typo must not widen a search."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise Refusal("invalid", f"{name}: unknown; known are {', '.join(known) or 'none'}", [(name, "unknown")])
        if name in found:
            raise Refusal("invalid", f"{name}: given twice", [(name, "given twice")])
        if not _encodable(value) or any(ord(letter) < 32 for letter in value):
            raise Refusal("invalid", f"{name}: control characters are refused", [(name, "control characters")])
        if len(value) > LONGEST_QUERY:
            raise Refusal("invalid", f"{name}: at most {LONGEST_QUERY} letters", [(name, "too long")])
        found[name] = value
    return found
