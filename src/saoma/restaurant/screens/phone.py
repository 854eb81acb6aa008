"""The diner's phone: one page per table code, with the menu, and one dish in a sheet.

Opening the page inside the wallet leads through the authorization first; every other page and button works without
JavaScript too, so a handler answers either a fragment (htmx asks) or a whole page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.menus.menu import Item, Menu, offered
from saoma.food.orders.alike import alike
from saoma.food.orders.pricing import change_of
from saoma.identity.wallet_sign_in import authorize_path
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money, total
from saoma.kit.seal import Seal
from saoma.restaurant import showing
from saoma.restaurant.admission import waiting_beside
from saoma.restaurant.codes import turn_in
from saoma.restaurant.model import Strength
from saoma.restaurant.ordered_ahead import AheadOrder, AheadOrders
from saoma.restaurant.tables import path_of, place
from saoma.restaurant.visits import AnyRequest, Moved, Visit, arrive, remember_proof, remember_seat, visit
from saoma.settings import Settings
from saoma.web.page import fragment, page, wants_fragment

_ASKED: Final = "alipay_asked"
#: A wallet that gave no buyer is not asked again this soon: the page opens without one instead of going in circles.
_ASK_AGAIN_AFTER: Final = timedelta(seconds=30)


def back_to_table(request: AnyRequest, code: str) -> Response[Any]:
    """Send the phone to the table's page, whoever asks."""
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": path_of(code)})
    return Redirect(path_of(code), status_code=HTTP_303_SEE_OTHER)


def follow(request: AnyRequest, moved: Moved) -> Response[Any]:
    """The answer to a phone whose party was moved: its new table's page, where it is the guest that it was."""
    remember_seat(request, moved.there.table_id, moved.guest_id)
    return back_to_table(request, moved.there.code)


def live_topics(seen: Visit) -> list[str]:
    """What this phone may hear: its own table once it has sat down, and the menu."""
    topics = [f"menu:{seen.place.store_id}"]
    if seen.meal is not None:
        topics += [seen.meal.sitting.topic, f"tab:{seen.meal.sitting.tab_id}"]
    return topics


def table_context(seen: Visit) -> dict[str, Any]:
    """What every page of a table shows: shop, table, people, the basket's bar."""
    meal = seen.meal
    currency = seen.place.currency
    basket = meal.basket if meal else ()
    return {
        "seen": seen,
        "place": seen.place,
        "code": seen.place.code,
        "me": seen.me,
        "meal": meal,
        "bill": meal.bill if meal else None,
        "people": meal.guests if meal else (),
        "basket": basket,
        "basket_count": sum(line.quantity for line in basket),
        "basket_total": total((line.money for line in basket), currency),
        "nothing": Money.zero(currency),
        "counts": showing.counts(basket, seen.me),
        "stages": showing.stages(meal.ordered, meal.carried) if meal else [],
        "waiting_beside": waiting_beside(meal.guests, seen.me) if meal else [],
        "own_paid": showing.own_paid(meal.shares, seen.me) if meal else [],
        "topics": live_topics(seen),
        "zone": seen.place.zone,
        "by_person": showing.by_person,
        "alike": alike,
        "own": showing.own,
        "sum_of": showing.sum_of,
        "change_of": change_of,
        "before_of": showing.before_of,
        "refunded_of": showing.refunded_of,
    }


async def ordered_before(
    request: AnyRequest, rows: Rows, ahead: AheadOrders | None, seen: Visit, now: datetime
) -> Sequence[AheadOrder]:
    """What this phone's holder ordered before coming, as far as the phone proves that it is theirs."""
    if ahead is None:
        return []
    buyer_id = seen.buyer_id if seen.in_wallet else ""
    return await ahead.of_phone(rows, request.session, seen.place.store_id, buyer_id, now)


def _asked_lately(request: AnyRequest, clock: Clock, account_id: str) -> bool:
    asked = request.session.get(f"{_ASKED}:{account_id}")
    return isinstance(asked, float) and clock.now().timestamp() - asked < _ASK_AGAIN_AFTER.total_seconds()


@get("/t/{code:str}", name="table", summary="A table's page")
async def table_page(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    seal: NamedDependency[Seal],
    code: FromPath[str],
    ordered_ahead: NamedDependency[AheadOrders | None] = None,
) -> Response[Any]:
    """The menu at a table. Inside the wallet an unknown buyer is sent to the silent authorization first.

    A code that rotates brings `k`: that of the party of now is kept in the session, an older one is told so."""
    shown_code = request.query_params.get("k", "")
    if shown_code:
        return await _proved(request, db, seal, code, shown_code)
    seen = await arrive(request, db, clock, code)
    old = request.query_params.get("old") == "1"
    if seen.in_wallet and not seen.buyer_id and not _asked_lately(request, clock, seen.place.account_id):
        request.session[f"{_ASKED}:{seen.place.account_id}"] = clock.now().timestamp()
        back = path_of(code) + ("?old=1" if old else "")
        return Redirect(authorize_path(back, seen.place.account_id), status_code=HTTP_303_SEE_OTHER)
    async with db.reading() as rows:
        shown = await offered(rows, seen.place.store_id, "table", clock.now())
        before = await ordered_before(request, rows, ordered_ahead, seen, clock.now())
    address = settings.public_url + path_of(code)
    return page(
        request,
        "restaurant/phone.html",
        menu=shown,
        key=new_id("tap"),
        address="" if seen.in_wallet else address,
        ordered_before=before,
        old_code=old and seen.place.strength is not Strength.OPEN,
        authorize=authorize_path(path_of(code), seen.place.account_id),
        **table_context(seen),
    )


async def _proved(request: AnyRequest, db: Database, seal: Seal, code: str, shown_code: str) -> Response[Any]:
    """Keep what a code that rotates proves, and go on to the table's page, whose address may be seen by anyone."""
    async with db.reading() as rows:
        here = await place(rows, code)
    if turn_in(seal, shown_code, here.table_id) != here.turn:
        return Redirect(f"{path_of(code)}?old=1", status_code=HTTP_303_SEE_OTHER)
    remember_proof(request, here.table_id, here.turn)
    return Redirect(path_of(code), status_code=HTTP_303_SEE_OTHER)


@get("/t/{code:str}/menu", summary="The menu's dishes again, after one sold out")
async def menu_fragment(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], code: FromPath[str]
) -> Response[Any]:
    """The list of dishes as it is now."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
        shown = await offered(rows, seen.place.store_id, "table", clock.now())
    context = table_context(seen) | {"menu": shown, "key": new_id("tap")}
    return fragment(request, "restaurant/phone.html", "dishes", **context)


@get("/t/{code:str}/bar", summary="The bar at the foot")
async def bar(request: AnyRequest, db: NamedDependency[Database], code: FromPath[str]) -> Response[Any]:
    """People, the basket's total, and the way to basket and bill."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
    return bar_again(request, seen)


def bar_again(request: AnyRequest, seen: Visit, *, joined: bool = False) -> Response[Any]:
    """The bar and the card above the menu, after something changed; `joined` when the phone has just sat down."""
    return fragment(request, "restaurant/phone_update.html", "update", joined=joined, **table_context(seen))


@get("/t/{code:str}/dish/{item_id:str}", summary="One dish with its choices")
async def dish_sheet(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    code: FromPath[str],
    item_id: FromPath[str],
) -> Response[Any]:
    """Photo, words, choices and quantity of one dish."""
    async with db.reading() as rows:
        seen = await visit(request, rows, code)
        item = find_dish(await offered(rows, seen.place.store_id, "table", clock.now()), item_id)
    context = table_context(seen) | {"dish": item, "key": new_id("tap")}
    if wants_fragment(request):
        return fragment(request, "restaurant/phone_dish.html", "sheet", **context)
    return page(request, "restaurant/phone_dish.html", **context)


def find_dish(shown: Menu, item_id: str) -> Item:
    """The dish on the menu. Raises `NotFound` when it isn't there (any more)."""
    item = shown.item(item_id)
    if item is None:
        raise NotFound("This dish is no longer on the menu.")
    return item


router = Router(
    path="/", route_handlers=[table_page, menu_fragment, bar, dish_sheet], exception_handlers={Moved: follow}
)
