"""The console's alarms: what rings, who looks after it, what is silent until when, and who is told.

Addresses of those who are told hold secrets: they are written once and never shown again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console.scope import OPERATES, AnyRequest, names_of, shell, who
from saoma.console.words import QUEUE
from saoma.identity import audit
from saoma.identity.guards import staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Invalid, Refused
from saoma.kit.seal import Seal
from saoma.payments.alarm_rules import RULES
from saoma.payments.alarm_words import meaning
from saoma.payments.alarms import (
    acknowledge,
    add_target,
    alarm,
    end_silence,
    open_alarms,
    past_alarms,
    raise_alarm,
    remove_target,
    silence,
    silences,
    targets,
)
from saoma.settings import Settings
from saoma.web.page import page

#: How long one may keep an alarm from ringing, in hours.
HOURS = (1, 4, 12, 24, 72)


async def _page(request: AnyRequest, db: Database, clock: Clock, refusal: Refused | None = None) -> Response[Any]:
    async with db.reading() as rows:
        ringing, past = await open_alarms(rows), await past_alarms(rows)
        silent = await silences(rows, clock.now())
        told = await targets(rows)
        called = await _names(rows, [*(each.key for each in ringing), *(each.key for each in silent)])
        names = await names_of(rows, [*(a.acknowledged_by for a in [*ringing, *past]), *(s.said_by for s in silent)])
    return page(
        request,
        "console/console_alarms.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        ringing=ringing,
        past=past,
        silent=silent,
        told=told,
        who=lambda said: who(said, names),
        called=lambda text: called | {name: text(word) for name, word in QUEUE.items()},
        meaning=meaning,
        refusal=refusal,
        rules=RULES,
        hours=HOURS,
    )


class _Name(msgspec.Struct, frozen=True):
    id: str
    name: str


async def _names(rows: Rows, ids: Sequence[str]) -> dict[str, str]:
    """The names of accounts and merchants by their ids."""
    sql = """SELECT id, name FROM accounts WHERE id = ANY(%(ids)s)
             UNION ALL SELECT id, name FROM merchants WHERE id = ANY(%(ids)s)"""
    return {each.id: each.name for each in await rows.rows(_Name, sql, {"ids": sorted(set(ids))})}


@get("/console/alarms", guards=[OPERATES], summary="Alarms")
async def show(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """What rings, what was, what is silent, who is told."""
    return await _page(request, db, clock)


def _back() -> Response[Any]:
    return Redirect("/console/alarms", status_code=HTTP_303_SEE_OTHER)


async def _note(tx: Transaction, clock: Clock, request: AnyRequest, what: str, subject: str) -> None:
    await audit.note(tx, clock, who=staff_of(request).id, what=what, subject=subject)


@post("/console/alarms/{alarm_id:str}/acknowledge", guards=[OPERATES], summary="Acknowledge an alarm")
async def take_over(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], alarm_id: FromPath[str]
) -> Response[Any]:
    """I look after it: nobody else is told."""
    async with db.transaction() as tx:
        found = await alarm(tx, alarm_id)
        await acknowledge(tx, found.id, staff_of(request).id, clock.now())
        await _note(tx, clock, request, "acknowledged_alarm", found.id)
    return _back()


@post("/console/alarms/silence", guards=[OPERATES], summary="Silence a rule")
async def be_silent(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Keep a rule, or one group of it, from ringing for some hours, with a reason."""
    form = await request.form()
    try:
        hours = int(str(form.get("hours", "")) or 0)
        name, key = str(form.get("rule", "")), str(form.get("key", ""))
        async with db.transaction() as tx:
            now = clock.now()
            await silence(
                tx,
                rule=name,
                key=key,
                until=now + timedelta(hours=min(max(hours, 0), 1000)),
                by=staff_of(request).id,
                reason=str(form.get("reason", ""))[:500],
                now=now,
            )
            await _note(tx, clock, request, "silenced_alarm", f"{name} {key}".strip())
    except Invalid as refusal:
        return await _page(request, db, clock, refusal)
    except ValueError:
        return await _page(request, db, clock, Invalid("A silence ends within seven days. Choose when."))
    return _back()


@post("/console/alarms/silence/{silence_id:str}/end", guards=[OPERATES], summary="End a silence")
async def ring_again(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], silence_id: FromPath[str]
) -> Response[Any]:
    """Let it ring again."""
    async with db.transaction() as tx:
        await end_silence(tx, silence_id, clock.now())
        await _note(tx, clock, request, "ended_silence", silence_id)
    return _back()


@post("/console/alarms/targets", guards=[OPERATES], summary="Tell somebody")
async def tell_somebody(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """Add somebody who is told, from which level on, and their quiet hours."""
    form = await request.form()
    try:
        begins, ends = (str(form.get(name, "")) for name in ("quiet_from", "quiet_to"))
        quiet = (time.fromisoformat(begins), time.fromisoformat(ends)) if begins and ends else None
        async with db.transaction() as tx:
            target_id = await add_target(
                tx,
                seal,
                name=str(form.get("name", ""))[:80],
                url=str(form.get("url", ""))[:500],
                level=int(str(form.get("level", "0"))),
                quiet=quiet,
                loopback=settings.loopback_webhooks,
            )
            await _note(tx, clock, request, "added_alarm_target", target_id)
    except Invalid as refusal:
        return await _page(request, db, clock, refusal)
    except ValueError:
        return await _page(request, db, clock, Invalid("Look at what you entered and try again. Nothing was changed."))
    return _back()


@post("/console/alarms/targets/{target_id:str}/remove", guards=[OPERATES], summary="Tell somebody no more")
async def tell_no_more(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], target_id: FromPath[str]
) -> Response[Any]:
    """Take somebody off the list."""
    async with db.transaction() as tx:
        await remove_target(tx, target_id)
        await _note(tx, clock, request, "removed_alarm_target", target_id)
    return _back()


@post("/console/alarms/test", guards=[OPERATES], summary="Ring for a test")
async def ring_for_a_test(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Ring once, so that everybody sees that messages arrive."""
    async with db.transaction() as tx:
        raised = await raise_alarm(tx, "test", f"{clock.now():%Y-%m-%d %H:%M}", "This is a test.", now=clock.now())
        await _note(tx, clock, request, "tested_alarms", raised.id)
    return _back()


router = Router(
    path="/",
    route_handlers=[show, take_over, be_silent, ring_again, tell_somebody, tell_no_more, ring_for_a_test],
)
