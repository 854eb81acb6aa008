"""Signing in and out, by password or by a signed link, and changing the cashier at a till by PIN.

A link signs nobody in when it is only fetched: chat programs fetch links to draw previews. The button does."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.identity import audit, model
from saoma.identity.guards import needs, staff_of
from saoma.identity.links import LinkPurpose, Links
from saoma.identity.model import Staff
from saoma.identity.paths import safe_path
from saoma.identity.sessions import renew
from saoma.identity.sign_in import SignIn, Wrong
from saoma.identity.tries import TooManyTries
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.seal import Seal
from saoma.web.page import house_of, page
from saoma.web.security import client_address

AnyRequest = Request[Any, Any, Any]


def _place(request: AnyRequest) -> str:
    return client_address(request, behind_proxy=house_of(request).behind_proxy) or "unknown"


def _go(path: str) -> Redirect:
    return Redirect(path, status_code=303)


async def _let_in(request: AnyRequest, staff: Staff, next_path: str) -> Response[Any]:
    await renew(request)
    request.session["staff_id"] = staff.id
    return _go(safe_path(next_path, "/staff"))


@get("/sign-in")
async def show_sign_in(request: AnyRequest) -> Response[Any]:
    """The form for login and password."""
    return page(
        request, "identity/sign_in.html", login="", why="", next=safe_path(request.query_params.get("next"), "")
    )


@post("/sign-in")
async def sign_in(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Judge a login and password."""
    form = await request.form()
    login, password = str(form.get("login", "")), str(form.get("password", ""))
    next_path = safe_path(str(form.get("next", "")), "")
    try:
        judged = await SignIn(db, clock).by_password(login, password, _place(request))
    except TooManyTries as refusal:
        shown: dict[str, Any] = {"login": login, "next": next_path, "why": "often", "minutes": refusal.minutes}
        return page(request, "identity/sign_in.html", status_code=refusal.status, **shown)
    if isinstance(judged, Wrong):
        return page(request, "identity/sign_in.html", status_code=401, login=login, why="wrong", next=next_path)
    return await _let_in(request, judged, next_path)


@post("/sign-out")
async def sign_out(request: AnyRequest) -> Response[Any]:
    """Forget who is here; what the device itself prefers stays."""
    await renew(request)
    return _go("/sign-in")


async def _invited(db: Database, links: Links, token: str) -> tuple[Any, Staff]:
    link = links.read(LinkPurpose.SIGN_IN, token)
    async with db.reading() as rows:
        staff = await model.staff_by_id(rows, link.subject)
    if staff is None:
        raise NotFound("This person doesn't work here any more.")
    return link, staff


@get("/sign-in/link/{token:str}")
async def show_link(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    token: FromPath[str],
) -> Response[Any]:
    """Ask whether to go on as the person a link was made for."""
    try:
        _, staff = await _invited(db, Links(seal, clock), token)
    except Refused as refusal:
        return page(request, "identity/link.html", staff=None, token="", status_code=refusal.status)
    next_path = safe_path(request.query_params.get("next"), "")
    return page(request, "identity/link.html", staff=staff, token=token, next=next_path)


@post("/sign-in/link/{token:str}")
async def use_link(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    token: FromPath[str],
) -> Response[Any]:
    """Sign in as the person a link was made for."""
    links = Links(seal, clock)
    form = await request.form()
    try:
        link, staff = await _invited(db, links, token)
        async with db.transaction() as tx:
            await links.use(tx, link)
            await audit.note(
                tx,
                clock,
                who=staff.id,
                what="signed_in_by_link",
                subject=staff.id,
                merchant_id=staff.merchant_id,
                detail={"place": _place(request)},
            )
    except (Invalid, Conflict, NotFound) as refusal:
        return page(request, "identity/link.html", staff=None, token="", status_code=refusal.status)
    return await _let_in(request, staff, str(form.get("next", "")))


@get("/switch", guards=[needs()])
async def show_switch(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Who takes over this till?"""
    colleagues = await SignIn(db, clock).colleagues(staff_of(request))
    next_path = safe_path(request.query_params.get("next"), "/till")
    return page(request, "identity/switch.html", staff=staff_of(request), colleagues=colleagues, why="", next=next_path)


@post("/switch", guards=[needs()])
async def switch(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Let a colleague take over by PIN."""
    form = await request.form()
    next_path = safe_path(str(form.get("next", "")), "/till")
    judge = SignIn(db, clock)
    shown: dict[str, Any] = {"staff": staff_of(request), "next": next_path}
    try:
        judged = await judge.by_pin(
            staff_of(request), str(form.get("staff_id", "")), str(form.get("pin", "")), _place(request)
        )
    except TooManyTries as refusal:
        shown |= {"why": "often", "minutes": refusal.minutes, "colleagues": await judge.colleagues(shown["staff"])}
        return page(request, "identity/switch.html", **shown, status_code=refusal.status)
    if isinstance(judged, Wrong):
        shown |= {"why": "wrong", "colleagues": await judge.colleagues(shown["staff"])}
        return page(request, "identity/switch.html", **shown, status_code=401)
    return await _let_in(request, judged, next_path)


router = Router("/", route_handlers=[show_sign_in, sign_in, sign_out, show_link, use_link, show_switch, switch])
