"""Setting up a device's receipt printer: address, width of paper, letters, and whether a drawer hangs on it.

An empty address forgets the printer; receipts are then printed by the browser, or taken along as files."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout import shifts
from saoma.checkout.printing import KnownPrinter, printer_of, set_printer
from saoma.checkout.screens.place import place_of
from saoma.gateway import is_practice
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, Refused
from saoma.settings import Settings
from saoma.web.page import page


@get("/till/printer", guards=[needs(May.PAIR_TERMINALS)], summary="This device's receipt printer")
async def show_printer(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Where the printer is and what it can do."""
    return await _printer_page(request, db, {}, None)


async def _printer_page(
    request: AnyRequest, db: Database, typed: dict[str, Any], refusal: Refused | None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await place_of(request, rows)
        printer = await printer_of(rows, at.store.id, at.terminal_id)
    status = refusal.status if refusal is not None else 200
    return page(
        request, "checkout/printer.html", status_code=status, at=at, printer=printer, typed=typed, refusal=refusal
    )


@post("/till/printer", guards=[needs(May.PAIR_TERMINALS)], status_code=200, summary="Set up a receipt printer")
async def keep_printer(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Keep the printer's address; an empty one forgets it."""
    form = await request.form()
    millimetres = str(form.get("millimetres", "80"))
    try:
        async with db.transaction() as tx:
            at = await place_of(request, tx)
            wanted = KnownPrinter(
                store_id=at.store.id,
                terminal_id=at.terminal_id,
                address=str(form.get("address", ""))[:64],
                millimetres=int(millimetres) if millimetres in ("58", "80") else 0,
                letters=str(form.get("letters", "gbk")),
                has_drawer=form.get("has_drawer") == "on",
            )
            if is_practice(at.store.merchant_id):
                raise Invalid(shifts.NOT_IN_PRACTICE)
            await set_printer(tx, wanted, loopback=settings.loopback_printers)
    except Invalid as refusal:
        return await _printer_page(request, db, dict(form), refusal)
    return Redirect("/till/shift", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show_printer, keep_printer])
