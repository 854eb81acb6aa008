"""The console's refunds: those that wait for a second person first, then all others, newest first.

Whoever asked for a refund can't be its second person; the payment core says so, not the buttons."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console import searching, words
from saoma.console.scope import SEES, AnyRequest, asked_merchant, check_mine, names_of, shell, who
from saoma.identity import audit
from saoma.identity.guards import May, needs, staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, NotAllowed, Refused
from saoma.kit.ids import check_id
from saoma.payments.model import REFUND_COLUMNS, Refund
from saoma.payments.payments import Payments
from saoma.web.page import page

_APPROVES = needs(May.APPROVE_REFUNDS)


async def _page(request: AnyRequest, db: Database, refusal: Refused | None = None) -> Response[Any]:
    staff = staff_of(request)
    asked = request.query_params
    status = asked.get("status", "")
    merchant_id = asked_merchant(request, staff)
    async with db.reading() as rows:
        waiting = await searching.refunds(rows, merchant_id, "requested")
        found = await searching.refunds(
            rows,
            merchant_id,
            status if status in words.REFUND_STATUS else "",
            str(asked.get("after", "")),
            searching.PAGE + 1,
        )
        names = await names_of(rows, [each.requested_by for each in [*waiting, *found]])
    return page(
        request,
        "console/console_refunds.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        waiting=waiting,
        found=found[: searching.PAGE],
        more=found[searching.PAGE - 1].id if len(found) > searching.PAGE else "",
        status=status,
        may_approve=staff.may(May.APPROVE_REFUNDS),
        who=lambda said: who(said, names),
        refusal=refusal,
        words=words,
    )


@get("/console/refunds", guards=[SEES], summary="Refunds")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Every refund of mine, those that wait for a second person first."""
    return await _page(request, db)


async def _decide(
    request: AnyRequest, db: Database, clock: Clock, payments: Payments, refund_id: str, *, agrees: bool
) -> Response[Any]:
    staff = staff_of(request)
    async with db.reading() as rows:
        sql = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = %(id)s"  # noqa: S608
        refund = await rows.one(Refund, sql, {"id": check_id("ref", refund_id)})
    check_mine(staff, refund.merchant_id)
    try:
        if agrees:
            await payments.approve_refund(refund.id, staff.id)
        else:
            reason = str((await request.form()).get("reason", ""))[:500]
            await payments.refuse_refund(refund.id, staff.id, reason)
    except (Conflict, NotAllowed) as refusal:
        return await _page(request, db, refusal)
    async with db.transaction() as tx:
        what = "approved_refund" if agrees else "refused_refund"
        await audit.note(tx, clock, who=staff.id, what=what, subject=refund.id, merchant_id=refund.merchant_id)
    return Redirect("/console/refunds", status_code=HTTP_303_SEE_OTHER)


@post("/console/refunds/{refund_id:str}/approve", guards=[_APPROVES], summary="Be a refund's second person")
async def approve(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    refund_id: FromPath[str],
) -> Response[Any]:
    """Agree: the refund goes to the provider at once."""
    return await _decide(request, db, clock, payments, refund_id, agrees=True)


@post("/console/refunds/{refund_id:str}/refuse", guards=[_APPROVES], summary="Refuse a refund")
async def refuse(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    refund_id: FromPath[str],
) -> Response[Any]:
    """Do not agree: nothing is sent."""
    return await _decide(request, db, clock, payments, refund_id, agrees=False)


router = Router(path="/", route_handlers=[show, approve, refuse])
