"""How a phone that scanned a table is let in: by the table's word, or by somebody who orders there already.

Neither press says anything about the table to a phone that is not in yet."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NotAllowed
from saoma.kit.seal import Seal
from saoma.restaurant import admission
from saoma.restaurant.screens.phone import back_to_table, follow
from saoma.restaurant.screens.phone_basket import show_basket
from saoma.restaurant.visits import AnyRequest, Moved, at_table, remember_proof, sit_down, visit
from saoma.web.page import wants_fragment


@post("/t/{code:str}/word", status_code=200, summary="Type the table's word of four digits")
async def word(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    seal: NamedDependency[Seal],
    code: FromPath[str],
) -> Response[Any]:
    """Sit down and be let in with the word of the party that is at the table now."""
    typed = str((await request.form()).get("word", ""))[:16]
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    try:
        await admission.try_word(db, seal, seen.place, typed)
    except NotAllowed as refusal:
        if not wants_fragment(request):
            raise
        return await show_basket(request, db, clock, code, refusal=refusal)
    remember_proof(request, seen.place.table_id, seen.place.turn)
    await sit_down(request, db, clock, seen, "")
    return await show_basket(request, db, clock, code) if wants_fragment(request) else back_to_table(request, code)


@post("/t/{code:str}/guests/{guest_id:str}/let-in", status_code=200, summary="Let somebody order at one's table")
async def let_in(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    code: FromPath[str],
    guest_id: FromPath[str],
) -> Response[Any]:
    """Say that somebody sits here: what they had asked to send goes to the kitchen."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    meal, _ = at_table(seen)
    if seen.must_be_let_in:
        raise NotAllowed(admission.NOT_IN_YET)
    await admission.let_in(db, meal.sitting, guest_id, f"guest:{seen.me.id if seen.me else ''}", clock.now())
    return await show_basket(request, db, clock, code) if wants_fragment(request) else back_to_table(request, code)


router = Router(path="/", route_handlers=[word, let_in], exception_handlers={Moved: follow})
