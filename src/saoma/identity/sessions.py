"""A fresh session id at the moment a person becomes known, so that an id planted before is worth nothing after.

Litestar takes any id that a cookie brings; whoever signs somebody in must therefore come through `renew`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.server_side import ServerSideSessionBackend

Connection = ASGIConnection[Any, Any, Any, Any]

#: What a person keeps when somebody signs in on the same device.
_KEPT_AT_SIGN_IN = ("lang", "theme", "sound")


def _backend(connection: Connection) -> ServerSideSessionBackend:
    for middleware in connection.app.middleware:
        if isinstance(middleware, DefineMiddleware):
            backend = middleware.kwargs.get("backend")
            if isinstance(backend, ServerSideSessionBackend):
                return backend
    raise RuntimeError("sign-in needs sessions kept on the server")


async def renew(connection: Connection, *, keep: Iterable[str] | None = _KEPT_AT_SIGN_IN) -> None:
    """Give this device a new session id and forget the old one. `keep` names what is carried over; None carries all."""
    backend = _backend(connection)
    cookie = backend.config.key
    old = connection.cookies.get(cookie)
    if old:
        await backend.delete(old, backend.config.get_store_from_app(connection.app))
    data = dict(connection.session or {})
    connection.set_session(data if keep is None else {name: data[name] for name in keep if name in data})
    # The session middleware reads the id from this same mapping when it writes the cookie.
    connection.cookies[cookie] = backend.generate_session_id()
