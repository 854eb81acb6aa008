"""The console's cases: the queue of what needs a person, and one case with its story, its moves and its ruling.

Managers see their own merchant's; only who may rule sees the buttons, and the core checks every ruling again."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console import words
from saoma.console.scope import RULES, SEES, AnyRequest, asked_merchant, check_mine, names_of, shell, who
from saoma.identity import audit
from saoma.identity.guards import staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.ids import check_id
from saoma.payments.cases import Case, CaseFilter, Kind, Move, allowed, case, cases, needs_two, steps
from saoma.payments.model import Payment, PaymentEvent
from saoma.payments.payments import Payments
from saoma.payments.ruling import Rulings
from saoma.payments.surplus import AGREED
from saoma.web.page import page

PAGE = 50


@get("/console/cases", guards=[SEES], summary="Cases")
async def queue(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """What waits for a person, the longest first."""
    staff = staff_of(request)
    asked = request.query_params
    kind = asked.get("kind", "")
    wanted = CaseFilter(
        merchant_id=asked_merchant(request, staff),
        kind=kind if kind in words.KIND else "",
        status=asked.get("status", "waiting") if asked.get("status") in ("closed", "all") else "waiting",
    )
    async with db.reading() as rows:
        found = await cases(rows, wanted, str(asked.get("after", "")), PAGE + 1)
    return page(
        request,
        "console/console_cases.html",
        **shell(request),
        found=found[:PAGE],
        more=found[PAGE - 1].id if len(found) > PAGE else "",
        wanted=wanted,
        words=words,
    )


async def _page(
    request: AnyRequest,
    db: Database,
    payments: Payments,
    rulings: Rulings,
    case_id: str,
    refusal: Refused | None = None,
    *,
    chosen: str = "",
    typed: str = "",
) -> Response[Any]:
    async with db.reading() as rows:
        found = await case(rows, check_id("cas", case_id))
        check_mine(staff_of(request), found.merchant_id)
        happened = await steps(rows, found.id)
    payment, events = await _subject(payments, found)
    async with db.reading() as rows:
        names = await names_of(
            rows, [found.moved_by, found.confirmed_by, *(s.who for s in happened), *(e.said_by for e in events)]
        )
    return page(
        request,
        "console/console_case.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        case=found,
        steps=happened,
        payment=payment,
        events=events,
        moves=[(move, words.MOVE[move.value], needs_two(found, move, rulings.above)) for move in allowed(found)],
        who=lambda said: who(said, names),
        refusal=refusal,
        chosen=chosen,
        typed=typed,
        words=words,
        kind=Kind,
        agreed=AGREED,
    )


async def _subject(payments: Payments, found: Case) -> tuple[Payment | None, list[PaymentEvent]]:
    """The payment a case is about, and its story."""
    payment_id = found.subject_id if found.subject_kind == "payment" else str(found.detail.get("payment_id") or "")
    if not payment_id:
        return None, []
    try:
        return await payments.get(payment_id), await payments.story(payment_id)
    except NotFound:
        return None, []


@get("/console/cases/{case_id:str}", guards=[SEES], summary="A case")
async def show(
    request: AnyRequest,
    db: NamedDependency[Database],
    payments: NamedDependency[Payments],
    rulings: NamedDependency[Rulings],
    case_id: FromPath[str],
) -> Response[Any]:
    """One case: what happened, the money at risk, and what may be decided."""
    return await _page(request, db, payments, rulings, case_id)


@post("/console/cases/{case_id:str}/rule", guards=[RULES], summary="Rule upon a case")
async def rule(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    rulings: NamedDependency[Rulings],
    case_id: FromPath[str],
) -> Response[Any]:
    """Carry out a move with its reason, propose it, or confirm what somebody else proposed."""
    form = await request.form()
    staff = staff_of(request)

    async def note(tx: Transaction, after: Case) -> None:
        detail = {"move": after.move, "status": after.status.value, "reason": after.reason}
        await audit.note(
            tx, clock, who=staff.id, what="ruled", subject=after.id, merchant_id=after.merchant_id, detail=detail
        )

    chosen, reason = str(form.get("move", "")), str(form.get("reason", ""))[:1000]
    try:
        if chosen not in set(Move):
            raise Invalid("Choose one of the moves.")
        await rulings.rule(check_id("cas", case_id), Move(chosen), staff.id, reason, note)
    except (Invalid, Conflict) as refusal:
        # What was typed is kept: a reason is work.
        return await _page(request, db, payments, rulings, case_id, refusal, chosen=chosen, typed=reason)
    return Redirect(f"/console/cases/{case_id}", status_code=HTTP_303_SEE_OTHER)


@post("/console/cases/{case_id:str}/send-back", guards=[RULES], summary="Send a proposal back")
async def send_back(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    rulings: NamedDependency[Rulings],
    case_id: FromPath[str],
) -> Response[Any]:
    """Take a proposal off the table, with a reason."""
    form = await request.form()
    staff = staff_of(request)

    async def note(tx: Transaction, after: Case) -> None:
        await audit.note(tx, clock, who=staff.id, what="sent_back", subject=after.id, merchant_id=after.merchant_id)

    try:
        await rulings.send_back(check_id("cas", case_id), staff.id, str(form.get("reason", ""))[:1000], note)
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, payments, rulings, case_id, refusal)
    return Redirect(f"/console/cases/{case_id}", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[queue, show, rule, send_back])
