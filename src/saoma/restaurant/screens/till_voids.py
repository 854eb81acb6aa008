"""Striking dishes from a bill at the till, with a reason: the kitchen is told, the bill shows it and who did it.

A dish that is paid is not struck: the money goes back by a refund, and the way there is offered."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.food.forms import quantity_in
from saoma.food.orders import ordering
from saoma.identity import audit
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import new_id
from saoma.restaurant import showing, sittings
from saoma.restaurant.by_hand import VOID_REASONS, reason_of
from saoma.restaurant.screens.till import bill_again, bill_at, path_to, show_pane
from saoma.restaurant.striking import strike as strike_from
from saoma.web.presses import press_key

_MAY: Final = [needs(May.VOID_LINES)]
_NOTHING_TYPED: Final[dict[str, Any]] = {"lines": (), "reason": "", "words": ""}
CHOOSE: Final = "Tick the dishes to strike from the bill."


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
        context: dict[str, Any] = {
            "at": at,
            "sitting": sitting,
            "table": table,
            "unpaid": [line for line in meal.ordered if line.paid_by is None],
            "paid": [line for line in meal.ordered if line.paid_by is not None],
            "reasons": VOID_REASONS,
            "by_person": showing.by_person,
            "people": meal.guests,
            "refusal": refusal,
            "draft": draft or _NOTHING_TYPED,
            "key": new_id("tap"),
        }
    where = f"{path_to(sitting_id)}/void"
    status = refusal.status if refusal else 200
    return await show_pane(
        request, db, "restaurant/till_void.html", where, context, sitting_id=sitting_id, status_code=status
    )


@get("/till/bills/{sitting_id:str}/void", guards=_MAY, summary="Which dishes to strike")
async def show(request: AnyRequest, db: NamedDependency[Database], sitting_id: FromPath[str]) -> Response[Any]:
    """The dishes that may be struck, with reasons; and those that are paid, with the way to a refund."""
    return await _pane(request, db, sitting_id)


@post("/till/bills/{sitting_id:str}/void", guards=_MAY, status_code=200, summary="Strike dishes from the bill")
async def strike(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], sitting_id: FromPath[str]
) -> Response[Any]:
    """Strike the ticked dishes, or so many pieces of each, all or none. Pressed twice, they are struck once."""
    form = await request.form()
    wanted = [str(line) for line in form.getall("line", [])]
    draft: dict[str, Any] = {
        "lines": wanted,
        "reason": str(form.get("reason", "")),
        "words": str(form.get("words", ""))[:200],
    }
    key = press_key(form)
    try:
        if not wanted:
            raise Invalid(CHOOSE)
        reason, _ = reason_of(draft["reason"], draft["words"], VOID_REASONS)
        async with db.transaction() as tx:
            at = await standing_at(request, tx)
            await bill_at(tx, at, sitting_id)
            held = await sittings.lock(tx, sitting_id)
            of = {line.id: line.quantity for line in await ordering.lines(tx, held.tab_id)}
            pieces = {one: quantity_in(str(form.get(f"pieces-{one}", "")), of.get(one, 1)) for one in wanted}
            for one in await strike_from(tx, held, pieces, at.staff.id, reason, key, clock.now()):
                if one.news:
                    await audit.note(
                        tx,
                        clock,
                        who=at.staff.id,
                        what="struck_dish",
                        subject=sitting_id,
                        merchant_id=at.store.merchant_id,
                        detail={
                            "line": one.line.id,
                            "dish": one.line.name,
                            "pieces": one.line.quantity,
                            "amount": str(one.line.money),
                            "reason": reason,
                        },
                    )
    except (Conflict, Invalid, NotFound) as refusal:
        return await _pane(request, db, sitting_id, refusal, draft)
    return await bill_again(request, db, sitting_id)


router = Router(path="/", route_handlers=[show, strike])
