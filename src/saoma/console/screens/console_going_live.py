"""The console's switch to production: ticking what only people can see to, asking, agreeing, and the way back.

What can be proven is looked at again at the very moment of the switch; a page that is old counts for nothing."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.console.going_live import BY_HAND, Practised
from saoma.console.scope import OPERATES, AnyRequest
from saoma.console.screens.console_accounts import account_page, points_of, to_account
from saoma.identity import going_live
from saoma.identity.account_check import Doctor
from saoma.identity.accounts import account_view
from saoma.identity.guards import staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, Refused
from saoma.kit.seal import Seal
from saoma.settings import Settings


@post("/console/accounts/{account_id:str}/points/{point:str}", guards=[OPERATES], summary="Tick a point")
async def tick(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    practised: NamedDependency[Practised],
    account_id: FromPath[str],
    point: FromPath[str],
) -> Response[Any]:
    """Somebody has seen to a point, with their name; or takes it back."""
    form = await request.form()
    by, note = staff_of(request).id, str(form.get("note", ""))
    try:
        async with db.transaction() as tx:
            view = await account_view(tx, account_id)
            proven = point == "training" and await practised(tx, [view.goes_live_for, view.id]) is not None
            if proven or point not in BY_HAND:
                raise Invalid("This point is proven by the machine; nobody ticks it.")
            if form.get("undo"):
                await going_live.untick(tx, clock, account_id, point, by=by)
            else:
                await going_live.tick(tx, clock, account_id, point, note=note, by=by)
    except Refused as refusal:
        return await account_page(request, db, seal, clock, settings, practised, account_id, refusal)
    return to_account(account_id, "#live")


@post("/console/accounts/{account_id:str}/go-live", guards=[OPERATES], summary="Switch to production")
async def switch(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    practised: NamedDependency[Practised],
    doctor: NamedDependency[Doctor],
    account_id: FromPath[str],
) -> Response[Any]:
    """Examine the account once more, look at every point, and move the merchants; or ask a second person first."""
    by = staff_of(request).id
    try:
        await doctor.examine(account_id, by)
        async with db.transaction() as tx:
            view = await account_view(tx, account_id)
            if not view.goes_live_for:
                raise Invalid("This account was not prepared for going live.")
            still = [point.name for point in await points_of(tx, seal, view, settings, practised) if not point.done]
            await going_live.go_live(
                tx, seal, clock, account_id, by=by, open_points=still, two=settings.second_person_to_go_live
            )
    except Refused as refusal:
        return await account_page(request, db, seal, clock, settings, practised, account_id, refusal)
    return to_account(account_id, "#live")


@post("/console/accounts/{account_id:str}/go-back", guards=[OPERATES], summary="Back to the sandbox")
async def back(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    practised: NamedDependency[Practised],
    account_id: FromPath[str],
) -> Response[Any]:
    """Move the merchants back; what was paid in production stays there."""
    form = await request.form()
    try:
        async with db.transaction() as tx:
            reason = str(form.get("reason", ""))
            await going_live.go_back(tx, clock, account_id, by=staff_of(request).id, reason=reason)
    except Refused as refusal:
        return await account_page(request, db, seal, clock, settings, practised, account_id, refusal)
    return to_account(account_id, "#live")


router = Router(path="/", route_handlers=[tick, switch, back])
