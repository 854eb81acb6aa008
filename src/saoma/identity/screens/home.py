"""Where staff arrive after signing in: a tile for each screen they may use.

A tile that is not shown is also guarded on its own screen; hiding is a courtesy, not a lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency

from saoma.identity import model
from saoma.identity.guards import needs, staff_of, terminal_of
from saoma.identity.roles import May
from saoma.kit.db import Database
from saoma.web.page import page


@dataclass(frozen=True, slots=True)
class Tile:
    """One screen to go to. `title` and `what` are texts' keys."""

    path: str
    title: str
    what: str
    icon: str
    may: May


#: In the order of how often they are opened in a day.
TILES: Final = (
    Tile("/till", "Till", "Open bills, take payments", "receipt", May.SEE_BILLS),
    Tile("/tablet", "Tablet", "Check bills out at the table or the exit", "tablet", May.SEE_BILLS),
    Tile("/counter", "Counter", "Take orders at the counter, call numbers", "store", May.TAKE_ORDERS),
    Tile("/kiosk/open", "Kiosk", "Let customers order by themselves on this device", "tablet", May.TAKE_ORDERS),
    Tile(
        "/online",
        "Orders ahead",
        "Orders for later: when, who is here, who has paid",
        "calendar-clock",
        May.TAKE_ORDERS,
    ),
    Tile("/kitchen", "Kitchen", "Dishes to cook, by age", "chef-hat", May.SEE_KITCHEN),
    Tile("/kitchen/pass", "Pass", "Courses to fire, dishes to carry", "bell", May.TAKE_ORDERS),
    Tile("/runner", "To the tables", "Dishes that are ready, to carry", "hand-platter", May.CARRY_DISHES),
    Tile("/courier", "Orders to bring", "Your deliveries, from picking up to the door", "bike", May.DELIVER),
    Tile("/deliveries", "Deliveries", "Who brings what, and what waits", "map-pinned", May.DISPATCH),
    Tile("/office/menu", "Menu", "Dishes, prices, photos, sold out", "book-open", May.EDIT_MENU),
    Tile(
        "/office/online",
        "Ordering ahead",
        "Times, what the kitchen can make, the code to print",
        "qr-code",
        May.EDIT_MENU,
    ),
    Tile("/office/offers", "Offers", "Discounts, coupons, points, and what they do", "badge-percent", May.EDIT_OFFERS),
    Tile("/till/takings", "Takings", "What came in today, by way to pay", "banknote", May.SEE_PAYMENTS),
    Tile("/till/shift", "Shift", "Open with a float, count and close", "calculator", May.TAKE_PAYMENTS),
    Tile("/till/shifts", "All shifts", "Every till's count, and who explains a difference", "wallet", May.SEE_SHIFTS),
    Tile("/practice", "Practice", "Errors at the till, to try out safely", "graduation-cap", May.TAKE_PAYMENTS),
    Tile("/office/tables", "Tables", "Table codes to print", "qr-code", May.EDIT_TABLES),
    Tile("/office/delivery", "Delivery", "Areas, fees and rules", "map", May.EDIT_DELIVERY),
    Tile("/office/codes", "Shop codes", "Codes where customers type the amount", "scan-line", May.EDIT_TABLES),
    Tile("/console", "Console", "Cases, payments, alarms, daily files", "shield-check", May.RULE_CASES),
    Tile(
        "/console/cases",
        "Cases",
        "Payments that need a person, and every payment's story",
        "shield-check",
        May.APPROVE_REFUNDS,
    ),
    Tile("/office/terminals", "Devices", "Tills and kitchen displays", "monitor", May.PAIR_TERMINALS),
    Tile("/office/api-keys", "API keys", "Keys for your own programs", "key-round", May.EDIT_STAFF),
)


def tiles_for(staff: model.Staff) -> list[Tile]:
    """The screens this person may use."""
    return [tile for tile in TILES if staff.may(tile.may)]


@get("/staff", guards=[needs()])
async def show_home(request: Request[Any, Any, Any], db: NamedDependency[Database]) -> Response[Any]:
    """The tiles of whoever is signed in."""
    staff = staff_of(request)
    async with db.reading() as rows:
        stores = await model.stores_of(rows, staff)
        terminal = await terminal_of(request, rows)
    return page(request, "identity/home.html", staff=staff, stores=stores, terminal=terminal, tiles=tiles_for(staff))


router = Router("/", route_handlers=[show_home])
