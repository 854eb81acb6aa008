"""The console's staff: who works here, with which roles; adding, changing roles, a new PIN, dismissing.

Operators manage operators and every merchant's people; an owner manages those of the own merchant. Nobody can change or
dismiss themselves."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console.scope import SEES, AnyRequest, asked_merchant, check_mine, merchant_of, merchants, shell
from saoma.identity import audit
from saoma.identity.guards import May, Role, staff_of
from saoma.identity.model import STAFF, Staff, add_staff, dismiss
from saoma.identity.passwords import hash_password, hash_pin
from saoma.identity.roles import ROLE_NAMES
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotAllowed, NotFound, Refused
from saoma.web.page import page

YOURSELF = "Nobody changes or dismisses themselves. Ask somebody else."


class _Person(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    login: str
    roles: list[Role]
    merchant_id: str
    merchant: str
    merchant_zh: str
    active: bool


_PEOPLE = """
SELECT s.id, s.name, s.login, s.roles, coalesce(s.merchant_id, '') AS merchant_id, coalesce(m.name, '') AS merchant,
    coalesce(m.name_zh, '') AS merchant_zh,
    s.active
FROM staff AS s LEFT JOIN merchants AS m ON m.id = s.merchant_id
WHERE %(merchant_id)s IN ('', s.merchant_id) AND (%(merchant_id)s <> '' OR m.practice_of IS NULL)
ORDER BY s.active DESC, m.name NULLS FIRST, s.name, s.id LIMIT 500
"""


async def _page(request: AnyRequest, db: Database, refusal: Refused | None = None, password: str = "") -> Response[Any]:
    staff = staff_of(request)
    async with db.reading() as rows:
        people = await rows.rows(_Person, _PEOPLE, {"merchant_id": asked_merchant(request, staff)})
        choice = await merchants(rows) if staff.may(May.SEE_EVERY_MERCHANT) else []
    return page(
        request,
        "console/console_staff.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        people=people,
        merchants=choice,
        may_edit=_may_edit(staff),
        roles=[(role.value, ROLE_NAMES[role]) for role in Role if role is not Role.OPERATOR or not merchant_of(staff)],
        role_names=ROLE_NAMES,
        refusal=refusal,
        password=password,
    )


def _may_edit(staff: Staff) -> bool:
    return staff.may(May.EDIT_STAFF) or staff.may(May.SEE_EVERY_MERCHANT)


@get("/console/staff", guards=[SEES], summary="Staff")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Everybody who works here."""
    return await _page(request, db)


async def _person(rows: Rows, staff: Staff, person_id: str) -> Staff:
    """A person this one may change. Raises `NotFound` for another merchant's, `NotAllowed`, `Conflict` for oneself."""
    if not _may_edit(staff):
        raise NotAllowed("Your role doesn't include this. Ask a manager, or sign in as someone else.")
    found = await rows.maybe(Staff, f"SELECT {STAFF} FROM staff WHERE id = %(id)s", {"id": person_id})  # noqa: S608
    if found is None:
        raise NotFound(NOTHING_HERE)
    check_mine(staff, found.merchant_id)
    if found.id == staff.id:
        raise Conflict(YOURSELF)
    return found


async def _note(tx: Transaction, clock: Clock, by: Staff, what: str, person: Staff) -> None:
    await audit.note(
        tx,
        clock,
        who=by.id,
        what=what,
        subject=person.id,
        merchant_id=person.merchant_id,
        detail={"roles": [role.value for role in person.roles]},
    )


@post("/console/staff", guards=[SEES], summary="Add somebody")
async def add(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Add a person with a role; the first password is shown once, on the page that comes back."""
    staff = staff_of(request)
    form = await request.form()
    if not _may_edit(staff):
        raise NotAllowed("Your role doesn't include this. Ask a manager, or sign in as someone else.")
    password = secrets.token_urlsafe(9)
    try:
        roles = [Role(str(role)) for role in form.getall("role", [])]
        name = str(form.get("name", "")).strip()[:80]
        if not name:
            raise Invalid("Write the person's name.")
        merchant_id = merchant_of(staff) or ("" if Role.OPERATOR in roles else str(form.get("merchant", "")))
        hashed = await hash_password(password)
        async with db.transaction() as tx:
            new = await add_staff(
                tx,
                name=name,
                login=str(form.get("login", "")),
                roles=roles,
                merchant_id=merchant_id,
                password_hash=hashed,
            )
            await _note(tx, clock, staff, "added_staff", new)
    except ValueError:
        return await _page(request, db, Invalid("Look at what you entered and try again. Nothing was changed."))
    except Invalid as refusal:
        return await _page(request, db, refusal)
    return await _page(request, db, password=password)


@post("/console/staff/{person_id:str}/roles", guards=[SEES], summary="Change somebody's roles")
async def change_roles(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], person_id: FromPath[str]
) -> Response[Any]:
    """Other roles, from the next click of that person on."""
    staff = staff_of(request)
    form = await request.form()
    try:
        roles = [Role(str(role)) for role in form.getall("role", [])]
        async with db.transaction() as tx:
            person = await _person(tx, staff, person_id)
            if not roles or (Role.OPERATOR in roles) == bool(person.merchant_id):
                raise Invalid(
                    "Staff of a merchant have the merchant's roles; an operator has that role alone and no merchant."
                )
            await tx.run(
                "UPDATE staff SET roles = %(roles)s WHERE id = %(id)s",
                {"id": person.id, "roles": [role.value for role in roles]},
            )
            await _note(tx, clock, staff, "changed_roles", msgspec.structs.replace(person, roles=roles))
    except ValueError:
        return await _page(request, db, Invalid("Look at what you entered and try again. Nothing was changed."))
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, refusal)
    return Redirect("/console/staff", status_code=HTTP_303_SEE_OTHER)


@post("/console/staff/{person_id:str}/pin", guards=[SEES], summary="Give somebody a PIN")
async def new_pin(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], person_id: FromPath[str]
) -> Response[Any]:
    """A new PIN for changing person at the till; the old one is worthless at once."""
    staff = staff_of(request)
    form = await request.form()
    try:
        hashed = await hash_pin(str(form.get("pin", "")))
        async with db.transaction() as tx:
            person = await _person(tx, staff, person_id)
            await tx.run("UPDATE staff SET pin_hash = %(pin)s WHERE id = %(id)s", {"id": person.id, "pin": hashed})
            await _note(tx, clock, staff, "changed_pin", person)
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, refusal)
    return Redirect("/console/staff", status_code=HTTP_303_SEE_OTHER)


@post("/console/staff/{person_id:str}/dismiss", guards=[SEES], summary="Dismiss somebody")
async def let_go(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], person_id: FromPath[str]
) -> Response[Any]:
    """End a person's access at once, on every device."""
    staff = staff_of(request)
    try:
        async with db.transaction() as tx:
            person = await _person(tx, staff, person_id)
            await dismiss(tx, person.id)
            await _note(tx, clock, staff, "dismissed", person)
    except Conflict as refusal:
        return await _page(request, db, refusal)
    return Redirect("/console/staff", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, add, change_roles, new_pin, let_go])
