"""Who is asking: the guard that lets the right staff in, and the redirect that shows others where to sign in.

The person is read from the database for each request, so that a dismissal or a lost role counts at once."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, cast
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER
from litestar.types import Guard

from saoma.identity import model
from saoma.identity.model import Staff, Terminal
from saoma.identity.paths import safe_path
from saoma.identity.roles import May, Role, fits
from saoma.identity.sessions import Connection
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NotAllowed, Refused

__all__ = [
    "TERMINAL_COOKIE",
    "May",
    "Role",
    "SignInNeeded",
    "needs",
    "signed_in",
    "staff_of",
    "terminal_of",
    "to_sign_in",
]

TERMINAL_COOKIE = "saoma_terminal"
_STAFF = "saoma_staff"


class SignInNeeded(Refused):
    """Nobody is signed in on this device."""

    status = 401


async def signed_in(connection: Connection, db: Database) -> Staff | None:
    """The member of staff signed in on this device, or None. Asks the database once per request."""
    state = connection.scope["state"]
    if _STAFF not in state:
        session = connection.scope.get("session")
        staff_id = session.get("staff_id") if isinstance(session, dict) else None
        found = None
        if isinstance(staff_id, str):
            found = await _person(db, staff_id)
        state[_STAFF] = found
    return cast("Staff | None", state[_STAFF])


async def _person(db: Database, staff_id: str) -> Staff | None:
    """Read once for all devices of one person that ask at the same moment: fifty screens of a kitchen do."""

    async def read() -> Staff | None:
        async with db.reading() as rows:
            return await model.staff_by_id(rows, staff_id)

    return await db.together.ask(("staff", staff_id), read)


def staff_of(connection: Connection) -> Staff:
    """The member of staff a guarded handler serves. Raises `SignInNeeded` where no guard has found one."""
    staff = connection.scope["state"].get(_STAFF)
    if not isinstance(staff, Staff):
        raise SignInNeeded("Sign in to go on.")
    return staff


def needs(*wanted: Role | May) -> Guard:
    """A guard: somebody is signed in and has (or stands for) one of these roles, or may do one of these things.

    Without arguments any member of staff passes. The handler's dependencies must have `db`."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        db = await handler.resolve_dependencies()["db"]()
        staff = await signed_in(connection, db)
        if staff is None:
            raise SignInNeeded("Sign in to go on.")
        if wanted and not fits(staff.roles, wanted):
            raise NotAllowed("Your role doesn't include this. Ask a manager, or sign in as someone else.")

    return guard


async def terminal_of(connection: Connection, rows: Rows) -> Terminal | None:
    """Which terminal this device was paired as, or None."""
    terminal_id, _, token = connection.cookies.get(TERMINAL_COOKIE, "").partition(".")
    if not token:
        return None
    row = await rows.maybe(
        _Pairing, "SELECT token_hash FROM terminals WHERE id = %(id)s AND token_hash <> ''", {"id": terminal_id}
    )
    if row is None or not hmac.compare_digest(row.token_hash, token_hash(token)):
        return None
    return await model.terminal(rows, terminal_id)


async def terminal_at(connection: Connection, rows: Rows, store_id: str) -> str:
    """The id of the terminal that this device was paired as, if it stands in that store; empty otherwise."""
    terminal = await terminal_of(connection, rows)
    return terminal.id if terminal is not None and terminal.store_id == store_id else ""


class _Pairing(msgspec.Struct, frozen=True):
    token_hash: str


def token_hash(token: str) -> str:
    """What the database keeps of a pairing token (256 random bits: a plain hash is enough)."""
    return hashlib.sha256(token.encode()).hexdigest()


def to_sign_in(request: Request[Any, Any, Any], _: SignInNeeded) -> Response[Any]:
    """The answer to `SignInNeeded`: pages go to the sign-in page and come back after it."""
    if request.headers.get("HX-Request") == "true":
        came_from = request.headers.get("HX-Current-URL", "")
        path = "/" + came_from.split("://", 1)[-1].partition("/")[2] if came_from else ""
        return Response(None, status_code=401, headers={"HX-Redirect": _sign_in(path)})
    path = ""
    if request.method == "GET":
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Redirect(_sign_in(path), status_code=HTTP_303_SEE_OTHER)


def _sign_in(next_path: str) -> str:
    path = safe_path(next_path, "")
    return f"/sign-in?next={quote(path, safe='')}" if path else "/sign-in"
