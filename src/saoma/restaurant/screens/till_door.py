"""The door of the tables, for staff: who asks to order, and the codes and words that prove a party's phones.

Letting somebody in sends the round they asked to send; it is pressed by whoever has seen them at the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.seal import Seal
from saoma.restaurant import admission
from saoma.restaurant.codes import code_of, word_of
from saoma.restaurant.model import Strength, Table
from saoma.restaurant.rules import rules_of
from saoma.restaurant.tables import path_of, tables, turns_of
from saoma.settings import Settings
from saoma.web.page import fragment, page, wants_fragment

_MAY: Final = [needs(May.SEE_BILLS)]
NO_SUCH_TABLE: Final = "There is no such table here."


@dataclass(frozen=True, slots=True)
class Door:
    """One table with what lets its party of now order."""

    table: Table
    address: str
    word: str


async def _context(request: AnyRequest, rows: Rows) -> dict[str, Any]:
    at = await standing_at(request, rows)
    rules = await rules_of(rows, at.store.id)
    waiting = [] if rules.strength is Strength.OPEN else await admission.knocks(rows, at.store.id)
    return {"at": at, "rules": rules, "knocks": waiting, "zone": at.store.zone}


async def _knocks(request: AnyRequest, db: Database) -> Response[Any]:
    async with db.reading() as rows:
        context = await _context(request, rows)
    if wants_fragment(request):
        return fragment(request, "restaurant/till_door.html", "knocks", **context)
    return page(request, "restaurant/till_door.html", **context)


@get("/till/knocks", guards=_MAY, summary="Who asks to order from a table")
async def knocks(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The phones that wait for somebody's yes."""
    return await _knocks(request, db)


async def _decide(request: AnyRequest, db: Database, clock: Clock, guest_id: str, *, comes_in: bool) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting = await admission.sitting_with(rows, at.store.id, guest_id)
        waits = any(each.guest_id == guest_id for each in await admission.knocks(rows, at.store.id))
    if not waits:
        return await _knocks(request, db)  # somebody else was quicker
    if comes_in:
        await admission.let_in(db, sitting, guest_id, at.staff.id, clock.now())
    async with db.transaction() as tx:
        if not comes_in:
            try:
                await admission.turn_away(tx, sitting, guest_id, clock.now())
            except Conflict:
                return await _knocks(request, db)
        what = "let_guest_order" if comes_in else "turned_guest_away"
        await audit.note(
            tx,
            clock,
            who=at.staff.id,
            what=what,
            subject=sitting.id,
            merchant_id=at.store.merchant_id,
            detail={"guest": guest_id},
        )
    if not wants_fragment(request):
        return Redirect("/till", status_code=HTTP_303_SEE_OTHER)
    return await _knocks(request, db)


@post("/till/knocks/{guest_id:str}/let-in", guards=_MAY, status_code=200, summary="Let a guest order")
async def let_in(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], guest_id: FromPath[str]
) -> Response[Any]:
    """They were seen at the table: their round goes to the kitchen. Pressing twice sends it once."""
    return await _decide(request, db, clock, guest_id, comes_in=True)


@post("/till/knocks/{guest_id:str}/turn-away", guards=_MAY, status_code=200, summary="Turn a guest away")
async def turn_away(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], guest_id: FromPath[str]
) -> Response[Any]:
    """Nobody is there: what they chose is taken out of the basket."""
    return await _decide(request, db, clock, guest_id, comes_in=False)


async def _doors(rows: Rows, settings: Settings, seal: Seal, store_id: str) -> list[Door]:
    turns = await turns_of(rows, store_id)
    host = settings.public_url.rstrip("/")
    return [
        Door(
            table,
            f"{host}{path_of(table.code)}?k={code_of(seal, table.id, turns.get(table.id, 1))}",
            word_of(seal, table.id, turns.get(table.id, 1)),
        )
        for table in await tables(rows, store_id)
    ]


@get("/till/codes", guards=_MAY, summary="The codes of the tables now")
async def codes(
    request: AnyRequest,
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    seal: NamedDependency[Seal],
) -> Response[Any]:
    """Every table with its word; the code to show or print is one press away."""
    async with db.reading() as rows:
        context = await _context(request, rows)
        doors = await _doors(rows, settings, seal, context["at"].store.id)
    return page(request, "restaurant/table_codes.html", doors=doors, only=None, **context)


@get("/till/codes/{table_id:str}", guards=_MAY, summary="The code of one table now, to show or print")
async def code(
    request: AnyRequest,
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    seal: NamedDependency[Seal],
    table_id: FromPath[str],
) -> Response[Any]:
    """One table's code and word, for a screen at the table or a slip; it changes by itself with the next party."""
    async with db.reading() as rows:
        context = await _context(request, rows)
        doors = await _doors(rows, settings, seal, context["at"].store.id)
    only = next((door for door in doors if door.table.id == table_id), None)
    if only is None:
        raise NotFound(NO_SUCH_TABLE)
    if wants_fragment(request):
        return fragment(request, "restaurant/table_codes.html", "slip", only=only, **context)
    return page(request, "restaurant/table_codes.html", doors=[], only=only, **context)


router = Router(path="/", route_handlers=[knocks, let_in, turn_away, codes, code])
