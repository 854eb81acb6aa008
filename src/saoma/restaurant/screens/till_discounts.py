"""Discounts by hand at the till: so much, off these dishes or all, why, by whom; taken off again while unpaid.

How much a person may give is their role's limit, and counts what others gave on the same bill."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.orders.discounts import Kind, discounts_of, put, take_off
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.identity.roles import discount_limit
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from saoma.kit.i18n import texts
from saoma.kit.ids import new_id
from saoma.restaurant import showing, sittings
from saoma.restaurant.by_hand import DISCOUNT_REASONS, Off, names, reason_of, shares_of
from saoma.restaurant.coupons import enter_coupon
from saoma.restaurant.screens.till import bill_again, bill_at, free_lines, path_to, show_pane
from saoma.web.presses import press_key

_MAY: Final = [needs(May.GIVE_DISCOUNTS)]
_NOTHING_TYPED: Final[dict[str, Any]] = {"lines": (), "off": "percent", "typed": "", "reason": "", "words": ""}
BILL_OVER: Final = "This bill is closed. Give money back with a refund instead."


async def _pane(
    request: AnyRequest,
    db: Database,
    sitting_id: str,
    refusal: Refused | None = None,
    draft: dict[str, Any] | None = None,
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        sitting, table = await bill_at(rows, at, sitting_id)
        meal = await sittings.meal(rows, sitting)
        open_ones = free_lines(meal)
        limit = discount_limit(at.staff.roles, sitting.currency)
        before = await discounts_of(rows, sitting.tab_id)
        context: dict[str, Any] = {
            "at": at,
            "sitting": sitting,
            "table": table,
            "bill": meal.bill,
            "unpaid": [line for line in meal.ordered if line.id in open_ones],
            "by_person": showing.by_person,
            "people": meal.guests,
            "discounts": before,
            "limit": limit,
            "reasons": DISCOUNT_REASONS,
            "refusal": refusal,
            "draft": draft or _NOTHING_TYPED,
            "key": new_id("tap"),
        }
    where = f"{path_to(sitting_id)}/discount"
    status = refusal.status if refusal else 200
    return await show_pane(
        request, db, "restaurant/till_discount.html", where, context, sitting_id=sitting_id, status_code=status
    )


@get("/till/bills/{sitting_id:str}/discount", guards=_MAY, summary="What may be taken off a bill")
async def show(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """How much, off which dishes, and why."""
    return await _pane(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/discount", guards=_MAY, status_code=200, summary="Take something off a bill")
async def give(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Take a percentage or an amount off the ticked dishes, or off all that nobody has paid. Pressed twice: once."""
    form = await request.form()
    wanted = {str(line) for line in form.getall("line", [])}
    draft: dict[str, Any] = {
        "lines": wanted,
        "off": str(form.get("off", "")),
        "typed": str(form.get("typed", ""))[:32],
        "reason": str(form.get("reason", "")),
        "words": str(form.get("words", ""))[:200],
    }
    try:
        off = Off.AMOUNT if draft["off"] == Off.AMOUNT else Off.PERCENT
        why, listed = reason_of(draft["reason"], draft["words"], DISCOUNT_REASONS)
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await bill_at(tx, at, sitting_id)
            held = await sittings.lock(tx, sitting_id)
            if not held.is_open:
                raise Conflict(BILL_OVER)
            before = await discounts_of(tx, held.tab_id)
            key = press_key(form, whose=at.staff.id)
            if not any(each.key == key for each in before):
                meal = await sittings.meal(tx, held)
                open_ones = free_lines(meal) & wanted if wanted else free_lines(meal)
                lines = [line for line in meal.ordered if line.id in open_ones]
                limit = discount_limit(at.staff.roles, held.currency)
                shares = shares_of(off, draft["typed"], lines, meal.bill.left, limit, before)
                name, name_zh = names(off, draft["typed"])
                given = await put(
                    tx,
                    held.tab_id,
                    kind=Kind.MANUAL,
                    shares=shares,
                    name=name,
                    name_zh=name_zh,
                    why=why,
                    why_zh=texts("zh")(why) if listed else why,
                    by=at.staff.id,
                    key=key,
                )
                await audit.note(
                    tx,
                    clock,
                    who=at.staff.id,
                    what="gave_discount",
                    subject=sitting_id,
                    merchant_id=at.store.merchant_id,
                    detail={"discount": given.id, "amount": str(given.amount), "name": name, "reason": why},
                )
                await sittings.reckon(tx, held, clock.now())
    except (Conflict, Invalid, NotAllowed) as refusal:
        return await _pane(request, db, sitting_id, refusal, draft)
    return await bill_again(request, db, sitting_id)


@post(
    "/till/bills/{sitting_id:str}/discounts/{discount_id:str}/off",
    guards=_MAY,
    status_code=200,
    summary="Take a discount off again",
)
async def withdraw(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    sitting_id: FromPath[str],
    discount_id: FromPath[str],
) -> Response[Any]:
    """Undo a discount somebody gave by hand, as far as its dishes are unpaid. Pressed twice, it is undone once."""
    try:
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await bill_at(tx, at, sitting_id)
            held = await sittings.lock(tx, sitting_id)
            before = {each.id: each for each in await discounts_of(tx, held.tab_id)}
            which = before.get(discount_id)
            if which is not None and which.kind is not Kind.MANUAL:
                raise NotFound("This discount is not there any more.")
            if not held.is_open:
                raise Conflict(BILL_OVER)
            if which is not None and await take_off(tx, held.tab_id, discount_id):
                await audit.note(
                    tx,
                    clock,
                    who=at.staff.id,
                    what="withdrew_discount",
                    subject=sitting_id,
                    merchant_id=at.store.merchant_id,
                    detail={"discount": discount_id, "amount": str(which.amount), "given_by": which.by},
                )
                await sittings.reckon(tx, held, clock.now())
    except (Conflict, NotFound) as refusal:
        return await _pane(request, db, sitting_id, refusal)
    return await bill_again(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/coupon", guards=_MAY, status_code=200, summary="Enter a coupon at the till")
async def coupon(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Use a code that a guest shows. The same code again changes nothing."""
    try:
        async with db.transaction() as tx:
            await bill_at(tx, await standing_at(request, tx), sitting_id)
            await enter_coupon(tx, sitting_id, str((await request.form()).get("coupon", ""))[:64], clock.now())
    except Refused as refusal:
        return await _pane(request, db, sitting_id, refusal)
    return await bill_again(request, db, sitting_id)


router = Router(path="/", route_handlers=[show, give, withdraw, coupon])
