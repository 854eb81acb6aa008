"""The office's page about ordering ahead: on or off, ways, hours, what the kitchen can make, rules for customers.

What is changed here counts for the next order; promises that were given keep the rules they were given under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.editing import stations
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.online import offers
from saoma.online.hours import WEEKDAYS, read_hours, write_hours
from saoma.online.reckoning import UNPAID_HOURS
from saoma.online.visits import path_of
from saoma.settings import Settings
from saoma.web.page import page

_MAY: Final = [needs(May.EDIT_MENU)]
#: Whole numbers of the form: their least and their most.
_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "capacity": (1, 1000),
    "lead_minutes": (0, 1440),
    "days_ahead": (0, 30),
    "hold_minutes": (5, 240),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "pay": ("ahead", "choice"),
    "counts": ("dishes", "minutes"),
    "no_show": ("kept", "refunded"),
}
EVERY: Final = (5, 10, 15, 20, 30, 60)


async def _show(
    request: AnyRequest,
    db: Database,
    settings: Settings,
    template: str = "online/office.html",
    refusal: Refused | None = None,
    said: Mapping[str, Any] | None = None,
) -> Response[Any]:
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        has_menu = await tx.value("SELECT 1 FROM menus WHERE store_id = %(store)s", {"store": at.store.id})
        offer = await offers.set_up(tx, at.store.id) if has_menu else None
        places = await stations(tx, at.store.id) if has_menu else []
        merchant = await model.merchant(tx, at.store.merchant_id)
    address = settings.public_url.rstrip("/") + path_of(offer.code) if offer else ""
    return page(
        request,
        template,
        status_code=refusal.status if refusal else 200,
        at=at,
        merchant=merchant,
        offer=offer,
        stations=places,
        weekdays=[(day, name, write_hours(day, offer.hours) if offer else "") for day, name in enumerate(WEEKDAYS)],
        address=address,
        every=EVERY,
        unpaid_hours=UNPAID_HOURS,
        refusal=refusal,
        said=said or {},
        saved=request.query_params.get("saved") == "1",
        zone=at.store.zone,
    )


@get("/office/online", guards=_MAY, summary="Ordering ahead")
async def show(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """All that is set, and the code to print."""
    return await _show(request, db, settings)


@get("/office/online/print", guards=_MAY, summary="The code to print")
async def print_sheet(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """One A4 sheet for the window."""
    return await _show(request, db, settings, "online/office_print.html")


@post("/office/online", guards=_MAY, summary="Save ordering ahead")
async def save(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """Take the whole form or nothing of it."""
    form = await request.form()
    said = {name: str(value) for name, value in form.multi_items()}
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await offers.set_up(tx, at.store.id)
            known = {station.id for station in await stations(tx, at.store.id)}
            values, hours = _read(said, known)
            await offers.change(tx, at.store.id, values)
            await offers.set_hours(tx, at.store.id, hours)
            await audit.note(
                tx, clock, who=at.staff.id, what="changed_ahead", subject=at.store.id, merchant_id=at.store.merchant_id
            )
    except (Invalid, Conflict) as refusal:
        return await _show(request, db, settings, refusal=refusal, said=said)
    return Redirect("/office/online?saved=1", status_code=HTTP_303_SEE_OTHER)


def _read(said: Mapping[str, str], stations_here: set[str]) -> tuple[dict[str, Any], list[Any]]:
    """The columns and the hours that the form means. Raises `Invalid`."""
    values: dict[str, Any] = {name: name in said for name in ("takes", "eat_here", "pick_up")}
    if values["takes"] and not (values["eat_here"] or values["pick_up"]):
        raise Invalid("Choose at least one way: eat here or pick up.")
    for name, (least, most) in _NUMBERS.items():
        values[name] = _number(said.get(name, ""), least, most)
    for name, choices in _CHOICES.items():
        values[name] = said.get(name) if said.get(name) in choices else choices[0]
    every = said.get("every_minutes", "")
    values["every_minutes"] = int(every) if every.isdecimal() and int(every) in EVERY else 15
    values["stations"] = {
        station: _number(said[f"station-{station}"], 1, 1000)
        for station in sorted(stations_here)
        if said.get(f"station-{station}", "").strip()
    }
    hours = [span for day in range(7) for span in read_hours(day, said.get(f"hours-{day}", ""))]
    return values, hours


def _number(text: str, least: int, most: int) -> int:
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal() and least <= int(typed) <= most):
        raise Invalid("Write a whole number from {least} to {most}.", least=least, most=most)
    return int(typed)


@post("/office/online/today", guards=_MAY, summary="Close for today, or open again")
async def today(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Nothing more is made today: no new orders, and what was promised is put before a person when its time comes."""
    closes = (await request.form()).get("closed") == "yes"
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        day = clock.now().astimezone(ZoneInfo(at.store.zone)).date()
        await offers.set_up(tx, at.store.id)
        await offers.change(tx, at.store.id, {"closed_on": day if closes else None})
        what = "closed_ahead" if closes else "opened_ahead"
        await audit.note(tx, clock, who=at.staff.id, what=what, subject=at.store.id, merchant_id=at.store.merchant_id)
    return Redirect("/office/online", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, print_sheet, save, today])
