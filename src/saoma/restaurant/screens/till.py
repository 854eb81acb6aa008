"""The till: open bills on the left, one bill on the right, and the scanner always ready.

A cashier needs three touches from bill to paid: the tile, the scan, done. Everything also works by keyboard alone."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.giving_back import RefundDraft, given_back
from saoma.food.model import LineStatus
from saoma.food.orders import offline
from saoma.food.orders.courses import COURSE_NAMES, STAGED, Course
from saoma.food.orders.discounts import discounts_of
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.identity.model import staff_names
from saoma.identity.roles import refund_limit
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NotFound
from saoma.kit.ids import new_id
from saoma.kit.money import Money
from saoma.payments import arrivals, refund
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.restaurant import moving, showing, sittings
from saoma.restaurant.bill import MOST_WAYS
from saoma.restaurant.bills import closed_bills, free_tables, open_bills
from saoma.restaurant.model import Sitting, Table
from saoma.restaurant.shares import KIND
from saoma.restaurant.sittings import Meal
from saoma.web.page import fragment, moved_to, page, wants_fragment

NO_SUCH_BILL: Final = "There is no such bill here."


async def bill_at(rows: Rows, at: Counter, sitting_id: str) -> tuple[Sitting, Table]:
    """A sitting of this till's store and its table. Raises `NotFound` for any other."""
    sitting = await rows.maybe(
        Sitting,
        "SELECT id, table_id, store_id, tab_id, currency, status, opened_at, covered_at, closed_at, split_ways,"
        " merged_into, bill_asked_at FROM sittings WHERE id = %(id)s AND store_id = %(store)s",
        {"id": sitting_id, "store": at.store.id},
    )
    if sitting is None:
        raise NotFound(NO_SUCH_BILL)
    table = await rows.one(
        Table, "SELECT id, store_id, code, name, area FROM dining_tables WHERE id = %(id)s", {"id": sitting.table_id}
    )
    return sitting, table


async def tiles_context(rows: Rows, at: Counter, selected: str = "") -> dict[str, Any]:
    """What the left side shows."""
    return {
        "at": at,
        "selected": selected,
        "tiles": await open_bills(rows, at.store.id),
        "free": await free_tables(rows, at.store.id),
        "closed": await closed_bills(rows, at.store.id),
        "zone": at.store.zone,
        "offline_waiting": await offline.count_in_trouble(rows, at.store.id),
        "arrived": await arrivals.waiting_at(rows, at.store.id) if at.takes_payments else [],
        "refunds_waiting": len(await refund.waiting(rows, at.store.merchant_id, at.store.id)) if at.asks_refunds else 0,
    }


async def bill_context(rows: Rows, at: Counter, sitting_id: str) -> dict[str, Any]:
    """What the right side shows of one bill."""
    sitting, table = await bill_at(rows, at, sitting_id)
    meal = await sittings.meal(rows, sitting)
    payments = await moving.payments_on(rows, KIND, sitting_id)
    discounts = await discounts_of(rows, sitting.tab_id)
    struck = [line for line in meal.lines if line.status is LineStatus.VOID]
    return {
        "at": at,
        "sitting": sitting,
        "table": table,
        "meal": meal,
        "bill": meal.bill,
        "people": meal.guests,
        "taken": [payment for payment in payments if payment.status is Status.SUCCEEDED],
        "running": [payment for payment in payments if payment.open],
        "stuck": [payment for payment in payments if payment.status is Status.NEEDS_ATTENTION],
        "free_lines": free_lines(meal),
        "discounts": discounts,
        "struck": struck,
        "names": await staff_names(rows, {line.void_by for line in struck} | {each.by for each in discounts}),
        "due_of": showing.due_of,
        "waiting_courses": waiting_courses(meal),
        "ways_offered": ways_offered(sitting, len(meal.guests)),
        "course_names": COURSE_NAMES,
        "tip_of": tip_of,
        "by_person": showing.by_person,
        "sum_of": showing.sum_of,
        "method_names": showing.METHOD_NAMES,
        "back": given_back(await moving.refunds_on(rows, KIND, sitting_id)) if payments else frozenset(),
        "waiting_for": {one.payment_id for one in await refund.waiting(rows, at.store.merchant_id, at.store.id)},
        "refund_alone": refund_limit(at.staff.roles, sitting.currency),
        "key": new_id("tap"),
        "zone": at.store.zone,
    }


def ways_offered(sitting: Sitting, people: int) -> list[int]:
    """By how many people the till offers to split: the small numbers, those who sit there, and what the table said."""
    named = {*range(2, 6), people, sitting.split_ways or 2}
    return sorted(ways for ways in named if 2 <= ways <= MOST_WAYS)


def waiting_courses(meal: Meal) -> list[tuple[Course, int]]:
    """The courses that the kitchen has not been let begin, and how many pieces of each."""
    held = [line for line in meal.ordered if line.hold]
    pieces = [(course, sum(line.quantity for line in held if line.course == course)) for course in STAGED]
    return [(course, count) for course, count in pieces if count]


def tip_of(payment: Payment) -> Money:
    """What of a payment was on top of the bill."""
    return Money(int(payment.part.get("tip", 0)), payment.currency)


def free_lines(meal: Meal) -> set[str]:
    """The dishes that nobody has paid or is paying."""
    bill = meal.bill
    return {dish.line_id for dish in bill.dishes if dish.line_id not in bill.claims} if bill.left else set()


def path_to(sitting_id: str) -> str:
    """Where one bill is on the till."""
    return f"/till/bills/{sitting_id}"


async def show_bill(
    request: AnyRequest,
    db: Database,
    sitting_id: str,
    *,
    status_code: int = 200,
    refusal: Any = None,
    draft: RefundDraft | None = None,
) -> Response[Any]:
    """The bill: the pane alone for htmx, the whole till otherwise. With `draft`, that refund's dialog is open."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        context = await bill_context(rows, at, sitting_id) | {"refusal": refusal, "draft": draft}
        if wants_fragment(request):
            headers = moved_to(request, path_to(sitting_id))
            return fragment(request, "restaurant/till_bill.html", "pane", headers=headers, **context)
        tiles = await tiles_context(rows, at, sitting_id)
    return page(request, "restaurant/till_bill.html", status_code=status_code, **tiles | context)


async def show_pane(
    request: AnyRequest,
    db: Database,
    template: str,
    where: str,
    context: dict[str, Any],
    *,
    sitting_id: str,
    status_code: int = 200,
) -> Response[Any]:
    """The right side with something else than the bill: the pane alone for htmx, the whole till otherwise."""
    if wants_fragment(request):
        return fragment(request, template, "pane", headers=moved_to(request, where), **context)
    async with db.reading() as rows:
        tiles = await tiles_context(rows, await standing_at(request, rows), sitting_id)
    return page(request, template, status_code=status_code, **tiles | context)


async def bill_again(request: AnyRequest, db: Database, sitting_id: str) -> Response[Any]:
    """Back to the bill after something on it was changed."""
    if wants_fragment(request):
        return await show_bill(request, db, sitting_id)
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


@get("/till", guards=[needs(May.SEE_BILLS)], summary="The till")
async def till(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Open bills, and nothing chosen yet."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        context = await tiles_context(rows, at)
    return page(request, "restaurant/till.html", **context)


@get("/till/bills", guards=[needs(May.SEE_BILLS)], summary="The till's open bills")
async def bills(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The left side again, after something changed."""
    async with db.reading() as rows:
        context = await tiles_context(rows, await standing_at(request, rows), request.query_params.get("selected", ""))
    return fragment(request, "restaurant/till_tiles.html", "tiles", **context)


@get("/till/bills/{sitting_id:str}", guards=[needs(May.SEE_BILLS)], summary="One bill on the till")
async def bill(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """A bill with its lines by person, and the ways to take its money; of one that went into another, that one."""
    async with db.reading() as rows:
        sitting, _ = await bill_at(rows, await standing_at(request, rows), sitting_id)
        lives_on = await moving.lives_on(rows, sitting_id)
    if sitting.merged_into is not None:
        return _to_bill(request, lives_on)
    paid_by = request.query_params.get("refund", "")
    lines = frozenset(request.query_params.getall("line", []))
    draft = RefundDraft(paid_by, lines, typed="", reason="") if paid_by else None
    return await show_bill(request, db, sitting_id, draft=draft)


def _to_bill(request: AnyRequest, sitting_id: str) -> Response[Any]:
    if wants_fragment(request):
        return Response(None, status_code=204, headers={"HX-Redirect": path_to(sitting_id)})
    return Redirect(path_to(sitting_id), status_code=HTTP_303_SEE_OTHER)


@post("/till/tables/{table_id:str}/open", guards=[needs(May.TAKE_ORDERS)], summary="Begin a bill for a table")
async def open_table(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], table_id: FromPath[str]
) -> Response[Any]:
    """Seat people who don't scan: a bill for the table, its order page next."""
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        sitting = await sittings.open_for_staff(tx, at.store.id, table_id, clock.now())
    return Redirect(f"{path_to(sitting.id)}/order", status_code=HTTP_303_SEE_OTHER)


@post("/till/bills/{sitting_id:str}/close", guards=[needs(May.SEE_BILLS)], summary="Close a bill")
async def close_bill(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """End a sitting that owes nothing; the next scan begins a new one."""
    async with db.transaction() as tx:
        at = await standing_at(request, tx)
        sitting, _ = await bill_at(tx, at, sitting_id)
        if sitting.merged_into is not None:
            return _to_bill(request, await moving.lives_on(tx, sitting_id))
        await sittings.close(tx, sitting_id, clock.now(), by=at.staff.id)
        await audit.note(
            tx, clock, who=at.staff.id, what="closed_bill", subject=sitting_id, merchant_id=at.store.merchant_id
        )
    return Redirect("/till", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[till, bills, bill, open_table, close_bill])
