"""The shift at a till: open it with a counted float, put cash in and out, count and close; a manager sees them all.

Whoever counts is not told beforehand what must be there. A difference is shown once the count is in, and the shift
closes when somebody has said why, or has counted again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout import shifts
from saoma.checkout.cash import counted, denominations
from saoma.checkout.paper import Paper, kind_of
from saoma.checkout.paper_escpos import escpos
from saoma.checkout.paper_ways import NO_PRINTER, way_in
from saoma.checkout.printing import KnownPrinter, OutOfReach, printer_of, send
from saoma.checkout.screens.place import place_of
from saoma.checkout.shift_report import ShiftFacts, ShiftFigures, difference_words, shift_paper
from saoma.checkout.shifts import Shift
from saoma.gateway import is_practice
from saoma.identity import model
from saoma.identity.counters import AnyRequest
from saoma.identity.guards import May, needs, staff_of, terminal_at, terminal_of
from saoma.identity.model import Store
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import check_id, new_id
from saoma.kit.money import Money
from saoma.settings import Settings
from saoma.web.page import language_of, page
from saoma.web.texts import money

_HERE: Final = "/till/shift"
#: Cash without a shift stays in the manager's view for so long.
_LOOK_BACK: Final = timedelta(days=14)


async def _shift(request: AnyRequest, rows: Rows, shift_id: str) -> tuple[Shift, Store]:
    """A shift that this person may see: their own, the one at this device, and all of them for a manager."""
    staff = staff_of(request)
    stores = {store.id: store for store in await model.stores_of(rows, staff)}
    shift = await shifts.shift_in(rows, list(stores), check_id("sft", shift_id))
    terminal = await terminal_of(request, rows)
    here = shift.is_open and shift.terminal_id == (terminal.id if terminal is not None else "")
    if not (staff.may(May.SEE_SHIFTS) or here or staff.id in (shift.opened_by, shift.closed_by)):
        raise NotFound(NOTHING_HERE)
    return shift, stores[shift.store_id]


async def _paper(
    request: AnyRequest,
    rows: Rows,
    clock: Clock,
    figures: Sequence[ShiftFigures],
    shift: Shift,
    store: Store,
    lang: str,
) -> Paper:
    book = await shifts.entries(rows, shift.id)
    more = [figure for tell in figures for figure in await tell(rows, shift)]
    people = {shift.opened_by, shift.closed_by, *(each.by for each in book), *(each.by for each in more)}
    till = await rows.value("SELECT name FROM terminals WHERE id = %(id)s", {"id": shift.terminal_id})
    return shift_paper(
        ShiftFacts(
            shift=shift,
            book=tuple(book),
            figures=tuple(more),
            names=await model.staff_names(rows, list(people)),
            shop=(store.name_zh or store.name) if lang == "zh" else (store.name or store.name_zh),
            till=str(till or texts(lang)("Devices that aren't paired")),
            zone=store.zone,
            now=clock.now(),
            reveal=staff_of(request).may(May.SEE_SHIFTS),
            lang=lang,
        )
    )


async def _show(request: AnyRequest, db: Database, clock: Clock, **more: Any) -> Response[Any]:
    refusal: Refused | None = more.get("refusal")
    async with db.reading() as rows:
        at = await place_of(request, rows)
        shift = await shifts.open_at(rows, at.store.id, at.terminal_id)
        book = await shifts.entries(rows, shift.id) if shift is not None else []
        names = await model.staff_names(rows, [*(each.by for each in book), *([shift.opened_by] if shift else [])])
        printer = await printer_of(rows, at.store.id, at.terminal_id)
    context: dict[str, Any] = {
        "at": at,
        "shift": shift,
        "moves": [each for each in book if each.kind in ("pay_in", "pay_out")],
        "names": names,
        "forgotten": shift is not None and shift.forgotten(clock.now()),
        "pieces": denominations(shift.currency if shift is not None else at.currency),
        "printer": printer,
        "in_practice": is_practice(at.store.merchant_id),
        "key": new_id("tap"),
        "zone": at.store.zone,
        "counts": {},
        "typed": {},
        "unexplained": None,
        "refusal": None,
    }
    status = refusal.status if refusal is not None else 200
    return page(request, "checkout/shift.html", status_code=status, **context | more)


def _pieces(form: Any, currency: str) -> dict[int, int]:
    """How many of each note and coin a form says. Raises `Invalid` for what is no number."""
    found: dict[int, int] = {}
    for piece in denominations(currency):
        text = str(form.get(f"count_{piece.minor}", "")).strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 4):
            raise Invalid("Count again: write how many there are of each note and coin, from 0 to {most}.", most=9999)
        found[piece.minor] = int(text or "0")
    return found


@get("/till/shift", guards=[needs(May.TAKE_PAYMENTS)], summary="The shift at this till")
async def show_shift(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """The open shift of this device, or the float to begin one with."""
    return await _show(request, db, clock)


@post("/till/shift/open", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Open a shift")
async def open_shift(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Begin with the counted float."""
    form = await request.form()
    try:
        async with db.transaction() as tx:
            at = await place_of(request, tx)
            float_ = counted(_pieces(form, at.currency), at.currency)
            await shifts.begin(tx, clock, at.staff, at.store, at.terminal_id, float_)
    except (Invalid, Conflict) as refusal:
        return await _show(request, db, clock, refusal=refusal, typed=dict(form))
    return Redirect(_HERE, status_code=HTTP_303_SEE_OTHER)


@post("/till/shifts/{shift_id:str}/cash", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Cash in or out")
async def put_cash(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], shift_id: FromPath[str]
) -> Response[Any]:
    """Pay into the drawer or out of it, with a reason. A repeated submit does it once."""
    form = await request.form()
    async with db.reading() as rows:
        shift, _ = await _shift(request, rows, shift_id)
    try:
        amount = Money.parse(str(form.get("amount", "")), shift.currency)
        kind, reason, key = (str(form.get(name, "")) for name in ("kind", "reason", "key"))
        async with db.transaction() as tx:
            await shifts.put(tx, clock, staff_of(request), shift.id, kind, amount, reason, key[:64])
    except (Invalid, Conflict) as refusal:
        return await _show(request, db, clock, refusal=refusal, typed=dict(form))
    return Redirect(_HERE, status_code=HTTP_303_SEE_OTHER)


@post("/till/shifts/{shift_id:str}/close", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Close a shift")
async def close_shift(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], shift_id: FromPath[str]
) -> Response[Any]:
    """Count and close. A difference is shown, and asks for words or for another count."""
    form = await request.form()
    async with db.reading() as rows:
        shift, store = await _shift(request, rows, shift_id)
    pieces: dict[int, int] = {}
    try:
        pieces = _pieces(form, shift.currency)
        seen = str(form.get("seen", ""))
        difference = Money.parse(seen, shift.currency) if seen else None
        words = str(form.get("explanation", "")) if seen else ""
        async with db.transaction() as tx:
            await shifts.close(tx, clock, staff_of(request), shift.id, pieces, words, difference)
    except (Invalid, Conflict) as refusal:
        return await _count_again(request, db, clock, refusal, pieces, shift, store, dict(form))
    return Redirect(f"/till/shifts/{shift_id}", status_code=HTTP_303_SEE_OTHER)


async def _count_again(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    refusal: Refused,
    pieces: dict[int, int],
    shift: Shift,
    store: Store,
    typed: dict[str, Any],
) -> Response[Any]:
    unexplained = refusal if isinstance(refusal, shifts.Unexplained) else None
    said = texts(language_of(request))
    word = difference_words(unexplained.found - unexplained.expected, said) if unexplained else ""
    return page(
        request,
        "checkout/shift_count.html",
        # A difference is a question, and no error.
        status_code=200 if unexplained is not None else refusal.status,
        shift=shift,
        store=store,
        pieces=denominations(shift.currency),
        counts=pieces,
        typed=typed,
        unexplained=unexplained,
        difference_word=word,
        refusal=None if unexplained else refusal,
        zone=store.zone,
    )


@get("/till/shifts/{shift_id:str}/count", guards=[needs(May.TAKE_PAYMENTS)], summary="Count a drawer")
async def count_drawer(request: AnyRequest, db: NamedDependency[Database], shift_id: FromPath[str]) -> Response[Any]:
    """The notes and coins to count, before a shift is closed."""
    async with db.reading() as rows:
        shift, store = await _shift(request, rows, shift_id)
    if not shift.is_open:
        return Redirect(f"/till/shifts/{shift_id}", status_code=HTTP_303_SEE_OTHER)
    pieces = denominations(shift.currency)
    blank: dict[str, Any] = {"counts": {}, "typed": {}, "unexplained": None, "refusal": None, "difference_word": ""}
    return page(request, "checkout/shift_count.html", shift=shift, store=store, pieces=pieces, zone=store.zone, **blank)


@get("/till/shifts/{shift_id:str}", guards=[needs(May.TAKE_PAYMENTS)], summary="A shift's report")
async def show_report(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    shift_figures: NamedDependency[Sequence[ShiftFigures]],
    shift_id: FromPath[str],
) -> Response[Any]:
    """The report on a page, with ways to print it."""
    return await _report(request, db, clock, shift_figures, shift_id)


async def _report(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    figures: Sequence[ShiftFigures],
    shift_id: str,
    refusal: Refused | None = None,
) -> Response[Any]:
    async with db.reading() as rows:
        shift, store = await _shift(request, rows, shift_id)
        paper = await _paper(request, rows, clock, figures, shift, store, language_of(request))
        printer = await _printer_here(request, rows, store)
    return page(
        request,
        "checkout/shift_report.html",
        status_code=refusal.status if refusal is not None else 200,
        shift=shift,
        store=store,
        paper=paper,
        kind_of=kind_of,
        printer=printer,
        refusal=refusal,
        sent=refusal is None and request.query_params.get("sent") == "1",
        sees_all=staff_of(request).may(May.SEE_SHIFTS),
        zone=store.zone,
    )


async def _printer_here(request: AnyRequest, rows: Rows, store: Store) -> KnownPrinter | None:
    return await printer_of(rows, store.id, await terminal_at(request, rows, store.id))


@post("/till/shifts/{shift_id:str}/paper", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Print a report")
async def put_on_paper(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    shift_figures: NamedDependency[Sequence[ShiftFigures]],
    shift_id: FromPath[str],
) -> Response[Any]:
    """Send the report to this device's printer, or hand it out as a file."""
    way = way_in(await request.form(), ("printer", "pdf", "escpos"))
    async with db.reading() as rows:
        shift, store = await _shift(request, rows, shift_id)
        printer = await _printer_here(request, rows, store)
        lang = "en" if way.western(printer) else language_of(request)
        paper = await _paper(request, rows, clock, shift_figures, shift, store, lang)
    if (file := way.file(paper, f"shift-{shift.opened_at:%Y-%m-%d}-{shift.id[-6:]}")) is not None:
        return file
    try:
        if printer is None:
            raise Invalid(NO_PRINTER)
        await send(printer.address, escpos(paper, printer.printer), loopback=settings.loopback_printers)
    except (Invalid, OutOfReach) as refusal:
        return await _report(request, db, clock, shift_figures, shift_id, refusal)
    return Redirect(f"/till/shifts/{shift_id}?sent=1", status_code=HTTP_303_SEE_OTHER)


@get("/till/shifts", guards=[needs(May.SEE_SHIFTS)], summary="A store's shifts")
async def list_shifts(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Every shift with its difference, the forgotten ones, and cash that was taken outside of any."""
    now = clock.now()
    async with db.reading() as rows:
        at = await place_of(request, rows)
        found = await shifts.latest(rows, at.store.id)
        loose = await shifts.outside(rows, at.store.id, now - _LOOK_BACK)
        people = [*(each.opened_by for each in found), *(each.closed_by for each in found), *(one.by for one in loose)]
        names = await model.staff_names(rows, people)
        tills = {one.id: one.name for one in await model.terminals_of(rows, at.store.id)}
    said, lang = texts(language_of(request)), language_of(request)
    words = {
        each.id: f"{difference_words(end.difference, said)} {money(end.difference, lang) if end.difference else ''}"
        for each in found
        if (end := each.closing) is not None
    }
    return page(
        request,
        "checkout/shift_list.html",
        at=at,
        found=found,
        loose=loose,
        names=names,
        tills=tills,
        words=words,
        now=now,
        zone=at.store.zone,
    )


router = Router(
    "/",
    route_handlers=[
        *(show_shift, open_shift, put_cash, count_drawer, close_shift),
        *(show_report, put_on_paper, list_shifts),
    ],
)
