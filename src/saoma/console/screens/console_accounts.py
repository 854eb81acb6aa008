"""The console's accounts: which there are, the key doctor at work on one, stopping it, and the pairs made here.

No page of it holds a key but public halves of our own, which are there to be copied."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.alipay.findings import all_well, words_of
from saoma.alipay.key_texts import one_line, read_key
from saoma.console import going_live as points
from saoma.console.going_live import Practised
from saoma.console.scope import OPERATES, AnyRequest, names_of, shell, who
from saoma.identity import accounts, audit, going_live
from saoma.identity.account_check import CUT_OFF, Doctor, last_look, topic_of
from saoma.identity.accounts import AccountView
from saoma.identity.guards import staff_of
from saoma.identity.model import account
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Refused
from saoma.kit.seal import Seal
from saoma.settings import Settings
from saoma.web.page import fragment, page

#: What people read in the trail.
WHAT = {
    "account_added": "Added",
    "account_changed": "Changed",
    "account_keys_replaced": "Keys replaced",
    "account_stopped": "Stopped",
    "account_resumed": "In use again",
    "going_live_prepared": "Production prepared",
    "going_live_asked": "Switch to production asked for",
    "went_live": "Switched to production",
    "went_back": "Switched back to the sandbox",
    "go_live_point_ticked": "Seen to",
    "go_live_point_unticked": "Taken back",
    "key_pair_made": "Key pair made",
}


@get("/console/accounts", guards=[OPERATES], summary="Accounts")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Every gateway account, and the key pairs that wait to be used."""
    async with db.reading() as rows:
        found = await accounts.account_views(rows)
        pairs = await accounts.spare_pairs(rows)
    return page(request, "console/console_accounts.html", **shell(request), found=found, pairs=pairs, one_line=one_line)


@post("/console/accounts/pairs", guards=[OPERATES], summary="Make a key pair")
async def make_pair(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], seal: NamedDependency[Seal]
) -> Response[Any]:
    """A pair whose public half is shown for Alipay's portal, and whose private half never is."""
    async with db.transaction() as tx:
        await accounts.make_pair(tx, seal, clock, by=staff_of(request).id)
    return Redirect("/console/accounts#pairs", status_code=HTTP_303_SEE_OTHER)


@get("/console/accounts/{account_id:str}", guards=[OPERATES], summary="An account")
async def look(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    practised: NamedDependency[Practised],
    account_id: FromPath[str],
) -> Response[Any]:
    """One account: what the doctor found, what can be done, and how far it is on its way to production."""
    return await account_page(request, db, seal, clock, settings, practised, account_id)


def to_account(account_id: str, part: str = "") -> Response[Any]:
    """After a form: on to the account's page, to a part of it if one is named."""
    return Redirect(f"/console/accounts/{account_id}{part}", status_code=HTTP_303_SEE_OTHER)


async def account_page(
    request: AnyRequest,
    db: Database,
    seal: Seal,
    clock: Clock,
    settings: Settings,
    practised: Practised,
    account_id: str,
    refusal: Refused | None = None,
) -> Response[Any]:
    """The page of one account, after a refusal with its sentence."""
    async with db.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        trail = await audit.trail(rows, account_id, 30)
        names = await names_of(rows, [entry.who for entry in trail])
        context = {
            **await _doctor(rows, clock, view),
            **await _keys(rows, seal, view),
            **await _live(rows, seal, view, settings, practised),
        }
        wish = context["wish"]
        seen_to = [tick.by for tick in context["ticks"].values()]
        names |= await names_of(rows, [*seen_to, *([wish.by] if wish else [])])
    return page(
        request,
        "console/console_account.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        view=view,
        trail=trail,
        what=WHAT,
        who=lambda said: who(said, names),
        refusal=refusal,
        two=settings.second_person_to_go_live,
        **context,
    )


async def _doctor(rows: Rows, clock: Clock, view: AccountView) -> dict[str, Any]:
    last = await last_look(rows, view.id)
    names = await names_of(rows, [last.by] if last else [])
    running = last is not None and last.ended_at is None and clock.now() - last.begun_at < CUT_OFF
    return {
        "topic": topic_of(view.id),
        "last": last,
        "examined_by": who(last.by, names) if last else "",
        "running": running,
        "findings": [(each, *words_of(each)) for each in last.findings] if last else [],
        "well": last is not None and all_well(last.findings),
    }


async def _keys(rows: Rows, seal: Seal, view: AccountView) -> dict[str, Any]:
    """The public half of our own key, which people need at Alipay's portal, and its fingerprint."""
    ours = read_key("", "private")
    if view.channel == "direct" and view.has_private:
        ours = read_key((await account(rows, seal, view.id)).private_key, "private")
    return {"fingerprint": ours.fingerprint, "public_key": ours.public_pem, "one_line": one_line}


async def _live(rows: Rows, seal: Seal, view: AccountView, settings: Settings, practised: Practised) -> dict[str, Any]:
    """The list for going live, for a production account that was prepared."""
    nothing: dict[str, Any] = {
        "points": [],
        "after": [],
        "ticks": {},
        "wish": None,
        "facts": None,
        "production": "",
        "is_live": False,
    }
    if view.channel != "direct":
        return nothing
    if view.environment == "sandbox":
        return nothing | {"production": await going_live.production_of(rows, view.id)}
    facts = await points.facts_of(rows, view.id, view.goes_live_for)
    if not view.goes_live_for:
        return nothing | {"after": points.after(facts)}
    ticks = await going_live.ticks(rows, view.id)
    return nothing | {
        "points": await points_of(rows, seal, view, settings, practised),
        "after": points.after(facts),
        "ticks": ticks,
        "wish": await going_live.wish_of(rows, view.id),
        "facts": facts,
        "is_live": view.merchants > 0,
    }


async def points_of(
    rows: Rows, seal: Seal, view: AccountView, settings: Settings, practised: Practised
) -> list[points.Point]:
    """The points before going live, as they stand now."""
    last = await last_look(rows, view.id)
    return points.before(
        await account(rows, seal, view.goes_live_for),
        await account(rows, seal, view.id),
        await points.facts_of(rows, view.id, view.goes_live_for),
        last.findings if last and last.ended_at else [],
        settings.public_url,
        await going_live.ticks(rows, view.id),
        await practised(rows, [view.goes_live_for, view.id]),
    )


# --- the doctor -------------------------------------------------------------------------------------------------------


@post("/console/accounts/{account_id:str}/doctor", guards=[OPERATES], summary="Examine an account")
async def run_doctor(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    doctor: NamedDependency[Doctor],
    account_id: FromPath[str],
) -> Response[Any]:
    """Have the key doctor look; each line is shown as it is found, on every page that watches."""
    await doctor.examine(account_id, staff_of(request).id)
    if request.headers.get("HX-Request") == "true":
        return await _findings(request, db, clock, account_id)
    return to_account(account_id)


@get("/console/accounts/{account_id:str}/doctor", guards=[OPERATES], summary="What the doctor has found")
async def findings(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], account_id: FromPath[str]
) -> Response[Any]:
    """The lines so far."""
    return await _findings(request, db, clock, account_id)


async def _findings(request: AnyRequest, db: Database, clock: Clock, account_id: str) -> Response[Any]:
    async with db.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        context = await _doctor(rows, clock, view)
    # who pressed the button fetches the lines once more, should its live updates be broken
    told = {"HX-Trigger": "live:examined"} if request.method == "POST" else {}
    return fragment(request, "console/console_account.html", "doctor", headers=told, view=view, **context)


# --- stopping ---------------------------------------------------------------------------------------------------------


@post("/console/accounts/{account_id:str}/stop", guards=[OPERATES], summary="Stop an account")
async def stop(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    practised: NamedDependency[Practised],
    account_id: FromPath[str],
) -> Response[Any]:
    """Nobody pays through it any more; what was begun goes on."""
    form = await request.form()
    try:
        async with db.transaction() as tx:
            reason = str(form.get("reason", ""))
            await accounts.stop_account(tx, clock, account_id, by=staff_of(request).id, reason=reason)
    except Refused as refusal:
        return await account_page(request, db, seal, clock, settings, practised, account_id, refusal)
    return to_account(account_id)


@post("/console/accounts/{account_id:str}/resume", guards=[OPERATES], summary="Use a stopped account again")
async def resume(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], account_id: FromPath[str]
) -> Response[Any]:
    """People may pay through it again."""
    async with db.transaction() as tx:
        await accounts.resume_account(tx, clock, account_id, by=staff_of(request).id)
    return to_account(account_id)


router = Router(path="/", route_handlers=[show, make_pair, look, run_doctor, findings, stop, resume])
