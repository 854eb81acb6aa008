"""Making a device one of a store's terminals: a manager makes a link, the device opens it and keeps a cookie.

The pairing names the device, not the person: somebody still signs in on it."""

from __future__ import annotations

import secrets
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.identity import audit, model
from saoma.identity.guards import TERMINAL_COOKIE, May, needs, staff_of, token_hash
from saoma.identity.links import LinkPurpose, Links, pairing_path
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from saoma.kit.ids import check_id
from saoma.kit.seal import Seal
from saoma.settings import Settings
from saoma.web.page import page

AnyRequest = Request[Any, Any, Any]
_TWO_YEARS = 2 * 365 * 24 * 3600


@get("/office/terminals", guards=[needs(May.PAIR_TERMINALS)])
async def show_terminals(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The devices of a store, and which of them are paired."""
    async with db.reading() as rows:
        store = await model.store_for(rows, staff_of(request), request.query_params.get("store", ""))
        terminals = await model.terminals_of(rows, store.id)
    return page(request, "identity/terminals.html", store=store, terminals=terminals, link="", chosen=None)


@post("/office/terminals/{terminal_id:str}/link", guards=[needs(May.PAIR_TERMINALS)])
async def make_link(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    terminal_id: FromPath[str],
) -> Response[Any]:
    """Make the link that a device opens to become this terminal."""
    check_id("trm", terminal_id)
    async with db.reading() as rows:
        terminal = await model.terminal(rows, terminal_id)
        store = await model.store_for(rows, staff_of(request), terminal.store_id)
        terminals = await model.terminals_of(rows, store.id)
    link = settings.public_url.rstrip("/") + pairing_path(Links(seal, clock), terminal.id)
    return page(request, "identity/terminals.html", store=store, terminals=terminals, link=link, chosen=terminal)


@get("/pair/{token:str}")
async def show_pair(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    token: FromPath[str],
) -> Response[Any]:
    """Ask whether this device shall be the terminal."""
    try:
        link = Links(seal, clock).read(LinkPurpose.PAIR, token)
        async with db.reading() as rows:
            terminal = await model.terminal(rows, link.subject)
            store = await model.store(rows, terminal.store_id)
    except Refused as refusal:
        return page(request, "identity/pair.html", terminal=None, status_code=refusal.status)
    return page(request, "identity/pair.html", terminal=terminal, store=store, token=token)


@post("/pair/{token:str}")
async def pair(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    token: FromPath[str],
) -> Response[Any]:
    """Make this device the terminal; whichever device was it before no longer is."""
    links = Links(seal, clock)
    secret = secrets.token_urlsafe(32)
    try:
        link = links.read(LinkPurpose.PAIR, token)
        async with db.transaction() as tx:
            await links.use(tx, link)
            terminal = await model.terminal(tx, link.subject)
            store = await model.store(tx, terminal.store_id)
            await tx.run(
                "UPDATE terminals SET token_hash = %(hash)s, paired_at = %(now)s WHERE id = %(id)s",
                {"id": terminal.id, "hash": token_hash(secret), "now": clock.now()},
            )
            await audit.note(
                tx,
                clock,
                who="device",
                what="paired",
                subject=terminal.id,
                merchant_id=store.merchant_id,
                detail={"place": request.client.host if request.client else ""},
            )
    except Refused as refusal:
        return page(request, "identity/pair.html", terminal=None, status_code=refusal.status)
    response: Response[Any] = Redirect("/kiosk" if terminal.kind == "kiosk" else "/staff", status_code=303)
    response.set_cookie(
        Cookie(
            key=TERMINAL_COOKIE,
            value=f"{terminal.id}.{secret}",
            path="/",
            max_age=_TWO_YEARS,
            httponly=True,
            samesite="lax",
            secure=settings.public_url.startswith("https://"),
        )
    )
    return response


router = Router("/", route_handlers=[show_terminals, make_link, show_pair, pair])
