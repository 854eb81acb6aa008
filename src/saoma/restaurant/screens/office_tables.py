"""The office's tables: adding, renaming, new codes, and the sheet of QR codes to print and put up.

A new code makes the printed one worthless at once; the page says so before it does it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.restaurant.model import Strength
from saoma.restaurant.rules import DiningRules, rules_of, set_rules
from saoma.restaurant.tables import add_table, path_of, rename_table, renew_code, retire_table, tables
from saoma.restaurant.tips import offers
from saoma.settings import Settings
from saoma.web.page import page

_MAY = [needs(May.EDIT_TABLES)]
CHOOSE_A_STRENGTH = "Choose what a phone must show before it may order."


async def _page(
    request: AnyRequest,
    db: Database,
    settings: Settings,
    template: str,
    refusal: Refused | None = None,
    typed_tips: str | None = None,
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        every = await tables(rows, at.store.id)
        merchant = await model.merchant(rows, at.store.merchant_id)
        rules = await rules_of(rows, at.store.id)
    return page(
        request,
        template,
        status_code=refusal.status if refusal else 200,
        at=at,
        merchant=merchant,
        tables=every,
        rules=rules,
        typed_tips=typed_tips,
        address_of=lambda table: settings.public_url.rstrip("/") + path_of(table.code),
        refusal=refusal,
        zone=at.store.zone,
    )


async def _change(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    settings: Settings,
    what: str,
    work: Callable[[Transaction, Counter], Coroutine[Any, Any, str]],
) -> Response[Any]:
    """Do one thing to one table and note who did it; a refusal is shown on the page it came from."""
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            table_id = await work(tx, at)
            await audit.note(tx, clock, who=at.staff.id, what=what, subject=table_id, merchant_id=at.store.merchant_id)
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, settings, "restaurant/office_tables.html", refusal)
    return Redirect("/office/tables", status_code=HTTP_303_SEE_OTHER)


@get("/office/tables", guards=_MAY, summary="Tables and their codes")
async def show(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Every table with its code."""
    return await _page(request, db, settings, "restaurant/office_tables.html")


@get("/office/tables/print", guards=_MAY, summary="QR codes to print")
async def print_sheet(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """A4 sheets with one large code per table; `?table=` prints one."""
    return await _page(request, db, settings, "restaurant/office_tables_print.html")


@post("/office/tables", guards=_MAY, summary="Add a table")
async def add(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """Put up a table under a name and an area."""
    form = await request.form()

    async def work(tx: Transaction, at: Counter) -> str:
        name, area = str(form.get("name", "")), str(form.get("area", ""))
        return (await add_table(tx, at.store.id, name, clock.now(), area)).id

    return await _change(request, db, clock, settings, "added_table", work)


@post("/office/tables/rules", guards=_MAY, summary="Who may order from a table, and tips")
async def change_rules(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """What a phone must show before it may order, and the percentages offered as tips."""
    form = await request.form()
    strength, typed = str(form.get("strength", "")), str(form.get("tips", ""))[:64]
    try:
        if strength not in set(Strength):
            raise Invalid(CHOOSE_A_STRENGTH)
        rules = DiningRules(Strength(strength), offers(typed))
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await set_rules(tx, at.store.id, rules, clock.now())
            detail = {"strength": rules.strength.value, "tips": rules.tips}
            await audit.note(
                tx,
                clock,
                who=at.staff.id,
                what="changed_table_rules",
                subject=at.store.id,
                merchant_id=at.store.merchant_id,
                detail=detail,
            )
    except Invalid as refusal:
        return await _page(request, db, settings, "restaurant/office_tables.html", refusal, typed)
    return Redirect("/office/tables", status_code=HTTP_303_SEE_OTHER)


@post("/office/tables/{table_id:str}", guards=_MAY, summary="Rename a table")
async def rename(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    table_id: FromPath[str],
) -> Response[Any]:
    """Another name or area; the printed code stays good."""
    form = await request.form()

    async def work(tx: Transaction, at: Counter) -> str:
        name, area = str(form.get("name", "")), str(form.get("area", ""))
        return (await rename_table(tx, at.store.id, table_id, name, area)).id

    return await _change(request, db, clock, settings, "renamed_table", work)


@post("/office/tables/{table_id:str}/code", guards=_MAY, summary="Give a table a new code")
async def renew(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    table_id: FromPath[str],
) -> Response[Any]:
    """The old code stops working at once."""

    async def work(tx: Transaction, at: Counter) -> str:
        return (await renew_code(tx, at.store.id, table_id)).id

    return await _change(request, db, clock, settings, "renewed_table_code", work)


@post("/office/tables/{table_id:str}/retire", guards=_MAY, summary="Take a table away")
async def retire(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    table_id: FromPath[str],
) -> Response[Any]:
    """Its past stays; its code stops working."""

    async def work(tx: Transaction, at: Counter) -> str:
        await retire_table(tx, at.store.id, table_id, clock.now())
        return table_id

    return await _change(request, db, clock, settings, "retired_table", work)


router = Router(path="/", route_handlers=[show, print_sheet, add, change_rules, rename, renew, retire])
