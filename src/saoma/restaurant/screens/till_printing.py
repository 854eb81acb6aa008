"""Printing a bill before it is paid: what a waiter puts on the table. As often as it is wanted, each time noted.

It opens no drawer, counts no money and changes nothing on the bill; whoever asks later sees who printed which sum."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.paper import kind_of
from saoma.checkout.paper_escpos import escpos
from saoma.checkout.paper_ways import NO_PRINTER, NO_STORE, way_in
from saoma.checkout.printing import OutOfReach, printer_of, send
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs, terminal_at
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.money import Money
from saoma.restaurant import moving, sittings
from saoma.restaurant.bill_paper import BillFacts, bill_paper
from saoma.restaurant.screens.till import bill_at, path_to
from saoma.settings import Settings
from saoma.web.page import language_of, page

_MAY: Final = [needs(May.SEE_BILLS)]
NOTHING_ORDERED: Final = "Nothing was ordered at this table yet."


async def _facts(rows: Rows, at: Counter, clock: Clock, sitting_id: str, lang: str) -> BillFacts:
    """The bill as it stands. Raises `NotFound` for one of another store, `Conflict` for an empty one."""
    sitting, table = await bill_at(rows, at, sitting_id)
    meal = await sittings.meal(rows, sitting)
    if not meal.ordered:
        raise Conflict(NOTHING_ORDERED)
    merchant = await model.merchant(rows, at.store.merchant_id)
    return BillFacts(merchant=merchant, store=at.store, table=table.name, meal=meal, at=clock.now(), lang=lang)


def _language(request: AnyRequest, wanted: str) -> str:
    return wanted if wanted in ("en", "zh") else language_of(request)


async def _show(
    request: AnyRequest, db: Database, clock: Clock, sitting_id: str, lang: str, refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        facts = await _facts(rows, at, clock, sitting_id, lang)
        printer = await printer_of(rows, at.store.id, await terminal_at(request, rows, at.store.id))
    return page(
        request,
        "restaurant/till_paper.html",
        status_code=refusal.status if refusal else 200,
        headers=NO_STORE,
        paper=bill_paper(facts),
        kind_of=kind_of,
        printer=printer,
        back=path_to(sitting_id),
        refusal=refusal,
        sent=request.query_params.get("sent") == "1",
    )


@get("/till/bills/{sitting_id:str}/paper", guards=_MAY, summary="A bill to print before it is paid")
async def show_paper(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """The slip as it will come out, in the guests' language; of a bill that went into another one, that one."""
    async with db.reading() as rows:
        await bill_at(rows, await standing_at(request, rows), sitting_id)
        lives_on = await moving.lives_on(rows, sitting_id)
    return await _show(request, db, clock, lives_on, _language(request, request.query_params.get("in", "")))


@post("/till/bills/{sitting_id:str}/paper", guards=_MAY, status_code=200, summary="Print a bill before it is paid")
async def print_paper(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    sitting_id: FromPath[str],
) -> Response[Any]:
    """Send it to this device's printer, or hand out the file for one. Noted with the sum that was left."""
    form = await request.form()
    lang = _language(request, str(form.get("in", "")))
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        await bill_at(tx, at, sitting_id)
        way = way_in(form)
        printer = await printer_of(tx, at.store.id, await terminal_at(request, tx, at.store.id))
        if way.western(printer):
            lang = "en"
        facts = await _facts(tx, at, clock, sitting_id, lang)
        if way.how != "printer" or printer is not None:
            await _note(tx, clock, at, sitting_id, way.how, facts.meal.bill.left)
    paper = bill_paper(facts)
    if (file := way.file(paper, "bill")) is not None:
        return file
    if way.how == "browser":
        return Response(None, status_code=204)
    if printer is None:
        return await _show(request, db, clock, sitting_id, lang, Invalid(NO_PRINTER))
    try:
        await send(printer.address, escpos(paper, printer.printer, drawer=False), loopback=settings.loopback_printers)
    except OutOfReach as refusal:
        return await _show(request, db, clock, sitting_id, lang, refusal)
    return Redirect(f"{path_to(sitting_id)}/paper?in={lang}&sent=1", status_code=HTTP_303_SEE_OTHER)


async def _note(tx: Any, clock: Clock, at: Counter, sitting_id: str, how: str, left: Money) -> None:
    await audit.note(
        tx,
        clock,
        who=at.staff.id,
        what="printed_bill",
        subject=sitting_id,
        merchant_id=at.store.merchant_id,
        detail={"how": how, "left": str(left)},
    )


router = Router(path="/", route_handlers=[show_paper, print_paper])
